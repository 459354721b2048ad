"""A condition that was nearly right becomes right by its counter-examples, and by as little as possible."""

from __future__ import annotations

import pytest

from atlas.invariants.corpus import context_of
from atlas.invariants.learn import refine
from atlas.invariants.model import Candidate, Effect, Site
from atlas.invariants.predicate import compile_expr, fields_of, parse
from atlas.invariants.predicate.expr import Field

from .test_learn_gaps import ENGINE, FRESH, MODES, POOLS, whole
from .toy_engine import OK, changed, observe, rejected, sampled, total, wrong

CASES = {
    "a wrong bound": ("temperature < 0.6", lambda c: c["temperature"] < 0),
    "a bound that is left out": ("top_k <= 0", lambda c: c["top_k"] < 0),
    "too wide a range": ("top_p < 0 or top_p >= 1", lambda c: not 0 <= c["top_p"] <= 1),
    "a lost clause": (
        "returned > 1 and beams == 1",
        lambda c: c["returned"] > 1 and c["beams"] == 1 and not c["do_sample"],
    ),
    "a lost branch": ("beams < 1", lambda c: c["beams"] < 1 or c["returned"] == 0),
    "a clause too many": ("returned > beams and cache", lambda c: c["returned"] > c["beams"]),
    "a lost side": ("top_p > 1", lambda c: not 0 <= c["top_p"] <= 1),
    "the wrong comparison": ("returned >= beams", lambda c: c["returned"] > c["beams"]),
    "the wrong constant in a conjunction": (
        "do_sample and temperature < 1",
        lambda c: c["do_sample"] and c["temperature"] == 0,
    ),
}  # fmt: skip


def candidate(text, **options):
    return Candidate(
        ENGINE.cls, "error", "validate", parse(text), Effect(raises="ValueError"), "static",
        site=Site("toy.py", 10, 10), **options,
    )  # fmt: skip


def sides(rule, observed, did=lambda seen: seen.outcome == "rejected"):
    holds = compile_expr(rule.when, context_of(ENGINE))
    split = {"alarms": [], "misses": [], "confirmed": [], "clean": []}
    for config, seen in observed:
        bad = did(seen)
        true = holds(config) is True
        split[("confirmed" if bad else "alarms") if true else ("misses" if bad else "clean")].append(
            (config, seen)
        )
    return split


@pytest.mark.parametrize("name", CASES)
def test_the_refined_condition_is_the_right_one(name):
    text, condition = CASES[name]

    def truth(config):
        return total(condition, whole(config))

    observed = observe(sampled(POOLS, 1500, seed=1), lambda config: rejected("no") if truth(config) else OK)
    rule = candidate(text)
    refined = refine(ENGINE, rule, **sides(rule, observed))
    assert refined is not None
    assert (refined.refined, refined.origin, refined.site) == (True, "static", rule.site)
    assert wrong(refined.when, ENGINE, sampled(FRESH, 3000, seed=2), truth) == []


def test_a_statement_that_other_ways_lead_to_needs_none_of_what_leads_there_one_way():
    """Of what is executed before the statement, two tests belong to one of the ways to it."""

    def truth(config):
        return whole(config)["mode"] not in MODES

    observed = observe(sampled(FRESH, 1500, seed=6), lambda config: rejected("no") if truth(config) else OK)
    rule = candidate("not do_sample and cache and mode not in ('auto', 'fast', 'slow')")
    refined = refine(ENGINE, rule, **sides(rule, observed))
    assert refined is not None
    assert fields_of(refined.when) == (Field(("mode",)),)
    assert wrong(refined.when, ENGINE, sampled(FRESH, 3000, seed=7), truth) == []


def test_a_change_is_no_larger_than_needed():
    observed = observe(
        sampled(POOLS, 1500, seed=1),
        lambda c: rejected("no") if total(lambda d: d["top_k"] < 0, whole(c)) else OK,
    )
    rule = candidate("top_k <= 0")
    refined = refine(ENGINE, rule, **sides(rule, observed))
    assert [each.path for each in fields_of(refined.when)] == [("top_k",)]


