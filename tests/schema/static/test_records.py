"""Record classes of each family: their fields, order, aliases, settings."""

from typing import Any

import pytest


def names(fact: Any) -> list[str]:
    return [field.name for field in fact.fields]


def test_a_dataclass_has_its_bases_fields_first_and_redeclared_ones_in_place(config: Any) -> None:
    found = config(
        """
        import dataclasses
        from dataclasses import KW_ONLY, InitVar, field
        from typing import ClassVar
        @dataclasses.dataclass
        class Base:
            a: int = 1
            b: int = 2
        class Mixin:
            not_a_field: int = 0
        @dataclasses.dataclass(kw_only=True)
        class Config(Base, Mixin):
            "What it is."
            c: int = 3
            a: str = "x"
            _: KW_ONLY
            shared: ClassVar[int] = 0
            seed: InitVar[int] = 7
            derived: int = field(init=False, default=0)
            plain = 5
            _private: int = 0
        """
    )

    assert names(found) == ["a", "b", "c", "seed", "derived", "_private"]
    assert (found.kind, found.extra, found.doc) == ("dataclass", "forbid", "What it is.")
    assert found.bases == ("toy.config.Base", "toy.config.Mixin")
    by_name = {field.name: field for field in found.fields}
    assert by_name["a"].owner == "toy.config.Config"
    assert by_name["b"].owner == "toy.config.Base"
    assert by_name["seed"].type == {"k": "prim", "name": "int"}
    assert not by_name["derived"].init
    assert by_name["_private"].private
    assert by_name["b"].line == 8


def test_bases_resolve_in_python_order_across_modules(config: Any) -> None:
    found = config(
        """
        from dataclasses import dataclass
        from toy.base import A, B
        @dataclass
        class Config(A, B):
            pass
        """,
        base="""
        from dataclasses import dataclass
        @dataclass
        class Root:
            x: int = 0
        @dataclass
        class A(Root):
            x: int = 1
        @dataclass
        class B(Root):
            x: int = 2
            y: int = 2
        """,
    )

    assert [(field.name, field.default.value, field.owner) for field in found.fields] == [
        ("x", 1, "toy.base.A"),
        ("y", 2, "toy.base.B"),
    ]


def test_a_pydantic_model_tells_bounds_aliases_extra_and_validators(config: Any) -> None:
    found = config(
        """
        from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PrivateAttr
        from pydantic import field_validator, model_validator
        class Strict(BaseModel):
            model_config = ConfigDict(extra="forbid")
        class Config(Strict):
            size: int = Field(default=1, ge=1, le=9, description="How  big.", alias="Size")
            names: list[str] = Field(default_factory=list, max_length=3)
            word: str = Field("x", min_length=1, validation_alias=AliasChoices("w", "wort"))
            old: int = Field(0, deprecated=True)
            _cache: dict = PrivateAttr(default_factory=dict)
            @model_validator(mode="after")
            def whole(self): ...
            @field_validator("size")
            def one(cls, value): ...
        """
    )

    by_name = {field.name: field for field in found.fields}
    assert (found.kind, found.extra, found.validators) == ("pydantic", "forbid", ("one", "whole"))
    assert by_name["size"].constraints == {"minimum": 1, "maximum": 9}
    assert by_name["size"].description == "How big."
    assert by_name["size"].aliases == ("Size",)
    assert by_name["names"].constraints == {"maxItems": 3}
    assert by_name["word"].constraints == {"minLength": 1}
    assert by_name["word"].aliases == ("w", "wort")
    assert by_name["old"].deprecated is not None
    assert not by_name["_cache"].init


def test_bounds_of_an_optional_pydantic_field_count_for_the_field(fields: Any) -> None:
    text = """
        from typing import Annotated, Optional
        from pydantic import BaseModel, Field, PositiveInt
        class Config(BaseModel):
            size: Optional[PositiveInt] = None
            rate: Annotated[float, Field(lt=1)] | None = None
    """

    found = fields(text)

    assert found["size"]["constraints"] == {"exclusiveMinimum": 0}
    assert found["rate"]["constraints"] == {"exclusiveMaximum": 1}


