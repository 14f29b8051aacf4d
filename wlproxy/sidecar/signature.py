"""Signatures of compiled policies, as ssh-keygen(1) makes and checks them: FILE.sig beside FILE, namespace "wlproxy-policy".

    ssh-keygen -Y sign -n wlproxy-policy -f KEY work.json
    echo 'admin@example ssh-ed25519 AAAA...' > /etc/wlproxy/allowed_signers

Promises: who has signed these very bytes, or ConfigError. Trusts: ssh-keygen of the PATH, and the file of allowed signers where
nobody else can write to it (policy/load_safely.py); not the signature, which may lie anywhere.
"""

from __future__ import annotations

import os
import subprocess
from typing import Final

from ..core.errors import ConfigError
from ..policy.load_file import read_file
from ..policy.load_safely import ANYBODY, UNSIGNED, Owners

NAMESPACE: Final = "wlproxy-policy"
PROGRAM: Final = "ssh-keygen"
SECONDS: Final = 20
MOST_WORDS: Final = 200


def check_signature(path: str, data: bytes, signers: str, owners: Owners | None) -> str:
    """The principal, as the file of allowed signers calls them, who has signed `data`, the content of `path`. Raises ConfigError."""
    allowed = read_file(signers, owners)
    try:
        signature = read_file(path + ".sig", ANYBODY)
    except ConfigError as error:
        if error.code != "not-found":
            raise
        how = f"ssh-keygen -Y sign -n {NAMESPACE} -f KEY {path}"
        raise ConfigError(path, 0, 0, f"is not signed: there is no {path}.sig", how, UNSIGNED) from error
    files = [held(allowed), held(signature)]
    try:
        names = [f"/proc/self/fd/{number}" for number in files]
        found = ask(path, ["find-principals", "-f", names[0], "-s", names[1]], b"", files)
        principals = found.stdout.decode("utf-8", "replace").splitlines() if not found.returncode else []
        why = f"the key that signed it is not in {signers}"
        for principal in principals:
            options = ["verify", "-f", names[0], "-I", principal, "-n", NAMESPACE, "-s", names[1]]
            done = ask(path, options, data, files)
            if not done.returncode:
                return principal
            words = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            why = f"{principal}: {words[-1] if words else 'it does not fit'}"[:MOST_WORDS]
        raise ConfigError(path, 0, 0, f"its signature is not good: {why}", "", UNSIGNED)
    finally:
        for number in files:
            os.close(number)


def held(data: bytes) -> int:
    """A file in memory: what was read is what is used."""
    number = os.memfd_create("wlproxy-signature")
    with open(number, "wb", closefd=False) as file:
        file.write(data)
    return number


def ask(path: str, words: list[str], data: bytes, files: list[int]) -> subprocess.CompletedProcess[bytes]:
    """What ssh-keygen says. Raises ConfigError."""
    environment = os.environ | {"LC_ALL": "C"}
    try:
        return subprocess.run(
            [PROGRAM, "-Y", *words], input=data, capture_output=True, timeout=SECONDS, check=False, env=environment, pass_fds=files
        )
    except OSError as error:
        text = f"its signature cannot be checked: {PROGRAM}: {error.strerror}"
        raise ConfigError(path, 0, 0, text, "it comes with OpenSSH's client", UNSIGNED) from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError(path, 0, 0, f"its signature: {PROGRAM} gave no answer within {SECONDS} s", "", UNSIGNED) from error
