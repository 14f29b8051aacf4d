"""wlproxy exec: a local program whose only Wayland socket is a private proxied one."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .run import add_common, trust_of, upstream_of, variables_of

if TYPE_CHECKING:
    from ..sidecar.start import Settings

EXIT_USAGE: Final = 2
EXIT_NO_COMPOSITOR: Final = 5

EXAMPLE: Final = """example:
  wlproxy exec --policy strict --audit /tmp/audit.jsonl -- foot

The program gets WAYLAND_DISPLAY of its own; its status is the exit status, 128+N if signal N ended it.
This filters what it says over that socket. It is no sandbox: a program of your uid can open the compositor's socket itself."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "exec",
        description="Runs a program whose WAYLAND_DISPLAY is a private socket of the proxy.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND...", help="the program and its arguments")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The verb; the program's exit status."""
    return run_behind(args, "exec", lambda settings: None)


def command_of(args: argparse.Namespace) -> list[str]:
    """What stands behind "--"."""
    command: list[str] = args.command
    return command[1:] if command[:1] == ["--"] else command


def run_behind(args: argparse.Namespace, verb: str, more: Callable[[Settings], None]) -> int:
    """Runs the program behind the proxy, for each verb that does; `more` sets what is the verb's own."""
    import shutil
    import tempfile

    from ..sidecar.compilation import Compilation
    from ..sidecar.say import say

    command = command_of(args)
    if not command:
        say(f"a command is needed: wlproxy {verb} --policy strict -- COMMAND")
        return EXIT_USAGE
    variables = variables_of(args.var, args.guest)
    if variables is None:
        return EXIT_USAGE
    upstream = upstream_of(args.upstream)
    if not upstream or not there_within(upstream, args.upstream_wait):
        return EXIT_NO_COMPOSITOR
    compilation = Compilation(args.policy, variables, trust=trust_of(args), shadow=args.shadow)
    from ..sidecar import notify
    from ..sidecar.start import Settings, serve

    notifier = notify.take(os.environ)
    directory = tempfile.mkdtemp(prefix="wlproxy-", dir=private_place())  # 0700
    try:
        path = os.path.join(directory, "wayland-0")
        settings = Settings([f"unix:{path}"], upstream, compilation)
        settings.guest = args.guest
        settings.audit = args.audit
        settings.upstream_wait = args.upstream_wait
        settings.clients = args.max_clients
        settings.confine = args.confine
        settings.notifier = notifier
        settings.command = command
        more(settings)
        settings.environment = {**os.environ, "WAYLAND_DISPLAY": path}
        notify.forget_sockets(settings.environment)
        settings.environment.pop("WAYLAND_SOCKET", None)  # would go before WAYLAND_DISPLAY, and past the proxy
        return serve(settings)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def private_place() -> str | None:
    """Where to make the directory: the session's own, else the system's default."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return runtime if runtime.startswith("/") and os.access(runtime, os.W_OK) else None


def there_within(path: str, seconds: float) -> bool:
    """Whether the compositor answers in that time; else a message."""
    import time

    from ..sidecar.say import say
    from ..sidecar.upstream import Upstream

    upstream = Upstream(path, seconds)
    until = time.monotonic() + seconds
    while True:
        sock = upstream.connect()
        if sock is not None:
            sock.close()
            return True
        if time.monotonic() >= until:
            say(upstream.advice())
            return False
        time.sleep(0.05)
