"""Documentation keeps its paragraphs and lists, and loses the line breaks of its source file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.schema.facts import FieldFact
from atlas.schema.paragraphs import unwrapped

from .made import by_path, field, klass, lane, published


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("The size\n    of a block. ", "The size of a block."),
        ("One.\n\n   \n  Two\n  goes on.", "One.\n\nTwo goes on."),
        ("One of:\n- a, which\n  is long\n- b", "One of:\n- a, which is long\n- b"),
        ("One of\n  * a\n  • b", "One of\n* a\n• b"),
        ("Steps:\n1. go\n   on\n2) stop", "Steps:\n1. go on\n2) stop"),
        ("1. go\n2. stop", "1. go\n2. stop"),
        ("It must be less than\n2. Otherwise it fails.", "It must be less than 2. Otherwise it fails."),
        ("Between -1\n-2 and **3**\n**4**", "Between -1 -2 and **3** **4**"),
        (" \n\n", ""),
    ],
)
def test_lines_are_joined_but_for_paragraphs_and_items(written: str, read: str) -> None:
    assert unwrapped(written) == read


@given(
    st.lists(st.sampled_from(["\n", "\n\n", " ", "- ", "2. ", "a", "b:", "\t", "\r\n", "\x0b"])).map("".join)
)
def test_no_word_is_added_or_lost_and_doing_it_again_changes_nothing(text: str) -> None:
    once = unwrapped(text)
    assert once.split() == text.split()
    assert unwrapped(once) == once


@pytest.mark.parametrize("seen_by", ["static", "live"])
def test_a_description_is_the_same_whichever_lane_has_it(seen_by: str) -> None:
    def described(name: str) -> FieldFact:
        return field("a", description="Which:\n  - x\n    goes on\n\nMore." if name == seen_by else None)

    lanes = [lane(name, klass("p.Args", described(name))) for name in ("static", "live")]
    shown = by_path(published(*lanes, args=["p.Args"]), "args")["a"]
    assert shown["description"] == "Which:\n- x goes on\n\nMore."
