"""What real clients do in these tests, each as one function that works the same on every way to a compositor.

A scene starts a client on a way, waits until it shows what it should, and returns what was seen: pixels, titles, what was bound. The
tests compare that with what the same scene gave without a proxy.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.compositors import BY_NAME, Sway
from tests.e2e.images import Image
from tests.e2e.processes import debian_python, need, output_of, program, short_folder, until
from tests.e2e.proxy import DIRECT, Way, way

CLIENTS = Path(__file__).parent / "clients"
TITLE = "A title of the tests"
TYPED = "hello wayland"

# libwayland's WAYLAND_DEBUG, old and new: "-> wl_registry@2.bind(1, "wl_shm", 1, new id [unknown]@4)"
BIND = re.compile(r'-> wl_registry[@#]\d+\.bind\(\d+, "(\w+)", (\d+),')

FOOT_INI = """\
[main]
font=DejaVu Sans Mono:size=12
shell=/bin/sh
[cursor]
blink=no
[csd]
preferred=none
[bell]
urgent=no
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """`shot`: the screen once still. `bound`: interface -> how often. `title` and `app_id`: as the compositor has them."""

    shot: Image
    bound: dict[str, int] = field(default_factory=dict)
    title: str = ""
    app_id: str = ""


Scene = Callable[[Way], Awaitable[Seen]]


