"""What one guest may have over all its connections, and how fast."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scene import BASIC, Scene, policy
from wlproxy.core.quotas import COUNTED, Bucket, Limits, Usage, limits_of
from wlproxy.policy.read_quotas import QUOTAS, RATE


def of_one_guest(number: int, **limits: int) -> tuple[Usage, list[Scene]]:
    """Connections of one guest, each with a window (surface 5, xdg_surface 6, toplevel 7)."""
    usage = Usage()
    return usage, [Scene(limits=Limits(**limits), usage=usage).window() for _ in range(number)]


def test_objects_are_counted_over_connections() -> None:
    usage, (first, second) = of_one_guest(2)
    before = usage.objects
    first.guest(1, "sync", 9)
    second.guest(1, "sync", 9)
    assert usage.objects == before + 2
    first.event(9, "done", 0).event(1, "delete_id", 9)
    assert usage.objects == before + 1
    for scene in (first, second):
        scene.session.close()
    assert usage.objects == 0
    assert usage.counts == [0] * len(COUNTED)


def test_closing_twice_counts_once() -> None:
    usage, (first, second) = of_one_guest(2)
    one = usage.objects // 2
    first.session.close()
    first.session.close()
    assert usage.objects == one
    assert second.session.close() == []


def test_a_closed_connection_keeps_nothing_of_what_it_was() -> None:
    """Else only the collector would free it, and the relay lets that come seldom."""
    _, (scene,) = of_one_guest(1)
    surface = scene.session.connection.objects.client[5]
    assert surface is not None and surface.note is not None
    scene.session.close()
    assert surface.note is None
    assert not scene.session.connection.objects.client and not scene.session.connection.shared


def test_more_objects_than_the_guest_may_have_end_the_connection_that_wants_one() -> None:
    usage = Usage()
    scenes = [Scene(limits=Limits(objects=10), usage=usage) for _ in range(2)]
    for number in range(2, 6):
        for scene in scenes:
            scene.guest(1, "sync", number).goes_on()
    scenes[0].guest(1, "sync", 6).ends(1, 2, "more than 10 objects")
    assert scenes[0].audit[-1].rule == "quota: objects"
    scenes[0].session.close()
    scenes[1].guest(1, "sync", 6).goes_on()


@pytest.mark.parametrize(
    ("name", "request_of"),
    [
        ("surfaces", ("create_surface",)),
        ("callbacks", ("sync",)),
    ],
)
def test_kinds_that_are_dear_are_counted_by_themselves(name: str, request_of: tuple[str]) -> None:
    usage, (first, second) = of_one_guest(2)
    kind = COUNTED.index(name)
    limits = Limits(**{name: usage.counts[kind] + 1})
    usage = Usage()
    first, second = (Scene(limits=limits, usage=usage).window().forget() for _ in range(2))
    target = 1 if name == "callbacks" else 3
    first.guest(target, request_of[0], 9).goes_on()
    second.guest(target, request_of[0], 9).ends(1, 2, f"more than {limits.counted[kind]} {name}")


def test_windows_are_counted_until_the_compositor_has_let_go_of_them() -> None:
    usage, (scene,) = of_one_guest(1, toplevels=2)
    kind = COUNTED.index("toplevels")
    assert usage.counts[kind] == 1
    scene.guest(3, "create_surface", 9).guest(5, "get_xdg_surface", 10, 9).guest(10, "get_toplevel", 11)
    assert usage.counts[kind] == 2
    scene.guest(11, "destroy")
    assert usage.counts[kind] == 2
    scene.event(1, "delete_id", 11)
    assert usage.counts[kind] == 1


def test_a_policys_line_is_named() -> None:
    limits = limits_of({"quota": {"toplevels": [3, "work.toml:7"], "messages": [[5, 6], "work.toml:8"]}})
    assert limits.counted[COUNTED.index("toplevels")] == 3
    assert limits.messages == (5.0, 6.0)
    assert limits.rule("toplevels") == "work.toml:7"
    assert limits.rule("surfaces") == "quota: surfaces"
    with pytest.raises(ValueError, match="quota of a compiled policy"):
        limits_of({"quota": {"windows": [3, ""]}})


def test_what_makes_panels_draw_counts_for_many() -> None:
    scene = Scene().window()
    titled = scene.guest(8, "set_title", "a").outcome.cost
    committed = scene.guest(6, "commit").outcome.cost
    damaged = scene.guest(6, "damage", 0, 0, 1, 1).outcome.cost
    assert (titled, committed, damaged) == (1001, 21, 1)


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 100)), max_size=50))
@settings(deadline=None)
def test_no_more_is_taken_than_the_rate_and_two_bursts(steps: list[tuple[int, float]]) -> None:
    """A taker that waits as it is told to takes, over any time, at most rate x time + two bursts + the last amount."""
    bucket = Bucket((100.0, 500.0), 0.0)
    now = taken = 0.0
    for amount, pause in steps:
        wait = bucket.take(amount, now)
        taken += amount
        assert taken <= 100.0 * now + 2 * 500.0 + 1000
        assert wait >= 0
        now += max(wait, pause)


def test_what_is_forgiven_is_waited_for_by_nobody() -> None:
    bucket = Bucket((100.0, 500.0), 0.0)
    assert bucket.take(100_500, 1.0) == 999.0
    bucket.forgive(100_500)
    assert bucket.take(400, 1.0) == 0.0
    bucket.forgive(10_000)
    assert bucket.take(500, 1.0) == 0.0  # no more than a burst is ever there
    assert bucket.take(1, 1.0) > 0


def test_a_rate_says_how_long_to_wait() -> None:
    bucket = Bucket((10.0, 5.0), 100.0)
    assert bucket.take(5, 100.0) == 0.0
    assert bucket.take(1, 100.0) == pytest.approx(0.1)
    assert bucket.take(1, 100.1) == pytest.approx(0.1)
    assert bucket.take(5, 200.0) == 0.0


def test_unlimited_never_waits() -> None:
    bucket = Bucket((0.0, 0.0), 0.0)
    assert bucket.take(1 << 40, 0.0) == 0.0


@pytest.mark.parametrize("key", QUOTAS)
def test_every_quota_of_a_policy_is_enforced_as_written_and_named_by_its_line(key: str) -> None:
    field, kind, least, _ = QUOTAS[key]
    given = [least, 2 * least] if kind == RATE else least
    limits = limits_of({"quota": {field: [given, "p.toml:7"]}})
    name = field.replace("-", "_")
    assert limits.rule(field) == "p.toml:7"
    if hasattr(limits, name):  # the others are in `counted`
        assert getattr(limits, name) == (tuple(given) if isinstance(given, list) else given)
    else:
        assert limits.counted[COUNTED.index(field)] == given


def test_a_policy_bounds_sub_surfaces_damage_regions_and_a_pools_buffers() -> None:
    limits = Limits(subsurface_depth=1, subsurface_children=2, pool_buffers=1, damage_rectangles=1, region_rectangles=1)

    def scene() -> Scene:
        made = Scene(policy(*BASIC), limits=limits)
        made.announce(names=BASIC).bind("wl_compositor", 3).bind("wl_shm", 4).bind("wl_subcompositor", 5)
        for new_id in (6, 7, 8, 9):
            made.guest(3, "create_surface", new_id)
        return made.forget()

    deep = scene().guest(5, "get_subsurface", 10, 7, 6).goes_on()
    deep.guest(5, "get_subsurface", 11, 8, 7).ends(1, 3, "more than 1 levels")
    wide = scene().guest(5, "get_subsurface", 10, 7, 6).guest(5, "get_subsurface", 11, 8, 6).goes_on()
    wide.guest(5, "get_subsurface", 12, 9, 6).ends(1, 3, "more than 2 children")
    pool = scene().guest(4, "create_pool", 10, 4096, fds=1).guest(10, "create_buffer", 11, 0, 1, 1, 4, 0).goes_on()
    pool.guest(10, "create_buffer", 12, 0, 1, 1, 4, 0).ends(1, 3, "more than 1 buffers in one pool")
    damage = scene()
    for x in (0, 10, 20):
        damage.guest(6, "damage", x, 0, 5, 5)
    damage.guest(6, "commit").host_gets(
        "wl_surface#6.damage(0, 0, 5, 5)", "wl_surface#6.damage(10, 0, 15, 5)", "wl_surface#6.commit()"
    )
    region = scene().guest(3, "create_region", 10).forget().guest(10, "add", 0, 0, 1, 1).guest(10, "add", 9, 9, 1, 1)
    region.host_gets("wl_region#10.add(0, 0, 1, 1)")
    assert [record.rule for record in region.records("refused")] == ["quota: region-rectangles"]
