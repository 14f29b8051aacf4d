"""Policy test files: what an admin expects of a policy, message by message, played through the real session.

    format = 1
    policy = "conferencing"                 # a name, or a path from the test file's folder
    vars   = { vm = "t1" }
    [[case]]
    name   = "title gets the label, controls are stripped"
    setup  = ['xdg_toplevel.set_maximized']  # said before, to the same objects; optional
    send   = 'xdg_toplevel.set_title("a\\u0007")'          # receive = "...": an event of the compositor's
    expect = { verdict = "allow", becomes = 'xdg_toplevel.set_title("[t1] a")' }
    [[trace]]
    file   = "traces/foot.wltrace"          # from the test file's folder
    expect = { denied = 0 }
    [coverage]
    rules = 100                             # per cent of the policy's own rules that some case or trace reaches

expect is a verdict, or a table of: verdict (allow, rewrite, would-deny, deny, ask, hide, virtual, violation), becomes, deny-as, event (a
message that the guest is sent in answer), rule (where the rule stands, or how that begins). "allow" holds for what is changed as well,
"deny" for what would be asked; "would-deny" is what passes because the policy only complains, and neither. answer = "deny" says what the
user would answer; nobody can be asked yet.

Promises: any file gives results or ConfigErrors with every finding. The verdicts are the session's (stage.py). Trusts: nothing in the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..core.protocol import Interface
from ..policy.compile import REWRITES
from ..policy.document import Document
from ..policy.grammar import EVENT, REQUEST, Literal
from ..policy.load import NAME, SHIPPED_PREFIX
from ..policy.load_file import read_file
from ..policy.load_safely import ANYBODY
from ..policy.permissions import OF_GLOBAL, OF_MESSAGE
from ..policy.positions import Path
from ..policy.read_literal import read
from ..policy.read_predicates import is_whole
from ..sidecar.watch.recording import RecordingError
from .replay import Decided, Replay, open_recording, total
from .sources import Source, load_source
from .stage import ALLOW, DENY, REWRITE, VERDICTS, Seen, Stage, Unstaged

SUFFIX: Final = ".test.toml"
TOP: Final = ("format", "policy", "vars", "case", "trace", "coverage")
CASE: Final = ("name", "setup", "send", "receive", "answer", "expect")
EXPECT: Final = ("verdict", "becomes", "deny-as", "event", "rule")
TRACE: Final = ("file", "expect")
COUNTS: Final = ("denied", "allowed", "rewritten", "disconnected")
ASK: Final = "ask"
SHAPES: Final = ("disconnect", "ignore", "inert", "fail-event", "close-fd", "virtual")
MOST_CASES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Case:
    """One message and what is expected of it; `line` of the file."""

    name: str
    setup: tuple[Literal, ...]
    literal: Literal
    expect: dict[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Trace:
    """A recording and how many messages may fare differently than when it was made."""

    file: str
    expect: dict[str, int]
    line: int


@dataclass(frozen=True, slots=True)
class TestFile:
    """A test file that could be read. `least`: per cent of rules, -1 where it does not say."""

    path: str
    source: Source
    cases: list[Case]
    traces: list[Trace]
    least: int
    coverage_line: int


@dataclass(frozen=True, slots=True)
class Result:
    """`failure` "" where all was as expected."""

    name: str
    line: int
    failure: str = ""


@dataclass(slots=True)
class Report:
    """What came of one file. `missed`: the rules that nothing reached, with their lines."""

    path: str
    policy: str
    results: list[Result] = field(default_factory=list)
    rules: int = 0
    missed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def failed(self) -> list[Result]:
        """Those that were not as expected."""
        return [result for result in self.results if result.failure]

    @property
    def coverage(self) -> float:
        """Per cent of the policy's own rules."""
        return 100.0 * (self.rules - len(self.missed)) / self.rules if self.rules else 100.0


