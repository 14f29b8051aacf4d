"""The objects of one guest connection, as both sides know them.

Promises: an id names at most one object on each side; client ids are dense, as libwayland's server demands of its clients;
client ids are the same on both sides, server ids are translated. Trusts: the session to call it in the order of the stream.
Source: libwayland wl_map_reserve_new, wl_map_insert_at (src/wayland-util.c); docs/traps.md 13 to 17.

Stages of a client id: live -> destroyed by the guest, until the compositor's delete_id -> free. A ghost is live for the guest while
something else has its id upstream: a wl_callback that fills it, or what the ghost was before it was taken back, until delete_id. A ghost
whose id upstream is free may become real. A server id has no delete_id: it is free for the guest once destroyed, and remains in
`by_host` as a zombie, so that late events can still be read, until the compositor uses the id again.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from .errors import PolicyViolation, ProtocolViolation
from .quotas import COUNTED, Limits, Usage
from .tables import SWALLOW, Family, InterfaceTable, MessageRule, Note
from .wire import DISPLAY_ID, INVALID_METHOD, NO_MEMORY, SERVER_IDS

# A guest that never uses an id again makes the tables of both sides grow, 8 bytes an id here and 16 upstream, however few objects
# it has; libwayland itself stops at 15 million. libwayland's clients use the lowest free one.
MOST_IDS: Final = 1 << 20

LIVE: Final = 0
DESTROYED: Final = 1  # by the guest; the compositor has not confirmed yet
ENDED: Final = 2  # by the compositor (a destructor event); delete_id follows
MUTED: Final = 3  # known upstream alone


def _placeholder_events() -> list[MessageRule]:
    """What a placeholder's wl_callback can say: done, and nothing else."""
    done = MessageRule("wl_callback", "done", 0, 1, True)
    done.signature = "u"
    done.nullable = [False]
    done.size = 12
    done.kind = SWALLOW
    return [done]


PLACEHOLDER_EVENTS: Final = _placeholder_events()
NO_RULES: Final[list[MessageRule]] = []


class Object:
    """One object. `requests` and `events` are the rules in force now: its stage decides which of the table's lists they are."""

    def __init__(self, guest_id: int, host_id: int, table: InterfaceTable) -> None:
        self.guest_id = guest_id
        self.host_id = host_id
        self.table = table
        self.requests: list[MessageRule] = table.requests
        self.events: list[MessageRule] = table.events
        self.stage = LIVE
        self.ghost = False
        self.placeholder = False  # a ghost whose id upstream is not free yet
        self.early = 0  # delete_ids still to come for earlier holders of this id
        self.masked = False  # a callback whose data is not the guest's business
        self.retired = False  # gone upstream for good: no longer counted as one of its kind
        self.note: Note | None = None

    @property
    def interface(self) -> str:
        """Its interface's name."""
        return self.table.family.name

    @property
    def version(self) -> int:
        """The version it was bound at or inherited."""
        return self.table.version


