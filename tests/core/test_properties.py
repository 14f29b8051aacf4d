"""What examples cannot show: properties of the session over conversations that Hypothesis makes up.

The guest is a generator that mostly keeps to the rules (so that it gets deep) and sometimes does not. The compositor is the strict
peer of tests/reference.py: whatever the session lets through must be acceptable to it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handlers.fakes import FakeFiles
from tests.reference import Held, pack, wire_arguments
from tests.scene import BASIC, Scene, balance, deny, policy
from wlproxy.core.fds import Fd
from wlproxy.core.quotas import Limits
from wlproxy.core.session import Session
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import compile_policy

RULES = policy(
    *BASIC,
    messages={
        ("xdg_surface", "get_popup"): deny("inert"),
        ("wl_data_device_manager", "create_data_source"): deny("inert"),
        ("xdg_toplevel", "set_fullscreen"): deny("ignore"),
        ("wl_surface", "frame"): deny("inert"),
    },
)
WORDS = st.sampled_from([0, 1, 2, 3, 5, 16, 255, 4096, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])


def a_request(draw: st.DrawFn, scene: Scene) -> tuple[bytes, int]:
    """One request of some object of the guest's, its ids mostly right."""
    object_id = draw(st.sampled_from(sorted(i for i, held in scene.client.objects.items() if held.alive)))
    held = scene.client.objects[object_id]
    requests = [m for m in held.interface.requests if m.since <= held.version and m.name != "bind"]
    if not requests:
        return b"", 0
    request = draw(st.sampled_from(requests))
    args: list[object] = []
    for kind, interface, nullable, _ in wire_arguments(request):
        if kind == "fd":
            continue
        if kind == "new_id":
            args.append(draw(st.sampled_from([next_id(scene)] * 30 + [0, 1, 7777])))
        elif kind == "object":
            fitting = [i for i, h in scene.client.objects.items() if h.alive and h.interface.name == interface]
            args.append(draw(st.sampled_from(fitting * 20 + [0] * (20 if nullable else 1) + [2])))
        elif kind == "string":
            args.append(draw(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)))
        elif kind == "array":
            args.append(draw(st.binary(max_size=8)))
        else:
            args.append(draw(WORDS))
    opcode = held.interface.requests.index(request)
    data = pack(object_id, opcode, request, args)
    names = [a for a in wire_arguments(request) if a[0] != "fd"]
    for (kind, interface, _, _), value in zip(names, args, strict=True):
        if kind == "new_id" and isinstance(value, int) and value == next_id(scene):
            scene.client.created(value, interface, held.version)
    if request.destructor:
        scene.client.ended(object_id)
    return data, sum(a.type == "fd" for a in request.arguments)


def next_id(scene: Scene) -> int:
    return max(i for i in scene.client.objects if i < 0xFF000000) + 1


@dataclass
class Conversation:
    """Bytes of a guest after `Scene(RULES).window()`, how many descriptors go with them, and the objects it then has."""

    data: bytes
    fds: int
    objects: dict[int, Held]

    def begin(self) -> Scene:
        """The scene whose guest is about to say all this."""
        scene = Scene(RULES).window().forget()
        for number, held in self.objects.items():
            scene.client.objects.setdefault(number, Held(held.interface, held.version))
        return scene


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    scene = Scene(RULES).window()
    data, fds = b"", 0
    for _ in range(draw(st.integers(1, 25))):
        more, descriptors = a_request(draw, scene)
        data, fds = data + more, fds + descriptors
    if draw(st.integers(0, 3)) == 0 and data:
        at = draw(st.integers(0, len(data) - 1))
        data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    return Conversation(data, min(fds, 50), scene.client.objects)


def outcome_of(said: Conversation, cuts: list[int]) -> tuple[object, ...]:
    scene = said.begin()
    data, fds = said.data, said.fds
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    for number, piece in enumerate(pieces):
        scene.guest_bytes(piece, [Fd(5000 + i) for i in range(fds)] if number == 0 else 0)
    over = scene.session.over
    scene.close()
    return scene.host_lines, scene.guest_lines, [repr(r) for r in scene.audit], over


@settings(max_examples=150, deadline=None)
@given(conversations(), st.data())
def test_any_chunking_gives_the_same_outcome(conversation, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(conversation.data)), max_size=6)))
    assert outcome_of(conversation, cuts) == outcome_of(conversation, [])


