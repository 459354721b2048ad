"""The closed loop on small engines: the rules found are those that the engine has."""

from __future__ import annotations

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest

from atlas.invariants.command import unverified
from atlas.invariants.corpus import Corpus
from atlas.invariants.effective import agrees
from atlas.invariants.finish import finished
from atlas.invariants.gate import Trial
from atlas.invariants.loop import was_judged
from atlas.invariants.model import Candidate, Effect, Mined, Site
from atlas.invariants.predicate import compile_expr, parse, to_text
from atlas.invariants.rules import Quarantined, rule_id

from .toy_bench import Toy, begun, proved, refuted

RULES = """
@dataclass
class Config:
    size: int = 1
    limit: int | None = None
    mode: str = "fast"
    rate: float = 1.0
    keep: bool = False
    stop: list[str] | None = None

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size must be at least 1, but is {self.size}")
        if self.limit is not None and self.size > self.limit:
            raise ValueError(f"size {self.size} is beyond the limit {self.limit}")
        if self.mode not in ("fast", "slow"):
            raise ValueError(f"unknown mode {self.mode!r}")
        if self.keep and self.rate != 1.0:
            logger.warning("rate is not used where keep is set")
            self.rate = 1.0

    def validate(self):
        if self.stop and self.mode == "slow":
            raise ValueError("slow modes do not stop")
"""
FRESH = {
    "size": (1, 2, 7, 64, 0, -3, True, False, 2.5, 0.5, None, "3", [1]),
    "limit": (None, 1, 5, 100, 0, 1.5, "x", True, []),
    "mode": ("fast", "slow", "FAST", "", 3, None, ["fast"]),
    "rate": (1.0, 1, 0.5, 3, None, "1.0", True),
    "keep": (True, False, 1, 0, None, "yes"),
    "stop": (None, [], ["a"], ["a", "b"], "text", 0, {"a": 1}),
}


def fresh(pools, n, seed=7):
    draw = random.Random(seed)
    names = sorted(pools)
    return [
        {name: draw.choice(pools[name]) for name in draw.sample(names, draw.randint(0, len(names)))}
        for _ in range(n)
    ]


def candidates(found):
    return [rule.candidate for rule in found.rules]


def conditions(found, severity="error"):
    return {to_text(one.when) for one in candidates(found) if one.severity == severity}


@pytest.fixture(scope="module")
def toy():
    return Toy(RULES)


@pytest.fixture(scope="module")
def target(toy):
    return toy.target(steps=[("validate", "validate")])


@pytest.fixture(scope="module")
def mined(toy, target):
    return proved(toy, target)


@pytest.fixture(scope="module")
def learned(toy, target):
    """From outcomes alone, as of an engine whose sources say nothing."""
    hints = [toy.rule("mode in ('fast', 'slow')", "unknown mode", partial=("not known",))]
    return proved(toy, target, mined=Mined(tuple(hints)))


@pytest.mark.parametrize("way", ["mined", "learned"])
def test_on_fresh_configurations_the_rules_reject_just_what_the_engine_rejects(request, toy, target, way):
    found = request.getfixturevalue(way)
    configs = fresh(FRESH, 1500)
    wrong = refuted(toy, target, candidates(found), configs)
    seen = dict(zip(map(repr, configs), toy.observe(target.cls, configs), strict=True))
    assert [one for one in wrong if seen[repr(one)].outcome == "ok"] == []
    rejected = sum(one.outcome == "rejected" for one in seen.values())
    assert len(wrong) <= (0 if way == "mined" else 0.03 * rejected)


@pytest.mark.parametrize("way", ["mined", "learned"])
def test_warnings_and_changes_are_found_where_they_come(request, toy, target, way):
    found = request.getfixturevalue(way)
    corpus = Corpus(target, candidates(found))
    configs = fresh(FRESH, 1500)
    observed = list(zip(configs, toy.observe(target.cls, configs), strict=True))
    tally = corpus.review(observed).tally
    assert tally.false_notices == tally.crashes == 0
    assert tally.warnings == tally.warnings_found > 20
    assert tally.changes == tally.changes_found > 20
    assert all(agrees(corpus, config, seen) for config, seen in observed if seen.outcome == "ok")


def test_rules_say_what_the_source_says(mined):
    assert {"size < 1", "limit < size and limit is not None", "mode not in ('fast', 'slow')"} <= conditions(
        mined
    )
    assert conditions(mined, "warn") == {"keep and rate != 1.0"}
    assert {one.depth for one in candidates(mined) if "stop" in to_text(one.when)} == {"validate"}
    messages = {one.message for one in candidates(mined)}
    assert "size {size} is beyond the limit {limit}" in messages


