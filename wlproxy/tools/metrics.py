"""Status of sidecars (sidecar/control/orders.py) as Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats").

Promises: a label's value is a guest's name, a policy's, or a word of a closed set: an interface that is not in the protocol data, and any
word that is not expected, is "other". Pure. Trusts: nothing in the status; what is no number is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .. import __version__
from ..core.differences import STRICTER, WIDER
from ..sidecar.audit import VERSION as AUDIT_VERSION
from ..sidecar.control.state import USED
from ..sidecar.control.tally import ENDS, KINDS, OTHER, VERDICTS

GAUGE, COUNTER = "gauge", "counter"
MODES: Final = ("enforce", "complain", "transparent")

Labels = tuple[tuple[str, str], ...]


class Family:
    """One metric: its samples by labels."""

    def __init__(self, name: str, kind: str, about: str) -> None:
        self.name = name
        self.kind = kind
        self.about = about
        self.samples: dict[Labels, float] = {}

    def add(self, value: object, **labels: str) -> None:
        """One sample, or more of the same; nothing for what is no number."""
        if isinstance(value, (int, float)) and value >= 0:
            key = tuple(labels.items())
            self.samples[key] = self.samples.get(key, 0) + value

    def lines(self) -> Iterable[str]:
        """Help, type and samples; nothing where there are none."""
        if self.samples:
            yield f"# HELP {self.name} {self.about}"
            yield f"# TYPE {self.name} {self.kind}"
        for labels, value in sorted(self.samples.items()):
            inside = ",".join(f'{name}="{escaped(text)}"' for name, text in labels)
            yield f"{self.name}{{{inside}}} {value:.15g}" if inside else f"{self.name} {value:.15g}"


def exposition(guests: Iterable[Mapping[str, Any]], interfaces: frozenset[str]) -> str:
    """The whole text."""
    made: dict[str, Family] = {}

    def family(name: str, kind: str, about: str) -> Family:
        return made.setdefault(name, Family(f"wlproxy_{name}", kind, about))

    family("build_info", GAUGE, "This version, and that of audit entries.").add(1, version=__version__, schema=str(AUDIT_VERSION))
    for one in guests:
        of_guest(one, family, interfaces)
    return "".join(f"{line}\n" for one in made.values() for line in one.lines())


def of_guest(one: Mapping[str, Any], family: Any, interfaces: frozenset[str]) -> None:
    """One guest's samples."""
    guest = str(one.get("guest", ""))
    family("up", GAUGE, "Whether the guest is served.").add(int(one.get("state") == "running"), guest=guest)
    if "policy" not in one:
        return
    policy, relay = part(one, "policy"), part(one, "relay")
    names = {"policy": str(policy.get("name", "")), "generation": str(policy.get("generation", "")), "sha256": str(policy.get("sha256"))}
    family("policy_info", GAUGE, "The policy in force.").add(1, guest=guest, **names)
    family("policy_mode", GAUGE, "How it is applied.").add(1, guest=guest, mode=known(one.get("mode"), MODES))
    reloads = part(one, "reloads")
    for result in ("applied", "kept"):
        family("policy_reloads_total", COUNTER, "Reloads of the policy.").add(reloads.get(result), guest=guest, result=result)
    if reloads.get("at"):
        about = "When a reload last came to something or nothing."
        family("policy_last_reload_timestamp_seconds", GAUGE, about).add(reloads["at"], guest=guest)
    family("restarts_total", COUNTER, "Relays that ended unexpectedly.").add(one.get("restarts"), guest=guest)
    if relay:
        of_relay(guest, relay, family)
    for row in listed(one, "decisions"):
        if isinstance(row, list) and len(row) == 4:
            interface = row[2] if row[2] in interfaces or row[2] == "" else OTHER
            labels = {"verdict": known(row[0], VERDICTS), "layer": known(row[1], KINDS), "interface": interface}
            family("decisions_total", COUNTER, "Decisions that are in the audit log.").add(row[3], guest=guest, **labels)
    family("quota_exceeded_total", COUNTER, "Times that a rate or a bound of the guest's made it wait or ended a connection.").add(
        one.get("quota_exceeded"), guest=guest
    )
    for by, count in part(one, "disconnects").items():
        family("disconnects_total", COUNTER, "Connections that are over, by who ended them.").add(
            count, guest=guest, reason=known(by, ENDS)
        )
    audit = part(one, "audit")
    family("audit_events_total", COUNTER, "Audit entries of the guest's relay.").add(audit.get("entries"), guest=guest)
    family("audit_dropped_total", COUNTER, "Audit entries that a flood has cost.").add(audit.get("dropped"), guest=guest)


def of_relay(guest: str, relay: Mapping[str, Any], family: Any) -> None:
    """What only the relay knows."""
    used, limits = part(relay, "used"), part(relay, "limits")
    family("clients", GAUGE, "Connections of the guest now.").add(relay.get("clients"), guest=guest)
    family("objects", GAUGE, "Wayland objects of the guest now.").add(used.get("objects"), guest=guest)
    family("toplevels", GAUGE, "Windows of the guest now.").add(used.get("toplevels"), guest=guest)
    family("shm_bytes", GAUGE, "Shared memory of the guest's buffers now.").add(used.get("shm-bytes"), guest=guest)
    for name in USED:
        most = limits.get(name)
        if isinstance(most, int) and most > 0 and isinstance(used.get(name), int):
            family("quota_usage_ratio", GAUGE, "Part of a quota that is used.").add(used[name] / most, guest=guest, quota=name)
    for direction in ("requests", "events"):
        carried = part(relay, direction)
        labels = {"guest": guest, "direction": direction.rstrip("s")}
        family("messages_total", COUNTER, "Messages received, by direction.").add(carried.get("messages"), **labels)
        family("bytes_total", COUNTER, "Bytes received, by direction.").add(carried.get("bytes"), **labels)
        family("fds_passed_total", COUNTER, "Descriptors received, by direction.").add(carried.get("fds"), **labels)
    for kind, count in part(relay, "shadow_differences").items():
        about = "Messages that a shadow policy would have refused (stricter), and refused ones that it would have passed (wider)."
        family("shadow_differences_total", COUNTER, about).add(count, guest=guest, kind=known(kind, (STRICTER, WIDER)))
    queue = part(relay, "queue_bytes")
    for side, direction in (("guest", "event"), ("host", "request")):
        family("queue_bytes", GAUGE, "Bytes that wait to be sent, by direction.").add(queue.get(side), guest=guest, direction=direction)


def part(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object in an answer."""
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def listed(given: Mapping[str, Any], key: str) -> list[Any]:
    """A list in an answer."""
    value = given.get(key)
    return value if isinstance(value, list) else []


def known(value: object, words: tuple[str, ...]) -> str:
    """The word, if it is one of these."""
    return value if isinstance(value, str) and value in words else OTHER


def escaped(text: str) -> str:
    """A label's value; no control characters, whatever a guest is called."""
    safe = "".join(c if c.isprintable() else "?" for c in text[:128])
    return safe.replace("\\", "\\\\").replace('"', '\\"')
