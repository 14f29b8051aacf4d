"""What `wlproxy check` says of policies that are valid and odd all the same."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from wlproxy.cli.main import main
from wlproxy.policy.load_compositors import compositors

HEAD = 'format = 1\nname = "x"\n'


def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> tuple[int, list[dict[str, object]]]:
    path = tmp_path / "x.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    code = main(["check", "--json", *options, str(path)])
    return code, json.loads(capsys.readouterr().out)


ODD = [
    ('[global]\nxdg_wm_base = 6\n[permission]\ntablet = "allow"\n', "dead-permission", 6, "zwp_tablet_manager_v2"),
    ("[global]\nzwp_tablet_manager_v2 = 1\n", "hidden-by-permission", 4, "permission tablet is deny"),
    ('[global]\nxdg_wm_base = 6\n[permission]\nfullscreen = "ask"\n', "nobody-to-ask", 6, "nobody to ask"),
    (
        '[global]\nxdg_wm_base = 6\n[message.xdg_toplevel]\nset_fullscreen = "allow"\n',
        "hidden-by-permission",
        6,
        "permission fullscreen is deny",
    ),
    ('[global]\nwl_shm = 1\n[message.xdg_toplevel]\nmove = "deny"\n', "unreachable", 5, "no global of this policy leads to a xdg_toplevel"),
    ('[global]\nwl_compositor = 6\n[message.wl_surface]\ncommit = "deny"\n', "unsafe-to-ignore", 6, "it can be refused by: disconnect"),
    (
        '[global]\next_idle_notifier_v1 = 1\norg_kde_kwin_idle = "hide"\n[permission]\nidle-notify = "allow"\n',
        "twins",
        4,
        "org_kde_kwin_idle is not",
    ),
    ("[global]\nxdg_system_bell_v1 = 1\n", "denied-in-use", 4, "all that it is for is denied: permission bell"),
    ("[global]\nwl_compositor = 4\n[message.wl_surface]\noffset = 'deny'\n", "unreachable", 6, "new in version 5"),
    ("[global]\nwl_shm = 1\n[upstream]\nengine = 'org.flatpak'\n", "trust-token", 6, "of a Flatpak that runs"),
    ("[global]\nwl_shm = 1\n[upstream]\nengine = 'com.system76.CosmicPanel'\n", "trust-token", 6, "not sandboxed at all"),
    ("[global]\nwl_shm = 1\n[upstream]\nengine = 'com.system76.x'\n", "trust-token", 6, "belongs to COSMIC"),
    ('[global]\nwl_shm = 1\n[ask]\ntimeout = "30s"\n', "nobody-to-ask", 5, "has no effect yet"),
    ("transparent = true\n", "transparent", 3, "never for a guest"),
]


@pytest.mark.parametrize(("text", "code", "line", "says"), ODD, ids=[f"{number}-{row[1]}" for number, row in enumerate(ODD)])
def test_what_is_odd_is_a_warning_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: str, line: int, says: str
) -> None:
    status, found = checked(tmp_path, capsys, text)
    (finding,) = [f for f in found if f["code"] == code]
    assert (finding["severity"], finding["line"]) == ("warning", line)
    assert says in str(finding["message"])
    assert status == 0
    assert checked(tmp_path, capsys, text, "--fail-on=warning")[0] == 1


def test_nothing_is_odd_about_a_plain_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '[global]\nwl_compositor = 6\nxdg_wm_base = 6\n[permission]\nfullscreen = "allow"\n[message.xdg_toplevel]\nmove = "deny"\n'
    text += '[rewrite]\ntitle = "[x] {title}"\napp-id = "vm.x.{app_id}"\n'
    assert checked(tmp_path, capsys, text, "--fail-on=warning", "--fail-on=wider") == (0, [])


def test_what_is_wider_than_the_parent_is_said_and_can_be_a_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'extends = "strict"\n[permission]\nfullscreen = "allow"\n[quota]\nclients = 8\n'
    status, found = checked(tmp_path, capsys, text)
    (finding,) = [f for f in found if f["severity"] == "wider"]
    assert (status, finding["line"]) == (0, 5)
    assert finding["message"] == "permission.fullscreen is wider than in strict.toml: deny -> allow"
    assert checked(tmp_path, capsys, text, "--fail-on=wider")[0] == 1


def test_what_breaks_a_final_names_both_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "base.toml").write_text('format = 1\nname = "base"\nfinal = ["quota.*", "permission.bell"]\n')
    status, found = checked(tmp_path, capsys, 'extends = "base"\n[permission]\nbell = "allow"\n[global]\nxdg_system_bell_v1 = 1\n')
    (finding,) = found
    because = finding["because"]
    assert status == 1 and finding["line"] == 5 and isinstance(because, dict)
    assert (Path(because["file"]).name, because["line"], because["column"]) == ("base.toml", 3, 21)


def test_the_ceiling_is_said_where_it_bites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ceiling = tmp_path / "ceiling.toml"
    ceiling.write_text('format = 1\nname = "ceiling"\n[permission]\nfullscreen = "deny"\n')
    text = '[global]\nxdg_wm_base = 6\n[permission]\nfullscreen = "allow"\n'
    _, found = checked(tmp_path, capsys, text, "--ceiling", str(ceiling))
    (finding,) = [f for f in found if f["code"] == "ceiling"]
    assert finding["line"] == 6 and f"{ceiling}:4" in str(finding["message"])


def test_against_a_list_of_globals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "globals"
    listed.write_text(
        "# weston\nwl_compositor 4\nacme_laser_v1 1\nwl_seat 99\nzwlr_layer_shell_v1 4\nwp_viewporter 1\n"
        "zwp_virtual_keyboard_manager_v1 1\n"
    )
    text = '[global]\nwl_compositor = 6\nwl_shm = 2\nwl_seat = 7\n"zwlr_*" = "hide"\n[upstream]\nsecurity-context = "require"\n'
    status, found = checked(tmp_path, capsys, text, "--against", str(listed))
    assert [(f["code"], f["severity"], f["line"]) for f in found] == [
        ("older", "note", 4),
        ("not-offered", "warning", 5),
        ("impossible", "error", 9),
        ("newer", "note", 0),
        ("not-named", "note", 0),
        ("unreviewed", "note", 0),
    ]
    assert status == 1
    assert "wl_seat 11 (policy: 7)" in str(found[3]["message"])
    assert str(found[4]["message"]).endswith("that this policy does not name (1), all hidden, by class of risk: B wp_viewporter")
    assert str(found[5]["message"]).endswith("acme_laser_v1")
    listed.write_text("wl_compositor\n")
    assert main(["check", "--against", str(listed), "strict"]) == 2
    assert f"{listed}:1:1: a line of NAME VERSION is needed" in capsys.readouterr().err


def test_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed, path = tmp_path / "globals", str(tmp_path / "x.toml")
    listed.write_text("wl_seat 10\nwp_viewporter 1\nacme_laser_v1 1\nzwp_virtual_keyboard_manager_v1 1\nzwlr_layer_shell_v1 4\n")
    Path(path).write_text(HEAD + '[global]\nwl_seat = 9\n"zwlr_*" = "hide"\n')
    assert main(["drift", path, "--against", str(listed)]) == 1
    out = capsys.readouterr().out
    assert "new      wp_viewporter 1 " in out and "B harmless hint: " in out
    assert "newer    wl_seat 9 -> 10\n" in out and "unknown  acme_laser_v1 1\n" in out and out.count("\n") == 4
    assert main(["drift", path, "--against", str(listed), "--json"]) == 1
    assert set(json.loads(capsys.readouterr().out)["new"]) == {"wp_viewporter"}
    listed.write_text("wl_seat 9\n")
    assert main(["drift", path, "--against", str(listed)]) == 0
    assert main(["drift", path, "--against", str(tmp_path)]) == 2
    assert main(["drift", str(listed), "--against", str(listed)]) == 6


def test_against_a_compositor_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    listed = compositors()
    assert {"kwin", "labwc", "mutter", "sway", "weston"} == set(listed)
    for known in listed.values():
        assert {"wl_compositor", "wl_shm", "wl_seat", "xdg_wm_base"} <= set(known.in_context) <= set(known.globals)
        assert checked(tmp_path, capsys, "[global]\nwl_compositor = 4\n", "--against", known.name)[0] == 0
    assert "zwlr_screencopy_manager_v1" in listed["labwc"].globals and "zwlr_screencopy_manager_v1" not in listed["labwc"].in_context
    assert "zwlr_data_control_manager_v1" in listed["kwin"].in_context  # it hides what is its own, and not this
    text = '[global]\next_idle_notifier_v1 = 1\n[permission]\nidle-notify = "allow"\n'
    hidden = [f["code"] for f in checked(tmp_path, capsys, text, "--against", "labwc")[1]]
    shown = [f["code"] for f in checked(tmp_path, capsys, text + "[upstream]\nsecurity-context = 'off'\n", "--against", "labwc")[1]]
    assert "not-offered" in hidden and "not-offered" not in shown
    assert main(["check", "--against", "swya", "strict"]) == 2
    assert "kwin, labwc, mutter, sway, weston" in capsys.readouterr().err


def test_windows_without_a_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "[global]\nwl_compositor = 6\nxdg_wm_base = 6\n"
    (finding,) = checked(tmp_path, capsys, text)[1]
    assert (finding["code"], finding["severity"], finding["line"]) == ("unlabelled", "note", 5)
    advice = str(finding["message"]).partition("under [rewrite], ")[2].replace(", app-id", "\napp-id")
    assert checked(tmp_path, capsys, f"{text}[rewrite]\n{advice}\n") == (0, [])


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two programs, one of them trusted by KWin, one in a folder of its vendor's."""
    folder = tmp_path / "share" / "applications"
    (folder / "vendor").mkdir(parents=True)
    (folder / "org.kde.Spectacle.desktop").write_text("[Desktop Entry]\nX-KDE-Wayland-Interfaces=org_kde_kwin_x\n")
    (folder / "vendor" / "vm.editor.desktop").write_text("[Desktop Entry]\n")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "fifo.desktop")
    monkeypatch.setenv("XDG_DATA_DIRS", f"relative:{tmp_path}/share:{tmp_path}/none")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("wlproxy.policy.load_desktop_files.FLATPAK", str(tmp_path / "none"))
    return folder


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[upstream]\napp-id = 'org.kde.spectacle'\n", 4, "interfaces that it hides from others"),
        ("[upstream]\napp-id = 'vendor-vm.editor'\n", 4, "the guest passes for it"),
        ("[rewrite]\napp-id = '{app_id}'\n", 4, "fifo, org.kde.Spectacle, vendor-vm.editor"),
        ("[rewrite]\napp-id = 'vendor-{app_id}'\n", 4, "here: vendor-vm.editor"),
        ("[rewrite]\napp-id = '{app_id}.Spectacle'\n", 4, "here: org.kde.Spectacle"),
    ],
)
def test_names_by_which_the_host_trusts_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], programs: Path, text: str, line: int, says: str
) -> None:
    found = [f for f in checked(tmp_path, capsys, text)[1] if f["code"] == "trust-token"]
    assert [f["line"] for f in found] == [line] and says in str(found[0]["message"])


