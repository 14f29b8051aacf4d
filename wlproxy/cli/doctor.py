"""`wlproxy doctor`: what this installation and this machine can do, and which build of the data plane runs.

Promises: only looks; changes nothing, opens no window. It asks the compositor for its list of globals, once, and confines a child of its
own. Each line is a fact that was observed here, not what a version number suggests. Exit code 0 where wlproxy can run, 1 where
something it needs is missing. Trusts: the environment of the user who asks.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import fcntl
import importlib
import json
import os
import pkgutil
import platform
import shutil
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import wlproxy

if TYPE_CHECKING:
    from ..sidecar.confine import Step
    from ..sidecar.probe import Found

# what the relay runs through for each message, by the names that setup.py compiles
DATA_PLANE: Final = ("wlproxy.core", "wlproxy.handlers", "wlproxy.sidecar.relay")
EXTENSION_SUFFIX: Final = ".so"

# prctl(2), seccomp(2), landlock_create_ruleset(2), fcntl(2)
PR_GET_SECCOMP: Final = 21
PR_GET_NO_NEW_PRIVS: Final = 39
PR_GET_MDWE: Final = 66
SYS_LANDLOCK_CREATE_RULESET: Final = 444  # one number on every architecture
LANDLOCK_CREATE_RULESET_VERSION: Final = 1
SECCOMP_ACTIONS: Final = "/proc/sys/kernel/seccomp/actions_avail"
PROTOCOLS: Final = "/proc/net/protocols"
VSOCK_DEVICE: Final = "/dev/vsock"
TEST_PROGRAMS: Final = ("weston", "sway", "foot", "grim", "wtype", "wl-copy", "waypipe")

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"
EXAMPLE: Final = "example: wlproxy doctor --json; wlproxy doctor --upstream /run/user/1000/wayland-1"
MOST_TEXT: Final = 128  # characters of a name that is not ours
NAMES_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `state` is ok, warn (less speed or protection than possible) or fail (wlproxy cannot run)."""

    topic: str
    state: str
    text: str
    hint: str = ""


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("doctor", description="What this installation and this machine can do.", epilog=EXAMPLE)
    add_options(parser)
    parser.set_defaults(function=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable, with every module's build")
    parser.add_argument("--upstream", default="", metavar="PATH", help="the compositor's socket; default: as a client would find it")
    parser.add_argument(
        "--build",
        nargs="?",
        const="line",
        choices=("line", "word"),
        help="only which build runs: one line, or one word (compiled, interpreted, mixed)",
    )


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    modules = data_plane()
    if args.build == "word":
        print(build_word(modules))
        return 0
    if args.build == "line":
        print(f"wlproxy {wlproxy.__version__}: {build_finding(modules).text}")
        return 0
    confined = confinement()
    upstream = look_upstream(args.upstream)
    findings = examine(modules, confined, upstream)
    if args.json:
        print(json.dumps(as_json(modules, findings, confined, upstream), indent=2, sort_keys=True))
    else:
        for finding in findings:
            print(f"{finding.state:4}  {finding.topic:16} {printable(finding.text)}")
            if finding.hint:
                print(f"      {'':16} {printable(finding.hint)}")
    return 1 if any(finding.state == FAIL for finding in findings) else 0


def examine(modules: dict[str, str], confined: Found, upstream: Upstream) -> list[Finding]:
    """Every fact, in the order they are shown."""
    return [
        Finding("wlproxy", OK, f"{wlproxy.__version__} from {os.path.dirname(wlproxy.__file__)}"),
        python_finding(),
        build_finding(modules),
        *library_findings(),
        data_finding("protocols"),
        data_finding("policies"),
        Finding("kernel", OK, f"{platform.system()} {platform.release()} {platform.machine()}"),
        *kernel_findings(),
        *confinement_findings(confined),
        *upstream_findings(upstream),
        programs_finding(),
    ]


def as_json(modules: dict[str, str], findings: list[Finding], confined: Found, upstream: Upstream) -> dict[str, Any]:
    """All of it as one value. `confinement.steps[].state`: applied, not available or failed; `upstream.globals`: null where it
    could not be asked."""
    return {
        "version": wlproxy.__version__,
        "python": platform.python_version(),
        "build": build_word(modules),
        "modules": modules,
        "findings": [asdict(finding) for finding in findings],
        "confinement": {
            "steps": [{"name": s.name, "state": state_of(s), "why": s.why} for s in confined.steps],
            "attempts": confined.probes,
            "error": confined.why,
        },
        "upstream": asdict(upstream),
    }


# which build


def data_plane() -> dict[str, str]:
    """Each module that setup.py compiles where it can -> compiled, interpreted or why it does not import."""
    names: list[str] = []
    for package_name in DATA_PLANE:
        package = importlib.import_module(package_name)
        names += [f"{package_name}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    result = {}
    for name in sorted(names):
        try:
            module_file = importlib.import_module(name).__file__ or ""
        except ModuleNotFoundError as error:
            if error.name == name:
                continue  # not in this version
            result[name] = f"does not import: {error}"
        except ImportError as error:
            result[name] = f"does not import: {error}"
        else:
            result[name] = "compiled" if module_file.endswith(EXTENSION_SUFFIX) else "interpreted"
    return result


def build_word(modules: dict[str, str]) -> str:
    words = set(modules.values())
    return words.pop() if len(words) == 1 else "mixed"


def build_finding(modules: dict[str, str]) -> Finding:
    broken = [f"{name} {why}" for name, why in modules.items() if why.startswith("does not import")]
    if broken:
        return Finding("build", FAIL, "; ".join(broken), "install wlproxy again")
    word = build_word(modules)
    if word == "compiled":
        return Finding("build", OK, f"compiled data plane ({len(modules)} modules)")
    if word == "interpreted":
        hint = "same decisions, slower; for the compiled build: a C compiler and Python's headers, then pip install again"
        return Finding("build", WARN, f"interpreted data plane ({len(modules)} modules)", hint)
    interpreted = [name for name, how in modules.items() if how == "interpreted"]
    return Finding("build", WARN, f"mixed build, interpreted are: {', '.join(interpreted)}", "install wlproxy again")


def python_finding() -> Finding:
    text = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    return Finding("python", OK, text)


def library_findings() -> list[Finding]:
    findings = []
    for name, state, hint in (
        ("trio", WARN, "the demo, the tests and `wlproxy serve` need it"),
        ("cffi", WARN, "pip install cffi"),
        ("librt", WARN, "word access is slower without it; the compiled build needs it"),
        ("pywayland", OK, 'only the demo, `learn` and the tests need it: pip install "wlproxy[tools]"'),
    ):
        version = installed_version(name)
        findings.append(Finding(name, OK, version) if version else Finding(name, state, "not installed", hint))
    return findings


def installed_version(name: str) -> str:
    from importlib import metadata  # takes longer to import than all of the rest

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def data_finding(name: str) -> Finding:
    """Where the folder `name` of the source tree is: in the installation, or beside the sources."""
    package = os.path.dirname(os.path.abspath(wlproxy.__file__))
    for folder in (os.path.join(package, f"{name}_data"), os.path.join(os.path.dirname(package), name)):
        if os.path.isdir(folder):
            count = sum(len([file for file in files if not file.endswith((".py", ".pyc"))]) for _, _, files in os.walk(folder))
            return Finding(name, OK if count else WARN, f"{count} files in {folder}")
    return Finding(name, FAIL, "not found", "install wlproxy again, or run it from a complete source tree")


# the kernel


def kernel_findings() -> list[Finding]:
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privs = libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
    return [
        Finding("no_new_privs", OK, "available" + (", in force here" if no_new_privs == 1 else ""))
        if no_new_privs >= 0
        else Finding("no_new_privs", FAIL, "the kernel does not know it", "Linux 3.5 or newer"),
        seccomp_finding(libc),
        landlock_finding(libc),
        seal_finding(),
        vsock_finding(),
        mdwe_finding(libc),
    ]


def seccomp_finding(libc: ctypes.CDLL) -> Finding:
    mode = libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0)
    if mode < 0:
        return Finding("seccomp", WARN, "the kernel is built without it", "CONFIG_SECCOMP_FILTER")
    try:
        with open(SECCOMP_ACTIONS, encoding="ascii") as file:
            actions = file.read().split()
    except OSError:
        return Finding("seccomp", OK, "available (the list of actions is not readable)")
    return Finding("seccomp", OK, f"available: {' '.join(actions)}" + ("; a filter is in force here" if mode == 2 else ""))


def landlock_finding(libc: ctypes.CDLL) -> Finding:
    version = libc.syscall(SYS_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(LANDLOCK_CREATE_RULESET_VERSION))
    if version > 0:
        return Finding("Landlock", OK, f"ABI {version}")
    reason = ctypes.get_errno()
    if reason == errno.EOPNOTSUPP:
        return Finding("Landlock", WARN, "built into the kernel, but switched off", "add landlock to the kernel's lsm= list")
    return Finding("Landlock", WARN, f"not available ({os.strerror(reason)})", "Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK")


def seal_finding() -> Finding:
    """Whether a shared memory file can be sealed against shrinking, which is what protects the compositor from SIGBUS."""
    try:
        fd = os.memfd_create("wlproxy-doctor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        return Finding("memfd seals", WARN, f"no sealable memory files: {error.strerror}")
    try:
        os.ftruncate(fd, 4096)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
        try:
            os.ftruncate(fd, 0)
        except PermissionError:
            return Finding("memfd seals", OK, f"F_SEAL_SHRINK holds (seals {seals:#x})")
        return Finding("memfd seals", WARN, "F_SEAL_SHRINK is accepted but does not hold")
    except OSError as error:
        return Finding("memfd seals", WARN, f"cannot be set: {error.strerror}")
    finally:
        os.close(fd)


def vsock_finding() -> Finding:
    """By what the kernel lists: making such a socket would load modules."""
    try:
        with open(PROTOCOLS, encoding="ascii") as file:
            known = any(line.startswith("AF_VSOCK ") for line in file)
    except OSError as error:
        return Finding("vsock", OK, f"{PROTOCOLS} is not readable ({error.strerror})")
    if known or os.path.exists(VSOCK_DEVICE):
        return Finding("vsock", OK, "available")
    return Finding("vsock", OK, "not loaded; only vsock: and VMMs on AF_VSOCK need it")


def mdwe_finding(libc: ctypes.CDLL) -> Finding:
    state = libc.prctl(PR_GET_MDWE, 0, 0, 0, 0)
    if state < 0:
        return Finding("mdwe", OK, "not available (Linux 6.3 or newer)")
    return Finding("mdwe", OK, "available" + (", in force here" if state & 1 else ""))


# what is in force


def confinement() -> Found:
    """A child confined as a relay is, and what it could still do."""
    from ..sidecar.probe import probe
    from .run import DEFAULT_GUEST

    sys.stdout.flush()  # or the child has a copy of what is buffered
    return probe(DEFAULT_GUEST)


def state_of(step: Step) -> str:
    """One of three words."""
    return "applied" if step.done else "not available" if step.unknown else "failed"


def confinement_findings(confined: Found) -> list[Finding]:
    """A line for each step, one for what was tried afterwards."""
    from ..sidecar.confine import lacking

    missing = lacking(confined.steps)
    findings = []
    for step in confined.steps:
        text = f"{step.name}: {state_of(step)}" + (f" ({step.why})" if step.why else "")
        hint = "`wlproxy run` does not start here unless told --confine prefer" if step in missing else ""
        findings.append(Finding("confinement", WARN if step in missing else OK, text, hint))
    refused = [f"{name} ({error})" for name, error in confined.probes.items() if name not in confined.possible]
    if refused:
        findings.append(Finding("confined relay", OK, f"is refused: {', '.join(refused)}"))
    if confined.possible:
        broken = FAIL if not missing else WARN  # every step claims to be in force, and yet
        tried = ", ".join(f"{name} ({confined.probes[name]})" for name in confined.possible)
        findings.append(Finding("confined relay", broken, f"is not refused: {tried}"))
    if confined.why:
        findings.append(Finding("confined relay", FAIL, confined.why, "what confinement is worth here could not be seen"))
    return findings


# around us


@dataclass(frozen=True, slots=True)
class Upstream:
    """The compositor. `globals`: interfaces it announces, None where it could not be asked and `why` says why not; `unknown`: those of
    them that are not in our protocol data, which no policy can allow. `prefer` and `require`: what a policy's words mean here."""

    path: str
    why: str = ""
    broken: bool = False
    globals: list[str] | None = None
    unknown: list[str] = field(default_factory=list)
    security_context: bool | None = None
    prefer: str = ""
    require: str = ""


def look_upstream(given: str) -> Upstream:
    """Asks the compositor at `given`, or at the place where a client would look."""
    from ..policy.load_protocols import load_shipped
    from ..sidecar.security_context import MANAGER, globals_of
    from ..sidecar.upstream import default_path

    path = os.path.abspath(given) if given else default_path(dict(os.environ))
    if not path:
        return Upstream("", "no XDG_RUNTIME_DIR: name the socket with --upstream, where there is a compositor")
    try:
        announced = list(globals_of(path))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error.strerror or str(error)
        return Upstream(path, why, bool(given) or os.path.lexists(path))
    offered = MANAGER in announced
    return Upstream(
        path,
        globals=announced,
        unknown=sorted(set(announced) - set(load_shipped())),
        security_context=offered,
        prefer="guests connect by way of a security context" if offered else "guests connect to the compositor's own socket",
        require="guests connect by way of a security context" if offered else "no guest is served",
    )


def upstream_findings(upstream: Upstream) -> list[Finding]:
    """Whether it is there, its security contexts, what it has that we do not know."""
    if upstream.globals is None:
        if upstream.broken:
            return [Finding("compositor", WARN, f"{upstream.path}: {upstream.why}", "name another socket with --upstream")]
        text = f"{upstream.path}: {upstream.why}; `wlproxy run` waits for it, --upstream names another" if upstream.path else upstream.why
        return [Finding("compositor", OK, text)]
    count = len(upstream.globals)
    findings = [Finding("compositor", OK, f"{upstream.path} announces {count} interface{'' if count == 1 else 's'}")]
    offered = "offered" if upstream.security_context else "not offered"
    text = f"{offered}; security-context = prefer: {upstream.prefer}; require: {upstream.require}"
    findings.append(Finding("security context", OK if upstream.security_context else WARN, text))
    if upstream.unknown:
        names = ", ".join(cut(name) for name in upstream.unknown[:NAMES_SHOWN])
        more = f" and {len(upstream.unknown) - NAMES_SHOWN} more" if len(upstream.unknown) > NAMES_SHOWN else ""
        findings.append(Finding("unknown globals", OK, names + more, "not in our protocol data: no guest is shown them"))
    return findings


def cut(name: str) -> str:
    """A name that is not ours, at a length that fits a line."""
    return name if len(name) <= MOST_TEXT else name[:MOST_TEXT] + "..."


def programs_finding() -> Finding:
    missing = [name for name in TEST_PROGRAMS if shutil.which(name) is None]
    if missing:
        return Finding("test programs", OK, f"not installed: {' '.join(missing)}", "only the end-to-end tests need them: make apt")
    return Finding("test programs", OK, " ".join(TEST_PROGRAMS))


def printable(text: str) -> str:
    """Paths and environment may hold anything; a terminal is no place for it."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


if __name__ == "__main__":  # the Makefile asks before there is a command line
    _parser = argparse.ArgumentParser(prog="wlproxy doctor")
    add_options(_parser)
    sys.exit(run(_parser.parse_args()))
