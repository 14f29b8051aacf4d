"""Messages as an admin reads them, live or from a recording: in the grammar of policy/grammar.py, with time, connection and verdict.

    [    0.123456] 1  -> xdg_toplevel#9.set_title(text[5])  ; denied ignore (strict.toml:31)

or, for programs, as one JSON object a line: "at" (seconds), "client", "dir", "interface", "object", "message" (the same grammar), "bytes",
"verdict", and where there is one "shape", "rule", "reason"; {"at", "lost"} where messages are not shown.

Promises: a line is printable ASCII, bounded, whatever the guest sent; without `payload` no text, no array and no key is shown, only the
interfaces in wl_registry's messages and MIME types; standard output that is gone ends the printing quietly. Trusts: the protocol data.
"""

from __future__ import annotations

import codecs
import fnmatch
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ...core import wire
from ...core.compact import LETTERS
from ...core.fds import KIND_NAMES
from ...core.outcome import WOULD_DENY
from ...core.protocol import ARRAY, FD, FIXED, NEW_ID, OBJECT, STRING, Argument, Interface
from ...policy import grammar
from ..audit import plain
from . import recording
from .redaction import TYPED, keeps
from .stepping import ALLOWED, DENIED, ENDED, HIDDEN, INERT, REWRITTEN, Step
from .view import View

COLOURS: Final = {REWRITTEN: "33", WOULD_DENY: "35", DENIED: "31", ENDED: "1;31", HIDDEN: "2", INERT: "2"}
TEXT_CHARACTERS: Final = 128


class Traced:
    """One message for a line. `known`: whether there is such a message."""

    def __init__(
        self,
        side: int,
        interface: str,
        known: bool,
        message: bytes,
        verdict: str = ALLOWED,
        shape: str = "",
        origin: str = "",
        reason: str = "",
        facts: list[tuple[int, int]] | None = None,
    ) -> None:
        self.side = side
        self.interface = interface
        self.known = known
        self.message = message
        self.verdict = verdict
        self.shape = shape
        self.origin = origin
        self.reason = reason
        self.facts = facts or []


def traced(step: Step) -> Traced:
    """A step as it is at hand."""
    facts = [(fd.kind, fd.size) for fd in step.fds]
    known = step.rule is not None
    return Traced(step.side, step.interface, known, step.message, step.verdict, step.shape, step.origin, step.reason, facts)


class Printer:
    """Makes lines. It remembers which object is of which interface, for the arguments whose type does not say."""

    def __init__(self, interfaces: Mapping[str, Interface], view: View) -> None:
        self._interfaces = interfaces
        self._view = view
        self._seen: dict[tuple[int, int], str] = {}

    def line(self, at: float, connection: int, traced: Traced) -> str:
        """The line without its end; "" where the view leaves it out."""
        number = int.from_bytes(traced.message[:4], "little")
        if traced.interface:
            self._seen[connection, number] = traced.interface
        if not self._wanted(traced):
            return ""
        if self._view.json:
            return self._object(at, connection, traced)
        arrow = " -> " if traced.side == 0 else ""
        text = f"[{at:12.6f}] {connection} {arrow}{self._message(connection, traced)}"
        remark = self._remark(traced)
        if self._view.colour and (colour := COLOURS.get(traced.verdict)):
            return f"{text}  \x1b[{colour}m; {remark}\x1b[0m"
        return f"{text}  ; {remark}"

    def _object(self, at: float, connection: int, traced: Traced) -> str:
        told: dict[str, object] = {
            "at": round(at, 6),
            "client": connection,
            "dir": "event" if traced.side else "request",
            "interface": plain(traced.interface),
            "object": int.from_bytes(traced.message[:4], "little"),
            "message": self._message(connection, traced),
            "bytes": len(traced.message),
            "verdict": traced.verdict,
        }
        reason = traced.reason if self._view.payload or traced.verdict == ENDED else ""
        more = {"shape": traced.shape, "rule": plain(traced.origin), "reason": plain(reason)}
        return json.dumps(told | {name: text for name, text in more.items() if text})

    def lost(self, at: float, count: int) -> str:
        """The line in the place of messages that are not shown."""
        if self._view.json:
            return json.dumps({"at": round(at, 6), "lost": count})
        return f"[{at:12.6f}] {count} messages are not shown: this output was read too slowly"

    def _wanted(self, traced: Traced) -> bool:
        view = self._view
        if view.only and traced.verdict.replace(" ", "-") not in view.only:
            return False
        return not view.interfaces or any(fnmatch.fnmatchcase(traced.interface, glob) for glob in view.interfaces)

    def _remark(self, traced: Traced) -> str:
        words = [traced.verdict, *([traced.shape] if traced.shape else [])]
        if traced.verdict in (DENIED, WOULD_DENY, REWRITTEN, ENDED):
            if traced.origin:
                words.append(f"({plain(traced.origin)})")
            if traced.verdict == ENDED or (traced.verdict in (DENIED, WOULD_DENY) and self._view.payload):
                words.append(plain(traced.reason))
        return " ".join(words).rstrip()

    def _message(self, connection: int, traced: Traced) -> str:
        data = traced.message
        number = int.from_bytes(data[:4], "little")
        opcode = int.from_bytes(data[4:6], "little")
        interface = self._interfaces.get(traced.interface)
        messages = () if interface is None else interface.requests if traced.side == 0 else interface.events
        if interface is None or not traced.known or opcode >= len(messages):
            kind = "request" if traced.side == 0 else "event"
            return f"{plain(traced.interface) or '[unknown]'}#{number}.[{kind} {opcode}]({len(data)} bytes)"
        message = messages[opcode]
        arguments = grammar.wire_arguments(message)
        signature = "".join(LETTERS[argument.type] for argument in arguments)
        try:
            values, _ = wire.decode(data, 0, len(data), signature, [True] * len(arguments), False)
        except wire.Malformed:
            return f"{interface.name}#{number}.{message.name}[{len(data)} bytes that do not fit]"
        facts = iter(traced.facts)
        told: list[grammar.Value] = []
        for argument, value in zip(arguments, values, strict=True):
            if argument.type == FD:
                kind_of, size = next(facts, (0, 0))
                told.append(grammar.Descriptor(KIND_NAMES[kind_of], size or -1) if kind_of else grammar.Descriptor())
            else:
                told.append(self._value(connection, interface.name, message.name, argument, value))
        direction = grammar.REQUEST if traced.side == 0 else grammar.EVENT
        return grammar.write(grammar.Literal(direction, interface.name, number or None, message.name, tuple(told)), self._interfaces)

    def _value(self, connection: int, interface: str, message: str, argument: Argument, value: object) -> grammar.Value:
        if argument.type == STRING:
            return None if value is None else self._text(interface, argument.name, str(value))
        if argument.type == ARRAY:
            return grammar.Array(len(value) if isinstance(value, bytes) else 0)
        number = value if isinstance(value, int) else 0
        if argument.type == FIXED:
            return grammar.Fixed(number)
        if argument.type == NEW_ID:
            if number and argument.interface:
                self._seen[connection, number] = argument.interface
            return grammar.NewId(argument.interface, number) if number else None
        if argument.type == OBJECT:
            named = argument.interface or self._seen.get((connection, number), "")
            return grammar.Reference(named if named in self._interfaces else "", number) if number else None
        if (message, argument.name) in TYPED and not self._view.payload:
            return grammar.ANY
        return number

    def _text(self, interface: str, argument: str, text: str) -> grammar.Value:
        size = len(text.encode("utf-8", "surrogateescape"))
        shown = self._view.payload or keeps(interface, argument)
        if not shown or not text:
            return text if not text else grammar.Unshown(size)
        return text if len(text) <= TEXT_CHARACTERS else grammar.Unshown(size, text[:TEXT_CHARACTERS])


