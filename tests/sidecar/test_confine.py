"""Confinement, seen from inside: a child that has been confined tries what it must not be able to do."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import socket
import struct
import tempfile
from collections.abc import Callable

import pytest

from wlproxy.sidecar import confine, seccomp

MACHINE = platform.machine()
pytestmark = pytest.mark.skipif(MACHINE not in seccomp.ARCHITECTURES, reason=f"no filter for {MACHINE}")


def inside(mode: str, report: Callable[[], object], uid: int = 0, prepare: Callable[[], object] = list) -> object:
    """What `report` gives in a forked child that has confined itself; `prepare` runs in it before."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            prepare()
            confine.confine(mode, uid)
            answer = report()
        except BaseException as error:  # noqa: BLE001 - the child must end here whatever happens
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        said = file.read()
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"the child was ended by status {status}"
    return json.loads(said)


def refused(action: Callable[[], object]) -> str:
    """The error name that an action gives, or "worked"."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "worked"


def libc_call(number: int, *arguments: int) -> Callable[[], None]:
    """A system call by number, as an exploit would make it."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call() -> None:
        libc.syscall.restype = ctypes.c_long
        if libc.syscall(*[ctypes.c_long(n) for n in (number, *arguments)]) < 0:
            raise OSError(ctypes.get_errno(), "")

    return call


FORBIDDEN: dict[str, Callable[[], object]] = {
    "open a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "create a file": lambda: os.open(tempfile.gettempdir() + "/wlproxy-was-here", os.O_CREAT | os.O_WRONLY),
    "list a directory": lambda: os.listdir("/"),
    "remove a file": lambda: os.unlink("/nonexistent"),
    "make a socket": lambda: socket.socket(socket.AF_UNIX),
    "make a network socket": lambda: socket.socket(socket.AF_INET),
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
    "signal another process": lambda: os.kill(1, 0),
    "change a limit": libc_call(302 if MACHINE == "x86_64" else 261, 0, 7, 0, 0),
    "change user": lambda: os.setuid(12345),
    "ptrace": libc_call(101 if MACHINE == "x86_64" else 117, 0, 0, 0, 0),
    "ask a terminal": libc_call(16 if MACHINE == "x86_64" else 29, 0, 0x5413, 0),
    "io_uring": libc_call(425, 1, 0),
    "bpf": libc_call(321 if MACHINE == "x86_64" else 280, 0, 0, 0),
    "user namespaces": libc_call(272 if MACHINE == "x86_64" else 97, 0x10000000),
    "executable memory": libc_call(9 if MACHINE == "x86_64" else 222, 0, 4096, 7, 0x22, -1, 0),
    "make memory executable": libc_call(10 if MACHINE == "x86_64" else 226, 0, 4096, 5),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_confined_relay_cannot(what):
    assert inside(confine.REQUIRE, lambda: refused(FORBIDDEN[what])) == "EPERM"


@pytest.mark.parametrize("what", ["open a file", "create a file", "list a directory", "make a socket", "executable memory"])
def test_without_confinement_it_could(what):
    assert inside(confine.OFF, lambda: refused(FORBIDDEN[what])) == "worked"


def has_landlock() -> bool:
    """landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION."""
    return refused(libc_call(444, 0, 0, 1)) == "worked"


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
def test_without_the_filter_files_are_still_out_of_reach(monkeypatch):
    monkeypatch.setattr(confine, "filter_calls", lambda machine: None)
    assert inside(confine.REQUIRE, lambda: refused(lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY))) == "EACCES"


def test_limits_on_core_files_and_memory_are_in_force():
    opened: list[int] = []

    def prepare() -> None:
        opened.append(os.open("/proc/self/limits", os.O_RDONLY))

    def limits() -> object:
        lines = os.read(opened[0], 65536).decode().splitlines()
        return [line.split()[-3:-1] for line in lines if line.startswith(("Max core file size", "Max data size"))]

    data, core = inside(confine.REQUIRE, limits, prepare=prepare)
    assert core == ["0", "0"]
    assert int(data[0]) <= confine.DATA_BYTES


def test_a_confined_relay_still_does_its_work():
    """Sockets that it was given, descriptors it receives, memory files, pipes, time."""

    def work() -> object:
        left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=i", given))])
        data, ancillary, _, _ = right.recvmsg(10, socket.CMSG_SPACE(4))
        memory = os.memfd_create("x", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, 8192)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.write(writer, b"y")
        return [data.decode(), len(ancillary), os.fstat(memory).st_size, os.read(reader, 1).decode(), bytes(1 << 22) == b""]

    left, right = socket.socketpair()
    given = os.open("/dev/null", os.O_RDONLY)
    assert inside(confine.REQUIRE, work) == ["x", 1, 8192, "y", False]
    os.close(given)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_started_as_root_it_becomes_a_user_of_its_own_without_capabilities():
    opened: list[int] = []

    def prepare() -> None:
        opened.append(os.open("/proc/self/status", os.O_RDONLY))

    def who() -> object:
        status = os.read(opened[0], 65536).decode().splitlines()
        kept = [line.split()[1] for line in status if line.startswith(("CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp:"))]
        owner = os.fstat(os.memfd_create("x", 0))
        return [owner.st_uid, owner.st_gid, *kept]

    uid = confine.uid_for("work")
    nothing = "0" * 16
    assert inside(confine.REQUIRE, who, uid, prepare) == [uid, uid, nothing, nothing, nothing, "1", "2"]


def test_every_guest_has_a_user_id_in_the_dynamic_range_and_keeps_it():
    first, last = confine.DYNAMIC_UIDS
    assert all(first <= confine.uid_for(name) < last for name in ("work", "bank", "", "ä", "x" * 1000))
    assert confine.uid_for("work") == confine.uid_for("work") != confine.uid_for("bank")


def test_off_takes_nothing_away():
    assert inside(confine.OFF, lambda: refused(lambda: os.close(os.open("/etc/hostname", os.O_RDONLY)))) == "worked"


def test_a_missing_feature_is_an_error_that_names_it_unless_it_is_only_preferred(monkeypatch):
    def no_landlock() -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(confine, "landlock", no_landlock)
    assert inside(confine.REQUIRE, lambda: "ran") == (
        "ConfinementError: Landlock: not in force, Function not implemented "
        "(run with --confine prefer to accept this; `wlproxy doctor` shows what the kernel has)"
    )
    assert inside(confine.PREFER, lambda: "ran") == "ran"


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_is_well_formed(machine):
    program = seccomp.program(machine)
    steps = list(struct.iter_unpack("=HBBI", program))
    assert len(steps) < 4096
    assert steps[-1] == (seccomp.RETURN, 0, 0, seccomp.ERRNO | seccomp.EPERM)
    for number, (code, if_true, if_false, _) in enumerate(steps):
        if code in (seccomp.JUMP_EQUAL, seccomp.JUMP_SET, seccomp.JUMP_GREATER_EQUAL):
            assert number + 1 + max(if_true, if_false) < len(steps)


def test_a_foreign_architectures_call_kills():
    """The 32-bit entry has other numbers: what looks like read(2) there is another call here."""
    program = list(struct.iter_unpack("=HBBI", seccomp.program(MACHINE)))
    assert program[2] == (seccomp.RETURN, 0, 0, seccomp.KILL_PROCESS)
