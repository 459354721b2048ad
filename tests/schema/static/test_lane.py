"""The whole lane: nested classes, joins, assembled classes, limitations, order."""

from typing import Any

JOINED = """
    from dataclasses import dataclass
    from pydantic import Field
    from pydantic.dataclasses import dataclass as checked
    @checked
    class Cache:
        block: int = Field(default=16, gt=0, deprecated="use blocks")
        \"\"\"Tokens in a block.\"\"\"
        name: str = "a"
    @checked
    class Model:
        block: int = Cache.block
    @dataclass
    class Config:
        cache: "Cache | None" = None
        models: "dict[str, list[Model]]" = None
        block: int | None = Model.block
        name: "str" = Cache.name
        \"\"\"My own words.\"\"\"
        alone: int = 1
"""


def test_config_classes_that_types_name_are_followed_in_the_order_met(lane: Any) -> None:
    assert list(lane(JOINED).classes) == ["toy.config.Config", "toy.config.Cache", "toy.config.Model"]


def test_nested_classes_can_be_left_out(lane: Any) -> None:
    assert list(lane(JOINED, nested=False).classes) == ["toy.config.Config"]


def test_a_joined_field_takes_over_what_it_does_not_say_itself(lane: Any) -> None:
    fields = {field.name: field for field in lane(JOINED).classes["toy.config.Config"].fields}

    assert fields["block"].joins == "toy.config.Model.block"
    assert fields["block"].description == "Tokens in a block."
    assert fields["block"].constraints == {"exclusiveMinimum": 0}
    assert fields["block"].deprecated.message == "use blocks"
    assert fields["block"].annotation == "int | None"
    assert fields["name"].description == "My own words."
    assert fields["alone"].joins is None


def test_an_assembled_class_has_the_fields_of_its_namespaces(config: Any) -> None:
    found = config(
        """
        import msgspec
        from .fields import collect
        class Config:
            extra: int = 9
            def resolve(self): ...
        Config = msgspec.defstruct("Config", collect())
        """,
        assembled_from=("toy.fields.*",),
        fields__INIT="def collect(): ...",
        fields__model="""
        import msgspec
        from typing import Annotated as A
        from ..marks import Arg, Derived
        class Model(msgspec.Struct):
            _NS_PATH = "model"
            path: A[str, Arg(help="Where the weights are.", aliases=["--model"])]
            dtype: A[str, Arg(help="Which dtype.", choices=["auto", "half"])] = "auto"
            rank = Derived(doc="Not given by anyone.")
        """,
        fields__cache="""
        import msgspec
        from typing import Annotated as A
        class Cache(msgspec.Struct):
            size: A[int, "How large."] = 4
        """,
        marks="""
        import msgspec
        class Arg(msgspec.Struct):
            help: str = ""
            choices: list | None = None
            aliases: list[str] | None = None
        """,
    )

    by_name = {field.name: field for field in found.fields}
    assert found.kind == "namespace"
    assert list(by_name) == ["size", "path", "dtype", "extra"]
    assert {field.owner for field in found.fields} == {"toy.config.Config"}
    assert by_name["path"].file == "toy/fields/model.py"
    assert by_name["path"].aliases == (), "a flag is not another name of the field"
    assert by_name["size"].description == "How large."
    assert by_name["dtype"].type == {
        "k": "annotated",
        "base": {"k": "literal", "values": ["auto", "half"]},
        "constraints": {},
        "open": True,
    }


def test_a_root_that_is_not_there_is_a_limitation_and_others_go_on(lane: Any) -> None:
    found = lane(JOINED, "toy.config.Missing", "toy.config.Cache", "toy.config.gone")

    assert list(found.classes) == ["toy.config.Cache"]
    assert [(one.code, one.subject) for one in found.limitations] == [
        ("not_found", "toy.config.Missing"),
        ("not_found", "toy.config.gone"),
    ]


def test_a_glob_takes_all_classes_it_matches(lane: Any) -> None:
    text = """
        from dataclasses import dataclass
        from enum import Enum
        @dataclass
        class BConfig:
            x: int = 1
        class KindConfig(Enum):
            A = 1
        @dataclass
        class AConfig:
            y: int = 1
    """

    assert list(lane(text, "toy.config.*Config").classes) == ["toy.config.BConfig", "toy.config.AConfig"]


def test_a_class_reached_through_a_re_export_has_the_name_of_its_definition(lane: Any) -> None:
    found = lane(
        "from .inner import Config", inner="from dataclasses import dataclass\n@dataclass\nclass Config: ..."
    )

    assert list(found.classes) == ["toy.inner.Config"]
    assert found.classes["toy.inner.Config"].file == "toy/inner.py"


def test_two_reads_of_the_same_sources_are_equal(lane: Any) -> None:
    assert lane(JOINED).to_json() == lane(JOINED).to_json()
