"""Gets the originals of protocols/ from Debian: the packages of the manifest, in its versions, unpacked to what it names.

    python -m wlproxy.tools.fetch_originals DIR [PACKAGE...]      then: python -m wlproxy.tools.distil DIR

Promises: only files that the manifest names are written, below DIR/<package>_<version>/; the machine's packages and apt's own
state stay as they are; nothing of a package is run. Uses the mirror that this machine's apt uses, with the suites below.
Trusts: apt to check signatures; the hashes of the manifest are checked by distil. Chromium's source is 0.9 GB: name the
packages you want to leave it out. Versions that have left the suites are kept by Debian's snapshot archive.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Final

from wlproxy.tools.distil import PROTOCOLS
from wlproxy.tools.manifest import Source, read_manifest

SUITES: Final = ("bookworm", "trixie", "forky", "sid")
KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_SOURCES: Final = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources")


def own_mirror() -> str:
    """The mirror in this machine's own configuration of apt, in either of its two formats."""
    for path in map(Path, APT_SOURCES):
        for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
            found = re.match(r"(?:URIs:|deb(?: \[[^]]*])?) +(\S+)", line)
            if found and "security" not in line:
                return found[1]
    raise SystemExit("no Debian mirror in apt's sources")


def prepare_apt(state: Path) -> list[str]:
    """An apt of our own below `state`; returns the options that make apt-get use it."""
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (state / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    mirror = own_mirror()
    lines = [f"{kind} [signed-by={KEYRING}] {mirror} {suite} main\n" for suite in SUITES for kind in ("deb", "deb-src")]
    (state / "sources.list").write_text("".join(lines))
    settings = {
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "APT::Sandbox::User": "root",
        # where apt-file is installed, apt would get 200 MB of file lists too
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def unpack(stream: IO[bytes], target: Path, wanted: set[str], source: bool, prefix: str = "") -> set[str]:
    """Writes the wanted members and returns their names; a source's tarball has one folder around all."""
    found = set()
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            name = prefix + (name.partition("/")[2] if source else name)
            data = archive.extractfile(member) if name in wanted and member.isfile() else None
            if data is not None:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (target / name).write_bytes(data.read())
                found.add(name)
    return found


def fetch(sources: Sequence[Source], directory: Path, apt: Sequence[str]) -> set[str]:
    """All files of one package; returns the originals that could not be had."""
    one = sources[0]
    wanted = {source.original for source in sources}
    target = directory / one.folder
    downloads = target / ".download"
    downloads.mkdir(parents=True, exist_ok=True)
    action = ["download"] if one.kind == "deb" else ["source", "--download-only", "--tar-only"]
    # what could not be downloaded shows in what is missing afterwards; the other packages are fetched all the same
    subprocess.run(["apt-get", "-q", *apt, *action, f"{one.package}={one.version}"], cwd=downloads, check=False)
    found: set[str] = set()
    for path in sorted(downloads.iterdir()):
        component = re.search(r"\.orig-([A-Za-z0-9-]+)\.tar\.\w+$", path.name)
        if path.suffix == ".deb":
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as process:
                assert process.stdout is not None  # PIPE
                found |= unpack(process.stdout, target, wanted, source=False)
        elif ".tar." in path.name and ".debian.tar." not in path.name and path.suffix != ".asc":
            with path.open("rb") as stream:
                found |= unpack(stream, target, wanted, source=True, prefix=f"{component[1]}/" if component else "")
        path.unlink()
    downloads.rmdir()
    return wanted - found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="fetch_originals", description="Gets the originals of protocols/ from Debian.")
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="only these")
    options = parser.parse_args(arguments)
    directory: Path = options.directory.resolve()
    grouped: dict[tuple[str, str], list[Source]] = {}
    for source in read_manifest(PROTOCOLS).files:
        if not options.packages or source.package in options.packages:
            grouped.setdefault((source.package, source.version), []).append(source)
    apt = prepare_apt(directory / ".apt")
    subprocess.run(["apt-get", "-q", *apt, "update"], check=False)
    missing: list[str] = []
    for sources in grouped.values():
        missing += _report(sources, fetch(sources, directory, apt))
    return 1 if missing else 0


def _report(sources: Sequence[Source], missing: Iterable[str]) -> list[str]:
    absent = sorted(missing)
    for name in absent:
        print(f"{sources[0].package} {sources[0].version} was not to be had, or does not hold {name}", file=sys.stderr)
    return absent


if __name__ == "__main__":
    sys.exit(main())
