"""Constant expressions: what is computed, what is left to a run, and that nothing ever raises."""

import ast
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.schema.static.modules import Scope, SourceIndex
from atlas.schema.static.reader import Reader
from atlas.schema.static.values import Member, Reference, Unknown

WORLD = """
    import enum, logging, math, os, sys
    from dataclasses import dataclass, field
    from typing import Literal, get_args
    import torch
    from toy.other import BASE, LATE
    from . import other

    Mode = Literal["a", "b"]
    SIZES = [1, 2]
    SIZES += [4]
    SIZES.append(8)
    NAMES = {"x": 1, "y": 2}
    if os.name == "nt":
        SEP = ";"
    else:
        SEP = ":"
    HOME = os.getenv("TOY_HOME", "/tmp")
    LOOP_A = LOOP_B
    LOOP_B = LOOP_A

    class Color(enum.Enum):
        RED = "red"
        BLUE = "blue"

    class Level(enum.IntEnum):
        LOW = enum.auto()
        HIGH = enum.auto()

    def double(value, times=2):
        "Twice, or more often."
        return value * times

    def runs(value):
        value += 1
        return value

    @dataclass
    class Config:
        size: int = 3
        sizes: list = field(default_factory=list)
        shade: Color = field(default=Color.RED)
        LIMIT = 7
"""
OTHER = {"other": "BASE = 10\nLATE = BASE * 2"}


def value_of(text: str, index: Any) -> Any:
    found = index(f"{textwrap.dedent(WORLD)}\nVALUE = ({text})", **OTHER)
    return Reader.over(found).evaluator.definition(found.resolve("toy.config.VALUE"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 ** 2", 19),
        ("-5 // 2", -3),
        ("1 << 10", 1024),
        ("not []", True),
        ("1 < 2 < 3", True),
        ("'a' in ('a', 'b')", True),
        ("None or 'x'", "x"),
        ("'a' if BASE > 5 else 'b'", "a"),
        ("'a' + 'b' 'c'", "abc"),
        ("f'{BASE}-{1.5:.2f}-{\"q\"!r}'", "10-1.50-'q'"),
        ("'%d%%' % 5", "5%"),
        ("', '.join(['a', 'b']).upper()", "A, B"),
        ("[1, *SIZES]", [1, 1, 2, 4, 8]),
        ("{**NAMES, 'z': 3}", {"x": 1, "y": 2, "z": 3}),
        ("{1, 2} | {3}", {1, 2, 3}),
        ("[n * 2 for n in SIZES if n > 1]", [4, 8, 16]),
        ("{k: v for k, v in NAMES.items()}", {"x": 1, "y": 2}),
        ("tuple(sorted(NAMES, reverse=True))", ("y", "x")),
        ("int('12') + len('abc')", 15),
        ("SIZES[-1] + SIZES[1:3][0]", 10),
        ("list(range(3))", [0, 1, 2]),
        ("other.LATE + LATE", 40),
        ("get_args(Mode)", ("a", "b")),
        ("list(get_args(Mode)) + ['c']", ["a", "b", "c"]),
        ("Color.RED.value", "red"),
        ("Color('blue').name", "BLUE"),
        ("Color['RED'].value", "red"),
        ("[c.value for c in Color]", ["red", "blue"]),
        ("len(Level)", 2),
        ("Level.HIGH.value", 2),
        ("Config.size", 3),
        ("Config.LIMIT", 7),
        ("double(4) + double(1, times=5)", 13),
        ("math.inf", float("inf")),
    ],
)
def test_a_constant_expression_has_its_value(text: str, expected: Any, index: Any) -> None:
    assert value_of(text, index) == expected


def test_an_enum_member_stays_one(index: Any) -> None:
    assert value_of("Color.RED", index) == Member("toy.config.Color", "RED", "red")
    assert value_of("Config.shade", index) == Member("toy.config.Color", "RED", "red")


def test_something_of_a_library_is_a_reference_also_in_a_list(index: Any) -> None:
    (found,) = value_of("[torch.float16]", index)

    assert isinstance(found, Reference)
    assert found.text == "torch.float16"


def test_a_class_is_a_reference_to_its_definition(index: Any) -> None:
    found = value_of("Config", index)

    assert isinstance(found, Reference)
    assert found.definition.qualname == "toy.config.Config"


