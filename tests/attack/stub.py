"""A compositor that accepts everything and writes down what reached it: one line for each request, "!" before what is wrong with it.

It offers every global that an attack asks for. Runs in a thread; one connection after the other has its lines in `log`.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Mapping

from wlproxy.core.fds import KIND_NAMES, READ_ONLY
from wlproxy.core.protocol import Interface
from wlproxy.sidecar.fd_facts import gather
from wlproxy.tools.fuzzing.reference import pack, wire_arguments

from .rows_privileged import PRIVILEGED

OFFERED = (
    *("wl_compositor", "wl_subcompositor", "wl_shm", "wl_seat", "wl_output", "wl_data_device_manager", "xdg_wm_base", "wp_viewporter"),
    *PRIVILEGED,
)
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
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def lines(self) -> str:
        with self._lock:
            return "\n".join(self._log)

    def settle(self) -> None:
        """Waits until every guest that was there has been read to its end."""
        with self._idle:
            self._idle.wait_for(lambda: not self._seats, 10)

    def clear(self) -> None:
        with self._lock:
            self._log.clear()

    def note(self, line: str) -> None:
        with self._lock:
            self._log.append(line)

    def _serve(self) -> None:
        while True:
            waiting = [sock for sock, seat in self._seats.items() if seat.out]
            ready, writable, _ = select.select([*self._listening, self._woken, *self._seats], waiting, [])
            if self._woken in ready:
                break
            for sock in writable:
                self._seats[sock].flush()
            for sock in ready:
                if sock in self._listening:
                    made = sock.accept()[0]
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
        self.out: list[tuple[bytes, list[int]]] = []
        self.serial = 100
        self.keymap = -1

    def read(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 253)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.fds += fds
        self.buffer += data
        while len(self.buffer) >= 8:
            object_id, opcode, size = struct.unpack_from("<IHH", self.buffer)
            if size < 8 or size % 4:
                self.stub.note(f"!size {size}")
                return False
            if len(self.buffer) < size:
                break
            body, self.buffer = self.buffer[8:size], self.buffer[size:]
            if not self._message(object_id, opcode, body):
                return False
        if self.buffer:
            self.stub.note(f"!partial {len(self.buffer)}")
        if len(self.fds) > 100:
            self.stub.note(f"!surplus fds {len(self.fds)}")
        return bool(data)

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
        elif request == "commit":
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
            if sent < len(data):
                self.out[0] = (data[sent:], [])
                return
            del self.out[0]

    def close(self) -> None:
        self.sock.close()
        for number in (*self.fds, *(number for number, _ in self.pools.values()), *([self.keymap] if self.keymap >= 0 else [])):
            os.close(number)


def facts(number: int) -> str:
    """A descriptor as the log shows it."""
    found = gather(number)
    return f"fd({KIND_NAMES[found.kind]}, {found.size}, {'read-only' if found.access == READ_ONLY else 'writable'}, seals {found.seals})"
