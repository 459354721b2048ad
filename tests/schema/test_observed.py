"""A parameter whose type is written nowhere has the type that its constructor was seen to take."""

from __future__ import annotations

from typing import Any

import pytest

from atlas.schema.facts import ANY, FieldFact, ObservedFact
from atlas.schema.floors import Floor, Share, hold
from atlas.schema.observed import JSON_TYPES, observed_type, unstated
from atlas.schema.type_questions import display
from atlas.validation import problems
from atlas.yamlfile import Document

from .made import INT, STR, by_path, field, klass, lane, published

ALL = tuple(JSON_TYPES)


def schema_of(*static: FieldFact, seen: dict[str, tuple[str, ...]], live: tuple[FieldFact, ...] = ()) -> Any:
    """The artefact of one class, and what its constructor took."""
    observed = tuple(ObservedFact("p.Args", name, accepted) for name, accepted in seen.items())
    schema = published(
        lane("static", klass("p.Args", *static)),
        lane("live", klass("p.Args", *live), observed=observed),
        args=["p.Args"],
    )
    assert not problems(Document("schema", schema, {}), "schema.discovered")
    return schema


@pytest.mark.parametrize(
    ("accepted", "shown"),
    [
        (ALL, "Any"),
        (("null", "integer"), "int | None"),
        (("string",), "str"),
        (("array", "object"), "list[Any] | dict[str, Any]"),
        (("integer", "number", "boolean"), "bool | int | float"),
    ],
)
def test_the_type_is_the_union_of_what_was_accepted(accepted: tuple[str, ...], shown: str) -> None:
    assert display(observed_type(accepted)) == shown


def test_asked_for_are_settable_parameters_of_classes_whose_type_no_source_states() -> None:
    static = lane(
        "static",
        klass("p.Args", field("a"), field("b", None), field("c", None, init=False, via="init_attr")),
        klass("p.load", field("d", None), kind="function"),
    )
    assert unstated(static) == [("p.Args", "b")]


def test_where_everything_is_accepted_the_type_is_any_and_the_evidence_says_why() -> None:
    found = schema_of(field("a", None, via="kwargs"), seen={"a": ALL}, live=(field("a", None),))
    shown = by_path(found, "args")["a"]
    assert (shown["type"], shown["display"]) == ({}, "Any")
    assert shown["evidence"] == [
        {"lane": "static", "file": "pkg/args.py", "line": 7},
        {"lane": "live", "file": "pkg/args.py", "line": 7, "observed": list(ALL)},
    ]
    assert "disagreement" not in shown


def test_where_some_values_are_refused_the_type_is_what_is_left() -> None:
    found = schema_of(field("a", None, via="kwargs"), seen={"a": ("null", "integer")})
    assert by_path(found, "args")["a"]["type"] == {"type": ["integer", "null"]}


def test_a_parameter_that_only_the_sources_show_counts_as_seen_by_one_lane() -> None:
    found = schema_of(field("a", None, via="kwargs"), seen={"a": ALL})
    shown = by_path(found, "args")["a"]
    assert shown["evidence"][1] == {"lane": "live", "observed": list(ALL)}
    assert shown["static_only"] == "kwargs"
    assert found["coverage"]["live"] == 0


def test_a_type_that_a_lane_states_stands() -> None:
    found = schema_of(
        field("a", STR), field("b", None), seen={"a": ALL, "b": ALL}, live=(field("a", None), field("b", INT))
    )
    shown = by_path(found, "args")
    assert (shown["a"]["display"], shown["b"]["display"]) == ("str", "int")
    assert not any("observed" in one for path in shown for one in shown[path]["evidence"])


def test_of_a_parameter_of_another_class_nothing_is_known_by_it() -> None:
    static = lane("static", klass("p.Args", field("a", None)), klass("p.Other", field("a", None)))
    live = lane("live", klass("p.Args"), observed=(ObservedFact("p.Other", "a", ALL),))
    found = published(static, live, args=["p.Args"], other=["p.Other"])
    assert by_path(found, "args")["a"]["display"] == "unknown"
    assert by_path(found, "other")["a"]["type"] == {}


def test_what_only_the_engine_sets_is_in_neither_number_of_the_typed_measure() -> None:
    found = schema_of(
        field("a"),
        field("b", None, via="kwargs"),
        field("c", None, via="kwargs"),
        field("d", None, init=False, via="init_attr"),
        field("e", INT, init=False, via="init_attr"),
        seen={"b": ALL},
    )
    row = found["lanes"]["rows"][0]
    assert row["settable"] == {"n": 3, "typed": 2}
    assert row["unknown_types"] == ["c"]
    assert (row["n"], row["typed"]) == (5, 3)
    held = hold(found, [Floor("typed", 0.9), Floor("written_types", 0.9)])
    assert [one.share for one in held] == [Share(2, 3), Share(2, 2)]
    assert observed_type(ALL) == ANY
