"""One small case per construct: the annotation as written, and the type expression it means."""

import sys
from typing import Any

import pytest

INT, STR, FLOAT, BOOL = ({"k": "prim", "name": name} for name in ("int", "str", "float", "bool"))
NONE, ANY = {"k": "none"}, {"k": "any"}


def union(*of: Any) -> dict[str, Any]:
    return {"k": "union", "of": list(of)}


def many(item: Any, kind: str = "list") -> dict[str, Any]:
    return {"k": kind, "item": item}


def literal(*values: Any) -> dict[str, Any]:
    return {"k": "literal", "values": list(values)}


def opaque(name: str) -> dict[str, Any]:
    return {"k": "opaque", "name": name}


def bounded(base: Any, is_open: bool = False, **constraints: Any) -> dict[str, Any]:
    return {"k": "annotated", "base": base, "constraints": constraints, "open": is_open}


PREAMBLE = """
from __future__ import annotations
import collections, enum, os, pathlib, typing, typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import (TYPE_CHECKING, Annotated, Any, ClassVar, Dict, Final, FrozenSet, List, Literal,
    NamedTuple, NewType, Optional, Protocol, Set, Tuple, Type, TypeAlias, TypedDict, TypeVar, Union, get_args)
import annotated_types as at
import msgspec, numpy as np, pydantic, torch
from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, SkipValidation, StrictInt
from pydantic import conint, conlist
from typing_extensions import TypeAliasType
import typing_extensions as te
from .other import Backend, LEVELS

Mode = Literal["a", "b"]
More = Literal["c", Mode]
CHOICES = ("x", "y")
Made = Literal[CHOICES]
Unpacked = Literal[tuple(get_args(Mode)) + ("z",)]
Alias: TypeAlias = "int | None"
UserId = NewType("UserId", int)
T = TypeVar("T")
Bound = TypeVar("Bound", bound=str)
Either = TypeVar("Either", int, str)
Pair = tuple[T, T]
Maybe = T | list[T]
Json = dict[str, "Json"] | str
Size = Annotated[int, Field(ge=1)]
Old = TypeAliasType("Old", list[int])

class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"

class Level(enum.IntEnum):
    LOW = enum.auto()
    HIGH = enum.auto()

class Name(enum.StrEnum):
    FIRST = enum.auto()

class Bits(enum.Flag):
    A = enum.auto()
    B = enum.auto()
    AB = A | B

class Split(enum.Enum):
    ONE = (1, "first")
    TWO = (2, "second")
    def __new__(cls, value, text):
        ...

class Upper(enum.Enum):
    def _generate_next_value_(name, start, count, last_values):
        return name
    AB = enum.auto()

Call = enum.Enum("Call", "GET PUT")
Strings = enum.StrEnum("Strings", {"A": "a"})

@dataclass
class Sub:
    x: int = 1

class Options(TypedDict):
    a: int

class Point(NamedTuple):
    x: int

class Runner: ...

class PlainConfig:
    def __init__(self, x=1): ...

class Arg:
    help: str
    choices: list

class Works(Protocol):
    def __call__(self): ...

@dataclass
class Config:
    it: %s = None
"""
OTHER = {"other": "import enum\nclass Backend(enum.Enum):\n    FA = 1\nLEVELS = [0, 1]"}
CASES: list[tuple[str, Any]] = [
    ("int", INT),
    ("bytes", {"k": "prim", "name": "bytes"}),
    ("None", NONE),
    ("Any", ANY),
    ("object", ANY),
    ("list", many(ANY)),
    ("dict", {"k": "dict", "key": ANY, "value": ANY}),
    ("list[int]", many(INT)),
    ("typing.List[int]", many(INT)),
    ("t.Dict[str, List[int]]", {"k": "dict", "key": STR, "value": many(INT)}),
    ("Sequence[str]", many(STR)),
    ("Iterable[int]", many(INT)),
    ("Mapping[str, Any]", {"k": "dict", "key": STR, "value": ANY}),
    ("collections.OrderedDict[str, int]", {"k": "dict", "key": STR, "value": INT}),
    ("set[str]", many(STR, "set")),
    ("AbstractSet[str]", many(STR, "set")),
    ("FrozenSet[int]", many(INT, "frozenset")),
    ("tuple", {"k": "tuple", "item": ANY}),
    ("tuple[int, str]", {"k": "tuple", "items": [INT, STR]}),
    ("Tuple[int, ...]", {"k": "tuple", "item": INT}),
    ("tuple[()]", {"k": "tuple", "items": []}),
    ("Optional[int]", union(INT, NONE)),
    ("Union[int, str, None]", union(INT, STR, NONE)),
    ("int | str | None", union(INT, STR, NONE)),
    ("Optional[Union[int, Optional[str]]]", union(INT, STR, NONE)),
    ("Union[int, int]", INT),
    ('"int | None"', union(INT, NONE)),
    ('Optional["Sub"]', union({"k": "class", "name": "toy.config.Sub"}, NONE)),
    ("\"list['Sub']\"", many({"k": "class", "name": "toy.config.Sub"})),
    ('Literal["a", "b"]', literal("a", "b")),
    ("Literal[1, True, -1]", literal(1, True, -1)),
    ('Literal["a", None]', union(literal("a"), NONE)),
    ('Optional[Literal["a"]]', union(literal("a"), NONE)),
    ("More", literal("c", "a", "b")),
    ("Made", literal("x", "y")),
    ("Unpacked", literal("a", "b", "z")),
    ("Literal[*CHOICES]", literal("x", "y")),
    ("Literal[Color.RED]", literal("red")),
    ("Union[str, Mode]", union(STR, literal("a", "b"))),
    ("Alias", union(INT, NONE)),
    ("Old", many(INT)),
    ("UserId", INT),
    ("T", ANY),
    ("Bound", STR),
    ("Either", union(INT, STR)),
    ("Pair[int]", {"k": "tuple", "items": [INT, INT]}),
    ("Maybe[str]", union(STR, many(STR))),
    ("Json", union({"k": "dict", "key": STR, "value": ANY}, STR)),
    ("Callable", {"k": "callable"}),
    ("Callable[[int], str] | None", union({"k": "callable"}, NONE)),
    ("Type[Sub]", opaque("type[toy.config.Sub]")),
    ("type[Runner]", opaque("type[toy.config.Runner]")),
    ("type", opaque("type")),
    ("Path", {"k": "path"}),
    ("str | os.PathLike", union(STR, {"k": "path"})),
    ("os.PathLike[str]", {"k": "path"}),
    ("torch.dtype", opaque("torch.dtype")),
    ("str | torch.dtype", union(STR, opaque("torch.dtype"))),
    ("np.ndarray[Any, Any]", opaque("numpy.ndarray")),
    ("Color", {"k": "enum", "name": "toy.config.Color", "members": {"RED": "red", "BLUE": "blue"}}),
    ("Level", {"k": "enum", "name": "toy.config.Level", "members": {"LOW": 1, "HIGH": 2}}),
    ("Name", {"k": "enum", "name": "toy.config.Name", "members": {"FIRST": "first"}}),
    ("Bits", {"k": "enum", "name": "toy.config.Bits", "members": {"A": 1, "B": 2, "AB": 3}}),
    ("Split", {"k": "enum", "name": "toy.config.Split", "members": {"ONE": 1, "TWO": 2}}),
    ("Upper", {"k": "enum", "name": "toy.config.Upper", "members": {"AB": "AB"}}),
    ("Backend", {"k": "enum", "name": "toy.other.Backend", "members": {"FA": 1}}),
    ("Call", {"k": "enum", "name": "Call", "members": {"GET": 1, "PUT": 2}}),
    ("Strings", {"k": "enum", "name": "Strings", "members": {"A": "a"}}),
    ("Sub", {"k": "class", "name": "toy.config.Sub"}),
    ("Options", {"k": "class", "name": "toy.config.Options"}),
    ("PlainConfig", {"k": "class", "name": "toy.config.PlainConfig"}),
    ("Runner", opaque("toy.config.Runner")),
    ("Point", opaque("toy.config.Point")),
    ("Works", opaque("toy.config.Works")),
    ("StrictInt", INT),
    ("pydantic.JsonValue", ANY),
    ("pydantic.SecretStr", opaque("pydantic.SecretStr")),
    ("PositiveInt", INT),
    ("list[PositiveInt]", many(bounded(INT, exclusiveMinimum=0))),
    ("Union[PositiveInt, str]", union(bounded(INT, exclusiveMinimum=0), STR)),
    ("conint(ge=1, le=8)", INT),
    ("conlist(int, min_length=2)", many(INT)),
    ("SkipValidation[int]", bounded(INT, is_open=True)),
    ("Annotated[int, SkipValidation]", bounded(INT, is_open=True)),
    ("Annotated[int, BeforeValidator(int)]", INT),
    ("Annotated[list[int], at.MinLen(1)]", many(INT)),
    ("list[Annotated[int, at.Interval(ge=0, lt=5)]]", many(bounded(INT, minimum=0, exclusiveMaximum=5))),
    ("list[Annotated[str, at.Len(1, 3)]]", many(bounded(STR, minLength=1, maxLength=3))),
    ("Size", INT),
    ("Optional[Size]", union(bounded(INT, minimum=1), NONE)),
    ("Annotated[str, Arg(help='h', choices=['p', 'q'])]", bounded(literal("p", "q"), is_open=True)),
    (
        "Annotated[Optional[str], Arg(choices=['p', None])]",
        union(bounded(literal("p"), is_open=True), NONE),
    ),
    ("Annotated[List[str], Arg(choices=CHOICES)]", many(bounded(literal("x", "y"), is_open=True))),
    ("Final[int]", INT),
    ("te.Annotated[te.Optional[int], 'text']", union(INT, NONE)),
    ('"Elsewhere"', opaque("Elsewhere")),
    ("nowhere", {"k": "unknown", "text": "nowhere"}),
    ("made_by(1)", {"k": "unknown", "text": "made_by(1)"}),
]


