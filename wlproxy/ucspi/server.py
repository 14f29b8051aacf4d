"""vsockserver: runs a program for each connection to a vsock port, the connection on its descriptors 0 and 1.

Promises: never more than the limit of programs at a time, further connections wait in the kernel; a program gets the connection and
the caller's standard error, and no other descriptor that this process opened; what cannot be started ends that connection only.
SIGTERM ends the listening, and tells the programs; when the last of them has ended so does this process. Ended children are
waited for. Trusts: the command line, the program.
"""

from __future__ import annotations

import getopt
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

from .vsock import EXIT_PERMANENT, EXIT_TEMPORARY, UsageError, cid_of, environment, listening, pair, port_of, say, whole

NAME: Final = "vsockserver"
LIMIT: Final = 40
BACKLOG: Final = 128
PAUSE_SECONDS: Final = 0.5  # after accept(2) has run out of descriptors or memory
ENDING: Final = (signal.SIGTERM, signal.SIGINT)
PYTHON_IGNORES: Final = (signal.SIGPIPE, signal.SIGXFSZ)  # and a program that is started would go on doing so

USAGE: Final = f"""usage: {NAME} [-1] [-c LIMIT] [-r FD] CID|any|local|host PORT PROGRAM [ARGUMENT...]
  CID        the address to listen on: any of ours, or one of them
  PORT       0: any free port; -1 tells which
  -1         write the port and a newline to standard output when listening, and close it
  -c LIMIT   programs at a time ({LIMIT})
  -r FD      write a newline to this descriptor when listening, and close it
example: {NAME} any 1024 wlproxy run --listen 'ucspi:?framing=waypipe&cid=3' --policy strict"""

Listen = Callable[[int, int, int], socket.socket]


class Settings:
    """A command line that makes sense."""

    def __init__(self, cid: int, port: int, command: list[str]) -> None:
        self.cid = cid
        self.port = port
        self.command = command
        self.limit = LIMIT
        self.ready_fd = -1
        self.tell_port = False


def settings_of(argv: list[str]) -> Settings:
    """Reads the command line. Raises UsageError."""
    try:
        options, rest = getopt.getopt(argv, "+1c:r:h", ["help"])
    except getopt.GetoptError as error:
        raise UsageError(error.msg) from error
    if any(name in ("-h", "--help") for name, _ in options):
        raise UsageError("")
    if len(rest) < 3:
        raise UsageError("a CID, a port and a program are needed")
    settings = Settings(cid_of(rest[0], any_allowed=True), port_of(rest[1], any_allowed=True), rest[2:])
    for name, value in options:
        if name == "-1":
            settings.tell_port = True
        elif name == "-c":
            settings.limit = whole(value)
            if settings.limit < 1:
                raise UsageError(f"-c {value}: a number from 1 on is needed")
        elif name == "-r":
            settings.ready_fd = whole(value)
            if settings.ready_fd < 0 or not is_open(settings.ready_fd):
                raise UsageError(f"-r {value}: is not an open descriptor")
    return settings


def is_open(number: int) -> bool:
    """Whether the descriptor was handed to us; no program gets it."""
    try:
        os.set_inheritable(number, False)
    except (OSError, OverflowError):
        return False
    return True


def main(argv: list[str] | None = None, listen: Listen = listening) -> int:
    """The exit code. `listen`: tests put another family's in its place."""
    try:
        settings = settings_of(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        if not str(error):
            print(USAGE)
            return 0
        say(NAME, f"{error}\n{USAGE}")
        return EXIT_PERMANENT
    fill_standard_descriptors()
    try:
        sock = listen(settings.cid, settings.port, BACKLOG)
    except OSError as error:
        say(NAME, f"cannot listen on CID {settings.cid} port {settings.port}: {error.strerror or error}")
        return EXIT_TEMPORARY
    server = Server(sock, settings)
    server.announce()
    return server.run()


def fill_standard_descriptors() -> None:
    """0, 1 and 2 shall be open, so that no socket of ours gets such a number."""
    while (number := os.open("/dev/null", os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


class Server:
    """The listening socket and the programs that run."""

    def __init__(self, sock: socket.socket, settings: Settings) -> None:
        self._sock = sock
        self._settings = settings
        self._children: set[int] = set()
        self._ending = 0  # how often we were told
        self._wake, wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        sock.setblocking(False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in ENDING:
            signal.signal(number, self._on_end)

    def announce(self) -> None:
        """Tells who wants to know that connections are taken from now on."""
        if self._settings.tell_port:
            try:
                os.write(1, b"%d\n" % pair(self._sock.getsockname())[1])
            except OSError as error:
                say(NAME, f"-1: standard output: {error.strerror}")
            null = os.open("/dev/null", os.O_WRONLY)
            os.dup2(null, 1)
            os.close(null)
        if self._settings.ready_fd >= 0:
            try:
                os.write(self._settings.ready_fd, b"\n")
            except OSError as error:
                say(NAME, f"-r {self._settings.ready_fd}: {error.strerror}")
            os.close(self._settings.ready_fd)

    def run(self) -> int:
        """Until a signal ends it and the last program has ended; the exit code."""
        pause = 0.0
        while True:
            self._reap()
            if self._ending:
                self._end()
                if not self._children or self._ending > 1:
                    return 0
            poll = select.poll()
            poll.register(self._wake, select.POLLIN)
            if not self._ending and not pause and len(self._children) < self._settings.limit:
                poll.register(self._sock.fileno(), select.POLLIN)
            ready = [number for number, _ in poll.poll(pause * 1000 if pause else None)]
            pause = 0.0
            if self._wake in ready:
                os.read(self._wake, 512)
            elif ready:
                pause = self._accept()

    def _accept(self) -> float:
        """Takes one connection; the seconds to wait before the next try."""
        try:
            conn, remote = self._sock.accept()
        except (BlockingIOError, ConnectionError):
            return 0.0
        except OSError as error:
            say(NAME, f"cannot accept: {error.strerror}")
            return PAUSE_SECONDS
        with conn:
            conn.setblocking(True)
            told = environment(pair(conn.getsockname()), pair(remote))
            number = conn.fileno()
            places = [(os.POSIX_SPAWN_DUP2, number, 0), (os.POSIX_SPAWN_DUP2, number, 1)]
            command = self._settings.command
            try:
                pid = os.posix_spawnp(command[0], command, told, file_actions=places, setsigdef=PYTHON_IGNORES)
            except OSError as error:
                say(NAME, f"{command[0]}: {error.strerror}")
                return 0.0
        self._children.add(pid)
        return 0.0

    def _reap(self) -> None:
        while self._children:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._children.clear()
                return
            if not pid:
                return
            self._children.discard(pid)

    def _on_end(self, *_: object) -> None:
        self._ending += 1

    def _end(self) -> None:
        if self._sock.fileno() < 0:
            return
        self._sock.close()
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)  # not waited for yet, so the number is still this program's


if __name__ == "__main__":
    sys.exit(main())
