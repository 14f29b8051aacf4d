"""Opens a file of a policy only where nobody can change it, or put another in its place, but root, the user we run as, who owns this very
program (who could change that), and who was named.

The rule, for the file and for each directory above it, up to /: it belongs to one of these; nobody else may write to it. Two things are
no danger and pass: a directory with the sticky bit (/tmp), in which only the owner of an entry can replace it; and what a
group may write whose only members are these owners, as with a umask of 002. An access list is not read: with one, a group's right to
write is anybody's. The file is no symbolic link, unless it leads into /nix/store, which is what /etc is made of there; a directory on the
way may be one (/home is, in places), where the link itself, and all it leads through, passes as well.

Promises: what is judged is what is opened: each part of the path is opened from the directory before it, which is held, and never
followed by the kernel (openat2's RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH, a part at a time, for what lies between has to be looked at,
too). Trusts: the kernel's word on owners and modes, the databases of users and groups.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterable
from typing import Final, NamedTuple

from ..core.errors import ConfigError

UNSAFE: Final = "unsafe"  # the codes of findings whose exit code is 3; this one is made here,
UNSIGNED: Final = "signature"  # and this one by sidecar/signature.py
STORE: Final = "/nix/store/"
MOST_LINKS: Final = 40  # as the kernel has it
ACCESS_LIST: Final = "system.posix_acl_access"
ON_THE_WAY: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
TO_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Owners:
    """Whose files are taken: root's, those of the user we run as and of the program's owner, and those of `uids`. `noted`: where there is
    such a list, a finding goes there and the file is read all the same."""

    def __init__(self, uids: Iterable[int] = (), noted: list[ConfigError] | None = None) -> None:
        self.uids = frozenset(uids)
        self.noted = noted

    def trusted(self) -> frozenset[int]:
        """Root, ourselves, the owner of the program, who was named."""
        return self.uids | {0, os.geteuid(), programs_owner()}

    def tell(self, finding: ConfigError) -> None:
        """Notes the finding. Raises it where nobody notes."""
        if self.noted is None:
            raise finding
        if all(str(finding) != str(other) for other in self.noted):
            self.noted.append(finding)


ROOT_AND_US: Final = Owners()
ANYBODY: Final = None  # for those who only look at a policy: whose it is, is not asked


class Fault(NamedTuple):  # every start waits for this file; dataclasses alone would be a third of its import
    """`path` `why`, in words; `mend`: the command that ends it."""

    path: str
    why: str
    mend: str


def open_file(path: str, owners: Owners | None) -> int:
    """A descriptor of the regular file, which is the caller's. Raises OSError, ValueError for what is no name, and ConfigError."""
    faults: list[Fault] = []
    number = os.open(path, TO_READ & ~os.O_NOFOLLOW) if owners is ANYBODY else walk(absolute(path), owners, faults)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise ConfigError(path, 0, 0, "is not a regular file", "", "unreadable")
        if owners is not ANYBODY:
            say(path, owners, faults)
    except ConfigError:
        os.close(number)
        raise
    return number


def check_folder(path: str, owners: Owners | None) -> None:
    """Judges a folder and those above it, for what may be added to it or taken away; one that is not there is none. Raises ConfigError."""
    if owners is ANYBODY:
        return
    faults: list[Fault] = []
    try:
        os.close(walk(absolute(path), owners, faults))
    except OSError:
        return  # whoever reads from it says so
    say(path, owners, faults)


def check_installed(path: str, owners: Owners | None) -> None:
    """Judges one of the installation's own files, and the folder it is in: those above hold the program as well. Raises ConfigError,
    OSError."""
    if owners is ANYBODY:
        return
    faults: list[Fault] = []
    for place in (os.path.dirname(path), path):
        number = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            faults += judge(number, place, owners.trusted())
        finally:
            os.close(number)
    say(path, owners, faults)


def programs_owner() -> int:
    """Whose this program is."""
    return os.stat(__file__).st_uid