def print_live(reader: int, out: int, view: View, confine: str, guest: str) -> int:
    """The process that prints: from the relay's pipe to `out`, until the pipe ends. Its exit code."""
    from ..confine import ConfinementError, uid_for
    from ..confine import confine as give_up
    from . import watching

    try:
        from ...policy.load_protocols import load_shipped

        printer = Printer(load_shipped(), view)
        for module in ("unicodedata", "encodings.unicode_escape", "encodings.ascii", "traceback", "linecache"):
            importlib.import_module(module)  # what would be imported late
        codecs.lookup("unicode_escape")
        close_all_but(2, reader, out)
        give_up(confine, uid_for(guest) if os.geteuid() == 0 else 0)
        with open(reader, "rb", buffering=1 << 16) as pipe:
            for kind, at, connection, body in records(pipe.read):
                if kind == watching.GAP:
                    write_all(out, printer.lost(at, int(json.loads(body))) + "\n")
                elif text := printer.line(at, connection, told(body)):
                    write_all(out, text + "\n")
    except BrokenPipeError:
        return 0
    except ConfinementError as error:
        print(f"wlproxy: --trace: {error}", file=sys.stderr, flush=True)
        return 70
    except OSError as failed:
        print(f"wlproxy: --trace: {failed.strerror}", file=sys.stderr, flush=True)
        return 1
    except BaseException:  # noqa: BLE001  the last frame of the process
        sys.excepthook(*sys.exc_info())
        return 70
    return 0


def close_all_but(*kept: int) -> None:
    """Closes every other descriptor; it is another process' business."""
    start = 0
    for number in sorted(set(kept)):
        os.closerange(start, number)
        start = number + 1
    os.closerange(start, max(int(name) for name in os.listdir("/proc/self/fd")) + 1)


def records(take: Callable[[int], bytes]) -> Iterator[tuple[int, float, int, bytes]]:
    """(kind, seconds, connection, body) of each record on the relay's pipe."""
    while len(lead := take(recording.LEAD.size)) == recording.LEAD.size:
        length, _ = recording.LEAD.unpack(lead)
        content = take(length)
        if len(content) < length:
            return
        kind, at, connection = recording.HEAD.unpack_from(content)
        yield kind, at / 1e6, connection, content[recording.HEAD.size :]


def told(body: bytes) -> Traced:
    """A step as the relay sends it (watching.step_body)."""
    head, _, message = body.partition(b"\n")
    side, interface, known, verdict, shape, origin, reason, facts = json.loads(head)
    return Traced(side, interface, known, message, verdict, shape, origin, reason, [(kind, size) for kind, size in facts])


def write_all(out: int, text: str) -> None:
    """All of it, to a terminal or a file. Raises OSError."""
    data = text.encode("ascii", "backslashreplace")
    while data:
        data = data[os.write(out, data) :]
