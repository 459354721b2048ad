"""The gate: what is right passes, and whatever is wrong with a rule is caught on the engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atlas.invariants.corpus import Corpus
from atlas.invariants.gate import observed_depth, run_gate, witness
from atlas.invariants.learn import refine
from atlas.invariants.loop import accept
from atlas.invariants.model import Effect
from atlas.invariants.predicate import holds, parse, to_text
from atlas.invariants.rules import rule_id
from atlas.invariants.shared import REQUIRED

from .toy_bench import Toy, begun, judged

ENGINE = """
@dataclass
class Config:
    size: int = 1
    limit: int | None = None
    mode: str = "fast"
    rate: float = 1.0
    keep: bool = False
    seed: int = 0

    def __post_init__(self):
        if self.size > 64:
            raise ValueError(f"size must be at most 64, but is {self.size}")
        if self.keep and self.rate > 2:
            raise ValueError(f"a rate of {self.rate} cannot be kept")
        if self.mode == "slow" and self.seed < 0:
            logger.warning("slow modes need a seed, got %s", self.seed)
        if self.mode == "slow" and self.rate < 1:
            self.rate = 1.0
        if self.keep and self.seed > 9:
            logger.warning("seeds are not kept")

    def validate(self):
        if self.limit is not None and self.limit < self.size:
            raise ValueError(f"limit {self.limit} is below size {self.size}")

@dataclass
class Other:
    size: int = 1
    mode: str = "fast"

    def __post_init__(self):
        if self.size > 512:
            raise ValueError(f"size must be at most 512, but is {self.size}")
"""
SIZE, KEPT, LIMIT, WARNED, SET = (
    "size must be at most 64",
    "be kept",
    "is below",
    "need a seed",
    "self.rate = 1",
)
RIGHT = {
    "an error": ("size > 64", SIZE, "error", {}),
    "an error with two conditions": ("keep and rate > 2", KEPT, "error", {}),
    "an error that compares fields": ("limit is not None and limit < size", LIMIT, "error", {}),
    "a warning": ("mode == 'slow' and seed < 0", WARNED, "warn", {}),
    "a change": ("mode == 'slow' and rate < 1", SET, "dormant", {"rate": "1.0"}),
}


@pytest.fixture(scope="module")
def toy():
    return Toy(ENGINE)


@pytest.fixture(scope="module")
def target(toy):
    return toy.target(steps=[("validate", "validate")])


def verdict(toy, target, when, part, severity="error", sets=None, **more):
    (found,) = judged(toy, target, toy.rule(when, part, severity, sets=sets or {}, **more))
    return found


@pytest.mark.parametrize(("when", "part", "severity", "sets"), RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes_after_enough_configurations_on_both_sides(
    toy, target, when, part, severity, sets
):
    found = verdict(toy, target, when, part, severity, sets)
    assert found.reason == ""
    assert found.trial.judged >= REQUIRED
    assert len(found.trial.confirmed) > 60
    assert len(found.trial.clean) > 90


WRONG = {
    "too wide by one": ("size > 63", SIZE, "error", {}, "false_alarm"),
    "too wide by far": ("size > 1", SIZE, "error", {}, "false_alarm"),
    "too narrow by one": ("size > 65", SIZE, "error", {}, "miss"),
    "too narrow by a condition": ("size > 64 and keep", SIZE, "error", {}, "miss"),
    "turned around": ("size < 64", SIZE, "error", {}, "false_alarm"),
    "a dropped conjunct": ("rate > 2", KEPT, "error", {}, "false_alarm"),
    "the other conjunct dropped": ("keep", KEPT, "error", {}, "false_alarm"),
    "a dropped check for none": ("given(limit)", LIMIT, "error", {}, "false_alarm"),
    "another field": ("seed > 64", SIZE, "error", {}, "false_alarm"),
    "another constant in a comparison of fields": ("limit < size + 1", LIMIT, "error", {}, "false_alarm"),
    "true of another statement only": ("size > 64", KEPT, "error", {}, "never_at_its_site"),
    "never true": ("size > 64 and size < 60", SIZE, "error", {}, "too_few_trues"),
    "a warning that is too wide": ("mode == 'slow'", WARNED, "warn", {}, "false_alarm"),
    "a warning that is too narrow": ("mode == 'slow' and seed < -1", WARNED, "warn", {}, "miss"),
    "a warning with a dropped conjunct": ("seed < 0", WARNED, "warn", {}, "false_alarm"),
    "a warning of another statement": ("keep and seed > 9", WARNED, "warn", {}, "false_alarm"),
    "a change that is too wide": ("rate < 1", SET, "dormant", {"rate": "1.0"}, "false_alarm"),
    "a change that is too narrow": (
        "mode == 'slow' and rate < 0.5", SET, "dormant", {"rate": "1.0"}, "miss",
    ),
    "a change of another field": (
        "mode == 'slow' and rate < 1", SET, "dormant", {"seed": "1.0"}, "false_alarm",
    ),
    "a change to another value": (
        "mode == 'slow' and rate < 1", SET, "dormant", {"rate": "2.0"}, "false_alarm",
    ),
    "a change of more than one field": (
        "mode == 'slow' and rate < 1", SET, "dormant", {"rate": "1.0", "seed": "1"}, "false_alarm",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("when", "part", "severity", "sets", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_caught_with_a_counter_example(toy, target, when, part, severity, sets, reason):
    found = verdict(toy, target, when, part, severity, sets)
    assert found.reason == reason
    shown = {"false_alarm": found.trial.alarms, "miss": found.trial.misses}.get(reason, ())
    assert bool(shown) == (reason in ("false_alarm", "miss"))


def test_a_rule_of_another_class_with_a_field_of_the_same_name_is_caught(toy, target):
    other = toy.target("Other")
    its_own = toy.rule("size > 512", "at most 512", target="toy.Other")
    borrowed = toy.rule("size > 64", SIZE, target="toy.Other")
    right, wrong = judged(toy, other, its_own, borrowed)
    assert (right.reason, wrong.reason) == ("", "false_alarm")
    wider = verdict(toy, target, "size > 512", "at most 512")
    assert wider.reason == "never_at_its_site", "it is rejected, but by another rule"


NESTED = """
@dataclass
class Config:
    size: int = 1
    inner: dict | None = None

    def __post_init__(self):
        if self.inner and self.inner.get("size", 1) > 64:
            raise ValueError("the inner size is too large")
