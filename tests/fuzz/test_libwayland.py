"""The proxy against real libwayland: what it lets through its server must accept, what it sends a guest its client must accept.

The guest is the generator's (bytes, damaged ones among them) or libwayland's own client; the compositor is libwayland's server, whose
answers go back through the same session.
"""

from __future__ import annotations

import contextlib
import os

import pytest

pytest.importorskip("pywayland")

from tests.fuzz.libwayland import Client, Server, Structs
from tests.scene import shipped
from wlproxy.core.fds import MEMFD, PIPE, Fd
from wlproxy.core.outcome import GUEST, HOST, Outcome
from wlproxy.core.quotas import Limits
from wlproxy.core.session import Session
from wlproxy.policy.compile import global_names
from wlproxy.tools.fuzzing import values
from wlproxy.tools.fuzzing.choices import Choices, from_seed
from wlproxy.tools.fuzzing.conversation import END, SAY, Descriptor
from wlproxy.tools.fuzzing.drive import Drive
from wlproxy.tools.fuzzing.generate import DELICATE, Generator
from wlproxy.tools.fuzzing.policies import tables_of
from wlproxy.tools.fuzzing.reference import Peer, Rejected, wire_arguments

POLICIES = ("fuzz-transparent", "fuzz-desktop", "fuzz-lending", "fuzz-refusing", "fuzz-complaining")
CONVERSATIONS = int(os.environ.get("WLPROXY_FUZZ_CONVERSATIONS", "40"))
LIBWAYLAND_BUFFER = 4096  # its server refuses longer messages unless the compositor asks for larger buffers (1.23 and later)
OFFERED = [n for n in sorted(global_names(shipped())) if n not in ("wl_fixes", "wl_registry")]
DESKTOP = ["wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat", "wl_subcompositor", "wl_data_device_manager", "wp_viewporter", "wl_output"]


@pytest.fixture(scope="module")
def structs():
    return Structs(shipped())


def real(descriptor: Descriptor | Fd) -> int:
    """A descriptor of roughly that kind, for a peer that only takes and closes it."""
    if descriptor.kind == PIPE:
        reader, writer = os.pipe()
        os.close(reader)
        return writer
    number = os.memfd_create("fuzz")
    os.ftruncate(number, min(descriptor.size, 1 << 20))
    return number


class Sandwich:
    """A guest of any kind, the session, and libwayland's server."""

    def __init__(self, policy: str, structs: Structs, offered: list[str]) -> None:
        self.server = Server(structs, offered)
        self.session = Session(tables_of(policy, shipped()), Limits(message_bytes=LIBWAYLAND_BUFFER))
        self.strict = Peer(shipped(), server=True)
        self.to_guest: list[tuple[bytes, list[int]]] = []

    def guest_says(self, data: bytes, fds: list[int]) -> None:
        self._carry_out(self.session.receive(GUEST, data, [Fd(n, 0) for n in fds]))
        self.host_speaks()

    def host_speaks(self) -> None:
        while True:
            data, fds = self.server.answer()
            if not data:
                return
            self.strict.said(data)
            self._carry_out(self.session.receive(HOST, data, [Fd(n, 0) for n in fds]))

    def _carry_out(self, outcome: Outcome) -> None:
        for parcel in outcome.to_host:
            numbers = [fd.number for fd in parcel.fds]
            if not self.server.error:
                self.strict.take(parcel.data, [None] * len(numbers))
                self.server.hear(parcel.data, numbers)
            close(numbers)
        close([fd.number for fd in outcome.discarded])
        close([fd.number for transfer in outcome.transfers for fd in (transfer.source, transfer.target)])
        self.to_guest += [(p.data, [fd.number for fd in p.fds]) for p in outcome.to_guest]

    def finish(self) -> None:
        close([fd.number for fd in self.session.close()])
        for _, fds in self.to_guest:
            close(fds)
        self.server.close()


def close(numbers: list[int]) -> None:
    for number in numbers:
        os.close(number)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_server_accepts_what_passes_of_damaged_guests(policy, structs):
    """Bytes of the generator; what comes back is read by the strict client, which the generator takes its knowledge from."""
    dispatched = 0
    for seed in range(CONVERSATIONS):
        choices = from_seed(seed)
        drive = Drive(tables_of(policy, shipped()), shipped(), again=False)
        offered = DESKTOP + [choices.pick(OFFERED) for _ in range(10)]
        sandwich = Sandwich(policy, structs, list(dict.fromkeys(offered)))
        generator = Generator(choices, shipped(), OFFERED)
        generator.is_told()
        for _ in range(80):
            step = generator.step(drive)
            if step.side == HOST or step.action not in (SAY, END):
                post_something(sandwich, choices)
                sandwich.host_speaks()
            elif step.action == SAY:
                drive.guest.said(step.data)
                sandwich.guest_says(step.data, [real(d) for d in step.fds])
            for data, fds in sandwich.to_guest:
                with contextlib.suppress(Rejected) if drive.lost else contextlib.nullcontext():
                    drive.guest.take(data, [None] * len(fds))
                close(fds)
            sandwich.to_guest.clear()
            drive.host.objects = sandwich.strict.objects
            assert sandwich.server.error == "", f"seed {seed}"
            if sandwich.session.over:
                break
        dispatched += sandwich.server.dispatched
        sandwich.finish()
    assert dispatched > CONVERSATIONS


