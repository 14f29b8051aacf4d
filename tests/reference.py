"""The strict second opinion, which `wlproxy fuzz` needs as well: see wlproxy/tools/fuzzing/reference.py."""

from wlproxy.tools.fuzzing.reference import SERVER_IDS, Held, Peer, Rejected, pack, wire_arguments

__all__ = ["SERVER_IDS", "Held", "Peer", "Rejected", "pack", "wire_arguments"]
