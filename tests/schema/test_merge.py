"""Two lanes become one fact each, and what they differ about is listed."""

from __future__ import annotations

from typing import Any

import pytest

from atlas.schema.compare import compare_defaults, same_value
from atlas.schema.facts import (
    ANY,
    NONE,
    DefaultFact,
    DeprecationFact,
    FlagFact,
    Limitation,
    TypeExpr,
    annotated,
    class_of,
    literal,
    sequence,
    unknown,
)
from atlas.schema.merge import MergedField, merge_field, merge_lanes

from .made import FLOAT, INT, NULL, REQUIRED, STR, field, klass, lane, value


def union(*members: TypeExpr) -> TypeExpr:
    return {"k": "union", "of": list(members)}


def merged(static: Any, live: Any) -> MergedField:
    return merge_field(static, live)


UNKNOWN = DefaultFact("unknown")
FACTORY = DefaultFact("factory", None, "list")
COMPUTED = DefaultFact("computed", None, "<object>")


@pytest.mark.parametrize(
    ("static", "live", "kind", "shown", "agrees"),
    [
        (value(1), value(1), "value", 1, True),
        (value(1), value(1.0), "value", 1.0, True),
        (value(1), value(True), "value", True, False),
        (value(1), value(2), "value", 2, False),
        (NULL, NULL, "none", None, True),
        (NULL, REQUIRED, "required", None, False),
        (NULL, value(0), "value", 0, False),
        (UNKNOWN, value(3), "value", 3, None),
        (COMPUTED, value(3), "value", 3, None),
        (value(3), COMPUTED, "value", 3, None),
        (value(3), UNKNOWN, "value", 3, None),
        (UNKNOWN, COMPUTED, "computed", None, None),
        (DefaultFact("factory", [], "list"), DefaultFact("factory", [], "list"), "factory", [], True),
        (FACTORY, DefaultFact("factory", [1], "f"), "factory", [1], None),
        (value(5), DefaultFact("factory", 5, "<lambda>"), "factory", 5, True),
    ],
)
def test_the_live_default_counts_where_both_know_it(
    static: DefaultFact, live: DefaultFact, kind: str, shown: Any, agrees: bool | None
) -> None:
    verdict = compare_defaults(static, live)
    assert (verdict.chosen.kind, verdict.chosen.value, verdict.agrees) == (kind, shown, agrees)


def test_a_default_keeps_the_words_of_the_source() -> None:
    both = merged(field("x", default=value(2, "Mode.FAST")), field("x", default=value(2)))
    assert both.fact.default.text == "Mode.FAST"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0, False),
        ([1, "a"], [1.0, "a"], True),
        ({"a": [True]}, {"a": [1]}, False),
        ({"a": 1}, {"b": 1}, False),
        ("1", 1, False),
        (None, None, True),
    ],
)
def test_values_are_compared_as_json(one: Any, other: Any, same: bool) -> None:
    assert same_value(one, other) is same


def test_the_live_type_counts_where_the_lanes_differ_and_both_are_listed() -> None:
    both = merged(field("x", INT), field("x", FLOAT))
    assert both.fact.type == FLOAT
    assert [(d.fact, d.static, d.live) for d in both.disagreements] == [("type", "int", "float")]
    assert both.agreed == {"default": True, "type": False}


@pytest.mark.parametrize(
    ("static", "live", "chosen"),
    [
        (None, INT, INT),
        (unknown("T"), INT, INT),
        (INT, None, INT),
        (INT, unknown("T"), INT),
        (unknown("T"), None, unknown("T")),
        (class_of("pkg.C"), ANY, class_of("pkg.C")),
        (literal(["a"]), union(ANY, NONE), literal(["a"])),
    ],
)
def test_a_lane_that_says_nothing_gives_way(
    static: TypeExpr | None, live: TypeExpr | None, chosen: TypeExpr
) -> None:
    both = merged(field("x", static), field("x", live))
    assert both.fact.type == chosen
    assert not both.disagreements
    assert "type" not in (both.agreed or {})


def test_named_values_of_either_lane_are_kept() -> None:
    named = union(STR, literal(["a", "b"]))
    assert merged(field("x", named), field("x", STR)).fact.type == named
    assert merged(field("x", STR), field("x", named)).fact.type == named


def test_closed_values_are_compared_where_both_know_the_type() -> None:
    ab, ba, abc = literal(["a", "b"]), literal(["b", "a"]), literal(["a", "b", "c"])
    assert (merged(field("x", ab), field("x", ba)).agreed or {})["enum"] is True
    assert (merged(field("x", ab), field("x", abc)).agreed or {})["enum"] is False
    assert (merged(field("x", STR), field("x", ab)).agreed or {})["enum"] is False
    assert "enum" not in (merged(field("x", union(STR, ab)), field("x", STR)).agreed or {})
    assert "enum" not in (merged(field("x", None), field("x", ab)).agreed or {})


