"""A recorded conversation under another policy: what would change, and nothing that only looks like it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.handlers.fakes import FakeFiles, with_files
from tests.handlers.test_loans import IDLE, given, shown
from tests.handlers.test_surfaces import with_buffer
from tests.scene import BASIC, Scene, deny, policy, shipped
from wlproxy.core.fds import Fd
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.identity import canonical
from wlproxy.policy.model import Policy
from wlproxy.sidecar.watch import recording
from wlproxy.sidecar.watch.recording import CLOSE, HEADER, OPEN, POLICY, READ, Header, Reader, RecordingError, record
from wlproxy.tools.fuzzing.campaign import Campaign
from wlproxy.tools.fuzzing.choices import from_seed
from wlproxy.tools.fuzzing.conversation import SAY
from wlproxy.tools.fuzzing.policies import BUILT_IN, built_in
from wlproxy.tools.replay import Decided, Replay, Report, total


class Recorded(Scene):
    """A scene that is recorded. The host of the scene answers what reaches it, so the recording is a true one."""

    def __init__(self, rules: Policy) -> None:
        super().__init__(rules)
        with_files(self, FakeFiles())
        compiled = canonical(compile_policy(rules, shipped()))
        header = recording.header_body(Header("work", "2026-11-24T10:00:00Z", False, "0"))
        self.file = recording.beginning() + record(HEADER, 0.0, 0, header) + record(POLICY, 0.0, 0, recording.policy_body(compiled))
        self.file += record(OPEN, 0.0, 1)
        self.clock = 0.0

    def _deliver(self, side: int, data: bytes, fds: int | list[Fd]) -> Scene:
        handed = [Fd(next(self._numbers)) for _ in range(fds)] if isinstance(fds, int) else list(fds)
        self.clock += 1.0
        self.file += record(READ, self.clock, 1, recording.read_body(side, data, handed))
        return super()._deliver(side, data, handed)

    def under(self, other: Policy) -> Report:
        """The report of a replay."""
        replay = Replay(compile_policy(other, shipped()))
        report = replay.play(Reader(io.BytesIO(self.file + record(CLOSE, self.clock, 1)).read))
        groups = (report.denied, report.allowed, report.complained, report.rewritten, report.untouched)
        assert report.messages == report.same + report.not_judged + sum(map(total, groups))
        return report


def messages(groups: dict[tuple[str, str], Any]) -> dict[str, int]:
    return {group.message: group.count for group in groups.values()}


def nothing_changes(report: Report) -> None:
    assert (report.denied, report.allowed, report.disconnected, report.not_judged) == ({}, {}, [], 0)
    assert report.same == report.messages > 0


def dressed(scene: Scene) -> Scene:
    """A window with a frame callback, input, serials that are used, ids that are freed and used again."""
    scene.window().bind("wl_seat", 9).guest(9, "get_pointer", 10).event(7, "configure", 900)
    scene.guest(7, "ack_configure", scene.serial()).guest(6, "frame", 11).guest(6, "commit")
    scene.event(11, "done", 5).event(1, "delete_id", 11).event(10, "enter", 901, 6, 0, 0)
    scene.guest(10, "set_cursor", scene.serial(), 0, 0, 0).event(10, "button", 902, 1, 272, 1)
    scene.guest(8, "move", 9, scene.serial()).guest(6, "frame", 11).guest(8, "set_title", "a")
    return scene


@pytest.mark.parametrize("transparent", [False, True])
def test_under_its_own_policy_nothing_changes(transparent: bool) -> None:
    rules = policy(*BASIC, transparent=transparent)
    scene = Recorded(rules)
    dressed(scene)
    assert scene.session.over is False
    nothing_changes(scene.under(rules))


def test_names_serials_and_ids_are_put_into_the_other_policys_words() -> None:
    """One keeps the compositor's numbers, the other gives its own; one hides a global, so that names shift."""
    kept, own, fewer = policy(*BASIC, transparent=True), policy(*BASIC), policy(*(n for n in BASIC if n != "wl_output"))
    for rules in (kept, own, fewer):
        scene = Recorded(rules)
        dressed(scene)
        for other in (kept, own, fewer):
            report = scene.under(other)
            assert (report.denied, report.allowed, report.disconnected, report.not_judged) == ({}, {}, [], 0), (rules, other)


def test_a_refused_request_is_grouped_by_message_and_rule() -> None:
    scene = Recorded(policy(*BASIC))
    scene.window().guest(8, "set_title", "a").guest(8, "set_title", "b").guest(8, "set_minimized")
    other = policy(*BASIC, messages={("xdg_toplevel", "set_title"): deny("ignore"), ("xdg_toplevel", "set_minimized"): deny("ignore", 78)})
    report = scene.under(other)
    assert messages(report.denied) == {"xdg_toplevel.set_title": 2, "xdg_toplevel.set_minimized": 1}
    group = report.denied["xdg_toplevel.set_title", "scene.toml:77"]
    assert group.first == scene.clock - 2 and not report.disconnected and not report.not_judged