@pytest.mark.parametrize(("annotation", "expected"), CASES)
def test_an_annotation_means_its_type(annotation: str, expected: Any, fields: Any) -> None:
    assert fields(PREAMBLE % annotation, **OTHER)["it"]["type"] == expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("PositiveInt", {"exclusiveMinimum": 0}),
        ("NonNegativeInt", {"minimum": 0}),
        ("conint(ge=1, le=8)", {"minimum": 1, "maximum": 8}),
        ("Annotated[int, Field(gt=0, multiple_of=4)]", {"exclusiveMinimum": 0, "multipleOf": 4}),
        ("Annotated[int, at.Ge(2), at.Lt(9)]", {"minimum": 2, "exclusiveMaximum": 9}),
        ("Annotated[int, msgspec.Meta(ge=0, le=1)]", {"minimum": 0, "maximum": 1}),
        ("Annotated[str, msgspec.Meta(pattern='^a', max_length=3)]", {"pattern": "^a", "maxLength": 3}),
        ("Annotated[list[int], Field(min_length=2)]", {"minItems": 2}),
        ("Annotated[Size, Field(le=4)]", {"minimum": 1, "maximum": 4}),
        ("Annotated[int, Field(ge=LEVELS[1])]", {"minimum": 1}),
        ("Annotated[int, Field(ge=unknown_at_rest())]", {}),
    ],
)
def test_bounds_around_a_whole_annotation_belong_to_the_field(
    annotation: str, expected: Any, fields: Any
) -> None:
    found = fields(PREAMBLE % annotation, **OTHER)["it"]

    assert found["constraints"] == expected
    assert found["type"]["k"] != "annotated"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type X = …` is parsed by Python 3.12 and newer")
def test_a_type_alias_statement_is_an_alias(fields: Any) -> None:
    text = """
        from dataclasses import dataclass
        type Many = list[int]
        @dataclass
        class Config:
            it: Many = None
    """

    assert fields(text)["it"]["type"] == many(INT)


def test_a_type_that_only_type_checkers_see_is_not_enforced(fields: Any) -> None:
    text = """
        from dataclasses import dataclass
        from typing import TYPE_CHECKING, Any
        if TYPE_CHECKING:
            from toy.other import Mode
        else:
            Mode = Any
        @dataclass
        class Config:
            mode: Mode | None = None
    """

    found = fields(text, other="from typing import Literal\nMode = Literal['a']")["mode"]["type"]

    assert found == union(bounded(literal("a"), is_open=True), NONE)


def test_a_field_may_be_called_like_its_type(fields: Any) -> None:
    text = """
        from dataclasses import dataclass
        from toy import other
        from toy.other import size
        @dataclass
        class Config:
            size: size = None
            other: other.size = None
    """

    found = fields(text, other="from typing import Literal\nsize = Literal[1, 2]")

    assert found["size"]["type"] == found["other"]["type"] == literal(1, 2)


def test_the_annotation_is_kept_as_written(fields: Any) -> None:
    text = """
        from dataclasses import dataclass
        @dataclass
        class Config:
            it: (
                int
                | None
            ) = None
    """

    assert fields(text)["it"]["annotation"] == "int | None"
