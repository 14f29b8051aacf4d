"""What a policy says of a global and of a message, layer by layer: the one place where verdicts are made.

compile.py obeys it, `wlproxy explain` prints it. Every layer has to agree: the strictest wins, and of equals the first.

    floor        what no policy may allow (protocols/interfaces.tsv)
    ceiling      what this host allows at most
    global       what the policy announces, up to which version
    permission   the named permissions that cover a global or a message
    message      the policy's rule for a single message
    argument     the policy's predicates, and the enums of the protocol

Promises: the default is "no"; a layer that has nothing to say says so. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .model import ALLOW, ASK, DENY, HIDE, NEVER, VIRTUAL, PermissionRule, Policy
from .permissions import OF_GLOBAL, OF_MESSAGE

FLOOR: Final = "floor"
CEILING: Final = "ceiling"
GLOBAL: Final = "global"
PERMISSION: Final = "permission"
MESSAGE: Final = "message"

BUILT_IN: Final = "built-in"
# The later is stricter. What the proxy serves itself may be there while a permission asks: it gives nothing that was not asked for.
ORDER: Final = (ALLOW, ASK, VIRTUAL, DENY, HIDE, NEVER)
NOT_NAMED: Final = "not named in the policy"

# The session lives by these, whatever a policy says.
ALWAYS: Final = ("wl_display", "wl_registry", "wl_callback")


@dataclass(frozen=True, slots=True)
class Step:
    """One layer's word. `verdict` "" = nothing to say; `key` what of the policy says it; `origin` file:line; `version`: at most, of a
    global."""

    layer: str
    verdict: str
    key: str = ""
    origin: str = ""
    version: int = 0


def strictest(steps: list[Step]) -> Step:
    """The step that decides: the first of the strictest. Raises ValueError where no layer says anything."""
    said = [step for step in steps if step.verdict]
    return max(said, key=lambda step: (ORDER.index(step.verdict), -steps.index(step)))


def allowed_version(steps: list[Step]) -> int:
    """The highest version that every layer allows."""
    return min(step.version for step in steps if step.version)


def global_steps(policy: Policy, name: str, newest: int) -> list[Step]:
    """What each layer says of a global; `newest` is the version that can be vetted."""
    if policy.transparent:
        return [Step(GLOBAL, ALLOW, "transparent", str(policy.origin), newest)]
    steps = [Step(FLOOR, NEVER, policy.never[name], BUILT_IN) if name in policy.never else Step(FLOOR, "")]
    top = None if policy.ceiling is None else policy.ceiling.globals.get(name)
    steps.append(Step(CEILING, "") if top is None else Step(CEILING, top.verdict, f"global.{name}", str(top.origin), top.max_version))
    rule = policy.globals.get(name)
    if rule is None:
        steps.append(Step(GLOBAL, HIDE, NOT_NAMED, str(policy.origin)))
    else:
        version = min(rule.max_version or newest, newest)
        steps.append(Step(GLOBAL, rule.verdict, f"global.{name}", str(rule.origin), version if rule.verdict != HIDE else 0))
    covering = OF_GLOBAL.get(name, ())
    steps.append(permission_step(policy, covering) if covering else Step(PERMISSION, ""))
    return steps


def permission_step(policy: Policy, names: tuple[str, ...]) -> Step:
    """What the permissions of a message or a global come to: the mildest of them, each as strict as policy or ceiling make it."""
    if policy.transparent:
        return Step(PERMISSION, ALLOW, "transparent", str(policy.origin))
    steps = [permission_verdict(policy, name) for name in names]
    return min(steps, key=lambda step: ORDER.index(step.verdict))


def permission_verdict(policy: Policy, name: str) -> Step:
    """The verdict of one permission, under the ceiling."""
    own = policy.permissions.get(name)
    if own is None:
        step = Step(PERMISSION, DENY, f"permission.{name}", f"{policy.origin}: permission {name} is not given")
    else:
        step = Step(PERMISSION, own.verdict, f"permission.{name}", str(own.origin))
    top = capped(policy, name)
    if top is not None and ORDER.index(top.verdict) > ORDER.index(step.verdict):
        return Step(PERMISSION, top.verdict, f"permission.{name} (ceiling)", str(top.origin))
    return step


def capped(policy: Policy, name: str) -> PermissionRule | None:
    """The ceiling's rule for a permission."""
    return None if policy.ceiling is None else policy.ceiling.permissions.get(name)


def message_steps(policy: Policy, interface: str, message: str) -> list[Step]:
    """What the layers beyond the global say of a message. The argument layer is the message's checks (compile.py)."""
    if policy.transparent:
        return [Step(MESSAGE, ALLOW, "transparent", str(policy.origin))]
    covering = OF_MESSAGE.get((interface, message), ())
    steps = [permission_step(policy, covering) if covering else Step(PERMISSION, "")]
    rule = policy.messages.get((interface, message))
    if rule is None:
        steps.append(Step(MESSAGE, ALLOW, "what an allowed global brings with it", BUILT_IN))
    else:
        steps.append(Step(MESSAGE, rule.verdict, f"message.{interface}.{message}", str(rule.origin)))
    return steps
