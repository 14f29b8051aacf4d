"""The fuzzer itself: short campaigns, the corpus, reproducers of what was found once, and that it finds what it should."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fuzz import live
from tests.scene import shipped
from wlproxy.core.connection import Connection
from wlproxy.core.judge import Judge
from wlproxy.core.objects import ObjectTable
from wlproxy.core.outcome import Outbox
from wlproxy.handlers.buffers import Buffer
from wlproxy.tools.fuzzing import values
from wlproxy.tools.fuzzing.campaign import TIGHT, Campaign, play
from wlproxy.tools.fuzzing.choices import from_bytes
from wlproxy.tools.fuzzing.conversation import Descriptor, Step, read, write
from wlproxy.tools.fuzzing.drive import Drive
from wlproxy.tools.fuzzing.generate import Generator
from wlproxy.tools.fuzzing.lines import is_compiled
from wlproxy.tools.fuzzing.policies import BUILT_IN, tables_of
from wlproxy.tools.fuzzing.reference import Held, Peer

HERE = Path(__file__).parent


@pytest.fixture(scope="module", params=BUILT_IN)
def policy(request):
    return request.param


@pytest.fixture(scope="module")
def tables(policy):
    return tables_of(policy, shipped())


def test_a_short_campaign_finds_nothing(tables):
    campaign = Campaign(tables, shipped())
    for number, _ in enumerate(campaign.seeds(7000)):
        if number == 150:
            break
    assert {key: found.finding.detail for key, found in campaign.findings.items()} == {}
    assert campaign.messages > 2000


def test_the_same_seed_makes_up_the_same_conversation(tables):
    said = []
    for _ in range(2):
        campaign = Campaign(tables, shipped())
        next(iter(campaign.seeds(11)))
        said.append((campaign.bytes, campaign.messages))
    assert said[0] == said[1]


def test_nothing_is_found_with_the_corpus(tables):
    campaign = Campaign(tables, shipped())
    for path in sorted((HERE / "corpus").iterdir()):
        campaign.one(from_bytes(path.read_bytes()[1:]))
    assert {key: found.finding.detail for key, found in campaign.findings.items()} == {}


@pytest.mark.parametrize("path", sorted((HERE / "reproducers").glob("*.json")), ids=lambda p: p.stem)
def test_what_was_found_once_is_not_found_again(path):
    steps, policy, _ = read(path.read_text())
    name, _, tight = policy.partition(" ")
    play(Drive(tables_of(name, shipped()), shipped(), TIGHT if tight else None), steps)


def test_a_reproducer_says_what_was_said():
    steps = [Step(0, b"12345678", (Descriptor(),), (4,)), Step(1, action="tick", seconds=1.5), Step(1, action="end")]
    assert read(write(steps, "p", "f")) == (steps, "p", "f")
    with pytest.raises(ValueError, match="not a conversation"):
        read('{"format": 1, "steps": [{"side": "x"}], "policy": "", "finding": []}'.replace('"x"', "[]"))


def test_a_message_that_no_header_can_size_is_not_made_up(monkeypatch):
    monkeypatch.setattr(values, "extreme", lambda choices, kind: "x" * 40000)
    name = "wl_shell_surface"
    opcode, _ = next((i, m) for i, m in enumerate(shipped()[name].requests) if m.name == "set_title")
    generator = Generator(from_bytes(bytes(64)), shipped(), [])
    peer, held = Peer(shipped(), server=False), Held(shipped()[name], 1)
    generator._extreme = 1
    made = generator._message(peer, 3, held, opcode)
    assert made is not None and len(made.data) > 40000
    monkeypatch.setattr(values, "extreme", lambda choices, kind: "x" * 70000)
    assert generator._message(peer, 3, held, opcode) is None


def is_found(policy: str = "fuzz-desktop", seeds: int = 2000) -> set[str]:
    campaign = Campaign(tables_of(policy, shipped()), shipped())
    for number, _ in enumerate(campaign.seeds(100)):
        if number == seeds or campaign.findings:
            break
    return {found.finding.oracle for found in campaign.findings.values()}


@pytest.mark.skipif(is_compiled(), reason="methods of compiled classes cannot be replaced")
class TestEachOracleSpeaks:
    """Bugs put in on purpose."""

    def test_descriptors_lost(self, monkeypatch):
        monkeypatch.setattr(Judge, "discard_descriptors", lambda self: setattr(self, "passing", []))
        assert is_found() == {"descriptor"}

    def test_ids_not_checked(self, monkeypatch):
        monkeypatch.setattr(ObjectTable, "check_new", lambda self, new_id: None)
        assert is_found() <= {"raised", "upstream", "bounds"} != set()

    def test_arguments_not_resolved(self, monkeypatch):
        monkeypatch.setattr(Judge, "_resolve_request", lambda self, message: True)
        assert is_found() <= {"raised", "upstream"} != set()

    def test_delete_ids_lost(self, monkeypatch):
        monkeypatch.setattr(Judge, "_ghost_ends", lambda self, ghost: self._objects.destroyed_by_guest(ghost))
        assert is_found("fuzz-refusing") == {"ids"}

    def test_order_lost(self, monkeypatch):
        add = Outbox.add
        monkeypatch.setattr(Outbox, "add", lambda self, data: add(self, data + b"\0\0\0\0"))
        assert is_found() <= {"upstream", "again", "guest"} != set()

    def test_files_not_measured(self, monkeypatch):
        monkeypatch.setattr("wlproxy.handlers.buffers.check_pool_file", lambda c, m, fd, size: setattr(fd, "seals", 2))
        assert is_found() == {"shm"}

    def test_a_connections_objects_not_given_back(self, monkeypatch):
        monkeypatch.setattr(ObjectTable, "abandon", lambda self: None)
        assert is_found() == {"usage"}

    def test_a_kind_not_counted_down(self, monkeypatch):
        count_down = ObjectTable._count_down

        def only_objects(self, gone):
            before = self._usage.counts
            count_down(self, gone)
            for kind, number in zip(self._usage.kinds, before, strict=True):
                kind.now = number

        monkeypatch.setattr(ObjectTable, "_count_down", only_objects)
        assert is_found() == {"usage"}

    def test_a_buffers_bytes_not_given_back(self, monkeypatch):
        monkeypatch.setattr(Buffer, "ending", lambda self: None)
        assert is_found() == {"usage"}

    def test_a_kept_descriptor_counted_twice(self, monkeypatch):
        keep = Connection.keep

        def twice(self, fd):
            keep(self, fd)
            self.usage.fds += 1

        monkeypatch.setattr(Connection, "keep", twice)
        assert is_found() == {"usage"}


@pytest.mark.e2e
@pytest.mark.parametrize("compositor", ["weston", "sway"])
def test_a_live_compositor_survives_some_guests(compositor, tmp_path):
    if shutil.which(compositor) is None:
        pytest.skip(f"{compositor} is not installed")
    count, _, saved = live.campaign(compositor, 3.0, 9000, "fuzz-desktop", str(tmp_path))
    assert saved == []
    assert count > 0
