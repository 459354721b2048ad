"""Facts in words."""

from __future__ import annotations

from typing import Any

import pytest

from atlas.report import wording


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (None, "None"),
        (True, "True"),
        (0.5, "0.5"),
        ('a"b', '"a\\"b"'),
        (["é", {"k": None}], '["é", {"k": None}]'),
    ],
)
def test_values_are_written_as_in_python(item: Any, text: str) -> None:
    assert wording.value(item) == text


def test_listed_values_are_left_out_of_the_type() -> None:
    entry = {"display": "Literal['a', 'b]', \"it's\"] | None", "enum": ["a", "b]", "it's"]}
    assert wording.type_name(entry) == "Literal | None"


def test_values_deep_in_a_type_stay_there() -> None:
    assert wording.type_name({"display": "list[Literal['a']]"}) == "list[Literal['a']]"


def test_a_type_that_is_unknown_has_no_name() -> None:
    assert wording.type_name({"display": "unknown"}) is None


def test_limits_stand_once_wherever_they_are_written() -> None:
    number = {"type": "integer", "minimum": 1, "exclusiveMaximum": 9}
    entry = {"type": {"anyOf": [number, {"type": "null"}]}, "constraints": {"minimum": 1}}
    assert wording.limits(entry) == "≥ 1, < 9"


def test_the_length_of_a_tuple_is_no_limit() -> None:
    entry = {"type": {"type": "array", "prefixItems": [{}, {}], "minItems": 2, "maxItems": 2}}
    assert wording.limits(entry) is None


def test_limits_of_items_are_told_apart() -> None:
    assert wording.limits({"type": {"type": "array", "items": {"minimum": 0}, "minItems": 1}}) == (
        "≥ 1 items, items ≥ 0"
    )


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"default_kind": "required"}, None),
        ({"default_kind": "unknown"}, None),
        ({"default_kind": "none", "default": None}, "None"),
        ({"default_kind": "value", "default": False}, "False"),
        ({"default_kind": "value", "default": 1, "default_text": "Mode.FAST"}, "1"),
        ({"default_kind": "computed", "default_text": "cpu_count()"}, "cpu_count()"),
        ({"default_kind": "factory", "default": []}, "[]"),
    ],
)
def test_no_default_is_not_the_default_none(entry: dict[str, Any], text: str | None) -> None:
    assert wording.default(entry) == text


def test_a_default_that_is_known_is_shown_as_written_besides() -> None:
    entry = {"default_kind": "value", "default": 1, "default_text": "Mode.FAST"}
    assert wording.default_text(entry) == "Mode.FAST"
    assert wording.default_text({"default_kind": "computed", "default_text": "cpu_count()"}) is None


def test_a_deprecation_says_what_is_known() -> None:
    assert wording.deprecated({"since": "1.2", "message": "Old.", "replacement": "new"}) == (
        "Deprecated since 1.2. Old. Use new instead."
    )
    assert wording.deprecated({"since": None, "message": None, "replacement": None}) == "Deprecated."
    assert wording.deprecated(None) is None


def test_a_disagreement_shows_both_words() -> None:
    said = [
        {
            "fact": "default",
            "static": {"kind": "computed", "text": "f()"},
            "live": {"kind": "value", "value": 2},
        }
    ]
    assert wording.disagreement(said) == [
        {"what": "default", "static": "f() (computed)", "live": "2 (value)"}
    ]


def test_why_a_cell_has_static_facts_only():
    reasons = [
        {"code": "cpu_only", "reason": "no accelerator"},
        {"code": "environment_unhealthy", "reason": "No module named 'x'"},
    ]
    static = {"lanes": {"seen": ["static"]}, "limitations": reasons}
    assert wording.only_static(static) == "No module named 'x'"
    assert wording.only_static({**static, "limitations": []}) == "The live lane did not run."
    assert wording.only_static({**static, "lanes": {"seen": ["static", "live"]}}) is None
