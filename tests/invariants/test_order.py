"""What is tried first, and what is not tried since it is known to be wrong."""

from __future__ import annotations

from dataclasses import replace

from atlas.invariants.corpus import Gap
from atlas.invariants.model import Site
from atlas.invariants.order import in_parts, refuted
from atlas.invariants.predicate import to_text

from .toy_bench import Toy, begun

TEXT = """
@dataclass
class Config:
    size: int = 1
    rate: int = 1
    name: str | None = None

    def __post_init__(self):
        if self.size > 64:
            raise ValueError("too large")
        if self.name is None:
            self.name = "auto"
        if self.rate < 0:
            self.rate = 7
"""


def test_what_the_engine_was_seen_to_accept_is_not_tried():
    toy = Toy(TEXT)
    work = begun(toy, toy.target(), [])
    wrong, right = toy.rule("size > 3", "too large"), toy.rule("size > 64", "too large")
    work.observed = work.bench.observed([{"size": size} for size in (*range(4, 40), 65, 66)])
    asked = work.bench.asked
    (found,) = refuted(work, [wrong, right])
    assert (found.trial.candidate, found.reason, len(found.trial.alarms)) == (wrong, "false_alarm", 36)
    assert work.bench.asked == asked


def test_what_little_speaks_against_or_only_another_value_is_tried():
    toy = Toy(TEXT)
    work = begun(toy, toy.target(), [])
    work.observed = work.bench.observed([{"size": size} for size in range(60, 100)])
    work.observed += work.bench.observed([{"rate": -rate} for rate in range(1, 30)])
    near = toy.rule("size > 62", "too large")
    few = toy.rule("size > 58 and size < 64", "too large")
    value = toy.rule("rate < 0", "self.rate = 7", "dormant", sets={"rate": "0"})
    other = toy.rule("rate < 0", "self.rate = 7", "dormant", sets={"size": "0"})
    assert [one.trial.candidate for one in refuted(work, [near, few, value, other])] == [other]


def test_errors_at_statements_that_are_not_explained_come_before_what_is_no_error():
    toy = Toy(TEXT)
    work = begun(toy, toy.target(), [])
    ((config, seen),) = work.bench.observed([{"size": 65}])
    gap = Gap(config, seen, rejected=True)
    hidden = toy.rule("size > 2", "too large", partial=("f()",))
    every = [
        toy.rule("rate < 0", "self.rate = 7", "dormant", sets={"rate": "7"}),
        replace(hidden, site=Site(hidden.site.file, 999, 999)),
        toy.rule("size > 3", "too large", partial=("f()",)),
        toy.rule("size > 64", "too large"),
    ]

    def order(gaps):
        return [to_text(one.when) for part in in_parts(every, gaps) for one in part]

    assert order([gap]) == ["size > 64", "size > 3", "rate < 0", "size > 2"]
    assert order([]) == ["size > 64", "rate < 0", "size > 2", "size > 3"]
