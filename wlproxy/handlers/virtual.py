"""What a guest learns of the host's own hardware, made up where the policy says so (`virtualize` of a global).

Promises: no text or number of the host's is left in the part named; a guest's windows still get what they need to draw (mode, scale,
transform). Trusts: nothing. Source: wayland.xml (wl_output, wl_seat), xdg-output-unstable-v1.xml, linux-dmabuf-v1.xml.
"""

from __future__ import annotations

from typing import Final

from ..core import wire
from ..core.connection import Connection
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import DROP, FORWARD

OUTPUT, SEAT, DMABUF = "wl_output", "wl_seat", "zwp_linux_dmabuf_v1"
MAKER: Final = "wlproxy"
MODEL: Final = "virtual"
SEAT_NAME: Final = "seat0"
REFRESH: Final = 60000  # mHz
MOST_SCREENS: Final = 64
MOST_WATCHERS: Final = 64  # of one screen
CURRENT: Final = 1  # wl_output.mode
DEVICE: Final = (226 << 8 | 128).to_bytes(8, "little")  # dev_t of the first render node, as a guest of one GPU has it

# By global: what can be made up.
PARTS: Final[dict[str, tuple[str, ...]]] = {
    OUTPUT: ("make", "model", "name", "description", "physical_size", "position", "mode"),
    SEAT: ("name",),
    DMABUF: ("device",),
}


# Globals that the proxy can announce by itself, whether or not the compositor has them. What a guest makes of them is inert: the protocol's
# own way of saying "nothing there" answers (ghosts.py).
SERVED: Final = frozenset(
    (
        "ext_foreign_toplevel_list_v1",
        "ext_foreign_toplevel_image_capture_source_manager_v1",
        "ext_output_image_capture_source_manager_v1",
        "ext_image_copy_capture_manager_v1",
        "zwlr_screencopy_manager_v1",
        "zxdg_output_manager_v1",
    )
)


def made_up(connection: Connection, name: str, part: str) -> bool:
    """Whether the policy has this part of a global made up."""
    return part in connection.tables.virtual.get(name, ())


def replace(message: Message, index: int, value: object) -> None:
    """Puts a value in the place of the host's."""
    if message.args[index] != value:
        message.args[index] = value
        message.changed = True


def on_geometry(connection: Connection, message: Message) -> int:
    """wl_output.geometry(x, y, physical_width, physical_height, subpixel, make, model, transform)."""
    on_position(connection, message)
    if made_up(connection, OUTPUT, "physical_size"):  # 0: unknown, as of a projector
        replace(message, 2, 0)
        replace(message, 3, 0)
        replace(message, 4, 0)
    if made_up(connection, OUTPUT, "make"):
        replace(message, 5, MAKER)
    if made_up(connection, OUTPUT, "model"):
        replace(message, 6, MODEL)
    return FORWARD


class Screen:
    """What the guest has been told of one wl_output."""

    def __init__(self) -> None:
        self.width = 0
        self.height = 0
        self.scale = 1
        self.watchers: list[Object] = []  # the zxdg_output_v1 that the proxy answers
        self.untold = False  # one of them was made before the screen was known, and waits for a done of its own


def screens(connection: Connection) -> dict[int, Screen]:
    """By the output's id for the guest."""
    known = connection.shared.get("screens")
    if isinstance(known, dict):
        return known
    made: dict[int, Screen] = {}
    connection.shared["screens"] = made
    return made


def screen_of(connection: Connection, output: int) -> Screen:
    """The screen of an output, made where there is none; at most as many as a guest can have outputs."""
    known = screens(connection)
    if output not in known:
        if len(known) >= MOST_SCREENS:
            known.clear()
        known[output] = Screen()
    return known[output]


def on_scale(connection: Connection, message: Message) -> int:
    """wl_output.scale(factor)."""
    screen_of(connection, message.target.guest_id).scale = max(1, message.number(0))
    return FORWARD


