"""wlproxy-policy(5), a function for each of its sections.

Promises, trusts: as man_pages.py.
"""

from __future__ import annotations

from typing import Final

from ..handlers.virtual import PARTS, SERVED
from ..policy.compile import REWRITES
from ..policy.load import ADMIN_FOLDER, DEEPEST, shipped_names
from ..policy.load_file import CEILING_FILE
from ..policy.model import DENY, NEVER
from ..policy.read_audit import ON_FAILURE, PAYLOAD, RECORD
from ..policy.read_mode import ENFORCE, MOST_DAYS
from ..policy.read_permissions import ASK_KEYS
from ..policy.read_predicates import FITTING
from ..policy.read_quotas import QUOTAS, shown
from ..policy.read_upstream import INSTANCE, INSTANCE_ID, MODES, TEXTS
from ..sidecar.audit import PREVIEW_CHARACTERS
from .man_trust import add_trust
from .roff import Page

QUOTA_WORDS: Final = {
    "clients": "connections at a time",
    "connects": "new connections",
    "silent-clients": "connections that have said nothing yet",
    "silent": "how long a connection may say nothing at its beginning",
    "messages": "requests; more are read later, none is lost. Those that make panels draw count for many",
    "message-bytes": "of one request",
    "objects": "objects at a time",
    "surfaces": "surfaces",
    "toplevels": "windows",
    "popups": "menus and tooltips",
    "subsurface-depth": "levels of sub-surfaces",
    "subsurface-children": "sub-surfaces of one surface",
    "damage-rectangles": "of one commit; more are replaced by one that holds them all",
    "region-rectangles": "added to and taken from one region; more are left out",
    "callbacks": "callbacks that wait",
    "shm-pools": "pools of shared memory",
    "buffers": "buffers",
    "pool-buffers": "buffers of one pool",
    "shm-bytes": "shared memory in pools",
    "fds": "descriptors on their way",
    "guest-queue": "what waits to be read by one client",
    "upstream-queue": "what waits to be read by the compositor, of one client",
    "stall": "how long a client may leave its queue unread",
    "clipboard-bytes": "of one transfer of data",
    "clipboard-idle": "how long a transfer may rest",
    "clipboard-total": "how long a transfer may take",
    "transfers": "transfers at a time",
}


def policy_page() -> Page:
    """The page, without what it refers to."""
    page = Page("wlproxy-policy", 5, "what a guest may do, in TOML")
    for add in SECTIONS:
        add(page)
    return page


def add_description(page: Page) -> None:
    """DESCRIPTION, HOW A DECISION IS MADE."""
    page.section("DESCRIPTION").text(
        "A policy says what one guest may ask of the compositor. It is a file in TOML 1.0. What it does not name is refused.",
        f"A policy is named by a name or a path. A name is looked for in {ADMIN_FOLDER}, then among those that come with wlproxy: "
        f"{', '.join(shipped_names())}. A file of an admin's under a shipped name replaces it, and may extend it by that name.",
        "`wlproxy check` finds every mistake with line and column. `wlproxy schema` prints a JSON Schema for editors: put "
        "`#:schema ./policy-1.json` in the first line.",
    )
    page.example(
        'format  = 1\nname    = "work"\nsummary = "Office programs, copying out."\nextends = "strict"\n\n[global]\n'
        'zwp_linux_dmabuf_v1 = 5\n\n[permission]\ngpu-buffers   = "allow"\nclipboard-out = "allow"\n\n[quota]\ntoplevels = 16'
    )
    page.section("HOW A DECISION IS MADE").text(
        "Layers are asked, each may only take away, the strictest answer wins: the floor (what no policy may allow, "
        "wlproxy-interfaces(7)), the ceiling of this host, the global, the permissions that cover it, the rule for the message, the "
        "rules for its arguments, the quotas. From mild to strict: `allow`, `virtual`, `ask`, `deny`, `hide`, `never`.",
        "An allowed global brings with it the objects that its protocol lets it create, up to the version allowed. Values that "
        "their enum does not have are refused.",
    )


