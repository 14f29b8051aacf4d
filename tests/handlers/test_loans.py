"""What is given under a condition: real upstream while it holds, a ghost while it does not, and the ids right on both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.handlers.test_surfaces import with_buffer
from tests.scene import BASIC, Scene, only, policy, shipped
from wlproxy.core.quotas import Usage
from wlproxy.core.shadow import attach
from wlproxy.handlers import load_tables
from wlproxy.handlers.loans import MOST_LOANS
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.model import Origin, PermissionRule, Predicate

IDLE = "zwp_idle_inhibit_manager_v1"
CONSTRAINTS = "zwp_pointer_constraints_v1"
SHORTCUTS = "zwp_keyboard_shortcuts_inhibit_manager_v1"
FULLSCREEN, SUSPENDED = 2, 9
ESC, SUPER, SHIFT, KEY_A = 1, 125, 42, 30


def given(**permissions: dict[str, object]) -> dict[str, PermissionRule]:
    return {name.replace("_", "-"): PermissionRule("allow", Origin("p.toml", 1), said) for name, said in permissions.items()}


def states(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in numbers)


# idle inhibitors


def idle(usage: Usage | None = None, **said: object) -> Scene:
    """`Scene.window` with a buffer 12 and the manager 9: not mapped yet."""
    rules = policy(*BASIC, IDLE, permissions=given(idle_inhibit={key.replace("_", "-"): value for key, value in said.items()}))
    scene = Scene(rules, usage=usage).window().event(2, "global", 90, IDLE, 1).bind(IDLE, 9)
    return with_buffer(scene, 11, 12).forget()


def configured(scene: Scene, *numbers: int) -> Scene:
    scene.event(8, "configure", 0, 0, states(*numbers)).event(7, "configure", 60 + len(scene.client.log))
    return scene.guest(7, "ack_configure", scene.serial())


def shown(scene: Scene, *numbers: int) -> Scene:
    scene.guest(6, "commit")
    configured(scene, *numbers)
    return scene.guest(6, "attach", 12, 0, 0).guest(6, "commit")


CREATED, ENDED = "zwp_idle_inhibit_manager_v1#9.create_inhibitor(13, 6)", "zwp_idle_inhibitor_v1#13.destroy()"


def confirmed(scene: Scene, object_id: int = 13) -> Scene:
    """The compositor has ended what has this id."""
    return scene.event(1, "delete_id", object_id)


def inhibited(scene: Scene, object_id: int = 13) -> bool:
    held = scene.host.objects.get(object_id)
    return held is not None and held.interface.name == "zwp_idle_inhibitor_v1"


def test_without_a_condition_nothing_is_lent():
    scene = idle().guest(9, "create_inhibitor", 13, 6)
    assert inhibited(scene)
    assert scene.session.connection.loans == []


def test_an_inhibitor_of_a_window_that_is_not_shown_is_a_ghost_until_it_is():
    scene = idle(only="visible").guest(9, "create_inhibitor", 13, 6)
    scene.host_gets("wl_display#1.sync(13)")
    shown(scene).forget()
    assert not inhibited(scene)  # its id upstream is not free yet
    scene.event(13, "done", 0)
    confirmed(scene).host_gets(CREATED).guest_gets()
    assert scene.audit == []


def test_it_ends_with_the_window_and_comes_back_with_it():
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
    assert inhibited(scene)
    scene.forget().guest(6, "attach", 0, 0, 0).guest(6, "commit")
    scene.host_gets("wl_surface#6.attach(0, 0, 0)", "wl_surface#6.commit()", ENDED)
    (record,) = scene.records("taken-back")
    assert (record.interface, record.message, record.verdict) == (IDLE, "create_inhibitor", "inert")
    assert (record.reason, record.rule) == ("zwp_idle_inhibitor_v1#13: its window is not visible", "permission: idle-inhibit")
    confirmed(scene).guest_gets()
    shown(scene)
    assert inhibited(scene)


def test_the_id_is_not_used_again_upstream_before_delete_id():
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
    scene.guest(6, "attach", 0, 0, 0).guest(6, "commit")
    shown(scene)
    assert not inhibited(scene)
    confirmed(scene)
    assert inhibited(scene)


@pytest.mark.parametrize("confirmed_before", [True, False])
def test_the_guest_destroys_what_was_taken_back_and_the_compositor_hears_of_it_once(confirmed_before):
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
    scene.guest(6, "attach", 0, 0, 0).guest(6, "commit").forget()
    if confirmed_before:
        confirmed(scene).guest_gets().guest(13, "destroy").guest_gets("wl_display#1.delete_id(13)")
    else:
        scene.guest(13, "destroy").guest_gets()
        confirmed(scene).guest_gets("wl_display#1.delete_id(13)")
    scene.host_gets()
    scene.guest(3, "create_surface", 13).goes_on().host_gets("wl_compositor#3.create_surface(13)")
    assert scene.session.connection.loans == []


def test_what_came_back_is_destroyed_as_any_other():
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
    confirmed(scene.guest(6, "attach", 0, 0, 0).guest(6, "commit"))
    shown(scene).forget().guest(13, "destroy").host_gets(ENDED)
    confirmed(scene).guest_gets("wl_display#1.delete_id(13)")


@pytest.mark.parametrize("request_", [(8, "destroy"), (6, "attach", 0, 0, 0)])
def test_no_window_is_no_window_whatever_became_of_it(request_):
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6).guest(*request_)
    if request_[1] == "attach":
        scene.guest(6, "commit")
    assert not inhibited(scene)


def test_a_surface_that_is_destroyed_takes_its_inhibitor_along():
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
    scene.guest(8, "destroy").guest(7, "destroy").guest(6, "destroy")
    confirmed(scene)
    assert not inhibited(scene)
    scene.guest(13, "destroy").goes_on()


def test_it_does_not_come_back_without_its_manager():
    scene = idle(only="visible").guest(9, "create_inhibitor", 13, 6).guest(9, "destroy")
    confirmed(scene.event(13, "done", 0))
    shown(scene).goes_on()
    assert not inhibited(scene)


def test_a_part_of_a_window_is_seen_where_it_and_the_window_are():
    scene = shown(idle(only="visible")).event(2, "global", 91, "wl_subcompositor", 1).bind("wl_subcompositor", 13)
    scene.guest(3, "create_surface", 14).guest(13, "get_subsurface", 15, 14, 6).guest(9, "create_inhibitor", 16, 14)
    confirmed(scene.event(16, "done", 0), 16)
    assert not inhibited(scene, 16)
    scene.guest(14, "attach", 12, 0, 0).guest(14, "commit")
    assert inhibited(scene, 16)
    scene.guest(6, "attach", 0, 0, 0).guest(6, "commit")
    assert not inhibited(scene, 16)


def test_a_suspended_window_is_not_visible():
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
    confirmed(configured(scene, SUSPENDED))
    assert not inhibited(scene)
    configured(scene)
    assert inhibited(scene)


def test_full_screen_is_what_the_compositor_said_and_the_guest_acknowledged():
    scene = shown(idle(only="fullscreen")).guest(9, "create_inhibitor", 13, 6)
    confirmed(scene.event(13, "done", 0))
    assert not inhibited(scene)
    scene.event(8, "configure", 800, 600, states(4, FULLSCREEN)).event(7, "configure", 500)
    assert not inhibited(scene)
    scene.guest(7, "ack_configure", scene.serial())
    assert inhibited(scene)
    scene.forget()
    confirmed(configured(scene, 4))
    assert not inhibited(scene)
    assert [record.reason for record in scene.records("taken-back")] == ["zwp_idle_inhibitor_v1#13: its window is not full screen"]


def test_the_compositor_has_the_last_word_though_the_guest_never_acknowledges_it():
    scene = shown(idle(only="fullscreen"), FULLSCREEN).guest(9, "create_inhibitor", 13, 6)
    assert inhibited(scene)
    scene.event(8, "configure", 800, 600, states(4)).event(7, "configure", 500)
    assert not inhibited(scene)
    scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
    scene.event(8, "configure", 800, 600, states(SUSPENDED)).event(7, "configure", 500)
    assert not inhibited(scene)
    confirmed(scene).event(8, "configure", 800, 600, b"").event(7, "configure", 501)
    assert inhibited(scene)


def test_it_makes_no_difference_how_the_stream_is_cut():
    """Hidden and shown again in one read: the same as in two."""

    def played(whole: bool) -> bytes:
        scene = shown(idle(only="visible")).guest(9, "create_inhibitor", 13, 6)
        parts = [scene.request(6, "attach", 0, 0, 0), scene.request(6, "commit"), scene.request(6, "commit")]
        for data in [b"".join(parts)] if whole else parts:
            scene.guest_bytes(data)
        return scene.heard[1]

    assert played(True) == played(False)


def test_more_than_are_looked_at_each_time_are_ghosts_for_good():
    scene = shown(idle(only="visible"))
    for number in range(13, 13 + MOST_LOANS):
        scene.guest(9, "create_inhibitor", number, 6)
    scene.forget().guest(9, "create_inhibitor", 13 + MOST_LOANS, 6).host_gets(f"wl_display#1.sync({13 + MOST_LOANS})")
    assert len(scene.records("refused")) == 1


# their time


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def timed(clock: Clock, usage: Usage | None = None) -> Scene:
    """With a keyboard 14 and a pointer 15."""
    scene = shown(idle(usage or Usage(clock), max_duration=7200.0)).bind("wl_seat", 13)
    scene.guest(13, "get_keyboard", 14).guest(13, "get_pointer", 15)
    return scene.guest(9, "create_inhibitor", 16, 6).forget()


def is_held(scene: Scene, object_id: int = 16) -> bool:
    held = scene.host.objects.get(object_id)
    return held is not None and held.interface.name == "zwp_idle_inhibitor_v1"


def later(scene: Scene, clock: Clock, seconds: float) -> Scene:
    clock.now += seconds
    return scene.take(scene.session.tick(5.0))


def test_an_inhibitor_ends_when_its_time_is_over():
    clock = Clock()
    scene = timed(clock)
    assert scene.outcome.alarm == 7200
    later(scene, clock, 7199)
    assert is_held(scene)
    assert scene.outcome.alarm == 1
    later(scene, clock, 1).host_gets("zwp_idle_inhibitor_v1#16.destroy()")
    assert scene.outcome.alarm == 0
    (record,) = scene.records("taken-back")
    assert record.reason == "zwp_idle_inhibitor_v1#16: 7200 s without a key, a click or a touch in the guest"


def test_destroying_and_creating_gains_nothing():
    clock = Clock()
    scene = timed(clock)
    clock.now += 7000
    scene.guest(16, "destroy").event(1, "delete_id", 16).guest(9, "create_inhibitor", 16, 6)
    assert is_held(scene)
    later(scene, clock, 200)
    assert not is_held(scene)
    scene.guest(9, "create_inhibitor", 17, 6)
    assert not is_held(scene, 17)


def test_nor_does_another_connection():
    clock = Clock()
    usage = Usage(clock)
    timed(clock, usage)
    clock.now += 7200
    assert not is_held(timed(clock, usage))


@pytest.mark.parametrize(
    ("event", "again"),
    [((14, "key", 70, 0, KEY_A, 1), True), ((14, "key", 70, 0, KEY_A, 0), False), ((15, "button", 70, 0, 272, 1), True),
     ((15, "button", 70, 0, 272, 0), False), ((15, "motion", 0, 256, 256), False)],
)  # fmt: skip
def test_it_begins_anew_when_something_is_pressed_in_the_guest(event, again):
    clock = Clock()
    scene = timed(clock)
    clock.now += 7000
    scene.event(*event)
    later(scene, clock, 200)
    assert is_held(scene) == again


def test_what_was_taken_back_comes_back_with_a_key():
    clock = Clock()
    scene = later(timed(clock), clock, 7200).event(1, "delete_id", 16)
    assert not is_held(scene)
    scene.event(14, "key", 70, 0, KEY_A, 1)
    assert is_held(scene)
    assert scene.outcome.stirs  # for the guest's other connections
    assert not scene.event(14, "key", 71, 0, KEY_A, 1).outcome.stirs


def test_what_the_host_sleeps_counts():
    """The sessions' own clock stands still meanwhile."""
    clock = Clock()
    scene = timed(clock)
    assert scene.session.now == 0
    assert not is_held(later(scene, clock, 8 * 3600))


