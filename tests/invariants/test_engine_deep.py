"""Steps that need a model: proven apart, in a real process, beyond what the configuration alone tells."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas.engines.model import DeepSpec, InvariantSpec, TargetSpec
from atlas.environment.prepare import Prepared
from atlas.environment.run import Runtime
from atlas.invariants import command
from atlas.invariants.corpus import Corpus
from atlas.invariants.evaluate import up_to
from atlas.invariants.live import Session
from atlas.invariants.model import DEPTHS, Step
from atlas.invariants.predicate import to_text
from atlas.invariants.publish import FORMATS, Origin, documents
from atlas.schema.static.modules import SourceIndex
from atlas.schema.static.reader import Reader
from atlas.validation import check
from atlas.yamlfile import Document

from .toy_bench import HEAD, Toy

ENGINE = """
import functools, os

@functools.lru_cache(maxsize=None)
def say_once(message):
    logger.warning(message)

@dataclass
class Config:
    size: int = 1
    heat: float | None = None
    token: int = 3
    cache: str = "none"
    many: int = 1

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size {self.size} is not positive")

class Warmer:
    def __init__(self, heat):
        if not isinstance(heat, float) or not heat > 0:
            raise ValueError(f"heat {heat} is no positive number")

class Generator:
    def generate(self, prompt, config=None):
        if config.size < 1:
            raise ValueError(f"size {config.size} is not positive")
        if config.heat is not None:
            Warmer(config.heat)
        if self.cache != "none" and config.cache != self.cache:
            raise RuntimeError("another cache is in use")
        self.cache = config.cache
        if config.token == self.end:
            raise ValueError(f"token {config.token} ends it")
        if config.token == -1:
            say_once(f"token {config.token} is counted from the end")
        if config.many == 1000000:
            raise OSError(12, os.strerror(12))
        return prompt

class Model(Generator):
    def __init__(self, end):
        self.end = end
        self.cache = "none"
"""
EARLY = {"size < 1", "type(size) not in ('bool', 'float', 'int')"}
GENERATE = {
    "call": "toy.Generator.generate",
    "args": [{"call": "copy.deepcopy", "args": [{"ref": "model"}]}, {"ref": "prompt"}],
    "kwargs": {"config": {"ref": "self"}},
}
PREPARE = {
    "model": {"call": "toy.Model", "args": [5]},
    "prompt": {"call": "builtins.list", "args": [[1, 2]]},
}
OTHERS = ({"model": {"call": "toy.Model", "args": [6]}},)
CONFIGS = [
    {"size": size, "heat": heat, "token": token, "cache": cache}
    for size in (0, 2)
    for heat in (None, 1, 0.5, -0.5)
    for token in (-1, 3, 5, 6)
    for cache in ("none", "static")
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """A cell with the toy for an engine, its environment, its only target, and what is read of it."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "toy.py").write_text(HEAD + textwrap.dedent(ENGINE))
    toy = Toy(ENGINE)
    target = toy.target(prepare=PREPARE, others=OTHERS, limit_s=5.0, memory_mb=64)
    target = command.replace(target, steps=(Step("generate", GENERATE),))
    spec = TargetSpec(
        target.cls, {}, (), PREPARE, ({"depth": "generate", "call": GENERATE},), (),
        deep=DeepSpec(samples=300, most_asked=6000, variants=OTHERS),
    )  # fmt: skip
    cell = SimpleNamespace(
        packages=("toy",),
        fixtures={},
        version="1.0",
        venv=None,
        invariants=InvariantSpec((spec,), samples=300),
    )
    prepared = Prepared(cell, Runtime(Path(sys.executable), (folder,)), 60, folder)  # type: ignore[arg-type]
    reader = Reader.over(SourceIndex({file: text.encode for file, text in toy.texts.items()}))
    return cell, prepared, target, reader


@pytest.fixture(scope="module")
def proven(engine):
    cell, prepared, target, reader = engine
    schema = {"roots": {"engine_params": [{"name": target.cls}]}}
    mined = {target.cls: command.mined_of(target, reader)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "prepare", lambda *_: prepared)
        return command._prove_all(cell, None, reader, [target], mined, schema, 1)  # type: ignore[arg-type]


def texts(one):
    return {to_text(rule.candidate.when): rule.candidate for rule in one.rules}


