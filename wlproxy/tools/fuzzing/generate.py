"""Makes up conversations, one step at a time, knowing which objects are alive on either side.

Promises: the same choices against the same tables give the same conversation. Most steps keep to the rules, so that it gets deep;
a temper drawn at the start says how often they do not. Trusts: the peers of the drive it is generated for.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from wlproxy.core.outcome import GUEST, HOST
from wlproxy.core.protocol import Interface

from . import values
from .choices import Choices
from .conversation import END, TICK, TRUNCATE, Descriptor, Step
from .drive import Drive
from .reference import SERVER_IDS, Held, Peer, pack, wire_arguments

# What toolkits do in this order; "!" is an event. Each goes to the youngest object of the interface.
WINDOW: Final = (
    *("wl_compositor.create_surface", "xdg_wm_base.get_xdg_surface", "xdg_surface.get_toplevel", "wl_surface.commit"),
    *("!xdg_surface.configure", "xdg_surface.ack_configure"),
)
BUFFER: Final = ("wl_shm.create_pool", "wl_shm_pool.create_buffer")
FRAME: Final = ("wl_surface.attach", "wl_surface.damage", "wl_surface.commit")
INHIBITED: Final = ("zwp_idle_inhibit_manager_v1.create_inhibitor",)
GRABBED: Final = (
    *("wl_seat.get_pointer", "wl_seat.get_keyboard", "!wl_keyboard.enter", "zwp_pointer_constraints_v1.lock_pointer"),
    "!zwp_locked_pointer_v1.locked",
)
ESCAPED: Final = ("!wl_keyboard.key",) * 4
RECIPES: Final = (
    WINDOW,
    (*WINDOW, *BUFFER, *FRAME),
    (*BUFFER, *FRAME),
    ("xdg_wm_base.create_positioner", "xdg_positioner.set_size", "xdg_positioner.set_anchor_rect"),
    (
        *WINDOW,
        *("xdg_wm_base.create_positioner", "xdg_positioner.set_size", "xdg_positioner.set_anchor_rect"),
        *("wl_compositor.create_surface", "xdg_wm_base.get_xdg_surface", "xdg_surface.get_popup", "wl_surface.commit"),
        *("!xdg_surface.configure", "xdg_surface.ack_configure", *BUFFER, *FRAME, "xdg_popup.reposition", "xdg_popup.destroy"),
    ),
    ("wl_compositor.create_surface", "wl_subcompositor.get_subsurface", "wl_subsurface.set_position", "wl_surface.commit"),
    ("wp_viewporter.get_viewport", "wp_viewport.set_source", "wp_viewport.set_destination", "wl_surface.commit"),
    ("wl_data_device_manager.create_data_source", "wl_data_source.offer", "wl_data_device.set_selection"),
    ("wl_data_device_manager.get_data_device", "!wl_data_device.data_offer", "!wl_data_offer.offer", "!wl_data_device.selection"),
    ("wl_seat.get_pointer", "!wl_pointer.enter", "wl_pointer.set_cursor"),
    ("wl_seat.get_keyboard", "!wl_keyboard.keymap", "!wl_keyboard.enter", "!wl_keyboard.key"),
    ("wl_shm_pool.create_buffer", "wl_shm_pool.destroy", *FRAME, "wl_buffer.destroy", "wl_surface.commit"),
    ("wl_surface.frame", "wl_surface.commit", "!wl_callback.done"),
    ("xdg_popup.destroy", "xdg_toplevel.destroy", "xdg_surface.destroy", "wl_surface.destroy"),
    ("wl_display.sync", "!wl_callback.done"),
    (*BUFFER, "wl_surface.attach", "wl_buffer.destroy", "wl_surface.commit"),
    (*["wl_surface.damage"] * 66, "wl_surface.commit"),
    (*WINDOW, *BUFFER, *FRAME, *WINDOW, "xdg_toplevel.set_parent", "xdg_toplevel.set_min_size", "wl_surface.commit"),
    ("wl_subcompositor.get_subsurface", "wl_subsurface.place_above", "wl_subsurface.place_below", "wl_subsurface.destroy"),
    ("wl_subcompositor.get_subsurface", "wl_surface.destroy", "wl_subsurface.set_position"),
    ("wl_fixes.destroy_registry",),
    (*WINDOW, *INHIBITED, *BUFFER, *FRAME, *FRAME, "!wl_keyboard.key", *FRAME, "zwp_idle_inhibitor_v1.destroy"),
    (*WINDOW, *BUFFER, *FRAME, *INHIBITED, "xdg_toplevel.destroy"),
    (*GRABBED, *ESCAPED, "!wl_pointer.button", *ESCAPED, "zwp_locked_pointer_v1.destroy", "!wl_keyboard.leave"),
    ("zwp_keyboard_shortcuts_inhibit_manager_v1.inhibit_shortcuts", *GRABBED, *ESCAPED, "!wl_pointer.button", "wl_keyboard.release"),
)
TEMPERS: Final = ((0, 0, 0), (0, 0, 8), (30, 0, 0), (12, 0, 20), (0, 25, 0), (40, 60, 30), (60, 0, 4))
ATTEMPTS: Final = 8
DELICATE: Final = frozenset(  # right only at one point of a recipe; elsewhere they end the connection
    (
        *("get_subsurface", "get_xdg_surface", "get_toplevel", "get_popup", "ack_configure", "set_window_geometry", "grab"),
        *("set_parent", "get_viewport", "set_source", "place_above", "place_below", "destroy_registry", "resize"),
    )
)


class Generator:
    """`step(drive)` gives the next step. `globals`: what the compositor announces, shuffled by the choices."""

    def __init__(self, choices: Choices, interfaces: Mapping[str, Interface], offered: Sequence[str]) -> None:
        self._choices = choices
        self._interfaces = interfaces
        self._offered = offered
        self._queue: list[str] = []
        self._serials = [1]
        self._host_serial = 1000
        self._announced: list[tuple[int, str, int]] = []
        self._seen = 0
        self._last = Step(GUEST)
        self._begun = self._told = False
        self._extreme, self._damage, self._host_lies = choices.pick(TEMPERS)
        self._rude = choices.pick((200, 40, 8))

    def is_told(self) -> None:
        """A real compositor announces its globals."""
        self._told = True

    def step(self, drive: Drive) -> Step:
        """The next step; it has not been played yet."""
        self._listen(drive.guest)
        choices = self._choices
        if not self._begun:
            self._begun = True
            return Step(GUEST, struct.pack("<IHHI", 1, 1, 12, 2))
        if not self._told and 2 in drive.host.objects:
            self._told = True
            return self._announce()
        if choices.one_in(60):
            return self._odd()
        made = self._by_recipe(drive)
        if made is None:
            if drive.host.owed and choices.below(2):
                return Step(HOST, struct.pack("<IHHI", 1, 1, 12, drive.host.owed[0]))
            made = self._event(drive.host) if choices.below(3) == 0 else self._request(drive.guest)
        self._last, made = made, self._mutated(made)
        return made

    def _listen(self, guest: Peer) -> None:
        """What the guest was told: names of globals, serials."""
        for heard in guest.heard[self._seen :]:
            if heard.message.name == "global" and heard.interface == "wl_registry" and heard.object_id == 2:
                name, interface, version = heard.args
                self._announced.append((int(str(name)), str(interface), int(str(version))))
            for argument, value in zip(wire_arguments(heard.message), heard.args, strict=True):
                if argument[3] == "serial" and isinstance(value, int):
                    self._serials.append(value)
        self._seen = len(guest.heard)

    def _announce(self) -> Step:
        """The compositor's globals: always those a window needs, then some others."""
        rest = [n for n in self._offered if n not in ("wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat", "wl_subcompositor")]
        names = ["wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat", "wl_subcompositor"]
        names += [self._choices.pick(rest) for _ in range(self._choices.below(12))] if rest else []
        message = self._interfaces["wl_registry"].events[0]
        data = b"".join(pack(2, 0, message, [40 + i, n, self._interfaces[n].version]) for i, n in enumerate(names))
        return Step(HOST, data)

    def _odd(self) -> Step:
        kind = self._choices.below(4)
        if kind == 0:
            return Step(GUEST, action=TRUNCATE)
        if kind == 1:
            return Step(self._choices.below(2), action=END)
        return Step(GUEST, action=TICK, seconds=self._choices.pick((0.1, 1.0, 4.0, 11.0, 31.0)))

    def _by_recipe(self, drive: Drive) -> Step | None:
        if not self._queue and self._choices.below(3) == 0:
            self._queue = list(self._choices.pick(RECIPES))
        while self._queue:
            text = self._queue.pop(0)
            peer, event = (drive.host, True) if text.startswith("!") else (drive.guest, False)
            interface, _, name = text.lstrip("!").partition(".")
            for object_id in reversed(peer.objects):
                held = peer.objects[object_id]
                if held.alive and held.interface.name == interface:
                    messages = held.interface.events if event else held.interface.requests
                    opcode = next((i for i, m in enumerate(messages) if m.name == name), -1)
                    if opcode >= 0 and messages[opcode].since <= held.version:
                        made = self._message(peer, object_id, held, opcode)
                        if made is not None:
                            return made
                    break
            else:
                bound = self._bind(drive.guest, interface)
                if bound is not None:
                    self._queue.insert(0, text)
                    return bound
        return None

    def _request(self, guest: Peer) -> Step:
        if self._announced and self._choices.one_in(8):
            bound = self._bind(guest, "")
            if bound is not None:
                return bound
        return self._any_message(guest) or Step(GUEST, struct.pack("<IHHI", 1, 0, 12, self._new_id(guest)))

    def _event(self, host: Peer) -> Step:
        return self._any_message(host) or Step(HOST)

    def _any_message(self, peer: Peer) -> Step | None:
        alive = [i for i, held in peer.objects.items() if held.alive]
        for _ in range(ATTEMPTS):
            at = max(self._choices.below(len(alive)), self._choices.below(len(alive)))
            held = peer.objects[alive[at]]
            messages = held.interface.events if peer.server else held.interface.requests
            if not messages or (peer.server and held.interface.name == "wl_display"):
                continue
            opcode = self._choices.below(len(messages))
            message = messages[opcode]
            if message.since > held.version or message.name == "bind" or (message.destructor and self._choices.below(3)):
                continue
            if message.name in DELICATE and not self._choices.one_in(self._rude):
                continue
            made = self._message(peer, alive[at], held, opcode)
            if made is not None:
                return made
        return None

    def _bind(self, guest: Peer, interface: str) -> Step | None:
        wanted = [row for row in self._announced if interface in ("", row[1])]
        registry = guest.objects.get(2)
        if not wanted or registry is None or not registry.alive or registry.interface.name != "wl_registry":
            return None
        name, interface, version = self._choices.pick(wanted)
        if self._choices.one_in(4):
            version = 1 + self._choices.below(version)
        message = registry.interface.requests[0]
        return Step(GUEST, pack(2, 0, message, [name, interface, version, self._new_id(guest)]))

    def _new_id(self, peer: Peer) -> int:
        """As libwayland does it: a free id where there is one, else the next."""
        if peer.server:
            free = [i for i in range(SERVER_IDS, peer.highest_server + 1) if i not in peer.objects]
            return free[0] if free else peer.highest_server + 1
        return next((i for i in range(2, peer.highest + 1) if i not in peer.objects), peer.highest + 1)

    def _message(self, peer: Peer, object_id: int, held: Held, opcode: int) -> Step | None:
        """A message by the rules as far as the peer knows them; None where it would need an object that is not there."""
        message = (held.interface.events if peer.server else held.interface.requests)[opcode]
        args: list[object] = []
        fds: list[Descriptor] = []
        numbered = [a for a in message.arguments if a.type != "new_id" or a.interface]
        enums = {a.name: a.enum for a in numbered}
        liar = self._host_lies if peer.server else self._extreme
        for kind, interface, nullable, name in wire_arguments(message):
            if kind == "fd":
                fds.append(values.descriptor(self._choices, message.name))
                continue
            value: object
            if liar and self._choices.one_in(liar):
                value = values.extreme(self._choices, kind)
            elif kind == "new_id":
                value = self._new_id(peer)
            elif kind == "object":
                value = self._object(peer, interface, nullable, object_id, args)
                if value is None:
                    return None
            elif kind == "string":
                value = None if nullable and self._choices.one_in(4) else self._choices.pick(values.TEXTS)
            elif kind == "array":
                value = self._choices.pick((b"", bytes(4), bytes(8)))
            elif name == "serial" and peer.server:
                self._host_serial += 1
                value = self._host_serial
            elif name == "serial":
                value = self._serials[-1 - min(self._choices.below(3) // 2, len(self._serials) - 1)]
            else:
                value = values.number(self._choices, self._interfaces, message.name, name, enums.get(name, ""), kind == "fixed")
            args.append(value)
        try:
            data = pack(object_id, opcode, message, args)
        except struct.error:  # several long strings: a size that 16 bits do not hold
            return None
        return Step(HOST if peer.server else GUEST, data, tuple(fds))

    def _object(self, peer: Peer, interface: str, nullable: bool, target: int, before: list[object]) -> int | None:
        """The youngest one mostly; not the target itself and nothing that the message names already."""
        if nullable and self._choices.one_in(4):
            return 0
        fitting = [i for i, held in peer.objects.items() if held.alive and interface in ("", held.interface.name)]
        fitting = [i for i in fitting if i != target and i not in before] or fitting[: self._choices.below(self._rude) == 0]
        if not fitting:
            return 0 if nullable else None
        return fitting[-1] if self._choices.below(4) else self._choices.pick(fitting)

    def _mutated(self, step: Step) -> Step:
        """Now and then: other cuts, and where the temper says so, damage to bytes, order and descriptors."""
        choices = self._choices
        data, fds, cuts = step.data, step.fds, step.cuts
        if len(data) > 1 and choices.one_in(8):
            cuts = tuple(1 + choices.below(len(data) - 1) for _ in range(1 + choices.below(3)))
        if self._damage and choices.one_in(self._damage) and len(data) >= 8 and (step.side == GUEST or self._host_lies):
            kind = choices.below(8)
            if kind == 0:
                at = choices.below(len(data))
                data = data[:at] + bytes([choices.below(256)]) + data[at + 1 :]
            elif kind == 1:
                size = choices.pick((0, 4, 7, 8, 12, len(data) + 4, len(data) - 4, 65532, 65535)) & 0xFFFF
                data = data[:6] + size.to_bytes(2, "little") + data[8:]
            elif kind == 2:
                data += choices.pick((bytes(4), b"\xff" * 4, data, self._last.data))
            elif kind == 3:
                data = self._last.data + data
                fds = self._last.fds + fds
            elif kind == 4:
                fds = fds[1:] if fds else (choices.pick(values.DESCRIPTORS),) * (1 + choices.below(70))
            elif kind == 5:
                data = data[:4] + choices.below(40).to_bytes(2, "little") + data[6:]
            elif kind == 6:
                data = choices.pick(values.EXTREME_IDS).to_bytes(4, "little") + data[4:]
            else:
                data = data[: choices.below(len(data))]
        return Step(step.side, data, fds, cuts)
