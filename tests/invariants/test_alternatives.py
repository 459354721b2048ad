"""Each way in which a condition can hold is among the configurations that are tried."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from atlas.invariants.corpus import Corpus, context_of
from atlas.invariants.draw import Space, sides
from atlas.invariants.model import Candidate, Effect, FieldSpec, Target
from atlas.invariants.predicate import Expr, compile_predicate, parse, to_text
from atlas.invariants.sampling import hints_of, pools
from atlas.invariants.sampling.alternatives import MOST, alternatives, in_turns
from atlas.invariants.sampling.around import around

from .expressions import configs
from .test_static_conditions import CONDITIONS

FIELDS = (
    FieldSpec("kind", "str | None", {"type": ["string", "null"]}, None, True, "none"),
    FieldSpec("size", "int", {"type": "integer"}, 1, True, "value"),
    FieldSpec("limits", "Limits", {"type": "object", "x-python-type": "pkg.Limits"}, None, False, "factory"),
)
INNER = {"limits": (FieldSpec("high", "int", {"type": "integer"}, 7, True, "value"),)}
TARGET = Target("pkg.C", "g", FIELDS, inner=INNER)
CONTEXT = context_of(TARGET)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, configs(names=("x", "y")))
def test_where_a_condition_holds_so_does_an_alternative(condition: Expr, config: dict[str, Any]) -> None:
    ways = alternatives(condition)
    assert 1 <= len(ways) <= MOST
    if compile_predicate(condition)(config):
        assert any(compile_predicate(way)(config) for way in ways)


def test_alternatives_of_and_or_and_if() -> None:
    found = [to_text(one) for one in alternatives(parse("a > 1 and (b == 1 or b == 'x' and c or not c)"))]
    assert found == ["a > 1 and b == 1", "a > 1 and b == 'x' and c", "a > 1 and not c"]
    assert [to_text(one) for one in alternatives(parse("a == 1 if c else a == 2"))] == [
        "a == 1 and c",
        "a == 2 and not c",
    ]


def test_one_of_each_group_in_turn() -> None:
    assert in_turns([[1, 2, 3], [4], [5, 6]]) == [1, 4, 5, 2, 6, 3]


def drawn(text: str, n: int = 30) -> list[dict[str, Any]]:
    when = parse(text)
    trues, _ = around(when, TARGET, pools(TARGET, hints_of([when])), CONTEXT, n, n, 1)
    return [dict(one) for one in trues]


def test_a_rare_way_is_among_the_first() -> None:
    text = "type(kind) not in ('str', 'null') and size == 3 or size > 5"
    rare = compile_predicate(parse("type(kind) not in ('str', 'null') and size == 3"), CONTEXT)
    assert sum(map(rare, drawn(text)[:10])) >= 3


def test_texts_are_tried_in_other_spellings() -> None:
    text = "lower(kind) in ('fast', 'slow') and lower(kind) != kind"
    assert {one["kind"] for one in drawn(text)} >= {"FAST", "Slow"}


def test_keys_are_put_into_objects_that_a_condition_asks_for() -> None:
    found = drawn("not conforms(raw(limits.high), 'int') and type(raw(limits)) == 'dict'")
    assert len({repr(one["limits"]["high"]) for one in found}) > 5


def test_notices_are_drawn_away_from_what_rejects() -> None:
    """Nearly all texts are rejected: those that are not, and change, are found nonetheless."""
    rejects = Candidate(
        "pkg.C", "error", "construct", parse("lower(kind) not in ('fast', 'slow')"), Effect(), "live"
    )
    change = Candidate(
        "pkg.C", "dormant", "construct", parse("size > 2 and kind != lower(kind)"), Effect(), "static"
    )
    exprs = [rejects.when, change.when]
    space = Space(TARGET, pools(TARGET, hints_of(exprs)), CONTEXT, [], {}, Corpus(TARGET, [rejects]))
    trues, _ = sides(space, change, 40, 1)
    accepted = [one for one in trues if not space.rejecting.rejects(one)]
    assert len(accepted) >= 40
    assert {one["kind"].lower() for one in accepted} == {"fast", "slow"}


def test_the_condition_of_a_choice_gives_no_values_to_what_is_chosen() -> None:
    found = hints_of([parse("(size if kind == 'fast' else limits.high) > 12")])
    assert 12 in found["size"].values
    assert "kind" not in found or 12 not in found["kind"].values
    assert "fast" in found["kind"].values


def test_a_rejection_is_drawn_where_others_do_not_come_first() -> None:
    first = Candidate("pkg.C", "error", "construct", parse("size > 2 and kind != 'fast'"), Effect(), "static")
    second = Candidate("pkg.C", "error", "construct", parse("size > 9"), Effect(), "static")
    tried = pools(TARGET, hints_of([second.when, first.when]))
    space = Space(TARGET, tried, CONTEXT, [], {}, Corpus(TARGET, [first]))
    trues, _ = sides(space, second, 40, 1)
    assert sum(not space.rejecting.rejects(one) for one in trues) >= 20
    assert any(space.rejecting.rejects(one) for one in trues)
