"""Keeps these tests out of a run that is not in a VM: they open AF_VSOCK."""

from __future__ import annotations

import os

if os.environ.get("WLPROXY_IN_VM") != "1":
    collect_ignore_glob = ["test_*.py"]
