"""Every row of the catalogue is accounted for, every test it names is there, and what it calls hidden is hidden."""

from __future__ import annotations

import importlib

import pytest

from tests.attack.catalogue import ROWS
from tests.scene import shipped
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.load import load_policy

EXPECTED = [f"A{n:02}" for n in range(1, 41)] + [f"B{n:02}" for n in range(1, 69)]


def test_no_row_is_missing():
    assert list(ROWS) == EXPECTED


@pytest.mark.parametrize("id", EXPECTED)
def test_a_row_is_proven_or_hidden_or_says_why_not(id):
    entry = ROWS[id]
    assert entry.title
    assert entry.proofs or entry.hidden or entry.open


@pytest.mark.parametrize("proof", sorted({proof for entry in ROWS.values() for proof in entry.proofs}))
def test_every_test_that_is_named_is_there(proof):
    module, _, name = proof.partition(":")
    assert callable(getattr(importlib.import_module(f"tests.{module}"), name))


@pytest.mark.parametrize("policy_name", ["strict", "desktop"])
def test_what_is_hidden_is_announced_by_no_shipped_policy(policy_name):
    compiled = compile_policy(load_policy(policy_name, {"vm": "work"}, shipped(), search=()), shipped())
    for id, entry in ROWS.items():
        for interface in entry.hidden:
            assert interface in shipped(), f"{id}: nobody knows {interface}"
            assert interface not in compiled["globals"], f"{id}: {policy_name} announces {interface}"
