"""Hypothesis strategies for interfaces as the XML reader could have made them."""

from __future__ import annotations

from hypothesis import strategies as st

from wlproxy.core.protocol import Argument, Entry, Enum, Interface, Message

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
entry_names = st.from_regex(r"[a-z0-9_]{1,8}", fullmatch=True)


@st.composite
def arguments(draw: st.DrawFn, event: bool, enums: list[str]) -> tuple[Argument, ...]:
    made = []
    may_create = True
    for name in draw(st.lists(names, max_size=5, unique=True)):
        kinds = ["int", "uint", "fixed", "string", "object", "array", "fd", *(["new_id"] if may_create else [])]
        type_ = draw(st.sampled_from(kinds))
        interface = (
            draw(names) if type_ == "new_id" and event else draw(st.just("") | names) if type_ in ("object", "new_id") else ""
        )
        enum = draw(st.sampled_from(["", *enums])) if type_ == "uint" else ""
        nullable = type_ in ("object", "string") and draw(st.booleans())
        may_create = may_create and type_ != "new_id"
        made.append(Argument(name, type_, interface, nullable, enum))
    return tuple(made)


@st.composite
def messages(draw: st.DrawFn, event: bool, version: int, enums: list[str]) -> tuple[Message, ...]:
    return tuple(
        Message(name, draw(arguments(event, enums)), draw(st.integers(1, version)), draw(st.booleans()))
        for name in draw(st.lists(names, max_size=4, unique=True))
    )


@st.composite
def enumerations(draw: st.DrawFn, version: int) -> tuple[Enum, ...]:
    since = st.integers(1, version)
    return tuple(
        Enum(
            name,
            tuple(
                Entry(entry, draw(st.integers(0, 2**32 - 1)), draw(since))
                for entry in draw(st.lists(entry_names, max_size=4, unique=True))
            ),
            draw(st.booleans()),
            draw(since),
        )
        for name in draw(st.lists(names, max_size=3, unique=True))
    )


@st.composite
def interfaces(draw: st.DrawFn) -> list[Interface]:
    """The interfaces of one protocol, at least one."""
    made = []
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        version = draw(st.integers(1, 9))
        enums = draw(enumerations(version))
        known = [f"{name}.{enum.name}" for enum in enums]
        made.append(
            Interface(name, version, draw(messages(False, version, known)), draw(messages(True, version, known)), enums, "made")
        )
    return made
