"""Type expressions become JSON Schema that accepts exactly what the type accepts."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from atlas.canonical import compact
from atlas.schema.facts import (
    ANY,
    CALLABLE,
    NONE,
    PATH,
    TypeExpr,
    annotated,
    class_of,
    dict_of,
    enum,
    literal,
    opaque,
    prim,
    sequence,
    tuple_all,
    tuple_of,
    unknown,
)
from atlas.schema.type_questions import (
    Listed,
    classes_in,
    display,
    is_unknown,
    listed_values,
    same_type,
    says_nothing,
)
from atlas.schema.types import to_json_schema

INT, FLOAT, STR, BOOL = map(prim, ("int", "float", "str", "bool"))


def union(*members: TypeExpr) -> TypeExpr:
    return {"k": "union", "of": list(members)}


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize(
    ("type_", "schema"),
    [
        (INT, {"type": "integer"}),
        (FLOAT, {"type": "number"}),
        (ANY, {}),
        (NONE, {"type": "null"}),
        (None, {"x-unknown": ""}),
        (unknown("Foo[bar]"), {"x-unknown": "Foo[bar]"}),
        (union(NONE, INT), {"type": ["integer", "null"]}),
        (union(INT, FLOAT, NONE), {"type": ["number", "null"]}),
        (union(INT, BOOL), {"type": ["integer", "boolean"]}),
        (union(STR, PATH, NONE), {"type": ["string", "null"]}),
        (union(STR, ANY), {}),
        (literal(["auto"]), {"const": "auto"}),
        (literal(["a", "b"]), {"enum": ["a", "b"]}),
        (literal(["a", None]), {"anyOf": [{"const": "a"}, {"type": "null"}]}),
        (union(literal(["a"]), literal(["b", "a"])), {"enum": ["a", "b"]}),
        (literal([1, True]), {"enum": [1, True]}),
        (enum("m.E", {"A": 1, "B": "b", "C": None}), {"enum": [1, "b", "C", "A"]}),
        (
            enum("m.E", {"FLASH_ATTN": "flash-attn", "XFORMERS": "m.X"}),
            {"enum": ["flash-attn", "m.X", "XFORMERS"]},
        ),
        (union(STR, literal(["a", "b"])), {"type": "string", "examples": ["a", "b"]}),
        (union(literal(["a", 1]), STR), {"anyOf": [{"const": 1}, {"type": "string", "examples": ["a"]}]}),
        (union(FLOAT, literal([1])), {"type": "number", "examples": [1]}),
        (sequence("list", STR), {"type": "array", "items": {"type": "string"}}),
        (sequence("set", ANY), {"type": "array"}),
        (tuple_all(INT), {"type": "array", "items": {"type": "integer"}}),
        (tuple_of([]), {"type": "array", "maxItems": 0}),
        (
            tuple_of([INT, STR]),
            {
                "type": "array",
                "items": False,
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (dict_of(STR, ANY), {"type": "object"}),
        (
            dict_of(INT, FLOAT),
            {
                "type": "object",
                "additionalProperties": {"type": "number"},
                "propertyNames": {"pattern": "^-?[0-9]+$"},
            },
        ),
        (
            dict_of(literal(["x", "y"]), ANY),
            {"type": "object", "propertyNames": {"enum": ["x", "y"]}},
        ),
        (class_of("a.B"), {"type": "object", "x-python-type": "a.B"}),
        (opaque("torch.dtype"), {"x-python-type": "torch.dtype"}),
        (union(STR, opaque("torch.dtype")), {"type": "string", "x-python-type": "torch.dtype"}),
        (
            union(opaque("torch.dtype"), NONE),
            {"anyOf": [{"x-python-type": "torch.dtype"}, {"type": "null"}]},
        ),
        (union(NONE, CALLABLE), {"anyOf": [{"x-python-type": "Callable"}, {"type": "null"}]}),
        (annotated(INT, {"minimum": 1}), {"type": "integer", "minimum": 1}),
        (union(annotated(INT, {"minimum": 1}), NONE), {"type": ["integer", "null"], "minimum": 1}),
        (annotated(literal([1, 8]), {}, is_open=True), {"type": "integer", "examples": [1, 8]}),
        (
            union(annotated(INT, {"minimum": 1}), INT),
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "integer"}]},
        ),
    ],
)
def test_a_type_becomes_this_fragment(type_: TypeExpr, schema: dict[str, Any]) -> None:
    assert compact(to_json_schema(type_)) == compact(schema)


@pytest.mark.parametrize(
    ("type_", "constraints", "schema"),
    [
        (union(INT, NONE), {"minimum": 0}, {"type": ["integer", "null"], "minimum": 0}),
        (
            union(INT, literal(["auto"])),
            {"minimum": 0},
            {"anyOf": [{"type": "integer", "minimum": 0}, {"const": "auto"}]},
        ),
        (sequence("list", ANY), {"minLength": 1}, {"type": "array", "minItems": 1}),
        (dict_of(STR, ANY), {"maxLength": 3}, {"type": "object", "maxProperties": 3}),
        (STR, {"minLength": 1, "pattern": "^a"}, {"type": "string", "minLength": 1, "pattern": "^a"}),
        (ANY, {"minimum": 0}, {"minimum": 0}),
        (literal([1, 2]), {"minimum": 0}, {"enum": [1, 2]}),
        (INT, {"multipleOf": 0}, {"type": "integer"}),
    ],
)
def test_constraints_go_to_the_alternatives_they_speak_about(
    type_: TypeExpr, constraints: dict[str, Any], schema: dict[str, Any]
) -> None:
    assert compact(to_json_schema(type_, constraints)) == compact(schema)


def test_a_bool_is_not_an_integer_and_an_integer_is_a_number() -> None:
    assert not accepts(to_json_schema(INT), True)
    assert not accepts(to_json_schema(BOOL), 1)
    assert not accepts(to_json_schema(literal([1])), True)
    assert accepts(to_json_schema(FLOAT), 3)


def test_a_config_class_can_be_given_as_a_reference() -> None:
    type_ = union(class_of("a.B"), class_of("a.C"), NONE)
    schema = to_json_schema(type_, None, {"a.B": {"$ref": "#/$defs/B"}}.get)
    assert schema == {
        "anyOf": [
            {"$ref": "#/$defs/B"},
            {"type": "object", "x-python-type": "a.C"},
            {"type": "null"},
        ]
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (union(NONE, INT), union(INT, NONE), True),
        (union(INT, FLOAT), FLOAT, True),
        (enum("m.E", {"A": "a", "B": "b"}), literal(["b", "a"]), True),
        (enum("m.E", {"A": 1, "B": 2}), literal([1, 2]), True),
        (class_of("a.b.C"), opaque("C"), True),
        (union(STR, class_of("a.b.C")), union(opaque("x.C"), STR), True),
        (opaque("object"), ANY, True),
        (annotated(INT, {"minimum": 1}), INT, True),
        (INT, BOOL, False),
        (INT, FLOAT, False),
        (literal([1]), literal([True]), False),
        (union(STR, literal(["a"])), STR, True),
        (opaque("type[a.b.C]"), opaque("type"), True),
        (union(STR, literal(["a"])), literal(["a"]), False),
        (sequence("list", INT), sequence("list", STR), False),
        (opaque("torch.dtype"), opaque("torch.device"), False),
    ],
)
def test_two_lanes_mean_the_same_type(one: TypeExpr, other: TypeExpr, same: bool) -> None:
    assert same_type(one, other) is same
    assert same_type(other, one) is same


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (literal(["a", None]), Listed(("a",), open=False)),
        (union(STR, literal(["a"])), Listed(("a",), open=True)),
        (union(INT, literal(["auto"])), Listed(("auto",), open=False)),
        (annotated(literal([1, 8]), {}, is_open=True), Listed((1, 8), open=True)),
        (STR, None),
        (sequence("list", literal(["a"])), None),
        (None, None),
    ],
)
def test_listed_values_are_open_where_others_are_taken_too(type_: TypeExpr, values: Listed | None) -> None:
    assert listed_values(type_) == values


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (union(NONE, STR, literal(["a"])), "str | Literal['a'] | None"),
        (dict_of(STR, sequence("list", ANY)), "dict[str, list[Any]]"),
        (tuple_all(INT), "tuple[int, ...]"),
        (tuple_of([INT, STR]), "tuple[int, str]"),
        (class_of("a.b.C"), "C"),
        (None, "unknown"),
    ],
)
def test_a_type_reads_as_python(type_: TypeExpr, text: str) -> None:
    assert display(type_) == text


def test_an_unknown_part_makes_the_type_unknown() -> None:
    assert is_unknown(None)
    assert is_unknown(sequence("list", unknown("T")))
    assert not is_unknown(opaque("torch.dtype"))
    assert says_nothing(ANY)
    assert not says_nothing(INT)


def test_config_classes_are_found_with_the_step_that_leads_to_them() -> None:
    type_ = union(class_of("a.B"), sequence("list", class_of("a.C")), dict_of(STR, class_of("a.D")), NONE)
    assert classes_in(type_) == [("a.B", ""), ("a.C", "[]"), ("a.D", ".*")]


# --- properties -------------------------------------------------------------------------------

scalar_values = st.one_of(st.text(max_size=3), st.integers(-3, 3), st.booleans(), st.none())
leaves: st.SearchStrategy[TypeExpr] = st.one_of(
    st.sampled_from([INT, FLOAT, STR, BOOL, prim("bytes"), NONE, ANY, CALLABLE, PATH, unknown("T")]),
    st.lists(scalar_values, min_size=1, max_size=4).map(literal),
    st.dictionaries(st.sampled_from("ABC"), scalar_values, min_size=1).map(lambda m: enum("m.E", m)),
    st.sampled_from(["a.B", "a.C"]).map(class_of),
    st.sampled_from(["torch.dtype", "x.Y"]).map(opaque),
)
bounds = st.dictionaries(
    st.sampled_from(["minimum", "exclusiveMaximum", "multipleOf", "minLength", "maxItems"]),
    st.integers(-1, 5),
)


def _grown(inner: st.SearchStrategy[TypeExpr]) -> st.SearchStrategy[TypeExpr]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda of: union(*of)),
        st.builds(sequence, st.sampled_from(["list", "set", "frozenset"]), inner),
        inner.map(tuple_all),
        st.lists(inner, max_size=3).map(tuple_of),
        st.builds(dict_of, inner, inner),
        st.builds(
            lambda base, rules, is_open: annotated(base, rules, is_open=is_open), inner, bounds, st.booleans()
        ),
    )


type_expressions = st.recursive(leaves, _grown, max_leaves=8)


@given(type_expressions, bounds)
def test_every_fragment_is_valid_json_schema(type_: TypeExpr, constraints: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(to_json_schema(type_, constraints))


@given(type_expressions, st.integers())
def test_the_order_of_a_union_makes_no_difference_to_what_it_accepts(type_: TypeExpr, seed: int) -> None:
    shuffled = _shuffle(type_, random.Random(seed))
    assert same_type(type_, shuffled)
    ours, theirs = to_json_schema(type_), to_json_schema(shuffled)
    for value in (None, True, 0, 1, -2, 0.5, "", "a", [], [1], {}, {"a": 1}):
        assert accepts(ours, value) == accepts(theirs, value)


@given(type_expressions)
def test_null_is_accepted_by_every_optional_type(type_: TypeExpr) -> None:
    schema = to_json_schema(union(NONE, type_))
    assert accepts(schema, None)
    if "anyOf" in schema:
        assert schema["anyOf"][-1] == {"type": "null"}


@given(type_expressions)
def test_a_union_with_itself_is_itself(type_: TypeExpr) -> None:
    assert compact(to_json_schema(union(type_, type_))) == compact(to_json_schema(union(type_)))


@given(type_expressions)
def test_what_a_member_accepts_the_union_accepts(type_: TypeExpr) -> None:
    whole = to_json_schema(union(type_, INT))
    for value in (True, 3, "a", [1], {"a": 1}):
        if set(to_json_schema(type_)) != {"x-python-type"} and accepts(to_json_schema(type_), value):
            assert accepts(whole, value) or _accepts_only_as_object(type_)
    assert accepts(whole, 7)


def _accepts_only_as_object(type_: TypeExpr) -> bool:
    """Opaque Python objects take any JSON alone, and nothing beside JSON types."""
    text = str(type_)
    return "opaque" in text or "callable" in text or "bytes" in text


def _shuffle(type_: TypeExpr, rng: random.Random) -> TypeExpr:
    out = dict(type_)
    for key in ("base", "item", "key", "value"):
        if isinstance(out.get(key), dict):
            out[key] = _shuffle(out[key], rng)
    for key in ("of", "items"):
        if key in out:
            out[key] = [_shuffle(part, rng) for part in out[key]]
    if out["k"] == "union":
        rng.shuffle(out["of"])
    return out
