"""Conditions on the fields of objects that a field takes."""

from __future__ import annotations

import itertools

from atlas.invariants.learn import learn, learn_univariate, signatures
from atlas.invariants.model import FieldSpec, Target
from atlas.invariants.predicate import to_text

from .toy_engine import OK, observe, rejected


def spec(name, fragment, **more):
    return FieldSpec(name, "Any", fragment, None, True, "none", **more)


KINDS = spec("kind", {"enum": ["ALL", "CLS", "LAST", "MEAN"]})
INNER = (KINDS, spec("norm", {"type": "boolean"}), spec("passes", {"type": "object"}))
ARGS = Target(
    "toy.Args",
    "engine_params",
    (spec("pool", {"type": "object"}, nested="toy.Pool"), spec("size", {"type": "integer"})),
    inner={"pool": INNER},
)
CONFIGS = [
    {**({"pool": pool} if pool is not None else {}), **({"size": size} if size else {})}
    for pool, size in itertools.product(
        [
            None,
            {},
            *({"kind": kind} for kind in ("ALL", "CLS", "LAST", "MEAN", "other")),
            *({"kind": kind, "norm": norm} for kind in ("ALL", "CLS", "MEAN") for norm in (True, False)),
            *({"passes": {"fuse": fuse}} for fuse in (True, False, 1)),
            *({"passes": {"fuse": fuse, "sort": sort}} for fuse in (True, False) for sort in (0, 1)),
        ],
        (0, 1, 2, 3),
    )
]


def learned(truth):
    observed = observe(CONFIGS, lambda config: rejected("no") if truth(config.get("pool") or {}) else OK)
    found = learn(ARGS, (), observed, signatures(rejected("no"))[0])
    return [to_text(each.when) for each in found.candidates]


def test_names_that_the_objects_class_lists_are_known():
    assert learned(lambda pool: pool.get("kind") in ("CLS", "MEAN")) == ["pool.kind in ('CLS', 'MEAN')"]
    assert learned(lambda pool: pool.get("kind") == "CLS") == ["pool.kind == 'CLS'"]


def test_what_lies_in_an_object_in_the_object_is_looked_at():
    (text,) = learned(lambda pool: pool.get("passes", {}).get("fuse") is True)
    assert "pool.passes.fuse" in text


def test_single_fields_are_looked_into_as_well():
    alone = [config for config in CONFIGS if len(config) < 2]

    def engine(config):
        return rejected("no") if (config.get("pool") or {}).get("kind") == "CLS" else OK

    found = learn_univariate(ARGS, observe(alone, engine))
    assert [to_text(each.when) for each in found] == ["pool.kind == 'CLS'"]