# what the user takes back


def grabbing(escape: list[str] | None = None, usage: Usage | None = None, messages=None) -> Scene:
    """`Scene.window` with seat 9, keyboard 10, pointer 11, constraints 12 and the shortcuts' manager 13; the keyboard has the focus."""
    said = {"escape": ["Super+Escape"] if escape is None else escape}
    rules = policy(
        *BASIC, CONSTRAINTS, SHORTCUTS, messages=messages,
        permissions=given(pointer_lock=said, pointer_confine=said, shortcuts_inhibit=said),
    )  # fmt: skip
    scene = Scene(rules, usage=usage).window().bind("wl_seat", 9).guest(9, "get_keyboard", 10).guest(9, "get_pointer", 11)
    for number, name in enumerate((CONSTRAINTS, SHORTCUTS)):
        scene.event(2, "global", 90 + number, name, 1).bind(name, 12 + number)
    return scene.event(10, "enter", 80, 6, b"").forget()


def key(scene: Scene, code: int, state: int = 1) -> Scene:
    return scene.event(10, "key", 100, 0, code, state)


def escaped(scene: Scene) -> Scene:
    return key(key(scene, SUPER), ESC)


def click(scene: Scene) -> Scene:
    return scene.event(11, "button", 200, 0, 272, 1)