@pytest.mark.parametrize(
    "text",
    [
        "torch.cuda.is_available()",
        "1 / 0",
        "'a' + 1",
        "undefined",
        "LOOP_A",
        "SEP",
        "runs(1)",
        "Config.sizes",
        "Config()",
        "9 ** 9 ** 9",
        "'x' * 10 ** 9",
        "'%1000000000d' % 1",
        "f'{1:1000000000}'",
        "lambda: 1",
        "sys.platform == 'linux'",
        "(x := undefined)",
    ],
)
def test_what_only_a_run_can_tell_is_unknown_with_its_text(text: str, index: Any) -> None:
    found = value_of(text, index)

    assert isinstance(found, Unknown)
    assert found.text


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("os.getenv('TOY')", "TOY"),
        ("os.environ.get('TOY', '1')", "TOY"),
        ("int(os.environ['TOY'])", "TOY"),
        ("HOME + '/x'", "TOY_HOME"),
        ("'a' if os.getenv('TOY') == '1' else 'b'", "TOY"),
    ],
)
def test_a_value_of_the_environment_tells_its_variable(text: str, variable: str, index: Any) -> None:
    assert value_of(text, index).env == variable


def test_a_name_that_differs_by_condition_has_no_value_but_one_that_agrees_has(index: Any) -> None:
    text = """
        import os
        if os.name == "nt":
            A = 1
            B = 2
        else:
            A = 1
            B = 3
        try:
            import fast
            C = True
        except ImportError:
            C = False
    """
    found = index(text)
    evaluator = Reader.over(found).evaluator
    scope = Scope(found.module("toy.config"))

    assert evaluator.evaluate(ast.Name("A"), scope) == 1
    assert isinstance(evaluator.evaluate(ast.Name("B"), scope), Unknown)


SOURCES = {
    "toy/config.py": textwrap.dedent(WORLD),
    **{f"toy/{name}.py": text for name, text in OTHER.items()},
}
INDEX = SourceIndex({path: text.encode for path, text in SOURCES.items()})
EVALUATOR = Reader.over(INDEX).evaluator
SCOPE = Scope(INDEX.module("toy.config"))
NAMES = st.sampled_from(
    [
        "Mode",
        "SIZES",
        "NAMES",
        "SEP",
        "HOME",
        "LOOP_A",
        "Color",
        "Level",
        "double",
        "runs",
        "Config",
        "BASE",
        "other",
        "torch",
        "os",
        "sys",
        "math",
        "int",
        "len",
        "range",
        "str",
        "list",
        "dict",
        "get_args",
        "field",
        "undefined",
    ]
)
ATTRIBUTES = st.sampled_from(
    [
        "value",
        "name",
        "RED",
        "size",
        "sizes",
        "LIMIT",
        "join",
        "format",
        "append",
        "get",
        "environ",
        "LATE",
        "x",
    ]
)
LEAVES = st.one_of(
    st.integers(-(10**6), 10**6).map(repr),
    st.floats().map(repr),
    st.text(max_size=5).map(repr),
    st.binary(max_size=5).map(repr),
    st.sampled_from(["None", "True", "...", "()", "[]", "{}"]),
    NAMES,
)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    operator = st.sampled_from(
        ["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "and", "or", "<", "==", "in", "is"]
    )
    return st.one_of(
        st.tuples(inner, operator, inner).map(lambda one: f"({one[0]} {one[1]} {one[2]})"),
        st.tuples(st.sampled_from(["-", "~", "not "]), inner).map(lambda one: f"({one[0]}{one[1]})"),
        st.tuples(inner, ATTRIBUTES).map(lambda one: f"({one[0]}).{one[1]}"),
        pair.map(lambda one: f"({one[0]})[{one[1]}]"),
        pair.map(lambda one: f"({one[0]})({one[1]})"),
        pair.map(lambda one: f"({one[0]})(*{one[1]})"),
        pair.map(lambda one: f"[{one[0]}, *{one[1]}]"),
        pair.map(lambda one: f"{{{one[0]}: {one[1]}}}"),
        pair.map(lambda one: f"{{{one[0]}, {one[1]}}}"),
        pair.map(lambda one: f"[x for x in {one[0]} if {one[1]}]"),
        pair.map(lambda one: f"({one[0]} if {one[1]} else {one[0]})"),
        inner.map(lambda one: f"{{**{one}}}"),
        inner.map(lambda one: f"(lambda: {one})"),
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(LEAVES, combined, max_leaves=12))
def test_no_expression_makes_the_evaluator_raise(text: str) -> None:
    EVALUATOR.evaluate(ast.parse(text, mode="eval").body, SCOPE)