def run_file(path: str, interfaces: Mapping[str, Interface]) -> Report:
    """Reads a file and plays all of it. Raises ConfigErrors."""
    tests = read_tests(path, interfaces)
    report = Report(path, tests.source.policy.name)
    judged: set[tuple[str, str]] = set()
    bound: set[str] = set()
    for case in tests.cases:
        report.results.append(play(case, tests.source, interfaces, judged, bound))
    for trace in tests.traces:
        report.results.append(replayed(trace, tests.source, judged))
    rules = list(own_rules(tests.source, interfaces))
    report.rules = len(rules)
    report.missed = [(key, origin) for key, origin, messages, globals_ in rules if not (messages & judged or globals_ & bound)]
    if tests.least >= 0 and report.coverage < tests.least:
        missed = ", ".join(key for key, _ in report.missed[:8])
        text = f"{report.coverage:.0f} % of the policy's own rules are reached, {tests.least} % are wanted: not {missed}"
        report.results.append(Result("coverage", tests.coverage_line, text))
    elif tests.least >= 0:
        report.results.append(Result("coverage", tests.coverage_line))
    return report


# -- playing


def play(
    case: Case, source: Source, interfaces: Mapping[str, Interface], judged: set[tuple[str, str]], bound: set[str]
) -> Result:
    """One case, on a connection of its own."""
    stage = Stage(source.compiled, interfaces)
    try:
        for literal in case.setup:
            stage.play(literal)
        seen = stage.play(case.literal)
    except Unstaged as error:
        return Result(case.name, case.line, f"the message cannot be said: {error}")
    finally:
        judged |= stage.judged
        bound |= stage.bound
    return Result(case.name, case.line, unlike(case.expect, seen))


def unlike(expect: Mapping[str, str], seen: Seen) -> str:
    """What is not as expected, "" where all is."""
    wrong = []
    verdict = expect.get("verdict", "")
    if verdict and not (
        verdict == seen.verdict or (verdict == ALLOW and seen.verdict == REWRITE) or (verdict == ASK and seen.asks)
    ):
        wrong.append(f"verdict {verdict} was expected, it is {ASK if seen.asks else seen.verdict}")
    if "becomes" in expect and expect["becomes"] != seen.becomes:
        wrong.append(f"it was to become {expect['becomes']}, it is {seen.becomes or 'not forwarded'}")
    if "deny-as" in expect and expect["deny-as"] not in seen.shapes:
        wrong.append(f"it was to be refused as {expect['deny-as']}, it is {' and '.join(seen.shapes) or 'not refused'}")
    if "event" in expect and not any(line.removeprefix("event ").startswith(expect["event"]) for line in seen.events):
        wrong.append(f"the guest was to be sent {expect['event']}, it is sent {', '.join(seen.events) or 'nothing'}")
    if "rule" in expect and not seen.origin.startswith(expect["rule"]):
        wrong.append(f"{expect['rule']} was to decide, it is {seen.origin or 'no rule'}")
    if wrong and seen.reason:
        wrong.append(f"({seen.message}: {seen.reason}; {seen.origin})")
    return "; ".join(wrong)


def replayed(trace: Trace, source: Source, judged: set[tuple[str, str]]) -> Result:
    """A recording under the policy: how many messages fare differently."""
    name = f"trace {os.path.basename(trace.file)}"
    try:
        with open_recording(trace.file) as reader:
            report = Replay(source.compiled).play(reader)
        with open_recording(trace.file) as reader:
            shown = Decided(lambda _at, _connection, step: judged.add((step.interface, step.rule.name if step.rule else "")))
            shown.play(reader)
    except ConfigErrors as errors:
        return Result(name, trace.line, str(errors))
    except RecordingError as error:
        return Result(name, trace.line, str(error))
    counts = {
        "denied": total(report.denied),
        "allowed": total(report.allowed),
        "rewritten": total(report.rewritten),
        "disconnected": len(report.disconnected),
    }
    wrong = [f"{count} {key}, {trace.expect[key]} expected" for key, count in counts.items() if trace.expect.get(key, count) != count]
    if wrong and report.denied:
        first = next(iter(report.denied.values()))
        wrong.append(f"the first denied: {first.message} ({first.rule})")
    return Result(name, trace.line, "; ".join(wrong))


