"""Every request and every event of every interface in the data with every extreme value, one argument at a time.

Under the transparent policy an object of the interface is put straight into both tables, so that interfaces which a conversation
reaches only by luck are swept like the others. One test for each interface.
"""

from __future__ import annotations

import struct

import pytest

from tests.scene import shipped
from wlproxy.core.fds import MEMFD
from wlproxy.core.outcome import GUEST, HOST
from wlproxy.tools.fuzzing.conversation import Descriptor, Step
from wlproxy.tools.fuzzing.drive import Drive
from wlproxy.tools.fuzzing.policies import tables_of
from wlproxy.tools.fuzzing.reference import Held, pack, wire_arguments
from wlproxy.tools.fuzzing.values import EXTREME_ARRAYS, EXTREME_IDS, EXTREME_INTS, EXTREME_TEXTS

VALUES = {
    "int": EXTREME_INTS,
    "uint": EXTREME_INTS,
    "fixed": EXTREME_INTS,
    "string": (None, *EXTREME_TEXTS),
    "array": (None, *EXTREME_ARRAYS),
    "object": EXTREME_IDS,
    "new_id": EXTREME_IDS,
}
TABLES = {name: tables_of(name, shipped()) for name in ("fuzz-transparent", "fuzz-refusing", "fuzz-desktop")}
FD = Descriptor(MEMFD, size=65536)


def with_object(policy: str, name: str) -> tuple[Drive, int]:
    """A drive whose guest has one object of the interface: 2, or its wl_display."""
    drive = Drive(TABLES[policy], shipped())
    if name == "wl_display":
        return drive, 1
    for session in drive.sessions:
        family = TABLES[policy].families[name]
        made = session.connection.objects.create(2, family.table(family.max_version))
        if family.new_note is not None:
            made.note = family.new_note(session.connection, made)
    for peer in (drive.guest, drive.host):
        peer.created(2, name, TABLES[policy].families[name].max_version)
        assert isinstance(peer.objects[2], Held)
    return drive, 2


def plain(kind: str, nullable: bool, new_id: int) -> object:
    if kind == "new_id":
        return new_id
    return {"string": "a", "array": b"", "object": 0 if nullable else 1}.get(kind, 1)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_extreme_argument(name):
    interface = shipped()[name]
    for policy in TABLES:
        if name not in TABLES[policy].families:
            continue
        for side, messages in ((GUEST, interface.requests), (HOST, interface.events)):
            new_id = 3 if side == GUEST else 0xFF000000
            for opcode, message in enumerate(messages):
                layout = [a for a in wire_arguments(message) if a[0] != "fd"]
                fds = (FD,) * (len(wire_arguments(message)) - len(layout))
                base = [plain(kind, nullable, new_id) for kind, _, nullable, _ in layout]
                tries = [base]
                for index, (kind, _, _, _) in enumerate(layout):
                    tries += [[*base[:index], value, *base[index + 1 :]] for value in VALUES[kind]]
                drive, target = with_object(policy, name)
                for args in tries:
                    if drive.over or message.destructor or drive.host.complaints or any(a[0] == "new_id" for a in layout):
                        drive.finish()
                        drive, target = with_object(policy, name)
                    data = pack_any(target, opcode, message, args)
                    if len(data) <= 65532:
                        drive.play(Step(side, data, fds))
                drive.finish()


def pack_any(target, opcode, message, args):
    try:
        return pack(target, opcode, message, args)
    except struct.error:  # a size that 16 bits do not hold
        return bytes(70000)
