"""The one grammar of messages: what is read, what is written, and what an error says."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.interfaces import interfaces
from tests.scene import shipped
from wlproxy.core.errors import ConfigError
from wlproxy.core.fds import KIND_NAMES
from wlproxy.core.protocol import Argument, Interface, enum_of
from wlproxy.policy.grammar import (
    ANY,
    EVENT,
    REQUEST,
    Array,
    Descriptor,
    Fixed,
    Literal,
    NewId,
    Reference,
    Unshown,
    Value,
    wire_arguments,
    write,
)
from wlproxy.policy.read_literal import read


def one(text: str, partial: bool = False) -> Literal:
    return read(text, shipped(), partial)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('xdg_toplevel.set_title("a\\u202eb")', Literal(REQUEST, "xdg_toplevel", None, "set_title", ("a\u202eb",))),
        ("wl_registry.bind(wl_shm, 1)", Literal(REQUEST, "wl_registry", None, "bind", (ANY, "wl_shm", 1, NewId()))),
        ("xdg_surface#12.get_toplevel(new id)", Literal(REQUEST, "xdg_surface", 12, "get_toplevel", (NewId(),))),
        (
            "zwlr_screencopy_manager_v1.capture_output(new id, 0, wl_output#7)",
            Literal(REQUEST, "zwlr_screencopy_manager_v1", None, "capture_output", (NewId(), 0, Reference("wl_output", 7))),
        ),
        (
            "xdg_toplevel.resize(wl_seat#4, 3, top_left)",
            Literal(REQUEST, "xdg_toplevel", None, "resize", (Reference("wl_seat", 4), 3, 5)),
        ),
        ("wl_seat.capabilities(pointer|keyboard)", Literal(EVENT, "wl_seat", None, "capabilities", (3,))),
        ("xdg_toplevel.set_parent(nil)", Literal(REQUEST, "xdg_toplevel", None, "set_parent", (None,))),
        (
            "wl_shm.create_pool(new id, fd memfd 4096, 4096)",
            Literal(REQUEST, "wl_shm", None, "create_pool", (NewId(), Descriptor("memfd", 4096), 4096)),
        ),
        ("wl_pointer.motion(7, 1.5, -0.25)", Literal(EVENT, "wl_pointer", None, "motion", (7, Fixed(384), Fixed(-64)))),
        (
            "xdg_toplevel.configure(0, 0, array[8])",
            Literal(EVENT, "xdg_toplevel", None, "configure", (0, 0, Array(8))),
        ),
        ("xdg_toplevel.set_title(text[5])", Literal(REQUEST, "xdg_toplevel", None, "set_title", (Unshown(5),))),
        ('xdg_toplevel.set_title("ab"...[300])', Literal(REQUEST, "xdg_toplevel", None, "set_title", (Unshown(300, "ab"),))),
    ],
)
def test_a_message_is_read_and_written_again(text: str, expected: Literal) -> None:
    assert one(text) == expected
    assert write(expected, shipped()) == text


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("[3051713.123]  -> wl_surface@3.attach(wl_buffer@7, 0, 0)", "wl_surface#3.attach(wl_buffer#7, 0, 0)"),
        ("[ 12.3] {Default Queue} wl_display#1.delete_id(3)", "wl_display#1.delete_id(3)"),
        ("[ 12.3] discarded wl_callback#9.done(77)", "wl_callback#9.done(77)"),
        ('[1.2]  -> wl_registry@2.bind(1, "wl_shm", 1, new id [unknown]@4)', 'wl_registry#2.bind(1, "wl_shm", 1, new id #4)'),
        ('[1.2]  -> xdg_toplevel@9.set_title("a "quoted" C:\\new")', 'xdg_toplevel#9.set_title("a \\"quoted\\" C:\\\\new")'),
        ("[1.2] wl_pointer@5.motion(9, 12.50000000, 3.996094)", "wl_pointer#5.motion(9, 12.5, 3.99609375)"),
        ("[1.2]  -> wl_shm@4.create_pool(new id wl_shm_pool@6, fd 5, 4096)", "wl_shm#4.create_pool(new id wl_shm_pool#6, fd, 4096)"),
        ("\x1b[32m[1.2] \x1b[0m{Default Queue} \x1b[33m -> wl_surface#3\x1b[36m.commit()\x1b[0m", "wl_surface#3.commit()"),
        ("[    0.123456] 1  -> wl_surface#3.commit()  ; allowed", "wl_surface#3.commit()"),
    ],
)
def test_lines_of_libwayland_and_of_our_trace(line: str, written: str) -> None:
    assert write(one(line), shipped()) == written


def test_arguments_may_be_left_out_only_where_the_caller_permits() -> None:
    assert one("xdg_toplevel.set_title", partial=True).arguments is None
    assert one("wl_pointer.button(state=pressed)", partial=True).arguments == (ANY, ANY, ANY, 1)
    assert one("wl_registry.bind(wl_shm)", partial=True).arguments == (ANY, "wl_shm", ANY, NewId())
    for text in ("xdg_toplevel.set_title", "xdg_toplevel.set_title()", "xdg_toplevel.set_title(_)", "wl_registry.bind(wl_shm)"):
        with pytest.raises(ConfigError):
            one(text)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("xdg_topleve.set_title", 1, "did you mean xdg_toplevel?"),
        ("xdg_toplevel.set_titel", 14, "did you mean set_title?"),
        ("wl_pointer.button(stat=1)", 19, "did you mean state?"),
        ("xdg_toplevel.set_title(5)", 24, "expected a string in quotation marks for argument title"),
        ('xdg_toplevel.set_title("a)', 24, "does not end"),
        ("xdg_toplevel.resize(wl_seat#4, 3, top_lef)", 35, "did you mean top_left?"),
        ("xdg_toplevel.resize(wl_seat#4, 3, top|left)", 35, "no bitfield"),
        ("xdg_toplevel.resize(wl_surface#4, 3, top)", 21, "this is a wl_surface"),
        ("wl_surface.attach(wl_buffer#7, 0)", 33, "argument y is missing"),
        ("wl_surface.attach(wl_buffer#7, 0, 0, 0)", 38, "this is one more"),
        ("wl_surface.attach(wl_buffer#7, 99999999999, 0)", 32, "does not fit"),
        ("wl_surface.commit() x", 21, "expected the end"),
        ("wl_surface#0.commit()", 11, "no object has the number 0"),
        ("wl_shm.create_pool(new id, fd mefd, 4096)", 31, "did you mean memfd?"),
        ('xdg_toplevel.set_title("a\\ud800")', 24, "half of a surrogate pair"),
        ("", 1, "expected the name of an interface"),
        ("discarded [unknown]@3.[event 1](0 fd, 12 byte)", 1, "libwayland did not know"),
        ("x" * 70000, 65537, "at most 65536 characters"),
    ],
)
def test_an_error_says_the_column_and_what_was_expected(text: str, column: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        one(text)
    assert caught.value.column == column
    assert words in str(caught.value)


def test_every_message_of_the_data_can_be_written_without_arguments() -> None:
    for interface in shipped().values():
        for direction, messages in ((REQUEST, interface.requests), (EVENT, interface.events)):
            for message in messages:
                literal = Literal(direction, interface.name, 5, message.name, None)
                assert one(write(literal, shipped()), partial=True) == literal


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
escaped = st.text(st.sampled_from('ab\udc80\udcff"\\,)\u202e\n\U0001f600'), max_size=6)
ids = st.integers(1, 2**32 - 1)


def values_of(argument: Argument, known: dict[str, Interface]) -> st.SearchStrategy[Value]:
    """Values as `read` gives them for this argument."""
    kind = argument.type
    if kind == "int":
        return st.integers(-(2**31), 2**31 - 1)
    if kind == "uint":
        enum = enum_of(argument, known)
        named = st.sampled_from([entry.value for entry in enum.entries]) if enum is not None and enum.entries else st.nothing()
        return named | st.integers(0, 2**32 - 1)
    if kind == "fixed":
        return st.integers(-(2**31), 2**31 - 1).map(Fixed)
    if kind == "string":
        return st.none() | texts | escaped | st.builds(Unshown, st.integers(0, 9999), texts)
    if kind == "array":
        return st.integers(-1, 9999).map(Array)
    if kind == "fd":
        return st.just(Descriptor()) | st.builds(Descriptor, st.sampled_from(KIND_NAMES), st.integers(-1, 2**40))
    names = st.sampled_from([argument.interface] if argument.interface in known else sorted({*known} - {"_", "nil"})[:9] or [""])
    if kind == "new_id":
        named_new = st.builds(NewId, names, ids) if argument.interface else st.builds(NewId, st.just(""), ids)
        return st.none() | st.just(NewId()) | (named_new if argument.interface in (*known, "") else st.nothing())
    anonymous = st.builds(Reference, st.just(argument.interface), ids)
    return st.none() | anonymous | st.builds(Reference, names, st.just(0) | ids) if argument.interface in (*known, "") else anonymous


@st.composite
def literals(draw: st.DrawFn) -> tuple[Literal, dict[str, Interface]]:
    if draw(st.booleans()):
        known = {interface.name: interface for interface in draw(interfaces())}
        for interface in list(known.values()):  # what is referred to is there, as load_protocols sees to it
            for message in (*interface.requests, *interface.events):
                for argument in message.arguments:
                    if argument.interface:
                        known.setdefault(argument.interface, Interface(argument.interface, 1))
    else:
        names = draw(st.lists(st.sampled_from(sorted(shipped())), min_size=1, max_size=3))
        known = dict(shipped()) if names else {}
    interface = draw(st.sampled_from(list(known.values())))
    sides = [(d, m) for d, group in ((REQUEST, interface.requests), (EVENT, interface.events)) for m in group]
    if not sides:
        return draw(literals())
    direction, message = draw(st.sampled_from(sides))
    arguments = tuple(draw(st.just(ANY) | values_of(argument, known)) for argument in wire_arguments(message))
    return Literal(direction, interface.name, draw(st.none() | ids), message.name, draw(st.none() | st.just(arguments))), known


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(literals())
def test_what_is_written_is_read_as_the_same(made: tuple[Literal, dict[str, Interface]]) -> None:
    literal, known = made
    text = write(literal, known)
    assert text.isascii() and text.isprintable()
    assert read(text, known, partial=True) == literal


pieces = st.sampled_from(
    [*"()[]{}#@.,|\"\\;-> _=\n\x1b0x", "xdg_toplevel", "set_title", "wl_registry", "bind", "new id", "fd", "array["]
    + ["[1.2]", '"a"', "nil", "9" * 30]
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.lists(pieces, max_size=14).map("".join), st.booleans())
def test_any_text_gives_a_message_or_one_error(text: str, partial: bool) -> None:
    try:
        literal = read(text, shipped(), partial)
    except ConfigError as error:
        assert error.line == 1 and 1 <= error.column <= len(text) + 1 and error.message
        assert str(error).isprintable()
    else:
        assert read(write(literal, shipped()), shipped(), True) == literal


@pytest.mark.parametrize("text", ['[1.2] xdg_toplevel@9.set_title("' + '"a' * 30000, "(" * 60000, "wl_a" * 16000, "[" + " " * 65000])
def test_long_nonsense_is_refused_at_once(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConfigError):
        one(text)
    assert time.monotonic() - began < 1