KINDS = [
    ((12, "lock_pointer", 14, 6, 11, 0, 2), "zwp_locked_pointer_v1", "locked", "unlocked"),
    ((12, "confine_pointer", 14, 6, 11, 0, 2), "zwp_confined_pointer_v1", "confined", "unconfined"),
    ((13, "inhibit_shortcuts", 14, 6, 9), "zwp_keyboard_shortcuts_inhibitor_v1", "active", "inactive"),
]
EACH = pytest.mark.parametrize(("request_", "interface", "begins", "ends"), KINDS)


def has(scene: Scene, interface: str, object_id: int = 14) -> bool:
    held = scene.host.objects.get(object_id)
    return held is not None and held.interface.name == interface


@EACH
def test_the_combination_takes_it_back_and_a_click_gives_it_again(request_, interface, begins, ends):
    scene = grabbing().guest(*request_).event(14, begins)
    assert has(scene, interface)
    key(scene.forget(), SUPER).forget()
    key(scene, ESC).host_gets(f"{interface}#14.destroy()").guest_gets(f"{interface}#14.{ends}()")
    (record,) = scene.records("taken-back")
    assert record.reason == f"{interface}#14: the user has taken it back"
    confirmed(scene, 14)
    assert not has(scene, interface)
    click(scene)
    assert has(scene, interface)
    scene.forget().event(14, begins).guest_gets(f"{interface}#14.{begins}()")