def serve_xdg_output(connection: Connection, message: Message) -> None:
    """zxdg_output_manager_v1.get_xdg_output(id, output), which the proxy answers itself: now if it knows the screen, and with each
    wl_output.done."""
    made = message.created
    if made is None:
        return
    output = message.number(1)
    screen = screen_of(connection, output)
    screen.watchers = [watcher for watcher in screen.watchers if watcher.stage == LIVE][:MOST_WATCHERS]
    screen.watchers.append(made)
    ends = made.version >= 3  # from 3 on wl_output.done ends what was said
    if not screen.width:
        screen.untold = screen.untold or ends
        return
    tell(connection, made, screen, output)
    found = connection.objects.of_guest(output)
    if ends and found is not None and not found.ghost:
        send_done(connection, found)


def send_done(connection: Connection, output: Object) -> None:
    """wl_output.done(), where its version has it."""
    for event in output.table.events:
        if event.name == "done" and event.since <= output.version:
            connection.send_to_guest(wire.encode(output.guest_id, event.opcode, "", []))


def tell(connection: Connection, made: Object, screen: Screen, output: int) -> None:
    """Sends one zxdg_output_v1 what there is to know: the size that wl_output gave, at 0, 0, and the output's name for this guest."""
    name = f"VM-{connection.bound.get(output, 0)}"
    answers: dict[str, list[object]] = {
        "logical_position": [0, 0],
        "logical_size": [screen.width // screen.scale, screen.height // screen.scale],
        "name": [name],
        "description": [name],
    }
    if made.version < 3:
        answers["done"] = []
    for event in made.table.events:
        if event.name in answers and event.since <= made.version:
            connection.send_to_guest(wire.encode(made.guest_id, event.opcode, event.signature, answers[event.name]))


def on_output_done(connection: Connection, message: Message) -> int:
    """wl_output.done(): what belongs to it and is the proxy's own goes before it. A zxdg_output_v1 made before the screen was known has a
    done of its own, as from compositors: SDL 2 counts two before it believes in a screen (SDL_waylandvideo.c, display_handle_done)."""
    output = message.target.guest_id
    screen = screens(connection).get(output)
    if screen is not None:
        if screen.untold:
            screen.untold = False
            send_done(connection, message.target)
        for watcher in screen.watchers:
            if watcher.stage == LIVE:
                tell(connection, watcher, screen, output)
    return FORWARD


def on_mode(connection: Connection, message: Message) -> int:
    """wl_output.mode(flags, width, height, refresh)."""
    if message.number(0) & CURRENT:
        screen = screen_of(connection, message.target.guest_id)
        screen.width, screen.height = max(0, message.number(1)), max(0, message.number(2))
    if made_up(connection, OUTPUT, "mode"):
        replace(message, 3, REFRESH)
    return FORWARD


def on_output_name(connection: Connection, message: Message) -> int:
    """wl_output.name(name), wl_output.description(description): the number under which the guest knows the global."""
    if made_up(connection, OUTPUT, message.rule.name):
        number = connection.bound.get(message.target.guest_id, 0)
        replace(message, 0, f"VM-{number}")
    return FORWARD


def on_xdg_output_text(connection: Connection, message: Message) -> int:
    """zxdg_output_v1.name and description, of which a guest has wl_output's."""
    return DROP if made_up(connection, OUTPUT, message.rule.name) else FORWARD


def on_position(connection: Connection, message: Message) -> int:
    """zxdg_output_v1.logical_position(x, y), and the first two arguments of wl_output.geometry."""
    if made_up(connection, OUTPUT, "position"):
        replace(message, 0, 0)
        replace(message, 1, 0)
    return FORWARD


def on_seat_name(connection: Connection, message: Message) -> int:
    """wl_seat.name(name)."""
    if made_up(connection, SEAT, "name"):
        replace(message, 0, SEAT_NAME)
    return FORWARD


def on_device(connection: Connection, message: Message) -> int:
    """zwp_linux_dmabuf_feedback_v1.main_device(device) and tranche_target_device(device)."""
    if made_up(connection, DMABUF, "device"):
        replace(message, 0, DEVICE)
    return FORWARD
