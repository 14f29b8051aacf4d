"""A policy as one page of HTML: what it opens, by risk; what it permits, in words; what it changes, rules and quotas.

Promises: one file that needs nothing else: no script, no picture, no font, nothing from anywhere, and a Content-Security-Policy that
says so; every text of the policy is escaped. The verdicts are those of policy/decide.py, which the compiled policy obeys. The same
policy gives the same page.
"""

from __future__ import annotations

import base64
import hashlib
import html
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .. import __version__
from ..core.errors import ConfigError
from ..core.protocol import FIXED, Interface, enum_of
from ..policy.compare import TIGHTER, WIDER, Change
from ..policy.compile import global_names, vetted_version
from ..policy.decide import Step, allowed_version, global_steps, permission_verdict, strictest
from ..policy.document import printable
from ..policy.load_interface_table import CLASSES, row_of
from ..policy.model import ALLOW, ASK, COPY, DENY, ERROR, HIDE, IN_ORDER, NEVER, REFUSE, VIRTUAL, Policy, Predicate
from ..policy.permissions import NOTE, PERMISSIONS
from ..policy.read_mode import as_text
from ..policy.read_quotas import BYTE_UNITS, BYTES, QUOTAS, RATE, SECONDS
from .man_pages import sentence
from .man_policy import QUOTA_WORDS

CALM, WARM, HOT = "calm", "warm", "hot"
UNCLASSED: Final = "?"
# tone, title, what it means, classes
BANDS: Final = (
    (HOT, "Beyond its own windows", "Types for the user, sees other programs, rules the session or takes another identity.", "GHIJ"),
    (WARM, "Towards the user", "Carries data to and fro, asks for attention, takes input, or can imitate what it is not.", "DEF"),
    (CALM, "Its own windows", "What showing a window takes, and hints about it. Some are parsers in the host, or clocks.", "ABCK"),
    (CALM, "Not classed", "Known from the protocol's description; nobody has judged the risk.", UNCLASSED),
)
ORDER: Final = (ALLOW, VIRTUAL, ASK, DENY, HIDE, NEVER)
CELLS: Final = {ALLOW: "open", VIRTUAL: "virtual", ASK: "ask", DENY: "shut", HIDE: "shut", NEVER: "never"}
MOST_NAMED: Final = 4
DOT: Final = " \u00b7 "
MARKS: Final = {"Before": "was", "Now": "now", "Where": "place"}  # columns of a table, for the style sheet


@dataclass(frozen=True, slots=True)
class Subject:
    """What the page is about: a checked policy with the names of its ancestors, the oldest first."""

    policy: Policy
    compiled: Mapping[str, Any]
    ancestors: Sequence[str]
    changes: Sequence[Change]
    warnings: Sequence[ConfigError]
    interfaces: Mapping[str, Interface]


@dataclass(frozen=True, slots=True)
class Opening:
    """One global and what the policy says of it."""

    name: str
    risk: str
    verdict: str
    version: int
    reason: str
    origin: str


def text(value: object) -> str:
    """Text for HTML, also within quotes; what would act on a reader (bidi overrides, controls) shows as U+FFFD."""
    return html.escape(printable(str(value)), quote=True)


def code(value: object) -> str:
    """A word of the language; a long one breaks where people would break it."""
    return f"<code>{text(value).replace('_', '_<wbr>').replace('.', '.<wbr>')}</code>"


def style() -> str:
    """The style sheet."""
    found = pkgutil.get_data("wlproxy.tools", "report.css")
    return (found or b"").decode("ascii").replace("\n", "")


def page(subject: Subject) -> str:
    """The whole page."""
    css = style()
    allowed = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    openings = openings_of(subject)
    policy = subject.policy
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{allowed}'; "
        "base-uri 'none'; form-action 'none'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
        f'<meta name="referrer" content="no-referrer"><title>{text(policy.name)}: a wlproxy policy</title>',
        f'<style>{css}</style></head><body><a class="skip" href="#main">To the contents</a>',
        *top(subject, openings),
        '<main id="main">',
        *exposure(openings),
        *permissions(subject),
        *differences(subject),
        *rules(subject),
        *bounds(subject),
        *odd(subject),
        "</main>",
        f"<footer><p>{text(policy.name)}, sha256:{code(subject.compiled['sha256'])}</p>",
        f"<p>Made by wlproxy {text(__version__)} from the verdicts that the proxy obeys. What a policy does not name is refused.</p>",
        "</footer>",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


# what is counted