def test_what_is_marked_stays_marked():
    observed = observe(
        sampled(POOLS, 1500, seed=1),
        lambda c: rejected("no") if total(lambda d: d["top_k"] < 0, whole(c)) else OK,
    )
    rule = candidate("top_k <= 0", partial=("f()",), requires=("on a machine",))
    refined = refine(ENGINE, rule, **sides(rule, observed))
    assert (refined.partial, refined.requires) == (("f()",), ("on a machine",))


def test_what_was_rejected_elsewhere_does_not_count():
    observed = [({"top_k": -1}, rejected("no"))] * 3 + [({"top_k": 5}, OK)] * 3
    observed += [({"top_k": value}, rejected("no", "toy.py:99")) for value in (7, 8)]
    rule = candidate("top_k < 6")
    refined = refine(ENGINE, rule, **sides(rule, observed))
    holds = compile_expr(refined.when, context_of(ENGINE))
    assert holds({"top_k": -1}) is True
    assert holds({"top_k": 5}) is not True


def test_what_the_message_lists_is_taken_to_be_all_that_is_taken():
    """Two of five were seen to be accepted; the other three are known from what the engine says."""
    names = ("plain", "quick", "whole", "rough", "fine")

    def truth(config):
        return config.get("do_sample") is True and config.get("mode") not in names

    pool = {"do_sample": (True, False), "mode": ("plain", "quick", "other", "text", "", None, "a", "b")}
    observed = observe(sampled(pool, 300, seed=3), lambda c: rejected("no") if truth(c) else OK)
    rule = candidate("do_sample == True", message=f"only {list(names)} are taken")
    refined = refine(ENGINE, rule, **sides(rule, observed))
    assert refined is not None
    fresh = {"do_sample": (True,), "mode": (*names, "another")}
    assert wrong(refined.when, ENGINE, sampled(fresh, 60, seed=4), truth) == []


def test_nothing_is_refined_that_is_right():
    observed = observe(
        sampled(POOLS, 500, seed=1),
        lambda c: rejected("no") if total(lambda d: d["top_k"] < 0, whole(c)) else OK,
    )
    rule = candidate("top_k < 0")
    assert refine(ENGINE, rule, **sides(rule, observed)) is None


def test_what_no_small_change_explains_is_not_refined():
    configs = sampled(POOLS, 600, seed=1)
    observed = [(config, rejected("no") if number % 7 == 3 else OK) for number, config in enumerate(configs)]
    rule = candidate("top_k < 0")
    assert refine(ENGINE, rule, **sides(rule, observed)) is None


def test_what_is_right_of_a_candidate_is_kept_where_its_statement_is_reached_otherwise():
    def truth(config):
        one = config["top_k"] < 0 and not config["do_sample"]
        return one or (config["beams"] * 7 + config["returned"] * 3) % 5 == 1

    observed = observe(
        sampled(POOLS, 1500, seed=1), lambda c: rejected("no") if total(truth, whole(c)) else OK
    )
    refined = refine(ENGINE, candidate("top_k < 0"), **sides(candidate("top_k < 0"), observed))
    holds = compile_expr(refined.when, context_of(ENGINE))
    alarms = [c for c, seen in observed if holds(c) is True and seen.outcome == "ok"]
    mine = [c for c, _ in observed if total(lambda d: d["top_k"] < 0 and not d["do_sample"], whole(c))]
    assert alarms == []
    assert all(holds(config) is True for config in mine)


def test_a_change_is_narrowed_to_where_the_user_left_the_field_alone():
    """The other ways to the same change are for rules of their own, and are not put into one with it."""

    def engine(config):
        both = whole(config)
        other = both["beams"] == 4
        sets = "cache" not in config and (total(lambda c: c["top_k"] < 0, both) or other)
        return changed(cache=False) if sets else OK

    observed = observe(sampled(POOLS, 1500, seed=1), engine)
    rule = Candidate(
        ENGINE.cls, "dormant", "validate", parse("top_k < 0"), Effect(sets={"cache": parse("False")}), "live"
    )
    refined = refine(ENGINE, rule, **sides(rule, observed, lambda seen: bool(seen.changed)))
    assert refined is not None
    assert {each.path[0] for each in fields_of(refined.when)} == {"top_k", "cache"}