@pytest.mark.parametrize(
    ("body", "extra"),
    [
        ("model_config = {'extra': 'allow'}", "allow"),
        ("class Config:\n        extra = 'forbid'", "forbid"),
        ("class Config:\n        extra = Extra.allow", "allow"),
        ("x: int = 1", "ignore"),
    ],
)
def test_a_pydantic_model_says_what_it_does_with_unknown_names(body: str, extra: str, config: Any) -> None:
    text = f"from pydantic import BaseModel, Extra\nclass Model(BaseModel):\n    {body}\n"

    assert config(text, "toy.config.Model").extra == extra


def test_settings_read_the_environment_under_a_prefix(fields: Any) -> None:
    text = """
        from pydantic_settings import BaseSettings, SettingsConfigDict
        class Config(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="toy_")
            size: int = 1
    """

    assert fields(text)["size"]["env"] == "TOY_SIZE"


@pytest.mark.parametrize(
    "decorator",
    [
        "@config",
        "@config(config=ConfigDict(arbitrary_types_allowed=True))",
        "@nested",
        "@partial_one",
        "@alias",
    ],
)
def test_a_projects_own_decorator_is_what_it_applies(decorator: str, config: Any) -> None:
    found = config(
        f"""
        import functools
        from pydantic import ConfigDict, Field
        from pydantic.dataclasses import dataclass
        from toy.wrap import config, nested
        partial_one = functools.partial(dataclass, config=ConfigDict(extra="forbid"))
        alias = config
        {decorator}
        class Config:
            size: int = Field(default=1, gt=0)
        """,
        wrap="""
        from pydantic import ConfigDict
        from pydantic.dataclasses import dataclass
        def config(cls=None, *, config=None, **kwargs):
            merged = ConfigDict(extra="forbid")
            if config is not None:
                merged.update(config)
            def decorator(cls):
                return dataclass(cls, config=merged, **kwargs)
            return decorator if cls is None else decorator(cls)
        def nested(cls):
            return config(cls)
        """,
    )

    assert (found.kind, found.extra) == ("pydantic_dataclass", "forbid")
    assert found.fields[0].constraints == {"exclusiveMinimum": 0}


def test_a_decorator_that_hands_the_class_back_makes_no_family(config: Any) -> None:
    text = """
        def config(cls):
            return cls
        @config
        class Config:
            x: int = 1
    """

    found = config(text)

    assert (found.kind, [field.init for field in found.fields]) == ("plain", [False])


def test_a_base_that_decorates_its_subclasses_makes_their_family(config: Any) -> None:
    text = """
        from dataclasses import dataclass
        class Base:
            def __init_subclass__(cls, **kwargs):
                super().__init_subclass__(**kwargs)
                dataclass(cls)
        class Config(Base):
            x: int = 1
    """

    assert config(text).kind == "dataclass"


def test_a_msgspec_struct_renames_and_makes_empty_containers_anew(config: Any) -> None:
    found = config(
        """
        import msgspec
        class Mixin:
            other: int = 0
        class Base(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
            max_len: int
        class Config(Mixin, Base):
            stop_words: list[str] = []
            seen: set[int] = msgspec.field(default_factory=set)
            top_p: float = msgspec.field(default=1.0, name="p")
        """
    )

    by_name = {field.name: field for field in found.fields}
    assert (found.kind, found.extra) == ("msgspec", "forbid")
    assert names(found) == ["max_len", "stop_words", "seen", "top_p"]
    assert by_name["max_len"].default.kind == "required"
    assert by_name["max_len"].aliases == ("maxLen",)
    assert by_name["stop_words"].default.to_json() == {"kind": "factory", "value": [], "text": "[]"}
    assert by_name["top_p"].aliases[0] == "p"


def test_attrs_classes_of_both_styles_are_read(config: Any) -> None:
    found = config(
        """
        import attr
        from attrs import define, field
        @attr.s
        class Base:
            old = attr.ib(default=3, type=int)
            made = attr.ib(factory=list)
        @define
        class Config(Base):
            _hidden: int = 1
            names: list[str] = field(factory=list)
            lazy: int = attr.Factory(lambda: 4)
        """
    )

    by_name = {field.name: field for field in found.fields}
    assert found.kind == "attrs"
    assert names(found) == ["old", "made", "_hidden", "names", "lazy"]
    assert by_name["old"].type == {"k": "prim", "name": "int"}
    assert by_name["made"].default.value == []
    assert by_name["_hidden"].aliases == ("hidden",)
    assert by_name["lazy"].default.to_json() == {"kind": "factory", "value": 4, "text": "lambda: 4"}


