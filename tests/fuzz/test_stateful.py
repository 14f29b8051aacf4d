"""Hypothesis plays guest and compositor against one session, rule by rule; the drive's oracles watch each step."""

from __future__ import annotations

import struct

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, precondition, rule

from tests.scene import shipped
from wlproxy.core.outcome import GUEST, HOST
from wlproxy.tools.fuzzing.choices import from_bytes
from wlproxy.tools.fuzzing.conversation import Descriptor, Step
from wlproxy.tools.fuzzing.drive import Drive
from wlproxy.tools.fuzzing.generate import Generator
from wlproxy.tools.fuzzing.policies import DESKTOP, tables_of
from wlproxy.tools.fuzzing.reference import SERVER_IDS, pack

TABLES = {name: tables_of(name, shipped()) for name in ("fuzz-desktop", "fuzz-lending", "fuzz-refusing")}
SMALL = st.integers(-3, 70)


def word(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *(n & 0xFFFFFFFF for n in numbers))


class Conversation(RuleBasedStateMachine):
    """Objects are handed from rule to rule as ids; an id may be dead by then, which is what a confused guest would name."""

    ids = Bundle("ids")
    surfaces = Bundle("surfaces")
    shells = Bundle("shells")
    pools = Bundle("pools")
    buffers = Bundle("buffers")

    @initialize(policy=st.sampled_from(sorted(TABLES)))
    def begin(self, policy):
        self.drive = Drive(TABLES[policy], shipped())
        self.say(GUEST, 1, 1, word(2))
        event = shipped()["wl_registry"].events[0]
        names = ("wl_compositor", "wl_shm", "xdg_wm_base", "wl_subcompositor", "wp_viewporter", "wl_seat")
        for number, name in enumerate(names, 1):
            self.drive.play(Step(HOST, pack(2, 0, event, [number, name, shipped()[name].version])))
        self.bound = {}
        for number, name in enumerate(names, 1):
            self.bound[name] = self.next_id()
            bind = shipped()["wl_registry"].requests[0]
            self.drive.play(Step(GUEST, pack(2, 0, bind, [number, name, shipped()[name].version, self.bound[name]])))

    def next_id(self):
        guest = self.drive.guest
        return next((i for i in range(2, guest.highest + 1) if i not in guest.objects), guest.highest + 1)

    def say(self, side, object_id, opcode, body, fds=(), cuts=()):
        if not self.drive.over:
            self.drive.play(Step(side, struct.pack("<IHH", object_id, opcode, 8 + len(body)) + body, fds, cuts))

    def make(self, object_id, opcode, before=b"", after=b"", fds=()):
        new_id = self.next_id()
        self.say(GUEST, object_id, opcode, before + word(new_id) + after, fds)
        return new_id

    @rule(target=surfaces)
    def create_surface(self):
        return self.make(self.bound["wl_compositor"], 0)

    @rule(target=shells, surface=surfaces)
    def shell(self, surface):
        return self.make(self.bound["xdg_wm_base"], 2, after=word(surface))

    @rule(target=ids, shell=shells)
    def toplevel(self, shell):
        return self.make(shell, 1)

    @rule(target=ids, shell=shells, parent=shells)
    def popup(self, shell, parent):
        positioner = self.make(self.bound["xdg_wm_base"], 1)
        self.say(GUEST, positioner, 1, word(10, 10))
        self.say(GUEST, positioner, 2, word(0, 0, 1, 1))
        return self.make(shell, 2, after=word(parent, positioner))

    @rule(target=ids, surface=surfaces, parent=surfaces)
    def subsurface(self, surface, parent):
        return self.make(self.bound["wl_subcompositor"], 1, after=word(surface, parent))

    @rule(target=ids, surface=surfaces)
    def viewport(self, surface):
        return self.make(self.bound["wp_viewporter"], 1, after=word(surface))

    @rule(target=pools, size=st.sampled_from([1, 4096, 65536]), file=st.sampled_from([4096, 65536]), sealable=st.booleans())
    def pool(self, size, file, sealable):
        return self.make(self.bound["wl_shm"], 0, after=word(size), fds=(Descriptor(size=file, sealable=sealable),))

    @rule(target=buffers, pool=pools, offset=SMALL, width=SMALL, height=SMALL)
    def buffer(self, pool, offset, width, height):
        return self.make(pool, 0, after=word(offset, width, height, width * 4, 0))

    @rule(surface=surfaces, buffer=buffers)
    def attach(self, surface, buffer):
        self.say(GUEST, surface, 1, word(buffer, 0, 0))

    @rule(surface=surfaces)
    def commit(self, surface):
        self.say(GUEST, surface, 6, b"")

    @rule(surface=surfaces, rectangle=st.tuples(SMALL, SMALL, SMALL, SMALL), times=st.sampled_from([1, 70]))
    def damage(self, surface, rectangle, times):
        for _ in range(times):
            self.say(GUEST, surface, 2, word(*rectangle))

    @rule(target=ids, surface=surfaces)
    def frame(self, surface):
        return self.make(surface, 3)

    @rule(target=ids)
    def sync(self):
        return self.make(1, 0)

    @rule(gone=consumes(ids) | consumes(buffers) | consumes(shells) | consumes(surfaces))
    def destroy(self, gone):
        self.say(GUEST, gone, 0, b"")

    @rule(pool=consumes(pools))
    def destroy_pool(self, pool):
        self.say(GUEST, pool, 1, b"")

    @rule(shell=shells, serial=st.integers(1, 30))
    def configure_and_acknowledge(self, shell, serial):
        held = self.drive.host.objects.get(shell)
        if held is not None and held.interface.name == "xdg_surface":
            self.say(HOST, shell, 0, word(serial))
            heard = [h.args[0] for h in self.drive.guest.heard if h.object_id == shell and h.message.name == "configure"]
            if heard:
                self.say(GUEST, shell, 4, word(int(str(heard[-1]))))

    @precondition(lambda self: self.drive.host.owed)
    @rule()
    def delete_id(self):
        self.say(HOST, 1, 1, word(self.drive.host.owed[0]))

    @rule()
    def finish_callbacks(self):
        for object_id, held in list(self.drive.host.objects.items()):
            if held.interface.name == "wl_callback":
                self.say(HOST, object_id, 0, word(0))

    @rule(surface=surfaces, other=st.integers(1, 20))
    def enter(self, surface, other):
        self.say(HOST, surface, 0, word(other))

    @rule(decisions=st.binary(min_size=4, max_size=60))
    def anything(self, decisions):
        generator = Generator(from_bytes(decisions), shipped(), DESKTOP)
        for _ in range(4):
            if not self.drive.over:
                self.drive.play(generator.step(self.drive))

    @rule(raw=st.binary(max_size=40), side=st.integers(0, 1), cut=st.integers(0, 40))
    def noise(self, raw, side, cut):
        if not self.drive.over and (side == HOST or len(raw) % 5 == 0):
            self.drive.play(Step(side, raw, (), (cut,)))

    @rule()
    def truncate(self):
        self.drive.play(Step(GUEST, action="truncate"))

    @rule(seconds=st.sampled_from([0.5, 11.0]))
    def time_passes(self, seconds):
        self.drive.play(Step(GUEST, action="tick", seconds=seconds))

    def teardown(self):
        if hasattr(self, "drive"):
            self.drive.finish()
            assert all(i < SERVER_IDS or h.alive for i, h in self.drive.guest.objects.items())


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
