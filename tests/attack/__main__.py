"""The hostile guest's command line. Exit code 1 where an attack got through or the compositor died."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack

from wlproxy.policy.load_protocols import load_shipped

from .play import play_all, shown
from .processes import Compositor, Forwarder, Proxy
from .rows import table
from .stub import Stub

EXAMPLE = """examples:
  python -m tests.attack --connect /run/user/1000/wlproxy-work.sock --rows A05,B64 --compositor-pid 4711
  python -m tests.attack --compositor stub --proxy 'wlproxy run --listen unix:{listen} --upstream {upstream} --policy strict'
  python -m tests.attack --compositor weston --proxy forward      (nothing filtered: the attacks are real)

Compositors are started for this, without a screen, and may die. Never use --connect with a session that you need."""


class Other:
    """A compositor that somebody else has started."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def lives(self) -> bool:
        return self._pid == 0 or os.path.exists(f"/proc/{self._pid}")

    def again(self) -> None:
        raise SystemExit(f"the compositor {self._pid} died")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.attack", epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__
    )
    parser.add_argument("--connect", default="", metavar="SOCKET", help="a socket that is there already")
    parser.add_argument("--compositor-pid", type=int, default=0, metavar="PID", help="with --connect: whom to watch")
    parser.add_argument("--proxy", default="", metavar="COMMAND", help="with {listen} and {upstream}; or: forward")
    parser.add_argument("--compositor", choices=("stub", "weston", "sway"), default="stub")
    parser.add_argument("--rows", default="", metavar="ID,...", help="only these")
    args = parser.parse_args()
    rows = [r for r in table() if not args.rows or r.id in args.rows.split(",")]
    if args.connect:
        results = play_all(rows, args.connect, None, Other(args.compositor_pid))
        print(shown(results))
        return int(not all(r.lives for r in results))
    with ExitStack() as stack:
        directory = tempfile.mkdtemp(prefix="wlproxy-attack-", dir="/tmp")
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        stub = target = None
        if args.compositor == "stub":
            stub = Stub(os.path.join(directory, "host.sock"), load_shipped())
            stack.callback(stub.close)
            path = stub.path
        else:
            target = Compositor(args.compositor)
            stack.callback(target.close)
            path = target.path
        if args.proxy:
            proxy = Forwarder(directory, path) if args.proxy == "forward" else Proxy(args.proxy, directory, path)
            stack.callback(proxy.close)
            path = proxy.path
        results = play_all(rows, path, stub, target)
        print(shown(results))
    return int(any(r.reached == "yes" or not r.lives for r in results))


if __name__ == "__main__":
    sys.exit(main())
