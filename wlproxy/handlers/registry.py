"""What a guest sees of the compositor's globals, and the only way to one.

Promises: a global that the policy does not allow is never announced, whenever it appears; a bind is judged against what was announced
on that very registry, never against the guest's own words; versions are capped; names are the proxy's own, so that gaps tell
nothing of what is hidden. Trusts: the compiled policy. Source: wayland.xml wl_registry; libwayland registry_bind
(src/wayland-server.c) for the errors; docs/traps.md 9 to 11.
"""

from __future__ import annotations

from typing import Final

from ..core import wire
from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.outcome import GUEST
from ..core.tables import ALLOW, DROP, FORWARD, MAKE_INERT, Note, Tables
from ..core.wire import INVALID_OBJECT
from . import seats

NAME, INTERFACE, VERSION, NEW_ID = 0, 1, 2, 3
GLOBAL: Final = 0  # the event's opcode
MOST_NAMES: Final = 65536
VIRTUAL: Final = "virtual"


SERVED: Final = -1  # in place of the compositor's name: the proxy's own global


class Announced:
    """One global as a guest was told of it. Never changed: the connections that were told the same share it."""

    def __init__(self, host_name: int, guest_name: int, interface: str, version: int) -> None:
        self.host_name = host_name
        self.guest_name = guest_name
        self.interface = interface
        self.version = version


class Announcements:
    """Each global that the connections under a policy were told of, once: a list of globals is 2 KiB, and 500 clients have the same one."""

    def __init__(self) -> None:
        self._by_names: dict[tuple[int, int], Announced] = {}

    def one(self, host_name: int, guest_name: int, interface: str, version: int) -> Announced:
        """The global of that description."""
        names = (host_name, guest_name)
        found = self._by_names.get(names)
        if found is None or found.interface != interface or found.version != version:
            if len(self._by_names) >= MOST_NAMES:
                self._by_names = {}
            found = Announced(host_name, guest_name, interface, version)
            self._by_names[names] = found
        return found


class Globals:
    """The globals of one connection; every registry of the connection gives the same name to the same global."""

    def __init__(self, keep_names: bool, announcements: Announcements) -> None:
        self._keep_names = keep_names
        self._announcements = announcements
        self._current: dict[int, Announced] = {}
        self._given = 0
        self._served: list[Announced] = []

    def announce(self, host_name: int, interface: str, version: int) -> Announced:
        """The global under its name for the guest. A name the compositor uses again for another global is a new one."""
        found = self._current.get(host_name)
        if found is None or found.interface != interface or found.version != version:
            self._given += 1
            found = self._announcements.one(host_name, host_name if self._keep_names else self._given, interface, version)
            self._current[host_name] = found
        return found

    def removed(self, gone: Announced) -> None:
        """The compositor has told a registry of its end."""
        if self.is_there(gone):
            del self._current[gone.host_name]

    def is_there(self, announced: Announced) -> bool:
        """Whether no registry has been told of its end yet."""
        return self._current.get(announced.host_name) is announced

    def serve(self, interface: str, version: int) -> Announced:
        """A global of the proxy's own."""
        for found in self._served:
            if found.interface == interface:
                return found
        self._given += 1
        made = self._announcements.one(SERVED, self._given, interface, version)
        self._served.append(made)
        return made


class Registry(Note):
    """What one wl_registry has been told, by the guest's names; `gone`: those whose end it has been told as well.

    `spare`: by the compositor's name, the interface and version of globals beyond the number that the policy allows, in the order in
    which they came. Each takes the place of one that goes. A compositor tells every registry of its globals in one order (libwayland
    appends to a list), so that all of a guest's have the same ones.
    """

    def __init__(self) -> None:
        self.spare: dict[int, tuple[str, int]] = {}
        self.by_guest: dict[int, Announced] = {}
        self.gone: set[int] | None = None
        self.serves = False  # the guest has been told of the proxy's own globals

    def tell(self, announced: Announced) -> None:
        """Of a global, which may be one that has gone and come again under its name."""
        self.by_guest[announced.guest_name] = announced
        if self.gone is not None:
            self.gone.discard(announced.guest_name)

    def of_host(self, host_name: int) -> Announced | None:
        """What the compositor calls so and has not taken away again, the newest of that name."""
        for known in reversed(self.by_guest.values()):
            if known.host_name == host_name and (self.gone is None or known.guest_name not in self.gone):
                return known
        return None

    def tell_end(self, announced: Announced) -> None:
        """The guest may bind it a last time, not knowing yet."""
        if self.gone is None:
            self.gone = set()
        self.gone.add(announced.guest_name)

    def count(self, interface: str) -> int:
        """Of the compositor's globals of that interface: as many as are there."""
        gone = self.gone
        return sum(
            [
                1
                for known in self.by_guest.values()
                if known.interface == interface and known.host_name != SERVED and (gone is None or known.guest_name not in gone)
            ]
        )


def registry_of(message: Message) -> Registry:
    """The state of the registry that a message belongs to."""
    note = message.target.note
    if not isinstance(note, Registry):
        note = Registry()
        message.target.note = note
    return note


def globals_of(connection: Connection) -> Globals:
    """The state that the registries of a connection share."""
    known = connection.shared.get("globals")
    if not isinstance(known, Globals):
        known = Globals(connection.tables.keep_names, announcements_of(connection.tables))
        connection.shared["globals"] = known
    return known


