"""What is learned of outcomes that nothing explains is the engine's condition itself."""

from __future__ import annotations

import random
import time

import pytest

from atlas.invariants.corpus import context_of
from atlas.invariants.learn import Signature, learn, signatures, unexplained
from atlas.invariants.learn.clauses import about, clauses_of
from atlas.invariants.model import Candidate, Effect
from atlas.invariants.predicate import compile_expr, parse, to_text
from atlas.invariants.predicate.expr import Const, Field, Op

from .toy_engine import ANY, OK, changed, field, observe, rejected, sampled, target, total, warned, wrong

MODES = ("auto", "fast", "slow")
ENGINE = target(
    field("temperature", 1.0, "float"),
    field("top_p", 1.0, "float"),
    field("top_k", 50),
    field("beams", 1),
    field("returned", 1),
    field("block", 16),
    field("do_sample", False, "bool"),
    field("mode", "auto", "str", {"enum": list(MODES)}),
    field("tokens", None, "list[int] | None"),
    field("name", None, "str | None"),
    field("extra", None, "dict | None"),
    field("cache", True, "bool"),
)
DEFAULTS = ENGINE.defaults()
POOLS = {
    "temperature": (0.0, 0, 0.5, 1.0, 0, 1.5, -0.5, -1, 2, 0.0, None, "hot"),
    "top_p": (0.0, 0.3, 0.9, 1.0, 1.2, 2, -0.1, -1, None, "x"),
    "top_k": (0, 1, 5, 16, 32, 40, 50, 64, 100, -1, None, "7"),
    "beams": (1, 2, 3, 4, 5, 8, 0, -1),
    "returned": (1, 2, 3, 4, 5, 8, 0, None),
    "block": (1, 2, 5, 8, 16, 32, 7),
    "do_sample": (True, True, True, False, None),
    "mode": (*MODES, "other", "", 3, None, ["auto"]),
    "tokens": ([], [1], [1, 2], [1, -2], [1, 2, 3], [3, 4, 5, 6], ["a"], [0, "b"], None, [7, -1, 2, 3, 9]),
    "name": ("n", "other", "", None, 3, 1.5, [1], True),
    "extra": ({}, {"level": 1}, {"level": 3}, {"level": 4}, {"level": 9, "other": 1}, {"other": 2}, None),
    "cache": (True, False),
}
FRESH = {
    **POOLS,
    "temperature": (0.7, 1.0, 0.01, -0.01, -3.5, 4, 0, True, [1]),
    "top_p": (0.5, 0.99, 1.0, 1.01, 7, -0.001, 0, False),
    "top_k": (3, 10, 15, 30, 48, 49, 51, 77, 96, -5),
    "beams": (1, 2, 6, 7, 9, 12),
    "returned": (1, 2, 6, 7, 9, 12),
    "block": (1, 3, 4, 6, 24),
    "mode": (*MODES, "unknown", "Fast"),
    "tokens": ([], [5], [8, 8, 8], [-9], [1, 2, 3, -4], [1, "x"], ["y", "z"], [9, 9, 9, 9]),
    "name": ("fresh", "", None, 8, False, {"a": 1}, ["b"]),
    "extra": ({}, {"level": 0}, {"level": 2}, {"level": 5}, {"level": 4, "x": 0}, {"x": 8}),
}
CONDITIONS = {
    "a threshold": lambda c: c["temperature"] < 0,
    "a range": lambda c: not 0 <= c["top_p"] <= 1,
    "a closed set": lambda c: isinstance(c["mode"], str) and c["mode"] not in MODES,
    "a type": lambda c: c["name"] is not None and not isinstance(c["name"], str),
    "two fields compared": lambda c: c["returned"] > c["beams"],
    "a default": lambda c: c["returned"] > 1 and not c["do_sample"] and c["beams"] == 1,
    "divisibility": lambda c: c["top_k"] % c["block"] != 0,
    "a product": lambda c: c["beams"] * c["returned"] > 10,
    "a product and a field": lambda c: c["beams"] * c["returned"] > c["block"],
    "a difference": lambda c: c["returned"] - c["beams"] > 2,
    "three fields": lambda c: c["do_sample"] and c["temperature"] == 0 and c["beams"] > 1,
    "some item": lambda c: any(item < 0 for item in c["tokens"]),
    "types of items": lambda c: any(type(item) is not int for item in c["tokens"]),
    "a length": lambda c: len(c["tokens"]) > 3,
    "a key": lambda c: c["extra"]["level"] > 3,
    "emptiness": lambda c: isinstance(c["name"], str) and not c["name"],
    "either of two": lambda c: c["beams"] < 1 or c["top_k"] < 0,
    "nothing but a flag": lambda c: not c["cache"],
    "given together": lambda c: "beams" in c["given"] and "top_k" in c["given"],
}


