"""The facts model survives its own JSON."""

import json

from atlas.schema import facts
from atlas.schema.facts import (
    ClassFact,
    DefaultFact,
    DeprecationFact,
    EffectiveFact,
    FieldFact,
    FlagFact,
    LaneFacts,
    Limitation,
)


def test_lane_facts_come_back_from_json_as_they_were() -> None:
    field = FieldFact(
        name="tp",
        owner="toy.Config",
        type=facts.union([facts.prim("int"), facts.NONE]),
        annotation="int | None",
        default=DefaultFact("value", 1, "1"),
        constraints={"minimum": 1},
        deprecated=DeprecationFact("1.2", "use pp", "pp"),
        aliases=("tensor_parallel",),
        joins="toy.Parallel.tp",
        file="toy/config.py",
        line=3,
    )
    lane = LaneFacts(
        lane="static",
        classes={"toy.Config": ClassFact("toy.Config", "dataclass", fields=(field,), extra="forbid")},
        flags=(FlagFact(("--tp",), dest="tp", owner="toy.Config", field="tp", choices=(1, 2)),),
        effective=(EffectiveFact("toy.Config", "tp", 2),),
        limitations=(Limitation("source_not_parsed", "toy.bad", "invalid syntax", "toy/bad.py", 2),),
    )

    assert LaneFacts.from_json(json.loads(json.dumps(lane.to_json()))) == lane


def test_a_union_is_flat_and_keeps_one_and_true_apart() -> None:
    inner = facts.union([facts.literal([1]), facts.NONE])

    assert facts.union([inner, facts.literal([True]), facts.NONE])["of"] == [
        facts.literal([1]),
        facts.NONE,
        facts.literal([True]),
    ]
    assert facts.union([facts.NONE, facts.NONE]) == facts.NONE


def test_only_a_known_factory_value_is_written() -> None:
    assert "value" not in DefaultFact("factory", text="Sub").to_json()
    assert DefaultFact("factory", [], "list").to_json()["value"] == []
    assert "value" not in DefaultFact("required").to_json()
