"""Coverage-guided: atheris shapes the decisions of the generator, or raw bytes for both sides; the oracles are those of `wlproxy fuzz`.

    python -m tests.fuzz.atheris_session [libFuzzer options] [corpus directories]

Needs atheris (pip install atheris) and the interpreted core; `-max_total_time=600 -rss_limit_mb=1024` are good options.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["wlproxy.core", "wlproxy.handlers"]):
    from wlproxy.policy.load_protocols import load_shipped
    from wlproxy.tools.fuzzing.campaign import Campaign
    from wlproxy.tools.fuzzing.choices import from_bytes
    from wlproxy.tools.fuzzing.lines import is_compiled
    from wlproxy.tools.fuzzing.policies import BUILT_IN, tables_of
    from wlproxy.tools.fuzzing.report import save

INTERFACES = load_shipped()
CAMPAIGNS = {name: Campaign(tables_of(name, INTERFACES), INTERFACES) for name in BUILT_IN}


def one(data: bytes) -> None:
    """The first byte picks the policy; raises where an oracle speaks."""
    if len(data) < 4:
        return
    name = BUILT_IN[data[0] % len(BUILT_IN)]
    campaign = CAMPAIGNS[name]
    campaign.one(from_bytes(data[1:]))
    if campaign.findings:
        print("\n".join(save(campaign, name, "fuzz-findings")), file=sys.stderr)
        raise next(iter(campaign.findings.values())).finding


def main() -> None:
    if is_compiled():
        sys.exit("the core is compiled here: no lines to see; use the interpreted build")
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
