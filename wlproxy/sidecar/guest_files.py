"""Guests' files as broker and supervisor need them: what each says, and its policy compiled. Runs in a child (forked.py): it imports what
the policy needs.

Promises: a file with a mistake has all its findings, and costs the others nothing. Trusts: the folder.

What a file says (`said`): {"listen": URIs, "upstream": path or "", "audit": path, "-" or "", "policy": its policy's name, "expires":
seconds of the epoch or 0, "until": the same as written, "expired": whether it has}.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import IO, Any

from ..core.errors import ConfigError, ConfigErrors
from ..core.protocol import Interface
from ..policy import compile as compiler
from ..policy.document import Document, show
from ..policy.load import explain, load_policy
from ..policy.load_guest import check_variables, declared_only, guest_files, load_guest, name_of, policy_of
from ..policy.load_protocols import load_shipped
from ..policy.read_guest import GuestFile
from . import address
from .compiled import PolicyInvalid, from_json, head_of


@cache
def interfaces() -> dict[str, Interface]:
    """The installation's, once for all guests."""
    return load_shipped()


def read(path: str, variables: dict[str, str], policy: str = "") -> tuple[dict[str, Any], bytes]:
    """One guest's head line (compiled.answer) with "guest": what the file says, and its compiled policy; `variables` and `policy` go over
    what the file says of them."""
    try:
        return read_valid(path, variables, policy)
    except ConfigErrors as errors:
        return {"findings": explain(errors)}, b""
    except ConfigError as error:
        return {"findings": [str(error)]}, b""
    except PolicyInvalid as error:
        return {"findings": error.lines}, b""
    except OSError as error:
        return {"findings": [f"{error.filename or path}: {error.strerror}"]}, b""


def read_valid(path: str, variables: dict[str, str], instead: str) -> tuple[dict[str, Any], bytes]:
    """The same. Raises ConfigErrors, ConfigError, PolicyInvalid, OSError."""
    document, guest = checked(path)
    policy, expired = (instead, False) if instead else policy_of(guest, time.time())
    values = {"vm": name_of(path)} | guest.variables | variables
    if policy.endswith(".json"):
        compiled = from_json(policy)
    else:
        if expired:
            values = declared_only(policy, values)
        elif not instead:
            raise_findings_about_variables(document, guest, beside(path, policy))
        compiled = compiler.compile_policy(load_policy(beside(path, policy), values, interfaces()), interfaces())
    said = {
        "listen": guest.listen,
        "upstream": guest.upstream,
        "audit": guest.audit,
        "policy": policy,
        "expires": guest.expires.timestamp() if guest.expires is not None else 0.0,
        "until": guest.until,
        "expired": expired,
    }
    head = head_of(compiled) | {"guest": said, "warnings": [show(warning) for warning in document.warnings]}
    return head, compiler.canonical(compiled)


def checked(path: str) -> tuple[Document, GuestFile]:
    """The file itself, without its policy. Raises ConfigErrors with all findings."""
    document, guest = load_guest(path)
    for index, uri in enumerate(guest.listen):
        try:
            one = address.parse(uri)
        except address.ListenError as error:
            message = str(error).removeprefix(f"--listen {uri}: ").removeprefix("--listen ")
            document.wrong_value(("listen", str(index)), "listen", message)
            continue
        if isinstance(one, address.AcceptedAddress):
            text = f"{uri} is one connection on descriptors 0 and 1: give it to wlproxy run"
            document.wrong_value(("listen", str(index)), "listen", text)
    if len(os.fsencode(guest.upstream)) > address.LONGEST_PATH:
        document.wrong_value(("upstream",), "path", f"a socket's path has at most {address.LONGEST_PATH} bytes")
    if document.findings:
        raise ConfigErrors(sorted(document.findings, key=lambda finding: (finding.line, finding.column)))
    return document, guest


def raise_findings_about_variables(document: Document, guest: GuestFile, policy: str) -> None:
    """Raises ConfigErrors where the policy does not have what the file gives a value for."""
    check_variables(document, guest, policy)
    if document.findings:
        raise ConfigErrors(document.findings)


def beside(path: str, policy: str) -> str:
    """A policy named by a relative path is looked for beside the guest's file."""
    return os.path.join(os.path.dirname(path), policy) if "/" in policy and not policy.startswith("/") else policy


def write_all(folder: str, out: IO[bytes], only: str = "") -> None:
    """A line for each guest's file as soon as it has been read: {"name", "file", "head", "data"}; then one without a name,
    {"error": "" or why the folder cannot be read}, without which the answer is not whole."""
    try:
        paths = guest_files(folder)
    except ConfigError as error:
        write_line(out, {"error": str(error)})
        return
    for path in paths:
        if only not in ("", name_of(path)):
            continue
        head, data = read(path, {})
        write_line(out, {"name": name_of(path), "file": path, "head": head, "data": data.decode("ascii")})
    write_line(out, {"error": ""})


def write_line(out: IO[bytes], value: dict[str, Any]) -> None:
    """One line, at once."""
    out.write(json.dumps(value).encode("ascii") + b"\n")
    out.flush()
