# make demo    the main job, shown; needs no desktop and no root
# make test    lint, types, all tests, in the compiled and in the interpreted build
# make help    the rest
#
# Everything installed lands in .venv (VENV=... moves it); only `make apt`, which `make test` runs where it is root, touches
# the machine. Nothing is done again that is up to date.

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := $(VENV)/bin
SOURCES := $(shell find wlproxy protocols policies -type f ! -path '*/__pycache__/*' ! -name '*.so')
PYTEST := $(BIN)/pytest
PYTEST_ARGS ?=
SECONDS_OF_SOAK ?= 600

.DEFAULT_GOAL := help
.PHONY: help demo test lint test-interpreted test-compiled test-e2e bench soak mutate test-vm test-vm-short apt venv clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo      the main job, shown: a guest program, the proxy, a host; what was allowed and what refused'
	@echo 'make test      everything below marked *, under ten minutes'
	@echo 'make lint      * ruff, mypy --strict'
	@echo 'make test-interpreted, test-compiled   * the tests in either build (the second without e2e)'
	@echo 'make test-e2e  * real compositors and clients (weston, sway, foot, GTK, Qt)'
	@echo 'make bench     the proxy against rivals, side by side'
	@echo 'make fuzz      ten minutes of hostile guests and hosts, libwayland and live compositors; fuzz-short: one minute'
	@echo 'make attack    the hostile guest against nothing, and against the proxy, with each compositor there is'
	@echo 'make soak      SECONDS_OF_SOAK=600 of many clients, memory and descriptors watched'
	@echo 'make mutate    each defence removed, one at a time: the tests must notice'
	@echo 'make test-vm   real guests: user-mode Linux and QEMU with a Debian kernel, fetched by apt into ~/.cache/wlproxy-vm, and one with virtio-gpu,'
	@echo '               built there once (5 minutes); test-vm-short: under 2 minutes'
	@echo 'make apt       (root) the Debian packages that the e2e tests use'
	@echo 'make venv      only .venv, with wlproxy and the test tools; make clean removes what was built'

# --- what the rest stands on ---------------------------------------------------------------------------------------------

$(VENV)/.created:
	@if [ -z "$(PYTHON)" ]; then \
		echo 'wlproxy needs Python 3.11 or newer; none was found as python3, python3.11 ... python3.14.' >&2; \
		echo 'Name yours: make PYTHON=/path/to/python' >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then .ci/apt python3-venv; \
		else echo '$(PYTHON) cannot make virtual environments: as root, apt-get install python3-venv' >&2; exit 1; fi; fi
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.tools: $(VENV)/.created requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

# The wheel is what users get, so it is what is tested. Only compiled libraries may survive from the last build: setuptools
# would ship files that the source tree no longer has.
$(VENV)/.installed: $(VENV)/.tools pyproject.toml setup.py README.md LICENSE $(SOURCES)
	@if [ -d build ]; then find build -path 'build/lib*' -type f ! -name '*.so' -delete; fi
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall .
	@$(BIN)/python -P -m wlproxy.cli.doctor --build
	@touch $@

venv: $(VENV)/.installed

apt:
	@.ci/apt

clean:
	rm -rf build dist *.egg-info $(VENV) .mypy_cache .ruff_cache .pytest_cache demo-out

# --- the main job --------------------------------------------------------------------------------------------------------

demo: $(VENV)/.installed
	$(BIN)/wlproxy demo

# --- tests ---------------------------------------------------------------------------------------------------------------

test:
	@$(MAKE) --no-print-directory apt
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-interpreted
	@$(MAKE) --no-print-directory test-all-compiled

lint: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/mypy --strict

# PYTHONPATH puts the source tree before the installed wheel; there is no compiled library in the tree. Only what runs the modules that
# can be compiled: the others are the same files in both builds, and so is what is about the broker alone.
INTERPRETED := tests/core tests/handlers tests/sidecar tests/fuzz/test_campaign.py tests/fuzz/test_stateful.py tests/test_traps.py \
	$(patsubst %,--ignore=tests/sidecar/test_%.py,broker cli control listeners mode notify signature supervisor)
test-interpreted: $(VENV)/.installed
	PYTHONPATH=$(CURDIR) WLPROXY_EXPECT_BUILD=interpreted $(PYTEST) -q -m 'not e2e and not packaging and not vm' $(INTERPRETED) $(PYTEST_ARGS)

test-compiled: $(VENV)/.installed
	WLPROXY_EXPECT_BUILD=$$($(BIN)/python -P -m wlproxy.cli.doctor --build=word) $(PYTEST) -q -m 'not e2e and not vm' $(PYTEST_ARGS)

test-e2e: $(VENV)/.installed
	$(PYTEST) -q -m e2e $(PYTEST_ARGS)

.PHONY: test-all-compiled
test-all-compiled: $(VENV)/.installed
	WLPROXY_EXPECT_BUILD=$$($(BIN)/python -P -m wlproxy.cli.doctor --build=word) $(PYTEST) -q -m 'not vm' $(PYTEST_ARGS)

# --- longer runs; each says so where there is nothing to run yet ---------------------------------------------------------

bench: $(VENV)/.installed
	$(BIN)/python -m bench

include tests/fuzz/fuzz.mk
fuzz fuzz-short attack: $(VENV)/.installed

soak: $(VENV)/.installed
	$(BIN)/python -m tests.soak --seconds $(SECONDS_OF_SOAK)

# one mutant after the other, each with the tests that must notice it: some twenty minutes
mutate: $(VENV)/.installed
	$(BIN)/python -m tests.mutate

# the kernel with virtio-gpu is built once; where it cannot be, its tests are skipped and say so
test-vm: $(VENV)/.installed
	@.ci/apt flex bison bc gcc make xz-utils
	-$(BIN)/python -m tests.vm.tools.gpu_kernel
	$(PYTEST) -q tests/vm $(PYTEST_ARGS)

# builds no kernel: six minutes of processor time and 140 MB from the network are too much for each CI run, and what a VMM does to the proxy
# tests/sidecar/test_vmm.py plays in each; where `make test-vm` has built one, it is used
test-vm-short: $(VENV)/.installed
	$(PYTEST) -q -m 'not slow' tests/vm $(PYTEST_ARGS)
