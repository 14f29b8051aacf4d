"""Clipboard and drag and drop: sources, offers and the devices that carry them, in every protocol that has them.

Promises towards the compositor: a source serves one purpose, once; types of data are printable ASCII of bounded length and number;
only types that were offered are asked for; a drag has a surface to come from and an icon that is nothing else. Towards the guest:
the same bounds on what the other clients offer. Each misuse gets the error that the specification names. Who may copy to whom is
the policy's business. Trusts: the session's object table.
Source: wayland.xml (wl_data_device, wl_data_source, wl_data_offer), primary-selection-unstable-v1.xml, ext-data-control-v1.xml;
where the text leaves open which of its errors is meant: libweston/data-device.c, wlroots types/data_device.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.objects import Object
from ..core.outcome import WOULD_DENY
from ..core.tables import DROP, FORWARD, Note
from .surfaces import DRAG_ICON, surface_at

ROLE, USED_SOURCE = 0, 1  # wl_data_device.error; the data-control protocols have the latter under the same number
INVALID_ACTION_MASK, INVALID_SOURCE = 0, 1  # wl_data_source.error
INVALID_FINISH, OFFER_INVALID_ACTION_MASK, INVALID_ACTION, INVALID_OFFER = 0, 1, 2, 3  # wl_data_offer.error
TOPLEVEL_DRAG_INVALID_SOURCE: Final = 0  # xdg_toplevel_drag_manager_v1.error

NONE, COPY, MOVE, ASK = 0, 1, 2, 4  # wl_data_device_manager.dnd_action
ALL_ACTIONS: Final = COPY | MOVE | ASK

MOST_TYPES: Final = 32  # of one source or offer
MOST_TYPE_BYTES: Final = 128

SELECTION: Final = "selection"
DRAG: Final = "drag"

WITHOUT_REPEATS: Final = frozenset(("ext_data_control_device_v1", "zwlr_data_control_device_v1"))  # used_source, even for the same use

BUILT_IN: Final = "built-in: mime type"
NO_TYPES: Final[frozenset[str]] = frozenset()
ANYTHING: Final[tuple[int, frozenset[str] | None]] = (0, None)
READING: Final = {
    "wl_data_device": "clipboard-in",
    "zwp_primary_selection_device_v1": "primary-in",
    "gtk_primary_selection_device": "primary-in",
}
PRIMARY: Final = frozenset(
    (
        "zwp_primary_selection_source_v1",
        "zwp_primary_selection_offer_v1",
        "gtk_primary_selection_source",
        "gtk_primary_selection_offer",
    )
)


class Source(Note):
    """One data source: the types it has, and the one use it has been put to ("" so far)."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.types: set[str] = set()
        self.use = ""
        self.actions_set = False


class Offer(Note):
    """One data offer of another client's: the types the guest was told of, and how far a drag has come."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.types: set[str] = set()
        self.told = False  # what it is an offer of: before that the guest cannot know of it, and asks for what it was not given
        self.drag = False
        self.accepted = False
        self.dropped = False
        self.finished = False
        self.action = NONE


class Device(Note):
    """One wl_data_device: the offer of the drag that is over one of its surfaces."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.drag: Offer | None = None


def is_type(text: str) -> bool:
    """Whether it can be a MIME type: printable ASCII without spaces at either end, of bounded length."""
    return 0 < len(text) <= MOST_TYPE_BYTES and text.isascii() and text.isprintable() and text == text.strip()


def admits(connection: Connection, message: Message, types: set[str]) -> bool:
    """Adds the type that a source or an offer announces; says so in the audit log where it is left out."""
    named = message.text(0)
    if not is_type(named):
        connection.record("refused", message, f"{named[:MOST_TYPE_BYTES]!a} is no type", "ignore", BUILT_IN)
        return False
    if named not in types and len(types) >= MOST_TYPES:
        connection.record("refused", message, f"more than {MOST_TYPES} types", "ignore", BUILT_IN)
        return False
    types.add(named)
    return True


# sources


def source_at(connection: Connection, message: Message, index: int) -> Source | None:
    """The source an argument names; None for null."""
    found = connection.objects.of_guest(message.number(index))
    note = None if found is None else found.note
    return note if isinstance(note, Source) else None


def on_source_type(connection: Connection, message: Message) -> int:
    """The request `offer` of a source: a type too many, or one that is none, is left out."""
    note = message.target.note
    return FORWARD if isinstance(note, Source) and admits(connection, message, note.types) else DROP


