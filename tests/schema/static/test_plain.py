"""Plain classes and functions: signatures, `**kwargs`, attributes, types from docstrings and use."""

from typing import Any

import pytest


def test_a_signature_gives_parameters_with_types_and_defaults(config: Any) -> None:
    found = config(
        """
        class Config:
            def __init__(self, a, /, b: int = 2, *rest, c: str | None = None, **kwargs):
                self.a = a
        """
    )

    assert (found.kind, found.extra) == ("plain", "allow")
    assert [(field.name, field.default.kind, field.via) for field in found.fields] == [
        ("a", "required", "signature"),
        ("b", "value", "signature"),
        ("c", "none", "signature"),
    ]


def test_names_taken_out_of_kwargs_are_parameters(fields: Any) -> None:
    found = fields(
        '''
        SIZE = 20
        class Config:
            """
            Args:
                max_length (`int`, *optional*, defaults to 20): Longest.
                early (`bool` or `str`, *optional*, defaults to `False`): Stop.
                ids (`Union[int, list[int]]`, *optional*): Which.
                words (`list` of `str`, *optional*): Words.
            """
            def __init__(self, **kwargs):
                self.max_length = kwargs.pop("max_length", SIZE)
                self.early = kwargs.pop("early", False)
                self.ids = kwargs.get("ids")
                self.words = kwargs.setdefault("words", None)
                self.needed = kwargs.pop("needed")
                if "maybe" in kwargs:
                    self.maybe = kwargs.pop("maybe")
                kwargs.pop("ignored", None)
                limit: float = kwargs.pop("limit", 0)
                helper(kwargs)
        def helper(options):
            options["deep"] = options.pop("deep", 3)
        '''
    )

    assert {name: one["default"]["kind"] for name, one in found.items()} == {
        "max_length": "value",
        "early": "value",
        "ids": "none",
        "words": "none",
        "needed": "required",
        "maybe": "unknown",
        "ignored": "none",
        "limit": "value",
        "deep": "value",
    }
    assert {one["via"] for one in found.values()} == {"kwargs"}
    assert found["max_length"]["default"]["value"] == 20
    assert found["max_length"]["type"] == {"k": "prim", "name": "int"}
    assert [one["k"] for one in found["early"]["type"]["of"]] == ["prim", "prim"]
    assert [one["k"] for one in found["ids"]["type"]["of"]] == ["prim", "list", "none"]
    assert found["words"]["type"]["of"][0] == {"k": "list", "item": {"k": "prim", "name": "str"}}
    assert found["ignored"]["type"] == {"k": "any"}, "a value that is thrown away may be anything"
    assert found["limit"]["type"] == {"k": "prim", "name": "float"}
    assert found["deep"]["type"] == {"k": "prim", "name": "int"}, "from its default"
    assert found["max_length"]["annotation"] is None
    assert found["max_length"]["description"] == "Longest."


def test_kwargs_are_left_alone_when_they_are_not_wanted(fields: Any) -> None:
    text = """
        class Config:
            def __init__(self, a=1, **kwargs):
                self.b = kwargs.pop("b", 2)
    """

    assert [name for name, one in fields(text, include_kwargs=False).items() if one["init"]] == ["a"]


def test_parameters_reach_through_super_when_kwargs_are_passed_on(fields: Any) -> None:
    found = fields(
        """
        class Root:
            def __init__(self, top=0, fixed=1, **kwargs):
                self.top = top
                self.kind = "root"
                self.mode = kwargs.pop("mode", "x")
        class Base(Root):
            pass
        class Config(Base):
            def __init__(self, own=2, **kwargs):
                super().__init__(fixed=own, **kwargs)
                self.kind = "config"
        """
    )

    assert {name: (one["owner"].rpartition(".")[2], one["init"]) for name, one in found.items()} == {
        "own": ("Config", True),
        "top": ("Root", True),
        "mode": ("Root", True),
        "kind": ("Config", False),
    }
    assert found["kind"]["default"]["value"] == "config", "set after the base's constructor"


def test_parameters_of_a_base_that_gets_no_kwargs_are_not_settable(fields: Any) -> None:
    found = fields(
        """
        class Base:
            def __init__(self, bits, name="base"):
                self.bits = bits
                self.name = name
        class Config(Base):
            def __init__(self, bits=4):
                super().__init__(bits)
        """
    )

    assert found["bits"]["init"]
    assert not found["name"]["init"]