@EACH
def test_what_the_compositor_still_says_of_it_is_swallowed(request_, interface, begins, ends):
    scene = grabbing().guest(*request_)
    escaped(scene).forget()
    for opcode in (0, 1):
        scene.host_bytes(states(14, 8 << 16 | opcode))
    scene.guest_gets().goes_on()
    confirmed(scene, 14).guest_gets()


@EACH
def test_the_guest_is_told_of_the_end_only_where_it_was_told_of_the_beginning(request_, interface, begins, ends):
    scene = grabbing().guest(*request_)
    key(scene, SUPER).forget()
    key(scene, ESC).guest_gets()


@EACH
def test_it_is_not_had_again_by_asking_again(request_, interface, begins, ends):
    scene = escaped(grabbing().guest(*request_).event(14, begins)).guest(14, "destroy")
    confirmed(scene, 14).guest(*request_)
    assert not has(scene, interface)
    confirmed(scene.event(14, "done", 0), 14)
    assert not has(scene, interface)
    click(scene)
    assert has(scene, interface)


def test_the_key_that_completes_the_combination_is_not_sent():
    scene = grabbing()
    key(scene, SUPER).guest_gets("wl_keyboard#10.key(2, 0, 125, 1)")
    key(key(scene, ESC), ESC, 0).guest_gets()
    key(scene, SUPER, 0).guest_gets("wl_keyboard#10.key(2, 0, 125, 0)")
    key(key(scene, ESC), ESC, 0).guest_gets("wl_keyboard#10.key(2, 0, 1, 1)", "wl_keyboard#10.key(2, 0, 1, 0)")


@pytest.mark.parametrize(
    ("held", "released", "ended"),
    [((), (), False), ((SHIFT,), (), False), ((SUPER,), (), True), ((126,), (), True), ((SUPER, SHIFT), (), True),
     ((SUPER,), (SUPER,), False), ((SUPER, 126), (SUPER,), True)],
)  # fmt: skip
def test_the_modifiers_are_those_that_are_down(held, released, ended):
    scene = grabbing().guest(*KINDS[0][0])
    for code in held:
        key(scene, code)
    for code in released:
        key(scene, code, 0)
    assert has(key(scene, ESC), "zwp_locked_pointer_v1") != ended


def test_keys_that_are_down_already_when_the_focus_comes_count_and_are_forgotten_when_it_goes():
    scene = grabbing().guest(*KINDS[2][0]).event(10, "leave", 81, 6).event(10, "enter", 82, 6, states(SUPER, KEY_A))
    assert not has(key(scene, ESC), KINDS[2][1])
    scene = key(grabbing().guest(*KINDS[2][0]), SUPER).event(10, "leave", 81, 6).event(10, "enter", 82, 6, b"")
    assert has(key(scene, ESC), KINDS[2][1])