def openings_of(subject: Subject) -> list[Opening]:
    """Every global there is, by what the engine says of it."""
    found = []
    for name in sorted(global_names(subject.interfaces)):
        row = row_of(name)
        steps = global_steps(subject.policy, name, vetted_version(subject.interfaces[name]))
        step = strictest(steps)
        version = allowed_version(steps) if step.verdict in (ALLOW, VIRTUAL) else 0
        risk = row.risk if row is not None and row.risk else UNCLASSED
        found.append(Opening(name, risk, step.verdict, version, row.reason if row is not None else "", step.origin))
    return sorted(found, key=lambda opening: (ORDER.index(opening.verdict), opening.name))


def is_open(opening: Opening) -> bool:
    """Whether the compositor's own global reaches the guest."""
    return opening.verdict == ALLOW


def number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


# the head


def top(subject: Subject, openings: Sequence[Opening]) -> list[str]:
    """Name, ancestry, the one sentence that matters, and four figures."""
    policy = subject.policy
    chain = "".join(f"<li>{text(name)}</li>" for name in subject.ancestors)
    lines = ['<header><p class="kicker">wlproxy policy</p>', f"<h1>{text(policy.name)}</h1>"]
    if policy.summary:
        lines.append(f'<p class="lede">{text(policy.summary)}</p>')
    if subject.ancestors:
        lines.append(f'<ol class="chain" aria-label="Extends">{chain}<li class="it" aria-current="true">{text(policy.name)}</li></ol>')
    tone, headline, more = judgement(subject, openings)
    lines.append(f'<p class="verdict {tone}"><b>{headline}</b> {more}</p>')
    verdicts = [step.verdict for step in permission_steps(subject).values()]
    offered = sum(map(is_open, openings))
    figures = (
        (verdicts.count(ALLOW), f" of {len(verdicts)}", "permissions given"),
        (verdicts.count(ASK), f" of {len(verdicts)}", "ask the user"),
        (offered, f" of {len(openings)}", "globals open"),
        (sum(o.verdict == VIRTUAL for o in openings), "", "served by wlproxy itself"),
    )
    cells = "".join(f"<div><dt>{about}</dt><dd>{count}<small>{of}</small></dd></div>" for count, of, about in figures)
    return [*lines, f'<dl class="figures">{cells}</dl></header>']


def judgement(subject: Subject, openings: Sequence[Opening]) -> tuple[str, str, str]:
    """Tone, headline and what stands behind it."""
    if subject.policy.transparent:
        what = "Every global that the protocol data knows reaches the guest. It is for tests, never for a guest."
        return HOT, "This policy filters nothing.", what
    if subject.policy.until:
        what = "What it refuses below passes, and is written down as would-deny; hidden globals, the ceiling and the bounds hold."
        return HOT, f"This policy only complains, until {as_text(subject.policy.until)}.", what
    beyond = [o for o in openings if is_open(o) and o.risk in BANDS[0][3]]
    unknown = [o for o in openings if is_open(o) and o.risk == UNCLASSED]
    towards = [o for o in openings if is_open(o) and o.risk in BANDS[1][3]]
    if beyond or unknown:
        found = beyond + unknown
        named = ", ".join(code(o.name) for o in found[:MOST_NAMED])
        if len(found) > MOST_NAMED:
            named += f" and {len(found) - MOST_NAMED} more"
        what = "reaches beyond the guest's own windows" if len(found) == 1 else "reach beyond the guest's own windows"
        return HOT, f"{number(len(found), 'open global', 'open globals')} {what}.", f"Look at {named}."
    safe = "It cannot type for you, see other programs, rule the session or pass for somebody else"
    if towards:
        count = number(len(towards), "open global is", "open globals are")
        more = f"no global of those classes is open. {count} for data, attention or input."
        return WARM, "A guest stays within its own windows.", f"{safe}: {more}"
    return CALM, "A guest stays within its own windows.", f"{safe}, nor carry data out or in: no global of those classes is open."


# the picture


def exposure(openings: Sequence[Opening]) -> list[str]:
    """Every global as a square, by class of risk."""
    lines = [
        '<section aria-labelledby="exposure"><h2 id="exposure">What reaches the compositor</h2>',
        "<p>Each square is one global that compositors are known to offer. A row opens.</p>",
        '<ul class="legend">',
        *(
            f'<li><i class="c {cell}" aria-hidden="true"></i>{about}</li>'
            for cell, about in (
                ("open", "open"),
                ("virtual", "served by wlproxy itself"),
                ("ask", "asks, refused until somebody can be asked"),
                ("shut", "hidden"),
                ("never", "no policy may open it"),
            )
        ),
        "</ul>",
    ]
    for tone, title, about, classes in BANDS:
        rows = [(risk, [o for o in openings if o.risk == risk]) for risk in classes]
        if any(members for _, members in rows):
            lines.append(f'<h3>{title}</h3><p>{about}</p><div class="band {tone}">')
            lines += [row(tone, risk, members) for risk, members in rows if members]
            lines.append("</div>")
    return [*lines, "</section>"]


