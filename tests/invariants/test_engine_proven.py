"""From sources and a real process to rules: the whole way for one class, misbehaviour included."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas.environment.prepare import Prepared
from atlas.environment.run import Runtime
from atlas.invariants.bench import Bench
from atlas.invariants.command import prove
from atlas.invariants.corpus import Corpus
from atlas.invariants.effective import agrees
from atlas.invariants.live import Session
from atlas.invariants.loop import Settings
from atlas.invariants.model import Mined
from atlas.invariants.predicate import to_text

from .toy_bench import HEAD, Toy

ENGINE = """
import os

@dataclass
class Config:
    name: str
    size: int = 1
    limit: int | None = None
    mode: str = "fast"
    rate: float = 1.0

    def __post_init__(self):
        print("made", self.size)
        if self.size > 64 and self.mode != "slow":
            raise ValueError(f"size {self.size} needs the slow mode")
        if self.mode == "exit":
            sys.exit(2)
        if self.mode == "die":
            os._exit(1)
        if self.rate < 0:
            warnings.warn("a rate below 0 is 0")
            self.rate = 0.0

    def validate(self):
        if self.limit is not None and self.limit < self.size:
            raise ValueError(f"limit {self.limit} is below size {self.size}")
"""
CONFIGS = [
    {"name": "a", "size": size, "limit": limit, "mode": mode, "rate": rate}
    for size in (1, 64, 65, 300)
    for limit in (None, 64, 65)
    for mode in ("fast", "slow")
    for rate in (-1.5, 0, 1.0)
]


@pytest.fixture(scope="module")
def proven(tmp_path_factory):
    """What was found out, with wrong candidates among the right ones, and what the engine does."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "toy.py").write_text(HEAD + textwrap.dedent(ENGINE))
    toy = Toy(ENGINE)
    target = toy.target(steps=[("validate", "validate")])
    mined = toy.mined(target)
    wrong = [
        toy.rule("size > 64", "needs the slow mode"),
        toy.rule("size > 65 and mode != 'slow'", "needs the slow mode"),
        toy.rule("limit is not None and limit <= size", "is below size"),
        toy.rule("mode in ('exit', 'die')", "sys.exit"),
    ]
    every = (*wrong, *mined.candidates)
    cell = SimpleNamespace(packages=("toy",), fixtures={}, version="1.0", venv=None)
    prepared = Prepared(cell, Runtime(Path(sys.executable), (folder,)), 60, folder)  # type: ignore[arg-type]
    with Session(prepared, [target], limit_s=20) as session:
        found = prove(Bench(target, session), Mined(every, mined.sites), Settings("1", 400, "linux"))
        seen = session.observe(target.cls, CONFIGS, base=found.base)
    return target, found, seen


def test_the_rules_are_the_engines_own(proven):
    target, found, seen = proven
    assert found.status == "gated"
    corpus = Corpus(target, [rule.candidate for rule in found.rules])
    assert [corpus.rejects(one) for one in CONFIGS] == [one.outcome == "rejected" for one in seen]
    pairs = zip(CONFIGS, seen, strict=True)
    assert all(agrees(corpus, config, one) for config, one in pairs if one.outcome == "ok")
    assert sum(bool(one.changed) for one in seen) > 5
    assert found.sample["false_rejections"] == found.sample["crashes"] == 0
    assert found.sample["rejections_found"] >= 0.95 * found.sample["rejected"]


def test_each_rule_holds_at_the_depth_at_which_it_was_seen(proven):
    depths = {to_text(rule.candidate.when): rule.candidate.depth for rule in proven[1].rules}
    assert depths["mode != 'slow' and size > 64"] == "construct"
    assert depths["limit < size and limit is not None"] == "validate"


def test_wrong_candidates_are_quarantined_with_what_refuted_them(proven):
    held = {to_text(one.candidate.when): one for one in proven[1].quarantined}
    assert held["size > 64"].reason == "false_alarm"
    assert held["limit <= size and limit is not None"].reason == "false_alarm"
    narrow = held["mode != 'slow' and size > 65"]
    assert narrow.reason in ("miss", "redundant")
    (config, seen), *_ = held["size > 64"].examples
    assert config["size"] > 64
    assert config["mode"] == "slow"
    assert seen.outcome == "ok"


def test_what_ends_the_process_is_a_recorded_failure_and_no_rule(proven):
    _, found, _ = proven
    assert {one["outcome"] for one in found.failures} == {"exit", "killed"}
    for failure in found.failures:
        assert {one["mode"] for one in failure["examples"]} <= {"exit", "die"}
    assert not any("exit" in to_text(rule.candidate.when) for rule in found.rules)


def test_what_must_be_given_is_a_rule(proven):
    _, found, _ = proven
    assert set(found.base) == {"name"}
    assert "not given(name)" in {to_text(rule.candidate.when) for rule in found.rules}
