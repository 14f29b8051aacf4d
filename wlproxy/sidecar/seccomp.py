"""The system calls that a relay at work makes, as a seccomp filter.

Promises: everything not listed fails with EPERM; another architecture's calls kill the process; no memory becomes executable.
Pure: numbers in, bytes out. Source: seccomp(2), <linux/filter.h>, <linux/audit.h>, the kernel's tables of system calls.

Looking up a name (stat, access) cannot be told from fstat by a filter, because glibc makes fstat of newfstatat with an empty path:
that a file exists is not hidden by this filter. Nothing can be opened, connected, created or executed.
"""

from __future__ import annotations

import struct
from typing import Final

# name: (x86_64, aarch64); -1 where the architecture has no such call
CALLS: Final[dict[str, tuple[int, int]]] = {
    # the loop
    "epoll_wait": (232, -1),
    "epoll_pwait": (281, 22),
    "epoll_ctl": (233, 21),
    "recvmsg": (47, 212),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "accept4": (288, 242),
    "shutdown": (48, 210),
    "getsockopt": (55, 209),
    "getsockname": (51, 204),
    "close": (3, 57),
    "read": (0, 63),
    "write": (1, 64),
    "clock_gettime": (228, 113),
    # facts about descriptors, pools and clipboard
    "fcntl": (72, 25),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "fstatfs": (138, 44),
    "lseek": (8, 62),
    "ftruncate": (77, 46),
    "memfd_create": (319, 279),
    "pipe2": (293, 59),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "copy_file_range": (326, 285),
    "splice": (275, 76),
    "fallocate": (285, 47),
    # memory and the interpreter
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "getrandom": (318, 278),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
NOT_EXECUTABLE: Final[dict[str, tuple[int, int]]] = {"mmap": (9, 222), "mprotect": (10, 226)}  # allowed without PROT_EXEC
IOCTL: Final = (16, 29)  # allowed with FIONBIO alone: socket.setblocking
FIONBIO: Final = 0x5421

ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, AUDIT_ARCH_*
X32_BIT: Final = 0x40000000
PROT_EXEC: Final = 4
EPERM: Final = 1

LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_EQUAL: Final = 0x15
JUMP_GREATER_EQUAL: Final = 0x35
JUMP_SET: Final = 0x45
RETURN: Final = 0x06
ALLOW: Final = 0x7FFF0000
ERRNO: Final = 0x00050000
KILL_PROCESS: Final = 0x80000000

AT_NUMBER: Final = 0  # offsets in struct seccomp_data
AT_ARCHITECTURE: Final = 4
AT_SECOND_ARGUMENT: Final = 16 + 8  # the low words
AT_THIRD_ARGUMENT: Final = 16 + 2 * 8


def program(machine: str) -> bytes:
    """The filter as an array of struct sock_filter. Raises KeyError for a machine that is not listed."""
    column, architecture = ARCHITECTURES[machine]
    steps = [
        step(LOAD, AT_ARCHITECTURE),
        step(JUMP_EQUAL, architecture, 1, 0),
        step(RETURN, KILL_PROCESS),
        step(LOAD, AT_NUMBER),
        step(JUMP_GREATER_EQUAL, X32_BIT, 0, 1),
        step(RETURN, KILL_PROCESS),
    ]
    for numbers in NOT_EXECUTABLE.values():
        steps += [
            step(JUMP_EQUAL, numbers[column], 0, 4),
            step(LOAD, AT_THIRD_ARGUMENT),
            step(JUMP_SET, PROT_EXEC, 0, 1),
            step(RETURN, ERRNO | EPERM),
            step(RETURN, ALLOW),
        ]
    steps += [
        step(JUMP_EQUAL, IOCTL[column], 0, 4),
        step(LOAD, AT_SECOND_ARGUMENT),
        step(JUMP_EQUAL, FIONBIO, 1, 0),
        step(RETURN, ERRNO | EPERM),
        step(RETURN, ALLOW),
    ]
    for numbers in CALLS.values():
        if numbers[column] >= 0:
            steps += [step(JUMP_EQUAL, numbers[column], 0, 1), step(RETURN, ALLOW)]
    steps.append(step(RETURN, ERRNO | EPERM))
    return b"".join(steps)


def step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One struct sock_filter."""
    return struct.pack("=HBBI", code, if_true, if_false, operand)
