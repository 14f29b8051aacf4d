"""wlproxy run: one guest's sidecar."""

from __future__ import annotations

import argparse
import math
import os
from typing import TYPE_CHECKING, Final

from .options import add_var

if TYPE_CHECKING:
    from ..sidecar.compiled import Trust
    from ..sidecar.watch.view import View

EXIT_USAGE: Final = 2
EXIT_NO_COMPOSITOR: Final = 5
DEFAULT_GUEST: Final = "guest"
DEFAULT_POLICY: Final = "strict"
GUESTS_FOLDER: Final = "/etc/wlproxy/guests.d"  # as policy/load_guest.py has it, which costs a start too much to import

EXAMPLE: Final = """example:
  wlproxy run --guest work --policy strict --listen unix:$XDG_RUNTIME_DIR/wlproxy-work.sock
  and then, in the VMM: crosvm run --gpu ... --wayland-sock $XDG_RUNTIME_DIR/wlproxy-work.sock
  wlproxy run --guest work        all of it from /etc/wlproxy/guests.d/work.toml; options go over what it says

URI:
  unix:/path[?mode=0660&group=NAME]   raw Wayland with descriptors: crosvm, QEMU rutabaga, local programs
  waypipe+unix:/path[?...]            waypipe's framing over a Unix socket
  vsock:PORT?cid=N                    AF_VSOCK, waypipe's framing, that guest only (cid=any: every VM of this host)
  hybrid:/path/vm.sock?port=N         Firecracker and Cloud Hypervisor: listens on /path/vm.sock_N
  fd:N or systemd:NAME                an inherited listening socket; ?framing=waypipe and, for vsock, cid=N
  stdio: or ucspi:                    the one connection on descriptors 0 and 1; ends with it

$NOTIFY_SOCKET is told of readiness (sd_notify(3)), also over vsock:CID:PORT.
exit codes: 0 ended by a signal, 2 usage, 3 others can change the policy or it is not signed as it must be,
5 no compositor's path, 6 policy invalid, 70 internal.
SIGHUP reloads the policy for new connections and reopens the audit file; SIGTERM ends within a second."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "run",
        description="Serves one guest: every connection to a listening socket gets its own, filtered, to the compositor.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--listen", action="append", default=[], metavar="URI", help="where guests connect; repeatable, see below")
    add_common(parser)
    parser.add_argument("--ready-fd", type=int, default=-1, metavar="N", help="write a newline to this descriptor when accepting")
    add_record(parser)
    parser.add_argument("--trace", default="", metavar="FILE|-", help="print each message and its verdict, like WAYLAND_DEBUG")
    add_view(parser)
    parser.add_argument(
        "--control",
        default="",
        metavar="PATH|none",
        help="the control socket, for wlproxy ctl, trace, record and metrics; default: $XDG_RUNTIME_DIR/wlproxy/GUEST.control, or "
        "/run/wlproxy-ctl/GUEST/control",
    )
    parser.add_argument(
        "--config", default="", metavar="FILE", help="the guest's file; without --policy: /etc/wlproxy/guests.d/NAME.toml, if it exists"
    )
    parser.set_defaults(function=run, policy="", guest="")


def add_common(parser: argparse.ArgumentParser) -> None:
    """The options that `exec` has as well."""
    parser.add_argument("--policy", default="strict", metavar="NAME|FILE", help="a policy by name, its file, or a compiled .json")
    parser.add_argument(
        "--shadow",
        default="",
        metavar="NAME|FILE",
        help="a policy that is asked beside the one in force and decides nothing: `wlproxy shadow report` says where they differ",
    )
    parser.add_argument("--upstream", default="", metavar="PATH", help="the compositor's socket; default: as a client would find it")
    parser.add_argument("--upstream-wait", type=seconds, default=5.0, metavar="S", help="how long a guest waits for it (5)")
    parser.add_argument("--guest", default=DEFAULT_GUEST, metavar="NAME", help="the guest's name, in policy and audit")
    add_var(parser)
    parser.add_argument("--audit", default="", metavar="FILE|-", help="append audit lines (JSON) to a file or standard output")
    parser.add_argument(
        "--confine",
        choices=("require", "prefer", "off"),
        default="require",
        help="what to do where the kernel cannot confine the process that faces the guest (require)",
    )
    parser.add_argument("--max-clients", type=int, default=1024, metavar="N", help="connections at a time (1024)")
    add_trust(parser)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """The options that say which policies are taken."""
    parser.add_argument("--ceiling", metavar="FILE", help='the host\'s ceiling (/etc/wlproxy/ceiling.toml, where it exists); "" for none')
    add_owner(parser)
    parser.add_argument(
        "--allowed-signers",
        default="",
        metavar="FILE",
        help="take only a compiled policy that one of these has signed (`wlproxy verify --help`)",
    )


def add_owner(parser: argparse.ArgumentParser) -> None:
    """Whose files are read."""
    parser.add_argument(
        "--trust-owner",
        action="append",
        default=[],
        type=user,
        metavar="USER",
        help="also read policy files that this user can change; repeatable. See OWNERS in wlproxy-policy(5)",
    )


def user(text: str) -> int:
    """The number of a user."""
    import pwd

    try:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else pwd.getpwnam(text).pw_uid
    except (KeyError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!a}: there is no such user") from error


def trust_of(args: argparse.Namespace) -> Trust:
    """The options of `add_trust`."""
    from ..sidecar.compiled import Trust

    signers = os.path.abspath(args.allowed_signers) if args.allowed_signers else ""
    return Trust(args.trust_owner, signers, os.path.abspath(args.ceiling) if args.ceiling else args.ceiling)


def add_record(parser: argparse.ArgumentParser, file: str = "--record") -> None:
    """The options of a recording."""
    parser.add_argument(
        file, dest="record", default="", metavar="FILE", help="record what both sides say, for `wlproxy replay`; never overwrites"
    )
    parser.add_argument(
        "--redact", action="store_true", help="without content: texts, arrays and typed keys (interfaces and MIME types stay)"
    )
    parser.add_argument("--record-max", type=size, default=1 << 30, metavar="BYTES", help="the recording ends there (1GiB)")


def add_view(parser: argparse.ArgumentParser) -> None:
    """What a trace shows."""
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=("allowed", "rewritten", "would-deny", "denied", "hidden", "no-object", "ended"),
        help="messages with this verdict; repeatable",
    )
    parser.add_argument(
        "--interface", "--iface", action="append", default=[], metavar="GLOB", help="messages of these interfaces; repeatable"
    )
    parser.add_argument("--payload", action="store_true", help="show texts and keys, which are lengths and '_' otherwise")
    parser.add_argument("--json", action="store_true", help="print each message as a JSON object, one a line")


def view_of(args: argparse.Namespace) -> View:
    """The options of `add_view` as the printer takes them."""
    from ..sidecar.watch.view import View

    return View(tuple(args.only), tuple(args.interface), args.payload, json=args.json)


def size(text: str) -> int:
    """Bytes, or so many KiB, MiB or GiB."""
    for suffix, factor in (("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)):
        number = text.removesuffix(suffix) if suffix else text
        if number != text or not suffix:
            if not number.isascii() or not number.isdigit() or len(number) > 15:
                break
            return int(number) * factor
    raise argparse.ArgumentTypeError(f"{text}: a number of bytes is needed, or of KiB, MiB, GiB as in 512MiB")


def seconds(text: str) -> float:
    """A finite number of seconds from 0 up."""
    value = float(text)
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError(f"{text}: seconds from 0 up are needed")
    return value


def variables_of(items: list[str], guest: str) -> dict[str, str] | None:
    """The --var options as a mapping, `vm` being the guest's name unless given; None (and a message) where one is none."""
    from ..sidecar.say import say

    variables = {"vm": guest}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            say(f"--var {item}: NAME=VALUE is needed")
            return None
        variables[name] = value
    return variables


