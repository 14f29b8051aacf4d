"""The XML reader: what it accepts, what it refuses and where, and that odd bytes end in findings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interfaces import interfaces
from wlproxy.core.errors import ConfigErrors
from wlproxy.core.protocol import Argument, Entry, Enum, Interface, Message
from wlproxy.policy.protocol_xml import MAX_BYTES, MAX_FINDINGS, parse_protocol
from wlproxy.tools.distilled_xml import distilled_xml

UPSTREAM_STYLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<protocol name="demo">
  <copyright>Copyright © 2020 Some One &amp; Co</copyright>
  <description summary="all of it">Prose, <![CDATA[ even <this> ]]> and more.</description>
  <!-- a comment -->
  <interface name="demo_manager" version="3" frozen="true">
    <description summary="makes things"/>
    <request name="destroy" type="destructor"><description summary="done"/></request>
    <request name="make" since="2">
      <arg name="id" type="new_id" interface="demo_thing" summary="new"/>
      <arg name="parent" type="object" interface="demo_thing" allow-null="true"/>
      <arg name="kind" type="uint" enum="demo_thing.kind"><description summary="more"/></arg>
      <arg name="caps" type="uint" enum="caps"/>
      <arg name="title" type="string" allow-null="false"/>
    </request>
    <event name="gone" type="destructor" since="3" deprecated-since="3"/>
    <enum name="caps" bitfield="true"><entry name="a" value="1" summary="one"/><entry name="b" value="0x2" since="2"/></enum>
  </interface>
  <interface name="demo_thing" version="1">
    <enum name="kind">
      <entry name="90" value="1 &lt;&lt; 3"><description summary="x">y</description></entry>
      <entry name="least" value="-1"/>
    </enum>
  </interface>
</protocol>
"""


def test_upstream_style() -> None:
    manager, thing = parse_protocol(UPSTREAM_STYLE.encode(), "demo.xml")
    assert manager == Interface(
        "demo_manager",
        3,
        (
            Message("destroy", destructor=True),
            Message(
                "make",
                (
                    Argument("id", "new_id", "demo_thing"),
                    Argument("parent", "object", "demo_thing", nullable=True),
                    Argument("kind", "uint", enum="demo_thing.kind"),
                    Argument("caps", "uint", enum="demo_manager.caps"),
                    Argument("title", "string"),
                ),
                since=2,
            ),
        ),
        (Message("gone", since=3, destructor=True),),
        (Enum("caps", (Entry("a", 1), Entry("b", 2, since=2)), bitfield=True),),
        "demo",
    )
    assert thing.enums == (Enum("kind", (Entry("90", 8), Entry("least", 0xFFFFFFFF))),)


def test_old_xml_does_not_say_that_done_ends_a_callback() -> None:
    xml = '<protocol name="wayland"><interface name="wl_callback" version="1"><event name="done"/></interface></protocol>'
    assert parse_protocol(xml.encode(), "old.xml")[0].events[0].destructor


def wrap(inside: str, attributes: str = 'version="2"') -> str:
    return f'<protocol name="p"><interface name="i" {attributes}>\n{inside}\n</interface></protocol>'


NEW = '<arg name="{}" type="new_id" interface="i"/>'


def findings(xml: str | bytes) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        parse_protocol(xml if isinstance(xml, bytes) else xml.encode(), "p.xml")
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("inside", "where", "what"),
    [
        ('<request name="a" type="constructor"/>', "2:1", "has the type 'constructor'"),
        ('<request name="a"/><request name="a"/>', "2:20", "stands twice"),
        ('<request name="a b"/>', "2:1", "not an identifier"),
        ("<request/>", "2:1", "has no name="),
        ('<request name="a" since="3"/>', "2:1", "since is '3'"),
        ('<request name="a" since="0"/>', "2:1", "since is '0'"),
        ('<request name="a" since="x"/>', "2:1", "since is 'x'"),
        ('<request name="a" sinc="2"/>', "2:1", "unknown attribute 'sinc'"),
        ('<request name="a">text</request>', "2:19", "text in <request>"),
        ('<request name="a"><args/></request>', "2:19", "<args> inside <request>"),
        ('<request name="a"><arg name="x"/></request>', "2:19", "has no type="),
        ('<request name="a"><arg name="x" type="integer"/></request>', "2:19", "argument type 'integer'"),
        ('<request name="a"><arg name="x" type="int"/><arg name="x" type="int"/></request>', "2:45", "stands twice"),
        ('<request name="a"><arg name="x" type="int" allow-null="true"/></request>', "2:19", "argument of type int"),
        ('<request name="a"><arg name="x" type="array" allow-null="true"/></request>', "2:19", "argument of type array"),
        ('<request name="a"><arg name="x" type="object" allow-null="yes"/></request>', "2:19", "allow-null is 'yes'"),
        ('<request name="a"><arg name="x" type="fd" interface="i"/></request>', "2:19", "interface= on an argument of type fd"),
        ('<request name="a"><arg name="x" type="object" interface=""/></request>', "2:19", "not an identifier"),
        ('<request name="a"><arg name="x" type="string" enum="e"/></request>', "2:19", "enum= on an argument of type string"),
        ('<request name="a"><arg name="x" type="uint" enum="e"/></request>', "2:19", "i has no enum 'e'"),
        ('<request name="a"><arg name="x" type="uint" enum="i.e"/></request>', "2:19", "i has no enum 'e'"),
        ('<request name="a"><arg name="x" type="uint" enum="i.j.e"/></request>', "2:19", "enum='i.j.e'"),
        ('<enum name="e" bitfield="true"/><request name="a"><arg name="x" type="int" enum="e"/></request>', "2:51", "a bitfield"),
        ('<event name="a"><arg name="x" type="new_id"/></event>', "2:17", "creates an object of no interface"),
        ('<event name="a">' + NEW.format("x") + NEW.format("y") + "</event>", "2:60", "two objects"),
        (
            '<request name="a">' + "".join(f'<arg name="x{n}" type="int"/>' for n in range(21)) + "</request>",
            "2:",
            "more than 20 arguments",
        ),
        ('<enum name="e"/><enum name="e"/>', "2:17", "stands twice"),
        ('<enum name="e"><entry name="a" value="010"/></enum>', "2:16", "value '010'"),
        ('<enum name="e"><entry name="a" value="4294967296"/></enum>', "2:16", "value '4294967296'"),
        ('<enum name="e"><entry name="a" value="1 &lt;&lt; 32"/></enum>', "2:16", "value '1 << 32'"),
        ('<enum name="e"><entry name="a" value=""/></enum>', "2:16", "value ''"),
        ('<enum name="e"><entry name="a" value="1"/><entry name="a" value="2"/></enum>', "2:43", "stands twice"),
        ('<interface name="j" version="1"/>', "2:1", "<interface> inside <interface>"),
    ],
)
def test_refused(inside: str, where: str, what: str) -> None:
    found = findings(wrap(inside))
    assert len(found) == 1
    assert found[0].startswith(f"p.xml:{where}")
    assert what in found[0]


