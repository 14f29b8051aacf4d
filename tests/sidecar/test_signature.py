"""Signatures of compiled policies (sidecar/signature.py), made and checked by the real ssh-keygen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.policy.test_load_compiled import edited, path
from wlproxy.core.errors import ConfigErrors
from wlproxy.policy.load_compiled import load_compiled
from wlproxy.policy.load_safely import ROOT_AND_US
from wlproxy.sidecar.compiled import Trust, signature_check

__all__ = ["path"]  # a fixture


def load(path: Path, signers: Path) -> str:
    """The name of the policy, loaded as a sidecar does that was told of a file of allowed signers."""
    check = signature_check(Trust(signers=str(signers)), ROOT_AND_US)
    return str(load_compiled(str(path), check=check, ceiling="")["name"])


def refusal(path: Path, signers: Path) -> tuple[str, str]:
    with pytest.raises(ConfigErrors) as caught:
        load(path, signers)
    (finding,) = caught.value.findings
    return finding.code, finding.message


@pytest.fixture
def signed(path: Path, tmp_path: Path) -> Path:
    """`path`, signed by admin@example; the file of allowed signers beside it is "allowed", another's key is "other"."""
    for name in ("key", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "allowed").write_text("admin@example " + (tmp_path / "key.pub").read_text())
    sign(path, tmp_path / "key")
    return path


def sign(path: Path, key: Path, namespace: str = "wlproxy-policy") -> None:
    Path(f"{path}.sig").unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(path)], check=True)


def test_a_good_signature(signed: Path, tmp_path: Path) -> None:
    assert load(signed, tmp_path / "allowed") == "desktop"


def test_a_signature_that_is_not_good(signed: Path, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    sign(signed, tmp_path / "key", "file")
    assert "namespace" in refusal(signed, allowed)[1]
    sign(signed, tmp_path / "other")
    assert "not in" in refusal(signed, allowed)[1]
    sign(signed, tmp_path / "key")
    edited(signed, "wl_drm", 1)
    code, message = refusal(signed, allowed)
    assert code == "signature" and "incorrect signature" in message
    Path(f"{signed}.sig").write_bytes(b"\0" * 100)
    assert refusal(signed, allowed)[0] == "signature"
    Path(f"{signed}.sig").unlink()
    assert "is not signed" in refusal(signed, allowed)[1]


def test_a_signer_whose_time_is_over(signed: Path, tmp_path: Path) -> None:
    words = (tmp_path / "allowed").read_text().split()
    (tmp_path / "allowed").write_text(f'{words[0]} valid-before="20200101" {words[1]} {words[2]}\n')
    assert refusal(signed, tmp_path / "allowed")[0] == "signature"


def test_signers_that_others_can_add_to_sign_nothing(signed: Path, tmp_path: Path) -> None:
    (tmp_path / "allowed").chmod(0o666)
    assert refusal(signed, tmp_path / "allowed")[0] == "unsafe"


def test_a_signature_that_is_no_file_makes_nobody_wait(signed: Path, tmp_path: Path) -> None:
    Path(f"{signed}.sig").unlink()
    os.mkfifo(f"{signed}.sig")
    assert "not a regular file" in refusal(signed, tmp_path / "allowed")[1]


def test_without_ssh_keygen_nothing_is_signed(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, message = refusal(signed, tmp_path / "allowed")
    assert code == "signature" and "ssh-keygen: No such file" in message