def own_rules(source: Source, interfaces: Mapping[str, Interface]) -> Iterator[tuple[str, str, set[tuple[str, str]], set[str]]]:
    """The rules that the youngest file says itself: key, line, the messages and the globals that they decide."""
    document = source.chain[-1]
    for name in document.table("global"):
        path: Path = ("global", name)
        matching = {n for n in interfaces if n.startswith(name[:-1])} if name.endswith("*") else {name}
        yield f"global.{name}", str(document.origin(path)), set(), matching
    for name in document.table("permission"):
        covered = {key for key, names in OF_MESSAGE.items() if name in names}
        yield f"permission.{name}", str(document.origin(("permission", name))), covered, {n for n, by in OF_GLOBAL.items() if name in by}
    for owner, table in document.table("message").items():
        for name in table:
            yield f"message.{owner}.{name}", str(document.origin(("message", owner, name))), {(owner, name)}, set()
    for key in document.table("rewrite"):
        place = REWRITES[key]
        yield f"rewrite.{key}", str(document.origin(("rewrite", key))), {(place.interface, place.request)}, set()


# -- reading


def read_tests(path: str, interfaces: Mapping[str, Interface]) -> TestFile:
    """A checked test file, its policy loaded. Raises ConfigErrors with the findings of either."""
    try:
        document = Document(path, read_file(path, ANYBODY))
    except ConfigError as error:
        raise ConfigErrors([error]) from error
    if document.findings:
        raise ConfigErrors(document.findings)
    data = document.data
    for key in data:
        if key not in TOP:
            document.wrong_key((key,), "unknown-key", f"a test file has no '{key}'", TOP)
    if data.get("format") != 1 or not is_whole(data["format"]):
        document.wrong_file("format", "the file lacks format = 1", "begin it with: format = 1")
    policy = data.get("policy")
    if not isinstance(policy, str) or not policy:
        document.wrong_file("missing-key", "the file names no policy", 'add: policy = "..."')
    given = document.table("vars")
    if not all(isinstance(value, str) for value in given.values()):
        document.wrong_value(("vars",), "type", 'a table of texts such as { vm = "t1" } is needed')
    cases = [case for item in items(document, "case") if (case := read_case(document, item, interfaces)) is not None]
    folder = os.path.dirname(path)
    traces = [trace for item in items(document, "trace") if (trace := read_trace(document, item, folder)) is not None]
    least = read_least(document)
    if document.findings:
        raise ConfigErrors(sorted(document.findings, key=lambda f: (f.line, f.column)))
    source = load_source(beside(str(policy), folder), {"vm": "guest"} | given, interfaces, "")
    return TestFile(path, source, cases, traces, least, document.origin(("coverage",)).line)


def beside(policy: str, folder: str) -> str:
    """A name stays one, a path is from the test file's folder. The shipped tests stand below the policies they test."""
    if not NAME.fullmatch(policy):
        return os.path.join(folder, policy)
    above = os.path.normpath(os.path.join(folder, os.pardir, policy + ".toml"))
    return above if not policy.startswith(SHIPPED_PREFIX) and os.path.isfile(above) else policy