def announcements_of(tables: Tables) -> Announcements:
    """What the connections under one policy share."""
    known = tables.shared.get("globals")
    if not isinstance(known, Announcements):
        known = Announcements()
        tables.shared["globals"] = known
    return known


def announce_served(connection: Connection, message: Message, registry: Registry) -> None:
    """Tells of the proxy's own globals, right before the compositor's first one. Not earlier: some programs take what they read first
    for the whole list (weston-simple-touch has one wl_display_dispatch() for it)."""
    registry.serves = True
    for interface, (version, _) in connection.tables.served.items():
        if interface in connection.hidden:
            continue
        announced = globals_of(connection).serve(interface, version)
        registry.tell(announced)
        told = [announced.guest_name, interface, version]
        connection.send_to_guest(wire.encode(message.target.guest_id, GLOBAL, "usu", told))


def on_global(connection: Connection, message: Message) -> int:
    """wl_registry.global: announced if the policy allows the interface, at most at the version it allows."""
    interface = message.text(INTERFACE)
    allowed = connection.tables.globals.get(interface)
    registry = registry_of(message)
    if not registry.serves:
        announce_served(connection, message, registry)
    if allowed is None or len(registry.by_guest) >= MOST_NAMES or interface in connection.hidden:
        return DROP
    offered = message.number(VERSION)
    version = min(offered, allowed[0])
    if version < 1:
        return DROP
    host_name = message.number(NAME)
    if is_full(connection, registry, interface):
        if len(registry.spare) < MOST_NAMES:
            registry.spare[host_name] = (interface, version)
        return DROP
    announced = globals_of(connection).announce(host_name, interface, version)
    registry.tell(announced)
    if announced.guest_name != host_name or version != offered:
        message.args[NAME] = announced.guest_name
        message.args[VERSION] = version
        message.changed = True
    return FORWARD


def is_full(connection: Connection, registry: Registry, interface: str) -> bool:
    """Whether the registry has been told of as many globals of that interface as the policy allows."""
    most = connection.tables.counts.get(interface, 0)
    return most > 0 and registry.count(interface) >= most


def fill_up(connection: Connection, message: Message, registry: Registry, interface: str) -> None:
    """Tells of the first spare global in the place of one that goes, right before that one's end is told."""
    for host_name, (spare, version) in registry.spare.items():
        if spare == interface and not is_full(connection, registry, interface):
            del registry.spare[host_name]
            announced = globals_of(connection).announce(host_name, interface, version)
            registry.tell(announced)
            told = [announced.guest_name, interface, version]
            connection.send_to_guest(wire.encode(message.target.guest_id, GLOBAL, "usu", told))
            return


def on_global_remove(connection: Connection, message: Message) -> int:
    """wl_registry.global_remove: told only to a registry that was told of the global."""
    registry = registry_of(message)
    registry.spare.pop(message.number(NAME), None)
    announced = registry.of_host(message.number(NAME))
    if announced is None:
        return DROP
    registry.tell_end(announced)
    globals_of(connection).removed(announced)
    seats.on_global_gone(connection, announced.host_name)
    fill_up(connection, message, registry, announced.interface)
    if announced.guest_name != message.number(NAME):
        message.args[NAME] = announced.guest_name
        message.changed = True
    return FORWARD


def on_bind(connection: Connection, message: Message) -> int:
    """wl_registry.bind: only what this registry announced, under its interface, up to its version.

    A global that has gone in the meantime gives an inert object: the guest could not know (docs/traps.md 11). Under a transparent policy
    the compositor itself is left to answer.
    """
    registry = message.target.guest_id
    interface = message.text(INTERFACE)
    version = message.number(VERSION)
    name = message.number(NAME)
    announced = registry_of(message).by_guest.get(name)
    if announced is None:
        raise ProtocolViolation(registry, INVALID_OBJECT, f"invalid global {interface[:64]!a} ({name})")
    if announced.interface != interface:
        raise ProtocolViolation(
            registry,
            INVALID_OBJECT,
            f"invalid interface for global {name}: have {announced.interface}, wanted {interface[:64]!a}",
        )
    if not 1 <= version <= announced.version:
        raise ProtocolViolation(
            registry,
            INVALID_OBJECT,
            f"invalid version for global {interface} ({name}): have {announced.version}, wanted {version}",
        )
    message.child_family = connection.tables.family(interface)
    message.child_version = version
    if announced.host_name == SERVED:
        connection.record("bind", message, f"{interface} version {version}", VIRTUAL, connection.tables.served[interface][1])
        return MAKE_INERT
    if announced.host_name != name:
        message.args[NAME] = announced.host_name
        message.changed = True
    origin = connection.tables.globals[interface][1]
    if not connection.tables.keep_names and not globals_of(connection).is_there(announced):
        connection.record("bind", message, f"{interface} version {version}: removed meanwhile", "inert", "built-in: removed global")
        return MAKE_INERT
    connection.record("bind", message, f"{interface} version {version}", ALLOW, origin)
    if interface in connection.tables.virtual:
        connection.bound[message.number(NEW_ID)] = name
    return FORWARD


def on_destroy_registry(connection: Connection, message: Message) -> int:
    """wl_fixes.destroy_registry destroys its argument, not its receiver (docs/traps.md 12)."""
    if message.side == GUEST:
        message.destroys = connection.objects.of_guest(message.number(0))
    return FORWARD