def bound_in(debug_output: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for interface, _version in BIND.findall(debug_output):
        counts[interface] = counts.get(interface, 0) + 1
    return counts


async def see(way: Way, output: Callable[[], str]) -> Seen:
    """The screen, the bindings and, where the compositor tells, the window."""
    compositor = way.compositor
    if not isinstance(compositor, Sway):
        return Seen(await compositor.still_screenshot(way.expected), bound_in(output()))
    window = await compositor.window()
    shot = await compositor.still_screenshot(way.expected)
    return Seen(shot, bound_in(output()), window["name"] or "", window["app_id"] or "")


async def still(way: Way) -> Seen:
    """The client whose every pixel is known."""
    env = way.client_environment(WAYLAND_DEBUG="1")
    command = [sys.executable, str(CLIENTS / "still.py"), "wlproxy.e2e.still", TITLE]
    async with program(command, env, way.compositor.folder) as client:
        await client.until_says("drawn")
        return await see(way, lambda: client.output)


async def simple_shm(way: Way) -> Seen:
    """weston's own first client; it animates, so that only its being there can be compared."""
    env = way.client_environment(WAYLAND_DEBUG="1")
    async with program([need("weston-simple-shm", "weston")], env, way.compositor.folder) as client:
        # a dozen frames: buffers were released and reused, callbacks came
        await until("a dozen frames", lambda: client.check_alive() and client.output.count(".frame(new id") > 12)
        title = (await way.compositor.window())["name"] if isinstance(way.compositor, Sway) else ""
        return Seen(await way.compositor.screenshot(), bound_in(client.output), title or "")


async def weston_terminal(way: Way) -> Seen:
    """A client with its own decorations, cursor themes, data devices and text."""
    command = [need("weston-terminal", "weston"), "--shell=/bin/cat"]
    env = way.client_environment(WAYLAND_DEBUG="1")
    async with program(command, env, way.compositor.folder) as client:
        await until("its first buffer", lambda: client.check_alive() and ".attach(wl_buffer" in client.output)
        return await see(way, lambda: client.output)


async def foot(way: Way) -> Seen:
    """A terminal that somebody types into."""
    assert isinstance(way.compositor, Sway)
    folder = way.compositor.folder
    (folder / "foot.ini").write_text(FOOT_INI)
    got = folder / "typed"
    script = f"printf 'ready? '; read -r line; printf %s \"$line\" > '{got}.new'; mv '{got}.new' '{got}'; exec cat"
    command = [need("foot", "foot"), f"--config={folder / 'foot.ini'}", f"--title={TITLE}", "--app-id=wlproxy.e2e.foot"]
    env = way.client_environment(WAYLAND_DEBUG="1", SHELL="/bin/sh")
    got.unlink(missing_ok=True)
    async with program([*command, "sh", "-c", script], env, folder) as client:
        await way.compositor.window()
        await until("the keyboard's focus", lambda: client.check_alive() and re.search(r"wl_keyboard[@#]\d+\.enter\(", client.output))
        await way.compositor.type_text(TYPED + "\n")
        await until("the line that was typed", lambda: client.check_alive() and got.exists())
        assert got.read_text() == TYPED
        return await see(way, lambda: client.output)


async def gtk4(way: Way) -> Seen:
    python = debian_python("gi; gi.require_version('Gtk', '4.0')", "python3-gi gir1.2-gtk-4.0")
    return await toolkit(way, [python, str(CLIENTS / "gtk4_window.py"), TITLE], GSK_RENDERER="cairo", GDK_BACKEND="wayland")


async def qt6(way: Way) -> Seen:
    python = debian_python("PyQt6.QtWidgets", "python3-pyqt6 qt6-wayland")
    command = [python, str(CLIENTS / "qt6_window.py"), TITLE]
    return await toolkit(way, command, QT_QPA_PLATFORM="wayland", QT_WAYLAND_DISABLE_WINDOWDECORATION="1")


async def qt5(way: Way) -> Seen:
    """Qt 6's window, on Qt 5."""
    python = debian_python("PyQt5.QtWidgets", "python3-pyqt5 qtwayland5")
    client = way.compositor.folder / "qt5_window.py"
    client.write_text((CLIENTS / "qt6_window.py").read_text().replace("PyQt6", "PyQt5"))
    return await toolkit(way, [python, str(client), TITLE], QT_QPA_PLATFORM="wayland", QT_WAYLAND_DISABLE_WINDOWDECORATION="1")


async def sdl(way: Way) -> Seen:
    """SDL 2 with software rendering: it believes in a screen only after two wl_output.done (handlers/virtual.py)."""
    command = [need("/usr/libexec/installed-tests/SDL2/testsprite2", "libsdl2-tests")]
    return await moving(way, command, SDL_VIDEODRIVER="wayland", SDL_RENDER_DRIVER="software")


async def mpv(way: Way) -> Seen:
    """A video of mpv's own making, through shared memory."""
    command = [need("mpv", "mpv"), "--no-config", "--vo=wlshm", "--no-audio", "--really-quiet"]
    return await moving(way, [*command, "av://lavfi:testsrc2=size=320x180:rate=30"])


async def gtk3(way: Way) -> Seen:
    """Its animations run on, so that only its being there can be compared."""
    return await moving(way, [need("gtk3-widget-factory", "gtk-3-examples")], commits=3, GDK_BACKEND="wayland")


async def simple_touch(way: Way) -> Seen:
    """It takes the globals of its first read for all there are, and ends where wl_shm is not among them."""
    return await moving(way, [need("weston-simple-touch", "weston")], commits=1)


async def moving(way: Way, command: list[str], commits: int = 12, **more: str) -> Seen:
    """A client that draws again and again: only its being there, and so many commits, can be compared."""
    env = way.client_environment(WAYLAND_DEBUG="1", **more)
    async with program(command, env, way.compositor.folder) as client:
        await until(f"{commits} commits", lambda: client.check_alive() and client.output.count(".commit()") >= commits)
        if not isinstance(way.compositor, Sway):
            return Seen(await way.compositor.screenshot(), bound_in(client.output))
        window = await way.compositor.window()
        return Seen(await way.compositor.screenshot(), bound_in(client.output), window["name"] or "", window["app_id"] or "")


async def toolkit(way: Way, command: list[str], **more: str) -> Seen:
    """A window of a toolkit: it shows, somebody types a word, it hears the word."""
    assert isinstance(way.compositor, Sway)
    env = way.client_environment(WAYLAND_DEBUG="1", **more)
    async with program(command, env, way.compositor.folder) as client:
        await client.until_says("shown")
        await way.compositor.window()
        await until("the keyboard's focus", lambda: client.check_alive() and re.search(r"wl_keyboard[@#]\d+\.enter\(", client.output))
        await way.compositor.type_text("abc")
        await client.until_says("typed c")
        assert re.findall(r"^typed (.)$", client.output, re.MULTILINE) == ["a", "b", "c"]
        return await see(way, lambda: client.output)


async def copy_and_paste(way: Way, text: bytes) -> bytes:
    """What wl-paste gets of what wl-copy offers, both on this way."""
    env = way.client_environment()
    folder = way.compositor.folder
    copy = [need("wl-copy", "wl-clipboard"), "--foreground"]
    async with program(copy, env | {"WAYLAND_DEBUG": "1"}, folder, stdin=text) as owner:
        await owner.until_says(".set_selection(")
        return await output_of([need("wl-paste", "wl-clipboard"), "--no-newline"], env, folder)


async def paste_of_anothers_copy(way: Way, directly: Way, text: bytes) -> bytes:
    """What wl-paste on this way gets of what wl-copy offers on the compositor itself; b"" where it says that there is nothing."""
    folder = way.compositor.folder
    copy = [need("wl-copy", "wl-clipboard"), "--foreground"]
    async with program(copy, directly.client_environment() | {"WAYLAND_DEBUG": "1"}, folder, stdin=text) as owner:
        await owner.until_says(".set_selection(")
        seen = await output_of([need("wl-paste", "wl-clipboard"), "--no-newline"], directly.client_environment(), folder)
        assert seen == text, "nobody could have read it"
        return await output_of([need("wl-paste", "wl-clipboard"), "--no-newline"], way.client_environment(), folder, failing=True)


async def globals_of(way: Way) -> dict[str, int]:
    """What the registry announces on this way: interface -> version."""
    listing = await output_of([sys.executable, str(CLIENTS / "list_globals.py")], way.client_environment(), way.compositor.folder)
    return {name: int(version) for name, version in (line.split() for line in listing.decode().splitlines())}


_direct: dict[tuple[str, Scene], Seen] = {}


async def without_proxy(compositor: str, scene: Scene) -> Seen:
    """What the scene shows directly; played once a test run."""
    key = (compositor, scene)
    if key not in _direct:
        with short_folder() as folder:
            async with BY_NAME[compositor](folder) as running, way(DIRECT, running) as directly:
                _direct[key] = await scene(directly)
    return _direct[key]


async def played(
    compositor: str, name: str, scene: Scene, folder: Path, expected: Image | None, waypipe: str = ""
) -> tuple[Way, Seen]:
    """The scene on a fresh compositor over this way; the way is closed when this returns."""
    async with BY_NAME[compositor](folder) as running, way(name, running, waypipe=waypipe) as taken:
        taken.expected = expected
        return taken, await scene(taken)