"""


def test_a_field_of_the_same_name_one_level_up_is_caught():
    toy = Toy(NESTED)
    target = toy.target()
    inner = toy.rule("type(inner) == 'dict' and get(inner, 'size', 1) > 64", "inner size")
    outer = toy.rule("size > 64", "inner size")
    right, wrong = judged(toy, target, inner, outer)
    assert wrong.reason == "false_alarm"
    assert not right.trial.alarms


MANY = """
@dataclass
class Config:
    size: int = 1
    {fields}
    gate: bool = True
    mode: str = "fast"

    def __post_init__(self):
        if self.size > 64 and self.gate:
            raise ValueError("too large")
        if self.field_0 > 64 and self.mode != "slow":
            raise ValueError("too big")
"""


def test_a_dropped_conjunct_is_caught_among_many_fields_that_are_rarely_set():
    toy = Toy(MANY.format(fields="\n    ".join(f"field_{n}: int = 0" for n in range(60))))
    target = toy.target()
    switch, named = toy.rule("size > 64", "too large"), toy.rule("field_0 > 64", "too big")
    right = toy.rule("field_0 > 64 and mode != 'slow'", "too big")
    first, second, third = judged(toy, target, switch, named, right)
    assert [first.reason, second.reason, third.reason] == ["false_alarm", "false_alarm", ""]
    assert not any(config["gate"] for config, _ in first.trial.alarms)
    assert all(config["mode"] == "slow" for config, _ in second.trial.alarms)


@pytest.mark.parametrize(("tried", "reason"), [(99, "too_few_tried"), (100, "")])
def test_a_candidate_needs_so_many_configurations_whatever_they_show(toy, target, tried, reason):
    candidate = toy.rule("size > 64", SIZE)
    trues = [{"size": 65 + number} for number in range(100)]
    falses = [{"size": 64 - number} for number in range(tried)]

    def ask(configs):
        return toy.observe(target.cls, configs)

    (found,) = run_gate(
        target, [candidate], lambda *_: (trues, falses), ask, seed=1, known=Corpus(target, [])
    )
    assert found.reason == reason
    assert found.trial.judged == 100 + tried


# Several rules


def test_a_miss_that_another_passing_rule_explains_is_none():
    toy = Toy("""
    @dataclass
    class Config:
        size: int = 1
        rate: float = 1.0

        def __post_init__(self):
            if self.size > 64 or self.size < 0:
                raise ValueError("no such size")
    """)
    target = toy.target()
    low, high = toy.rule("size < 0", "no such size"), toy.rule("size > 64", "no such size")
    assert [one.reason for one in judged(toy, target, low)] == ["miss"]
    assert [one.reason for one in judged(toy, target, low, high)] == ["", ""]
    assert [one.reason for one in judged(toy, target, low, known=[high])] == [""]


def test_what_happens_without_the_candidates_fields_is_no_miss_of_it():
    toy = Toy("""
    @dataclass
    class Config:
        size: int = 1
        rate: int = 1

        def __post_init__(self):
            if self.size > 64 or self.rate > 8:
                raise ValueError("too much")
    """)
    target = toy.target()
    size, narrow = toy.rule("size > 64", "too much"), toy.rule("size > 70", "too much")
    both = toy.rule("size > 64 and rate > 8", "too much")
    falses = [{"size": 60, "rate": rate} for rate in range(1, 120)]
    near = [{"size": size} for size in range(40, 71)]

    def verdict(candidate, falses):
        trues = [{"size": 71 + number, "rate": 9} for number in range(160)]
        (found,) = run_gate(
            target,
            [candidate],
            lambda *_: (trues, falses),
            lambda configs: toy.observe(target.cls, configs),
            seed=1,
            known=Corpus(target, []),
        )
        return found

    found = verdict(size, [*falses, *near[:24], *near[:24]])
    assert (found.reason, found.trial.misses) == ("", ())
    assert len(found.trial.clean) == len(falses) + 48
    assert verdict(narrow, [*falses, *near]).reason == "miss"
    assert verdict(both, [{"size": size, "rate": 2} for size in range(60, 170)]).reason == "miss"


def test_what_needs_another_field_is_no_miss_of_a_candidate_that_is_right_about_its_own():
    toy = Toy("""
    @dataclass
    class Config:
        lookup: int | None = None
        width: int = 2

        def __post_init__(self):
            if self.lookup is not None and (self.lookup <= 0 or self.width <= 0):
                raise ValueError("invalid")
    """)
    target = toy.target()
    trues = [{"lookup": -number} for number in range(160)]
    other = [{"lookup": 5, "width": -number} for number in range(60)]
    clean = [{"lookup": number} for number in range(1, 60)]

    def verdict(when, falses):
        (found,) = run_gate(
            target,
            [toy.rule(when, "invalid")],
            lambda *_: (trues, falses),
            lambda configs: toy.observe(target.cls, configs),
            seed=1,
            known=Corpus(target, []),
        )
        return found.reason

    assert verdict("lookup <= 0", [*clean, *other]) == ""
    assert verdict("lookup <= -1", [*clean, {"lookup": 0}]) == "miss"
    assert verdict("lookup <= 0 and width > 0", [*clean, *other]) == "miss"


def test_what_one_call_rejects_for_another_reason_is_no_miss_of_a_learned_rule():
    """One statement of the engine's, three reasons of the library's; each is a rule of its own."""
    toy = Toy("""
    @dataclass
    class Config:
        size: int = 1

        def __post_init__(self):
            (300).to_bytes(self.size + 1, "big")
    """)
    target = toy.target()
    falses = [{"size": number} for number in range(1, 120)]
    trues = [{"size": -number} for number in range(2, 160)]

    def verdict(when, falses, trues=trues, **more):
        candidate = toy.rule(when, "to_bytes", **more)
        (found,) = run_gate(
            target,
            [candidate],
            lambda *_: (trues, falses),
            lambda configs: toy.observe(target.cls, configs),
            seed=1,
            known=Corpus(target, []),
        )
        below = refine(
            target,
            candidate,
            alarms=found.trial.alarms,
            misses=found.trial.misses,
            confirmed=found.trial.confirmed,
            clean=found.trial.clean,
        )
        return found.reason, below and to_text(below.when)

    too_small, text = {"size": 0}, {"size": "5"}
    assert verdict("size < -1", [*falses, too_small, text], origin="live") == ("", None)
    assert verdict("size < -1", [*falses, too_small, text])[0] == "miss"
    assert verdict("size < -2", [*falses, too_small, {"size": -2}], trues[1:], origin="live")[0] == "miss"


def test_what_must_be_given_cannot_be_left_out_to_excuse_a_miss():
    toy = Toy("""
    @dataclass
    class Config:
        mode: str

        def __post_init__(self):
            if self.mode not in ("fast", "slow"):
                raise ValueError("unknown mode")
    """)
    target = toy.target()
    narrow = toy.rule("mode == 'other' or mode == ''", "unknown mode")
    trues = [{"mode": mode} for mode in ("other", "") * 110]
    falses = [{"mode": mode} for mode in ("fast", "slow", "FAST") * 60]
    (found,) = run_gate(
        target,
        [narrow],
        lambda *_: (trues, falses),
        lambda configs: toy.observe(target.cls, [{"mode": "none", **config} for config in configs]),
        seed=1,
        known=Corpus(target, []),
    )
    assert found.reason == "miss"


def test_a_rule_that_is_wrong_itself_explains_no_miss(toy, target):
    narrow = toy.rule("size > 65", SIZE)
    wide = toy.rule("size > 60", SIZE)
    assert [one.reason for one in judged(toy, target, narrow, wide)] == ["miss", "false_alarm"]


def test_a_warning_does_not_explain_what_an_error_misses(toy, target):
    narrow = toy.rule("size > 65", SIZE)
    told = toy.rule("size > 64", SIZE, "warn")
    assert [one.reason for one in judged(toy, target, narrow, known=[told])] == ["miss"]


# What may not ship as an error


def test_an_error_with_an_untranslated_clause_does_not_pass_even_if_it_is_right(toy, target):
    assert verdict(toy, target, "size > 64", SIZE, partial=("environment()",)).reason == "partial"
    assert verdict(toy, target, "mode == 'slow' and seed < 0", WARNED, "warn", partial=("x",)).passed


def test_probes_that_fail_by_themselves_say_nothing():
    toy = Toy("""
    @dataclass
    class Config:
        size: int = 1

        def __post_init__(self):
            if self.size > 64:
                raise Hang if self.size % 2 else ValueError("too large")
    """)
    found = verdict(toy, toy.target(), "size > 64", "too large")
    assert found.trial.unjudged > 20
    assert found.passed == (found.trial.judged >= REQUIRED)
    only = Toy("""
    @dataclass
    class Config:
        size: int = 1

        def __post_init__(self):
            if self.size > 64:
                sys.exit(1)
    """)
    assert verdict(only, only.target(), "size > 64", "sys.exit").reason == "too_few_trues"


# What ships


def shipped(toy, target, candidate):
    work = begun(toy, target, [candidate])
    (found,) = judged(toy, target, candidate)
    assert found.passed
    accept(work, found.trial)
    return work.passed[rule_id(candidate)][0]


@pytest.mark.parametrize("told", ["construct", "generate"])
def test_the_depth_that_ships_is_the_one_that_was_seen(toy, target, told):
    late = toy.rule("limit is not None and limit < size and size <= 64", LIMIT, depth=told)
    early = toy.rule("size > 64", SIZE, depth=told)
    assert shipped(toy, target, late).depth == "validate"
    assert shipped(toy, target, early).depth == "construct"


def test_what_is_rejected_before_for_other_reasons_does_not_make_a_rule_shallower(toy, target):
    late = toy.rule("limit is not None and limit < size", LIMIT, depth="construct")
    (found,) = judged(toy, target, late)
    assert {one.depth for _, one in found.trial.confirmed} == {"construct", "validate"}
    assert observed_depth(found.trial) == "validate"


TWICE = """
@dataclass
class Config:
    size: int = 1
    late: bool = False
    mode: str = "fast"

    def __post_init__(self):
        if not self.late:
            self.check()

    def check(self):
        if self.size > 64:
            raise ValueError("too large")
