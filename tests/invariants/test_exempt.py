"""A candidate that one configuration in a hundred is exempted from gets the condition that it lacks."""

from __future__ import annotations

from atlas.invariants.exempt import exempted
from atlas.invariants.gate import Trial, Verdict
from atlas.invariants.induce import refined
from atlas.invariants.loop import accept, look, withdraw
from atlas.invariants.predicate import to_text
from atlas.invariants.rules import rule_id

from .toy_bench import Toy, begun

TEXT = """
@dataclass
class Config:
    size: int = 1
    shared: bool = False
    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0

    def __post_init__(self):
        if self.size > 1 and not self.shared:
            raise ValueError("size needs shared")
"""


def test_the_field_that_exempts_a_configuration_is_found_among_many():
    toy = Toy(TEXT)
    target = toy.target()
    work = begun(toy, target, [])
    candidate = toy.rule("size > 1", "size needs shared", origin="live")
    held = [{"size": size, "a": size, "b": 3} for size in range(2, 30)]
    spared = [{"size": 2, "shared": True, "a": 5, "c": 4, "d": 2}]
    trial = Trial(
        candidate,
        confirmed=tuple(work.bench.observed(held)),
        alarms=tuple(work.bench.observed(spared)),
        clean=tuple(work.bench.observed([{"size": 1, "b": 2}, {"a": 4}])),
    )
    verdict = Verdict(trial, "false_alarm")
    near = exempted(work, [verdict], 1000)[rule_id(candidate)]
    assert {name for config, _ in near for name in config} <= {"size", "shared"}
    assert to_text(refined(work, verdict, near).when) == "not shared and size > 1"
    assert exempted(work, [verdict], 10) == {}


def test_what_exempts_a_configuration_of_a_fresh_sample_is_looked_for_too():
    """A rule that was right in all its trials: of what a fresh sample refutes it by, the reason is found."""
    text = TEXT.replace("shared: bool = False", "shared: int = 0")
    toy = Toy(text.replace("not self.shared", "self.shared < 3"))
    work = begun(toy, toy.target(), [])
    candidate = toy.rule("size > 1", "size needs shared", origin="live")
    held = work.bench.observed([{"size": size, "a": size, "b": 3} for size in range(2, 30)])
    trial = Trial(candidate, confirmed=tuple(held), clean=tuple(work.bench.observed([{"a": 4}])))
    accept(work, trial)
    look(work, [{"size": 2, "shared": 8, "a": 5, "c": 4, "d": 2}])
    (better,) = withdraw(work, work.corpus().review(work.observed))
    assert to_text(better.when) == "shared < 3 and size > 1"
    assert work.held[rule_id(candidate)].reason == "fresh_counter_example"


def test_what_nothing_exempts_alone_is_left_as_it_is():
    toy = Toy(TEXT.replace("not self.shared", "self.a == 0 and self.b == 0"))
    target = toy.target()
    work = begun(toy, target, [])
    candidate = toy.rule("size > 1", "size needs shared", origin="live")
    trial = Trial(
        candidate,
        confirmed=tuple(work.bench.observed([{"size": size} for size in range(2, 20)])),
        alarms=tuple(work.bench.observed([{"size": 2, "a": 5, "b": 4}])),
    )
    assert exempted(work, [Verdict(trial, "false_alarm")], 1000) == {}