def test_what_is_proven_is_measured_on_a_sample_of_its_own(mined):
    assert mined.status == "gated"
    assert mined.depth == "validate"
    assert mined.sample["n"] == 400
    assert mined.sample["false_rejections"] == 0
    assert mined.sample["rejections_found"] == mined.sample["rejected"] > 50
    assert mined.sample["changed_configs_found"] == mined.sample["changed_configs"]
    assert not mined.gaps
    assert mined.asked > 1000


def test_every_rule_has_witnesses_that_the_engine_confirms(toy, target, mined):
    for rule in mined.rules:
        corpus = Corpus(target, [rule.candidate])
        assert rule.triggers
        assert rule.passes
        assert all(corpus.holding(config) for config in rule.triggers)
        assert not any(corpus.holding(config) for config in rule.passes)
        seen = toy.observe(target.cls, rule.passes)
        assert {one.outcome for one in seen} == {"ok"}
        if rule.candidate.severity == "error":
            seen = toy.observe(target.cls, rule.triggers)
            assert {one.outcome for one in seen} == {"rejected"}
            assert rule.evidence.n_triggered >= 20


def test_no_two_rules_say_the_same(toy, target):
    doubled = toy.mined(target)
    again = [
        toy.rule("1 > size and size is not None", "size must be"),
        toy.rule("size < 1 or size < 0", "size must be"),
        toy.rule("size < -1", "size must be"),
    ]
    found = proved(toy, target, mined=Mined((*again, *doubled.candidates), doubled.sites))
    sizes = [text for text in conditions(found) if "<" in text and "size" in text and "limit" not in text]
    assert len(sizes) == 1
    held = {one.reason for one in found.quarantined if to_text(one.candidate.when) == "size < -1"}
    assert held <= {"redundant", "miss"} and held


# Wrong rules in the loop


def test_what_is_wrong_is_quarantined_with_the_configuration_that_shows_it(toy, target):
    wrong = {
        "too wide": toy.rule("size < 3", "size must be"),
        "too narrow": toy.rule("limit is not None and size > limit and keep", "is beyond"),
        "a dropped conjunct": toy.rule("rate != 1.0", "rate is not used", "warn"),
        "never": toy.rule("size > 1 and size < 1", "size must be"),
        "another place": toy.rule("mode == 'x'", "size must be"),
    }
    found = proved(toy, target, mined=Mined(tuple(wrong.values())))
    held = {to_text(one.candidate.when): one for one in found.quarantined}
    for name in ("too wide", "too narrow", "a dropped conjunct"):
        one = held[to_text(wrong[name].when)]
        assert one.reason in ("false_alarm", "miss"), name
        config, seen = one.examples[0]
        assert toy.observe(target.cls, [config]) == [seen]
        assert one.counts["alarms"] + one.counts["misses"] > 0
    assert held[to_text(wrong["never"].when)].reason in ("unsatisfiable", "too_few_trues")
    assert not {"size < 3", to_text(wrong["another place"].when)} & conditions(found)
    assert refuted(toy, target, candidates(found), found_configs(found)) == []


def found_configs(found):
    return [config for rule in found.rules for config in (*rule.triggers, *rule.passes)]


def test_a_wrong_rule_is_refined_to_the_right_one(toy, target):
    found = proved(toy, target, mined=Mined((toy.rule("keep", "rate is not used", "warn"),)))
    (told,) = [one for one in candidates(found) if one.severity == "warn"]
    corpus = Corpus(target, [told])
    for config in fresh(FRESH, 400):
        (seen,) = toy.observe(target.cls, [config])
        if seen.outcome == "ok":
            assert bool(corpus.holding(config)) == bool(seen.warned), config


def test_a_partial_rule_ships_only_if_outcomes_speak_for_it(toy, target):
    exact = toy.rule("size < 1", "size must be", partial=("environment()",))
    vague = toy.rule("keep", "slow modes do not stop", partial=("something",))
    found = proved(toy, target, mined=Mined((exact, vague)))
    assert all(not one.partial for one in candidates(found) if one.severity == "error")
    (rule,) = [one for one in candidates(found) if one.when == parse("size < 1")]
    assert rule.origin == "live"


def test_what_a_fresh_sample_refutes_is_taken_back_even_after_the_gate(toy, target):
    wrong, right = toy.rule("size < 3", "size must be"), toy.rule("size < 1", "size must be")
    work = begun(toy, target, [wrong, right])
    for rule in (wrong, right):
        work.passed[rule_id(rule)] = (rule, Trial(rule))
    found = finished(work)
    assert [rule.candidate.when for rule in found.rules] == [right.when]
    (held,) = found.quarantined
    assert (held.candidate, held.reason) == (wrong, "fresh_counter_example")
    assert all(seen.outcome == "ok" for _, seen in held.examples)
    assert found.sample["false_rejections"] == 0