def add_keys(page: Page) -> None:
    """KEYS."""
    page.section("KEYS")
    page.item("`format` = 1", "the version of this language; needed")
    page.item("`name`", "letters, digits, - and _; needed. Audit log and `wlproxy check` call the policy so")
    page.item("`summary`", "one sentence")
    extends = f"the one policy that this one changes; at most {DEEPEST} in a row. Its keys hold unless this file has them; lists replace"
    page.item("`extends`", extends)
    page.item("`final`", 'a list of keys, or beginnings such as "permission.*", that a policy which extends this one may not loosen')
    page.item("`shm-unsealable`", '"copy": memory that takes no seals is copied for each frame; "refuse": it is not taken')
    early = (
        '"error", the default: a window whose wl_surface is destroyed before its xdg_toplevel ends its program, as the specification '
        'has it; "in-order": the compositor is told to destroy both in order, and the program goes on, as SDL 2 needs'
    )
    page.item("`early-destroy`", early)
    page.item("`mode`", '"enforce", or "complain" until the moment that `until` says. See COMPLAINING')
    until = f"a date and time with its offset, as in 2026-12-05T18:00:00Z, at most {MOST_DAYS} days ahead; needed to complain"
    page.item("`until`", until)
    page.item("`transparent`", "true: forward all that the protocol data knows. For tests, never for a guest")


def add_complaining(page: Page) -> None:
    """COMPLAINING."""
    page.section("COMPLAINING").text(
        'With `mode = "complain"` what the policy refuses by its permissions, its rules for messages and its demands on arguments passes '
        "all the same, and is written down. That is an outcome of its own, neither allowed nor denied: `would-deny` in the audit log, in "
        "`wlproxy trace`, `explain`, `test` and `replay`, and in the counters of `wlproxy ctl`, `top` and `metrics`.",
        "What never gives way: the floor, the ceiling of this host with its bounds on permissions, the rules of the protocols, values that "
        "an enum does not have, what is asked of descriptors, quotas and rates, the parameters of permissions, and what cleans or "
        "rewrites a text.",
        "Globals do not change. A program that finds one more global binds it and goes another way from there, so the log would be about "
        "programs that do not exist once the policy enforces; and what has been bound could not be taken back. To try a policy with "
        "more globals, write it as one, and this one as its shadow (`wlproxy run --shadow`).",
        "At `until` the sidecar enforces of itself, by the time of day or by the time that has passed since the policy was loaded, "
        "whichever is first, for connections that are there as well; one line of the log (`mode`) says so. What a guest has made until "
        "then it keeps. A reload with a policy that enforces ends it at once. A policy past its moment is valid, enforces, and "
        "`wlproxy check` says so.",
        "A policy does not inherit that another one complains, and one that extends a policy with `final` permissions or messages cannot. "
        'A ceiling with `mode = "enforce"` keeps every policy of the host from it. `wlproxy diff` calls it wider; '
        "`prove` and `score` count what passes.",
    )
    page.example('mode  = "complain"\nuntil = 2026-12-05T18:00:00Z')


def add_values(page: Page) -> None:
    """[vars]."""
    page.section("[vars]").text(
        "What `${name}` stands for in `[rewrite]` and `[upstream]`: a table of `type` (slug, text or colour), `default` and `max-bytes`. "
        "`wlproxy run --var NAME=VALUE` gives a value; `vm` is the name of the guest, and `instance` not a policy's to declare."
    )


def add_globals(page: Page) -> None:
    """[global], [permission]."""
    page.section("[global]").text("By the name of a global:")
    page.item("a number", "allowed, announced at most at that version")
    made_up = [f"{name}: {', '.join(parts)}." for name, parts in PARTS.items()]
    page.item(
        "{ `max` = number, `count` = number, `virtualize` = [...] }",
        "the same; of `count` of them at most the guest is told, the compositor's first (another takes the place of one that goes); "
        "with parts made up:",
        *made_up,
    )
    page.item('"hide"', 'not announced; also of names that end in *, as in "zwlr_*" = "hide"')
    page.item('"virtual"', f"announced by wlproxy itself: {', '.join(sorted(SERVED))}")
    page.section("[permission]").text(
        '"allow", "ask" or "deny" by the name of a permission, or a table of `verdict` and parameters. See wlproxy-permissions(7).'
    )


