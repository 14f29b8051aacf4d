"""Made-up policies with mistakes planted in them: each class of mistake is found at its line, column and length, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.policy.broken import HEAD, planted
from tests.scene import shipped
from wlproxy.core.errors import ConfigErrors
from wlproxy.policy.compile import global_names, vetted_version
from wlproxy.policy.load import DEEPEST, load_policy
from wlproxy.policy.load_interface_table import floor
from wlproxy.policy.permissions import PERMISSIONS
from wlproxy.policy.read_quotas import QUOTAS

relaxed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
FLOOR = floor(global_names(shipped()))
GLOBALS = [name for name in sorted(global_names(shipped())) if name not in FLOOR]
NOT_GLOBAL = sorted(set(shipped()) - set(global_names(shipped())) - {"wl_display"})
Line = tuple[str, str, str]  # table, its key, the line; a mistake is marked


@st.composite
def misspelt(draw: st.DrawFn, known: list[str]) -> str:
    """A name that is none, one slip away from one that is."""
    name = draw(st.sampled_from(known))
    at = draw(st.integers(1, len(name) - 1))
    slips = [name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:], name[:at] + "x" + name[at:]]
    return draw(st.sampled_from([slip for slip in slips if slip not in known] or [name + "x"]))


def line(table: str, key: str, text: str, code: str = "") -> Line:
    return table, key, text + (f"  #! {code}" if code else "")


@st.composite
def mistakes(draw: st.DrawFn) -> Line:
    """One line with one mistake."""
    name = draw(st.sampled_from(GLOBALS))
    top = vetted_version(shipped()[name])
    bad = draw(misspelt(GLOBALS).filter(lambda name: name not in shipped()))  # an interface that is no global is another mistake
    permission = draw(st.sampled_from(sorted(PERMISSIONS)))
    quota = draw(st.sampled_from([key for key, (_, kind, _, _) in QUOTAS.items() if kind == "count"]))
    title = "message.xdg_toplevel"
    wrong_name, wrong_permission, wrong_quota = bad, draw(misspelt(sorted(PERMISSIONS))), draw(misspelt(sorted(QUOTAS)))
    child, floored = draw(st.sampled_from(NOT_GLOBAL)), draw(st.sampled_from(sorted(FLOOR)))
    return draw(
        st.sampled_from(
            [
                line("global", wrong_name, f"‹{wrong_name}› = 1", "unknown-interface"),
                line("global", child, f"‹{child}› = 1", "not-a-global"),
                line("global", floored, f"‹{floored}› = 1", "never"),
                line("global", name, f"{name} = ‹{top + draw(st.integers(1, 90))}›", "version-too-high"),
                line("global", name, f"{name} = ‹{draw(st.integers(-9, 0))}›", "version-too-low"),
                line("global", name, f"{name} = ‹{draw(st.sampled_from(['true', '1.5', '[1]']))}›", "type"),
                line("global", name, f'{name} = ‹"hidden"›', "unknown-verdict"),
                line("global", name, f"{name} = {{ max = 1, ‹maxx› = 2 }}", "unknown-key"),
                line("global", "wild", '‹"wl_*"› = 1', "wildcard"),
                line("permission", wrong_permission, f'‹{wrong_permission}› = "deny"', "unknown-permission"),
                line("permission", permission, f'{permission} = ‹"alow"›', "unknown-verdict"),
                line("permission", permission, f'{permission} = {{ verdict = "deny", ‹bannner› = "3s" }}', "unknown-key"),
                line("permission", permission, f"{permission} = ‹3›", "type"),
                line("quota", wrong_quota, f"‹{wrong_quota}› = 3", "unknown-key"),
                line("quota", quota, f'{quota} = ‹"many"›', "type"),
                line(title, "a", '‹set_titel› = "deny"', "unknown-message"),
                line(title, "b", 'destroy = { deny-as = ‹"ignore"› }', "deny-shape"),
                line(title, "c", 'set_maximized = { deny-as = ‹"inert"› }', "deny-shape"),
                line(title, "d", 'set_minimized = { deny-as = ‹"gone"› }', "unknown-shape"),
                line(title, "e", "set_title.args.‹text› = { max-bytes = 3 }", "unknown-argument"),
                line(title, "f", "set_app_id.args.app_id = { ‹max› = 3 }", "predicate-type"),
                line(title, "g", "set_max_size.args.width = ‹{ min = 5, max = 3 }›", "empty-range"),
                line(title, "h", 'resize.args.edges = { in = ["top", ‹"topp"›] }', "unknown-enum-value"),
                line(title, "i", "set_min_size.args.width = { min = ‹2147483648› }", "out-of-range"),
                line("rewrite", "title", 'title = ‹"no place"›', "template"),
                line("rewrite", "app-id", 'app-id = ‹"${nobody}{app_id}"›', "unknown-variable"),
            ]
        )
    )


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A policy of good lines and bad ones in any order, with comments and blank lines between."""
    bad = draw(st.lists(mistakes(), min_size=1, max_size=6, unique_by=lambda item: item[:2]))
    taken = {key for _, key, _ in bad}
    good = [line("global", name, f"{name} = 1") for name in draw(st.lists(st.sampled_from(GLOBALS), unique=True, max_size=4))]
    good += [line("permission", "popup-grab", 'popup-grab = "allow"'), line("quota", "clients", "clients = 3")]
    lines = draw(st.permutations([*bad, *(item for item in good if item[1] not in taken)]))
    tables: dict[str, list[str]] = {}
    for table, _, text in lines:
        tables.setdefault(table, []).append(" " * draw(st.integers(0, 3)) + text)
    parts = [HEAD.rstrip("\n")]
    for table in draw(st.permutations(sorted(tables))):
        parts += [*draw(st.sampled_from([[], [""], ["# a remark = 3"], ["", "# é"]])), f"[{table}]", *tables[table]]
    return "\n".join(parts) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.toml"