"""


def test_a_statement_that_is_reached_at_two_depths_is_sure_at_the_deeper_one():
    toy = Toy(TWICE)
    target = toy.target(steps=[("validate", "check")])
    assert shipped(toy, target, toy.rule("size > 64", "too large")).depth == "validate"


MESSAGES = {
    "as the engine says it": (
        "size must be at most 64, but is {size}", "size must be at most 64, but is {size}",
    ),
    "without its end": ("size must be at most 64", "size must be at most 64"),
    "with a part that is not known": ("size must be …, but is {size}", "size must be …, but is {size}"),
    "with the value of a probe": (
        "size must be at most 64, but is 65", "size must be at most 64, but is {size}",
    ),
    "with half of a number": ("size must be at most 6", "size must be at most 64, but is {size}"),
    "of another statement": ("a rate of {rate} cannot be kept", "size must be at most 64, but is {size}"),
    "with another field's value": (
        "size must be at most 64, but is {seed}", "size must be at most 64, but is {size}",
    ),
    "contradicting": ("size must be at least 64", "size must be at most 64, but is {size}"),
    "none": (None, None),
}  # fmt: skip


@pytest.mark.parametrize(("told", "ships"), MESSAGES.values(), ids=MESSAGES)
def test_a_message_that_the_engine_does_not_give_never_ships(toy, target, told, ships):
    assert shipped(toy, target, toy.rule("size > 64", SIZE, message=told)).message == ships


def test_a_warnings_message_is_compared_too(toy, target):
    wrong = toy.rule("mode == 'slow' and seed < 0", WARNED, "warn", message="slow modes need a seed, got -1")
    assert shipped(toy, target, wrong).message == "{mode} modes need a seed, got {seed}"


def test_a_message_that_nothing_is_common_to_is_dropped():
    toy = Toy("""
    @dataclass
    class Config:
        size: int = 1

        def __post_init__(self):
            if self.size > 64:
                raise ValueError(chr(97 + self.size % 7) * 9)
    """)
    candidate = toy.rule("size > 64", "raise", message="ccccccccc")
    assert shipped(toy, toy.target(), candidate).message is None


# Witnesses


def test_witnesses_are_on_both_sides_and_differ_in_one_field(toy, target):
    found = witness(verdict(toy, target, "keep and rate > 2", KEPT).trial)
    when, context = parse("keep and rate > 2"), begun(toy, target, ()).context
    assert len(found["triggers"]) == len(found["passes"]) == 3
    assert all(holds(when, config, context) for config in found["triggers"])
    assert not any(holds(when, config, context) for config in found["passes"])
    assert [one.outcome for one in toy.observe(target.cls, found["triggers"])] == ["rejected"] * 3
    assert [one.outcome for one in toy.observe(target.cls, found["passes"])] == ["ok"] * 3
    assert min(differing(one, other) for one in found["triggers"] for other in found["passes"]) == 1


def differing(one, other):
    return sum(one.get(name) != other.get(name) for name in {*one, *other})


def test_a_verdict_does_not_depend_on_candidates_about_something_else(toy, target):
    candidates = [toy.rule(when, part, severity, sets=sets) for when, part, severity, sets in RIGHT.values()]
    candidates += [toy.rule("seed > 64", SIZE), toy.rule("rate > 2", KEPT)]
    alone = [judged(toy, target, candidate)[0].reason for candidate in candidates]
    assert [one.reason for one in judged(toy, target, *candidates)] == alone


def test_where_an_error_without_a_site_is_told_by_its_class(toy, target):
    required = Toy("@dataclass\nclass Config:\n    size: int\n    mode: str = 'a'\n")
    its = required.target()
    told = replace(required.rule("not given(size)", ""), effect=Effect(raises="TypeError"))
    (found,) = judged(required, its, told)
    assert found.passed
    other = replace(told, effect=Effect(raises="KeyError"))
    (found,) = judged(required, its, other)
    assert found.reason == "never_at_its_site"
