"""The display side of waypipe's protocol: a guest's descriptors out of bytes, and the compositor's into bytes.

Promises: `receive` never raises for what a guest sends: it says what was wrong, once, in `refused`; only whole Wayland messages come
out, with their descriptors; every file, pipe and number that a guest makes is within its quotas, and gone when `close` returns, but for
what a program wrote to a pipe before it left. A guest writes to what it opened itself (positive numbers) and to pipes, never to
a file of ours. Trusts: the session to judge what comes out, as from a Unix guest.

What is not offered: dma-bufs, video and timelines, so no global that needs them is announced (UNPASSABLE); screen capture, because what
a compositor writes into a guest's file is not sent back; and taking up an earlier connection.
"""

from __future__ import annotations

import os
from typing import Final

from mypy_extensions import i64

from ...core import waypipe
from ...core.fds import MEMFD, PIPE, READ_ONLY, WRITE_ONLY, Fd
from ...core.outcome import NO_FDS, NO_PARCELS, Parcel
from ...core.quotas import Limits, Usage
from ...core.waypipe import NAMES, Refused, Terms
from ...core.wire import read_i32_le, word
from .closing import close_all
from .compression import Codec
from .mirrors import Mirrors
from .remote_pipes import RemotePipe, RemotePipes

UNPASSABLE: Final = frozenset(
    (
        "zwp_linux_dmabuf_v1",
        "wl_drm",
        "wl_eglstream_display",
        "wl_eglstream_controller",
        "wp_linux_drm_syncobj_manager_v1",
        "zwp_linux_explicit_synchronization_v1",
        "wp_drm_lease_device_v1",
        "zwlr_export_dmabuf_manager_v1",
        "qt_dmabuf_server_buffer",
        "zqt_vulkan_server_buffer_v1",
        "org_kde_kwin_remote_access_manager",
        # a compositor writes into the guest's buffer
        "zwlr_screencopy_manager_v1",
        "ext_image_copy_capture_manager_v1",
        "weston_capture_v1",
        "weston_screenshooter",
    )
)

GPU: Final = frozenset(
    (
        waypipe.OPEN_DMABUF,
        waypipe.OPEN_DMAVID_SRC,
        waypipe.OPEN_DMAVID_DST,
        waypipe.SEND_DMAVID_PACKET,
        waypipe.OPEN_DMAVID_SRC_V2,
        waypipe.OPEN_DMAVID_DST_V2,
        waypipe.OPEN_TIMELINE,
        waypipe.SIGNAL_TIMELINE,
    )
)

NUMBER_RULE: Final = "built-in: waypipe number"
PIPE_RULE: Final = "built-in: waypipe pipe"
FDS_OF_PIPE: Final = 2
READ_BYTES: Final = 256 << 10
COMPRESSED_READ_BYTES: Final = 16384  # what 64 KiB unpack to could keep the relay busy for a second
COST_SHIFT: Final = 16  # a message's worth of the policy's rate for each 64 KiB unpacked ...
RUNS_SHIFT: Final = 6  # ... and 64 runs
PROGRESS_BYTES: Final = 64 << 10  # of a message that is not complete: so much starts its time anew, or a slow link could have no large one
HELD_BYTES: Final = 64 << 20  # of one guest's messages that are not complete, over all its connections
ACK_MESSAGES: Final = 64  # acknowledged at the latest after so many messages or bytes: the guest keeps them until then
ACK_BYTES: Final = 4 << 20


