"""What was learned from rejected values alone is no rule: others of their kind may be accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atlas.invariants.domain import one_sided
from atlas.invariants.model import Candidate, Effect, FieldSpec, Observation, Site, Target, Thrown
from atlas.invariants.predicate import parse

SITE = Site("toy/config.py", 7, 7)
TEXT, NUMBER, LISTED = (
    {"type": "string"},
    {"type": ["integer", "null"]},
    {"enum": ["a", "b"], "type": "string"},
)


def target(fragment, default=None):
    return Target("toy.Config", "g", (FieldSpec("name", "Any", fragment, default, True, "value"),))


def rule(when, origin="live", severity="error"):
    return Candidate(
        "toy.Config", severity, "construct", parse(when), Effect("ValueError"), origin, site=SITE
    )


def rejected(value):
    thrown = Thrown("ValueError", ("ValueError",), "no", ("toy/config.py:7",))
    return {"name": value}, Observation("rejected", "construct", thrown)


def accepted(value):
    return {"name": value}, Observation("ok", "construct")


def test_names_of_which_none_was_accepted_are_not_known_to_be_all_rejected():
    confirmed = [rejected("abc"), rejected("nonsense")]
    known = [accepted(None), accepted(3)]
    assert one_sided(target(TEXT), rule("name is not None"), confirmed, known) == "name"
    assert one_sided(target({}), rule("name is not None"), confirmed, known) == "name"
    assert one_sided(target(TEXT), rule("name is not None"), confirmed, [*known, accepted("fast")]) == ""


def test_where_values_of_all_kinds_are_rejected_for_not_being_none_no_other_would_do():
    confirmed = [rejected(value) for value in ("abc", 3, ["a"], {"a": 1})]
    known = [accepted(None)]
    assert one_sided(target({}), rule("name is not None"), confirmed, known) == ""
    assert one_sided(target({}), rule("given(name) and name is not None"), confirmed, known) == ""
    assert one_sided(target({}), rule("name is not None"), confirmed[:2], known) == "name"
    assert one_sided(target({}), rule("name not in (None, 'auto')"), confirmed, known) == "name"


def lacking(package, value):
    mro = ("ModuleNotFoundError", "ImportError", "Exception")
    thrown = Thrown(mro[0], mro, f"No module named '{package}'", ("toy/config.py:7",))
    return {"name": value}, Observation("rejected", "construct", thrown)


def test_what_fails_for_a_package_of_the_engines_choice_does_not_depend_on_the_value():
    when = rule("name is not None")
    assert one_sided(target(TEXT), when, [lacking("numbers", "abc"), lacking("numbers", "x")], []) == ""
    assert one_sided(target(TEXT), when, [lacking("abc", "abc"), lacking("x", "x.y")], []) == "name"


def test_the_default_shows_nothing_of_other_values():
    known = [accepted("auto")]
    assert one_sided(target(TEXT, "auto"), rule("name != 'auto'"), [rejected("abc")], known) == "name"


@pytest.mark.parametrize(
    ("fragment", "value"),
    [(LISTED, "b"), (TEXT, True), (TEXT, None), (NUMBER, "abc"), (NUMBER, [1])],
    ids=["listed", "a truth value", "none", "of another type", "a list"],
)
def test_what_is_tried_in_full_or_of_no_declared_type_needs_no_accepted_value(fragment, value):
    assert one_sided(target(fragment), rule("given(name)"), [rejected(value)], []) == ""


def test_exact_rules_and_notices_are_not_asked():
    for one in (rule("name is not None", origin="static"), rule("name is not None", severity="warn")):
        assert one_sided(target(TEXT), one, [rejected("abc")], []) == ""


def test_numbers_are_of_one_kind():
    assert one_sided(target(NUMBER), rule("name > 3"), [rejected(4.5)], [accepted(2)]) == ""
    assert one_sided(target(NUMBER), rule("name > 3"), [rejected(4)], []) == "name"


def test_numbers_beyond_a_bound_are_tried_well_enough():
    numbers = [rejected(value) for value in (2, 3, 4, 8, 16, 100, 1024, 10**6)]
    known = [accepted(1), accepted(None)]
    assert one_sided(target(NUMBER, 1), rule("name > 1"), numbers, known) == ""
    assert one_sided(target(NUMBER, 1), rule("name > 1"), numbers[:7], known) == "name"
    assert one_sided(target(NUMBER, 1), rule("name != 1"), numbers, known) == "name"
    assert one_sided(target(NUMBER, 1), rule("name > 1 and name != 7"), numbers, known) == "name"


def test_texts_that_the_message_lists_are_those_that_are_taken():
    listed = replace(rule("name not in (None, 'left', 'right')"), message="must be 'left' or 'right'")
    confirmed = [rejected("abc"), rejected("nonsense")]
    known = [accepted(None)]
    assert one_sided(target(TEXT), listed, confirmed, known) == ""
    assert one_sided(target(TEXT), replace(listed, message="must be 'left'"), confirmed, known) == "name"


def test_objects_that_one_statement_rejects_whatever_is_in_them_are_all_rejected():
    inner = tuple(FieldSpec(f"k{n}", "int", {"type": "integer"}, 0, True, "value") for n in range(8))
    its = replace(target({"type": "object"}), inner={"name": inner})
    confirmed = [rejected({f"k{n}": value}) for n in range(8) for value in range(3)]
    known = [accepted(None)]
    assert one_sided(its, rule("name is not None"), confirmed, known) == ""
    assert one_sided(its, rule("name.k1 == 1"), confirmed, known) == "name"
    assert one_sided(its, rule("name is not None"), confirmed[:3], known) == "name"
    # What was rejected there before the trial counts as well: of a small class few differ in one trial.
    assert one_sided(its, rule("name is not None"), confirmed[:3], [*known, *confirmed[3:]]) == ""
    about_it = replace(rule("name is not None"), message="{name} is wrong")
    assert one_sided(its, about_it, confirmed, known) == "name"
    assert one_sided(target({"type": "object"}), rule("name is not None"), confirmed, known) == "name"
