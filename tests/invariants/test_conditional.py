"""What a rule requires beside the configuration: the machine, a package, what its class is always given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atlas.invariants.conditional import UNKNOWN_PLACE, asked, beside_what_is_given, conditions
from atlas.invariants.gate import Trial
from atlas.invariants.model import Candidate, Effect, FieldSpec, Mined, Observation, Site, Target, Thrown
from atlas.invariants.predicate import parse
from atlas.invariants.propagate import propagated

SITE = Site("toy/config.py", 7, 7)
SIZE = FieldSpec("size", "int", {"type": "integer"}, 1, True, "value")
TARGET = Target("toy.Config", "g", (SIZE,))
GIVEN = replace(TARGET, given={"model": "m", "device": "cpu"})


def rule(origin="live", severity="error", **more):
    usual = {"effect": Effect("ValueError"), "site": SITE}
    return Candidate(
        "toy.Config", severity, "construct", parse("size > 3"), origin=origin, **{**usual, **more}
    )


def trial(candidate, message="no", frames=("toy/config.py:7", "toy/args.py:9"), mro=("ValueError",)):
    seen = Observation("rejected", "construct", Thrown("ValueError", mro, message, frames))
    return Trial(candidate, (({"size": 4}, seen),))


class Bench:
    target = TARGET


def test_what_was_learned_beside_something_given_requires_it():
    (told,) = beside_what_is_given(GIVEN, rule())
    assert told.startswith("given: learned with device, model")
    assert beside_what_is_given(GIVEN, rule(origin="static")) == ()
    assert beside_what_is_given(TARGET, rule()) == ()


def test_every_frame_of_what_was_learned_is_asked_about():
    mined = Mined((), asked=lambda frame: {"toy/args.py:9": ("is_cuda()",)}.get(frame, ()))
    assert list(asked(mined, TARGET, trial(rule()))) == ["is_cuda()"]
    assert list(asked(mined, TARGET, trial(rule(), frames=("toy/other.py:1", "toy/args.py:9")))) == []
    assert list(asked(mined, TARGET, trial(rule(origin="static")))) == []


def test_what_the_sources_require_at_a_statement_is_required_of_what_is_learned_there():
    mined = Mined((rule(origin="static", requires=("is_hip()",)),))
    assert list(asked(mined, TARGET, trial(rule()))) == ["is_hip()"]
    elsewhere = rule(site=Site("toy/config.py", 70, 70))
    assert list(asked(mined, TARGET, trial(elsewhere, frames=("toy/config.py:70",)))) == []


def test_a_learned_change_after_further_steps_is_known_of_this_platform_only():
    change = rule(severity="dormant", effect=Effect(sets={"size": parse("3")}), site=None)
    stepped = replace(TARGET, steps=("a step",))
    assert list(asked(Mined(()), stepped, Trial(change))) == [UNKNOWN_PLACE]
    assert list(asked(Mined(()), TARGET, Trial(change))) == []


@pytest.mark.parametrize(
    ("message", "mro", "lacks"),
    [
        ("Failed to import Ray: No module named 'ray'", ("ValueError",), True),
        ("Please install it with `pip install ray`", ("ValueError",), True),
        ("ray", ("ModuleNotFoundError", "ImportError"), True),
        ("size must be at most 3", ("ValueError",), False),
    ],
)
def test_an_absent_package_is_required_where_it_is_the_reason(message, mro, lacks):
    found = conditions(Bench(), trial(rule(), message, mro=mro), "linux", ())
    assert any(one.startswith("packages:") for one in found) == lacks


def test_a_package_that_another_rejection_lacked_is_not_required():
    other = Observation(
        "rejected", "construct", Thrown("ImportError", ("ImportError",), "x", ("toy/other.py:1",))
    )
    both = replace(trial(rule()), confirmed=(*trial(rule()).confirmed, ({"size": 5}, other)))
    assert conditions(Bench(), both, "linux", ()) == ()


def test_a_rule_that_is_handed_on_keeps_what_it_asks_of_the_machine():
    outer = replace(SIZE, joins="toy.Config.size")
    target = Target("toy.Args", "g", (outer,))
    inner = rule(origin="static", requires=("not (is_cuda())", "given: as proven, not any model"))
    (found,) = (one for one in propagated(target, {"toy.Config": [inner]}) if one.site == SITE)
    assert found.target == "toy.Args"
    assert found.requires == ("not (is_cuda())",)
