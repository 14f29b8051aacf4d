"""Scenes: a conversation of a guest, the session and a compositor, written down as one and failing as a diff.

    Scene(policy).guest(3, "create_surface", 6).host_gets("wl_compositor#3.create_surface(6)")

The two peers are those of tests/reference.py, so every scene also checks that whatever leaves the session would be accepted by the
strictest reader. Arguments are given as in the XML; descriptors with `fds=`.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping

from tests.reference import Peer, pack, wire_arguments
from wlproxy.core.fds import Fd
from wlproxy.core.protocol import Interface
from wlproxy.core.quotas import Limits, Usage
from wlproxy.core.session import GUEST, HOST, Outcome, Record, Session
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.load_protocols import load_shipped
from wlproxy.policy.model import ALLOW, GlobalRule, MessageRule, Origin, PermissionRule, Policy, Predicate, Rewrite
from wlproxy.policy.permissions import everything

GLOBALS = ("wl_compositor", "wl_shm", "wl_seat", "wl_output", "xdg_wm_base", "wl_data_device_manager", "zwp_linux_dmabuf_v1")


@functools.cache
def shipped() -> Mapping[str, Interface]:
    """The protocol data of the repository."""
    return load_shipped()


def policy(
    *names: str,
    messages: dict[tuple[str, str], MessageRule] | None = None,
    rewrites: dict[str, Rewrite] | None = None,
    transparent: bool = False,
    permissions: dict[str, PermissionRule] | None = None,
    **versions: int,
) -> Policy:
    """A policy that allows these globals: all up to their newest version, or as given; with every permission, where none are given."""
    allowed = {n: shipped()[n].version for n in names} | versions
    return Policy(
        "scene",
        transparent=transparent,
        globals={n: GlobalRule(ALLOW, v, Origin("scene.toml", i)) for i, (n, v) in enumerate(allowed.items(), 1)},
        messages=messages or {},
        rewrites=rewrites or {},
        origin=Origin("scene.toml", 1),
        permissions=everything(Origin("scene.toml", 2)) if permissions is None else permissions,
    )


def deny(shape: str, line: int = 77) -> MessageRule:
    """A message rule that refuses in this shape."""
    return MessageRule("deny", shape, {}, Origin("scene.toml", line))


def only(**predicates: Predicate) -> MessageRule:
    """A message rule that allows with these predicates."""
    return MessageRule(ALLOW, "", predicates, Origin("scene.toml", 78))


BASIC = ("wl_compositor", "wl_subcompositor", "wl_shm", "wl_seat", "wl_output", "xdg_wm_base", "wl_data_device_manager")


OPEN: list[Scene] = []  # all of the test that runs


def balance() -> None:
    """Closes them; what they were given and what their files made has come out again exactly once."""
    scenes, OPEN[:] = OPEN[:], []
    for scene in scenes:
        scene.close()
    files = {id(files): files for scene in scenes for files in [scene.session.connection.files]}
    given = [fd.number for scene in scenes for fd in scene.given]
    made = [fd.number for one in files.values() for fd in getattr(one, "made", ())]
    assert sorted(given + made) == sorted(fd.number for scene in scenes for fd in scene.back)


class Scene:
    """One guest connection under one policy; `beside`: another one of the same guest."""

    def __init__(
        self, rules: Policy | None = None, limits: Limits | None = None, usage: Usage | None = None, beside: Scene | None = None
    ) -> None:
        self.interfaces = shipped()
        if beside is not None:
            tables = beside.session.connection.tables
        else:
            tables = load_tables(compile_policy(policy(*BASIC) if rules is None else rules, self.interfaces))
        self.session = Session(tables, limits or Limits(), usage=usage)
        self.host = Peer(self.interfaces, server=True)
        self.client = Peer(self.interfaces, server=False)
        self.outcome = Outcome([], [], [], [], "")
        self.audit: list[Record] = []
        self.host_lines: list[str] = []
        self.guest_lines: list[str] = []
        self.said = [b"", b""]  # by side: every byte it sent
        self.heard = [b"", b""]  # by side: every byte that reached it
        self.given: list[Fd] = []
        self.back: list[Fd] = []
        self._numbers = iter(range(1000, 100000))
        OPEN.append(self)

    # what the peers say

    def guest(self, object_id: int, request: str, *args: object, fds: int | list[Fd] = 0) -> Scene:
        """The guest sends one request."""
        held = self.client.objects[object_id]
        data = self._request(object_id, request, args)
        for (kind, interface, _, _), value in zip(
            [a for a in wire_arguments(self._find(held.interface.requests, request)) if a[0] != "fd"], args, strict=True
        ):
            if kind == "new_id" and isinstance(value, int):
                named = interface or str(args[1])
                self.client.created(value, named, held.version if interface else int(str(args[2])))
        if self._find(held.interface.requests, request).destructor:
            self.client.ended(object_id)
        return self.guest_bytes(data, fds)

    def guest_bytes(self, data: bytes, fds: int | list[Fd] = 0) -> Scene:
        """The guest sends these bytes, with descriptors ready made or so many of no kind in particular."""
        return self._deliver(GUEST, data, fds)

    def event(self, object_id: int, event: str, *args: object, fds: int | list[Fd] = 0) -> Scene:
        """The compositor sends one event; ids are its own."""
        held = self.host.objects[object_id]
        message = self._find(held.interface.events, event)
        data = pack(object_id, held.interface.events.index(message), message, args)
        for (kind, interface, _, _), value in zip(
            [a for a in wire_arguments(message) if a[0] != "fd"], args, strict=True
        ):
            if kind == "new_id" and isinstance(value, int):
                self.host.created(value, interface, held.version)
        if message.destructor and object_id != 1:
            self.host.ended(object_id)
        return self.host_bytes(data, fds)

    def host_bytes(self, data: bytes, fds: int | list[Fd] = 0) -> Scene:
        """The compositor sends these bytes."""
        return self._deliver(HOST, data, fds)

    def request(self, object_id: int, request: str, *args: object) -> bytes:
        """The bytes of a request, for scenes that damage or join them."""
        return self._request(object_id, request, args)

    def announce(self, registry: int = 2, names: tuple[str, ...] = GLOBALS, first: int = 50) -> Scene:
        """The guest makes a registry and the compositor announces `names` under the numbers from `first`."""
        self.guest(1, "get_registry", registry)
        for number, name in enumerate(names, first):
            self.event(registry, "global", number, name, self.interfaces[name].version)
        return self

    def window(self) -> Scene:
        """compositor 3, shm 4, wm_base 5, surface 6, xdg_surface 7, toplevel 8, all bound at what was announced."""
        self.announce()
        for new_id, name in ((3, "wl_compositor"), (4, "wl_shm"), (5, "xdg_wm_base")):
            self.bind(name, new_id)
        self.guest(3, "create_surface", 6).guest(5, "get_xdg_surface", 7, 6).guest(7, "get_toplevel", 8)
        return self

    def bind(self, interface: str, new_id: int, version: int = 0, registry: int = 2) -> Scene:
        """The guest binds a global under the name and version it was announced with."""
        name, _, announced = self.announced(registry)[interface]
        return self.guest(registry, "bind", name, interface, version or announced, new_id)

    def announced(self, registry: int = 2) -> dict[str, tuple[int, str, int]]:
        """What the guest was told: (name, interface, version) by interface."""
        prefix = f"wl_registry#{registry}.global("
        rows = [ast.literal_eval(line[len(prefix) - 1 :]) for line in self.client.log if line.startswith(prefix)]
        return {row[1]: row for row in rows}

    def serial(self) -> int:
        """The serial that the event just sent brought the guest: its first argument."""
        return int(self.client.log[-1].partition("(")[2].strip("()").split(",")[0])

    # what came of it

    def host_gets(self, *lines: str) -> Scene:
        """Exactly these messages reached the compositor since the last look."""
        return self._compare("host_lines", lines)

    def guest_gets(self, *lines: str) -> Scene:
        """Exactly these messages reached the guest since the last look."""
        return self._compare("guest_lines", lines)

    def forget(self) -> Scene:
        """Leaves out of the next look what was said so far."""
        self.host_lines.clear()
        self.guest_lines.clear()
        self.audit.clear()
        return self

    def ends(self, object_id: int, code: int, reason: str) -> Scene:
        """The session is over and the guest was told: which object, which error code, a reason that contains the text."""
        assert self.session.over, f"the session goes on; the guest got {self.guest_lines}"
        last = self.client.log[-1]
        assert last.startswith(f"wl_display#1.error({object_id}, {code}, "), last
        assert reason in last, last
        return self

    def goes_on(self) -> Scene:
        """The session is not over."""
        assert not self.session.over, self.audit
        return self

    def records(self, event: str) -> list[Record]:
        """The audit records of one kind so far."""
        return [r for r in self.audit if r.event == event]

    def close(self) -> None:
        """Ends the scene."""
        self.back += self.session.close()

    def _compare(self, which: str, lines: tuple[str, ...]) -> Scene:
        got = getattr(self, which)
        assert got == list(lines)
        got.clear()
        return self

    def _request(self, object_id: int, request: str, args: tuple[object, ...]) -> bytes:
        held = self.client.objects[object_id]
        message = self._find(held.interface.requests, request)
        return pack(object_id, held.interface.requests.index(message), message, args)

    @staticmethod
    def _find(messages, name):  # type: ignore[no-untyped-def]
        return next(m for m in messages if m.name == name)

    def _deliver(self, side: int, data: bytes, fds: int | list[Fd]) -> Scene:
        handed = [Fd(next(self._numbers)) for _ in range(fds)] if isinstance(fds, int) else list(fds)
        self.given += handed
        self.said[side] += data
        return self.take(self.session.receive(side, data, handed))

    def take(self, outcome: Outcome) -> Scene:
        """Hands an outcome to the peers, as the transport would."""
        self.outcome = outcome
        self.audit += outcome.audit
        self.back += outcome.discarded
        for transfer in outcome.transfers:
            self.back += (transfer.source, transfer.target)
        for parcel in outcome.to_host:
            self.back += parcel.fds
            self.heard[HOST] += parcel.data
            self.host_lines += self.host.take(parcel.data, [f.number for f in parcel.fds])
        for parcel in outcome.to_guest:
            self.back += parcel.fds
            self.heard[GUEST] += parcel.data
            self.guest_lines += self.client.take(parcel.data, [f.number for f in parcel.fds])
        return self
