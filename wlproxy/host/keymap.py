"""The host's keyboard: a US keymap written out in full, and which keys type a text.

Promises: the keymap needs no files of the client's system (no `include`), and comes in a sealed memfd that a client can only read.
Key codes are evdev's; XKB's are eight more.
"""

from __future__ import annotations

import fcntl
import os
from typing import Final

SHIFT: Final = 42
_ROWS: Final = (  # first evdev code, plain, with shift
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
)
_SYMBOLS: Final = {
    " ": "space", "!": "exclam", '"': "quotedbl", "#": "numbersign", "$": "dollar", "%": "percent", "&": "ampersand",
    "'": "apostrophe", "(": "parenleft", ")": "parenright", "*": "asterisk", "+": "plus", ",": "comma", "-": "minus", ".": "period",
    "/": "slash", ":": "colon", ";": "semicolon", "<": "less", "=": "equal", ">": "greater", "?": "question", "@": "at",
    "[": "bracketleft", "\\": "backslash", "]": "bracketright", "^": "asciicircum", "_": "underscore", "`": "grave",
    "{": "braceleft", "|": "bar", "}": "braceright", "~": "asciitilde",
}  # fmt: skip
_NAMED: Final = {  # evdev code -> keysym
    1: "Escape", 14: "BackSpace", 15: "Tab", 28: "Return", 29: "Control_L", 42: "Shift_L", 54: "Shift_R", 56: "Alt_L",
    58: "Caps_Lock", 59: "F1", 60: "F2", 61: "F3", 62: "F4", 63: "F5", 64: "F6", 65: "F7", 66: "F8", 67: "F9", 68: "F10",
    97: "Control_R", 100: "Alt_R", 102: "Home", 103: "Up", 104: "Prior", 105: "Left", 106: "Right", 107: "End", 108: "Down",
    109: "Next", 110: "Insert", 111: "Delete", 125: "Super_L",
}  # fmt: skip
_MODIFIERS: Final = (
    ("Shift", (42, 54)), ("Lock", (58,)), ("Control", (29, 97)), ("Mod1", (56, 100)), ("Mod4", (125,)),
)  # fmt: skip


def _typed() -> dict[str, tuple[int, bool]]:
    keys = {"\n": (28, False), "\t": (15, False), "\b": (14, False), "\x1b": (1, False)}
    for first, plain, shifted in _ROWS:
        for index, (low, high) in enumerate(zip(plain, shifted, strict=True)):
            keys[high] = (first + index, True)
            keys[low] = (first + index, False)
    return keys


TYPED: Final = _typed()  # character -> evdev code, whether with shift


def keymap_text() -> str:
    """The whole keymap in XKB's text format, version 1."""
    codes: list[int] = []
    symbols: list[str] = []
    for first, plain, shifted in _ROWS:
        for index, (low, high) in enumerate(zip(plain, shifted, strict=True)):
            codes.append(first + index)
            kind = "ALPHABETIC" if low.isalpha() else "TWO_LEVEL"
            pair = f"{_SYMBOLS.get(low, low)}, {_SYMBOLS.get(high, high)}"
            symbols.append(f'key <K{first + index}> {{ type = "{kind}", [ {pair} ] }};')
    for code, symbol in _NAMED.items():
        codes.append(code)
        symbols.append(f'key <K{code}> {{ type = "ONE_LEVEL", [ {symbol} ] }};')
    for modifier, keys in _MODIFIERS:
        symbols.append(f"modifier_map {modifier} {{ {', '.join(f'<K{code}>' for code in keys)} }};")
    names = "\n".join(f"<K{code}> = {code + 8};" for code in sorted(codes))
    return f"""xkb_keymap {{
xkb_keycodes "wlproxy" {{
minimum = 8;
maximum = 255;
{names}
indicator 1 = "Caps Lock";
}};
xkb_types "wlproxy" {{
type "ONE_LEVEL" {{ modifiers = none; level_name[Level1] = "Any"; }};
type "TWO_LEVEL" {{
modifiers = Shift; map[Shift] = Level2; level_name[Level1] = "Base"; level_name[Level2] = "Shift";
}};
type "ALPHABETIC" {{
modifiers = Shift + Lock; map[Shift] = Level2; map[Lock] = Level2; level_name[Level1] = "Base"; level_name[Level2] = "Caps";
}};
}};
xkb_compatibility "wlproxy" {{
interpret Caps_Lock+AnyOf(all) {{ action = LockMods(modifiers = Lock); }};
interpret Any+AnyOf(all) {{ action = SetMods(modifiers = modMapMods, clearLocks); }};
indicator "Caps Lock" {{ whichModState = locked; modifiers = Lock; }};
}};
xkb_symbols "wlproxy" {{
name[Group1] = "US";
{chr(10).join(symbols)}
}};
}};
"""


def keymap_file() -> tuple[int, int]:
    """A sealed memfd with the keymap and its final NUL, and its size. The caller owns the descriptor."""
    data = keymap_text().encode() + b"\0"
    descriptor = os.memfd_create("wlproxy-keymap", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return descriptor, len(data)
