"""Takes from the relay what it does not need, before it reads the first byte of a guest.

Promises: afterwards this process cannot open, create, connect, execute, trace or gain anything; what the kernel lacks is named, and is an
error where it was required. Each step is irrevocable. Trusts: the kernel.
Source: prctl(2), capabilities(7), landlock(7), seccomp(2), <linux/landlock.h>.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import struct
from collections.abc import Callable
from typing import Any, Final

from . import seccomp
from ._libc import ffi

PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
PR_SET_MDWE: Final = 65
PR_MDWE_REFUSE_EXEC_GAIN: Final = 1
LAST_CAPABILITY: Final = 63

SYS_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
SYS_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
SYS_LANDLOCK_CREATE_RULESET: Final = 444
SYS_LANDLOCK_RESTRICT_SELF: Final = 446
LINUX_CAPABILITY_VERSION_3: Final = 0x20080522
SECCOMP_SET_MODE_FILTER: Final = 1
SECCOMP_FILTER_FLAG_TSYNC: Final = 1

# Access rights that each Landlock ABI knows: file system, then network from 4 on, scopes from 6 on.
LANDLOCK_FS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
LANDLOCK_NET: Final = 3
LANDLOCK_SCOPES: Final = 3

DATA_BYTES: Final = 512 << 20
DYNAMIC_UIDS: Final = (61184, 65519)  # systemd's range for DynamicUser=

REQUIRE: Final = "require"
PREFER: Final = "prefer"
OFF: Final = "off"


class ConfinementError(Exception):
    """A step that was required failed; the text says which, why, and what to do."""


class Step:
    """One thing that was to be taken away: whether it is, and else why not. `unknown`: the kernel (or we, on this machine) has no such
    thing, as against a thing that failed."""

    def __init__(self, name: str, done: bool, why: str, unknown: bool = False) -> None:
        self.name = name
        self.done = done
        self.why = why
        self.unknown = unknown

    def __str__(self) -> str:
        return self.name if self.done else f"{self.name}: not in force, {self.why}"


def uid_for(guest: str) -> int:
    """A user id for one guest's relay where the proxy is started as root: its own, and the same at every start."""
    first, last = DYNAMIC_UIDS
    number = 0
    for byte in guest.encode("utf-8", "surrogateescape"):
        number = (number * 31 + byte) % (last - first)
    return first + number


def confine(mode: str, uid: int) -> list[Step]:
    """Takes every step. `uid`: become this user (only root can; 0: stay who we are). Raises ConfinementError under `require`."""
    if mode == OFF:
        return []
    machine = os.uname().machine
    steps = [
        attempt("bounded capabilities", drop_bounding_set),
        attempt("own user id", lambda: become(uid)),
        attempt("no core dumps", no_core),
        attempt("bounded memory", bounded_memory),
        attempt("no capabilities", lambda: no_capabilities(machine)),
        attempt("no new privileges", lambda: prctl(PR_SET_NO_NEW_PRIVS, 1)),
        attempt("no writable code", lambda: prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)),
        attempt("Landlock", landlock),
        attempt("seccomp", lambda: filter_calls(machine)),
    ]
    missing = lacking(steps)
    if missing and mode == REQUIRE:
        raise ConfinementError(
            "; ".join(map(str, missing)) + " (run with --confine prefer to accept this; `wlproxy doctor` shows what the kernel has)"
        )
    return steps


def lacking(steps: list[Step]) -> list[Step]:
    """The steps without which a relay is not confined as promised."""
    return [step for step in steps if not step.done and step.name != "no writable code"]  # seccomp refuses PROT_EXEC, too


def attempt(name: str, action: Callable[[], None]) -> Step:
    """One step and how it went."""
    try:
        action()
    except KeyError:
        return Step(name, False, f"nothing is known of {os.uname().machine}", unknown=True)
    except (OSError, ValueError) as error:
        unknown = getattr(error, "errno", None) in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
        return Step(name, False, getattr(error, "strerror", None) or str(error), unknown)
    return Step(name, True, "")


def libc() -> Any:
    """The C library of this process."""
    return ffi.dlopen(None)


def prctl(option: int, first: int, second: int = 0) -> None:
    """prctl(2). Raises OSError."""
    if libc().prctl(option, first, second, 0, 0) < 0:
        raise OSError(ffi.errno, os.strerror(ffi.errno))


def syscall(number: int, *arguments: object) -> int:
    """syscall(2) with integers and cffi pointers. Raises OSError."""
    passed = [ffi.cast("long", a) if isinstance(a, int) else a for a in arguments]
    result: int = libc().syscall(number, *passed)
    if result < 0:
        raise OSError(ffi.errno, os.strerror(ffi.errno))
    return result


def become(uid: int) -> None:
    """setresuid(2) and its like, where we are root and were given another user."""
    if uid and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def no_core() -> None:
    """No core file with a guest's bytes in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def bounded_memory() -> None:
    """RLIMIT_DATA: an attack that got past the quotas ends the relay, not the machine."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = DATA_BYTES if hard == resource.RLIM_INFINITY else min(hard, DATA_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def drop_bounding_set() -> None:
    """Nothing this process might ever execute could gain a capability."""
    for capability in range(LAST_CAPABILITY + 1):
        with contextlib.suppress(OSError):  # EPERM where we have no right to, and then no capability either; EINVAL beyond the last
            prctl(PR_CAPBSET_DROP, capability)


def no_capabilities(machine: str) -> None:
    """Empties the ambient, effective, permitted and inheritable sets."""
    with contextlib.suppress(OSError):
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = ffi.new("char[]", struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0))
    nothing = ffi.new("char[]", bytes(24))
    syscall(SYS_CAPSET[machine], header, nothing)


def landlock() -> None:
    """A ruleset that handles every right there is and grants none."""
    abi = syscall(SYS_LANDLOCK_CREATE_RULESET, ffi.cast("void *", 0), 0, 1)
    rights = LANDLOCK_FS[min(abi, max(LANDLOCK_FS))]
    attributes = struct.pack("=Q", rights)
    if abi >= 4:
        attributes += struct.pack("=Q", LANDLOCK_NET)
    if abi >= 6:
        attributes += struct.pack("=Q", LANDLOCK_SCOPES)
    ruleset = syscall(SYS_LANDLOCK_CREATE_RULESET, ffi.new("char[]", attributes), len(attributes), 0)
    try:
        syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def filter_calls(machine: str) -> None:
    """The seccomp filter, for every thread."""
    steps = ffi.new("char[]", seccomp.program(machine))
    count = (len(steps) - 1) // 8
    address = int(ffi.cast("unsigned long", ffi.cast("void *", steps)))
    descriptor = ffi.new("char[]", struct.pack("=HxxxxxxQ", count, address))
    syscall(SYS_SECCOMP[machine], SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, descriptor)
