"""`wlproxy doctor`: what this installation and this machine can do, and which build of the data plane runs.

Promises: only looks; changes nothing, opens no window, connects nowhere. Each line is a fact that was observed here, not what a
version number suggests. Exit code 0 where wlproxy can run, 1 where something it needs is missing.
Trusts: the environment of the user who asks.
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
import socket
import stat
import sys
from dataclasses import asdict, dataclass
from typing import Any, Final

import wlproxy

# what the relay runs through for each message, by the names that setup.py compiles
DATA_PLANE: Final = ("wlproxy.core", "wlproxy.handlers")
RELAY_MODULES: Final = ("relay", "half", "link", "broker_line", "files", "pump", "mirrors", "remote_pipes", "waypipe")
DATA_PLANE_MODULES: Final = tuple(f"wlproxy.sidecar.{name}" for name in RELAY_MODULES)
EXTENSION_SUFFIX: Final = ".so"

# prctl(2), seccomp(2), landlock_create_ruleset(2), fcntl(2)
PR_GET_SECCOMP: Final = 21
PR_GET_NO_NEW_PRIVS: Final = 39
PR_GET_MDWE: Final = 66
SYS_LANDLOCK_CREATE_RULESET: Final = 444  # one number on every architecture
LANDLOCK_CREATE_RULESET_VERSION: Final = 1
SECCOMP_ACTIONS: Final = "/proc/sys/kernel/seccomp/actions_avail"
TEST_PROGRAMS: Final = ("weston", "sway", "foot", "grim", "wtype", "wl-copy", "waypipe")

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"
EXAMPLE: Final = "example: wlproxy doctor --json"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `state` is ok, warn (less speed or protection than possible) or fail (wlproxy cannot run)."""

    topic: str
    state: str
    text: str
    hint: str = ""


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("doctor", help="what this installation and this machine can do", epilog=EXAMPLE)
    add_options(parser)
    parser.set_defaults(function=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable, with every module's build")
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
    findings = examine(modules)
    if args.json:
        print(json.dumps(as_json(modules, findings), indent=2, sort_keys=True))
    else:
        for finding in findings:
            print(f"{finding.state:4}  {finding.topic:16} {printable(finding.text)}")
            if finding.hint:
                print(f"      {'':16} {printable(finding.hint)}")
    return 1 if any(finding.state == FAIL for finding in findings) else 0


def examine(modules: dict[str, str]) -> list[Finding]:
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
        compositor_finding(),
        programs_finding(),
    ]


def as_json(modules: dict[str, str], findings: list[Finding]) -> dict[str, Any]:
    return {
        "version": wlproxy.__version__,
        "python": platform.python_version(),
        "build": build_word(modules),
        "modules": modules,
        "findings": [asdict(finding) for finding in findings],
    }


# which build


def data_plane() -> dict[str, str]:
    """Each module that setup.py compiles where it can -> compiled, interpreted or why it does not import."""
    names = list(DATA_PLANE_MODULES)
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
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM | socket.SOCK_CLOEXEC).close()
    except OSError as error:
        return Finding("vsock", OK, f"not available ({error.strerror}); only vsock: and VMMs on AF_VSOCK need it")
    return Finding("vsock", OK, "available")


def mdwe_finding(libc: ctypes.CDLL) -> Finding:
    state = libc.prctl(PR_GET_MDWE, 0, 0, 0, 0)
    if state < 0:
        return Finding("mdwe", OK, "not available (Linux 6.3 or newer)")
    return Finding("mdwe", OK, "available" + (", in force here" if state & 1 else ""))


# around us


def compositor_finding() -> Finding:
    display = os.environ.get("WAYLAND_DISPLAY", "wayland-0")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not runtime and not display.startswith("/"):
        return Finding("compositor", OK, "no XDG_RUNTIME_DIR: name the socket with --upstream, where there is a compositor")
    path = os.path.join(runtime, display)
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError as error:
        return Finding("compositor", OK, f"{path}: {error.strerror}; `wlproxy run` waits for it, --upstream names another")
    if not is_socket:
        return Finding("compositor", WARN, f"{path} is no socket")
    if not os.access(path, os.W_OK):
        return Finding("compositor", WARN, f"{path} may not be connected to by uid {os.getuid()}")
    return Finding("compositor", OK, f"socket at {path}")


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