def whole(config):
    return {**DEFAULTS, **config, "given": config}


def holds(name):
    return lambda config: total(CONDITIONS[name], whole(config))


def learned_of(engine, signature=None, n=4000, **options):
    observed = observe(sampled(POOLS, n, seed=1), engine)
    if signature is None:
        signature = next(iter(unexplained(ENGINE, (), observed)))
    return learn(ENGINE, (), observed, signature, **options)


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_condition_of_a_rejection_holds_in_just_the_same_configurations(name):
    truth = holds(name)
    learned = learned_of(lambda config: rejected("it is not possible") if truth(config) else OK)
    assert learned.candidates, learned.reason
    when = Op("or", tuple(each.when for each in learned.candidates))
    assert wrong(when, ENGINE, sampled(FRESH, 3000, seed=2), truth) == []


def test_what_the_engine_tests_elsewhere_may_be_a_part_of_what_is_learned():
    """Two ways of three tests each, and a bound: too much for outcomes alone, not with the ways known."""
    ways = parse(
        "not do_sample and beams == 1 and cache or mode == 'slow' and returned > 1 and do_sample == True"
    )
    way = compile_expr(ways, context_of(ENGINE))

    def truth(config):
        return way(config) is True and whole(config)["top_k"] > 40

    def engine(config):
        return rejected("no") if total(truth, config) else OK

    learned = learned_of(engine, signatures(rejected("no"))[0], clauses=clauses_of([ways]))
    [rule] = learned.candidates
    assert wrong(rule.when, ENGINE, sampled(FRESH, 3000, seed=2), truth) == []
    alone = learned_of(engine, signatures(rejected("no"))[0])
    when = Op("or", tuple(each.when for each in alone.candidates))
    assert not alone.candidates or len(to_text(when)) > len(to_text(rule.when))


def test_clauses_are_what_is_tested_of_several_fields_those_in_most_conditions_first():
    texts = ("(a > 1 or b) and c", "(a > 1 or b) and d", "e == 1")
    assert next(map(to_text, clauses_of(map(parse, texts)))) == "a > 1 or b"
    assert to_text(about(clauses_of(map(parse, texts)), ["a", "b", "c"])[0]) == "a > 1 or b"
    assert about(clauses_of(map(parse, texts)), ["c", "d"]) == []


@pytest.mark.parametrize("name", ["a threshold", "a default", "three fields"])
def test_the_condition_of_a_warning_is_learned_alike(name):
    truth = holds(name)
    [rule] = learned_of(lambda config: warned("it has no effect") if truth(config) else OK).candidates
    assert (rule.severity, rule.effect.warns) == ("warn", "logging")
    assert wrong(rule.when, ENGINE, sampled(FRESH, 3000, seed=2), truth) == []


def test_a_rejection_behind_another_one_is_learned_from_what_reaches_it():
    first, second = holds("a threshold"), holds("two fields compared")

    def engine(config):
        if first(config):
            return rejected("it is negative", "toy.py:10")
        return rejected("too many are returned", "toy.py:12") if second(config) else OK

    observed = observe(sampled(POOLS, 3000, seed=1), engine)
    rules = [
        each
        for one in unexplained(ENGINE, (), observed)
        for each in learn(ENGINE, (), observed, one).candidates
    ]
    assert sorted(each.site.line for each in rules) == [10, 12]
    fresh = sampled(FRESH, 2000, seed=2)
    by_line = {each.site.line: each.when for each in rules}
    assert wrong(by_line[10], ENGINE, fresh, first) == []
    assert wrong(by_line[12], ENGINE, fresh, second) == []


def test_what_a_rule_explains_is_not_learned_again():
    truth = holds("a threshold")
    known = Candidate(
        ENGINE.cls, "error", "validate", Op("<", (Field(("temperature",)), Const(0))), Effect(), "static"
    )
    observed = observe(sampled(POOLS, 500, seed=1), lambda config: rejected("no") if truth(config) else OK)
    assert unexplained(ENGINE, [known], observed) == {}
    assert learn(ENGINE, [known], observed, signatures(rejected("no"))[0]).reason == "explained"


def test_a_partial_condition_is_kept_and_completed():
    truth = holds("three fields")
    known = Op("and", (Field(("do_sample",)), Op(">", (Field(("beams",)), Const(1)))))
    start = Candidate(
        ENGINE.cls, "error", "validate", known, Effect(), "static", partial=("self.is_greedy()",)
    )
    learned = learned_of(lambda config: rejected("not possible") if truth(config) else OK, start=start)
    [rule] = learned.candidates
    assert rule.partial == () and rule.origin == "live"
    assert wrong(rule.when, ENGINE, sampled(FRESH, 3000, seed=2), truth) == []


