"""A socket of the compositor's on which every client is known to be sandboxed (wp_security_context_v1).

Promises: once `socket_path` has answered, what connects there cannot reach what the compositor keeps from sandboxed clients, and a window
manager can tell whose windows they are; the context ends with this process, whatever ends it (the compositor watches a pipe). Waits
for the compositor at most HANDSHAKE_SECONDS at a time. Trusts: the compositor. Runs in the broker, which no guest reaches.
Source: security-context-v1.xml.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import time
from typing import Final

from ..core import wire
from ..core.wire import DISPLAY_ID, HEADER_BYTES, Malformed

OFF: Final = "off"
PREFER: Final = "prefer"
REQUIRE: Final = "require"
IN_FORCE: Final = "in force"

INSTANCE: Final = "${instance}"  # in instance-id, as policy/read_upstream.py leaves it
SOCKET_NAME: Final = "wayland"
MANAGER: Final = "wp_security_context_manager_v1"
HANDSHAKE_SECONDS: Final = 0.3  # a SIGTERM waits no longer than that
BACKLOG: Final = 64
MOST_BYTES: Final = 1 << 20  # of answers

REGISTRY_ID, LISTED_ID, MANAGER_ID, CONTEXT_ID, DONE_ID = 2, 3, 4, 5, 6
CREATE_LISTENER: Final = 1
SET_SANDBOX_ENGINE, SET_APP_ID, SET_INSTANCE_ID, COMMIT = 1, 2, 3, 4


class SecurityContext:
    """`policy` is a policy's [upstream]. `state`: "" before the first attempt, "in force", or why it is not. `instance_id`: what the
    compositor is told in that place; what stands for ${instance} in it is one value for as long as this object is there."""

    def __init__(self, policy: dict[str, str], guest: str) -> None:
        self._policy = policy
        self._guest = guest
        self.state = ""
        self._instance = os.urandom(8).hex()
        self._folder = ""
        self._path = ""
        self._alive = -1  # the compositor closes its socket when this end of a pipe goes

    @property
    def mode(self) -> str:
        """PREFER, REQUIRE or OFF."""
        return self._policy.get("security-context", OFF)

    @property
    def instance_id(self) -> str:
        """For the compositor, and for whoever looks for its windows."""
        return (self._policy.get("instance-id") or self._guest).replace(INSTANCE, self._instance)

    def under(self, policy: dict[str, str]) -> None:
        """Another policy: connections from now on are as it says; those there are stay what they are."""
        if policy != self._policy:
            self.close()
            self.state = ""
            self._policy = policy

    def socket_path(self, compositor: str) -> str:
        """Where to connect: the context's socket, or the compositor's own where it has no contexts and none is required. Raises OSError
        with the reason where there is nothing to connect to now."""
        if self._path:
            return self._path
        if self.mode == OFF or (self.state and self.state != IN_FORCE):
            return self._without(compositor)
        self._make(compositor)
        return self._path or self._without(compositor)

    def lost(self) -> bool:
        """The socket of the context, or the compositor's own, no longer takes connections. True where another attempt makes sense now."""
        had = bool(self._path)
        self.close()
        self.state = ""
        return had

    def close(self) -> None:
        """Ends the context."""
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1
        if self._folder:
            for remove, path in ((os.unlink, os.path.join(self._folder, SOCKET_NAME)), (os.rmdir, self._folder)):
                with contextlib.suppress(OSError):  # gone already
                    remove(path)
        self._path = self._folder = ""

    def _without(self, compositor: str) -> str:
        if self.mode == REQUIRE:
            raise OSError(0, f"the policy requires a security context: {self.state}")
        return compositor

    def _make(self, compositor: str) -> None:
        """Sets `_path` and `state`. Raises OSError where the compositor does not answer, so that `state` stays unknown."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(HANDSHAKE_SECONDS)
            sock.connect(compositor)
            talk = Talk(sock)
            talk.list_globals()
            if MANAGER not in talk.globals:
                self.state = f"the compositor has no {MANAGER}"
                return
            listener = self._listen(compositor)
            theirs, self._alive = os.pipe2(os.O_CLOEXEC)
            try:
                talk.say(REGISTRY_ID, 0, "usun", talk.globals[MANAGER], MANAGER, 1, MANAGER_ID)
                talk.say(MANAGER_ID, CREATE_LISTENER, "nhh", CONTEXT_ID, None, None, fds=[listener.fileno(), theirs])
                for opcode, text in self._names().items():
                    talk.say(CONTEXT_ID, opcode, "s", text)
                talk.say(CONTEXT_ID, COMMIT, "")
                talk.wait_for(DONE_ID)
            except OSError:
                self.close()
                raise
            finally:
                listener.close()
                os.close(theirs)
            self._path = os.path.join(self._folder, SOCKET_NAME)
            self.state = IN_FORCE

    def _names(self) -> dict[int, str]:
        """What the compositor is told of the guest, by request."""
        policy = self._policy
        names = {
            SET_SANDBOX_ENGINE: policy.get("engine", ""),
            SET_APP_ID: policy.get("app-id") or f"wlproxy.{self._guest}",
            SET_INSTANCE_ID: self.instance_id,
        }
        return {opcode: text for opcode, text in names.items() if text}

    def _listen(self, compositor: str) -> socket.socket:
        """A listening socket in a folder that only this user can enter."""
        parent = os.environ.get("XDG_RUNTIME_DIR", "")
        if not parent.startswith("/"):
            parent = os.path.dirname(compositor)
        folder = os.path.join(parent, f"wlproxy-{os.urandom(8).hex()}")
        try:
            os.mkdir(folder, 0o700)
        except OSError as error:
            raise OSError(0, f"no folder for the security context in {parent}: {error.strerror} (set XDG_RUNTIME_DIR)") from error
        self._folder = folder
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(os.path.join(self._folder, SOCKET_NAME))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            self.close()
            raise
        return listener


def globals_of(compositor: str) -> dict[str, int]:
    """The interfaces that a compositor announces to an ordinary client, with their versions. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(HANDSHAKE_SECONDS)
        sock.connect(compositor)
        talk = Talk(sock)
        talk.list_globals()
        return dict(sorted(talk.versions.items()))