def test_a_guest_that_changes_its_keyboard_while_the_combination_goes_down_has_heard_it():
    """What the compositor sends to the former one meanwhile nobody hears; the next one is told what is down."""
    scene = key(grabbing().guest(*KINDS[2][0]), SUPER).guest(10, "release").guest(9, "get_keyboard", 15)
    scene.event(15, "enter", 82, 6, states(SUPER, ESC))
    confirmed(scene, 14)
    assert not has(scene, KINDS[2][1])
    assert {record.reason for record in scene.records("refused")} == {"Super+Escape is the host's"}
    assert has(click(scene), KINDS[2][1])


def test_another_combination_does_as_well_where_there_are_two():
    scene = grabbing(["Ctrl+Shift+F12", "Super+Escape"]).guest(*KINDS[0][0])
    assert has(key(key(scene, 29), 88), KINDS[0][1])
    assert not has(key(key(key(scene, SHIFT), 88, 0), 88), KINDS[0][1])


def test_it_reaches_what_the_guest_has_on_its_other_connections():
    usage = Usage()
    one, other = grabbing(usage=usage).guest(*KINDS[0][0]), grabbing(usage=usage)
    escaped(other)
    assert other.outcome.stirs
    assert not has(one.take(one.session.tick(1.0)), KINDS[0][1])
    confirmed(one, 14)
    assert click(other).outcome.stirs
    assert has(one.take(one.session.tick(1.0)), KINDS[0][1])


@pytest.mark.parametrize("kind", [0, 1])
def test_the_pointer_is_held_only_while_the_keyboard_is_there_to_be_heard(kind):
    request_, interface, begins, ends = KINDS[kind]
    scene = grabbing().guest(*request_).event(14, begins).forget().event(10, "leave", 81, 6)
    scene.host_gets(f"{interface}#14.destroy()")
    assert scene.guest_lines[-1] == f"{interface}#14.{ends}()"
    assert scene.audit == []  # as every compositor does
    confirmed(scene, 14).event(10, "enter", 82, 6, b"")
    assert has(scene, interface)
    assert not has(scene.guest(10, "release"), interface)


@pytest.mark.parametrize("confirmed_before", [True, False])
def test_a_surface_that_is_destroyed_takes_the_focus_along(confirmed_before):
    """weston sends no leave for it."""
    request_, interface, *_ = KINDS[0]
    scene = grabbing().guest(3, "create_surface", 14).event(10, "leave", 81, 6).event(10, "enter", 82, 14, b"")
    scene.guest(12, "lock_pointer", 15, 6, 11, 0, 2)
    assert has(scene, interface, 15)
    scene.guest(14, "destroy")
    assert not has(scene, interface, 15)
    confirmed(scene, 15)
    if confirmed_before:
        confirmed(scene, 14)
    scene.event(10, "leave", 83, 14)
    assert not has(scene, interface, 15)
    scene.event(10, "enter", 84, 6, b"")
    assert has(scene, interface, 15)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_the_keyboard_of_another_seat_is_not_the_one_whose_user_is_held(kind):
    request_, interface, *_ = KINDS[kind]
    scene = grabbing().event(2, "global", 95, "wl_seat", 7).bind("wl_seat", 14).guest(14, "get_pointer", 15)
    manager, name, _, surface, _, *rest = request_
    scene.guest(manager, name, 16, surface, 15 if rest else 14, *rest)
    assert not has(scene, interface, 16)
    confirmed(scene.event(16, "done", 0), 16).guest(14, "get_keyboard", 17).event(17, "enter", 83, 6, b"")
    assert has(scene, interface, 16)
    assert not has(scene.guest(17, "release"), interface, 16)


@EACH
def test_nothing_is_held_while_the_compositor_is_not_read(request_, interface, begins, ends):
    """The guest does not read, its queue is full: the combination would lie unread."""
    scene = grabbing().guest(*request_).event(14, begins).forget()
    scene.take(scene.session.tick(1.0, True)).guest_gets(f"{interface}#14.{ends}()")
    assert not has(scene, interface)
    confirmed(scene, 14).guest(3, "create_surface", 15)
    assert not has(scene, interface)
    assert has(scene.take(scene.session.tick(2.0)), interface)


