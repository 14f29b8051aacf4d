"""The keymap compiles in libxkbcommon, and every character that can be typed is where it is said to be."""

from __future__ import annotations

import ctypes
import ctypes.util
import fcntl
import os
import string

import pytest

from wlproxy.host.keymap import SHIFT, TYPED, keymap_file, keymap_text


def test_printable_ascii_can_be_typed() -> None:
    assert set(string.printable) - {"\r", "\x0b", "\x0c"} <= TYPED.keys()


def test_file_is_sealed_and_terminated() -> None:
    descriptor, size = keymap_file()
    try:
        assert os.fstat(descriptor).st_size == size and os.pread(descriptor, size, 0)[-1:] == b"\0"
        assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
    finally:
        os.close(descriptor)


def test_libxkbcommon_agrees() -> None:
    found = ctypes.util.find_library("xkbcommon")
    if found is None:
        pytest.skip("libxkbcommon is not installed")
    library = ctypes.CDLL(found)
    for name in ("xkb_context_new", "xkb_keymap_new_from_string", "xkb_state_new"):
        getattr(library, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.xkb_context_new(1))  # without a system's include paths
    keymap = ctypes.c_void_p(library.xkb_keymap_new_from_string(context, keymap_text().encode(), 1, 0))
    assert keymap.value, "the keymap does not compile"
    state = ctypes.c_void_p(library.xkb_state_new(keymap))
    for character, (code, shifted) in TYPED.items():
        if shifted:
            library.xkb_state_update_key(state, SHIFT + 8, 1)
        typed = library.xkb_state_key_get_utf32(state, code + 8)
        if shifted:
            library.xkb_state_update_key(state, SHIFT + 8, 0)
        assert chr(typed) == {"\n": "\r"}.get(character, character)