class Waypipe:
    """One connection, the relay's number `client`. `refused`: why it must end, "" while it need not, and `rule` the built-in rule that says
    so. `cost`: of the guest's rate of messages, for what its files came to since the relay last looked. `waits_since`: when the message
    began that is not complete, or the last PROGRESS_BYTES of it had come; -1 if there is none. `sink`: where in a file the next bytes
    belong, None where they are for `receive`."""

    def __init__(
        self, client: int, files: Mirrors, pipes: RemotePipes, limits: Limits, usage: Usage, codecs: dict[int, Codec]
    ) -> None:
        self.files = files
        self._client = client
        self.refused = ""
        self.rule = ""
        self.cost = 0
        self.waits_since = -1.0
        self._held: i64 = 0  # bytes of a message that is not complete
        self._come: i64 = 0  # of it since `waits_since`
        self._pipes = pipes
        self._limits = limits
        self._usage = usage
        self._codecs = codecs
        self._codec: Codec | None = None
        self.terms: Terms | None = None  # once the guest has said them
        self.compressed = False  # what comes unpacks to more
        self.most_read = READ_BYTES  # bytes to ask for in one read
        self._acknowledges = False
        self._begin = b""
        self._framer = waypipe.Framer()
        self._closed = False
        self._mine: dict[int, RemotePipe] = {}  # by rid
        self._injected: list[int] = []
        self._last_number = 0  # the highest that the guest has opened
        self._next_number = -1  # ours count down
        self._fds: list[Fd] = []
        self._received: i64 = 0  # messages that are counted
        self._acknowledged: i64 = 0  # of them
        self._unacknowledged_bytes: i64 = 0
        self._sent: i64 = 0
        self._out: list[bytes] = []
        self.sink: memoryview | None = None
        self._sink_number = 0  # of the file

    # -- from the guest

    def receive(self, data: bytes, now: float) -> bytes:
        """Wayland messages that one read brought, without descriptors, which `take_fds` has."""
        if self.refused or self._closed:
            return b""
        messages: list[bytes] = []
        before: i64 = self._received
        size: i64 = len(data)
        framer = self._framer
        try:
            if self.terms is None:
                data = self._introduce(data)
            framer.feed(data)
            while framer.next():
                self._take(framer, messages)
                if self._closed:
                    break
            else:
                if framer.partial and not self.compressed:
                    self._open_sink()
            held: i64 = len(self._begin) + framer.partial
            if held != self._held:
                self._hold(held)
            if not held and self.sink is None:
                self.waits_since = -1.0
            elif self.waits_since < 0 or self._received != before:
                self.waits_since = now
                self._come = 0
            else:
                self._goes_on(size, now)
        except Refused as refused:
            self.refused = refused.reason
            self.rule = refused.rule
        if not messages:
            return b""
        return messages[0] if len(messages) == 1 else b"".join(messages)

    def _open_sink(self) -> None:
        """Has what is still to come of a large message read to where it belongs."""
        run = self._framer.single_run()
        if run is None:
            return
        rid = self._known_file(self._framer.kind, run.rid)
        if rid:
            self.sink = self.files.begin(rid, run.start, run.end, run.first)
            self._sink_number = rid
            self._count(run.end - run.start)
            self._framer.taken()

    def sunk(self, size: int, now: float) -> None:
        """So many bytes were read into `sink`."""
        sink = self.sink
        if sink is None:
            raise TypeError("nothing was to be read into a file")
        rest = sink[size:] if size < len(sink) else None
        sink.release()
        self.sink = rest
        if rest is None:
            self.files.filled(self._sink_number)
            self.waits_since = -1.0
        else:
            self._goes_on(size, now)

    def _goes_on(self, size: i64, now: float) -> None:
        """So many more bytes of a message that is not complete have come."""
        self._come += size
        if self._come >= PROGRESS_BYTES:
            self._come = 0
            self.waits_since = now

    def tick(self, now: float) -> None:
        """A message that was begun must go on, and end."""
        if self.waits_since >= 0 and now - self.waits_since > self._limits.stall_seconds and not self.refused:
            within = f"within {self._limits.stall_seconds:g} s"
            self.refused = f"neither the rest of a message nor {PROGRESS_BYTES >> 10} KiB of it came {within}"
            self.rule = "built-in: waypipe message"

    def _hold(self, size: i64) -> None:
        self._usage.held_bytes += int(size - self._held)
        self._held = size
        if self._usage.held_bytes > HELD_BYTES:
            raise Refused(f"more than {HELD_BYTES} bytes of messages that are not complete")

    def take_fds(self) -> list[Fd]:
        """Descriptors of the messages that `receive` returned, in order; they are the caller's."""
        fds = self._fds
        if fds:
            self._fds = []
            return fds
        return NO_FDS[:]

    def settle(self) -> None:
        """The session has judged what came; what nothing needs goes."""
        self.files.settle()

    def _introduce(self, data: bytes) -> bytes:
        data = self._begin + data
        if len(data) < waypipe.CONNECTION_HEADER_BYTES:
            self._begin = data
            return b""
        self._begin = b""
        terms = waypipe.read_header(data)
        codec = self._codecs.get(terms.compression)
        if codec is None:
            name = waypipe.COMPRESSIONS[terms.compression]
            advice = "install wlproxy[waypipe] on the host, or run waypipe with --compress none in the guest"
            raise Refused(f"asks for compression {name}, for which there is no library here: {advice}", "built-in: waypipe header")
        self._codec = codec
        self.terms = terms
        self._acknowledges = terms.acknowledges
        if terms.compression != waypipe.NO_COMPRESSION:
            self.compressed = True
            self.most_read = COMPRESSED_READ_BYTES
        if not terms.acknowledges:
            self._say(waypipe.numbers(waypipe.VERSION, terms.version))
        return data[waypipe.CONNECTION_HEADER_BYTES :]

    def _count(self, size: i64) -> None:
        self._received += 1
        self._unacknowledged_bytes += size

    def _take(self, framer: waypipe.Framer, messages: list[bytes]) -> None:
        kind = framer.kind
        if kind == waypipe.ACK_NBLOCKS:
            self._ack(framer)
            return
        self._count(framer.end - framer.begin)
        if kind == waypipe.BUFFER_DIFF:
            self._buffer_diff(framer)
        elif kind == waypipe.PROTOCOL:
            self._protocol(framer.body, messages)
        elif kind == waypipe.BUFFER_FILL:
            self._buffer_fill(framer)
        else:
            self._take_rare(kind, framer.body)

    def _take_rare(self, kind: int, body: bytes) -> None:
        self.cost += 1  # nearly each is a system call or two
        if kind == waypipe.INJECT_RIDS:
            self._inject(body)
        elif kind == waypipe.OPEN_FILE or kind == waypipe.EXTEND_FILE:
            self._size_file(kind, body)
        elif kind == waypipe.OPEN_IR_PIPE or kind == waypipe.OPEN_IW_PIPE:
            waypipe.words_of(kind, len(body), 1)
            self._open_pipe(self._new_number(kind, body), kind == waypipe.OPEN_IW_PIPE)
        elif kind == waypipe.PIPE_TRANSFER or kind == waypipe.PIPE_SHUTDOWN_R or kind == waypipe.PIPE_SHUTDOWN_W:
            self._pipe_message(kind, body)
        elif kind == waypipe.CLOSE:
            self._closed = True
        elif kind in GPU:
            raise Refused(f"{NAMES[kind]}: no dma-bufs, video or timelines here; run waypipe with --no-gpu", "built-in: waypipe gpu")
        elif kind == waypipe.OPEN_RW_PIPE:
            raise Refused("OpenRWPipe: nothing that is read and written is taken", PIPE_RULE)
        else:
            raise Refused(f"{NAMES[kind]}: not from a guest")

    def _protocol(self, body: bytes, messages: list[bytes]) -> None:
        payload, wanted = waypipe.unmark(body)
        if wanted > len(self._injected):
            raise Refused(f"Protocol with {wanted} descriptors of {len(self._injected)} that were injected", NUMBER_RULE)
        for rid in self._injected[:wanted]:
            self._fds.append(self._give(rid))
        del self._injected[:wanted]
        messages.append(payload)

    def _give(self, rid: int) -> Fd:
        if rid in self.files:
            return self.files.give(rid)
        pipe = self._mine.get(rid)
        if pipe is None or pipe.export < 0:
            raise Refused(f"number {rid} is injected, but there is nothing to go with it", NUMBER_RULE)
        number = pipe.export
        pipe.export = -1
        self._usage.fds -= 1
        return Fd(number, PIPE, READ_ONLY if pipe.writes else WRITE_ONLY, 0, -1)

    def _inject(self, body: bytes) -> None:
        if len(body) & 3 or len(self._injected) + len(body) // 4 > waypipe.INJECTED:
            reason = f"InjectRIDs of {len(body)} bytes: words, and at most {waypipe.INJECTED} that no message claims"
            raise Refused(reason, NUMBER_RULE)
        for index in range(len(body) // 4):
            rid = waypipe.signed(body, index)
            if rid <= 0:
                raise Refused(f"number {rid} is injected, which the guest cannot have", NUMBER_RULE)
            self._injected.append(rid)

    def _new_number(self, kind: int, body: bytes) -> int:
        rid = waypipe.signed(body, 0)
        if rid <= 0 or rid in self.files or rid in self._mine:
            raise Refused(f"{NAMES[kind]} of number {rid}, which is not free", NUMBER_RULE)
        self._last_number = max(self._last_number, rid)
        return rid

    def _known_file(self, kind: int, rid: int) -> int:
        """The guest's file that a message is about; 0 where it has gone, which the guest need not know yet."""
        if rid in self.files:
            return rid
        if not 0 < rid <= self._last_number or rid in self._mine:
            raise Refused(f"{NAMES[kind]} of number {rid}, which is no file of the guest's", NUMBER_RULE)
        return 0

    def _size_file(self, kind: int, body: bytes) -> None:
        waypipe.words_of(kind, len(body), 2)
        size = int(word(body, 4))
        if kind == waypipe.OPEN_FILE:
            self.files.open(self._new_number(kind, body), size)
        else:
            rid = self._known_file(kind, waypipe.signed(body, 0))
            if rid:
                self.files.extend(rid, size)

    def _buffer_fill(self, framer: waypipe.Framer) -> None:
        data = framer.data
        at: i64 = framer.begin
        waypipe.words_of(waypipe.BUFFER_FILL, framer.end - at, 3)
        rid = self._known_file(waypipe.BUFFER_FILL, int(read_i32_le(data, at)))
        start = int(word(data, at + 4))
        size = int(word(data, at + 8)) - start
        if size < 0:
            raise Refused(f"BufferFill of {size} bytes")
        if rid:
            self.files.fill(rid, start, self._unpack(waypipe.BUFFER_FILL, data[at + 12 : framer.end], size))

    def _buffer_diff(self, framer: waypipe.Framer) -> None:
        data = framer.data
        at: i64 = framer.begin
        waypipe.words_of(waypipe.BUFFER_DIFF, framer.end - at, 3)
        rid = self._known_file(waypipe.BUFFER_DIFF, int(read_i32_le(data, at)))
        size: i64 = word(data, at + 4)
        trailing: i64 = word(data, at + 8)
        if size & 3:
            raise Refused(f"BufferDiff of {size} bytes, must be words")
        if rid:
            at += 12
            if self.compressed or framer.end - at != size + trailing:
                data = self._unpack(waypipe.BUFFER_DIFF, data[at : framer.end], int(size + trailing))
                at = 0
            self.cost += self.files.diff(rid, data, at, size, trailing) >> RUNS_SHIFT

    def _unpack(self, kind: int, packed: bytes, size: int) -> bytes:
        if size > waypipe.MESSAGE_BYTES:
            raise Refused(f"{NAMES[kind]} unpacks to {size} bytes, at most {waypipe.MESSAGE_BYTES} are taken")
        if self.compressed:
            self.cost += size >> COST_SHIFT
        codec = self._codec
        if codec is None:
            raise TypeError("no codec before the header")
        try:
            return codec.unpack(packed, size)
        except ValueError as error:
            reason = f"{NAMES[kind]} of {len(packed)} bytes does not unpack to {size}: {error}"
            raise Refused(reason, "built-in: waypipe compression") from error

    def _ack(self, framer: waypipe.Framer) -> None:
        waypipe.words_of(waypipe.ACK_NBLOCKS, framer.end - framer.begin, 1)
        count: i64 = word(framer.data, framer.begin)
        terms = self.terms
        if terms is not None and not terms.acknowledges:
            raise Refused(f"AckNblocks in wire version {terms.version}")
        if count > self._sent:
            raise Refused(f"AckNblocks of {count} messages, {self._sent} were sent")

    # pipes

    def _open_pipe(self, rid: int, writes: bool) -> None:
        most = self._limits.fds
        if self._usage.fds + FDS_OF_PIPE > most:
            raise Refused(f"more than {most} descriptors", self._limits.rule("fds"))
        try:
            reader, writer = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            raise Refused(f"no pipe: {error.strerror}", PIPE_RULE) from error
        ours, theirs = (writer, reader) if writes else (reader, writer)
        pipe = RemotePipe(rid, ours, writes, theirs, self._client, self._say)
        self._mine[rid] = pipe
        self._usage.fds += FDS_OF_PIPE
        try:
            self._pipes.add(pipe)
        except OSError as error:
            raise Refused(f"no pipe: {error.strerror}", PIPE_RULE) from error

    def _pipe_message(self, kind: int, body: bytes) -> None:
        waypipe.words_of(kind, len(body), 1)
        rid = waypipe.signed(body, 0)
        pipe = self._mine.get(rid)
        if pipe is None:  # it has gone, which the guest need not know yet
            if rid in self.files or rid == 0 or rid > self._last_number or rid <= self._next_number:
                raise Refused(f"{NAMES[kind]} of number {rid}, which is no pipe", NUMBER_RULE)
            return
        if kind == waypipe.PIPE_TRANSFER:
            if not pipe.writes:
                raise Refused(f"PipeTransfer to number {rid}, which the guest reads", PIPE_RULE)
            self._pipes.take(pipe, body[4:])
        elif kind == waypipe.PIPE_SHUTDOWN_W:
            self._pipes.end(pipe)
        elif not pipe.writes:
            self._pipes.close(pipe)
        self._forget_closed(pipe)

    def _forget_closed(self, pipe: RemotePipe) -> None:
        if pipe.number < 0 and pipe.export < 0 and self._mine.pop(pipe.rid, None) is not None:
            self._usage.fds -= 1

    def pipe_served(self, pipe: RemotePipe) -> None:
        """The relay has seen to one of ours."""
        self._forget_closed(pipe)

    def pause(self, backed_up: bool) -> None:
        """Whether too much waits to be sent to the guest: then its pipes are not read."""
        for pipe in list(self._mine.values()):
            if pipe.writes:
                continue
            if backed_up:
                self._pipes.pause(pipe)
            else:
                self._pipes.resume(pipe)

    # -- to the guest

    @property
    def due(self) -> bool:
        """Whether there is something to send that cannot wait for the next message."""
        if self._out:
            return True
        if not self._acknowledges:
            return False
        return self._received - self._acknowledged >= ACK_MESSAGES or self._unacknowledged_bytes >= ACK_BYTES

    def wrap(self, parcels: list[Parcel]) -> list[Parcel]:
        """The parcels, and what waits, as waypipe's messages. Takes the descriptors."""
        terms = self.terms
        if terms is None:  # nobody there who could read it
            for parcel in parcels:
                close_all(parcel.fds)
            return NO_PARCELS
        if self._acknowledges and self._received > self._acknowledged and (parcels or self.due):
            self._acknowledged = self._received
            self._unacknowledged_bytes = 0
            self._out.append(waypipe.acknowledgement(int(self._received)))
        for parcel in parcels:
            data = parcel.data
            if parcel.fds:
                self._send_fds(parcel.fds)
                data = waypipe.mark(data, parcel.places or [])
            if len(data) <= waypipe.PROTOCOL_BYTES:
                self._say(waypipe.message(waypipe.PROTOCOL, data))
            else:
                for run in waypipe.runs_of(data, waypipe.PROTOCOL_BYTES):
                    self._say(waypipe.message(waypipe.PROTOCOL, run))
        out = self._out
        if not out:
            return NO_PARCELS
        self._out = []
        return [Parcel(out[0] if len(out) == 1 else b"".join(out), NO_FDS)]

    def farewell(self) -> bytes:
        """The last message."""
        return b"" if self.terms is None else waypipe.numbers(waypipe.CLOSE, 0)

    def _say(self, data: bytes) -> None:
        self._sent += 1
        self._out.append(data)

    def _send_fds(self, fds: list[Fd]) -> None:
        numbers: list[int] = []
        for fd in fds:
            rid = self._next_number
            self._next_number -= 1
            numbers.append(rid)
            if fd.kind == PIPE and fd.access == WRITE_ONLY:
                self._send_pipe(rid, fd)
            else:
                self._send_file(rid, fd)
        self._say(waypipe.numbers(waypipe.INJECT_RIDS, *numbers))

    def _send_pipe(self, rid: int, fd: Fd) -> None:
        pipe = RemotePipe(rid, fd.number, True, -1, self._client, self._say)
        self._say(waypipe.numbers(waypipe.OPEN_IR_PIPE, rid))
        try:
            self._pipes.add(pipe)
        except OSError:  # no memory: as if its reader had gone
            os.close(fd.number)
            self._say(waypipe.numbers(waypipe.PIPE_SHUTDOWN_R, rid))
            return
        self._mine[rid] = pipe
        self._usage.fds += 1

    def _send_file(self, rid: int, fd: Fd) -> None:
        """A copy of ours (handlers/host_files.py), which nobody writes to meanwhile."""
        codec = self._codec
        try:
            if fd.kind != MEMFD or codec is None:
                raise TypeError(f"{fd} cannot be sent to a waypipe guest")
            self._say(waypipe.numbers(waypipe.OPEN_FILE, rid, fd.size))
            for start in range(0, fd.size, waypipe.FILL_BYTES):
                piece = os.pread(fd.number, min(waypipe.FILL_BYTES, fd.size - start), start)
                head = b"".join([(n & 0xFFFFFFFF).to_bytes(4, "little") for n in (rid, start, start + len(piece))])
                self._say(waypipe.message(waypipe.BUFFER_FILL, head + codec.pack(piece)))
        finally:
            os.close(fd.number)

    def close(self) -> None:
        """The connection is over."""
        self._usage.held_bytes -= int(self._held)
        self._held = 0
        self._framer = waypipe.Framer()
        if self.sink is not None:
            self.sink.release()
            self.sink = None
        self.files.close()
        close_all(self._fds)
        self._fds = []
        for pipe in list(self._mine.values()):
            self._usage.fds -= 1 + (pipe.export >= 0)
            self._pipes.orphan(pipe)
        self._mine = {}