def test_shortcuts_are_inhibited_only_where_there_is_a_keyboard_to_be_heard():
    scene = grabbing().guest(*KINDS[2][0]).event(10, "leave", 81, 6)
    assert has(scene, KINDS[2][1])
    assert not has(scene.guest(10, "release"), KINDS[2][1])


def test_a_lock_for_once_does_not_come_back():
    scene = grabbing().guest(12, "lock_pointer", 14, 6, 11, 0, 1).event(14, "locked")
    click(confirmed(escaped(scene), 14))
    assert not has(scene, KINDS[0][1])
    scene.guest(12, "lock_pointer", 15, 6, 11, 0, 1).goes_on()
    assert has(scene, KINDS[0][1], 15)


def test_what_comes_back_has_no_region():
    scene = grabbing().guest(3, "create_region", 14).guest(12, "lock_pointer", 15, 6, 11, 14, 2).guest(14, "destroy")
    confirmed(scene, 14)
    confirmed(escaped(scene), 15).forget()
    click(scene).host_gets("zwp_pointer_constraints_v1#12.lock_pointer(15, 6, 11, 0, 2)")


@pytest.mark.parametrize("gone", [(11, "release"), (12, "destroy")])
def test_it_does_not_come_back_without_what_it_was_made_with(gone):
    scene = confirmed(escaped(grabbing().guest(*KINDS[0][0])), 14).guest(*gone).forget()
    scene.event(10, "leave", 81, 6).event(10, "enter", 82, 6, b"")
    scene.session.connection.usage.escaped.clear()
    scene.take(scene.session.tick(1.0)).host_gets().goes_on()


def test_it_does_not_come_back_for_what_the_compositor_has_ended_unasked():
    """As sway 1.7 does with a pointer when the last wl_seat is released."""
    scene = confirmed(escaped(grabbing().guest(*KINDS[0][0])), 14)
    confirmed(scene, 11).forget()
    scene.session.connection.usage.escaped.clear()
    scene.take(scene.session.tick(1.0)).host_gets().goes_on()


def test_what_is_lent_later_has_passed_the_checks_when_it_was_asked_for():
    rule = {(CONSTRAINTS, "lock_pointer"): only(lifetime=Predicate(values=frozenset((1,)), origin=Origin("p.toml", 9)))}
    scene = grabbing(messages=rule).event(10, "leave", 81, 6)
    scene.guest(12, "lock_pointer", 14, 6, 11, 0, 2).ends(1, 3, "lifetime")


@EACH
def test_without_escape_nothing_is_followed(request_, interface, begins, ends):
    rules = policy(*BASIC, CONSTRAINTS, SHORTCUTS, permissions=given(pointer_lock={}, pointer_confine={}, shortcuts_inhibit={}))
    scene = Scene(rules).window().bind("wl_seat", 9).guest(9, "get_keyboard", 10).guest(9, "get_pointer", 11)
    for number, name in enumerate((CONSTRAINTS, SHORTCUTS)):
        scene.event(2, "global", 90 + number, name, 1).bind(name, 12 + number)
    scene.guest(*request_)
    key(key(scene, SUPER).forget(), ESC).guest_gets("wl_keyboard#10.key(1, 0, 1, 1)")
    assert has(scene, interface)
    assert scene.session.connection.loans == []


# where the policy only complains of it


def test_what_a_policy_only_complained_of_does_not_come_back_when_it_enforces():
    refused = {"idle-inhibit": PermissionRule("deny", Origin("p.toml", 1), {"only": "visible"})}
    scene = Scene(replace(policy(*BASIC, IDLE, permissions=refused), until=1)).window()
    complains = [True]
    scene.session.connection.complaining = lambda: complains[0]
    with_buffer(scene.event(2, "global", 90, IDLE, 1).bind(IDLE, 9), 11, 12).forget()
    shown(scene).guest(9, "create_inhibitor", 13, 6)
    assert inhibited(scene) and [record.verdict for record in scene.records("would-deny")] == ["inert"]
    for comes_back in (True, False):
        confirmed(scene.guest(6, "attach", 0, 0, 0).guest(6, "commit"))
        assert not inhibited(scene)
        complains[0] = comes_back
        assert inhibited(shown(scene)) == comes_back


def test_what_is_lent_later_counts_as_what_a_shadow_would_refuse():
    scene = idle(only="visible")
    attach(scene.session.connection.tables, load_tables(compile_policy(policy(*BASIC, IDLE, permissions={}), shipped())))
    scene.guest(9, "create_inhibitor", 13, 6)
    assert not inhibited(scene) and [record.verdict for record in scene.records("shadow")] == ["stricter"]
