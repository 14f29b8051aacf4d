"""A compositor that accepts everything and writes down what reached it: one line for each request, "!" before what is wrong with it.

It offers every global that an attack asks for. Runs in a thread; one connection after the other has its lines in `log`.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping

from wlproxy.core.fds import KIND_NAMES, READ_ONLY
from wlproxy.core.protocol import Interface
from wlproxy.sidecar.relay.fd_facts import gather
from wlproxy.tools.fuzzing.reference import pack, wire_arguments

from .rows_privileged import PRIVILEGED

OFFERED = (
    *("wl_compositor", "wl_subcompositor", "wl_shm", "wl_seat", "wl_output", "wl_data_device_manager", "xdg_wm_base", "wp_viewporter"),
    *PRIVILEGED,
)
STREAM = "application/x-stream"  # what a guest's source offers is asked for at once, as another client's paste would
CLIPBOARD = "text/plain"  # what the compositor's own clipboard holds
PASTE_BYTES = 1 << 18  # of it; more than a pipe holds
MOST_READ = 1 << 20  # of a client at once
MOST_BYTES = 4 << 20  # read of a guest's clipboard
STUCK_SECONDS = 5.5  # a client that has been kept writing for so long
# Of these within a second. The proxy lets two bursts and one read more through before it paces (core/quotas.py Bucket): of commits, which
# are 8 bytes and count for 20, that is 16 900.
STORM = {"commit": 20000, "connect": 160}
KEYMAP = b"xkb_keymap {};\0"
SERVER_IDS = 0xFF000000


class Stub:
    """`path` is its socket; `lines()` what has reached it since the last `clear()`."""

    def __init__(self, path: str, interfaces: Mapping[str, Interface]) -> None:
        self.path = path
        self._interfaces = interfaces
        self._lock = threading.Lock()
        self._idle = threading.Condition()
        self._log: list[str] = []
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.bind(path)
        self._sock.listen(64)
        self._listening = [self._sock]  # and those of security contexts
        self._wake, self._woken = socket.socketpair()
        self._seats: dict[socket.socket, Seat] = {}
        self._readers: dict[int, int] = {}  # pipe of a guest's clipboard: bytes so far
        self.writers: dict[int, tuple[int, float]] = {}  # pipe to a guest: bytes still to write, when it was opened
        self._storms: dict[str, tuple[float, int]] = {}  # what: when a second of them began, how many since
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def lines(self) -> str:
        with self._lock:
            return "\n".join(self._log)

    def settle(self) -> None:
        """Waits until every guest that was there has been read to its end."""
        with self._idle:
            self._idle.wait_for(lambda: not self._seats and not self._readers and not self.writers, 10)

    def clear(self) -> None:
        with self._lock:
            self._log.clear()

    def note(self, line: str) -> None:
        with self._lock:
            self._log.append(line)

    def _serve(self) -> None:
        while True:
            waiting = [sock for sock, seat in self._seats.items() if seat.out]
            reading = [*self._listening, self._woken, *self._seats, *self._readers]
            ready, writable, _ = select.select(reading, [*waiting, *self.writers], [])
            if self._woken in ready:
                break
            for sock in writable:
                if isinstance(sock, int):
                    self._write(sock)
                else:
                    self._seats[sock].flush()
            for sock in ready:
                if isinstance(sock, int):
                    self._read(sock)
                elif sock in self._listening:
                    made = sock.accept()[0]
                    self.counts("connect", time.monotonic())
                    made.setblocking(False)
                    self._seats[made] = Seat(self, made, self._interfaces)
                elif not self._seats[sock].read():
                    self._seats[sock].close()
                    with self._idle:
                        del self._seats[sock]
                        self._idle.notify_all()
        for seat in self._seats.values():
            seat.close()
        for sock in self._listening:
            sock.close()
        for number in (*self._readers, *self.writers):
            os.close(number)

    def counts(self, what: str, now: float) -> None:
        """Notes a storm. `now`: when it came."""
        began, number = self._storms.get(what, (0.0, 0))
        began, number = (began, number + 1) if now - began < 1.0 else (now, 1)
        self._storms[what] = began, number
        if number == STORM[what] + 1:
            self.note(f"!storm: more than {STORM[what]} of {what} in a second")

    def reads(self, number: int) -> None:
        """Another client pastes what a guest has: reads that pipe to its end."""
        self._readers[number] = 0

    def writes(self, number: int) -> None:
        """Another client's clipboard is pasted by a guest: it writes to that pipe."""
        os.set_blocking(number, False)
        self.writers[number] = PASTE_BYTES, time.monotonic()

    def check_writers(self) -> None:
        """Notes those that a guest keeps writing."""
        now = time.monotonic()
        stuck = sum(now - began > STUCK_SECONDS for _, began in self.writers.values())
        self.note(f"!writers {len(self.writers)}, stuck {stuck}" if self.writers else "no writers")

    def _read(self, number: int) -> None:
        data = os.read(number, 65536)
        size = self._readers[number]
        self._readers[number] += len(data)
        if size <= MOST_BYTES < size + len(data):
            self.note(f"!clipboard: more than {MOST_BYTES} bytes of a guest's")
        if not data:
            with self._idle:
                del self._readers[number]
                self._idle.notify_all()
            os.close(number)

    def _write(self, number: int) -> None:
        left, began = self.writers[number]
        try:
            left -= os.write(number, bytes(left))
        except BlockingIOError:
            return
        except OSError:
            left = 0  # nobody reads it any more
        if left:
            self.writers[number] = left, began
            return
        with self._idle:
            del self.writers[number]
            self._idle.notify_all()
        os.close(number)

    def serve_context(self, number: int) -> None:
        """Accepts from a listening socket that came with a security context, as a compositor does."""
        sock = socket.socket(fileno=os.dup(number))
        if sock.family == socket.AF_UNIX and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            self._listening.append(sock)
        else:
            sock.close()

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join()
        self._wake.close()
        self._woken.close()