class Talk:
    """As much of a Wayland client as the handshake needs."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rest = b""
        self._until = time.monotonic() + HANDSHAKE_SECONDS
        self.globals: dict[str, int] = {}  # interface -> name
        self.versions: dict[str, int] = {}

    def list_globals(self) -> None:
        """Fills `globals`. Raises OSError."""
        self.say(DISPLAY_ID, 1, "n", REGISTRY_ID)
        self.wait_for(LISTED_ID)

    def say(self, target: int, opcode: int, signature: str, *values: object, fds: list[int] | None = None) -> None:
        """Sends one request. Raises OSError."""
        data = wire.encode(target, opcode, signature, list(values))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self._sock.sendmsg([data], rights)

    def wait_for(self, callback: int) -> None:
        """Sends a sync and reads until it is done. Raises OSError, also for a protocol error."""
        self.say(DISPLAY_ID, 0, "n", callback)
        size = 0
        while size < MOST_BYTES:
            left = self._until - time.monotonic()
            if left <= 0:
                break
            self._sock.settimeout(left)
            data = self._sock.recv(65536)
            if not data:
                raise OSError(0, "the compositor closed the connection")
            size += len(data)
            if self._read(data, callback):
                return
        raise TimeoutError(0, f"no answer within {HANDSHAKE_SECONDS:g} s")

    def _read(self, data: bytes, callback: int) -> bool:
        """Takes in events; whether the callback is among them."""
        self._rest += data
        done = False
        while len(self._rest) >= HEADER_BYTES:
            target = int(wire.word(self._rest, 0))
            head = int(wire.word(self._rest, 4))
            size, opcode = head >> 16, head & 0xFFFF
            if size < HEADER_BYTES:
                raise OSError(0, "the compositor sent no Wayland")
            if len(self._rest) < size:
                break
            try:
                if (target, opcode) == (DISPLAY_ID, 0):
                    (_, code, text), _ = wire.decode(self._rest, 0, size, "ous", [True, False, True], False)
                    raise OSError(0, f"the compositor refused: {str(text)[:200]!a} ({code})")
                if (target, opcode) == (REGISTRY_ID, 0):
                    (name, interface, version), _ = wire.decode(self._rest, 0, size, "usu", [False, False, False], False)
                    self.globals[str(interface)] = int(str(name))
                    self.versions[str(interface)] = max(int(str(version)), self.versions.get(str(interface), 0))
            except Malformed as error:
                raise OSError(0, f"the compositor sent no Wayland: {error}") from error
            done = done or (target, opcode) == (callback, 0)
            self._rest = self._rest[size:]
        return done