def test_attributes_can_be_given_only_where_the_rest_of_kwargs_is_set(fields: Any) -> None:
    found = fields(
        """
        class Config:
            method: str
            def __init__(self, size=3, **kwargs):
                self.size = size
                self.double = size * 2
                self.assistant = False
                if size:
                    self.mode = "a"
                else:
                    self.mode = "b"
                for key, value in kwargs.items():
                    setattr(self, key, value)
                self.method = "last"
                self.made: list[int] = build()
        """
    )

    assert {name: one["init"] for name, one in found.items()} == {
        "size": True,
        "double": True,
        "assistant": True,
        "mode": True,
        "method": False,
        "made": False,
    }
    assert found["double"]["default"]["value"] == 6
    assert found["mode"]["default"]["kind"] == "computed"
    assert found["method"]["type"] == {"k": "prim", "name": "str"}
    assert found["made"]["type"] == {"k": "list", "item": {"k": "prim", "name": "int"}}


def test_a_dataclass_with_a_written_constructor_takes_what_that_takes(config: Any) -> None:
    found = config(
        """
        from dataclasses import dataclass
        from enum import Enum
        class Method(str, Enum):
            A = "a"
        @dataclass
        class Base:
            method: Method
        @dataclass
        class Config(Base):
            def __init__(self, bits: int = 4):
                self.method = Method.A
        """
    )

    by_name = {field.name: field for field in found.fields}
    assert found.kind == "plain"
    assert by_name["bits"].init
    assert not by_name["method"].init
    assert by_name["method"].default.value == "a"
    assert by_name["method"].type is not None and by_name["method"].type["k"] == "enum"


@pytest.mark.parametrize(
    "target", ["toy.config.load", "toy.config.Model.from_pretrained", "toy.config.Child.from_pretrained"]
)
def test_a_function_is_a_root_with_its_parameters(target: str, config: Any) -> None:
    body = '''"""Load it.

    Args:
        path: Where it is.
        revision (`str`, *optional*, defaults to "main"): Which one.
    """
    dtype = kwargs.pop("dtype", None)
'''
    text = (
        f"def load(path: str, *args, trust: bool = False, **kwargs):\n    {body}\n"
        "class Model:\n    @classmethod\n"
        f"    def from_pretrained(cls, path: str, *args, trust: bool = False, **kwargs):\n        "
        + body.replace("\n", "\n    ")
        + "\nclass Child(Model): ...\n"
    )

    found = config(text, target)

    assert (found.kind, found.extra) == ("function", "allow")
    assert [(field.name, field.via) for field in found.fields] == [
        ("path", "signature"),
        ("trust", "signature"),
        ("dtype", "kwargs"),
    ]
    assert found.fields[0].description == "Where it is."
    assert found.qualname == target.replace("Child", "Model")


def test_types_that_nothing_states_come_from_use(fields: Any) -> None:
    found = fields(
        """
        def run(chunk: int | None, other: str): ...
        class Config:
            def __init__(self, **kwargs):
                self.chunk = kwargs.pop("chunk", None)
                self.alpha = kwargs.pop("alpha", None)
                self.flag = kwargs.pop("flag", None)
                self.beams = kwargs.pop("beams", None)
                self.form = kwargs.pop("old_form", None).lower()
                self.low = kwargs.pop("low", None)
                self.mystery = kwargs.pop("mystery", None)
                self.other = kwargs.pop("other", None)
                dtype = kwargs.pop("dtype", "auto")
                old_dtype = kwargs.pop("old_dtype", None)
                dtype = dtype or old_dtype
            def check(self):
                warn("`low=True` is not supported")
                return self.alpha > 0
            @staticmethod
            def usual():
                return {"beams": 1}
        def again(other: bytes):
            return Config(flag=True)
        """
    )

    def shown(name: str) -> Any:
        its = found[name]["type"]
        return its and [one.get("name", one["k"]) for one in its["of"]]

    assert shown("chunk") == ["int", "none"]
    assert shown("alpha") == ["float", "none"]
    assert shown("flag") == ["bool", "none"]
    assert shown("beams") == ["int", "none"]
    assert shown("old_dtype") == ["str", "none"]
    assert shown("old_form") == ["str", "none"]
    assert shown("low") == ["bool", "none"]
    assert shown("mystery") is None
    assert shown("other") is None, "declarations that differ prove nothing"
