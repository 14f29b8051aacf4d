"""Objects in an order, a shape or a number that compositors have died of."""

from __future__ import annotations

from .rows import more_than, row
from .wire import Guest

MOST = 0x7FFFFFFF


@row("A05", "a surface destroyed under its window, then the window used", r"wl_surface#(\d+)\.destroy\(\).*xdg_toplevel#\d+\.set_title")
def defunct_role(g: Guest) -> None:
    _, surface, held, toplevel = g.window()
    g.sync()
    g.ask(surface, 0)
    g.ask(toplevel, 2, "still here")
    g.ask(toplevel, 9)
    g.ask(held, 3, 0, 0, 10, 10)
    g.ask(toplevel, 0)
    g.ask(held, 0)
    g.sync()


@row("A06", "the shell destroyed before its windows", r"xdg_wm_base#\d+\.destroy")
def shell_first(g: Guest) -> None:
    shell, surface, _, _ = g.window()
    g.ask(shell, 0)
    g.ask(surface, 6)
    g.sync()


@row("A06b", "an xdg_surface destroyed before its toplevel", r"xdg_surface#\d+\.destroy\(\).*xdg_toplevel#\d+\.set_title")
def shell_surface_first(g: Guest) -> None:
    _, _, held, toplevel = g.window()
    g.ask(held, 0)
    g.ask(toplevel, 2, "x")
    g.sync()


@row("A07", "a sub-surface loop", more_than(1, r"get_subsurface"))
def loop(g: Guest) -> None:
    manager = g.bind("wl_subcompositor")
    one, two = g.surface(), g.surface()
    g.make(manager, 1, one, two)
    g.make(manager, 1, two, one)
    g.ask(one, 6)
    g.ask(two, 6)
    g.sync()


@row("A07b", "a surface as its own parent", r"get_subsurface")
def own_parent(g: Guest) -> None:
    one = g.surface()
    g.make(g.bind("wl_subcompositor"), 1, one, one)
    g.ask(one, 6)
    g.sync()


@row("A08", "300 levels of sub-surfaces", more_than(299, r"get_subsurface"))
def deep(g: Guest) -> None:
    manager = g.bind("wl_subcompositor")
    above = g.surface()
    for _ in range(300):
        below = g.surface()
        g.make(manager, 1, below, above)
        above = below
    g.ask(above, 6)
    g.sync()


@row("A09", "a window that is a sub-surface, too", r"get_subsurface")
def two_roles(g: Guest) -> None:
    _, surface, _, _ = g.window()
    g.make(g.bind("wl_subcompositor"), 1, surface, g.surface())
    g.ask(surface, 6)
    g.sync()


@row("A10", "a buffer before the first configure", r"attach\(\d+, 0, 0\).*commit")
def unconfigured(g: Guest) -> None:
    surface, held = g.shell_surface(g.bind("xdg_wm_base"))
    g.make(held, 1)
    g.show(surface, g.buffer()[2])
    g.sync()


@row("A10b", "a configure acknowledged that never was", r"ack_configure\(3735928559\)")
def unknown_serial(g: Guest) -> None:
    _, _, held, _ = g.window()
    g.ask(held, 4, 0xDEADBEEF)
    g.sync()


@row("A10c", "a buffer destroyed between attach and commit", r"attach\((\d+), 0, 0\)\n[^\n]*wl_buffer#\1\.destroy\(\)\n[^\n]*\.commit")
def dead_buffer(g: Guest) -> None:
    _, surface, _, _ = g.window()
    _, _, buffer = g.buffer()
    g.ask(surface, 1, buffer, 0, 0)
    g.ask(buffer, 0)
    g.ask(surface, 6)
    g.sync()


@row("A11", "a viewport's source outside its buffer", r"set_source\([^\n]*\n.*commit")
def outside(g: Guest) -> None:
    manager = g.bind("wp_viewporter")
    _, surface, _, _ = g.window()
    viewport = g.make(manager, 1, surface)
    g.ask(viewport, 1, 0, 0, 256 * 1000, 256 * 1000)
    g.ask(viewport, 2, 10, 10)
    g.show(surface, g.buffer()[2])
    g.sync()


@row("A12", "a window geometry of 2^31 - 1", r"set_window_geometry\(0, 0, 2147483647")
def geometry(g: Guest) -> None:
    _, surface, held, _ = g.window()
    g.ask(held, 3, 0, 0, MOST, MOST)
    g.show(surface, g.buffer()[2])
    g.sync()


@row("A14", "a buffer scale of 0", r"set_buffer_scale\(0\)")
def scale(g: Guest) -> None:
    g.ask(g.surface(), 8, 0)
    g.sync()


@row("A14b", "a buffer transform that does not exist", r"set_buffer_transform\(8\)")
def transform(g: Guest) -> None:
    g.ask(g.surface(), 7, 8)
    g.sync()