def row(tone: str, risk: str, members: Sequence[Opening]) -> str:
    """One class."""
    counts = {verdict: sum(o.verdict == verdict for o in members) for verdict in ORDER}
    closed = counts[HIDE] + counts[DENY] + counts[NEVER]
    said = [f"<b>{counts[ALLOW]} open</b>" if counts[ALLOW] else "none open"]
    said += [f"{counts[verdict]} {word}" for verdict, word in ((VIRTUAL, "served"), (ASK, "ask")) if counts[verdict]]
    said.append(f"{closed} closed")
    cells = "".join(f'<i class="c {CELLS[o.verdict]}"></i>' for o in members)
    title = CLASSES.get(risk, "Not classed")
    some = "some " if counts[ALLOW] else ""
    shown = "".join(opened(tone, o) for o in members if o.verdict in (ALLOW, VIRTUAL, ASK))
    shut = [o for o in members if o.verdict in (HIDE, DENY)]
    never = [o for o in members if o.verdict == NEVER]
    for about, group in (("Hidden", shut), ("Never open, whatever a policy says", never)):
        if group:
            shown += f'<li class="shut">{about}: {", ".join(code(o.name) for o in group)}</li>'
    return (
        f'<details class="row {some}{tone}"><summary><span class="letter" aria-hidden="true">{risk}</span>'
        f'<span class="title">{text(title[:1].upper() + title[1:])}</span><span class="cells" aria-hidden="true">{cells}</span>'
        f'<span class="count">{", ".join(said)}</span></summary><ul class="inside">{shown}</ul></details>'
    )


def opened(tone: str, opening: Opening) -> str:
    """One global that is not simply hidden."""
    said = {ALLOW: f"up to version {opening.version}", VIRTUAL: "served by wlproxy itself", ASK: "asks"}[opening.verdict]
    tag = tone if opening.verdict == ALLOW else ""
    reason = text(sentence(opening.reason)) if opening.reason else ""
    return (
        f'<li>{code(opening.name)} <span class="tag {tag}">{said}</span>'
        f'<span class="meta">{DOT.join(said for said in (reason, text(opening.origin)) if said)}</span></li>'
    )


# permissions


def permission_steps(subject: Subject) -> dict[str, Step]:
    """The verdict of each, under floor and ceiling."""
    if subject.policy.transparent:
        return {name: Step("permission", ALLOW, "transparent", str(subject.policy.origin)) for name in PERMISSIONS}
    return {name: permission_verdict(subject.policy, name) for name in PERMISSIONS}


def permissions(subject: Subject) -> list[str]:
    """In words, by verdict."""
    steps = permission_steps(subject)
    lines = [
        '<section aria-labelledby="permissions"><h2 id="permissions">What the guest may do</h2>',
        "<p>A permission covers every request that it takes. What asks is refused until there is somebody to ask.</p>",
        '<div class="columns">',
    ]
    for verdict, tone, title in ((ALLOW, CALM, "It may"), (ASK, WARM, "It has to ask"), (DENY, "shut", "It may not")):
        names = [name for name, step in steps.items() if step.verdict == verdict]
        names.sort(key=lambda name: (tone_of(PERMISSIONS[name].risk), name))
        listed = "".join(permission(subject, name, steps[name]) for name in names) or "<li>Nothing.</li>"
        lines.append(f'<div class="column {tone}"><h3>{title} <span>{len(names)}</span></h3><ul>{listed}</ul></div>')
    return [*lines, "</div></section>"]


def tone_of(risk: str) -> int:
    """0 for the gravest band."""
    return next((index for index, band in enumerate(BANDS) if risk in band[3]), len(BANDS) - 1)


def permission(subject: Subject, name: str, step: Step) -> str:
    """One of them."""
    said = PERMISSIONS[name]
    _, _, parameters = subject.compiled["permissions"].get(name, (step.verdict, step.origin, {}))
    words = [f"{key} {in_words(key, value)}" for key, value in parameters.items() if key != NOTE]
    meta = [f'<span class="tag {BANDS[tone_of(said.risk)][0]}" title="class {text(said.risk)}">{text(said.risk)}</span> {code(name)}']
    meta += [text(word) for word in words]
    if step.verdict != DENY or ":" in step.origin and step.origin.rpartition(":")[2].isdigit():
        meta.append(text(step.origin))
    note = f'<span class="meta">{text(sentence(parameters[NOTE]))}</span>' if NOTE in parameters else ""
    return f'<li>{text(sentence(said.grants))}<span class="meta">{DOT.join(meta)}</span>{note}</li>'


