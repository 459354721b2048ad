"""Defaults: which kind, which value, in which words."""

from typing import Any

import pytest

PREAMBLE = """
import enum, os, torch
from dataclasses import MISSING, dataclass, field
from typing import Any
from pydantic import Field
from pydantic.dataclasses import dataclass as checked
import attr, msgspec

LIMIT = 8
NAMES = ["a", "b"]

class Color(enum.Enum):
    RED = "red"

class Level(enum.IntEnum):
    LOW = 1

def names():
    return list(NAMES)

def late():
    import socket
    return socket.gethostname()

def listed(default=None, **kwargs):
    return field(default_factory=lambda: default, **kwargs)

def Described(default: Any = ..., *, status=None, **kwargs):
    if status is not None:
        kwargs["json_schema_extra"] = {"status": status}
    return Field(default, **kwargs)

@dataclass
class Sub:
    x: int = 1
    held: list = field(default_factory=list)
    env: str = os.getenv("TOY_SUB", "no")

%s
class Config:
    it: Any%s
"""


def kind(kind_: str, text: str | None, *value: Any) -> dict[str, Any]:
    return {"kind": kind_, **({"value": value[0]} if value else {}), "text": text}


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("", kind("required", None)),
        (" = None", kind("none", "None")),
        (" = 3", kind("value", "3", 3)),
        (" = False", kind("value", "False", False)),
        (" = 'a'", kind("value", "'a'", "a")),
        (" = -1.5", kind("value", "-1.5", -1.5)),
        (" = LIMIT * 2", kind("value", "LIMIT * 2", 16)),
        (" = (1, 2)", kind("value", "(1, 2)", [1, 2])),
        (" = frozenset({'b', 'a'})", kind("value", "frozenset({'b', 'a'})", ["a", "b"])),
        (" = Color.RED", kind("value", "Color.RED", "red")),
        (" = Level.LOW", kind("value", "Level.LOW", 1)),
        (" = Color('red')", kind("value", "Color.RED", "red")),
        (" = {1: 2}", kind("computed", "{1: 2}")),
        (" = float('inf')", kind("computed", "float('inf')")),
        (" = torch.float16", kind("computed", "torch.float16")),
        (" = Sub()", kind("computed", "Sub()")),
        (" = b'raw'", kind("computed", "b'raw'")),
        (" = late()", kind("computed", "late()")),
        (" = nowhere", kind("computed", "nowhere")),
        (" = MISSING", kind("required", None)),
        (" = field()", kind("required", None)),
        (" = field(default=5)", kind("value", "5", 5)),
        (" = field(default=None)", kind("none", "None")),
        (" = field(default_factory=list)", kind("factory", "list", [])),
        (" = field(default_factory=dict)", kind("factory", "dict", {})),
        (" = field(default_factory=set)", kind("factory", "set", [])),
        (" = field(default_factory=Sub)", kind("factory", "Sub")),
        (" = field(default_factory=names)", kind("factory", "names", ["a", "b"])),
        (" = field(default_factory=late)", kind("factory", "late")),
        (" = field(default_factory=lambda: [1, LIMIT])", kind("factory", "lambda: [1, LIMIT]", [1, 8])),
        (" = field(init=False)", kind("computed", "field(init=False)")),
        (" = listed([1])", kind("factory", "lambda: default", [1])),
        (" = listed()", kind("factory", "lambda: default")),
    ],
)
def test_a_dataclass_default_is_what_the_code_says(right: str, expected: Any, fields: Any) -> None:
    assert fields(PREAMBLE % ("@dataclass", right))["it"]["default"] == expected


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (" = Field(...)", kind("required", None)),
        (" = Field(gt=0)", kind("required", None)),
        (" = Field(4, gt=0)", kind("value", "4", 4)),
        (" = Field(default=None)", kind("none", "None")),
        (" = Field(default_factory=lambda: 'x')", kind("factory", "lambda: 'x'", "x")),
        (" = Described()", kind("required", None)),
        (" = Described(7, status='beta')", kind("value", "7", 7)),
        (" = Described(default=7, description='seven')", kind("value", "7", 7)),
        (" = Described(default_factory=list)", kind("factory", "list", [])),
    ],
)
def test_a_pydantic_default_is_what_the_code_says(right: str, expected: Any, fields: Any) -> None:
    assert fields(PREAMBLE % ("@checked", right))["it"]["default"] == expected


def test_a_wrapper_around_a_field_call_passes_everything_else_on(fields: Any) -> None:
    found = fields(
        PREAMBLE % ("@checked", " = Described(1, ge=0, description='How many.', deprecated='use x')")
    )

    assert found["it"]["constraints"] == {"minimum": 0}
    assert found["it"]["description"] == "How many."
    assert found["it"]["deprecated"]["message"] == "use x"


@pytest.mark.parametrize(
    ("right", "variable"),
    [
        (" = os.getenv('TOY', 'x')", "TOY"),
        (" = int(os.environ.get('TOY', 1))", "TOY"),
        (" = field(default_factory=lambda: os.environ['TOY'])", "TOY"),
        (" = Sub.env", "TOY_SUB"),
        (" = 3", None),
    ],
)
def test_a_default_from_the_environment_names_its_variable(right: str, variable: Any, fields: Any) -> None:
    found = fields(PREAMBLE % ("@dataclass", right))["it"]

    assert found["env"] == variable
    assert (found["default"]["kind"] in ("computed", "factory")) == (variable is not None)


def test_a_default_taken_over_from_a_field_of_another_class_is_followed(fields: Any) -> None:
    text = """
        from dataclasses import MISSING, dataclass, field, fields
        from pydantic import Field
        from pydantic.dataclasses import dataclass as checked
        @checked
        class Sub:
            x: int = Field(default=1, ge=0)
            names: list[str] = field(default_factory=list)
        def taken_over(cls, name):
            named = next(f for f in fields(cls) if f.name == name)
            if named.default is not MISSING:
                return field(default=named.default)
            return field(default_factory=named.default_factory)
        @dataclass
        class Config:
            a: int = Sub.x
            b: int = taken_over(Sub, "x")
            c: list[str] = taken_over(Sub, "names")
            d: int = taken_over(Sub, "missing")
    """

    found = fields(text)

    assert found["a"]["default"] == {"kind": "value", "value": 1, "text": "Sub.x"}
    assert found["b"]["default"]["value"] == 1
    assert found["c"]["default"] == {"kind": "factory", "value": [], "text": "list"}
    assert "value" not in found["d"]["default"]
    assert [found[name]["joins"] for name in "abcd"] == [
        "toy.config.Sub.x",
        "toy.config.Sub.x",
        "toy.config.Sub.names",
        None,
    ]