def test_bounds_count_wherever_they_are_written() -> None:
    inside = field("x", union(annotated(INT, {"minimum": 0}), NONE))
    outside = field("x", union(INT, NONE), constraints={"minimum": 0})
    both = merged(outside, inside)
    assert dict(both.fact.constraints or {}) == {"minimum": 0}
    assert (both.agreed or {})["bounds"] is True


def test_differing_bounds_are_listed_and_the_live_ones_count() -> None:
    both = merged(field("x", constraints={"minimum": 0}), field("x", constraints={"minimum": 1}))
    assert dict(both.fact.constraints or {}) == {"minimum": 1}
    assert [(d.fact, d.static, d.live) for d in both.disagreements] == [
        ("bounds", {"minimum": 0}, {"minimum": 1})
    ]


def test_bounds_inherited_by_a_join_are_not_held_against_the_other_lane() -> None:
    joined = field("x", constraints={"minimum": 0}, joins="pkg.Config.x")
    both = merged(joined, field("x"))
    assert dict(both.fact.constraints or {}) == {"minimum": 0}
    assert "bounds" not in (both.agreed or {})
    assert (merged(field("x", constraints={"minimum": 0}), field("x")).agreed or {})["bounds"] is False


def test_text_comes_from_the_source_and_else_from_the_engine() -> None:
    static = field("x", description="as written", annotation="Optional[int]", deprecated=None)
    live = field("x", description="as seen", annotation="int | None", env="X", aliases=("y",))
    both = merged(static, live).fact
    assert (both.description, both.annotation, both.env, both.aliases) == (
        "as written",
        "Optional[int]",
        "X",
        ("y",),
    )
    assert merged(field("x"), live).fact.description == "as seen"


def test_a_deprecation_takes_each_part_from_where_it_is_known() -> None:
    static = field("x", deprecated=DeprecationFact(None, "gone soon", None))
    live = field("x", deprecated=DeprecationFact("2.0", "deprecated", "y"))
    assert merged(static, live).fact.deprecated == DeprecationFact("2.0", "gone soon", "y")


def test_whether_a_field_is_settable_is_for_the_engine_to_say() -> None:
    both = merged(field("x"), field("x", init=False))
    assert not both.fact.init
    assert [d.fact for d in both.disagreements] == ["settable"]


def test_a_name_that_only_the_source_has_comes_with_a_reason() -> None:
    static = lane(
        "static",
        klass("p.A", field("a"), field("b", via="kwargs"), field("c", via="init_attr"), field("d")),
        klass("p.B", field("x")),
        klass("p.C", field("x")),
    )
    live = lane(
        "live", klass("p.A", field("a")), limitations=(Limitation("import_failed", "p.B", "no torch"),)
    )
    both = merge_lanes(static, live)
    codes = {
        f"{name}.{one.fact.name}": one.static_only
        for name, found in both.classes.items()
        for one in found.fields
    }
    assert codes == {
        "p.A.a": None,
        "p.A.b": "kwargs",
        "p.A.c": "init_attribute",
        "p.A.d": "unexplained",
        "p.B.x": "import_failed",
        "p.C.x": "class_not_live",
    }


def test_without_a_live_lane_nothing_needs_a_reason() -> None:
    both = merge_lanes(lane("static", klass("p.A", field("a"))), None)
    (one,) = both.classes["p.A"].fields
    assert one.static_only is None
    assert one.lanes() == {"static"}


def test_a_name_that_only_the_engine_has_is_kept() -> None:
    both = merge_lanes(lane("static", klass("p.A")), lane("live", klass("p.A", field("a"))))
    (one,) = both.classes["p.A"].fields
    assert one.lanes() == {"live"}


def test_an_import_tells_the_kind_of_a_class() -> None:
    static = lane("static", klass("p.A", kind="dataclass", doc="Doc."))
    live = lane("live", klass("p.A", kind="pydantic_dataclass", extra="forbid"))
    fact = merge_lanes(static, live).classes["p.A"].fact
    assert (fact.kind, fact.extra, fact.doc) == ("pydantic_dataclass", "forbid", "Doc.")


def test_the_flags_of_the_parser_take_their_place_and_help_from_the_source() -> None:
    static = lane(
        "static",
        flags=(
            FlagFact(("--a", "--no-a"), "a", "p.A", "a", help="About a.", file="pkg/args.py", line=3),
            FlagFact(("--b",), "b"),
        ),
    )
    live = lane("live", flags=(FlagFact(("--a", "--disable-a"), "a"), FlagFact(("--c",), "c")))
    flags = merge_lanes(static, live).flags
    assert [one.flags for one in flags] == [("--a", "--disable-a"), ("--c",), ("--b",)]
    assert (flags[0].owner, flags[0].field, flags[0].help, flags[0].line) == ("p.A", "a", "About a.", 3)


def test_items_of_containers_are_compared_too() -> None:
    assert merged(field("x", sequence("list", INT)), field("x", sequence("list", STR))).disagreements