def in_words(key: str, value: Any) -> str:
    """A parameter as one would write it."""
    if key == "rate":
        return rate(value)
    if key == "max-bytes":
        return size(value)
    if isinstance(value, float):
        return time(value)
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def time(seconds: float) -> str:
    unit, factor = next((unit, factor) for unit, factor in (("h", 3600), ("min", 60), ("s", 1)) if not seconds % factor or factor == 1)
    return f"{seconds / factor:g} {unit}"


def rate(value: Sequence[float]) -> str:
    return f"{value[0]:g}/s, {value[1]:g} at once" if value[0] else "unlimited"


def size(value: float) -> str:
    unit = next(unit for unit, factor in reversed(BYTE_UNITS.items()) if value >= factor or factor == 1)
    return f"{value / BYTE_UNITS[unit]:g} {unit}"


# what is changed


def differences(subject: Subject) -> list[str]:
    """Against the parent."""
    lines = ['<section aria-labelledby="changes">']
    if not subject.ancestors:
        return [*lines, '<h2 id="changes">What it changes</h2><p class="empty">It extends no other policy.</p></section>']
    parent = subject.ancestors[-1]
    wider = sum(change.kind == WIDER for change in subject.changes)
    tighter = sum(change.kind == TIGHTER for change in subject.changes)
    lines.append(f'<h2 id="changes">What it changes of {text(parent)}</h2>')
    if not subject.changes:
        return [*lines, '<p class="empty">Nothing: it allows exactly the same.</p></section>']
    lines.append(f"<p>{wider} wider, {tighter} tighter, {len(subject.changes) - wider - tighter} otherwise.</p>")
    ordered = sorted(subject.changes, key=lambda change: (change.kind != WIDER, change.kind != TIGHTER))
    tags = {WIDER: f'<span class="tag {WARM}">\u25b2 wider</span>', TIGHTER: f'<span class="tag {CALM}">\u25bc tighter</span>'}
    other = '<span class="tag">\u25c6 changed</span>'
    rows = ((tags.get(c.kind, other), code(c.key), *map(text, before_and_after(c)), text(c.origin)) for c in ordered)
    return [*lines, table("Differences from the parent", ("", "What", "Before", "Now", "Where"), rows), "</section>"]