def test_a_target_is_proven_without_its_deep_steps_first_and_then_with_them(proven):
    early, deep = proven
    assert (early.depth, deep.depth) == ("construct", "generate")
    assert set(texts(early)) == EARLY
    assert {rule.depth for rule in texts(early).values()} == {"construct"}
    assert {rule.depth for rule in texts(deep).values()} == {"generate"}


def test_what_only_the_model_rejects_is_told_and_nothing_twice(proven):
    found = texts(proven[1])
    assert "size < 1" not in found
    heat = found["heat is not None and (not heat > 0 or type(heat) != 'float')"]
    assert (heat.effect.raises, heat.origin, heat.requires) == ("ValueError", "static", ())
    assert not any("cache" in text for text in found), "nothing is left of one configuration for the next"


def test_what_another_model_takes_requires_the_model(proven):
    found = texts(proven[1])
    assert "given: as proven, not any model" in found["token == 5"].requires
    warned = found["token == -1"]
    assert (warned.severity, warned.requires) == ("warn", ())


def test_the_deep_sample_is_of_what_gets_that_far(proven):
    early, deep = proven
    assert early.sample["rejected"] > 0
    assert 0 < deep.sample["n"] < 300, "what was rejected before is not in it"
    assert deep.sample["rejections_found"] == deep.sample["rejected"] > 0
    assert deep.sample["false_rejections"] == deep.sample["false_notices"] == deep.sample["crashes"] == 0
    (failure,) = deep.failures
    assert failure["outcome"] == "killed", "what lacks memory is no rule"
    assert {one["many"] for one in failure["examples"]} == {1000000}


def test_the_artefacts_hold_both_and_count_each_once(proven):
    origin = Origin("toy", "1.0", [], {"kind": "venv"}, {}, {}, "1")
    corpus, quarantine, coverage = documents(origin, proven)
    for name, document in zip(FORMATS, (corpus, quarantine, coverage), strict=True):
        check(Document(name, json.loads(json.dumps(document)), {}), name)
    (target,) = corpus["targets"]
    assert (target["status"], target["deep"]) == ("gated", {"depth": "generate", "status": "gated"})
    totals, (early, deep) = coverage["totals"], coverage["targets"]
    assert (early["depth"], deep["depth"]) == ("construct", "generate")
    assert totals["rules"] == len(corpus["rules"]) == sum(len(one.rules) for one in proven)
    assert totals["sample"]["n"] == early["sample"]["n"]
    assert totals["deep"]["n"] == deep["sample"]["n"]
    assert totals["configurations"] == sum(one.asked for one in proven)
    first, second = ({(one["file"], one["line"]) for one in each["sites"]} for each in (early, deep))
    assert first
    assert second
    assert first.isdisjoint(second)


@pytest.mark.parametrize("depth", ["resolve", "generate"])
def test_rules_up_to_a_depth_are_what_the_engine_does_up_to_it(engine, proven, depth):
    _, prepared, whole, _ = engine
    target = up_to(whole, depth)
    rules = [rule.candidate for one in proven for rule in one.rules]
    corpus = Corpus(target, [one for one in rules if DEPTHS.index(one.depth) <= DEPTHS.index(depth)])
    with Session(prepared, [target]) as session:
        seen = session.observe(target.cls, CONFIGS)
    assert [corpus.rejects(one) for one in CONFIGS] == [one.outcome == "rejected" for one in seen]
    assert {one.depth for one in seen if one.outcome == "ok"} == {
        "generate" if depth == "generate" else "construct"
    }


def test_a_model_that_cannot_be_made_fails_the_deep_part_only(engine):
    cell, prepared, target, reader = engine
    broken = command.replace(target, prepare={**PREPARE, "model": {"call": "toy.Missing"}})
    schema = {"roots": {"engine_params": [{"name": target.cls}]}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "prepare", lambda *_: prepared)
        mined = {target.cls: command.mined_of(broken, reader)}
        early, deep = command._prove_all(cell, None, reader, [broken], mined, schema, 1)  # type: ignore[arg-type]
    assert set(texts(early)) == EARLY
    assert (deep.status, deep.depth) == ("failed", "generate")
    assert "Missing" in deep.reason
    corpus = documents(Origin("toy", "1.0", [], {"kind": "venv"}, {}, {}, "1"), [early, deep])[0]
    assert corpus["targets"][0]["deep"]["status"] == "failed"
