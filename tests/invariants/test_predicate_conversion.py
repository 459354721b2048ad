"""What a class that converts makes of a value: pydantic itself says whether we are right."""

from __future__ import annotations

import json
import math
import re
import typing
from pathlib import Path, PurePath
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from atlas.invariants.predicate.conversion import conforms, outcome_of
from atlas.invariants.predicate.type_texts import parse_type

ROOT = Path(__file__).resolve().parents[2]
NAMES = {**vars(typing), "Path": Path, "type": type}

SCALAR_TYPES = [
    "int", "float", "bool", "str", "None", "Path", "Callable", "type", "Any",
    "Literal[1, 2]", "Literal['a', True]", "Literal[0, 'x']", "Literal['a', 'b', '1']", "Literal[1, True, 3]",
]  # fmt: skip
types = st.recursive(
    st.sampled_from(SCALAR_TYPES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(" | ".join),
        inner.map("list[{}]".format),
        inner.map("set[{}]".format),
        inner.map("tuple[{}, ...]".format),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: f"tuple[{', '.join(parts)}]"),
        st.tuples(st.sampled_from(["str", "int", "Any", "float"]), inner).map("dict[{0[0]}, {0[1]}]".format),
    ),
    max_leaves=4,
)
number_texts = st.text("0123456789_.+-eE infa\t\x1f\xa0５", max_size=8)
words = st.sampled_from(
    [
        "0",
        "off",
        "f",
        "false",
        "n",
        "no",
        "1",
        "on",
        "t",
        "true",
        "y",
        "yes",
        "TRUE",
        "tRue",
        "a",
        "b",
        "x",
        "1.0",
        "5",
        "5.0",
        "1e3",
        "inf",
        "nan",
        "a//b",
        "0_5",
        "0-5",
    ]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5),
    st.integers(),
    st.floats(),
    st.integers(-3, 5).map(float),
    words,
    number_texts,
    st.text(st.characters(codec=None), max_size=3),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | words, inner, max_size=2)
    ),
    max_leaves=4,
)


def real(text: str) -> Any:
    """The type itself; `None | None` is none to Python."""
    return eval(text.replace("None", "type(None)"), dict(NAMES))


def is_left_open(text: str, value: Any) -> bool:
    """Sets of tuples, and numbers such as `0-5`: we do not say whether they are taken."""
    return "set[" in text or ("int" in text and re.search(r"0[0_]*-", repr(value)) is not None)


def plain(value: Any) -> Any:
    """What pydantic makes, as JSON: sets and tuples are lists, paths are text."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, PurePath) else value


def as_text(value: Any, unordered: bool) -> str:
    """A text that tells 1 from True and 1.0; sets come in no order."""
    text = repr(value)
    return "".join(sorted(text)) if unordered else text


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(types, values)
@example("int", "9" * 4301)
@example("int", 2.0**63)
@example("int", -(2.0**63))
@example("float", 10**400)
@example("str", "\ud800")
@example("Path", "\ud800")
@example("dict[str, int]", {"\ud800": 1})
@example("int | str", "\ud800")
@example("Literal['a']", "\ud800")
@example("set[str]", ["\ud800"])
@example("float | Any", 5)
@example("Literal[1] | float", 1.0)
@example("list[float] | list[int]", [1, 2])
@example("set[Any]", [[1]])
def test_a_value_is_taken_and_converted_as_pydantic_does(text: str, value: Any) -> None:
    ours = outcome_of(parse_type(text), value)
    try:
        theirs = TypeAdapter(real(text)).validate_python(value)
    except ValidationError:
        assert ours.verdict is False or is_left_open(text, value)
        return
    assert ours.verdict is True or is_left_open(text, value)
    if ours.verdict is None:
        return
    assert as_text(ours.value, "set[" in text) == as_text(plain(theirs), "set[" in text)


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(["int", "float", "bool"]), number_texts | words)
def test_numbers_are_read_from_text_as_pydantic_does(text: str, value: str) -> None:
    ours = outcome_of(parse_type(text), value)
    try:
        theirs = TypeAdapter(real(text)).validate_python(value)
    except ValidationError:
        assert ours.verdict is False or is_left_open(text, value)
    else:
        assert ours.verdict is True or is_left_open(text, value)
        assert ours.verdict is None or repr(ours.value) == repr(theirs)


@pytest.mark.parametrize("text", ["KVTransferConfig", "dtype", "unknown", "not a type(", "list[Tensor]"])
def test_a_type_that_only_has_a_name_leaves_it_open(text: str) -> None:
    assert conforms([1] if "list" in text else 1, text) is None


def test_a_known_member_of_a_union_decides_for_its_values() -> None:
    assert conforms(None, "KVTransferConfig | None") is True
    assert conforms("auto", "str | dtype | None") is True
    assert conforms(3, "str | dtype | None") is None


def test_all_types_in_the_results_can_be_read() -> None:
    texts = set()
    for path in ROOT.glob("results/*/*/schema.discovered.json"):
        texts |= set(_displays(json.loads(path.read_text(encoding="utf-8"))))
    assert len(texts) > 100
    unread = {text for text in texts if parse_type(text).kind == "unknown" and not text.isidentifier()}
    assert unread == set()


def _displays(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("display"), str):
            yield value["display"]
        for item in value.values():
            yield from _displays(item)
    elif isinstance(value, list):
        for item in value:
            yield from _displays(item)


@given(types, values)
def test_converting_twice_changes_nothing_more(text: str, value: Any) -> None:
    once = outcome_of(parse_type(text), value)
    if once.verdict and not _has_nan(once.value) and "set[" not in text:
        twice = outcome_of(parse_type(text), once.value)
        assert twice.verdict is True
        if "|" not in text:
            assert twice.value == once.value


def _has_nan(value: Any) -> bool:
    return "nan" in repr(value) or (isinstance(value, float) and math.isnan(value))


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=8), st.text('{}[]":,0123nultrefas', max_size=8), words))
@example("NaN")
@example("[" * 100_000)
@example("\ud800")
def test_text_is_json_where_the_standard_library_reads_it(value: str) -> None:
    ours = outcome_of(parse_type("Json"), value)
    try:
        theirs = json.loads(value)
    except RecursionError:
        assert ours.verdict is None
    except ValueError:
        assert ours.verdict is False
    else:
        assert ours.verdict is True
        assert repr(ours.value) == repr(theirs)


@pytest.mark.parametrize("value", [None, 1, True, {}, ["{}"]])
def test_what_is_no_text_is_no_json_text(value: Any) -> None:
    assert conforms(value, "Json") is False