def before_and_after(change: Change) -> tuple[str, str]:
    """Sizes in words."""
    key = change.key.removeprefix("quota.")
    if key != change.key and key in QUOTAS and QUOTAS[key][1] == BYTES:
        before, after = (size(int(said)) if said.isdigit() else said for said in (change.before, change.after))
        return before, after
    return change.before, change.after


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML; the second is what the row is about, the third from the right what was, the last a place."""
    titles = "".join(f'<th scope="col">{text(head)}</th>' if head else '<td aria-hidden="true"></td>' for head in heads)
    body = []
    for cells in rows:
        subject = 1 if not heads[0] else 0
        marks = [MARKS.get(head, "said") for head in heads]
        said = [
            f'<th scope="row">{cell}</th>' if i == subject else f'<td class="{mark}" data-head="{text(heads[i])}">{cell}</td>'
            for i, (cell, mark) in enumerate(zip(cells, marks, strict=True))
        ]
        body.append(f"<tr>{''.join(said)}</tr>")
    return (
        f'<div class="scroll"><table class="stack"><caption>{text(caption)}</caption><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


# rules, bounds, oddities


def rules(subject: Subject) -> list[str]:
    """[message] and [rewrite]."""
    lines = [
        '<section aria-labelledby="rules"><h2 id="rules">Rules for single messages</h2>',
        "<p>Beyond permissions. Values that a protocol does not define are refused without a rule.</p>",
    ]
    rows = []
    for (interface, message), rule in sorted(subject.policy.messages.items()):
        name = code(f"{interface}.{message}")
        if rule.verdict != ALLOW:
            how = "asks; refused" if rule.verdict == ASK else "refused"
            rows.append((name, f"{how} ({text(rule.deny_as)})", text(rule.origin)))
        if rule.rate is not None:
            rows.append((name, f"at most {text(rate(rule.rate))}", text(rule.origin)))
        for argument, predicate in rule.args.items():
            demand = demands(subject, interface, message, argument, predicate)
            rows.append((name, f"{code(argument)} {text(demand)}", text(predicate.origin)))
    for key, rewrite in subject.policy.rewrites.items():
        rows.append((code(key), f"becomes {code(rewrite.template)}", text(rewrite.origin)))
    if not rows:
        return [*lines, '<p class="empty">None.</p></section>']
    return [*lines, table("Rules for single messages", ("Message", "Rule", "Where"), rows), "</section>"]


def demands(subject: Subject, interface: str, message: str, argument: str, predicate: Predicate) -> str:
    """What an argument must be, as half a sentence."""
    spec = subject.interfaces[interface]
    declared = next(a for m in (*spec.requests, *spec.events) if m.name == message for a in m.arguments if a.name == argument)
    enum = enum_of(declared, subject.interfaces)
    names = {entry.value: entry.name for entry in enum.entries} if enum is not None else {}
    said = []
    low, high = predicate.minimum, predicate.maximum
    if low is not None and high is not None:
        said.append(f"from {low} to {high}")
    elif low is not None or high is not None:
        said.append(f"at least {low}" if low is not None else f"at most {high}")
    if declared.type == FIXED and said:
        said.append("in the unit of the argument")
    if predicate.values is not None:
        said.append("one of " + ", ".join(names.get(value, str(value)) for value in predicate.values))
    if predicate.sanitize:
        said.append("as plain text on one line")
    if predicate.charset:
        count = len(predicate.charset)
        said.append(f"of the characters {predicate.charset}" if count <= 24 else f"of {count} characters, {ranges(predicate.charset)}")
    if predicate.max_bytes is not None:
        said.append(f"{'cut' if predicate.sanitize else 'at most'} {'at ' if predicate.sanitize else ''}{predicate.max_bytes} bytes")
    if predicate.null:
        said.append("null")
    return ", ".join(said)


def ranges(characters: str) -> str:
    """Characters with neighbours drawn together: A-Za-z."""
    found: list[list[str]] = []
    for character in characters:
        if found and ord(character) == ord(found[-1][1]) + 1:
            found[-1][1] = character
        else:
            found.append([character, character])
    return "".join(low if low == high else f"{low}{'-' if ord(high) - ord(low) > 1 else ''}{high}" for low, high in found)


def bounds(subject: Subject) -> list[str]:
    """Quotas, and how the compositor is told."""
    policy = subject.policy
    quotas = []
    for key, (_, kind, _, _) in QUOTAS.items():
        quota = policy.quotas.get(key)
        if quota is not None:
            quotas.append((key, QUOTA_WORDS[key].partition(";")[0], amount(kind, quota.amount)))
    upstream = subject.compiled["upstream"]
    made_up = {name: ", ".join(parts) for name, parts in subject.compiled["virtual"].items()}
    facts = [
        ("Security context", upstream["security-context"]),
        ("Known to the compositor as", upstream["app-id"] or "nothing"),
        ("Memory that cannot be sealed", {COPY: "is copied for each frame", REFUSE: "is refused"}[policy.shm_unsealable]),
        (
            "A window destroyed surface first",
            {ERROR: "ends its program, as the specification has it", IN_ORDER: "is taken down in order"}[policy.early_destroy],
        ),
        *((f"Made up of {name}", parts) for name, parts in made_up.items()),
    ]
    listed = "".join(f"<div><dt>{text(about[:1].upper() + about[1:])}</dt><dd>{text(said)}</dd></div>" for _, about, said in quotas)
    told = "".join(f"<div><dt>{text(about)}</dt><dd>{text(said)}</dd></div>" for about, said in facts)
    return [
        '<section aria-labelledby="bounds"><h2 id="bounds">How much, and how it is presented</h2>',
        "<p>Bounds hold for the guest as a whole, over all its connections. What is not listed has its default.</p>",
        f'<div class="facts"><div><dl>{listed or "<div><dt>Quotas</dt><dd>defaults</dd></div>"}</dl></div>',
        f"<div><dl>{told}</dl></div></div></section>",
    ]


def amount(kind: str, value: Any) -> str:
    """A quota as one would say it."""
    if kind == RATE:
        return rate(value)
    if kind == BYTES:
        return size(value)
    return time(value) if kind == SECONDS else f"{value:,}"


def odd(subject: Subject) -> list[str]:
    """What `wlproxy check` warns of."""
    if not subject.warnings:
        return []
    rows = []
    for warning in subject.warnings:
        where = f"{warning.path}:{warning.line}" if warning.line else warning.path
        rows.append((text(warning.code), text(warning.message), text(where)))
    return [
        f'<section aria-labelledby="odd"><h2 id="odd">Worth a look</h2><p>What {code("wlproxy check")} warns of.</p>',
        table("Warnings", ("Kind", "What", "Where"), rows),
        "</section>",
    ]