class ObjectTable:
    """`client[id]` for ids up to 0xfeffffff; `by_guest[id - 0xff000000]` and `by_host[id]` for the others."""

    def __init__(self, display: InterfaceTable, limits: Limits, usage: Usage) -> None:
        self.client: list[Object | None] = [None, Object(DISPLAY_ID, DISPLAY_ID, display)]
        self.by_guest: list[Object | None] = []
        self.by_host: dict[int, Object] = {}
        self._limits = limits
        self._usage = usage  # the guest's
        self.count: i64 = 1  # this connection's part of it
        usage.objects += 1

    def of_guest(self, guest_id: int) -> Object | None:
        """The object a guest's id names, destroyed ones included until their id is free."""
        if guest_id < SERVER_IDS:
            return self.client[guest_id] if guest_id < len(self.client) else None
        index = guest_id - SERVER_IDS
        return self.by_guest[index] if index < len(self.by_guest) else None

    def of_host(self, host_id: int) -> Object | None:
        """The object the compositor's id names, zombies included."""
        if host_id < SERVER_IDS:
            return self.client[host_id] if host_id < len(self.client) else None
        return self.by_host.get(host_id)

    def check_new(self, new_id: int, family: Family | None) -> None:
        """Raises ProtocolViolation or PolicyViolation unless the guest may create an object of this interface (None: whatever it binds)
        with this id now."""
        client = self.client
        if new_id == 0:
            raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, "new id 0 is the null object")
        if new_id >= len(client):
            if new_id > len(client) or new_id >= SERVER_IDS:
                raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, f"new id {new_id} leaves a gap (next is {len(client)})")
            if new_id >= MOST_IDS:
                raise ProtocolViolation(DISPLAY_ID, NO_MEMORY, f"new id {new_id}: ids are to be used again from {MOST_IDS} on")
        else:
            holder = client[new_id]
            # An interface without events cannot have one in flight, so nothing can be taken for the new object's. Guests
            # reuse ids of wl_shm_pool like this (seen of wl-cross-domain-proxy; docs/traps.md 15).
            if holder is not None and (holder.stage != DESTROYED or holder.ghost or holder.table.events):
                raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, f"new id {new_id} is in use")
        usage = self._usage
        limits = self._limits
        if usage.objects >= limits.objects:
            raise PolicyViolation(DISPLAY_ID, NO_MEMORY, f"more than {limits.objects} objects", limits.rule("objects"))
        if family is not None and family.counted:
            kind = family.counted
            if usage.kinds[kind].now >= limits.counted[kind]:
                name = COUNTED[kind]
                raise PolicyViolation(DISPLAY_ID, NO_MEMORY, f"more than {limits.counted[kind]} {name}", limits.rule(name))

    def create(self, new_id: int, table: InterfaceTable) -> Object:
        """A guest's new object; `check_new` has been asked."""
        made = Object(new_id, new_id, table)
        client = self.client
        if new_id == len(client):
            client.append(made)
        else:
            holder = client[new_id]
            if holder is not None:
                made.early = holder.early + 1
                self._count_down(holder)
            client[new_id] = made
        self._count_up(made)
        return made

    def create_ghost(self, new_id: int, table: InterfaceTable) -> Object:
        """A guest's new object that the compositor knows as a wl_callback."""
        made = self.create(new_id, table)
        made.ghost = True
        made.placeholder = True
        made.requests = table.ghost_requests
        made.events = PLACEHOLDER_EVENTS
        return made

    def take_back(self, held: Object) -> None:
        """The guest keeps a ghost of its object, which the compositor is being told to destroy. What it still says of it is swallowed;
        its delete_id frees the id upstream, and is the guest's only once the guest has destroyed the ghost as well."""
        held.ghost = True
        held.placeholder = True
        held.requests = held.table.ghost_requests
        held.events = held.table.muted_events

    def retire(self, held: Object) -> None:
        """Taken back for good: of its kind the guest may have another one. As an object it counts until the guest destroys it."""
        self.take_back(held)
        self._count_kind(held, -1)
        held.retired = True

    def give_again(self, ghost: Object) -> None:
        """The compositor is being told to create it once more; its id is free there."""
        ghost.ghost = False
        ghost.requests = ghost.table.requests
        ghost.events = ghost.table.events

    def create_from_host(self, host_id: int, table: InterfaceTable, muted: bool) -> Object:
        """A compositor's new object. A muted one gets no id of the guest's and is never told of."""
        made = Object(0, host_id, table)
        self.by_host[host_id] = made
        if muted:
            made.stage = MUTED
            made.requests = NO_RULES
            made.events = table.muted_events
            return made
        made.guest_id = self._free_server_id(host_id)
        index = made.guest_id - SERVER_IDS
        if index == len(self.by_guest):
            self.by_guest.append(made)
        else:
            self.by_guest[index] = made
        self._count_up(made)
        return made

    def _free_server_id(self, host_id: int) -> int:
        """The compositor's own id where the guest has it free and no gap arises, else the lowest free one."""
        by_guest = self.by_guest
        index = host_id - SERVER_IDS
        if index < len(by_guest):
            if by_guest[index] is None:
                return host_id
        elif index == len(by_guest):
            return host_id
        for free, holder in enumerate(by_guest):
            if holder is None:
                return SERVER_IDS + free
        return SERVER_IDS + len(by_guest)

    def destroyed_by_guest(self, gone: Object) -> bool:
        """A destructor request. True where the guest is owed a delete_id now: a ghost whose placeholder is gone already."""
        gone.requests = NO_RULES
        gone.note = None
        if gone.guest_id >= SERVER_IDS:
            gone.stage = MUTED
            gone.events = gone.table.muted_events
            self.by_guest[gone.guest_id - SERVER_IDS] = None
            self._count_down(gone)
            return False
        gone.stage = DESTROYED
        if not gone.ghost:
            gone.events = gone.table.late_events
            return False
        if gone.placeholder:
            return False
        self._free(gone)
        return True

    def ended_by_host(self, gone: Object) -> None:
        """A destructor event: for the compositor the object is gone now."""
        gone.note = None
        if gone.host_id >= SERVER_IDS:
            self.by_host.pop(gone.host_id, None)
            if gone.stage == LIVE:
                self.by_guest[gone.guest_id - SERVER_IDS] = None
                self._count_down(gone)
            gone.stage = ENDED
        elif gone.stage == LIVE:
            gone.stage = ENDED
            gone.requests = NO_RULES

    def deleted_by_host(self, host_id: int) -> bool:
        """wl_display.delete_id. True where it is to be told to the guest."""
        if host_id <= DISPLAY_ID or host_id >= len(self.client):
            return False
        gone = self.client[host_id]
        if gone is None:
            return False
        if gone.early:
            gone.early -= 1
            return True
        if gone.ghost:
            if not gone.placeholder:
                return False
            gone.placeholder = False
            gone.events = NO_RULES
            if gone.stage == LIVE:
                return False
        elif gone.stage == LIVE:  # ended unasked: nobody may name it any more who still holds it here
            gone.stage = ENDED
        self._free(gone)
        return True

    def abandon(self) -> None:
        """The connection is over: none of its objects counts any more, or is there. Notes and connection hold each other; taken apart
        here they are freed at once, and not when the collector comes to it, a million objects later (tests/soak.py)."""
        usage = self._usage
        for held in (*self.client, *self.by_guest):
            if held is not None:
                held.note = None
                self._count_kind(held, -1)
        for known in self.by_host.values():
            known.note = None
        self.client = []
        self.by_guest = []
        self.by_host = {}
        usage.objects -= self.count
        self.count = 0

    def _free(self, gone: Object) -> None:
        self.client[gone.guest_id] = None
        self._count_down(gone)

    def _count_up(self, made: Object) -> None:
        self.count += 1
        self._usage.objects += 1
        self._count_kind(made, 1)

    def _count_down(self, gone: Object) -> None:
        self.count -= 1
        self._usage.objects -= 1
        self._count_kind(gone, -1)

    def _count_kind(self, held: Object, change: i64) -> None:
        kind = held.table.family.counted
        if kind and not held.retired:
            self._usage.kinds[kind].now += change
