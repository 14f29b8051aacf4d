"""What of the host's hardware a guest is told, made up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scene import BASIC, Scene, policy
from wlproxy.policy.model import Policy

MAKE_UP = {
    "wl_output": ("make", "model", "name", "description", "physical_size", "position", "mode"),
    "wl_seat": ("name",),
    "zwp_linux_dmabuf_v1": ("device",),
}
HOST_DEVICE = (511 << 8 | 3).to_bytes(8, "little")


def made_up(*names: str) -> Policy:
    rules = policy(*BASIC, "zwp_linux_dmabuf_v1")
    parts = {name: replace(rule, virtual=MAKE_UP.get(name, ()) if name in names else ()) for name, rule in rules.globals.items()}
    return replace(rules, globals=parts)


def geometry(scene: Scene) -> Scene:
    return scene.event(3, "geometry", 1920, 1080, 310, 170, 2, "ACME", "Serial 4711", 1)


def test_an_output_tells_nothing_of_the_hosts_monitor() -> None:
    scene = Scene(made_up("wl_output")).announce(names=("wl_output", "wl_seat")).bind("wl_output", 3).forget()
    geometry(scene).event(3, "mode", 1, 2560, 1440, 143981).event(3, "scale", 2)
    scene.event(3, "name", "DP-3").event(3, "description", "ACME 4711 (DP-3)").event(3, "done")
    scene.guest_gets(
        "wl_output#3.geometry(0, 0, 0, 0, 0, 'wlproxy', 'virtual', 1)",
        "wl_output#3.mode(1, 2560, 1440, 60000)",
        "wl_output#3.scale(2)",
        "wl_output#3.name('VM-1')",
        "wl_output#3.description('VM-1')",
        "wl_output#3.done()",
    )


def test_two_outputs_have_two_names_and_each_keeps_its_own() -> None:
    scene = Scene(made_up("wl_output")).announce(names=("wl_seat", "wl_output")).event(2, "global", 77, "wl_output", 4)
    scene.guest(2, "bind", 2, "wl_output", 4, 3).guest(2, "bind", 3, "wl_output", 4, 4).guest(2, "bind", 2, "wl_output", 4, 5).forget()
    for output in (3, 4, 5):
        scene.event(output, "name", f"DP-{output}")
    scene.guest_gets("wl_output#3.name('VM-2')", "wl_output#4.name('VM-3')", "wl_output#5.name('VM-2')")


def test_without_it_the_host_is_believed() -> None:
    scene = Scene(made_up()).announce(names=("wl_output", "wl_seat")).bind("wl_output", 3).bind("wl_seat", 4).forget()
    geometry(scene).event(3, "mode", 1, 2560, 1440, 143981).event(3, "name", "DP-3").event(4, "name", "work")
    scene.guest_gets(
        "wl_output#3.geometry(1920, 1080, 310, 170, 2, 'ACME', 'Serial 4711', 1)",
        "wl_output#3.mode(1, 2560, 1440, 143981)",
        "wl_output#3.name('DP-3')",
        "wl_seat#4.name('work')",
    )


def test_a_seat_is_called_as_everywhere() -> None:
    scene = Scene(made_up("wl_seat")).announce(names=("wl_seat",)).bind("wl_seat", 3).forget().event(3, "name", "alice-and-bob")
    scene.guest_gets("wl_seat#3.name('seat0')")


@pytest.mark.parametrize("names", [(), ("zwp_linux_dmabuf_v1",)])
def test_a_device_is_the_guests_first(names: tuple[str, ...]) -> None:
    scene = Scene(made_up(*names)).announce(names=("zwp_linux_dmabuf_v1",)).bind("zwp_linux_dmabuf_v1", 3)
    scene.guest(3, "get_default_feedback", 4).forget()
    for event in ("main_device", "tranche_target_device"):
        before = len(scene.heard[0])
        scene.event(4, event, HOST_DEVICE)
        said = scene.heard[0][before:]
        assert said[-8:] == ((226 << 8 | 128).to_bytes(8, "little") if names else HOST_DEVICE)
