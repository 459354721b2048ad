"""Targets: the classes of the schema, with the fields that a user can set."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from atlas.engines.model import TargetSpec
from atlas.errors import InputError
from atlas.invariants.command import in_order
from atlas.invariants.targets import find_target, targets_of

ARGS, CACHE, SAMPLING, LOAD = "toy.args.Args", "toy.cache.Cache", "toy.sampling.Params", "toy.load.load"


def parameter(path, root=ARGS, owner=None, type=None, **more):
    kind = {"default_kind": "value", "default": 1} if "default_kind" not in more else {}
    return {
        "path": path, "name": path.rpartition(".")[2], "root": root, "owner": owner or root,
        "type": type or {"type": "integer"}, "display": "int", **kind, **more,
    }  # fmt: skip


def root(name, kind="dataclass", prefix="", **more):
    return {"name": name, "target": name, "kind": kind, "prefix": prefix, **more}


OBJECT = {"anyOf": [{"type": "object", "x-python-type": CACHE}, {"type": "null"}]}
SCHEMA = {
    "roots": {
        "engine_params": [root(ARGS), root(LOAD, "function")],
        "sampling_params": [root(SAMPLING, "msgspec", "sampling")],
    },
    "engine_params": [
        parameter("size"),
        parameter("model", default_kind="required"),
        parameter("made", default_kind="factory"),
        parameter("known", default_kind="factory", default=[]),
        parameter("nothing", default_kind="none", default=None),
        parameter("cache", type=OBJECT, default_kind="none", default=None),
        parameter("cache.block", owner=CACHE),
        parameter("cache.swap", owner=CACHE, joins=f"{SAMPLING}.top"),
        parameter("inherited", owner="toy.args.Base"),
        parameter("readable", readonly=True),
        parameter("inside", via="init_attr"),
        parameter("_hidden"),
        parameter("path", root=LOAD),
    ],
    "sampling_params": [parameter("sampling.top", root=SAMPLING), parameter("sampling.k", root=SAMPLING)],
}


def cell(*specs, exclude=(), resolve=()):
    return SimpleNamespace(invariants=SimpleNamespace(targets=specs, exclude=exclude), resolve=resolve)


def spec(cls, **more):
    usual = {"given": {}, "variants": (), "prepare": {}, "steps": (), "skip": ()}
    return TargetSpec(cls=cls, **{**usual, **more})


def fields(target):
    return [one.name for one in target.fields]


def test_roots_and_the_classes_nested_in_them_are_targets_and_functions_are_not():
    found = {one.cls: one for one in targets_of(cell(), SCHEMA)}
    assert list(found) == [ARGS, CACHE, SAMPLING]
    assert [one.group for one in found.values()] == ["engine_params", "engine_params", "sampling_params"]
    assert fields(found[CACHE]) == ["block", "swap"]
    assert fields(found[SAMPLING]) == ["top", "k"], "without the prefix of its paths"


def test_fields_are_those_that_a_user_sets():
    args = targets_of(cell(), SCHEMA)[0]
    assert fields(args) == ["size", "model", "made", "known", "nothing", "cache", "inherited"]
    own = {"size": 1, "known": [], "nothing": None, "cache": None, "inherited": 1}
    assert args.defaults() == {**own, "cache.block": 1, "cache.swap": 1}


def test_a_field_knows_the_class_of_its_objects_and_what_it_is_handed_to():
    args, cache, _ = targets_of(cell(), SCHEMA)
    assert {one.name: one.nested for one in args.fields if one.nested} == {"cache": CACHE}
    assert [one.name for one in args.inner["cache"]] == ["block", "swap"]
    assert {one.name: one.joins for one in cache.fields if one.joins} == {"swap": f"{SAMPLING}.top"}


def test_classes_of_pydantic_and_what_joins_them_convert():
    args, cache, sampling = targets_of(cell(), SCHEMA, {SAMPLING: "pydantic"})
    assert (args.converts, cache.converts, sampling.converts) == ("none", "none", "lax")
    assert cache.types() == {"swap": "int"}
    assert sampling.types() == {"top": "int", "k": "int"}


def test_what_the_yaml_says_of_a_class_is_in_its_target():
    more = spec(
        ARGS,
        given={"model": "m"},
        variants=({"model": "n"},),
        prepare={"a": {"call": "toy.a"}},
        steps=({"depth": "resolve", "call": "resolve"},),
        skip=("size",),
    )
    args = targets_of(cell(more), SCHEMA)[0]
    assert "model" not in fields(args)
    assert "size" not in fields(args)
    assert (args.given, args.variants) == ({"model": "m"}, ({"model": "n"},))
    assert [(step.depth, step.call) for step in args.steps] == [("resolve", "resolve")]


def test_excluded_classes_are_no_targets_unless_they_are_named():
    assert [one.cls for one in targets_of(cell(exclude=("toy.cache.*",)), SCHEMA)] == [ARGS, SAMPLING]
    found = targets_of(cell(spec(CACHE), exclude=("toy.*",)), SCHEMA)
    assert [one.cls for one in found] == [CACHE]


def test_a_class_that_others_inherit_from_can_be_named():
    found = targets_of(cell(spec("toy.args.Base")), SCHEMA)
    assert fields(found[-1]) == ["inherited"]
    with pytest.raises(InputError, match=r"toy\.args\.Bases.*toy\.args\.Base"):
        targets_of(cell(spec("toy.args.Bases")), SCHEMA)


def test_a_class_that_is_another_root_under_a_second_name_is_one_target():
    schema = {**SCHEMA, "roots": {"engine_params": [root(ARGS, same_as="toy.Other")]}}
    assert ARGS not in [one.cls for one in targets_of(cell(), schema)]


def test_targets_are_found_by_the_whole_name_or_its_last_part():
    every = targets_of(cell(), SCHEMA)
    assert find_target(every, "Params") is find_target(every, SAMPLING) is every[2]
    with pytest.raises(InputError, match="Params"):
        find_target(every, "Parms")
    twice = (*every, *targets_of(cell(), SCHEMA))
    with pytest.raises(InputError, match="several"):
        find_target(twice, "Cache")


def test_classes_come_before_those_that_take_them():
    every = targets_of(cell(), SCHEMA)
    for order in (every, every[::-1]):
        names = [one.cls for one in in_order(order)]
        assert sorted(names) == sorted([ARGS, CACHE, SAMPLING])
        assert names.index(SAMPLING) < names.index(CACHE) < names.index(ARGS)


def test_what_depends_on_the_machine_is_ignored_as_in_effective_defaults():
    resolve = (SimpleNamespace(cls=ARGS, ignore=("port",)), SimpleNamespace(cls=CACHE, ignore=("seed",)))
    found = {target.cls: target.ignore for target in targets_of(cell(resolve=resolve), SCHEMA)}
    assert found[ARGS] == {"port"}
    assert found[CACHE] == {"seed"}
    assert found[SAMPLING] == set()


@pytest.mark.parametrize(
    ("annotation", "converts"),
    [
        ("int", True),
        ("SkipValidation[int]", False),
        ("pydantic.SkipValidation[int | None]", False),
        ("Optional[SkipValidation[int]]", False),
        ("dict[str, SkipValidation[int]]", True),
        (None, True),
    ],
)
def test_fields_that_pydantic_is_told_to_leave_alone_are_not_converted(annotation, converts):
    schema = {
        "roots": {"g": [root(ARGS, "pydantic")]},
        "g": [parameter("size", annotation=annotation)],
    }
    (target,) = targets_of(cell(), schema)
    assert target.fields[0].converts is converts