def test_what_is_newly_allowed() -> None:
    scene = Recorded(policy(*BASIC, messages={("xdg_toplevel", "set_title"): deny("ignore")}))
    scene.window().guest(8, "set_title", "a")
    assert messages(scene.under(policy(*BASIC)).allowed) == {"xdg_toplevel.set_title": 1}


def test_a_hidden_global_costs_its_bind_and_nothing_below_it_is_a_violation() -> None:
    scene = Recorded(policy(*BASIC))
    scene.window().bind("wl_seat", 9).guest(9, "get_pointer", 10).event(9, "capabilities", 1).event(7, "configure", 900)
    scene.event(10, "enter", 901, 6, 0, 0).guest(10, "set_cursor", scene.serial(), 0, 0, 0).event(10, "button", 902, 1, 272, 1)
    scene.guest(8, "move", 9, scene.serial()).guest(10, "release").event(1, "delete_id", 10)
    scene.guest(6, "frame", 10).event(10, "done", 7).event(1, "delete_id", 10).guest(3, "create_surface", 10).guest(10, "destroy")
    report = scene.under(policy(*(name for name in BASIC if name != "wl_seat")))
    assert messages(report.denied) == {"wl_registry.bind(wl_seat)": 1}
    assert list(report.hidden) == ["wl_seat"] and not report.disconnected
    # get_pointer, capabilities, enter, set_cursor, button, move, release, delete_id
    assert report.not_judged == 8


def test_an_inert_object_in_one_of_them_only() -> None:
    """A refused source: its events never came, or would never have come; its id is used again."""
    inert = policy(*BASIC, messages={("wl_data_device_manager", "create_data_source"): deny("inert")})
    for recorded, other in ((policy(*BASIC), inert), (inert, policy(*BASIC))):
        scene = Recorded(recorded)
        scene.window().bind("wl_data_device_manager", 9).guest(9, "create_data_source", 10).guest(10, "offer", "text/plain")
        if recorded is inert:
            scene.event(10, "done", 5).event(1, "delete_id", 10)  # what fills the id upstream is a wl_callback
            scene.guest(10, "destroy")
        else:
            scene.event(10, "cancelled").guest(10, "destroy").event(1, "delete_id", 10)
        scene.guest(3, "create_surface", 10).guest(10, "commit").event(7, "configure", 3).guest(7, "ack_configure", scene.serial())
        report = scene.under(other)
        changed = report.denied if other is inert else report.allowed
        assert messages(changed) == {"wl_data_device_manager.create_data_source": 1}
        assert report.disconnected == [] and not scene.session.over
        assert (report.denied == {}) == (recorded is inert)
        nothing_changes(scene.under(recorded))


def test_a_lower_version_is_bound_lower() -> None:
    scene = Recorded(policy(*BASIC))
    scene.window().bind("wl_seat", 9).event(9, "name", "seat0").guest(9, "release").event(1, "delete_id", 9).guest(3, "create_surface", 9)
    lower = {name: shipped()[name].version for name in BASIC} | {"wl_seat": 1}
    report = scene.under(policy(**lower))
    assert messages(report.denied) == {"wl_seat.release": 1} and not report.disconnected
    assert "version 1 at most" in next(iter(report.denied.values())).rule


def test_a_client_that_would_be_disconnected_is_judged_up_to_there() -> None:
    scene = Recorded(policy(*BASIC))
    scene.window().guest(8, "set_title", "a").guest(8, "set_title", "b").guest(8, "set_minimized")
    report = scene.under(policy(*BASIC, messages={("xdg_toplevel", "set_title"): deny("disconnect")}))
    assert messages(report.denied) == {"xdg_toplevel.set_title": 1} and report.not_judged == 2
    assert [(gone.connection, gone.message, gone.rule) for gone in report.disconnected] == [(1, "xdg_toplevel.set_title", "scene.toml:77")]


def test_objects_of_the_hosts_making() -> None:
    """An offer that one of them never shows, and ids of the compositor's that it uses again."""
    first = 0xFF000000
    shown = policy(*BASIC)
    unseen = policy(*BASIC, messages={("wl_data_device", "data_offer"): deny("ignore")})
    scene = Recorded(shown)
    scene.window().bind("wl_seat", 9).bind("wl_data_device_manager", 10).guest(10, "get_data_device", 11, 9)
    for _ in range(2):
        scene.event(11, "data_offer", first).event(first, "offer", "text/plain").event(11, "selection", first).guest(first, "destroy")
    report = scene.under(unseen)
    assert messages(report.denied) == {"wl_data_device.data_offer": 2} and not report.disconnected
    nothing_changes(scene.under(shown))
    scene = Recorded(unseen)
    scene.window().bind("wl_seat", 9).bind("wl_data_device_manager", 10).guest(10, "get_data_device", 11, 9)
    for _ in range(2):
        scene.event(11, "data_offer", first).event(11, "selection", 0)
        scene.host.ended(first) if first in scene.host.objects else None
    report = scene.under(shown)
    assert messages(report.allowed) == {"wl_data_device.data_offer": 2} and not report.disconnected


