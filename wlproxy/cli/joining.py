"""For `trace` and `record`: a running sidecar is joined, until Ctrl-C, until the guest's end, or until nothing more can be written."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ..sidecar.control.client import Conversation
    from ..sidecar.watch.view import View

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)
LAST_SECONDS: Final = 3.0  # for the sidecar to say that it is over, and for what was traced to be printed


def add_control(parser: argparse.ArgumentParser) -> None:
    """Where the sidecar is asked."""
    parser.add_argument("--control", default="", metavar="PATH", help="the sidecar's control socket; default: where GUEST's is found")


def add_asked(parser: argparse.ArgumentParser, guest: str = "this guest only") -> None:
    """Which of the guests that run; `guest`: what naming one does."""
    parser.add_argument("guest", nargs="?", default="", metavar="GUEST", help=guest)
    add_control(parser)


def join_trace(guest: str, control: str, out_path: str, view: View, confine: str) -> int:
    """Prints what a running guest says on the connections to come; the exit code."""
    from ..sidecar.control.client import Conversation, Refused, socket_of
    from ..sidecar.say import say
    from ..sidecar.watch.printing import print_live

    out = 1
    try:
        path = socket_of(guest, control, os.environ)
        if out_path != "-":
            out = os.open(out_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY, 0o600)
        view.colour = os.isatty(out)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # until until_over
        conversation = Conversation(path, {"do": "trace", "guest": guest, "payload": view.payload}, writer)
        os.close(writer)
        told = conversation.line()
    except Refused as error:
        say(printed(error))
        return error.exit_code
    except OSError as error:
        say(f"-o {out_path}: {error.strerror}")
        return EXIT_USAGE
    say_joined(told, guest)
    sys.stdout.flush()
    sys.stderr.flush()
    printer = os.fork()
    if printer == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when the sidecar writes no more
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os._exit(print_live(reader, out, view, confine, guest))
    os.close(reader)
    ended = os.pidfd_open(printer)
    reason = until_over(conversation, ended)
    conversation.close()
    with contextlib.suppress(KeyboardInterrupt):
        if not select.select([ended], [], [], LAST_SECONDS)[0]:
            os.kill(printer, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(printer, 0)[1])
    if reason:
        say(f"guest {guest}: {reason}")
    return max(code, 0)


def join_record(args: argparse.Namespace, guest: str) -> int:
    """Records a running guest's connections to come; the exit code."""
    from ..sidecar.control.client import Conversation, Refused, socket_of
    from ..sidecar.say import say

    made = -1
    try:
        path = socket_of(guest, args.control, os.environ)
        made = os.open(args.record, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # until until_over
        request = {"do": "record", "guest": guest, "redact": args.redact, "most": args.record_max}
        conversation = Conversation(path, request, made)
        told = conversation.line()
    except FileExistsError:
        say(f"-o {args.record}: exists already, and is not overwritten: remove it or name another")
        return EXIT_USAGE
    except OSError as error:
        say(f"-o {args.record}: {error.strerror}")
        return EXIT_USAGE
    except Refused as error:
        say(printed(error))
        if made >= 0:
            os.unlink(args.record)
        return error.exit_code
    say_joined(told, guest)
    reason = until_over(conversation)
    conversation.close()
    size = os.fstat(made).st_size
    os.close(made)
    say(f"{args.record}: {size} bytes" + (f"; it ends here: {reason}" if reason else ""))
    return EXIT_FINDINGS if reason and reason != ENDED else 0


ENDED: Final = "the relay has ended"


def say_joined(told: dict[str, Any], guest: str) -> None:
    """What is to be expected, on standard error."""
    from ..policy.document import printable
    from ..sidecar.say import say

    policy = told.get("policy")
    under = f", under {policy.get('name')}@{policy.get('generation')}" if isinstance(policy, dict) else ""
    say(printable(f"joined guest {guest}{under}: connections from now on; those that are open already are not shown. Ctrl-C ends it"))


def until_over(conversation: Conversation, printer: int = -1) -> str:
    """Waits for the end; why it came, "" where it was wanted. `printer` becomes readable when nobody prints any more: whoever read has had
    enough, or the relay has ended, and its pipe with it; then the sidecar is about to say so."""
    from ..policy.document import printable
    from ..sidecar.control.client import Refused

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = False
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
        sidecar = conversation.sock.fileno()
        ready, _, _ = select.select([sidecar] if printer < 0 else [sidecar, printer], [], [])
        wanted = sidecar not in ready
    except KeyboardInterrupt:
        wanted = True
    try:
        if wanted:
            conversation.sock.shutdown(1)  # the answer is that it is over
        conversation.sock.settimeout(LAST_SECONDS)
        reason = str(conversation.line().get("over", ""))
    except (KeyboardInterrupt, OSError):
        reason = ""
    except Refused as error:
        reason = "" if wanted else ENDED if "not whole" in str(error) else str(error)
    return "" if wanted and reason != ENDED else printable(reason)


def printed(error: Exception) -> str:
    """A sidecar's text for a terminal."""
    from ..policy.document import printable

    return printable(str(error))
