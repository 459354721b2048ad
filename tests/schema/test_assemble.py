"""Classes become parameters with dotted paths; each class is expanded once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from atlas.engines.model import Surface
from atlas.schema.assemble import Assembled, assemble, resolve_target
from atlas.schema.facts import (
    NONE,
    EffectiveFact,
    FlagFact,
    LaneFacts,
    TypeExpr,
    class_of,
    dict_of,
    sequence,
)
from atlas.schema.merge import merge_lanes

from .made import BOOL, INT, STR, assembled, field, klass, lane, surfaces, value


def optional(type_: TypeExpr) -> TypeExpr:
    return {"k": "union", "of": [type_, NONE]}


def from_live(*classes: Any, **groups: list[str]) -> Assembled:
    return assembled(merge_lanes(None, lane("live", *classes)), **groups)


def paths(found: Assembled, group: str = "args") -> list[str]:
    return [one.path for one in found.groups[group]]


def codes(found: Assembled) -> list[tuple[str, str]]:
    return [(one.code, one.subject) for one in found.limitations]


def test_nested_configs_are_parameters_and_so_are_their_leaves() -> None:
    found = from_live(
        klass("p.Args", field("z", INT), field("cache", optional(class_of("p.Cache")))),
        klass("p.Cache", field("size", INT), field("deep", class_of("p.Deep"))),
        klass("p.Deep", field("on", BOOL)),
        args=["p.Args"],
    )
    assert paths(found) == ["cache", "cache.deep", "cache.deep.on", "cache.size", "z"]
    by = {one.path: one for one in found.groups["args"]}
    assert by["cache.deep.on"].owner == "p.Deep"
    assert {one.root for one in by.values()} == {"p.Args"}


def test_a_class_held_twice_is_expanded_at_its_shallowest_place() -> None:
    found = from_live(
        klass("p.Args", field("a", class_of("p.Outer")), field("b", class_of("p.Inner"))),
        klass("p.Outer", field("inner", class_of("p.Inner"))),
        klass("p.Inner", field("x", INT)),
        args=["p.Args"],
    )
    assert paths(found) == ["a", "a.inner", "b", "b.x"]
    assert found.groups["args"][1].same_as == "args:b"


def test_a_class_of_another_group_is_not_expanded_again() -> None:
    found = from_live(
        klass("p.Args", field("cache", class_of("p.Cache"))),
        klass("p.All", field("cache", class_of("p.Cache")), field("args", class_of("p.Args"))),
        klass("p.Cache", field("size", INT)),
        args=["p.Args"],
        all=["p.All"],
    )
    assert paths(found, "all") == ["args", "cache"]
    assert [one.same_as for one in found.groups["all"]] == ["args:.", "args:cache"]


def test_a_root_of_two_groups_gives_its_parameters_once() -> None:
    found = from_live(klass("p.AConfig", field("x")), one=["p.AConfig"], two=["p.*Config"])
    assert paths(found, "two") == []
    assert [(root.group, root.same_as) for root in found.roots] == [("one", None), ("two", "one:.")]


def test_a_class_that_holds_itself_ends() -> None:
    found = from_live(klass("p.Args", field("next", optional(class_of("p.Args")))), args=["p.Args"])
    assert paths(found) == ["next"]
    assert found.groups["args"][0].same_as == "args:."
    assert codes(found) == [("recursive", "args:next")]


def test_steps_into_lists_mappings_and_choices_are_written() -> None:
    found = from_live(
        klass(
            "p.Args",
            field("many", sequence("list", class_of("p.A"))),
            field("named", dict_of(STR, class_of("p.B"))),
            field("either", {"k": "union", "of": [class_of("p.C"), class_of("p.D")]}),
        ),
        *(klass(f"p.{name}", field("x")) for name in "ABCD"),
        args=["p.Args"],
    )
    assert paths(found) == ["either", "either[C].x", "either[D].x", "many", "many[].x", "named", "named.*.x"]


def test_a_glob_gives_each_class_its_own_prefix() -> None:
    found = from_live(
        klass("p.quant.AConfig", field("bits")),
        klass("p.quant.BConfig", field("bits")),
        klass("p.quant.Mixin", field("bits")),
        args=["p.quant.*Config"],
    )
    assert paths(found) == ["AConfig.bits", "BConfig.bits"]


def test_roots_that_share_a_base_share_its_parameters() -> None:
    shared = field("model", owner="p.Base")
    found = from_live(
        klass("p.One", shared, field("backend")),
        klass("p.Two", shared, field("backend")),
        args=["p.One", "p.Two"],
    )
    assert paths(found) == ["Two.backend", "backend", "model"]
    assert {one.path: one.also_in for one in found.groups["args"]}["model"] == ("p.Two",)


def test_fields_a_user_cannot_set_are_not_followed() -> None:
    found = from_live(
        klass("p.Args", field("made", class_of("p.Made"), init=False)),
        klass("p.Made", field("x")),
        args=["p.Args"],
    )
    assert paths(found) == ["made"]


def test_a_surface_may_skip_names_stay_shallow_and_leave_out_kwargs() -> None:
    merged = merge_lanes(
        lane(
            "static",
            klass("p.Args", field("a", class_of("p.A")), field("b"), field("c", via="kwargs")),
            klass("p.A", field("x")),
        ),
        None,
    )
    surface = Surface("class", "p.Args", nested=False, include_kwargs=False, skip=("b",))
    assert paths(assemble(merged, {"args": (surface,)})) == ["a"]
    prefixed = replace(surface, prefix="server", nested=True)
    assert paths(assemble(merged, {"args": (prefixed,)})) == ["server.a", "server.a.x"]


def test_a_root_that_no_lane_found_is_named() -> None:
    found = from_live(klass("p.Args", field("a")), args=["p.Args", "p.Gone"])
    assert codes(found) == [("root_not_found", "p.Gone")]


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("p.config.model.ModelConfig", ["p.config.model.ModelConfig"]),
        ("p.config.ModelConfig", ["p.config.model.ModelConfig"]),
        ("p.ModelConfig", ["p.config.model.ModelConfig"]),
        ("p.other.ModelConfig", ["p.config.model.ModelConfig"]),
        ("p.config.*Config", ["p.config.cache.CacheConfig", "p.config.model.ModelConfig"]),
        ("q.ModelConfig", []),
    ],
)
def test_a_target_is_found_where_it_is_defined(target: str, names: list[str]) -> None:
    facts = lane("live", *(klass(n) for n in ("p.config.model.ModelConfig", "p.config.cache.CacheConfig")))
    assert resolve_target(target, merge_lanes(None, facts).classes) == names


# --- flags and resolved values ------------------------------------------------------------------


def with_flags(*flags: FlagFact, **more: Any) -> Assembled:
    facts = LaneFacts(
        "live",
        {
            one.qualname: one
            for one in (
                klass("p.AsyncArgs", field("seqs", owner="p.Args"), field("log")),
                klass(
                    "p.SchedulerConfig", field("seqs", description="How many.", constraints={"minimum": 1})
                ),
                klass("p.CacheConfig", field("log", description="Else.")),
            )
        },
        flags=flags,
        **more,
    )
    return assembled(
        merge_lanes(None, facts), args=["p.AsyncArgs"], config=["p.SchedulerConfig", "p.CacheConfig"]
    )


def test_a_flag_belongs_to_the_field_of_its_class_or_of_a_base() -> None:
    found = with_flags(
        FlagFact(("--seqs", "-s"), "seqs", "p.Args", "seqs"),
        FlagFact(("--log-it",), "log"),
        FlagFact(("--port",), "port", "p.Args"),
    )
    by = {one.path: one for one in found.groups["args"]}
    assert [flag.flags for flag in by["seqs"].flags] == [("--seqs", "-s")]
    assert [flag.flags for flag in by["log"].flags] == [("--log-it",)]
    assert codes(found) == [("flag_without_parameter", "--port")]


def test_a_flag_with_the_words_of_one_config_field_joins_its_argument_to_it() -> None:
    found = with_flags(
        FlagFact(("--seqs",), "seqs", "p.Args", "seqs", help="How  many."),
        FlagFact(("--log",), "log", "p.AsyncArgs", "log", help="Whether to log."),
        effective=(
            EffectiveFact("p.Args", "seqs", None),
            EffectiveFact("p.SchedulerConfig", "seqs", 128),
            EffectiveFact("p.CacheConfig", "log", 5),
        ),
    )
    by = {one.path: one for one in found.groups["args"]}
    assert by["seqs"].merged.fact.joins == "p.SchedulerConfig.seqs"
    assert dict(by["seqs"].merged.fact.constraints or {}) == {"minimum": 1}
    assert by["seqs"].effective is not None and by["seqs"].effective.value == 128
    assert by["log"].merged.fact.description == "Whether to log."
    assert by["log"].merged.fact.joins is None, "a leaf name in common is no join"
    assert by["log"].effective is None


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("CacheConfig.size", True),
        ("get_field(CacheConfig, 'size')", True),
        ("OtherConfig.size", False),
        ("8", False),
    ],
)
def test_a_default_written_as_a_config_field_takes_what_that_resolves_to(text: str, joined: bool) -> None:
    facts = LaneFacts(
        "live",
        {"p.Args": klass("p.Args", field("bytes", default=value(8, text)))},
        effective=(EffectiveFact("p.cache.CacheConfig", "size", 16),),
    )
    (one,) = assembled(merge_lanes(None, facts), args=["p.Args"]).groups["args"]
    assert (one.effective is not None) is joined


def test_an_effective_value_that_is_the_default_says_nothing() -> None:
    facts = LaneFacts(
        "live",
        {"p.Args": klass("p.Args", field("a", default=value(1)), field("b", default=value(True)))},
        effective=(EffectiveFact("p.Args", "a", 1.0), EffectiveFact("p.Args", "b", 1)),
    )
    found = assemble(merge_lanes(None, facts), surfaces(args=["p.Args"]))
    assert [one.effective is not None for one in found.groups["args"]] == [False, True]