def test_a_pool_that_grew_is_taken_to_be_there() -> None:
    scene = Recorded(policy(*BASIC))
    scene.window().guest(4, "create_pool", 9, 4096, fds=[Fd(7, 1, 2, 4096, 0)]).guest(9, "create_buffer", 10, 0, 4, 4, 16, 0)
    nothing_changes(scene.under(policy(*BASIC)))


def test_a_guest_that_broke_the_protocol_then_does_so_again() -> None:
    scene = Recorded(policy(*BASIC))
    scene.window().guest_bytes(scene.request(8, "set_title", "a") + (99).to_bytes(4, "little") + (8 << 16).to_bytes(4, "little"))
    assert scene.session.over
    report = scene.under(policy(*BASIC))
    assert not report.disconnected and not report.denied and report.same == report.messages


def test_a_recording_is_shown_as_it_was_decided() -> None:
    scene = Recorded(policy(*BASIC, messages={("xdg_toplevel", "set_title"): deny("ignore")}))
    scene.window().guest(8, "set_title", "a")
    seen: list[tuple[float, int, str, str]] = []
    reader = Reader(io.BytesIO(scene.file).read)
    Decided(lambda at, number, step: seen.append((at, number, step.rule.name if step.rule else "", step.verdict))).play(reader)
    assert seen[-1] == (scene.clock, 1, "set_title", "denied") and seen[0][2] == "get_registry"


def test_a_policy_that_is_none_is_an_error() -> None:
    start = recording.beginning() + record(HEADER, 0.0, 0, recording.header_body(Header("", "", False, "")))
    for body in (b"rubbish", recording.policy_body(b"[]"), recording.policy_body(json.dumps({"format": 1}).encode())):
        with pytest.raises(RecordingError, match="policy"):
            Decided(lambda at, number, step: None).play(Reader(io.BytesIO(start + record(POLICY, 0.0, 0, body)).read))


@pytest.mark.parametrize("recorded", BUILT_IN)
def test_made_up_guests_and_hosts_are_replayed_under_every_policy(recorded: str) -> None:
    """The fuzzer's conversations: damaged messages, ids used again, refusals of every kind. Under their own nothing changes, and none
    brings down the replay; where the policies differ, nearly all of the conversation still makes sense."""
    compiled = {name: compile_policy(built_in(name, shipped()), shipped()) for name in BUILT_IN}
    campaign = Campaign(load_tables(compiled[recorded]), shipped())
    start = recording.beginning() + record(HEADER, 0.0, 0, recording.header_body(Header("", "", False, "")))
    start += record(POLICY, 0.0, 0, recording.policy_body(canonical(compiled[recorded]))) + record(OPEN, 0.0, 1)
    judged = parted = 0
    for seed in range(10):
        steps, drive = campaign.generate(from_seed(seed))
        assert drive is not None
        reads = [record(READ, 1.0, 1, recording.read_body(s.side, s.data, [d.fd(-1) for d in s.fds])) for s in steps if s.action == SAY]
        for name in BUILT_IN:
            report = Replay(compiled[name]).play(Reader(io.BytesIO(start + b"".join(reads)).read))
            if name == recorded:
                assert not report.denied and not report.allowed and not report.disconnected, seed
                assert not report.not_judged and not report.parted, seed
                judged += report.same
            parted += len(report.parted)
    assert judged > 100 and parted < 3  # of 30


def test_what_one_policy_takes_back_and_the_other_does_not() -> None:
    """The host's word that it has ended it is not about the object that the other policy would have left alone."""
    lent = policy(*BASIC, IDLE, permissions=given(idle_inhibit={"only": "visible"}))
    free = policy(*BASIC, IDLE, permissions=given(idle_inhibit={}))
    for recorded, other in ((lent, free), (free, lent)):
        scene = Recorded(recorded)
        scene.window().event(2, "global", 90, IDLE, 1).bind(IDLE, 9)
        shown(with_buffer(scene, 11, 12)).guest(9, "create_inhibitor", 13, 6).guest(6, "attach", 0, 0, 0).guest(6, "commit")
        if recorded is lent:
            scene.event(1, "delete_id", 13)
        shown(scene).guest(13, "destroy").event(1, "delete_id", 13)
        scene.guest(3, "create_surface", 13).guest(13, "destroy").event(1, "delete_id", 13)
        report = scene.under(other)
        assert (report.denied, report.allowed, report.disconnected, report.parted) == ({}, {}, [], [])
        nothing_changes(scene.under(recorded))
