"""Types as docstrings write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.schema.static.docs.types import parse_doc_type

INT: dict[str, Any] = {"k": "prim", "name": "int"}
STR: dict[str, Any] = {"k": "prim", "name": "str"}
FLOAT: dict[str, Any] = {"k": "prim", "name": "float"}
BOOL: dict[str, Any] = {"k": "prim", "name": "bool"}
NONE: dict[str, Any] = {"k": "none"}
ANY: dict[str, Any] = {"k": "any"}
INTS = {"k": "list", "item": INT}
TENSOR = {"k": "opaque", "name": "torch.Tensor"}


def union(*of: dict[str, Any]) -> dict[str, Any]:
    return {"k": "union", "of": list(of)}


TYPES = {
    "`int`": INT,
    "`int`, *optional*": INT,
    "int | None": union(INT, NONE),
    "`str` or `bool`": union(STR, BOOL),
    "`Union[int, list[int]]`, *optional*": union(INT, INTS),
    "`int` or list[int]`": union(INT, INTS),
    "str, int, or None": union(STR, INT, NONE),
    "`Optional[str]`": union(STR, NONE),
    "list of `int`": INTS,
    "List of List of ints": {"k": "list", "item": INTS},
    "a list of strings": {"k": "list", "item": STR},
    "dict of str to int": {"k": "dict", "key": STR, "value": INT},
    "`dict`": {"k": "dict", "key": ANY, "value": ANY},
    "`dict[str, any]`": {"k": "dict", "key": STR, "value": ANY},
    "`Dict[tuple[int], float]`": {"k": "dict", "key": {"k": "tuple", "item": INT}, "value": FLOAT},
    "`tuple(int, float)`": {"k": "tuple", "items": [INT, FLOAT]},
    "tuple[int, ...]": {"k": "tuple", "item": INT},
    "`typing.Union[float, NoneType]`": union(FLOAT, NONE),
    "typing.Union[ForwardRef('Scheme'), list[str]]": union(
        {"k": "opaque", "name": "Scheme"}, {"k": "list", "item": STR}
    ),
    "`torch.Tensor` of shape `(batch, length)`": TENSOR,
    "[`~generation.Config`] or `dict`": union(
        {"k": "opaque", "name": "generation.Config"}, {"k": "dict", "key": ANY, "value": ANY}
    ),
    ":obj:`str`": STR,
    "'dict'": {"k": "dict", "key": ANY, "value": ANY},
    "{'b', 'a'}": {"k": "literal", "values": ["b", "a"]},
    "'a' | 'b'": {"k": "literal", "values": ["a", "b"]},
    'Literal["a", 1]': {"k": "literal", "values": ["a", 1]},
    '`bool` or `"auto"`': union(BOOL, {"k": "literal", "values": ["auto"]}),
    "`Callable[[int], str]`": {"k": "callable"},
    "`str` or `os.PathLike`": union(STR, {"k": "path"}),
    "str, one of 'a' or 'b'": STR,
    "str, name of the thing": STR,
    "`int`, defaults to 3": INT,
}


@pytest.mark.parametrize("text", TYPES)
def test_a_type_is_read(text: str) -> None:
    assert parse_doc_type(text) == TYPES[text]


@pytest.mark.parametrize(
    "text", ["additional keyword arguments", "optional", "", "the thing", "...", "1.5.2"]
)
def test_prose_is_no_type(text: str) -> None:
    assert parse_doc_type(text) is None


def test_values_in_prose_never_close_an_enumeration() -> None:
    assert parse_doc_type("str, possible values are 'a', 'b'") == STR


def test_names_that_are_not_well_known_are_resolved_by_the_caller() -> None:
    known = {"Mode": {"k": "enum", "name": "pkg.Mode", "members": {"A": "a"}}}
    assert parse_doc_type("`Mode` or `str`", known.get) == union(known["Mode"], STR)


@given(st.text(alphabet=st.sampled_from("intlisor dtup[](){},.`'\"|*:None1 \n"), max_size=60))
def test_any_text_gives_a_type_or_none(text: str) -> None:
    parsed = parse_doc_type(text)
    assert parsed is None or "k" in parsed