def test_too_few_examples_are_said_to_be_so():
    seen = [({"beams": 7}, rejected("no")), ({"beams": 8}, rejected("no"))]
    seen += [({"beams": each}, OK) for each in range(1, 6)]
    learned = learn(ENGINE, (), seen, signatures(rejected("no"))[0])
    assert learned.candidates == ()
    assert (learned.reason, learned.support) == ("too few", 2)
    assert learned.left == ({"beams": 7}, {"beams": 8})


def test_noise_gives_a_reason_and_no_rule():
    draw = random.Random(5)
    learned = learned_of(lambda config: rejected("no") if draw.random() < 0.1 else OK)
    assert learned.candidates == ()
    assert learned.reason == "no small condition tells them apart"
    assert len(learned.left) > 100


def test_a_rejection_of_everything_gives_a_reason_and_no_rule():
    learned = learned_of(lambda config: rejected("no"))
    assert learned.candidates == ()
    assert "every configuration" in learned.reason


CHANGES = {
    "a constant": (
        lambda c: not c["do_sample"] and c["temperature"] != 1.0,
        "temperature",
        lambda c: 1.0,
    ),
    "another field": (lambda c: c["returned"] > c["beams"], "beams", lambda c: c["returned"]),
    "a conversion": (lambda c: type(c["temperature"]) is int, "temperature", lambda c: str(c["temperature"])),
    "a bound": (lambda c: c["top_k"] > 40, "top_k", lambda c: 40),
    "a product": (
        lambda c: c["block"] > 2 and "top_k" not in c["given"],
        "top_k",
        lambda c: c["block"] * 3,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_learned_with_the_value_that_it_makes(name):
    condition, what, value = CHANGES[name]

    def truth(config):
        return total(condition, whole(config))

    learned = learned_of(
        lambda config: changed(**{what: value(whole(config))}) if truth(config) else OK,
        Signature("changed", what, field=what),
    )
    [rule] = learned.candidates
    assert rule.severity == "dormant"
    fresh = sampled(FRESH, 3000, seed=2)
    assert wrong(rule.when, ENGINE, fresh, truth) == []
    makes = compile_expr(rule.effect.sets[what], context_of(ENGINE))
    assert all(makes(config) == value(whole(config)) for config in fresh if truth(config))


def test_the_message_shows_what_the_user_gave():
    truth = holds("two fields compared")

    def engine(config):
        its = whole(config)
        if not truth(config):
            return OK
        return rejected(f"`returned` ({its['returned']}) has to be at most `beams` ({its['beams']})")

    [rule] = learned_of(engine).candidates
    assert rule.message == "`returned` ({returned}) has to be at most `beams` ({beams})"


def test_learning_is_the_same_whatever_the_order_of_equal_observations():
    truth = holds("a default")
    observed = observe(sampled(POOLS, 1000, seed=1), lambda config: rejected("no") if truth(config) else OK)
    one = learn(ENGINE, (), observed, signatures(rejected("no"))[0])
    other = learn(
        ENGINE, (), [({**config}, seen) for config, seen in observed], signatures(rejected("no"))[0]
    )
    assert one == other


def test_thousands_of_configurations_of_hundreds_of_fields_are_no_matter():
    many = target(*(field(f"f{number}", 0) for number in range(260)), *ENGINE.fields)
    pools = {**POOLS, **{f"f{number}": (0, 1, 2, 5, -1, "x", None, *ANY[4:9]) for number in range(260)}}
    draw = [
        {**config, **extra}
        for config, extra in zip(sampled(POOLS, 5000, 3), sampled(pools, 5000, 4), strict=True)
    ]
    truth = holds("three fields")
    observed = observe(draw, lambda config: rejected("no") if truth(config) else OK)
    started = time.process_time()
    learned = learn(many, (), observed, signatures(rejected("no"))[0])
    print(f"learned in {time.process_time() - started:.2f} s")
    assert wrong(learned.candidates[0].when, many, sampled(FRESH, 1000, 6), truth) == []


def test_a_field_that_becomes_what_a_key_of_an_object_is_is_told_as_that():
    def outcome(config):
        extra = config.get("extra")
        level = extra.get("level") if isinstance(extra, dict) else None
        return changed(top_k=level) if level is not None and "top_k" not in config else OK

    levels = [{"extra": {"level": level}} for level in (1, 2, 3, 7, 16, 64, None)]
    others = sampled({**POOLS, "extra": (None, {}, {"level": 5}, {"level": 9}, {"a": 1})}, 400, seed=3)
    observed = observe([*levels, *others], outcome)
    signature = Signature("changed", "top_k", field="top_k")
    learned = learn(ENGINE, [], observed, signature)
    assert Field(("extra", "level")) in [one.effect.sets["top_k"] for one in learned.candidates]
