"""Combinations of keys: what is taken, how it is written, when one is complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlproxy.handlers.keys import JOINED_BY, KEYS, MODIFIERS, combination

WORDS = st.sampled_from([*MODIFIERS, *KEYS, "", "super", "Esc"])


@given(st.sets(st.sampled_from(list(MODIFIERS)), min_size=1), st.sampled_from(list(KEYS)), st.randoms())
def test_every_one_is_taken_in_any_order_and_written_in_one(modifiers, key, random):
    shuffled = random.sample(sorted(modifiers), len(modifiers))
    made = combination(JOINED_BY.join([*shuffled, key]))
    assert made.text == JOINED_BY.join([*(name for name in MODIFIERS if name in modifiers), key])
    assert combination(made.text).text == made.text
    held = {min(MODIFIERS[name]) for name in modifiers}
    assert made.completed_by(KEYS[key], held)
    assert not made.completed_by(KEYS[key], held - {min(MODIFIERS[random.choice(sorted(modifiers))])})
    assert not made.completed_by(KEYS[key] + 1000, held)


@given(st.one_of(st.text(max_size=30), st.lists(WORDS, max_size=4).map(JOINED_BY.join)))
def test_anything_else_is_refused_by_a_word_of_it(text):
    try:
        made = combination(text)
    except ValueError as error:
        assert str(error) in text.split(JOINED_BY)
    else:
        assert sorted(made.text.split(JOINED_BY)) == sorted(text.split(JOINED_BY))


@pytest.mark.parametrize(
    "text", ["Escape", "Super", "", "Super+Super+Escape", "super+Escape", "Super+Esc", "Super +Escape", "Escape+Super"]
)
def test_these_are_none(text):
    with pytest.raises(ValueError):
        combination(text)


def test_no_key_is_a_modifier_and_none_stands_twice():
    modifiers = [code for codes in MODIFIERS.values() for code in codes]
    assert len(modifiers) == len(set(modifiers))
    assert len(set(KEYS.values())) == len(KEYS)
    assert not set(modifiers) & set(KEYS.values())
