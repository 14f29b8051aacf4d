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
from typing import IO, Any

from ..core.errors import ConfigError, ConfigErrors
from ..policy.document import Document, show
from ..policy.identity import canonical
from ..policy.load_compiled import load_compiled, only_compiled
from ..policy.load_file import CEILING_FILE
from ..policy.load_guest import check_variables, declared_only, guest_files, load_guest, name_of, policy_of
from ..policy.load_safely import ROOT_AND_US, Owners, check_folder
from ..policy.read_guest import GuestFile
from . import address
from .compiled import PolicyInvalid, Trust, from_source, head_of, invalid, signature_check, with_shadow


def read(path: str, variables: dict[str, str], policy: str, trust: Trust, shadow: str = "") -> tuple[dict[str, Any], bytes]:
    """One guest's head line (compilation.answer) with "guest": what the file says, and its compiled policy; `variables`, `policy` and
    `shadow` go over what the file says of them."""
    try:
        return read_valid(path, variables, policy, trust, shadow)
    except PolicyInvalid as error:
        return refused(error), b""
    except ConfigErrors as errors:
        return refused(invalid(errors.findings)), b""
    except ConfigError as error:
        return refused(invalid([error])), b""
    except OSError as error:
        return refused(PolicyInvalid([f"{error.filename or path}: {error.strerror}"])), b""


def refused(why: PolicyInvalid) -> dict[str, Any]:
    """The head line of a guest that cannot be."""
    return {"findings": why.lines, "exit_code": why.exit_code}


def read_valid(path: str, variables: dict[str, str], instead: str, trust: Trust, shadow: str) -> tuple[dict[str, Any], bytes]:
    """The same. Raises PolicyInvalid, ConfigErrors, ConfigError, OSError."""
    owners = Owners(trust.owners)
    ceiling = CEILING_FILE if trust.ceiling is None else trust.ceiling
    document, guest = checked(path, owners)
    policy, expired = (instead, False) if instead else policy_of(guest, time.time())
    given = {"vm": name_of(path)} | guest.variables | variables
    other = shadow or ("" if expired else beside(path, guest.shadow))
    place = instead or beside(path, policy)
    if policy.endswith(".json"):
        compiled = load_compiled(place, owners, signature_check(trust, owners), ceiling)
    elif trust.signers and not expired:
        raise only_compiled(policy)
    else:
        values = declared_only(policy, given) if expired else given
        if not expired and not instead:
            raise_findings_about_variables(document, guest, place)
        compiled = from_source(place, values, owners, ceiling)
    if other:
        compiled = with_shadow(compiled, other, given, trust)
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
    return head, canonical(compiled)


def checked(path: str, owners: Owners | None = ROOT_AND_US) -> tuple[Document, GuestFile]:
    """The file itself, without its policy. Raises ConfigErrors with all findings."""
    document, guest = load_guest(path, owners)
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


def write_all(folder: str, trust: Trust, out: IO[bytes], only: str = "") -> None:
    """A line for each guest's file as soon as it has been read: {"name", "file", "head", "data"}; then one without a name,
    {"error": "" or why the folder cannot be read, "exit_code"}, without which the answer is not whole."""
    try:
        check_folder(folder, Owners(trust.owners))
        paths = guest_files(folder)
    except ConfigError as error:
        code = 0 if error.code == "unreadable" else invalid([error]).exit_code
        write_line(out, {"error": "\n".join(invalid([error]).lines), "exit_code": code})
        return
    for path in paths:
        if only not in ("", name_of(path)):
            continue
        head, data = read(path, {}, "", trust)
        write_line(out, {"name": name_of(path), "file": path, "head": head, "data": data.decode("ascii")})
    write_line(out, {"error": "", "exit_code": 0})


def write_line(out: IO[bytes], value: dict[str, Any]) -> None:
    """One line, at once."""
    out.write(json.dumps(value).encode("ascii") + b"\n")
    out.flush()