class Seat:
    """One connection."""

    def __init__(self, stub: Stub, sock: socket.socket, interfaces: Mapping[str, Interface]) -> None:
        self.stub, self.sock, self.interfaces = stub, sock, interfaces
        self.objects: dict[int, tuple[str, int]] = {1: ("wl_display", 1)}
        self.dead: set[int] = set()
        self.fds: list[int] = []
        self.pools: dict[int, tuple[int, int]] = {}
        self.buffer = b""
        self.read_at = 0.0
        self.out: list[tuple[bytes, list[int]]] = []
        self.serial = 100
        self.keymap = -1
        self.offers = 0
        self.lent: set[int] = set()  # descriptors that are closed once they are sent

    def read(self) -> bool:
        """Everything that is there, so that a storm is dated by when it came and not by how fast this program is."""
        parts, ended = [self.buffer], False
        self.read_at = time.monotonic()
        while sum(map(len, parts)) < MOST_READ:
            try:
                data, fds, _, _ = socket.recv_fds(self.sock, 65536, 253)
            except BlockingIOError:
                break
            except OSError:
                ended = True
                break
            self.fds += fds
            parts.append(data)
            if not data:
                ended = True
                break
        self.buffer = b"".join(parts)
        at = 0
        while len(self.buffer) - at >= 8:
            object_id, opcode, size = struct.unpack_from("<IHH", self.buffer, at)
            if size < 8 or size % 4:
                self.stub.note(f"!size {size}")
                return False
            if len(self.buffer) - at < size:
                break
            if not self._message(object_id, opcode, self.buffer[at + 8 : at + size]):
                return False
            at += size
        self.buffer = self.buffer[at:]
        if self.buffer:
            self.stub.note(f"!partial {len(self.buffer)}")
        if len(self.fds) > 100:
            self.stub.note(f"!surplus fds {len(self.fds)}")
        return not ended

    def _message(self, object_id: int, opcode: int, body: bytes) -> bool:
        if object_id not in self.objects:
            self.stub.note(f"!no object {object_id}")
            return object_id in self.dead
        name, version = self.objects[object_id]
        requests = self.interfaces[name].requests
        if opcode >= len(requests):
            self.stub.note(f"{name}#{object_id} !opcode {opcode}")
            return False
        request = requests[opcode]
        marks = [] if request.since <= version else ["!too new"]
        args: list[object] = []
        shown: list[str] = []
        at = 0
        created, created_version = "", version
        for kind, interface, _, argument in wire_arguments(request):
            if kind == "fd":
                if not self.fds:
                    self.stub.note(f"{name}#{object_id}.{request.name} !no fd")
                    return False
                args.append(self.fds.pop(0))
                shown.append(facts(int(str(args[-1]))))
                continue
            (number,) = struct.unpack_from("<I", body.ljust(at + 4, b"\0"), at)
            at += 4
            if kind in ("string", "array"):
                if number > len(body) - at:
                    self.stub.note(f"{name}#{object_id}.{request.name} !length {number}")
                    return False
                raw = body[at : at + number]
                if any(body[at + number : at + number + -number % 4]):
                    marks.append("!padding")
                at += number + -number % 4
                if kind == "string":
                    marks += self._text_marks(raw)
                    args.append(raw.rstrip(b"\0").decode("utf-8", "replace"))
                    created = str(args[-1]) if argument == "interface" else created
                else:
                    args.append(raw)
            else:
                args.append(number - (1 << 32) if kind in ("int", "fixed") and number >> 31 else number)
                if argument == "version" and created:
                    created_version = number
                if kind == "object" and number:
                    if number not in self.objects:
                        marks.append(f"!no object {number}")
                    elif interface and self.objects[number][0] != interface:
                        marks.append("!wrong kind")
                if kind == "new_id":
                    created = interface or created
                    if number in self.objects:
                        marks.append("!reused")
                    if created in self.interfaces:
                        self.objects[number] = (created, created_version)
            shown.append(repr(args[-1]))
        if at < len(body):
            marks.append("!trailing")
        self.stub.note(" ".join([f"{name}#{object_id}.{request.name}({', '.join(shown)})", *marks]))
        self._answer(object_id, name, request.name, args)
        if request.destructor:
            del self.objects[object_id]
            self.dead.add(object_id)
            if object_id < SERVER_IDS:
                self._event(1, "delete_id", object_id)
        return True

    @staticmethod
    def _text_marks(raw: bytes) -> list[str]:
        marks = []
        if raw and raw[-1]:
            marks.append("!unterminated")
        if b"\0" in raw[:-1]:
            marks.append("!nul")
        try:
            raw.decode()
        except UnicodeDecodeError:
            marks.append("!utf8")
        return marks

    def _answer(self, object_id: int, name: str, request: str, args: list[object]) -> None:
        new_id = int(args[0]) if args and isinstance(args[0], int) else 0
        if request == "sync":
            self._check_keymap()
            if self.offers:
                self.stub.check_writers()
            self._event(new_id, "done", 0)
            self.objects.pop(new_id, None)
            self._event(1, "delete_id", new_id)
        elif request == "get_registry":
            for number, interface in enumerate(OFFERED, 1):
                self._event(new_id, "global", number, interface, self.interfaces[interface].version)
        elif request == "bind" and args[1] != OFFERED[int(str(args[0])) - 1 if 0 < int(str(args[0])) <= len(OFFERED) else 0]:
            self.stub.note("!confused")
        elif request == "bind" and args[1] == "wl_shm":
            self._event(int(str(args[3])), "format", 0)
        elif request in ("get_toplevel", "get_popup"):
            self.serial += 1
            if request == "get_toplevel":
                self._event(new_id, "configure", 0, 0, b"")
            self._event(object_id, "configure", self.serial)
        elif request == "get_keyboard":
            self.keymap = os.memfd_create("keymap")
            os.write(self.keymap, KEYMAP)
            self._event(new_id, "keymap", 1, len(KEYMAP), fds=[self.keymap])
        elif request == "create_listener" and facts(int(str(args[1]))).startswith("fd(socket"):
            self.stub.serve_context(int(str(args[1])))
        elif request == "create_pool":
            self.pools[new_id] = (int(str(args[1])), int(str(args[2])))
        elif request == "resize" and name == "wl_shm_pool" and object_id in self.pools:
            self.pools[object_id] = (self.pools[object_id][0], new_id)
        elif request == "get_data_device":
            self.offers += 1
            offer = SERVER_IDS + self.offers - 1
            self.objects[offer] = ("wl_data_offer", self.objects[object_id][1])
            self._event(new_id, "data_offer", offer)
            self._event(offer, "offer", CLIPBOARD)
            self._event(new_id, "selection", offer)
        elif request == "receive" and name == "wl_data_offer":
            self.stub.writes(int(str(args[1])))
        elif request == "offer" and name == "wl_data_source" and args[0] == STREAM:
            reader, writer = os.pipe()
            self.stub.reads(reader)
            self.lent.add(writer)
            self._event(object_id, "send", STREAM, fds=[writer])
        elif request == "commit":
            self.stub.counts("commit", self.read_at)
            for number, size in self.pools.values():
                if os.fstat(number).st_size < size:
                    self.stub.note(f"!sigbus: {size} bytes mapped, {os.fstat(number).st_size} there")

    def _check_keymap(self) -> None:
        if self.keymap >= 0 and os.pread(self.keymap, 4096, 0) != KEYMAP:
            self.stub.note("!keymap changed")

    def _event(self, object_id: int, event: str, *args: object, fds: list[int] | None = None) -> None:
        if object_id not in self.objects:
            return
        events = self.interfaces[self.objects[object_id][0]].events
        opcode = next(i for i, e in enumerate(events) if e.name == event)
        data = pack(object_id, opcode, events[opcode], args)
        self.out.append((data, fds or []))
        if len(self.out) == 1:
            self.flush()

    def flush(self) -> None:
        """Sends what the socket takes."""
        while self.out:
            data, fds = self.out[0]
            try:
                sent = socket.send_fds(self.sock, [data], fds, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                self.out.clear()  # the peer is gone; its end of stream is next
                return
            for number in self.lent.intersection(fds):
                self.lent.discard(number)
                os.close(number)
            if sent < len(data):
                self.out[0] = (data[sent:], [])
                return
            del self.out[0]

    def close(self) -> None:
        self.sock.close()
        for number in (*self.lent, *self.fds, *(number for number, _ in self.pools.values()), *([self.keymap] if self.keymap >= 0 else [])):
            os.close(number)


def facts(number: int) -> str:
    """A descriptor as the log shows it."""
    found = gather(number)
    return f"fd({KIND_NAMES[found.kind]}, {found.size}, {'read-only' if found.access == READ_ONLY else 'writable'}, seals {found.seals})"