def walk(path: str, owners: Owners, faults: list[Fault]) -> int:
    """Opens what an absolute path leads to, and adds what is wrong on the way. Raises OSError, ValueError, ConfigError."""
    trusted = owners.trusted()
    todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
    here, links, link = "/", 0, ""
    number = os.open("/", ON_THE_WAY | os.O_DIRECTORY)
    try:
        faults += judge(number, here, trusted)
        while todo:
            name = todo.pop()
            there = os.path.normpath(os.path.join(here, name))
            found = os.open(name, ON_THE_WAY, dir_fd=number)
            mode = os.fstat(found).st_mode
            if stat.S_ISLNK(mode):
                try:
                    links += 1
                    if links > MOST_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                    faults += judge(found, there, trusted)
                    target = os.readlink("", dir_fd=found)
                finally:
                    os.close(found)
                link = link or ("" if todo else there)
                todo += [part for part in target.split("/") if part not in ("", ".")][::-1]
                if target.startswith("/"):
                    here = "/"
                    os.close(number)
                    number = os.open("/", ON_THE_WAY | os.O_DIRECTORY)
                continue
            if stat.S_ISREG(mode) and not todo:  # looked at before it is opened: to open a device may do something
                os.close(found)
                found = os.open(name, TO_READ, dir_fd=number)
            here = there
            os.close(number)
            number = found
            faults += judge(number, here, trusted)
        if link and not here.startswith(STORE) and stat.S_ISREG(os.fstat(number).st_mode):
            faults.append(Fault(link, f"is a symbolic link to {here}", f"name {shlex.quote(here)} instead, or put a copy in its place"))
    except BaseException:
        os.close(number)
        raise
    return number


def absolute(path: str) -> str:
    """From / on; not otherwise tidied, as what ".." means depends on links. Raises OSError."""
    return path if path.startswith("/") else f"{os.getcwd()}/{path}"


def say(path: str, owners: Owners, faults: list[Fault]) -> None:
    """One finding for all that is wrong with a path. Raises it as ConfigError where nobody notes."""
    if not faults:
        return
    unique = list(dict.fromkeys(faults))
    who = " and ".join(sorted((name_of(uid) for uid in owners.trusted()), key=lambda name: (name != "root", name)))
    why = "; ".join(f"{fault.path} {fault.why}" for fault in unique)
    mend = "; ".join(dict.fromkeys(fault.mend for fault in unique))
    owners.tell(ConfigError(path, 0, 0, f"others than {who} could change what this policy allows: {why}", mend, UNSAFE))


def judge(number: int, path: str, trusted: frozenset[int]) -> list[Fault]:
    """What is wrong with a file, a folder or a link."""
    found = os.fstat(number)
    faults: list[Fault] = []
    if found.st_uid not in trusted:
        owner = name_of(found.st_uid)
        mend = f"chown {name_of(os.geteuid())} {shlex.quote(path)}, or trust them: --trust-owner {owner}"
        faults.append(Fault(path, f"belongs to {owner}", mend))
    is_sticky = stat.S_ISDIR(found.st_mode) and bool(found.st_mode & stat.S_ISVTX)
    if stat.S_ISLNK(found.st_mode) or is_sticky:
        return faults
    by_all = bool(found.st_mode & stat.S_IWOTH)
    by_group = bool(found.st_mode & stat.S_IWGRP) and not is_private(found.st_gid, trusted, number)
    if by_all or by_group:
        who = "everybody" if by_all else f"the group {group_name(found.st_gid)}"
        bits = ("g" if by_group else "") + ("o" if by_all else "")
        faults.append(Fault(path, f"can be written to by {who}", f"chmod {bits}-w {shlex.quote(path)}"))
    return faults


def is_private(gid: int, trusted: frozenset[int], number: int) -> bool:
    """Whether all who may write as that group are trusted (OpenSSH in Debian judges its own files so), and no list says more."""
    try:
        members = grp.getgrgid(gid).gr_mem
        uids = {pwd.getpwnam(name).pw_uid for name in members} | {user.pw_uid for user in pwd.getpwall() if user.pw_gid == gid}
    except KeyError:
        return False  # a group or a member that nobody knows
    return bool(uids) and uids <= trusted and not has_access_list(number)


def has_access_list(number: int) -> bool:
    """Whether more may write than owner and group, whose bits then say the most that anybody on the list may."""
    try:
        os.getxattr(f"/proc/self/fd/{number}", ACCESS_LIST)
    except OSError as error:
        return error.errno not in (errno.ENODATA, errno.EOPNOTSUPP)
    return True


def name_of(uid: int) -> str:
    """The user's name, or the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The group's name, or the number."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
