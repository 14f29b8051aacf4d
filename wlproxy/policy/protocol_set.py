"""What can only be judged when the interfaces of many files stand together: references, and one interface from two files.

Promises: pure; finds all that is wrong and changes nothing. Trusts: each interface to be consistent in itself, as
`protocol_xml` and `from_compact` give them.
"""

from __future__ import annotations

from collections.abc import Mapping

from wlproxy.core.protocol import INT, Argument, Interface, Message


def dangling(interface: Interface, known: Mapping[str, Interface]) -> list[str]:
    """The references of `interface` that lead nowhere in `known`, as words for an error."""
    found = []
    for message in (*interface.requests, *interface.events):
        for argument in message.arguments:
            where = f"{interface.name}.{message.name}: argument {argument.name}"
            if argument.interface and argument.interface not in known:
                found.append(f"{where} names the interface {argument.interface}, which no file defines")
            if argument.enum:
                found += [f"{where} {wrong}" for wrong in _wrong_enum(argument, known)]
    return found


def _wrong_enum(argument: Argument, known: Mapping[str, Interface]) -> list[str]:
    holder_name, _, enum_name = argument.enum.rpartition(".")
    holder = known.get(holder_name)
    if holder is None:
        return [f"names the enum {argument.enum}, but no file defines {holder_name}"]
    enum = next((enum for enum in holder.enums if enum.name == enum_name), None)
    if enum is None:
        return [f"names the enum {argument.enum}, which {holder_name} does not have"]
    if enum.bitfield and argument.type == INT:
        return [f"is an int, but {argument.enum} is a bitfield"]
    return []


def breaks(older: Interface, newer: Interface) -> list[str]:
    """Where `newer` reads bytes otherwise than `older`: empty if newer may stand in for it.

    A newer version of an interface may append messages; what was there keeps its opcode, its argument types, what it
    creates and what it ends. Names of arguments, enums and `since` of equal messages do not change how bytes are read.
    """
    found = []
    if newer.version < older.version:
        found.append(f"version {newer.version} is below {older.version}")
    for kind, before, after in (("request", older.requests, newer.requests), ("event", older.events, newer.events)):
        if len(after) < len(before):
            found.append(f"{kind} {before[len(after)].name} is gone")
        for opcode, (was, now) in enumerate(zip(before, after, strict=False)):
            if was.name != now.name:
                found.append(f"{kind} {opcode} was {was.name} and is {now.name}")
            elif _wire(was) != _wire(now):
                found.append(f"{kind} {was.name} has other arguments")
            elif was.destructor != now.destructor:
                found.append(f"{kind} {was.name} {'no longer ends' if was.destructor else 'now ends'} its object")
    return found


def _wire(message: Message) -> list[tuple[str, str]]:
    """What decides how the message is read: types, and the interface of new objects and of those handed over."""
    return [(argument.type, argument.interface) for argument in message.arguments]