@settings(max_examples=150, deadline=None)
@given(conversations())
def test_what_passes_is_acceptable_to_a_strict_compositor_and_allowed_by_a_second_session(conversation):
    """Scene's peers raise Rejected for the first half; for the second, the output goes through the same policy again."""
    first = conversation.begin()
    first.guest_bytes(conversation.data, conversation.fds)
    sent = b"".join(p.data for p in first.outcome.to_host)
    again = conversation.begin()
    again.guest_bytes(sent, sum(len(p.fds) for p in first.outcome.to_host))
    assert not again.session.over or first.session.over
    assert again.records("violation") == []


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3), st.integers(0, 1))
def test_no_bytes_of_either_side_raise_and_descriptors_are_conserved(raw, fds, side):
    scene = Scene(RULES).window()
    handed = [Fd(9000 + i) for i in range(fds)]
    outcome = scene.session.receive(side, raw, handed)
    out = [f for p in (*outcome.to_guest, *outcome.to_host) for f in p.fds] + outcome.discarded
    out += [f for transfer in outcome.transfers for f in (transfer.source, transfer.target)]
    assert sorted(f.number for f in out + scene.session.close()) == [9000 + i for i in range(fds)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 15), st.lists(WORDS, max_size=6)), max_size=8), st.integers(0, 1))
def test_no_well_framed_message_of_either_side_raises(messages, side):
    scene = Scene(RULES).window()
    raw = b"".join(struct.pack(f"<IHH{len(w)}I", i, o, 8 + 4 * len(w), *w) for i, o, w in messages)
    scene.session.receive(side, raw, [])
    scene.session.close()


def test_the_same_tables_serve_many_sessions():
    tables = load_tables(compile_policy(RULES, Scene().interfaces))
    first, second = Session(tables, Limits()), Session(tables, Limits())
    first.receive(0, struct.pack("<IHHI", 1, 1, 12, 2), [])
    assert second.connection.objects.of_guest(2) is None


DESK = policy(*BASIC, "zwp_primary_selection_device_manager_v1", "zwp_linux_dmabuf_v1", "zwp_virtual_keyboard_manager_v1")
SERVER = 0xFF000000


def desk(files: FakeFiles) -> Scene:
    """Objects that take descriptors: an offer, two sources, params, a shm, a keyboard on either side."""
    scene = Scene(DESK).announce(names=tuple(DESK.globals))
    for new_id, name in enumerate(DESK.globals, 3):
        scene.bind(name, new_id)
    ids = {name: new_id for new_id, name in enumerate(DESK.globals, 3)}
    scene.guest(ids["wl_data_device_manager"], "create_data_source", 13).guest(13, "offer", "a/b")
    scene.guest(ids["wl_data_device_manager"], "get_data_device", 14, ids["wl_seat"])
    scene.guest(ids["zwp_primary_selection_device_manager_v1"], "create_source", 15).guest(15, "offer", "a/b")
    scene.guest(ids["zwp_linux_dmabuf_v1"], "create_params", 16)
    scene.guest(ids["zwp_virtual_keyboard_manager_v1"], "create_virtual_keyboard", ids["wl_seat"], 17)
    scene.guest(ids["wl_seat"], "get_keyboard", 18)
    scene.event(14, "data_offer", SERVER).event(SERVER, "offer", "a/b")
    scene.session.connection.files = files
    scene.shm = ids["wl_shm"]  # type: ignore[attr-defined]
    return scene


FDS = st.builds(
    lambda kind, access, size, seals: (kind, access, size, seals),
    st.integers(0, 6),
    st.integers(0, 2),
    st.sampled_from([0, 1, 4096, 1 << 20, 1 << 30]),
    st.sampled_from([-1, 0, 2, 8]),
)
SAID = ("receive", "create_pool", "add", "keymap", "send", "primary send", "host keymap")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SAID), FDS), max_size=8), st.booleans())
def test_every_descriptor_of_every_kind_comes_out_once_whatever_takes_it(said, failing):
    files = FakeFiles()
    scene = desk(files)
    files.failing = failing
    next_pool = 19
    for number, (what, facts) in enumerate(said):
        if scene.session.over:
            break
        fd = [Fd(5000 + number, *facts)]
        if what == "receive":
            scene.guest(SERVER, "receive", "a/b", fds=fd)
        elif what == "create_pool" and not failing:  # without memory for its copy the session breaks: the relay's tests
            scene.guest(scene.shm, "create_pool", next_pool, 4096, fds=fd)  # type: ignore[attr-defined]
            next_pool += 1
        elif what == "add":
            scene.guest(16, "add", number & 3, 0, 64, 0, 0, fds=fd)
        elif what == "keymap":
            scene.guest(17, "keymap", 1, 4096, fds=fd)
        elif what == "send":
            scene.event(13, "send", "a/b", fds=fd)
        elif what == "primary send":
            scene.event(15, "send", "a/b", fds=fd)
        elif what == "host keymap":
            scene.event(18, "keymap", 1, 4096, fds=fd)
    balance()
