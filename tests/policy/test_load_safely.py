"""Whose files make a policy: who could change them, on the disk as it is."""

from __future__ import annotations

import grp
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scene import shipped
from wlproxy.cli.main import main
from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.policy import load, load_safely
from wlproxy.policy.load import load_ceiling, load_policy
from wlproxy.policy.load_file import read_file
from wlproxy.policy.load_safely import ACCESS_LIST, Owners, check_folder

TEXT = 'format = 1\nname = "p"\n'
STRANGER = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
SHARED = next(g.gr_gid for g in grp.getgrall() if any(name != "root" for name in g.gr_mem) or g.gr_gid > 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A policy below two folders."""
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    (folder / "p.toml").write_text(TEXT)
    return folder / "p.toml"


def finding(path: Path, owners: Owners | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_file(str(path), owners or Owners())
    return caught.value


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize(("mode", "mend"), [(0o002, "chmod o-w "), (0o022, "chmod go-w "), (0o020, "chmod g-w ")])
@as_root
def test_what_others_may_write_to_is_named_and_what_is_said_mends_it(path: Path, which: int, mode: int, mend: str) -> None:
    culprit = (path, path.parent, path.parent.parent)[which]
    os.chown(culprit, 0, SHARED)
    culprit.chmod(culprit.stat().st_mode | mode)
    found = finding(path)
    assert (found.code, found.hint) == ("unsafe", f"{mend}{culprit}")
    assert f"{culprit} can be written to by {'everybody' if mode & 2 else 'the group'}" in found.message
    subprocess.run(found.hint, shell=True, check=True)
    assert read_file(str(path)) == TEXT.encode()


def test_all_that_is_wrong_with_a_path_is_said_at_once(path: Path) -> None:
    path.chmod(0o666)
    path.parent.chmod(0o777)
    found = finding(path)
    assert str(path.parent) + " can be" in found.message and str(path) + " can be" in found.message
    subprocess.run(found.hint, shell=True, check=True)
    assert read_file(str(path))


@as_root
@pytest.mark.parametrize("which", [0, 1])
def test_a_stranger_s_file_or_folder_is_refused_until_they_are_trusted(path: Path, which: int) -> None:
    os.chown((path, path.parent)[which], STRANGER, 0)
    found = finding(path)
    assert f"belongs to {STRANGER}" in found.message and f"--trust-owner {STRANGER}" in found.hint
    assert read_file(str(path), Owners([STRANGER]))


@as_root
def test_who_owns_the_program_could_change_that_as_well(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(path, STRANGER, 0)
    monkeypatch.setattr(load_safely, "programs_owner", lambda: STRANGER)
    assert read_file(str(path))


def test_a_sticky_folder_is_safe_for_what_is_ours(path: Path) -> None:
    path.parent.chmod(0o1777)
    assert read_file(str(path))


@as_root
def test_in_a_sticky_folder_a_stranger_s_file_is_not(path: Path) -> None:
    path.parent.chmod(0o1777)
    os.chown(path, STRANGER, 0)
    assert f"{path} belongs to" in finding(path).message


@as_root
def test_a_sticky_folder_of_a_stranger_s_is_not_safe(path: Path) -> None:
    path.parent.chmod(0o1777)
    os.chown(path.parent, STRANGER, 0)
    assert f"{path.parent} belongs to" in finding(path).message


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str], list[int]], None]:
    """Makes up the members of every group, by name, and the users whose own group it is."""

    def made(members: list[str], primary: list[int]) -> None:
        users = {"root": 0, "us": os.geteuid(), "them": STRANGER}
        of = {name: type("User", (), {"pw_name": name, "pw_uid": uid})() for name, uid in users.items()}
        everybody = [type("User", (), {"pw_uid": uid, "pw_gid": gid})() for uid in primary for gid in (0, os.getegid())]
        monkeypatch.setattr(load_safely.grp, "getgrgid", lambda gid: type("Group", (), {"gr_mem": members, "gr_name": "made-up"})())
        monkeypatch.setattr(load_safely.pwd, "getpwnam", lambda name: of[name])
        monkeypatch.setattr(load_safely.pwd, "getpwall", lambda: everybody)

    return made


@pytest.mark.parametrize(
    ("members", "primary", "safe"),
    [
        ([], [os.geteuid()], True),
        (["us"], [os.geteuid()], True),
        (["us", "root"], [], True),
        (["us", "them"], [os.geteuid()], False),
        ([], [os.geteuid(), STRANGER], False),
        (["gone"], [os.geteuid()], False),
        ([], [], False),  # whose it is, nobody knows
    ],
)
def test_with_a_umask_of_002_a_group_of_one_s_own_is_safe(
    path: Path, groups: Callable[[list[str], list[int]], None], members: list[str], primary: list[int], safe: bool
) -> None:
    path.chmod(0o664)
    path.parent.chmod(0o775)
    groups(members, primary)
    if safe:
        assert read_file(str(path))
    else:
        assert "the group made-up" in finding(path).message


def test_what_a_group_may_write_under_an_access_list_is_anybody_s(path: Path, groups: Callable[[list[str], list[int]], None]) -> None:
    groups([], [os.geteuid()])
    entries = [(1, 6, 2**32 - 1), (2, 6, STRANGER), (4, 4, 2**32 - 1), (16, 6, 2**32 - 1), (32, 4, 2**32 - 1)]
    try:
        os.setxattr(path, ACCESS_LIST, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))
    except OSError:
        pytest.skip("this file system has no access lists")
    assert "can be written to by the group" in finding(path).message
    path.chmod(0o644)  # takes the right to write from the list
    assert read_file(str(path))


# links


def test_a_policy_is_no_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.toml").symlink_to(path)
    found = finding(tmp_path / "link.toml")
    assert f"{tmp_path}/link.toml is a symbolic link to {path}" in found.message and f"name {path}" in found.hint


def test_a_link_into_the_store_is_one(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_safely, "STORE", f"{path.parent}/")
    (tmp_path / "static.toml").symlink_to(path)
    (tmp_path / "etc.toml").symlink_to("static.toml")
    assert read_file(str(tmp_path / "etc.toml"))


def test_a_folder_may_be_a_link_where_all_it_leads_through_is_safe(path: Path, tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to("one")
    (tmp_path / "absolute").symlink_to(tmp_path / "home")
    there = tmp_path / "absolute" / "two" / ".." / "two" / "p.toml"
    assert read_file(str(there))
    path.parent.parent.chmod(0o777)
    assert f"{tmp_path}/one can be written to by everybody" in finding(there).message


@as_root
def test_a_stranger_s_link_is_not_followed_for_long(path: Path, tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to("one")
    os.lchown(tmp_path / "home", STRANGER, 0)
    assert f"{tmp_path}/home belongs to" in finding(tmp_path / "home" / "two" / "p.toml").message


def test_links_without_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "Too many levels of symbolic links" in str(finding(tmp_path / "a" / "p.toml"))


@pytest.mark.parametrize("odd", ["/dev/null", "/dev/zero", "/dev/tty", "/proc/self/fd/0", "/"])
def test_what_is_no_regular_file_is_called_so(odd: str) -> None:
    assert finding(Path(odd)).code in ("unreadable", "unsafe", "not-found")


def test_no_descriptor_is_left_behind(path: Path, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to(path.parent)
    before = len(os.listdir("/proc/self/fd"))
    for there in (path, tmp_path / "loop", tmp_path / "link" / "p.toml", path / "x", tmp_path / "none", Path("/dev/null")):
        try:
            read_file(str(there))
        except ConfigError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before


def test_relative_paths(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent.parent)
    assert read_file("two/p.toml") == read_file("./two/../two/p.toml") == read_file(str(path))


# what is asked of whom


def test_the_parent_of_a_policy_is_asked_as_well(path: Path, tmp_path: Path) -> None:
    path.chmod(0o666)
    child = tmp_path / "child.toml"
    child.write_text(f'format = 1\nname = "c"\nextends = "{path}"\n')
    with pytest.raises(ConfigErrors, match="others than root") as caught:
        load_policy(str(child), {}, shipped(), search=(), ceiling="")
    assert caught.value.findings[0].path == str(path)


def test_a_ceiling_is_asked_and_so_is_the_folder_that_lacks_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CEILING_FILE", str(path.parent / "ceiling.toml"))
    assert load_ceiling(load.CEILING_FILE, shipped()) is None
    path.parent.chmod(0o777)
    with pytest.raises(ConfigErrors, match="can be written to by everybody"):
        load_ceiling(load.CEILING_FILE, shipped())
    with pytest.raises(ConfigErrors, match="can be written to by everybody"):
        load_ceiling(str(path), shipped())
    check_folder(str(path.parent / "none"), Owners())


def test_a_folder_from_which_others_could_take_a_policy_away_is_asked(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    assert load_policy("strict", {}, shipped(), search=[str(folder), str(tmp_path / "none")], ceiling="").name == "strict"
    folder.chmod(0o777)
    with pytest.raises(ConfigErrors, match="policies can be written to by everybody"):
        load_policy("strict", {}, shipped(), search=[str(folder)], ceiling="")


def test_the_installation_s_own_policies_are_asked_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "strict.toml").write_text('format = 1\nname = "strict"\n')
    monkeypatch.setattr(load, "DATA_PACKAGE", "wlproxy.no_such_package")
    monkeypatch.setattr(load, "source_folder", lambda: str(folder))
    assert load_policy("strict", {}, shipped(), search=(), ceiling="").name == "strict"
    (folder / "strict.toml").chmod(0o666)
    with pytest.raises(ConfigErrors, match="strict.toml can be written to by everybody"):
        load_policy("strict", {}, shipped(), search=(), ceiling="")


# verbs


def wlproxy(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-m", "wlproxy", *args], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "verb",
    [
        ["run", "--listen", "unix:{0}/s", "--upstream", "{0}/none", "--policy", "{1}"],
        ["run", "--upstream", "{0}/none", "--config", "{2}"],
        ["serve", "--upstream", "{0}/none", "--config", "{3}"],
        ["compile", "{1}"],
    ],
)
def test_what_runs_a_policy_refuses_one_that_others_can_change(path: Path, tmp_path: Path, verb: list[str]) -> None:
    path.chmod(0o666)
    guests = tmp_path / "guests.d"
    guests.mkdir()
    guest = guests / "work.toml"
    guest.write_text(f'format = 1\npolicy = "{path}"\nlisten = ["unix:{tmp_path}/s"]\n')
    done = wlproxy(*[word.format(tmp_path, path, guest, guests) for word in verb])
    assert done.returncode == 3, done.stderr
    assert f"{path} can be written to by everybody" in done.stderr and f"chmod o-w {path}" in done.stderr
    assert not (tmp_path / "s").exists()


def test_serve_refuses_a_folder_that_others_can_add_to(tmp_path: Path) -> None:
    guests = tmp_path / "guests.d"
    guests.mkdir()
    guests.chmod(0o777)
    done = wlproxy("serve", "--upstream", f"{tmp_path}/none", "--config", str(guests))
    assert done.returncode == 3 and f"chmod o-w {guests}" in done.stderr


def test_check_has_it_among_all_other_findings_and_can_be_told_not_to_ask(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(TEXT + "[global]\nwl_shmm = 1\nwl_seet = 1\n")
    path.chmod(0o666)
    assert main(["check", str(path)]) == 1
    err = capsys.readouterr().err
    assert [err.count(f"error[{code}]") for code in ("unsafe", "unknown-interface")] == [1, 2]
    path.write_text(TEXT)
    assert main(["check", str(path)]) == 1
    assert "valid" not in capsys.readouterr().out
    assert main(["check", "--allow-unsafe-permissions", str(path)]) == 0
    assert main(["show", str(path)]) == 0  # what only looks does not ask


@as_root
def test_another_user_s_wlproxy_takes_roots_files_and_its_own_and_no_third_s() -> None:
    script = (
        "import os, sys\n"
        "from wlproxy.policy.load_file import read_file\n"
        "os.setgroups([]); os.setgid(61000); os.setuid(61000)\n"
        "print(len(read_file(sys.argv[1])))\n"
    )
    with tempfile.TemporaryDirectory() as folder:  # pytest's are root's alone
        os.chmod(folder, 0o755)
        path = Path(folder, "p.toml")
        path.write_text(TEXT)

        def reads() -> subprocess.CompletedProcess[str]:
            return subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)

        for owner in (0, 61000):
            os.chown(path, owner, 0)
            assert reads().stdout == f"{len(TEXT)}\n"
        os.chown(path, STRANGER, 0)
        assert f"belongs to {STRANGER}" in reads().stderr


def test_trust_owner_is_a_user(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--trust-owner", "no such user", "strict"])
    assert "there is no such user" in capsys.readouterr().err
    assert main(["check", "--trust-owner", "root", "--trust-owner", "0", "strict"]) == 0
