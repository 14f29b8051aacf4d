"""The sections of wlproxy-policy(5) about whose policies are taken: owners of files, and signatures."""

from __future__ import annotations

from ..sidecar.signature import NAMESPACE
from .roff import Page


def add_trust(page: Page) -> None:
    """OWNERS, SIGNATURES."""
    page.section("OWNERS").text(
        "Who can change a policy decides what a guest may do. So `wlproxy run`, `exec`, `serve`, `record`, `trace` and `compile` read a "
        "policy, what it extends, a guest's file, the ceiling and a compiled policy only where root, the user who runs wlproxy, and who "
        "owns the program (and could change that) are the only ones who can change it or put another in its place: the file, and each "
        "directory above it up to /, belongs to one of them, and nobody else may write to it. Otherwise they end with exit code 3 and "
        "name each file or directory at fault and the command that mends it. `wlproxy check` has it as a finding, and "
        "`--allow-unsafe-permissions` against it; what only shows or "
        "compares a policy does not ask.",
        "So a policy in one's home directory is fine, and so is one in /tmp that is one's own: a sticky directory that belongs to root "
        "is no danger to what is ours in it. What a group may write to is fine where they are its only members, as "
        "with a umask of 002 and a group of one's own; not where the file has an access list (acl(5)).",
        "The file must not be a symbolic link, unless it leads into /nix/store; a directory on the way may be one, where link and target "
        "belong to the right users as well. Of wlproxy's own policies, no more than their directory is asked.",
        "`--trust-owner` USER adds a user: for a policy that somebody else administers, or where wlproxy runs as root in a container on a "
        "tree that belongs to you.",
    )
    page.section("SIGNATURES").text(
        f"A compiled policy can be signed with an SSH key, in the namespace `{NAMESPACE}`; the signature is FILE.sig. With "
        "`--allowed-signers` (the file is described in ssh-keygen(1); it must be safe in the sense above) `wlproxy run` and `serve` take "
        "nothing else, and end with exit code 3. `wlproxy verify` says who has signed a file, and whether it is whole and still what its "
        "sources say.",
    )
    page.example(
        f"wlproxy compile work.toml --guest work -o work.json\nssh-keygen -Y sign -n {NAMESPACE} -f KEY work.json\n"
        "wlproxy verify work.json --allowed-signers /etc/wlproxy/allowed_signers"
    )
    page.text(
        "A compiled policy was made under the ceiling of the host that compiled it. It is asked again where it runs: one that gives more "
        "than the ceiling there, or the floor of that wlproxy, is refused with the line that forbids it."
    )