def found(path: Path) -> list[tuple[str, int, int, int, str]]:
    with pytest.raises(ConfigErrors) as caught:
        load_policy(str(path), {}, shipped(), search=(), ceiling="")
    return sorted((Path(f.path).name, f.line, f.column, f.length, f.code) for f in caught.value.findings)


@relaxed
@given(marked=broken())
def test_each_planted_mistake_is_found_where_it_is_and_no_other(path: Path, marked: str) -> None:
    text, expected = planted(marked)
    path.write_text(text, encoding="utf-8")
    assert found(path) == sorted(("p.toml", *mistake) for mistake in expected)


@relaxed
@given(data=st.data())
def test_a_broken_final_is_found_at_the_line_that_breaks_it(path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(PERMISSIONS)))
    pattern = data.draw(st.sampled_from(["permission.*", f"permission.{name}", f"permission.{name[:2]}*"]))
    between = data.draw(st.integers(0, 2))
    parent = path.with_name("parent.toml")
    parent.write_text(HEAD.replace('"x"', '"parent"') + f'final = ["{pattern}"]\n[permission]\n{name} = "deny"\n', encoding="utf-8")
    last = parent
    for number in range(between):
        child = path.with_name(f"between{number}.toml")
        child.write_text(HEAD + f'extends = "{last}"\n', encoding="utf-8")
        last = child
    blank = "\n" * data.draw(st.integers(0, 3))
    text, expected = planted(HEAD + f'extends = "{last}"\n[permission]\n{blank}‹{name}› = "allow"  #! final\n')
    path.write_text(text, encoding="utf-8")
    assert found(path) == [("p.toml", *mistake) for mistake in expected]


@relaxed
@given(length=st.integers(1, DEEPEST - 1), data=st.data())
def test_a_cycle_is_found_at_the_file_that_closes_it(path: Path, length: int, data: st.DataObject) -> None:
    files = [path.with_name(f"f{number}.toml") for number in range(length)]
    back = data.draw(st.integers(0, length - 1))
    for number, file in enumerate(files):
        parent = files[number + 1] if number + 1 < length else files[back]
        file.write_text(HEAD + f'extends = "{parent}"\n', encoding="utf-8")
    expected = (files[-1].name, 3, 11, len(str(files[back])) + 2, "cycle")
    assert found(files[0]) == [expected]


@relaxed
@given(parent=st.sampled_from(["nowhere", "./nowhere.toml", "strct"]), blank=st.integers(0, 3))
def test_a_parent_that_is_not_there_is_found_where_it_is_named(path: Path, parent: str, blank: int) -> None:
    text, expected = planted(HEAD + "\n" * blank + f'extends = ‹"{parent}"›  #! not-found\n')
    path.write_text(text, encoding="utf-8")
    assert found(path) == [("p.toml", *mistake) for mistake in expected]


def test_eight_files_may_extend_each_other_and_no_more(path: Path) -> None:
    files = [path.with_name(f"f{number}.toml") for number in range(DEEPEST + 1)]
    for number, file in enumerate(files):
        extends = f'extends = "{files[number + 1]}"\n' if number < DEEPEST else ""
        file.write_text(HEAD + extends, encoding="utf-8")
    load_policy(str(files[1]), {}, shipped(), search=(), ceiling="")
    assert [(name, line, code) for name, line, _, _, code in found(files[0])] == [("f7.toml", 3, "too-deep")]