def on_source_actions(connection: Connection, message: Message) -> int:
    """wl_data_source.set_actions(dnd_actions): once, for a drag, before it begins."""
    note = message.target.note
    actions = message.number(0)
    if actions & ~ALL_ACTIONS:
        raise ProtocolViolation(message.target.guest_id, INVALID_ACTION_MASK, f"invalid action mask {actions:#x}")
    if isinstance(note, Source):
        if note.actions_set:
            raise ProtocolViolation(message.target.guest_id, INVALID_ACTION_MASK, "the actions are set already")
        if note.use:
            raise ProtocolViolation(message.target.guest_id, INVALID_ACTION_MASK, f"the source serves a {note.use} already")
        note.actions_set = True
    return FORWARD


def on_send(connection: Connection, message: Message) -> int:
    """The event `send` of a source: only for a type that the guest has said it has, and that the policy lets out."""
    note = message.target.note
    if not isinstance(note, Source) or message.text(0) not in note.types:
        connection.record("refused", message, "its type was not offered", "ignore", BUILT_IN)
        return DROP
    return FORWARD if lets_pass(connection, message) else DROP


def on_target(connection: Connection, message: Message) -> int:
    """wl_data_source.target(mime_type): one of the source's, or none of them."""
    note = message.target.note
    named = message.text(0)
    if named and not (isinstance(note, Source) and named in note.types):
        message.args[0] = None
        message.changed = True
    return FORWARD


# devices


def on_set_selection(connection: Connection, message: Message) -> int:
    """wl_data_device.set_selection(source, serial) and its like; null empties the selection."""
    if message.ghosts:  # null would empty the other clients' selection, which nobody has asked for
        return DROP
    source = source_at(connection, message, 0)
    if source is None:
        return FORWARD
    if source.actions_set:
        raise ProtocolViolation(source.owner.guest_id, INVALID_SOURCE, "a source with drag and drop actions is no selection")
    if source.use == SELECTION and message.rule.interface not in WITHOUT_REPEATS:
        message.without_effect = True  # GTK 3 sets the same source twice with each copy, and compositors let that be
        return DROP
    use_once(message, source, SELECTION)
    return FORWARD


def use_once(message: Message, source: Source, use: str) -> None:
    """Raises used_source where the source has served already."""
    if source.use:
        raise ProtocolViolation(message.target.guest_id, USED_SOURCE, f"the source serves a {source.use} already")
    source.use = use


def on_start_drag(connection: Connection, message: Message) -> int:
    """wl_data_device.start_drag(source, origin, icon, serial). The icon's size is bounded like a cursor's (cursors.py)."""
    if message.ghosts:  # a drag without its source would be one within the client
        return DROP
    icon = surface_at(connection, message, 2)
    source = source_at(connection, message, 0)
    if source is not None:
        use_once(message, source, DRAG)
    if icon is not None:
        icon.take_role(DRAG_ICON, message.target.guest_id, ROLE)
        if icon.shown_too_large() or icon.children:
            message.args[2] = 0
            message.changed = True
            connection.record("rewritten", message, "its icon is too large: none", "allow", "built-in: icon size")
    return FORWARD


def offer_at(connection: Connection, message: Message, index: int) -> Offer | None:
    """The offer that an event's argument names; None for null."""
    found = connection.objects.of_guest(message.number(index))
    note = None if found is None else found.note
    return note if isinstance(note, Offer) else None


def on_enter(connection: Connection, message: Message) -> None:
    """The event wl_data_device.enter(serial, surface, x, y, id)."""
    note = message.target.note
    if isinstance(note, Device):
        note.drag = offer_at(connection, message, 4)
        if note.drag is not None:
            note.drag.drag = True
            note.drag.told = True


def on_selection(connection: Connection, message: Message) -> int:
    """The event `selection` of a device: the offer is the clipboard's, or the primary selection's. Where the guest may not read it, the
    event says that there is none: a program that asked for the clipboard would wait for ever without."""
    offer = offer_at(connection, message, 0)
    if offer is None:
        return FORWARD
    permission = READING.get(message.rule.interface, "")
    refused = permission in connection.tables.refused
    reason = f"permission {permission} is not given: none"
    if refused and not (permission in connection.tables.complaining and connection.complaining()):
        message.args[0] = 0
        message.changed = True
        connection.record("rewritten", message, reason, "allow", f"permission: {permission}")
        return FORWARD
    if skips(connection, permission, offer):
        message.args[0] = 0
        message.changed = True
        reason = f"permission {permission} skips what has such a type: none"
        connection.record("rewritten", message, reason, "allow", f"permission: {permission}")
    else:
        offer.told = True
        if refused:
            connection.record(WOULD_DENY, message, reason, "ignore", f"permission: {permission}")
    return FORWARD


def on_leave(connection: Connection, message: Message) -> None:
    """The event wl_data_device.leave()."""
    note = message.target.note
    if isinstance(note, Device):
        note.drag = None


def on_drop(connection: Connection, message: Message) -> None:
    """The event wl_data_device.drop()."""
    note = message.target.note
    if isinstance(note, Device) and note.drag is not None:
        note.drag.dropped = True


# offers


