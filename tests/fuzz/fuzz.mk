# Included by the Makefile; expects BIN (the environment's bin directory). Findings land in fuzz-findings/, exit code not 0.
#
# make fuzz         ten minutes: generator against the build that is installed (compiled) and against the source tree, what of
#                   core/ and handlers/ that reached, coverage-guided (where atheris is installed), libwayland, live compositors
# make fuzz-short   the same in a minute, for CI
# make attack       the hostile guest against a forwarder and against the proxy, with each compositor there is

BIN ?= .venv/bin
FUZZ_PYTHON ?= $(BIN)/python
FUZZ_JOBS ?= 2
FUZZ_SEED ?= $(shell date +%j)000000
ATTACK_POLICY ?= strict
ATTACK_PROXY = $(FUZZ_PYTHON) -m wlproxy run --listen unix:{listen} --upstream {upstream} --policy $(ATTACK_POLICY)

.PHONY: fuzz fuzz-short attack

fuzz: FUZZ_SECONDS := 110
fuzz: FUZZ_COVERED := 60
fuzz: FUZZ_GUIDED := 120
fuzz: FUZZ_LIVE := 60
fuzz: FUZZ_CONVERSATIONS := 150
fuzz-short: FUZZ_SECONDS := 10
fuzz-short: FUZZ_COVERED := 9
fuzz-short: FUZZ_GUIDED := 8
fuzz-short: FUZZ_LIVE := 6
fuzz-short: FUZZ_CONVERSATIONS := 20

# The console script runs what is installed, `python -m` in this folder the source tree, interpreted. compact.py and protocol.py read
# protocol data and no peer's bytes.
FUZZ_COVERAGE = $(FUZZ_PYTHON) -m coverage
FUZZ_DATA := .cache/fuzz-coverage
FUZZ_OMIT := */core/compact.py,*/core/protocol.py

fuzz fuzz-short:
	@mkdir -p .cache
	cd .cache && $(abspath $(BIN))/wlproxy fuzz --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) --seed $(FUZZ_SEED)1 --findings ../fuzz-findings
	$(FUZZ_PYTHON) -m wlproxy fuzz --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) --seed $(FUZZ_SEED)
	$(FUZZ_PYTHON) -m tests.fuzz.waypipe --seconds $(FUZZ_COVERED) --seed $(FUZZ_SEED)
	$(FUZZ_COVERAGE) run --branch --source=wlproxy.core,wlproxy.handlers --omit='$(FUZZ_OMIT)' --data-file=$(FUZZ_DATA) \
		-m wlproxy fuzz --seconds $(FUZZ_COVERED) --seed $(FUZZ_SEED)2
	$(FUZZ_COVERAGE) report --data-file=$(FUZZ_DATA) --show-missing
	WLPROXY_FUZZ_CONVERSATIONS=$(FUZZ_CONVERSATIONS) $(FUZZ_PYTHON) -m pytest -q tests/fuzz/test_libwayland.py
	@if $(FUZZ_PYTHON) -c 'import atheris' 2>/dev/null; then \
		mkdir -p .cache/fuzz-corpus && \
		$(FUZZ_PYTHON) -m tests.fuzz.atheris_session -max_total_time=$(FUZZ_GUIDED) -rss_limit_mb=1500 -max_len=1200 \
			-len_control=0 -print_final_stats=1 .cache/fuzz-corpus tests/fuzz/corpus >.cache/atheris.log 2>&1 \
			|| { tail -40 .cache/atheris.log; exit 1; }; \
		grep -e 'cov:' .cache/atheris.log | tail -1; tail -5 .cache/atheris.log; \
		$(FUZZ_PYTHON) -m tests.fuzz.waypipe --seeds .cache/waypipe-seeds && mkdir -p .cache/waypipe-corpus && \
		$(FUZZ_PYTHON) -m tests.fuzz.waypipe --guided -max_total_time=$(FUZZ_GUIDED) -rss_limit_mb=1500 -max_len=4000 \
			-len_control=0 -print_final_stats=1 .cache/waypipe-corpus .cache/waypipe-seeds >.cache/atheris.log 2>&1 \
			|| { tail -40 .cache/atheris.log; exit 1; }; \
		grep -e 'cov:' .cache/atheris.log | tail -1; tail -5 .cache/atheris.log; \
	else echo 'coverage-guided run: skipped, atheris is not installed'; fi
	$(FUZZ_PYTHON) -m tests.fuzz.live --compositor weston --seconds $(FUZZ_LIVE) --seed $(FUZZ_SEED)
	$(FUZZ_PYTHON) -m tests.fuzz.live --compositor sway --seconds $(FUZZ_LIVE) --seed $(FUZZ_SEED)

# The forwarder's table ends with an exit code of its own: everything is meant to get through there.
attack:
	@echo 'nothing filtered:'
	-@$(FUZZ_PYTHON) -m tests.attack --compositor stub --proxy forward
	@for compositor in weston sway; do if command -v $$compositor >/dev/null; then \
		echo "$$compositor, nothing filtered:"; \
		$(FUZZ_PYTHON) -m tests.attack --compositor $$compositor --proxy forward | grep -e DIED -e killed; fi; done
	@echo 'through wlproxy, policy $(ATTACK_POLICY):'
	-@$(FUZZ_PYTHON) -m tests.attack --compositor stub --proxy '$(ATTACK_PROXY)'
	@for compositor in weston sway; do if command -v $$compositor >/dev/null; then \
		echo "$$compositor, through wlproxy:"; \
		$(FUZZ_PYTHON) -m tests.attack --compositor $$compositor --proxy '$(ATTACK_PROXY)' || exit 1; fi; done