@row("A15", "a positioner of size 0", r"set_size\(0, 0\)")
def no_size(g: Guest) -> None:
    positioner = g.make(g.bind("xdg_wm_base"), 1)
    g.ask(positioner, 1, 0, 0)
    g.sync()


@row("B33", "1000 damage rectangles in one commit", more_than(900, r"\.damage\("))
def damage(g: Guest) -> None:
    _, surface, _, _ = g.window()
    g.ask(surface, 1, g.buffer()[2], 0, 0)
    for n in range(1000):
        g.ask(surface, 2, n, n, 1, 1)
    g.ask(surface, 6)
    g.sync()


@row("B41", "a move with a serial made up", r"xdg_toplevel#\d+\.move")
def forged_serial(g: Guest) -> None:
    _, _, _, toplevel = g.window()
    g.ask(toplevel, 5, g.bind("wl_seat"), 0xBADBAD)
    g.sync()


@row("B42", "the selection taken with a serial made up", r"wl_data_device#\d+\.set_selection")
def forged_selection(g: Guest) -> None:
    manager = g.bind("wl_data_device_manager")
    source = g.make(manager, 0)
    device = g.make(manager, 1, g.bind("wl_seat"))
    g.ask(source, 0, "text/plain")
    g.ask(device, 1, source, 12345)
    g.sync()


@row("B45", "a window that moves itself by attach", r"attach\(\d+, 50, 50\)")
def walking(g: Guest) -> None:
    compositor = g.bind("wl_compositor", 4)
    shell = g.bind("xdg_wm_base")
    surface = g.make(compositor, 0)
    held = g.make(shell, 2, surface)
    g.make(held, 1)
    g.ask(surface, 6)
    configured = g.until(held, 0)
    if configured is not None:
        g.ask(held, 4, configured.words()[0])
        g.ask(surface, 1, g.buffer()[2], 50, 50)
        g.ask(surface, 6)
    g.sync()


@row("B47", "a sub-surface 2^31 pixels away", r"set_position\(2147483647")
def far_away(g: Guest) -> None:
    child = g.make(g.bind("wl_subcompositor"), 1, g.surface(), g.surface())
    g.ask(child, 1, MOST, -MOST)
    g.sync()


@row("B49", "a title with a terminal's control sequences and line breaks", r"set_title\([^\n]*\\x1b")
def escapes(g: Guest) -> None:
    g.ask(g.window()[3], 2, "\x1b]0;root@host\x07\n\u202egnol\u2028")
    g.sync()


@row("B51", "a title that pretends to be another machine's", r"set_title\('\[dom0\]")
def pretender(g: Guest) -> None:
    g.ask(g.window()[3], 2, "[dom0] password")
    g.sync()


@row("B52", "an app_id that is a host program's", r"set_app_id\('org\.keepassxc")
def borrowed_name(g: Guest) -> None:
    g.ask(g.window()[3], 3, "org.keepassxc.KeePassXC")
    g.sync()


@row("B63", "two windows that are each other's parent", more_than(1, r"set_parent\([1-9]"))
def parents(g: Guest) -> None:
    shell, _, _, one = g.window()
    _, held = g.shell_surface(shell)
    two = g.make(held, 1)
    g.ask(one, 1, two)
    g.ask(two, 1, one)
    g.sync()


@row("B63b", "a parent that was never shown", r"set_parent\([1-9]")
def unmapped_parent(g: Guest) -> None:
    shell, _, _, one = g.window()
    _, held = g.shell_surface(shell)
    g.ask(one, 1, g.make(held, 1))
    g.sync()


@row("B64", "a popup that is its own parent", r"get_popup")
def own_popup(g: Guest) -> None:
    shell = g.bind("xdg_wm_base")
    positioner = g.make(shell, 1)
    g.ask(positioner, 1, 10, 10)
    g.ask(positioner, 2, 0, 0, 1, 1)
    surface, held = g.shell_surface(shell)
    popup = g.make(held, 2, held, positioner)
    g.ask(surface, 6)
    g.ask(popup, 0)
    g.ask(held, 0)
    g.ask(surface, 0)
    g.sync()


@row("B64b", "a popup with a positioner that says nothing", r"get_popup")
def no_positioner(g: Guest) -> None:
    shell, _, held, _ = g.window()
    positioner = g.make(shell, 1)
    child, popup = g.shell_surface(shell)
    g.make(popup, 2, held, positioner)
    g.ask(child, 6)
    g.sync()


@row("B65", "a least size above the largest", r"set_min_size\(500, 500\).*\.commit\(\)\n[^\n]*sync")
def bounds(g: Guest) -> None:
    _, surface, _, toplevel = g.window()
    g.ask(toplevel, 8, 500, 500)
    g.ask(toplevel, 7, 10, 10)
    g.ask(surface, 6)
    g.sync()