def on_offer_type(connection: Connection, message: Message) -> int:
    """The event `offer` of an offer: the guest is told of so many types, and only of what can be one."""
    note = message.target.note
    return FORWARD if isinstance(note, Offer) and admits(connection, message, note.types) else DROP


def on_offer_action(connection: Connection, message: Message) -> None:
    """The event wl_data_offer.action(dnd_action)."""
    note = message.target.note
    if isinstance(note, Offer):
        note.action = message.number(0)


def unfinished(message: Message) -> Offer:
    """The offer a request is addressed to. After finish it takes none but destroy."""
    note = message.target.note
    if not isinstance(note, Offer):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no offer state")
    if note.finished:
        raise ProtocolViolation(message.target.guest_id, INVALID_OFFER, "the offer is finished")
    return note


def on_accept(connection: Connection, message: Message) -> int:
    """wl_data_offer.accept(serial, mime_type): null, and what was not offered, refuses the drag."""
    offer = unfinished(message)
    named = message.text(1)
    if named and named not in offer.types:
        message.args[1] = None
        message.changed = True
        connection.record("rewritten", message, "its type was not offered: none", "allow", BUILT_IN)
        named = ""
    offer.accepted = bool(named)
    return FORWARD


def on_receive(connection: Connection, message: Message) -> int:
    """The request `receive` of an offer: for a type that was offered. The reader of another sees the end of its pipe at once."""
    offer = unfinished(message)
    if message.text(0) not in offer.types or not offer.told:
        connection.record("refused", message, "its type was not offered", "ignore", BUILT_IN)
        return DROP
    return FORWARD if lets_pass(connection, message) else DROP


def permission_of(message: Message) -> str:
    """The permission that data of an offer or a source passes under, "" where it is no clipboard's of the desktop."""
    note = message.target.note
    primary = message.rule.interface in PRIMARY
    if isinstance(note, Offer):
        return "primary-in" if primary else "drag-in" if note.drag else "clipboard-in"
    if isinstance(note, Source):
        return "primary-out" if primary else "drag-out" if note.use == DRAG else "clipboard-out"
    return ""


def skips(connection: Connection, permission: str, offer: Offer) -> bool:
    """Whether the offer has a type by which programs mark what nobody shall read, such as a password."""
    return not offer.types.isdisjoint(connection.tables.skipped.get(permission, NO_TYPES))


def lets_pass(connection: Connection, message: Message) -> bool:
    """Whether the policy lets data of this type through."""
    name = permission_of(message)
    _, types = connection.tables.transfers.get(name, ANYTHING)
    note = message.target.note
    if isinstance(note, Offer) and skips(connection, name, note):  # one whose mark came after `selection`
        reason = f"permission {name} skips what has such a type"
    elif types is None or message.text(0) in types:
        return True
    else:
        reason = f"permission {name} is not for {message.text(0)[:MOST_TYPE_BYTES]!a}"
    connection.record("refused", message, reason, "ignore", f"permission: {name}")
    return False


def on_finish(connection: Connection, message: Message) -> int:
    """wl_data_offer.finish(): after a drop that was accepted, with an action settled."""
    address = message.target.guest_id
    note = message.target.note
    if not isinstance(note, Offer) or not note.dropped or not note.accepted or note.finished:
        raise ProtocolViolation(address, INVALID_FINISH, "finish before a drop was accepted, or twice")
    if note.action not in (COPY, MOVE):
        raise ProtocolViolation(address, INVALID_OFFER, f"finish with the action {note.action}")
    note.finished = True
    return FORWARD


def on_offer_actions(connection: Connection, message: Message) -> int:
    """wl_data_offer.set_actions(dnd_actions, preferred_action): of a drag."""
    offer = unfinished(message)
    address = message.target.guest_id
    actions, preferred = message.number(0), message.number(1)
    if actions & ~ALL_ACTIONS:
        raise ProtocolViolation(address, OFFER_INVALID_ACTION_MASK, f"invalid action mask {actions:#x}")
    if preferred not in (NONE, COPY, MOVE, ASK) or preferred & ~actions:
        raise ProtocolViolation(address, INVALID_ACTION, f"the preferred action {preferred:#x} is not one of {actions:#x}")
    if not offer.drag:
        raise ProtocolViolation(address, INVALID_OFFER, "the offer is of no drag")
    return FORWARD


# windows that are dragged


def on_get_toplevel_drag(connection: Connection, message: Message) -> int:
    """xdg_toplevel_drag_manager_v1.get_xdg_toplevel_drag(id, data_source): before the drag begins."""
    source = source_at(connection, message, 1)
    if source is not None and source.use:
        raise ProtocolViolation(
            message.target.guest_id, TOPLEVEL_DRAG_INVALID_SOURCE, f"the source serves a {source.use} already"
        )
    return FORWARD
