"""What is written: one valid, deterministic artefact with everything in it, and a JSON Schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from atlas.canonical import dump_json
from atlas.errors import InputError, IntegrityError, RunError
from atlas.schema.assemble import assemble
from atlas.schema.config_schema import config_schema
from atlas.schema.facts import (
    NONE,
    DefaultFact,
    DeprecationFact,
    EffectiveFact,
    FieldFact,
    FlagFact,
    LaneFacts,
    Limitation,
    TypeExpr,
    annotated,
    class_of,
    literal,
    opaque,
    unknown,
)
from atlas.schema.merge import merge_lanes
from atlas.schema.publish import format_digest, limitations_json, require_parameters, write_artefacts
from atlas.validation import problems
from atlas.yamlfile import Document

from .made import BOOL, FLOAT, INT, REQUIRED, STR, by_path, field, klass, lane, published, surfaces, value


def optional(type_: TypeExpr) -> TypeExpr:
    return {"k": "union", "of": [type_, NONE]}


def one_parameter(fact: FieldFact, **more: Any) -> dict[str, Any]:
    schema = published(lane("static", klass("p.Args", fact), **more), args=["p.Args"])
    assert not problems(Document("schema", schema, {}), "schema.discovered")
    found: dict[str, Any] = schema["args"][0]
    return found


def test_an_artefact_is_valid_and_says_where_it_comes_from() -> None:
    static = lane(
        "static",
        klass("p.Args", field("a", description="About a."), field("cache", class_of("p.Cache"))),
        klass("p.Cache", field("size", constraints={"minimum": 0})),
        limitations=(Limitation("unparsable", "pkg/odd.py", "a syntax error", "pkg/odd.py", 3),),
    )
    live = lane("live", klass("p.Args", field("a", FLOAT)), klass("p.Cache", field("size")))
    schema = published(static, live, args=["p.Args"])
    assert problems(Document("schema", schema, {}), "schema.discovered") == []
    assert schema["status"] == "complete"
    assert schema["files"] == {"pkg/args.py": "sha256:" + "c" * 64}
    assert schema["coverage"] == {
        "n": 3,
        "typed": 3,
        "defaulted": 3,
        "bounded": 1,
        "described": 1,
        "live": 2,
        "static": 3,
    }
    assert schema["roots"] == {
        "args": [{"target": "p.Args", "name": "p.Args", "kind": "dataclass", "prefix": ""}]
    }
    found = by_path(schema, "args")
    assert found["a"]["disagreement"] == [{"fact": "type", "static": "int", "live": "float"}]
    assert found["a"]["evidence"] == [
        {"lane": "static", "file": "pkg/args.py", "line": 7},
        {"lane": "live", "file": "pkg/args.py", "line": 7},
    ]
    assert found["cache"]["static_only"] == "unexplained"
    assert {one["code"]: one["fields"] for one in schema["limitations"]}["unparsable"] == ["pkg/odd.py"]


def test_a_schema_of_one_lane_says_so() -> None:
    schema = published(lane("static", klass("p.Args", field("a"))), args=["p.Args"])
    assert schema["status"] == "static_only"
    assert schema["environment"] is None
    assert schema["lanes"]["seen"] == ["static"]
    assert "static_only" not in schema["args"][0]


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        (value(3), {"default_kind": "value", "default": 3}),
        (value(3, "Mode.FAST"), {"default_kind": "value", "default": 3, "default_text": "Mode.FAST"}),
        (value([1, 2], "(1, 2)"), {"default_kind": "value", "default": [1, 2]}),
        (DefaultFact("none", None, "None"), {"default_kind": "none", "default": None}),
        (REQUIRED, {"default_kind": "required"}),
        (
            DefaultFact("factory", {}, "dict"),
            {"default_kind": "factory", "default": {}, "default_text": "dict"},
        ),
        (DefaultFact("factory", None, "Config"), {"default_kind": "factory", "default_text": "Config"}),
        (
            DefaultFact("computed", None, "float('inf')"),
            {"default_kind": "computed", "default_text": "float('inf')"},
        ),
        (DefaultFact("unknown"), {"default_kind": "unknown"}),
    ],
)
def test_no_default_is_never_written_like_a_default_of_none(
    default: DefaultFact, shown: dict[str, Any]
) -> None:
    found = one_parameter(field("a", {"k": "any"}, default))
    assert {key: found[key] for key in found if key.startswith("default")} == shown


@pytest.mark.parametrize(
    ("fact", "type_"),
    [
        (field("a", INT), {"type": ["integer", "null"]}),
        (field("a", optional(INT)), {"type": ["integer", "null"]}),
        (field("a", INT, value("auto")), {"anyOf": [{"type": "integer"}, {"const": "auto"}]}),
        (
            field("a", INT, value(0), constraints={"minimum": 1}),
            {"anyOf": [{"type": "integer", "minimum": 1}, {"const": 0}]},
        ),
        (field("a", literal(["x"])), {"anyOf": [{"const": "x"}, {"type": "null"}]}),
        (field("a", INT, REQUIRED), {"type": "integer"}),
        (field("a", INT, DefaultFact("factory", None, "f")), {"type": "integer"}),
    ],
)
def test_a_type_admits_the_default_of_its_parameter(fact: FieldFact, type_: dict[str, Any]) -> None:
    assert one_parameter(fact)["type"] == type_


def test_a_default_outside_its_type_is_a_limitation() -> None:
    schema = published(
        lane("static", klass("p.Args", field("a", INT), field("b", BOOL, value(True)))), args=["p.Args"]
    )
    (one,) = schema["limitations"]
    assert (one["code"], one["fields"]) == ("default_outside_type", ["args:a"])


def test_values_that_a_parser_offers_are_open() -> None:
    flag = FlagFact(("-b", "--backend"), "backend", "p.Args", "backend", choices=("x", "y"))
    found = one_parameter(field("backend", STR, value("x")), flags=(flag,))
    assert (found["enum"], found["open"], found["cli_flag"], found["cli_flags"]) == (
        ["x", "y"],
        True,
        "--backend",
        ["-b", "--backend"],
    )
    closed = one_parameter(field("backend", literal(["x"]), value("x")))
    assert (closed["enum"], closed["open"]) == (["x"], False)


def test_everything_known_of_a_parameter_is_shown() -> None:
    fact = field(
        "_a",
        annotated(INT, {"minimum": 1}),
        value(2),
        annotation="Annotated[\n  int, Ge(1)]",
        description="  About a. ",
        deprecated=DeprecationFact("1.0", "use\n b", "b"),
        aliases=("c",),
        env="TOY_A",
        init=False,
        private=True,
        via="init_attr",
    )
    found = one_parameter(fact, effective=(EffectiveFact("p.Args", "_a", 9),))
    expected = {
        "type": {"type": "integer", "minimum": 1},
        "display": "int",
        "annotation": "Annotated[ int, Ge(1)]",
        "description": "About a.",
        "constraints": {"minimum": 1},
        "deprecated": {"since": "1.0", "message": "use b", "replacement": "b"},
        "aliases": ["c"],
        "env": "TOY_A",
        "private": True,
        "readonly": True,
        "via": "init_attr",
        "effective_default": {"value": 9, "platform": "cpu"},
    }
    assert {key: found[key] for key in expected} == expected


def test_limitations_of_one_reason_stand_together() -> None:
    found = limitations_json(
        [
            ("live", Limitation("import_failed", "p.B", "no torch")),
            ("live", Limitation("import_failed", "p.A", "no torch")),
            ("static", Limitation("unparsable", "x.py", "bad", "x.py", 4)),
        ]
    )
    assert found == [
        {"code": "import_failed", "lane": "live", "reason": "no torch", "fields": ["p.A", "p.B"]},
        {
            "code": "unparsable",
            "lane": "static",
            "reason": "bad",
            "fields": ["x.py"],
            "file": "x.py",
            "line": 4,
        },
    ]


def test_two_builds_of_the_same_facts_are_the_same_bytes() -> None:
    def build(order: int) -> str:
        classes = [klass("p.B", field("x")), klass("p.A", field("y"), field("b", class_of("p.B")))]
        return dump_json(published(lane("static", *classes[::order]), args=["p.A"]))

    assert build(1) == build(-1)


def test_the_extractor_is_named_by_its_format_and_not_by_its_code() -> None:
    schema = published(lane("static", klass("p.A", field("x"))), args=["p.A"])
    assert schema["extractor"] == {"name": "atlas.schema", "digest": format_digest()}


# --- config.schema.json --------------------------------------------------------------------------


def config_of(*classes: Any, targets: list[str], **more: Any) -> dict[str, Any]:
    merged = merge_lanes(LaneFacts("live", {c.qualname: c for c in classes}, **more), None)
    schema = config_schema("toy", "1.0", merged, assemble(merged, surfaces(args=targets)))
    Draft202012Validator.check_schema(schema)
    return schema


ARGS = klass(
    "p.Args",
    field("model", STR, REQUIRED),
    field("size", INT, description="How big.", deprecated=DeprecationFact("1.0", "old", None)),
    field("cache", optional(class_of("p.Cache"))),
    field("_private", INT, value(1), private=True),
    field("made", INT, value(1), init=False),
    field("dtype", opaque("torch.dtype"), DefaultFact("computed", None, "torch.float16")),
)
CACHE = klass(
    "p.Cache",
    field("bytes", INT, REQUIRED),
    field("kind", literal(["a", "b"]), value("a")),
    field("next", optional(class_of("p.Cache"))),
    field("short", INT, value(1), aliases=("s",)),
    extra="forbid",
    doc="Where things are kept.\n\nMore.",
)


def test_a_config_file_is_checked_down_to_nested_classes() -> None:
    schema = config_of(ARGS, CACHE, targets=["p.Args"])
    check = Draft202012Validator(schema)
    assert check.is_valid({"model": "m", "size": None, "cache": {"bytes": 1, "next": {"bytes": 2}}})
    assert check.is_valid({"an-unknown-spelling": 1}), "a file may hold keys of the program around the engine"
    assert not check.is_valid({"size": "big"})
    assert not check.is_valid({"cache": {"bytes": 1, "kind": "c"}})
    assert not check.is_valid({"cache": {"bytes": 1, "nmae": 2}})
    assert not check.is_valid({"cache": {"kind": "a"}})
    assert check.is_valid({"cache": {"bytes": 1, "s": 2}})
    assert not check.is_valid({"cache": {"bytes": 1, "s": "x"}})


def test_a_config_schema_documents_its_properties() -> None:
    flag = FlagFact(("--size", "-s"), "size", "p.Args", "size")
    schema = config_of(
        ARGS, CACHE, targets=["p.Args"], flags=(flag,), effective=(EffectiveFact("p.Args", "size", 4),)
    )
    assert set(schema["properties"]) == {"model", "size", "cache", "dtype"}
    assert (
        schema["properties"]["size"]
        == {
            "type": ["integer", "null"],
            "default": None,
            "description": "How big.",
            "deprecated": True,
            "x-deprecated": {"since": "1.0", "message": "old", "replacement": None},
            "x-cli-flag": ["--size", "-s"],
            "x-effective-default": {"value": 4, "platform": "cpu"},
        }
        or "anyOf" in schema["properties"]["size"]
    )
    assert schema["$defs"]["Cache"]["description"] == "Where things are kept."
    assert schema["$defs"]["Cache"]["required"] == ["bytes"]


def test_the_engine_s_own_defaults_are_valid() -> None:
    odd = klass(
        "p.Args",
        field("a", INT),
        field("b", literal(["x"]), value("y")),
        field("c", class_of("p.Cache")),
        field("d", unknown("T"), value({"k": [1]})),
        field("e", {"k": "tuple", "items": [INT, INT]}, value([1, 2, 3])),
    )
    schema = config_of(odd, CACHE, targets=["p.Args"])
    defaults = {name: one["default"] for name, one in schema["properties"].items()}
    assert defaults.keys() == set("abcde")
    Draft202012Validator(schema).validate(defaults)


def test_roots_with_prefixes_are_alternatives() -> None:
    one, two = (
        klass("p.OneConfig", field("a", INT, REQUIRED)),
        klass("p.TwoConfig", field("b", STR, REQUIRED)),
    )
    schema = config_of(one, two, targets=["p.*Config"])
    check = Draft202012Validator(schema)
    assert check.is_valid({"a": 1})
    assert check.is_valid({"b": "x"})
    assert not check.is_valid({"c": 1})


def test_classes_of_one_name_are_told_apart() -> None:
    schema = config_of(
        klass("p.Args", field("a", class_of("x.Cfg")), field("b", class_of("y.Cfg"))),
        klass("x.Cfg", field("m")),
        klass("y.Cfg", field("n")),
        targets=["p.Args"],
    )
    assert set(schema["$defs"]) == {"Cfg", "y.Cfg"}


# --- writing -------------------------------------------------------------------------------------


def test_both_artefacts_are_written_or_neither(tmp_path: Path) -> None:
    schema = published(lane("static", klass("p.A", field("x"))), args=["p.A"])
    output, config = tmp_path / "schema.json", tmp_path / "config.json"
    write_artefacts(output, schema, config, {"type": "object"})
    assert json.loads(output.read_text()) == schema
    assert json.loads(config.read_text()) == {"type": "object"}
    before = output.read_bytes()
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    with pytest.raises(OSError):
        write_artefacts(output, {**schema, "version": "2"}, blocked / "config.json", {"type": "object"})
    assert output.read_bytes() == before


def test_what_is_not_in_its_own_format_is_not_written(tmp_path: Path) -> None:
    schema = published(lane("static", klass("p.A", field("x"))), args=["p.A"])
    schema["args"][0]["defualt"] = 1
    with pytest.raises(InputError, match=r"defualt.*did you mean"):
        write_artefacts(tmp_path / "schema.json", schema, tmp_path / "config.json", {})
    assert not list(tmp_path.iterdir())


def test_a_schema_without_parameters_is_refused_with_the_reasons() -> None:
    schema = published(lane("static"), args=["p.Gone"])
    with pytest.raises(RunError, match=r"root_not_found: p\.Gone"):
        require_parameters(schema, ["args"], where="toy 1.0")


def test_a_path_stands_once_in_a_group() -> None:
    schema = published(lane("static", klass("p.A", field("x"))), args=["p.A"])
    schema["args"] *= 2
    with pytest.raises(IntegrityError, match="args has x twice"):
        require_parameters(schema, ["args"], where="toy 1.0")