def add_messages(page: Page) -> None:
    """[message.INTERFACE]."""
    page.section("[message.INTERFACE]").text("Rules for single messages, requests and events, by their name: a verdict, or a table of")
    page.item("`verdict`", '"allow", "ask" or "deny"')
    page.item(
        "`deny-as`",
        "how it is refused, where the message can be refused so:",
        '"disconnect": the connection ends with an error.',
        '"ignore": as if it had not been said.',
        '"inert": the object it creates exists for the guest alone.',
        '"fail-event": the event by which the protocol says no.',
        '"close-fd": its descriptor is closed.',
    )
    page.item("`rate`", 'of a request, as "2/s burst 4", or "1/5s" for one each five seconds')
    by_type = [f"{kind}: {', '.join(f'`{key}`' for key in keys)}." for kind, keys in FITTING.items()]
    page.item("`args.NAME`", "what an argument must be, by its type:", *by_type)
    page.example(
        '[message.xdg_toplevel]\nset_maximized = { verdict = "allow", rate = "2/s burst 4" }\n'
        'set_title.args.title = { max-bytes = 256, sanitize = "plain" }\nresize.args.edges = { in = ["top", "bottom"] }'
    )


def add_rewrites(page: Page) -> None:
    """[rewrite]."""
    page.section("[rewrite]").text("Templates for what a guest says of its windows; the guest's own text stands for the word in braces.")
    for key, place in REWRITES.items():
        page.item(f"`{key}`", f"{place.interface}.{place.request}; with `{place.placeholder}` once")


def add_quotas(page: Page) -> None:
    """[quota]."""
    page.section("[quota]").text("For the guest as a whole, over all its connections.")
    for key, (_, kind, least, most) in QUOTAS.items():
        page.item(f"`{key}`", f"{QUOTA_WORDS.get(key, kind)}. {shown(kind, least)} to {shown(kind, most)}.")


def add_upstream(page: Page) -> None:
    """[upstream]."""
    page.section("[upstream]").text("How the compositor is told of the guest.")
    page.item("`security-context`", f'{", ".join(MODES)}: whether it must know the guest as sandboxed (security-context-v1)')
    page.item(
        ", ".join(f"`{key}`" for key in TEXTS),
        f"what it is told, with ${{variables}}; in `{INSTANCE_ID}` also {INSTANCE}, another word at each start, which the audit log has",
    )


def add_ask(page: Page) -> None:
    """[ask]."""
    keys = ", ".join(f"`{key}`" for key in ASK_KEYS)
    page.section("[ask]").text(f"{keys}: how the user is asked, where a permission does not say.")


def add_audit(page: Page) -> None:
    """[audit]."""
    page.section("[audit]").text("What the audit log has of the guest. What was refused always is in it, and so is each connection.")
    page.item(f"`{RECORD}`", '"denied": no more than that; "decisions": also what was bound; "all", the default: also what was rewritten')
    page.item(
        f"`{PAYLOAD}`",
        f'"never", the default; "preview": what is refused or rewritten of a window\'s title, app id, tag or icon name has its first '
        f"{PREVIEW_CHARACTERS} characters in its entry. What was typed or copied is in no log",
    )
    page.item(f"`{ON_FAILURE}`", '"deny" or "continue": of what a user consents to; no effect while there is nobody to ask')


def add_files(page: Page) -> None:
    """FILES."""
    page.section("FILES")
    page.item(ADMIN_FOLDER, "policies of this host")
    page.item(
        CEILING_FILE,
        f'what no guest of this host gets more than: `format`, `name`, `[global]` (also "{NEVER}"), `[permission]` with `at-most` '
        f'in the place of `verdict`, "{DENY}" for not at all, and `mode` = "{ENFORCE}": no policy only complains',
    )


SECTIONS: Final = (
    *(add_description, add_keys, add_complaining, add_values, add_globals, add_messages, add_rewrites),
    *(add_quotas, add_upstream, add_ask, add_audit, add_trust, add_files),
)