def test_a_typed_dict_tells_required_keys_from_those_that_may_be_absent(config: Any) -> None:
    found = config(
        """
        from typing import NotRequired, Required, TypedDict
        class Config(TypedDict):
            a: int
            b: NotRequired[str]
        class Loose(TypedDict, total=False):
            c: Required[int]
            d: int
        """,
        "toy.config.Config",
        "toy.config.Loose",
    )

    assert found.kind == "typed_dict"
    assert [field.default.kind for field in found.fields] == ["required", "unknown"]
    assert found.fields[1].type == {"k": "prim", "name": "str"}


def test_a_partial_typed_dict_requires_only_what_it_says(config: Any) -> None:
    text = """
        from typing import Required, TypedDict
        class Config(TypedDict, total=False):
            c: Required[int]
            d: int
    """

    assert [field.default.kind for field in config(text).fields] == ["required", "unknown"]


def test_a_named_tuple_is_read_like_a_record(config: Any) -> None:
    text = "from typing import NamedTuple\nclass Config(NamedTuple):\n    x: int\n    y: int = 2"

    found = config(text)

    assert (found.kind, names(found)) == ("named_tuple", ["x", "y"])


def test_fields_are_documented_by_metadata_then_strings_then_docstrings_then_comments(fields: Any) -> None:
    found = fields(
        '''
        from dataclasses import dataclass, field
        from typing import Annotated
        from typing_extensions import Doc
        @dataclass
        class Config:
            """One.

            Args:
                a: From the docstring.
                b: From the docstring.
                e: From the docstring.
            """
            a: Annotated[int, Doc("From the metadata.")] = 1
            """From the string."""
            b: int = 2
            """From the string,
            over two lines."""
            c: int = field(default=3, metadata={"help": "From the help."})
            d: int = 4  # from the comment
            e: int = 5  # from the comment
        '''
    )

    assert [found[name]["description"] for name in "abcde"] == [
        "From the metadata.",
        "From the string, over two lines.",
        "From the help.",
        "from the comment",
        "From the docstring.",
    ]


def test_models_that_mix_wrappers_mixins_and_discriminated_unions_are_read(lane: Any) -> None:
    found = lane(
        """
        from typing import Annotated, Literal, Optional, TypeAlias, Union
        from pydantic import BaseModel, NonNegativeInt, PositiveInt
        from .fields import Field, Mirror, Strict
        class Greedy(Strict):
            kind: Literal["greedy"] = "greedy"
        class Beam(Strict):
            kind: Literal["beam"] = "beam"
            width: PositiveInt = Field(default=4, le=64, status="beta", description="How many.")
        Decoding: TypeAlias = Union[Greedy, Beam]
        @Mirror.mirrors(native)
        class Config(Strict, Mirror):
            decoding: Optional[Annotated[Decoding, Field(discriminator="kind")]] = None
            sizes: Optional[list[PositiveInt]] = Field(default=None, min_length=1)
            fraction: Optional[float] = Field(default=0.9, ge=0, le=1)
            cache: Optional[NonNegativeInt] = Field(default=None, status="deprecated")
            tries: "int" = Field(default_factory=lambda: 3)
        """,
        fields="""
        from typing import Any, Literal, Optional
        from pydantic import BaseModel, ConfigDict
        from pydantic import Field as PydanticField
        class Strict(BaseModel):
            model_config = ConfigDict(extra="forbid")
        def Field(default: Any = ..., *, status: Optional[Literal["beta", "old"]] = None, **kwargs: Any):
            if status is not None:
                kwargs["json_schema_extra"] = {"status": status}
            return PydanticField(default, **kwargs)
        class Mirror:
            @staticmethod
            def mirrors(native):
                def decorator(cls):
                    cls.native = native
                    return cls
                return decorator
        """,
    )

    config = found.classes["toy.config.Config"]
    by_name = {field.name: field for field in config.fields}
    width = found.classes["toy.config.Beam"].fields[1]
    assert list(found.classes) == ["toy.config.Config", "toy.config.Greedy", "toy.config.Beam"]
    assert (config.kind, config.extra) == ("pydantic", "forbid")
    assert (width.default.value, width.description) == (4, "How many.")
    assert width.constraints == {"exclusiveMinimum": 0, "maximum": 64}
    assert by_name["sizes"].constraints == {"minItems": 1}
    assert by_name["fraction"].constraints == {"minimum": 0, "maximum": 1}
    assert by_name["cache"].constraints == {"minimum": 0}
    assert by_name["tries"].default.value == 3