@pytest.mark.parametrize("text", ["[upstream]\napp-id = 'wlproxy.x'\n", "[rewrite]\napp-id = 'vm.x.{app_id}'\n", ""])
def test_names_that_are_nobody_s(tmp_path: Path, capsys: pytest.CaptureFixture[str], programs: Path, text: str) -> None:
    assert not [f for f in checked(tmp_path, capsys, text)[1] if f["code"] == "trust-token"]


def test_an_inherited_name_is_told_where_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str], programs: Path) -> None:
    (tmp_path / "base.toml").write_text('format = 1\nname = "base"\n[upstream]\nengine = "org.flatpak"\n')
    found = checked(tmp_path, capsys, 'extends = "base"\n')[1]
    assert [(Path(str(f["file"])).name, f["line"]) for f in found] == [("base.toml", 4)]


def test_against_no_compositor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "gone")
    assert main(["check", "--against", "live", "strict"]) == 5
    assert "the compositor does not answer: No such file" in capsys.readouterr().err


def test_against_a_compositor_that_hangs_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "rude")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "rude"))
        listener.listen()

        def rude() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=rude)
        thread.start()
        assert main(["check", "--against", "live", "strict"]) == 5
        thread.join()
    assert "the compositor does not answer" in capsys.readouterr().err


def test_a_compiled_policy_is_not_what_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "work.json"]) == 1
    assert "give the policy that it was compiled from" in capsys.readouterr().err
