"""wlproxy-policy(5), wlproxy-permissions(7), wlproxy-interfaces(7): the manual pages that are made from the data.

Promises: the same data gives the same pages. What an admin can write (keys, bounds, parameters, shapes) is printed from the tables that the
readers check with, so that a page cannot promise what the reader refuses. The first of them is man_policy.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..core.protocol import Interface
from ..handlers import keys
from ..policy.compile import compile_policy, global_names, vetted_version
from ..policy.load import load_policy, shipped_names
from ..policy.load_interface_table import CLASSES, floor, interface_table, row_of
from ..policy.load_protocols import load_shipped
from ..policy.model import HIDE, NEVER, VIRTUAL
from ..policy.permissions import (
    ESCAPE,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DURATION,
    MAX_PLANES,
    MAX_SIZE,
    MIME,
    MODIFIER_WORDS,
    MODIFIERS,
    NEEDS_INPUT_SERIAL,
    NOTE,
    ONLY,
    PERMISSIONS,
    RATE,
    REMEMBER,
    SKIP_IF,
    TIMEOUT,
)
from ..policy.read_permissions import LEAST_DURATION, MOST_DURATION, MOST_ESCAPES, MOST_PLANES
from ..policy.read_rules import BUILT_IN
from .man_policy import policy_page
from .roff import Page

MIXED: Final = "mixed"
PAGES: Final[tuple[tuple[str, int], ...]] = (("wlproxy", 1), ("wlproxy-policy", 5), ("wlproxy-permissions", 7), ("wlproxy-interfaces", 7))

PARAMETERS: Final = {
    RATE: 'how often, as "1/s burst 5"; more is left out',
    MIME: "a list of the types of data that pass, spelt whole",
    MAX_BYTES: 'of one transfer, as "1MiB"',
    SKIP_IF: "a list of types of data: what has one of them, as what a password manager marks, is not shown at all",
    MAX_SIZE: "logical pixels, either way",
    MAX_PLANES: f"of one GPU buffer, 1 to {MOST_PLANES}",
    MODIFIERS: f"a list of layouts of GPU buffers: {', '.join(MODIFIER_WORDS)}",
    MAX_DEPTH: "of menus that take the input, one out of the other",
    NEEDS_INPUT_SERIAL: "true: only for what the user has just pressed in the guest",
    ONLY: '"visible" or "fullscreen": what its window must be',
    MAX_DURATION: f'for how long without any input to the guest, as "2h"; {LEAST_DURATION:g}s to {MOST_DURATION / 3600:g}h',
    ESCAPE: f'keys by which the user takes it back, as "Super+Escape", or a list of up to {MOST_ESCAPES}, each of which will do',
}


def compiled_shipped(interfaces: Mapping[str, Interface]) -> dict[str, dict[str, Any]]:
    """The shipped policies, compiled; those that filter nothing are left out."""
    found = {}
    for name in shipped_names():
        policy = load_policy(name, {}, interfaces, search=(), ceiling="")
        if not policy.transparent:
            found[name] = compile_policy(policy, interfaces)
    order = ("strict", "viewer", "desktop", "conferencing", "trusted")
    return {name: found[name] for name in sorted(found, key=lambda n: (order.index(n) if n in order else len(order), n))}


def verdict_of_global(compiled: Mapping[str, Any], name: str, never: Mapping[str, str]) -> str:
    """In words: the version, virtual, hide or never."""
    if name in compiled["globals"]:
        return f"version {compiled['globals'][name][0]}"
    if name in compiled["served"]:
        return VIRTUAL
    return NEVER if name in never else HIDE


def together(verdicts: Mapping[str, str]) -> str:
    """Who says what, each word once: "deny in strict, viewer; allow in desktop"."""
    groups: dict[str, list[str]] = {}
    for name, verdict in verdicts.items():
        groups.setdefault(verdict, []).append(name)
    if len(groups) == 1:
        return f"{next(iter(groups))} in every shipped policy"
    return "; ".join(f"{verdict} in {', '.join(names)}" for verdict, names in groups.items())


def permissions_page(shipped: Mapping[str, Mapping[str, Any]]) -> Page:
    """wlproxy-permissions(7)."""
    page = Page("wlproxy-permissions", 7, "what a policy can allow a guest, in words")
    page.section("DESCRIPTION").text(
        "A permission is one thing that a guest may do, whatever requests and globals it takes. A policy says of each `allow`, `ask` or "
        "`deny` in its table `[permission]`; what it does not name is refused. A permission that is given takes effect where its "
        "global is allowed, too: `wlproxy check` warns where it is not.",
        "`ask` is refused until there is somebody to ask.",
    )
    page.example('[permission]\nfullscreen    = "allow"\nclipboard-out = { verdict = "allow", max-bytes = "1MiB" }')
    page.section("PERMISSIONS")
    for name, permission in PERMISSIONS.items():
        covered = []
        if permission.globals:
            covered.append("Globals: " + ", ".join(permission.globals) + ".")
        if permission.messages:
            covered.append("Messages: " + ", ".join(".".join(key) for key in permission.messages) + ".")
        if permission.parameters:
            covered.append("Parameters: " + ", ".join(f"`{key}`" for key in permission.parameters) + ".")
        said = {policy: str(compiled["permissions"][name][0]) for policy, compiled in shipped.items()}
        risk = f"Class {permission.risk} ({CLASSES[permission.risk]})."
        page.item(f"`{name}`", f"The guest may {permission.grants}. {risk}", *covered, together(said).capitalize() + ".")
    page.section("PARAMETERS").text("Beside `verdict`, as far as the permission has them:")
    for key, about in PARAMETERS.items():
        page.item(f"`{key}`", about)
    add_taking_back(page)
    page.section("THE QUESTION").text("Of every permission, for the question to the user:")
    page.item(f"`{REMEMBER}`", 'for how long an answer holds: a list of "once", "session" and times such as "10m"; never for ever')
    page.item(f"`{TIMEOUT}`", "after which nobody has answered, which is a no for once")
    page.item(f"`{NOTE}`", "one more sentence for the question")
    return page.see(*[other for other in PAGES if other[0] != "wlproxy-permissions"])


def add_taking_back(page: Page) -> None:
    """What `only`, `max-duration` and `escape` do."""
    page.section("WHAT IS TAKEN BACK").text(
        "While a condition does not hold, what the guest was given is taken back: the compositor is told to destroy it, and the guest "
        "keeps an object that does nothing. It is made anew when the condition holds again; a pointer is held for the whole window then. "
        "Each taking back is in the audit log, but for what follows the focus.",
    )
    page.example(
        'idle-inhibit = { verdict = "allow", only = "visible", max-duration = "2h" }\n'
        'pointer-lock = { verdict = "allow", escape = ["Super+Escape", "Ctrl+F12"] }'
    )
    page.item(
        f"`{ONLY}`",
        "A window is visible while it has content and the compositor has not called it suspended: what covers it is not asked. It is full "
        "screen where the state that the program acknowledged last says so and the compositor has said nothing else since. A part of a "
        "window or a menu is as its window.",
    )
    page.item(
        f"`{MAX_DURATION}`",
        "A guest's time runs from its first inhibitor, whether it still has one or not, over all its connections; it begins anew with each "
        "key, button or finger that goes down in one of its windows. When it is over, all inhibitors are taken back, and new ones wait, "
        "until the user presses something in the guest again. Time that the host sleeps counts, and is noticed within a minute.",
    )
    page.item(
        f"`{ESCAPE}`",
        "When the combination is pressed in a window of the guest, all that the permission has given is taken back, on all the guest's "
        "connections, and the program is told as if the compositor had done it. Nothing of it is given again before the next button or "
        "finger that goes down in one of the guest's windows. The last key of the combination is not sent to the guest.",
        "It works only for keys that the compositor passes on to the guest: for none that it has a use for itself. Where the guest hears "
        "no keys nothing is given: what holds the pointer lasts only while a keyboard of the same connection and seat has the focus, "
        "and nothing lasts while so much waits for the program to read it that the compositor is not read.",
        f"Modifiers, one or more: {', '.join(keys.MODIFIERS)}. Keys: {', '.join(keys.KEYS)}. They are keys of the keyboard, whatever the "
        "layout makes of them; more modifiers than the combination has do no harm.",
    )


def interfaces_page(interfaces: Mapping[str, Interface], shipped: Mapping[str, Mapping[str, Any]]) -> Page:
    """wlproxy-interfaces(7)."""
    never = floor(list(interfaces))
    known = global_names(interfaces)
    page = Page("wlproxy-interfaces", 7, "the globals of Wayland compositors, their risk and their verdicts")
    page.section("DESCRIPTION").text(
        "Every global that wlproxy knows of, by class of risk: what the shipped policies say of it, and why. A global that a policy does "
        "not name is hidden, known or not. `never` is the floor: no policy can allow it.",
        "`version` N: announced at most at that version. `virtual`: served by wlproxy itself, whatever the compositor has.",
    )
    listed: set[str] = set()
    for risk, title in (*CLASSES.items(), ("", MIXED)):
        rows = [row for row in interface_table() if row.risk == risk]
        if not rows:
            continue
        page.section(f"CLASS {risk}: {title.upper()}" if risk else "OF SEVERAL CLASSES")
        for row in rows:
            here = [name for name in known if name not in listed and row.covers(name) and row_of(name) == row]
            listed.update(here)
            if len(here) == 1:
                said = {policy: verdict_of_global(compiled, here[0], never) for policy, compiled in shipped.items()}
                newest = f"Known up to version {vetted_version(interfaces[here[0]])}."
                page.item(f"`{here[0]}`", f"{sentence(row.reason)} {newest}", together(said).capitalize() + ".")
            elif here:
                allowed = [name for name in here if any(name in compiled["globals"] for compiled in shipped.values())]
                page.item(f"`{row.name}`", sentence(row.reason), "These are: " + ", ".join(here) + ".")
                for name in allowed:
                    said = {policy: verdict_of_global(compiled, name, never) for policy, compiled in shipped.items()}
                    page.text(f"{name}: {together(said)}.")
            elif row.name not in ("wl_display", "wl_registry"):
                advice = f"Advice: {row.strict} in strict, {row.desktop} in desktop, {row.trusted} in trusted."
                page.item(f"`{row.name}`", sentence(row.reason), f"Not announced by itself, or not in the protocol data. {advice}")
    rest = sorted(set(known) - listed - set(BUILT_IN))
    if rest:
        page.section("NOT CLASSED").text("Known from their XML, read by nobody yet; hidden in every shipped policy:", ", ".join(rest) + ".")
    return page.see(*[other for other in PAGES if other[0] != "wlproxy-interfaces"])


def sentence(text: str) -> str:
    """A reason as a sentence."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def data_pages() -> list[Page]:
    """The three."""
    interfaces = load_shipped()
    shipped = compiled_shipped(interfaces)
    policy = policy_page().see(*[other for other in PAGES if other[0] != "wlproxy-policy"])
    return [policy, permissions_page(shipped), interfaces_page(interfaces, shipped)]