@pytest.mark.parametrize("version", ["0", "-1", "65536", "1.0", "", "01", "\uff11"])
def test_versions(version: str) -> None:
    assert "version is" in findings(wrap("", f'version="{version}"'))[0]


def test_all_findings_of_a_file_at_once() -> None:
    found = findings(wrap('<request name="1"/>\n<event name="e" since="9"/>\n<enum name="e"><entry name="a" value="x"/></enum>'))
    assert [text.split(":")[1] for text in found] == ["2", "3", "4"]


def test_findings_are_bounded() -> None:
    found = findings(wrap('<request name="1"/>' * 500))
    assert len(found) == MAX_FINDINGS + 1
    assert "more than" in found[-1]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))


@pytest.mark.parametrize(
    "xml",
    [
        f'<!DOCTYPE protocol [{LAUGHS}]><protocol name="&l9;"/>',
        '<!DOCTYPE protocol SYSTEM "file:///etc/passwd"><protocol name="p"/>',
        '<!DOCTYPE protocol [<!ENTITY x SYSTEM "file:///etc/passwd">]><protocol name="p">&x;</protocol>',
        '<!DOCTYPE protocol [<!ENTITY % x SYSTEM "http://127.0.0.1/"> %x;]><protocol name="p"/>',
    ],
)
def test_no_document_type_no_entities(xml: str) -> None:
    assert "document type" in findings(xml)[0]


def test_undeclared_entity() -> None:
    assert "not XML: undefined entity" in findings('<protocol name="p">&x;</protocol>')[0]


def test_other_encodings() -> None:
    assert "encoding is 'latin-1'" in findings('<?xml version="1.0" encoding="latin-1"?><protocol name="p"/>')[0]
    assert "encoding is 'utf-16'" in findings('<?xml version="1.0" encoding="utf-16"?><protocol name="p"/>')[0]
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert "not UTF-8" in findings('<protocol name="p"/>'.encode(encoding))[0]
    assert findings('<protocol name="p">\n \xff'.encode("latin-1")) == [
        "p.xml:2:2: not UTF-8 text: byte 0xff (protocol files are UTF-8)"
    ]


def test_utf_8_byte_order_mark() -> None:
    assert parse_protocol(wrap("").encode("utf-8-sig"), "p.xml")[0].name == "i"


def test_size_and_depth() -> None:
    assert "bytes" in findings(b" " * (MAX_BYTES + 1))[0]
    assert "deeper" in findings('<protocol name="p">' + "<copyright>" * 20)[-1]


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<",
        "<protocol",
        "protocol",
        "<a/>",
        '<protocol name="p">',
        '<protocol name="p"/><protocol name="q"/>',
        "\0",
        "<protocol name='\x07'/>",
    ],
)
def test_not_protocol_xml(xml: str) -> None:
    assert findings(xml)


def test_names_in_findings_are_printable_and_short() -> None:
    found = findings('<protocol name="p"><interface name="\u202e&#10;' + "x" * 5000 + '" version="1"/></protocol>')
    assert all(text.isprintable() and len(text) < 300 for text in found)


@given(st.binary(max_size=300))
def test_any_bytes_give_interfaces_or_findings(data: bytes) -> None:
    try:
        parse_protocol(data, "x")
    except ConfigErrors as errors:
        assert errors.findings


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """Upstream style XML with pieces cut out, doubled, or replaced by others of its words."""
    data = UPSTREAM_STYLE.encode()
    words = [
        b"<",
        b">",
        b"/>",
        b'"',
        b"&",
        b"<!DOCTYPE x [",
        b"]]>",
        b"\xff",
        b"\0",
        b' name="i"',
        b"<interface",
        b"</interface>",
        b"<enum>",
        b"-->",
    ]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 80)))
        put = draw(st.sampled_from([b"", data[start:end] * 2, *words]))
        data = data[:start] + put + data[end:]
    return data


@given(mutations())
def test_mutated_xml_gives_interfaces_or_findings(data: bytes) -> None:
    try:
        parse_protocol(data, "x")
    except ConfigErrors as errors:
        assert all(finding.path == "x" for finding in errors.findings)


@given(interfaces())
def test_distilled_xml_reads_back(made: list[Interface]) -> None:
    assert parse_protocol(distilled_xml(made, "MIT", ["Copyright © 2020 X"]), "x") == made