def upstream_of(given: str) -> str:
    """The compositor's path; "" (and a message) where nothing says it."""
    from ..sidecar.say import say
    from ..sidecar.upstream import default_path

    path = given or default_path(dict(os.environ))
    if not path:
        say("no compositor's path: set --upstream PATH, or WAYLAND_DISPLAY and XDG_RUNTIME_DIR")
    elif not path.startswith("/"):
        path = os.path.abspath(path)
    return path


def run(args: argparse.Namespace) -> int:
    """The verb; its exit code."""
    from ..sidecar.compilation import Compilation
    from ..sidecar.notify import take
    from ..sidecar.say import say

    try:
        guest_file = guest_file_of(args)
    except ValueError as error:
        say(str(error))
        return EXIT_USAGE
    if not args.listen and not guest_file:
        say("--listen URI is needed, for example --listen unix:/run/wlproxy/guest.sock")
        return EXIT_USAGE
    if args.ready_fd != -1 and not is_open(args.ready_fd):
        say(f"--ready-fd {args.ready_fd}: is not open")
        return EXIT_USAGE
    guest = args.guest or guest_named_by(guest_file) or DEFAULT_GUEST
    variables = variables_of(args.var, guest)
    if variables is None:
        return EXIT_USAGE
    if guest_file and guest == guest_named_by(guest_file) and not any(item.startswith("vm=") for item in args.var):
        del variables["vm"]  # the file may say another
    upstream = "" if guest_file and not args.upstream else upstream_of(args.upstream)
    if not upstream and not guest_file:
        return EXIT_NO_COMPOSITOR
    notifier = take(os.environ)
    policy = args.policy if guest_file else args.policy or DEFAULT_POLICY
    compilation = Compilation(policy, variables, guest_file, trust_of(args), args.shadow)
    from ..sidecar.start import Settings, serve

    settings = Settings(args.listen, upstream, compilation)
    settings.guest = guest
    settings.audit = args.audit
    settings.ready_fd = args.ready_fd
    settings.notifier = notifier
    settings.upstream_wait = args.upstream_wait
    settings.clients = args.max_clients
    settings.confine = args.confine
    settings.record, settings.record_bytes, settings.redact = args.record, args.record_max, args.redact
    settings.trace, settings.trace_view = args.trace, view_of(args)
    settings.control = args.control
    return serve(settings)


def guest_file_of(args: argparse.Namespace) -> str:
    """The guest's file that is to be read, "" for none. Raises ValueError where there cannot be one."""
    if args.config:
        path = os.path.abspath(str(args.config))
        if not os.path.isfile(path):
            raise ValueError(f"--config {args.config}: no such file; a guest's file is needed, for example {GUESTS_FOLDER}/work.toml")
        return path
    if args.policy or not args.guest:
        return ""
    if "/" in args.guest or "\0" in args.guest or args.guest.startswith("."):
        raise ValueError(f"--guest {args.guest!a}: a name is needed, for example work")
    path = f"{GUESTS_FOLDER}/{args.guest}.toml"
    return path if os.path.lexists(path) else ""


def guest_named_by(path: str) -> str:
    """The guest whose file that is."""
    return os.path.basename(path).removesuffix(".toml")


def is_open(number: int) -> bool:
    """Whether the descriptor was handed to us; it is not handed on."""
    try:
        os.set_inheritable(number, False)
    except (OSError, OverflowError):
        return False
    return True