def test_what_the_measurement_refutes_is_corrected_tried_and_measured_anew(toy, target):
    wrong = toy.rule("size < 3", "size must be")
    work = begun(toy, target, [wrong])
    seen = work.bench.observed([{"size": size} for size in range(-90, 1)])
    work.passed[rule_id(wrong)] = (wrong, Trial(wrong, confirmed=tuple(seen)))
    work.settings = replace(work.settings, most_asked=0)  # all is used up before the measurement
    found = finished(work)
    (rule,) = found.rules
    holds = compile_expr(rule.candidate.when, work.context)
    assert [holds({"size": size}) for size in (-3, 0.5, 1, 2, 7)] == [True, True, False, False, False]
    assert rule.evidence.n_triggered > 50
    assert [(one.candidate, one.reason) for one in found.quarantined] == [(wrong, "fresh_counter_example")]
    assert found.sample["false_rejections"] == 0


# Gaps


def test_what_no_rule_explains_is_listed_with_examples():
    toy = Toy("""
    @dataclass
    class Config:
        name: str = "a"
        size: int = 1
        rate: float = 1.0

        def __post_init__(self):
            if sum(map(ord, str(self.name) + str(self.size) + str(self.rate))) % 7 == 3:
                raise ValueError("not today")
    """)
    target = toy.target()
    found = proved(toy, target, mined=Mined(()))
    (gap, *_) = found.gaps
    assert gap["kind"] == "rejected"
    assert f"toy.py:{toy.line('not today')}" in gap["what"]
    assert gap["n"] >= len(gap["examples"]) > 0
    missed = found.sample["rejected"] - found.sample["rejections_found"]
    assert sum(one["n"] for one in found.gaps if one["kind"] == "rejected") == missed
    for example in gap["examples"]:
        (seen,) = toy.observe(target.cls, [example["config"]])
        assert seen.outcome == example["outcome"]["outcome"] == "rejected"


# What cannot be tried


def test_a_class_that_takes_nothing_is_not_constructible():
    toy = Toy("""
    @dataclass
    class Config:
        size: int = 1

        def __post_init__(self):
            if self.size < 1:
                raise ValueError("size")
            raise RuntimeError("no device")
    """)
    found = proved(toy, toy.target())
    assert (found.status, found.rules) == ("not_constructible", ())
    assert found.reason
    assert found.unverified
    assert all(rule.candidate.severity != "error" for rule in found.unverified)
    assert all(rule.evidence is None for rule in found.unverified)
    assert found.sites


def test_an_engine_that_fails_altogether_is_a_recorded_failure(monkeypatch):
    from atlas.errors import RunError

    toy = Toy("@dataclass\nclass Config:\n    size: int = 1\n")

    def broken(*_, **__):
        raise RunError("the engine gave no answer\nand more")

    target = toy.target()
    monkeypatch.setattr(toy, "observe", broken)
    found = proved(toy, target)
    assert (found.status, found.reason) == ("failed", "the engine gave no answer")
    assert found.rules == ()


@pytest.mark.parametrize(
    ("ending", "outcome"), [("raise Hang", "timeout"), ("sys.exit(3)", "exit"), ("raise Kill", "killed")]
)
def test_a_probe_that_fails_by_itself_is_recorded_and_no_rule(ending, outcome):
    toy = Toy(f"""
    @dataclass
    class Config:
        size: int = 1
        rate: float = 1.0

        def __post_init__(self):
            if self.rate == 0:
                {ending}
            if type(self.size) is int and self.size > 64:
                raise ValueError("size is too large")
    """)
    target = toy.target()
    found = proved(toy, target)
    (failure,) = found.failures
    assert failure["outcome"] == outcome
    assert failure["n"] > 0
    assert all(one["rate"] == 0 for one in failure["examples"])
    assert found.status == "gated"
    assert found.sample["unjudged"] > 0
    assert not any("rate ==" in text for text in conditions(found))
    assert any("size" in text for text in conditions(found))


# Required fields, variants, packages, platforms

NEEDS = """
@dataclass
class Config:
    model: str
    size: int
    rate: float = 1.0
    mode: str = "fast"

    def __post_init__(self):
        if len(self.model) > 3:
            raise ValueError("no such model")
        if self.size < 0:
            raise ValueError("size is negative")
        if self.rate > 1 and self.size > 4:
            self.rate = 1.0
"""


