"""What types and constraints declare becomes candidates; pydantic says whether they are right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field as Constraint
from pydantic import ValidationError
from pydantic.dataclasses import dataclass

from atlas.invariants.declared import declared_type
from atlas.invariants.lift import lifted
from atlas.invariants.model import Candidate, FieldSpec, Step, Target
from atlas.invariants.predicate import Context, compile_expr, holds, to_text

from .expressions import json_values, numbers, texts


@dataclass
class Toy:
    """The class that the specs below describe."""

    share: Annotated[float, Constraint(gt=0, le=1)] = 0.9
    size: Annotated[int | None, Constraint(ge=1)] = None
    mode: Literal["fast", "slow"] | None = None
    level: Literal[1, 2] = 1
    name: Annotated[str, Constraint(min_length=1, max_length=2, pattern="^[ab]")] = "a"
    sizes: Annotated[list[Annotated[int, Constraint(ge=0)]], Constraint(min_length=1)] = Constraint(
        default=[1]
    )
    even: Annotated[int, Constraint(multiple_of=2)] = 0
    switch: bool = False
    weights: dict[int, float] | None = None
    anything: Any = None
    where: Path | None = None


def spec(name: str, display: str, type_: dict[str, Any], default: Any = None, **more: Any) -> FieldSpec:
    known = {"default": default, "has_default": True, "default_kind": "value", "converts": True, **more}
    return FieldSpec(name=name, display=display, type=type_, **known)


SPECS = (
    spec("share", "float", {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.9),
    spec("size", "int | None", {"type": ["integer", "null"], "minimum": 1}),
    spec("mode", "Literal['fast', 'slow'] | None", {"anyOf": [{"enum": ["fast", "slow"]}, {"type": "null"}]}),
    spec("level", "Literal[1, 2]", {"enum": [1, 2]}, 1),
    spec("name", "str", {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^[ab]"}, "a"),
    spec(
        "sizes",
        "list[int]",
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        [1],
    ),
    spec("even", "int", {"type": "integer", "multipleOf": 2}, 0),
    spec("switch", "bool", {"type": "boolean"}, False),
    spec("weights", "dict[int, float] | None", {"anyOf": [{"type": "object"}, {"type": "null"}]}),
    spec("anything", "Any", {}),
    spec("where", "Path | None", {"type": ["string", "null"]}),
)
TOY = Target(cls="toy.Toy", group="engine_params", fields=SPECS, converts="lax")
CONTEXT = Context(TOY.defaults(), TOY.types(), "lax")
CANDIDATES = lifted(TOY)
COMPILED = [compile_expr(candidate.when, CONTEXT) for candidate in CANDIDATES]

toy_configs = st.dictionaries(
    st.sampled_from([one.name for one in SPECS]),
    json_values
    | numbers
    | texts
    | st.sampled_from(["fast", "ba", [0], ["1"], [-1], "2", {"1": "0.5"}, "a//b"]),
    max_size=3,
)


def of(target: Target, severity: str = "error") -> dict[str, Candidate]:
    return {to_text(one.when): one for one in lifted(target) if one.severity == severity}


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(toy_configs)
def test_an_error_holds_exactly_when_the_class_refuses(config: dict[str, Any]) -> None:
    held = [
        candidate
        for candidate, test in zip(CANDIDATES, COMPILED, strict=True)
        if candidate.severity == "error" and test(config) is True
    ]
    try:
        Toy(**config)
    except ValidationError:
        assert held
    else:
        assert held == []


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(toy_configs)
def test_a_conversion_holds_exactly_when_the_value_becomes_another(config: dict[str, Any]) -> None:
    try:
        made = Toy(**config)
    except ValidationError:
        return
    for candidate, test in zip(CANDIDATES, COMPILED, strict=True):
        if candidate.severity == "dormant":
            ((name, value),) = candidate.effect.sets.items()
            final = getattr(made, name)
            final = str(final) if isinstance(final, Path) else final
            before = config.get(name, TOY.defaults()[name])
            assert (test(config) is True) == (shown(final) != shown(before))
            if test(config) is True:
                assert shown(compile_expr(value, CONTEXT)(config)) == shown(final)


def shown(value: Any) -> str:
    """Equal for what is equal as JSON."""
    if isinstance(value, dict):
        return repr({str(key): shown(item) for key, item in value.items()})
    if isinstance(value, list):
        return repr([shown(item) for item in value])
    return repr(value if isinstance(value, bool) or not isinstance(value, int | float) else value + 0.0)


def test_each_constraint_is_one_candidate_in_pydantics_words() -> None:
    messages = {text: candidate.message for text, candidate in of(TOY).items()}
    assert messages["not share > 0"] == "Input should be greater than 0"
    assert messages["not share <= 1"] == "Input should be less than or equal to 1"
    assert messages["size < 1"] == "Input should be greater than or equal to 1"
    assert messages["not conforms(raw(size), 'int | None')"] == "Input should be a valid integer"
    assert messages["not conforms(raw(level), 'Literal[1, 2]')"] == "Input should be 1 or 2"
    assert messages["any(x < 0 for x in sizes)"] == "Input should be greater than or equal to 0"
    assert not any("anything" in text for text in messages)


def test_candidates_come_in_the_order_of_the_fields_and_are_the_same_every_time() -> None:
    assert lifted(TOY) == CANDIDATES
    assert len(set(map(to_text, (one.when for one in CANDIDATES)))) == len(CANDIDATES)


def test_a_default_that_does_not_satisfy_what_is_declared_is_let_be() -> None:
    target = Target(
        "toy.T", "g", (spec("size", "int", {"type": "integer", "minimum": 1}, None),), converts="lax"
    )
    assert "given(size) and not conforms(raw(size), 'int')" in of(target)
    assert not any(
        holds(one.when, {}, Context(target.defaults(), target.types(), "lax")) for one in lifted(target)
    )


def test_of_a_class_that_does_not_convert_only_lists_and_bounds_are_tried() -> None:
    fields = (
        spec("mode", "Literal['a', 'b'] | None", {"enum": ["a", "b"]}, converts=False),
        spec("open", "Literal['a'] | str", {"type": "string"}, converts=False),
        spec("size", "int", {"type": "integer", "minimum": 1}, 1, converts=False),
    )
    target = Target("toy.T", "g", fields)
    assert list(of(target)) == ["mode not in (None, 'a', 'b')", "size < 1"]
    assert of(target, "dormant") == {}


@pytest.mark.parametrize(
    ("converts", "depths"), [(True, ["resolve"]), (False, ["construct", "resolve"])], ids=["joined", "own"]
)
def test_what_a_later_step_checks_is_promised_of_that_step(converts: bool, depths: list[str]) -> None:
    fields = (spec("size", "int", {"type": "integer", "minimum": 1}, 1, converts=converts),)
    target = Target("toy.Args", "g", fields, steps=(Step("resolve", "create"), Step("load", "load")))
    assert [one.depth for one in lifted(target) if to_text(one.when) == "size < 1"] == depths


def test_names_of_enums_and_classes_are_what_they_take() -> None:
    enum = spec("kind", "Kind | None", {"anyOf": [{"enum": ["x", 1]}, {"type": "null"}]})
    assert declared_type(enum) == "Literal['x', 1] | None"
    nested = spec(
        "inner", "Inner | None", {"anyOf": [{"type": "object", "x-python-type": "a.Inner"}, {"type": "null"}]}
    )
    assert declared_type(nested) == "dict[str, Any] | None"
    opaque = spec("dtype", "str | dtype", {"type": "string"})
    assert declared_type(opaque) == "str | dtype"
    assert of(Target("toy.T", "g", (opaque,), converts="lax")) == {}