def post_something(sandwich: Sandwich, choices: Choices) -> None:
    """An event of libwayland's server, of any object that has one."""
    objects = sandwich.server.objects
    able = [i for i, name in objects.items() if shipped()[name].events]
    if not able or sandwich.server.error:
        return
    object_id = choices.pick(able)
    events = shipped()[objects[object_id]].events
    opcode = choices.below(len(events))
    made: list[object] = []
    opened = []
    for kind, interface, nullable, _ in wire_arguments(events[opcode]):
        if kind == "object":
            fitting = [i for i, name in objects.items() if interface in ("", name)]
            made.append(choices.pick(fitting) if fitting else 0)
            if not (fitting or nullable) or not interface:
                close(opened)
                return
        elif kind == "fd":
            opened.append(os.memfd_create("event"))
            made.append(opened[-1])
        elif kind == "string":
            made.append(choices.pick(values.EXTREME_TEXTS[:15]))
        elif kind in ("array", "new_id"):
            made.append(0)
        else:
            made.append(choices.pick(values.EXTREME_INTS))
    arrays = [choices.pick((b"", bytes(4), bytes(8))) for _ in made]
    sandwich.server.post(object_id, opcode, made, arrays)
    close(opened)


@pytest.mark.parametrize("policy", POLICIES)
def test_both_ends_accept_what_the_other_says(policy, structs):
    """libwayland's own client speaks: everything it can say, with any numbers. It must end only where the session says so."""
    answered = 0
    for seed in range(CONVERSATIONS):
        choices = from_seed(seed)
        offered = list(dict.fromkeys(DESKTOP + [choices.pick(OFFERED) for _ in range(10)]))
        sandwich = Sandwich(policy, structs, offered)
        client = Client(structs)
        client.request(0, 1, [0])
        for _ in range(60):
            for data, fds in sandwich.to_guest:
                error = client.hear(data, fds)
                close(fds)
                assert error == 0 or sandwich.session.over, f"seed {seed}: {os.strerror(error)}"
            sandwich.to_guest.clear()
            if sandwich.session.over:
                break
            if choices.below(3):
                ask_something(client, choices)
            else:
                post_something(sandwich, choices)
            sandwich.guest_says(*client.said())
            assert sandwich.server.error == "", f"seed {seed}"
        answered += len(client.heard)
        client.close()
        sandwich.finish()
    assert answered > CONVERSATIONS


def ask_something(client: Client, choices: Choices) -> None:
    """One request by the rules of the client library; a bind of what was announced now and then."""
    announced = [v for name, event, v in client.heard if (name, event) == ("wl_registry", "global")]
    if announced and choices.below(4) == 0:
        name, interface, version = choices.pick(announced)
        registry = next((i for i, row in enumerate(client.proxies) if row[1] == "wl_registry"), None)
        if registry is not None:
            client.request(registry, 0, [name, interface.decode(), 1 + choices.below(version), 0])
        return
    index = choices.below(len(client.proxies))
    _, name, version = client.proxies[index]
    requests = shipped()[name].requests
    if not requests or name == "wl_registry":
        return
    opcode = choices.below(len(requests))
    if requests[opcode].since > version or (requests[opcode].name in DELICATE and choices.below(10)):
        return
    made: list[object] = []
    opened = []
    for kind, interface, nullable, argument in wire_arguments(requests[opcode]):
        if kind == "object":
            fitting = [i for i, row in enumerate(client.proxies) if interface in ("", row[1])]
            if not fitting and not nullable:
                close(opened)
                return
            made.append(choices.pick(fitting) if fitting else -1)
        elif kind == "fd":
            opened.append(real(Descriptor(MEMFD, size=65536)))
            made.append(opened[-1])
        elif kind == "string":
            made.append(choices.pick(values.TEXTS))
        elif kind == "array":
            made.append(bytes(8))
        elif kind == "new_id":
            made.append(0)
        else:
            made.append(values.number(choices, shipped(), requests[opcode].name, argument, "", kind == "fixed"))
    client.request(index, opcode, made)
    close(opened)