def items(document: Document, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The tables of [[case]] or [[trace]] with their places."""
    value = document.data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or len(value) > MOST_CASES:
        document.wrong_value((key,), "type", f"[[{key}]] tables are needed, at most {MOST_CASES}")
        return
    for index, item in enumerate(value):
        yield (key, str(index)), item


def read_case(document: Document, found: tuple[Path, dict[str, Any]], interfaces: Mapping[str, Interface]) -> Case | None:
    """One [[case]]; None, and findings, where it is none."""
    path, item = found
    before = len(document.findings)
    for key in item:
        if key not in CASE:
            document.wrong_key((*path, key), "unknown-key", f"a case has no '{key}'", CASE)
    said = [key for key in ("send", "receive") if key in item]
    name = item.get("name", "")
    if not isinstance(name, str) or not name.isprintable():
        document.wrong_value((*path, "name"), "type", "a line of text is needed")
    if len(said) != 1:
        document.wrong_key((*path, *said[1:]) if said else path, "missing-key", "a case has one message: send = ... or receive = ...")
        return None
    literal = read_message(document, (*path, said[0]), item[said[0]], EVENT if said[0] == "receive" else REQUEST, interfaces)
    setup = item.get("setup", [])
    if not isinstance(setup, list):
        document.wrong_value((*path, "setup"), "type", "a list of messages is needed")
        setup = []
    before_it = [read_message(document, (*path, "setup", str(i)), text, "", interfaces) for i, text in enumerate(setup)]
    if item.get("answer", "deny") != "deny":
        document.wrong_value((*path, "answer"), "not-yet", 'nobody can be asked yet: the answer is "deny"', ["deny"])
    expect = read_expect(document, (*path, "expect"), item.get("expect"), path)
    if literal is None or expect is None or len(document.findings) > before:
        return None
    line = document.origin((*path, said[0])).line
    return Case(str(name) or str(item[said[0]]), tuple(one for one in before_it if one is not None), literal, expect, line)


def read_message(
    document: Document, path: Path, value: Any, direction: str, interfaces: Mapping[str, Interface]
) -> Literal | None:
    """A message in the grammar; `direction` "": either."""
    if not isinstance(value, str):
        document.wrong_value(path, "type", "a message such as 'xdg_toplevel.set_title(\"a\")' is needed")
        return None
    lead = "event " if direction == EVENT and not value.lstrip().startswith(("event ", "[")) else ""
    try:
        literal = read(lead + value, interfaces, partial=True)
    except ConfigError as error:
        hint = f" ({error.hint})" if error.hint else ""
        document.wrong_value(path, error.code, f"at character {max(1, error.column - len(lead))}: {error.message}{hint}")
        return None
    if direction and literal.direction != direction:
        what = "an event: receive = ..." if direction == REQUEST else "a request: send = ..."
        document.wrong_value(path, "direction", f"{literal.interface}.{literal.message} is {what}")
        return None
    return literal


def read_expect(document: Document, path: Path, value: Any, case: Path) -> dict[str, str] | None:
    """A verdict, or a table."""
    if value is None:
        document.wrong_key(case, "missing-key", 'what is expected? say expect = "allow", "deny", ...')
        return None
    if isinstance(value, str):
        value = {"verdict": value}
        place = path
    else:
        place = (*path, "verdict")
    if not isinstance(value, dict) or not value or not all(isinstance(text, str) for text in value.values()):
        document.wrong_value(path, "type", "a verdict, or a table of texts such as { verdict = \"deny\", deny-as = \"ignore\" } is needed")
        return None
    for key in value:
        if key not in EXPECT:
            document.wrong_key((*path, key), "unknown-key", f"nothing is known of '{key}' here", EXPECT)
    verdict = value.get("verdict", DENY)
    if verdict not in (*VERDICTS, ASK):
        document.wrong_value(place, "unknown-verdict", f"{verdict[:40]!a} is no verdict", (*VERDICTS, ASK), verdict)
    if value.get("deny-as", SHAPES[0]) not in SHAPES:
        text = f"{value['deny-as'][:40]!a} is no deny shape"
        document.wrong_value((*path, "deny-as"), "unknown-shape", text, SHAPES, value["deny-as"])
    return dict(value)


def read_trace(document: Document, found: tuple[Path, dict[str, Any]], folder: str) -> Trace | None:
    """One [[trace]]."""
    path, item = found
    before = len(document.findings)
    for key in item:
        if key not in TRACE:
            document.wrong_key((*path, key), "unknown-key", f"a trace has no '{key}'", TRACE)
    file, expect = item.get("file"), item.get("expect", {"denied": 0})
    if not isinstance(file, str) or not file:
        document.wrong_key(path, "missing-key", 'a trace has a file: file = "NAME.wltrace"')
        return None
    if not isinstance(expect, dict) or not all(is_whole(number) for number in expect.values()):
        document.wrong_value((*path, "expect"), "type", "a table such as { denied = 0 } is needed")
        return None
    for key in expect:
        if key not in COUNTS:
            document.wrong_key((*path, "expect", key), "unknown-key", f"a trace counts no '{key}'", COUNTS)
    if len(document.findings) > before:
        return None
    return Trace(os.path.join(folder, file), dict(expect), document.origin((*path, "file")).line)


def read_least(document: Document) -> int:
    """[coverage] rules."""
    table = document.table("coverage")
    for key in table:
        if key != "rules":
            document.wrong_key(("coverage", key), "unknown-key", f"[coverage] has no '{key}'", ["rules"])
    least = table.get("rules", -1)
    if "rules" in table and (not is_whole(least) or not 0 <= least <= 100):
        document.wrong_value(("coverage", "rules"), "type", "a whole number from 0 to 100 (per cent) is needed")
        return -1
    return int(least)
