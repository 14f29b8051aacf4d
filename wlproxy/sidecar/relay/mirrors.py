"""The files of a waypipe guest: memory of our own that holds what the guest's files hold, for the compositor to map.

Promises: every file is a memfd that cannot shrink (F_SEAL_SHRINK) and is never larger than a pool may be; what has been written to takes
memory that is counted, by blocks, before it is taken, and is taken with fallocate(2), so that a lack of it is an error here and
no SIGBUS; a file is gone once no object of the guest's needs it. Trusts: the session to say which objects do (core/fds.py Files).

Waypipe never says that a file is no longer needed: both sides are to know from the Wayland messages. Here that is a wl_shm_pool or
one of its buffers; what any other request brought has been copied when the session has seen the request (handlers/descriptors.py).
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import Final

from mypy_extensions import i64

from ...core.fds import F_SEAL_SHRINK, MEMFD, READ_WRITE, Fd
from ...core.quotas import Limits, Usage
from ...core.waypipe import BLOCK_SHIFT, Blocks, Fresh, Refused, apply_diff, check_diff, note_fresh
from .files import F_DUPFD_CLOEXEC, HostFiles

BIGGEST_FILE: Final = 1 << 30  # as handlers/buffers.py has it for pools; foot's have 512 MiB
FDS_EACH: Final = 2  # the file's, and the one that mmap.mmap makes of it
RULE: Final = "built-in: waypipe file"


class Mirror:
    """One file. `holders`: objects that the guest may still write for; `filling`: a message to it is under way."""

    def __init__(self, number: int, size: int) -> None:
        self.number = number
        self.size = size
        self.blocks = Blocks(size)
        self.charged = 0
        self.holders = 0
        self.filling = False
        self.map: mmap.mmap | None = None
        self.view: memoryview | None = None


class Mirrors(HostFiles):
    """All files of one connection, by rid; the connection's `Files`, too."""

    def __init__(self, limits: Limits, usage: Usage) -> None:
        self._limits = limits
        self._usage = usage
        self._by_rid: dict[int, Mirror] = {}
        self._given: list[int] = []

    def __contains__(self, rid: int) -> bool:
        return rid in self._by_rid

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._by_rid)

    def open(self, rid: int, size: int) -> None:
        """OpenFile. Raises Refused."""
        if not 0 < size <= BIGGEST_FILE:
            raise Refused(f"OpenFile of {size} bytes, must have 1 to {BIGGEST_FILE}", RULE)
        most = self._limits.fds
        if self._usage.fds + FDS_EACH > most:
            raise Refused(f"more than {most} descriptors", self._limits.rule("fds"))
        number = -1
        try:
            number = os.memfd_create("wlproxy", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(number, size)
            fcntl.fcntl(number, fcntl.F_ADD_SEALS, F_SEAL_SHRINK)
        except OSError as error:
            if number >= 0:
                os.close(number)
            raise Refused(f"no memory for a file: {error.strerror}", RULE) from error
        self._by_rid[rid] = Mirror(number, size)
        self._usage.fds += FDS_EACH

    def extend(self, rid: int, size: int) -> None:
        """ExtendFile. Raises Refused."""
        mirror = self._by_rid[rid]
        if not mirror.size <= size <= BIGGEST_FILE:
            raise Refused(f"ExtendFile from {mirror.size} to {size} bytes, at most {BIGGEST_FILE}", RULE)
        if size == mirror.size:
            return
        unmap(mirror)
        try:
            os.ftruncate(mirror.number, size)
        except OSError as error:
            raise Refused(f"no memory for a file: {error.strerror}", RULE) from error
        mirror.size = size
        mirror.blocks.grow(size)

    def fill(self, rid: int, start: int, data: bytes) -> None:
        """BufferFill: `data` at `start`. Raises Refused."""
        mirror = self._by_rid[rid]
        end = start + len(data)
        if end > mirror.size:
            raise Refused(f"BufferFill of bytes {start} to {end}: the file has {mirror.size}", RULE)
        if data:
            self._take_memory(mirror, start, end)
            view_of(mirror)[start:end] = data

    def begin(self, rid: int, start: int, end: int, first: bytes | memoryview) -> memoryview:
        """A fill of which only `first` has come: where the rest goes, without a copy of it on the way (bench/waypipe.py, video). The file
        stays until `filled`; the caller releases the view before. Raises Refused."""
        mirror = self._by_rid[rid]
        if not start < end <= mirror.size:
            raise Refused(f"bytes {start} to {end} of a file of {mirror.size}", RULE)
        self._take_memory(mirror, start, end)
        view = view_of(mirror)
        middle = start + len(first)
        view[start:middle] = first
        mirror.filling = True
        return view[middle:end]

    def filled(self, rid: int) -> None:
        """The rest has come."""
        self._by_rid[rid].filling = False

    def diff(self, rid: int, data: bytes, begin: i64, diff_bytes: i64, trailing: i64) -> int:
        """BufferDiff, from `begin` in `data`: writes its runs; how many there were. Raises Refused before anything is written."""
        mirror = self._by_rid[rid]
        fresh: list[Fresh] = []
        runs = check_diff(data, begin, diff_bytes, trailing, mirror.size, mirror.blocks, fresh)
        if fresh:
            self._take(mirror, fresh)
        if runs:
            apply_diff(view_of(mirror), data, begin, diff_bytes, trailing)
        return int(runs)

    def _take_memory(self, mirror: Mirror, start: int, end: int) -> None:
        fresh: list[Fresh] = []
        note_fresh(mirror.blocks, start, end, fresh)
        if fresh:
            self._take(mirror, fresh)

    def _take(self, mirror: Mirror, fresh: list[Fresh]) -> None:
        more = sum([run.blocks for run in fresh]) << BLOCK_SHIFT
        mirror.charged += more
        self._usage.mirrored_bytes += more
        most = self._limits.shm_bytes
        if self._usage.mirrored_bytes > most:
            raise Refused(f"more than {most} bytes in shared memory", self._limits.rule("shm-bytes"))
        try:
            for run in fresh:
                first = run.start >> BLOCK_SHIFT << BLOCK_SHIFT
                last = min(mirror.size, ((run.end - 1 >> BLOCK_SHIFT) + 1) << BLOCK_SHIFT)
                os.posix_fallocate(mirror.number, first, last - first)
        except OSError as error:
            raise Refused(f"no memory for a file: {error.strerror}", RULE) from error

    def give(self, rid: int) -> Fd:
        """A descriptor of the file for the session, as if the guest had sent it. Raises Refused."""
        mirror = self._by_rid[rid]
        try:
            number: int = fcntl.fcntl(mirror.number, F_DUPFD_CLOEXEC, 3)
        except OSError as error:
            raise Refused(f"no descriptor for a file: {error.strerror}", RULE) from error
        self._given.append(rid)
        return Fd(number, MEMFD, READ_WRITE, mirror.size, F_SEAL_SHRINK, rid)

    def hold(self, fd: Fd) -> None:
        """A pool has been made of the file."""
        mirror = self._by_rid.get(fd.mirror)
        if mirror is not None:
            mirror.holders += 1

    def unhold(self, mirror: int) -> None:
        """A pool and its buffers have gone."""
        found = self._by_rid.get(mirror)
        if found is not None:
            found.holders -= 1
            self._given.append(mirror)

    def settle(self) -> None:
        """The session has seen what there was: files that nothing holds go."""
        if self._given:
            given = self._given
            self._given = []
            for rid in given:
                mirror = self._by_rid.get(rid)
                if mirror is None or mirror.holders > 0:
                    continue
                if mirror.filling:
                    self._given.append(rid)
                else:
                    self._drop(rid, mirror)

    def close(self) -> None:
        """All of them."""
        for rid, mirror in list(self._by_rid.items()):
            self._drop(rid, mirror)
        self._given = []

    def _drop(self, rid: int, mirror: Mirror) -> None:
        del self._by_rid[rid]
        unmap(mirror)
        os.close(mirror.number)
        self._usage.fds -= FDS_EACH
        self._usage.mirrored_bytes -= mirror.charged


def view_of(mirror: Mirror) -> memoryview:
    """The file's bytes, mapped when first written to: a run of a diff costs a fifth of what pwrite(2) would (bench/waypipe.py)."""
    view = mirror.view
    if view is None:
        try:
            mapped = mmap.mmap(mirror.number, mirror.size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        except (OSError, ValueError) as error:
            raise Refused(f"a file of {mirror.size} bytes cannot be mapped: {error}", RULE) from error
        view = memoryview(mapped)
        mirror.map = mapped
        mirror.view = view
    return view


def unmap(mirror: Mirror) -> None:
    """Gives the mapping back."""
    if mirror.view is not None:
        mirror.view.release()
        mirror.view = None
    if mirror.map is not None:
        mirror.map.close()
        mirror.map = None
