"""The embedded host by itself: `python -m wlproxy.host --socket PATH [--png FILE] [--seconds N] [--commands]`.

Prints one JSON object a line: {"event": "ready"} once clients can connect, then "bind", "window" and "closed" as they happen, and
"picture" when the PNG is written, at the end. With --commands, lines on standard input are obeyed: `type TEXT` (JSON string), `click X Y`,
`picture FILE`, `quit`. SIGTERM and SIGINT end it like `quit`. Exit status 1 if a handler of the host failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys

import trio

from .compositor import Host, serving


def _say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


class _Reporter:
    """Prints what is new since the last change."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._binds = 0
        self._windows: dict[tuple[int, str, str], None] = {}

    def __call__(self) -> None:
        for bind in self._host.bound[self._binds :]:
            _say(event="bind", client=bind.client, pid=bind.pid, interface=bind.interface, version=bind.version)
        self._binds = len(self._host.bound)
        now = {(window.client, window.title, window.app_id): None for window in self._host.windows}
        for client, title, app_id in now.keys() - self._windows.keys():
            _say(event="window", client=client, title=title, app_id=app_id)
        for client, title, app_id in self._windows.keys() - now.keys():
            _say(event="closed", client=client, title=title, app_id=app_id)
        self._windows = now


def _command(host: Host, line: str) -> bool:
    """False for the end."""
    word, _space, rest = line.partition(" ")
    if word == "type":
        host.type_text(json.loads(rest))
    elif word == "click":
        x, y = rest.split()
        host.inject_motion(float(x), float(y))
        host.inject_click()
    elif word == "picture":
        host.screenshot(rest)
        _say(event="picture", file=rest)
    elif word == "quit":
        return False
    else:
        _say(event="error", text=f"no such command: {word}")
    return True


async def _commands(host: Host, scope: trio.CancelScope) -> None:
    """Reads commands until standard input ends, which does not end the host."""
    pending = b""
    async with trio.lowlevel.FdStream(os.dup(0)) as stream:
        async for data in stream:
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                try:
                    going_on = _command(host, line.decode())
                except (KeyError, ValueError) as wrong:
                    _say(event="error", text=str(wrong))
                    continue
                if not going_on:
                    scope.cancel()
                    return


async def _signals(scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _number in signals:
            scope.cancel()
            return


async def _main(args: argparse.Namespace) -> int:
    async with serving(args.socket, args.width, args.height, not args.no_risky) as host:
        host.on_change = _Reporter(host)
        async with trio.open_nursery() as nursery:
            if args.seconds:
                nursery.cancel_scope.deadline = trio.current_time() + args.seconds
            await nursery.start(_signals, nursery.cancel_scope)
            if args.commands:
                nursery.start_soon(_commands, host, nursery.cancel_scope)
            _say(event="ready", socket=args.socket)
            await trio.sleep_forever()
        host.on_change = None
        if args.png:
            host.screenshot(args.png)
            _say(event="picture", file=args.png)
        for fault in host.faults:
            print(fault, file=sys.stderr)
        return 1 if host.faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m wlproxy.host", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--socket", required=True, metavar="PATH")
    parser.add_argument("--png", default="", metavar="FILE", help="written at the end")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="N", help="0: until told to end")
    parser.add_argument("--commands", action="store_true", help="obey lines on standard input")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--no-risky", action="store_true", help="without the globals that are there to be refused")
    args = parser.parse_args()
    return trio.run(_main, args)


if __name__ == "__main__":
    sys.exit(main())
