"""vsockclient: connects to a vsock port and becomes a program that has the connection on descriptors 6 (to read) and 7 (to write).

Promises: the program runs only where there is a connection, and in this very process. Trusts: the command line, the program.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

from .vsock import EXIT_PERMANENT, EXIT_TEMPORARY, UsageError, cid_of, connected, environment, pair, port_of, say

NAME: Final = "vsockclient"
READ_FD: Final = 6
WRITE_FD: Final = 7
USAGE: Final = f"""usage: {NAME} CID|host|local PORT PROGRAM [ARGUMENT...]
example, in a guest: {NAME} host 1024 sh -c 'echo ready >&7'"""

Connect = Callable[[int, int], socket.socket]


def main(argv: list[str] | None = None, connect: Connect = connected) -> int:
    """The exit code where the program was not started. `connect`: tests put another family's in its place."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    try:
        if len(words) < 3:
            raise UsageError("a CID, a port and a program are needed")
        cid, port, command = cid_of(words[0], any_allowed=False), port_of(words[1], any_allowed=False), words[2:]
    except UsageError as error:
        say(NAME, f"{error}\n{USAGE}")
        return EXIT_PERMANENT
    try:
        sock = connect(cid, port)
    except OSError as error:
        say(NAME, f"cannot connect to CID {cid} port {port}: {error.strerror or error}")
        return EXIT_TEMPORARY
    return become(command, sock)


def become(command: list[str], sock: socket.socket) -> int:
    """Replaces this process by the program; the exit code where that fails."""
    told = environment(pair(sock.getsockname()), pair(sock.getpeername()))
    number = sock.detach()
    spare = fcntl.fcntl(number, fcntl.F_DUPFD, WRITE_FD + 1)  # the number itself may be 6 or 7
    os.close(number)
    os.dup2(spare, READ_FD)
    os.dup2(spare, WRITE_FD)
    os.close(spare)
    for name in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these, and what is ignored stays so across execve(2)
        signal.signal(name, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, told)
    except OSError as error:
        say(NAME, f"{command[0]}: {error.strerror}")
        return EXIT_PERMANENT if isinstance(error, (FileNotFoundError, PermissionError)) else EXIT_TEMPORARY


if __name__ == "__main__":
    sys.exit(main())
