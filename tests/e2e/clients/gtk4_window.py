"""A GTK 4 window that keeps still; run by the system's Python. Says "shown", and typed characters as "typed X".

No Gtk.Application: that would look for a session bus.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import GLib, Gtk  # noqa: E402


def on_key(_controller: Gtk.EventControllerKey, keyval: int, _keycode: int, _state: int) -> bool:
    print(f"typed {chr(keyval)}", flush=True)
    return True


loop = GLib.MainLoop()
Gtk.init()
settings = Gtk.Settings.get_default()
settings.set_property("gtk-enable-animations", False)
settings.set_property("gtk-cursor-blink", False)
window = Gtk.Window(title=sys.argv[1])
box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
box.append(Gtk.Label(label="A label with some text: äöü 12345"))
box.append(Gtk.ProgressBar(fraction=0.4, show_text=True))
box.append(Gtk.CheckButton(label="A check button", active=True))
window.set_child(box)
window.connect("map", lambda _window: print("shown", flush=True))
window.connect("close-request", lambda _window: loop.quit())
keys = Gtk.EventControllerKey()
keys.set_propagation_phase(Gtk.PropagationPhase.CAPTURE)
keys.connect("key-pressed", on_key)
window.add_controller(keys)
window.present()
loop.run()