def test_what_must_be_given_is_found_and_its_lack_is_a_rule():
    toy = Toy(NEEDS)
    target = toy.target()
    found = proved(toy, target)
    assert set(found.base) == {"model", "size"}
    assert toy.observe(target.cls, [found.base])[0].outcome == "ok"
    assert {"not given(model)", "not given(size)"} <= conditions(found)
    assert found.sample["rejections_found"] == found.sample["rejected"]
    configs = [{}, {"size": 1}, {"model": "a"}, {"model": "a", "size": 1}, {"model": "abcd", "size": 1}]
    assert refuted(toy, target, candidates(found), configs) == []
    assert any(one.severity == "dormant" for one in candidates(found))


def test_what_depends_on_the_given_model_says_so():
    toy = Toy("""
    @dataclass
    class Config:
        size: int = 1
        rate: float = 1.0
        model: int = 64

        def __post_init__(self):
            if self.size > self.model:
                raise ValueError("longer than the model takes")
            if self.rate < 0:
                raise ValueError("negative")
    """)
    target = toy.target(given={"model": 64}, variants=({"model": 128},))
    mined = Mined((toy.rule("size > 64", "longer than"), toy.rule("rate < 0", "negative")))
    found = proved(toy, target, mined=mined)
    requires = {to_text(one.when): one.requires for one in candidates(found)}
    assert requires["size > 64"] == ("given: as proven, not any model",)
    assert requires["rate < 0"] == ()


def test_what_depends_on_packages_or_the_platform_says_so():
    toy = Toy(
        """
        import tpu
        @dataclass
        class Config:
            size: int = 1
            mode: str = "fast"
            rate: float = 1.0

            def __post_init__(self):
                if self.mode == "packed":
                    raise ImportError("install packer")
                tpu.check(self)
                if self.rate < 0:
                    raise ValueError("negative")
        """,
        tpu="""
        def check(config):
            if config.size > 64:
                raise ValueError("this device takes 64")
        """,
    )
    target = toy.target()
    mined = Mined(
        (
            toy.rule("mode == 'packed'", "install packer"),
            toy.rule("size > 64", "", origin="live"),
            toy.rule("rate < 0", "negative"),
        )
    )
    mined = Mined((mined.candidates[0], at(toy, mined.candidates[1]), mined.candidates[2]))
    found = proved(toy, target, mined=mined, platform_modules=("tpu.py",))
    requires = {to_text(one.when): one.requires for one in candidates(found)}
    assert requires["mode == 'packed'"] == ("packages: one that it asks for is not installed",)
    assert requires["size > 64"] == ("platform: linux",)
    assert requires["rate < 0"] == ()


def at(toy, candidate):
    from dataclasses import replace

    return replace(candidate, site=toy.site("raise", "tpu.py"))


def test_without_an_environment_nothing_is_an_error(toy, target):
    mined = toy.mined(target)
    assert any(one.severity == "error" for one in mined.candidates)
    found = unverified(target, Mined((*mined.candidates, toy.rule("keep", "size must", partial=("x",)))))
    assert (found.status, found.rules) == ("unverified", ())
    assert len(found.unverified) == len(mined.candidates)
    assert {rule.candidate.severity for rule in found.unverified} == {"warn", "dormant"}
    assert all(rule.evidence is None and not rule.candidate.partial for rule in found.unverified)


def test_the_same_is_found_again(toy, target, mined):
    again = proved(toy, target)
    assert again == mined


def test_a_condition_that_never_came_to_one_statement_is_tried_for_another():
    def candidate(line):
        return Candidate(
            "toy.Config", "error", "construct", parse("flag"), Effect("ValueError"), "live",
            site=Site("toy.py", line, line),
        )  # fmt: skip

    first, other = candidate(3), candidate(9)
    for reason, same, elsewhere in (
        ("never_at_its_site", True, False),
        ("miss", True, False),
        ("not_tried", False, False),
        ("false_alarm", True, True),
    ):
        work = SimpleNamespace(held={rule_id(first): Quarantined(first, reason)})
        assert (was_judged(work, first), was_judged(work, other)) == (same, elsewhere)


@pytest.mark.parametrize("mined", [None, Mined(())])
def test_two_warnings_under_one_condition_are_two_rules(mined):
    toy = Toy("""
    @dataclass
    class Config:
        eager: bool = False

        def __post_init__(self):
            if self.eager:
                logger.warning("graphs are not made")
            if self.eager:
                logger.warning("nothing is compiled")
    """)
    proven = proved(toy, toy.target(), mined=mined)
    told = [rule for rule in proven.rules if rule.candidate.severity == "warn"]
    assert {rule.candidate.message for rule in told} == {"graphs are not made", "nothing is compiled"}
    assert len({rule.id for rule in told}) == len(told)
