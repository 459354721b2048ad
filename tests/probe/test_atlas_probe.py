"""What the probe says of configuration classes of every kind, as the running class has it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from atlas.environment.run import Runtime, run_probe
from atlas.environment.uv import find_uv
from atlas.schema.facts import CLASS_KINDS, CONSTRAINT_KEYS, DEFAULT_KINDS, LaneFacts


@pytest.fixture
def ask(tmp_path):
    """Facts about a toy engine: its modules, and the parts of a request."""

    def run(modules: dict[str, str], **request):
        for name, text in modules.items():
            file = tmp_path / "engine" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        surfaces = {"engine_params": [{"class": name} for name in request.pop("classes", ())]}
        surfaces["engine_params"] += [{"function": name} for name in request.pop("functions", ())]
        runtime = Runtime(Path(sys.executable), (tmp_path / "engine",))
        request = {"packages": ["toy"], "distribution": "toy", "surfaces": surfaces, **request}
        return run_probe(runtime, request, timeout_s=120)

    return run


def the_fields(facts, qualname):
    return {field["name"]: field for field in facts["classes"][qualname]["fields"]}


DATACLASSES = {
    "toy/__init__.py": "from toy.config import EngineArgs\n",
    "toy/config.py": '''
    from __future__ import annotations

    import enum
    from dataclasses import InitVar, dataclass, field
    from pathlib import Path
    from typing import Any, Callable, ClassVar, Literal, Optional, Union

    class Mode(enum.Enum):
        FAST = "fast"
        SAFE = "safe"

    @dataclass
    class CacheConfig:
        """How memory is used."""
        block: int = 16

    @dataclass
    class Base:
        seed: int = 0

    @dataclass
    class EngineArgs(Base):
        model: str = "tiny"
        mode: Mode = Mode.SAFE
        dtype: Union[str, Literal["auto", "half"]] = "auto"
        cache: Optional[CacheConfig] = None
        sizes: list[int] = field(default_factory=list)
        shape: tuple[int, ...] = (1, 2)
        names: set[str] = field(default_factory=lambda: {"b", "a"})
        hook: Optional[Callable[[int], str]] = None
        folder: Path = Path("x")
        anything: Any = object()
        far: Elsewhere | None = None
        ranked: int = field(init=False)
        limit: InitVar[int] = 3
        KIND: ClassVar[str] = "toy"
        _cached: int = 1
        endless: float = float("inf")
    ''',
}


def test_a_dataclass_is_read_with_types_defaults_and_owners(ask):
    facts = ask(DATACLASSES, classes=["toy.EngineArgs"])
    fields = the_fields(facts, "toy.config.EngineArgs")
    assert facts["roots"] == {"toy.EngineArgs": ["toy.config.EngineArgs"]}
    assert "KIND" not in fields
    assert fields["seed"]["owner"] == "toy.config.Base"
    assert fields["mode"]["type"]["members"] == {"FAST": "fast", "SAFE": "safe"}
    assert fields["mode"]["default"] == {"kind": "value", "value": "safe", "text": "Mode.SAFE"}
    assert fields["dtype"]["type"] == {
        "k": "union",
        "of": [{"k": "prim", "name": "str"}, {"k": "literal", "values": ["auto", "half"]}],
    }
    assert fields["cache"]["type"]["of"][0] == {"k": "class", "name": "toy.config.CacheConfig"}
    assert fields["sizes"]["default"] == {"kind": "factory", "value": [], "text": "list"}
    assert fields["shape"]["type"] == {"k": "tuple", "item": {"k": "prim", "name": "int"}}
    assert fields["names"]["default"]["value"] == ["a", "b"]
    assert fields["hook"]["type"]["of"][0] == {"k": "callable"}
    assert fields["folder"]["type"] == {"k": "path"}
    assert fields["anything"]["default"] == {"kind": "computed", "text": "<object>"}
    assert fields["far"]["type"] == {"k": "unknown", "text": "Elsewhere | None"}
    assert fields["ranked"]["default"]["kind"] == "computed" and not fields["ranked"]["init"]
    assert fields["limit"]["default"]["value"] == 3
    assert fields["_cached"]["private"]
    assert fields["endless"]["default"] == {"kind": "computed", "text": "inf"}
    assert fields["model"]["file"] == "toy/config.py"
    line = DATACLASSES["toy/config.py"].splitlines()[fields["model"]["line"] - 1]
    assert line.strip().startswith("model:")


def test_configuration_classes_in_types_are_followed(ask):
    facts = ask(DATACLASSES, classes=["toy.EngineArgs"])
    assert facts["classes"]["toy.config.CacheConfig"]["doc"] == "How memory is used."
    assert list(facts["classes"]) == ["toy.config.EngineArgs", "toy.config.CacheConfig"]
    request = {"surfaces": {"engine_params": [{"class": "toy.EngineArgs", "nested": False}]}}
    assert list(ask(DATACLASSES, **request)["classes"]) == ["toy.config.EngineArgs"]


def test_a_glob_names_the_classes_that_are_defined_there(ask):
    facts = ask(
        {
            "toy/__init__.py": "",
            "toy/a.py": "class OtherConfig: pass\n",
            "toy/b.py": "from toy.a import OtherConfig\nclass AConfig: ...\nclass _Config: ...\n",
        },
        classes=["toy.b.*Config"],
    )
    assert list(facts["classes"]) == ["toy.b.AConfig"]


def test_facts_fit_the_shared_model_and_survive_a_round_trip(ask):
    facts = ask(DATACLASSES, classes=["toy.EngineArgs"])
    lane = LaneFacts.from_json({**facts, "lane": "live"})
    again = json.loads(json.dumps(lane.to_json()))
    for name, fact in facts["classes"].items():
        assert fact["kind"] in CLASS_KINDS
        for field in fact["fields"]:
            assert field["default"]["kind"] in DEFAULT_KINDS
            assert set(field["constraints"]) <= set(CONSTRAINT_KEYS)
        kept = {**again["classes"][name], "fields": [{**f} for f in again["classes"][name]["fields"]]}
        assert kept == fact


def test_a_signature_and_what_a_default_instance_holds(ask):
    text = """
    class Sampling:
        def __init__(self, top_k: int = 5, **kwargs):
            self.top_k = top_k
            self.temperature = kwargs.pop("temperature", 1.0)
            self.stop = kwargs.pop("stop", None)
            self.version = "1.0"
            self._hidden = kwargs.pop("_hidden", [])

    class Strict:
        def __init__(self, size, *, fast=False):
            self.size = size
    """
    facts = ask({"toy.py": text}, classes=["toy.Sampling", "toy.Strict"])
    fields = the_fields(facts, "toy.Sampling")
    assert {name: field["via"] for name, field in fields.items()} == {
        "top_k": "signature",
        "temperature": "init_attr",
        "stop": "init_attr",
        "version": "init_attr",
        "_hidden": "init_attr",
    }
    assert [name for name, field in fields.items() if not field["init"]] == ["version"]
    assert fields["stop"]["default"]["kind"] == "none"
    assert facts["classes"]["toy.Sampling"]["extra"] == "allow"
    assert list(the_fields(facts, "toy.Strict")) == ["size", "fast"]
    assert the_fields(facts, "toy.Strict")["size"]["default"]["kind"] == "required"


def test_a_dataclass_with_a_constructor_of_its_own_is_read_by_that(ask):
    text = """
    from dataclasses import dataclass

    @dataclass
    class Quantization:
        method: str
        def __init__(self, bits: int = 4):
            self.method, self.bits = "gptq", bits
    """
    facts = ask({"toy.py": text}, classes=["toy.Quantization"])
    assert facts["classes"]["toy.Quantization"]["kind"] == "plain"
    assert [(f["name"], f["init"]) for f in the_fields(facts, "toy.Quantization").values()] == [
        ("bits", True),
        ("method", False),
    ]


def test_functions_methods_and_class_methods(ask):
    text = """
    import functools

    def loud(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapped

    def make(name: str, size: int = 1, *rest, fast: bool = True, **more): ...

    class Model:
        @classmethod
        def load(cls, path: str, dtype: str = "auto"): ...
        @loud
        def run(self, steps: int = 3): ...
        @staticmethod
        def count(n: int = 2): ...
    """
    names = ["toy.make", "toy.Model.load", "toy.Model.run", "toy.Model.count"]
    facts = ask({"toy.py": text}, functions=names)
    found = {name: list(the_fields(facts, name)) for name in names}
    assert found == {
        "toy.make": ["name", "size", "fast"],
        "toy.Model.load": ["path", "dtype"],
        "toy.Model.run": ["steps"],
        "toy.Model.count": ["n"],
    }
    assert facts["classes"]["toy.make"]["extra"] == "allow"


@pytest.mark.skipif(not importlib.util.find_spec("pydantic"), reason="pydantic is not installed here")
def test_pydantic_models_and_dataclasses_with_bounds(ask):
    text = """
    from typing import Annotated, Literal, Optional
    from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SkipValidation, field_validator
    from pydantic.dataclasses import dataclass

    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")
        ratio: float = Field(default=0.9, gt=0, le=1, description="A share.")
        count: Optional[Annotated[int, Field(ge=1)]] = None
        names: list[str] = Field(default_factory=list, max_length=3)
        code: str = Field("ab", pattern="^[a-z]+$", alias="codeName")
        old: int = Field(1, deprecated="use count")
        needed: int
        _state: int = PrivateAttr(0)

        @field_validator("ratio")
        def check_ratio(cls, value):
            return value

    @dataclass
    class Settings:
        inner: Model | None = None
        size: SkipValidation[Literal[1, 2]] = 1
        depth: int = Field(2, ge=1, multiple_of=2)
        made: list[int] = Field(default_factory=lambda: [1])
    """
    facts = ask({"toy.py": text}, classes=["toy.Settings"])
    assert facts["classes"]["toy.Settings"]["kind"] == "pydantic_dataclass"
    model = facts["classes"]["toy.Model"]
    assert (model["kind"], model["extra"], model["validators"]) == ("pydantic", "forbid", ["check_ratio"])
    fields = the_fields(facts, "toy.Model")
    assert fields["ratio"]["constraints"] == {"exclusiveMinimum": 0, "maximum": 1}
    assert fields["ratio"]["description"] == "A share."
    assert fields["count"]["type"]["of"][0]["constraints"] == {"minimum": 1}
    assert fields["names"]["constraints"] == {"maxItems": 3}
    assert fields["code"]["constraints"] == {"pattern": "^[a-z]+$"}
    assert fields["code"]["aliases"] == ["codeName"]
    assert fields["old"]["deprecated"]["message"] == "use count"
    assert fields["needed"]["default"]["kind"] == "required"
    assert not fields["_state"]["init"]
    settings = the_fields(facts, "toy.Settings")
    assert settings["size"]["type"] == {
        "k": "annotated",
        "base": {"k": "literal", "values": [1, 2]},
        "constraints": {},
        "open": True,
    }
    assert settings["depth"]["constraints"] == {"minimum": 1, "multipleOf": 2}
    assert settings["made"]["default"]["value"] == [1]


@pytest.mark.skipif(not importlib.util.find_spec("pydantic"), reason="pydantic is not installed here")
def test_a_class_of_which_pydantic_makes_no_json_schema_keeps_its_fields_and_is_named(ask):
    text = """
    from pydantic import BaseModel, Field

    class Model(BaseModel):
        ratio: float = Field(default=0.9, le=1)

        @classmethod
        def __get_pydantic_json_schema__(cls, core_schema, handler):
            raise RuntimeError("no schema of this")
    """
    facts = ask({"toy.py": text}, classes=["toy.Model"])
    assert the_fields(facts, "toy.Model")["ratio"]["constraints"] == {"maximum": 1}
    assert facts["limitations"] == [
        {"code": "json_schema_failed", "subject": "toy.Model", "reason": "RuntimeError: no schema of this"}
    ]


@pytest.mark.skipif(not importlib.util.find_spec("attrs"), reason="attrs is not installed here")
def test_attrs_typed_dicts_and_named_tuples(ask):
    text = """
    import attrs
    from typing import NamedTuple, TypedDict

    class Options(TypedDict, total=False):
        verbose: bool

    class Pair(NamedTuple):
        left: int
        right: int = 2

    @attrs.define
    class Config:
        size: int
        options: Options = attrs.Factory(dict)
        _hidden: int = 1
        pair: Pair = Pair(1)
    """
    facts = ask({"toy.py": text}, classes=["toy.Config", "toy.Pair"])
    kinds = {name: fact["kind"] for name, fact in facts["classes"].items()}
    assert kinds == {"toy.Config": "attrs", "toy.Pair": "named_tuple", "toy.Options": "typed_dict"}
    fields = the_fields(facts, "toy.Config")
    assert fields["_hidden"]["aliases"] == ["hidden"]
    assert fields["options"]["default"] == {"kind": "factory", "value": {}, "text": "dict"}
    assert the_fields(facts, "toy.Pair")["right"]["default"]["value"] == 2


def test_flags_of_a_parser_that_the_engine_fills(ask):
    text = """
    import argparse, uuid
    from dataclasses import dataclass

    @dataclass
    class Args:
        model: str = ""
        level: int = 1

        @staticmethod
        def add_cli_args(parser):
            parser.add_argument("--model", "-m", help="Which   model")
            parser.add_argument("--level", type=int, choices={3, 1, 2}, default=1, help=argparse.SUPPRESS)
            parser.add_argument("--fast", action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS)
            parser.add_argument("--run-id", default=uuid.uuid4().hex)
    """
    facts = ask({"toy.py": text}, classes=["toy.Args"], cli=[{"class": "toy.Args", "method": "add_cli_args"}])
    model, level, fast, run_id = facts["flags"]
    assert (model["flags"], model["field"], model["help"]) == (["--model", "-m"], "model", "Which   model")
    assert (level["type"], level["choices"], level["help"]) == ("int", [1, 2, 3], None)
    assert fast["flags"] == ["--fast", "--no-fast"] and fast["field"] is None
    assert fast["default"] == {"kind": "unknown", "text": "SUPPRESS"}
    assert run_id["default"] == {"kind": "computed", "text": None}


RESOLVED = """
import random
from dataclasses import dataclass, field
from typing import Optional

@dataclass
class Cache:
    blocks: Optional[int] = None

@dataclass
class Config:
    length: Optional[int] = None
    token: float = 0.0
    cache: Cache = field(default_factory=Cache)

@dataclass
class Args:
    model: int = 0
    eager: Optional[bool] = None

    def create(self):
        self.eager = True
        return Config(self.model * 2, random.random(), Cache(8))

    @classmethod
    def _defaults(cls):
        return {"eager": False}
"""


def test_values_that_the_engine_works_out_are_read_from_its_objects(ask):
    step = {"class": "toy.Args", "kwargs": {"model": 1}, "call": "create"}
    facts = ask({"toy.py": RESOLVED}, resolve=[step])
    found = {(one["owner"], one["name"]): one["value"] for one in facts["effective"]}
    assert found == {
        ("toy.Args", "eager"): True,
        ("toy.Config", "length"): 2,
        ("toy.Cache", "blocks"): 8,
    }
    assert facts["limitations"] == [
        {
            "code": "varies",
            "subject": "toy.Args.create",
            "reason": "not the same each time: toy.Config.token",
        }
    ]


def test_what_differs_between_variants_or_is_to_be_ignored_is_no_default(ask):
    step = {"class": "toy.Args", "call": "create", "variants": [{"model": 1}, {"model": 2}]}
    facts = ask({"toy.py": RESOLVED}, resolve=[{**step, "ignore": ["token", "toy.Cache.blocks"]}])
    assert [(one["name"], one["value"]) for one in facts["effective"]] == [("eager", True)]
    assert facts["limitations"][0]["reason"] == "not the same each time: toy.Config.length"


RESOLVING = """
from dataclasses import dataclass, field, replace
from typing import Any, Optional

@dataclass
class Rope:
    base: Optional[int] = None

@dataclass
class Config:
    max_len: Optional[int] = None
    seed: int = 0
    cache: Any = None
    first: Rope = field(default_factory=Rope)
    second: Optional[Rope] = None

    def resolve(self):
        return replace(self, max_len=2048, cache=object(), first=Rope(1), second=Rope(2))

    def lengths(self):
        return {"max_len": 2048}

    def resolved(self):
        return {"max_len": 4096, "seed": self.seed, "cache": object()}
"""


def test_a_mapping_that_is_read_after_the_call_has_the_effective_values(ask):
    step = {"class": "toy.Config", "kwargs": {"seed": 3}, "call": "resolve", "read": "resolved"}
    facts = ask({"toy.py": RESOLVING}, resolve=[step])
    found = {(one["owner"], one["name"]): one["value"] for one in facts["effective"]}
    # What was given is no default, and an object cannot be said.
    assert found == {("toy.Config", "max_len"): 4096}


def test_a_copy_that_a_method_returns_has_the_effective_values(ask):
    facts = ask({"toy.py": RESOLVING}, resolve=[{"class": "toy.Config", "call": "resolve"}])
    found = {(one["owner"], one["name"]): one["value"] for one in facts["effective"]}
    assert found[("toy.Config", "max_len")] == 2048
    assert found[("toy.Config", "seed")] == 0


def test_what_the_instance_held_before_does_not_fill_in_for_the_result(ask):
    facts = ask({"toy.py": RESOLVING}, resolve=[{"class": "toy.Config", "call": "resolve"}])
    names = {one["name"] for one in facts["effective"]}
    # The result's cache is an object; its two ropes have a base each.
    assert names == {"max_len", "seed"}


def test_the_instance_counts_for_what_the_result_does_not_hold(ask):
    facts = ask({"toy.py": RESOLVING}, resolve=[{"class": "toy.Config", "call": "lengths"}])
    found = {one["name"]: one["value"] for one in facts["effective"]}
    assert found == {"max_len": None, "seed": 0, "cache": None, "base": None, "second": None}


def test_a_mapping_of_defaults_is_read_as_such(ask):
    step = {"call": "toy.Args._defaults", "result": "defaults_of", "class": "toy.Args"}
    facts = ask({"toy.py": RESOLVED}, resolve=[step])
    assert facts["effective"] == [
        {"owner": "toy.Args", "name": "eager", "value": False, "from": "resolve", "platform": "cpu"}
    ]


def test_one_broken_part_does_not_hide_the_others(ask):
    text = """
    from dataclasses import dataclass, field

    class Hostile(type):
        def __getattribute__(cls, name):
            if name == "__bases__":
                raise RuntimeError("keep out")
            return super().__getattribute__(name)

    class Bad(metaclass=Hostile): ...

    class Loud:
        def __repr__(self):
            raise ValueError("no")

    @dataclass
    class Good:
        size: int = 1
        loud: object = field(default_factory=lambda: 1 / 0)
        other: object = Loud()

        def add(self, parser):
            raise SystemExit(2)
    """
    facts = ask(
        {"toy.py": text},
        classes=["toy.Bad", "toy.Absent", "absent.Class", "toy.Good"],
        functions=["toy.nothing"],
        cli=[{"class": "toy.Good", "method": "add"}],
        resolve=[{"class": "toy.Good", "call": "nowhere"}],
    )
    assert list(facts["classes"]) == ["toy.Good"]
    codes = [(one["code"], one["subject"]) for one in facts["limitations"]]
    assert codes == [
        ("not_found", "toy.Absent"),
        ("import_failed", "absent.Class"),
        ("not_found", "toy.nothing"),
        ("class_unreadable", "toy.Bad"),
        ("factory_failed", "toy.Good.loud"),
        ("cli_failed", "toy.Good.add"),
        ("resolve_failed", "toy.Good.nowhere"),
    ]
    assert the_fields(facts, "toy.Good")["other"]["default"]["text"].startswith("<Loud: repr failed")


def test_a_value_that_is_made_anew_each_time_is_not_given(ask):
    text = """
    import uuid
    from dataclasses import dataclass, field

    @dataclass
    class Config:
        run: str = field(default_factory=lambda: uuid.uuid4().hex)
    """
    default = the_fields(ask({"toy.py": text}, classes=["toy.Config"]), "toy.Config")["run"]["default"]
    assert default == {"kind": "factory", "text": "toy.Config.<lambda>"}


def test_the_facts_are_the_same_under_another_hash_seed(ask, tmp_path):
    ask(DATACLASSES, classes=["toy.EngineArgs"])
    request = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.EngineArgs"]}
    request["surfaces"] = {"engine_params": [{"class": "toy.EngineArgs"}]}
    runtime = [Runtime(Path(sys.executable), (tmp_path / "engine",), {"PYTHONHASHSEED": s}) for s in "123"]
    answers = [json.dumps(run_probe(one, request, timeout_s=60)) for one in runtime]
    assert len(set(answers)) == 1


@pytest.mark.parametrize("minor", [9, 10, 12, 13, 14])
def test_the_probe_runs_on_every_python_that_is_here(minor, tmp_path):
    found = subprocess.run([find_uv(), "python", "find", f"3.{minor}"], capture_output=True, text=True)
    # Version managers keep interpreters side by side.
    beside = sorted(Path(sys.base_prefix).parent.glob(f"*3.{minor}*/bin/python3.{minor}"))
    if found.returncode and not beside:
        pytest.skip(f"no Python 3.{minor} here")
    python = beside[0] if found.returncode else Path(found.stdout.strip())
    (tmp_path / "toy.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: 'int' = 1\n"
    )
    request = {"packages": ["toy"], "distribution": "toy", "surfaces": {"x": [{"class": "toy.C"}]}}
    facts = run_probe(Runtime(python, (tmp_path,)), request, timeout_s=60)
    assert the_fields(facts, "toy.C")["n"]["type"] == {"k": "prim", "name": "int"}


def test_a_written_type_is_always_a_type_expression():
    schema = {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}}
    from typing import Any

    from atlas.probe.atlas_probe.expressions import type_expr
    from atlas.probe.atlas_probe.probe import Probe

    probe = Probe({"packages": ["toy"]})
    for hint in (
        int,
        None,
        Any,
        int | None,
        int | str,
        list,
        dict[str, int],
        tuple[()],
        type,
        "later",
        3,
    ):
        Draft202012Validator(schema).validate(type_expr(probe, hint))
