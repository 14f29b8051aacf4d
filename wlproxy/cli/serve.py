"""wlproxy serve: many guests, each as its file says."""

from __future__ import annotations

import argparse
import os
from typing import Final

from .run import EXIT_USAGE, add_trust, is_open, seconds, trust_of

EXAMPLE: Final = """example:
  cat /etc/wlproxy/guests.d/work.toml
    format = 1
    policy = "desktop"
    vars   = { label = "Work", colour = "#2266cc" }
    listen = ["unix:/run/wlproxy/work.sock", "vsock:1024?cid=7"]
  wlproxy check --guests /etc/wlproxy/guests.d
  wlproxy serve --upstream /run/user/1000/wayland-0 --audit /var/log/wlproxy.jsonl

A guest's file has: format, policy, vars, listen (see wlproxy run --help for the URIs), upstream, audit, expires (a date; after it the
guest falls back to strict), shadow (a policy that is asked beside the other and decides nothing: wlproxy shadow report). SIGHUP reads the
folder again: new guests start, changed ones change, those whose file is gone end.
A relay that dies is replaced; the other guests do not notice. Several guests may have one vsock port, each with its own cid.

exit codes: 0 ended by a signal, 2 usage, 3 others can change the folder or the files (no guest
can start), 6 none of the guests can start, 70 internal."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    from ..policy.load_guest import GUESTS_FOLDER

    parser = subparsers.add_parser(
        "serve",
        description="Serves every guest that has a file in a folder: one confined process for each, one parent for all.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", default=GUESTS_FOLDER, metavar="DIR", help=f"the folder of guests' files ({GUESTS_FOLDER})")
    parser.add_argument("--upstream", default="", metavar="PATH", help="the compositor's socket, where a file names none")
    parser.add_argument("--upstream-wait", type=seconds, default=5.0, metavar="S", help="how long a guest waits for it (5)")
    parser.add_argument("--audit", default="", metavar="FILE|-", help="append audit lines (JSON), where a guest's file names no other")
    parser.add_argument("--ready-fd", type=int, default=-1, metavar="N", help="write a newline to this descriptor when accepting")
    parser.add_argument(
        "--confine",
        choices=("require", "prefer", "off"),
        default="require",
        help="what to do where the kernel cannot confine the processes that face guests (require)",
    )
    parser.add_argument(
        "--control",
        default="",
        metavar="PATH|none",
        help="the control socket, for wlproxy ctl, trace, record and metrics; default: $XDG_RUNTIME_DIR/wlproxy/serve.guests, or "
        "/run/wlproxy-ctl/.serve/guests",
    )
    parser.add_argument("--max-clients", type=int, default=1024, metavar="N", help="connections of a guest at a time (1024)")
    add_trust(parser)
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The verb; its exit code."""
    from ..sidecar.notify import take
    from ..sidecar.say import say
    from ..sidecar.supervisor import ServeSettings, serve_guests
    from ..sidecar.upstream import default_path

    if args.ready_fd != -1 and not is_open(args.ready_fd):
        say(f"--ready-fd {args.ready_fd}: is not open")
        return EXIT_USAGE
    upstream = args.upstream or default_path(dict(os.environ))  # "": each guest's file must say it
    settings = ServeSettings(os.path.abspath(args.config), os.path.abspath(upstream) if upstream else "")
    settings.upstream_wait = args.upstream_wait
    settings.audit = args.audit
    settings.ready_fd = args.ready_fd
    settings.clients = args.max_clients
    settings.confine = args.confine
    settings.control = args.control
    settings.notifier = take(os.environ)
    settings.trust = trust_of(args)
    return serve_guests(settings)
