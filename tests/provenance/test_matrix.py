"""In a fresh clone, `snakemake -n` lists exactly what is stale, whatever the mtimes.

This is the test to run before a new Snakemake is pinned: see docs/staleness.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

PATTERNS = ("equal", "random", "inputs new", "outputs new", "epoch 0")
V091 = [("vllm", "0.9.1")]
PERF = "results/vllm/0.9.2/perf.csv"
CORPUS = "results/vllm/0.9.1/corpus.json"
ENGINE = "engine_versions/vllm.yaml"


def edit(name, old, new):
    return lambda world: world.replace(name, old, new)


def add(name, text):
    return lambda world: world.append(name, text)


def delete(name):
    return lambda world: world.delete(name)


def build(*arguments):
    return lambda world: world.build(*arguments)


def in_turn(*steps):
    def run(world):
        for step in steps:
            step(world)

    return run


def keep_cache(world):
    shutil.copytree(world.path / ".snakemake", world.path.parent / "cache")


def new_version(world):
    world.replace(ENGINE, '"0.9.2"]', '"0.9.2", "0.9.3"]')
    world.replace(ENGINE, "surfaces:", '  "0.9.3": wheel-9999\nsurfaces:')
    world.append(ENGINE, '  "0.9.3": [model]\n')


def removed_version(world):
    world.replace(ENGINE, '["0.9.1", "0.9.2"]', '["0.9.2"]')


def reformatted(world):
    world.replace("scripts/toy/corpus.py", "dump({", "dump(\n    {")
    world.replace("scripts/toy/corpus.py", '"rules": file', '# the rules\n        "rules":    file')


@dataclass(frozen=True)
class Scenario:
    """An edit before the commit that is cloned, an edit in the clone, and what follows."""

    before: Callable | None = None
    after: Callable | None = None
    stale: Callable = lambda follow: set()
    reason: str = ""


PIN = edit(ENGINE, "wheel-1111", "wheel-4444")
SCENARIOS = {
    "nothing": Scenario(),
    "pin of one version changed": Scenario(
        PIN, stale=lambda f: f("source", V091), reason="part.pins as built '"
    ),
    "surfaces of one version changed": Scenario(
        edit(ENGINE, '"0.9.1": [model, dtype]', '"0.9.1": [model]'),
        stale=lambda f: f("schema", V091),
        reason="part.surfaces as built '",
    ),
    "unused part of an engine's file": Scenario(edit(ENGINE, "not used by", "# comment\nnote2: not used by")),
    "version added": Scenario(new_version, stale=lambda f: f("source", [("vllm", "0.9.3")])),
    "version removed": Scenario(
        removed_version,
        stale=lambda f: {"results/report.md", "docs/coverage.md"},
        reason="Set of input files has changed",
    ),
    "edited and rebuilt": Scenario(in_turn(PIN, build())),
    "rebuilt half way": Scenario(
        in_turn(PIN, build("--until", "source")),
        stale=lambda f: f("schema", V091),
        reason="Updated input files: results/vllm/0.9.1/source.json",
    ),
    "output edited": Scenario(
        after=edit(CORPUS, "temperature >= 0", "temperature >= 1"),
        stale=lambda f: f("corpus", V091),
        reason=f"{CORPUS} edited by hand (as built sha256:",
    ),
    "leaf output edited": Scenario(after=add(PERF, "9,9\n"), stale=lambda f: {PERF, "results/report.md"}),
    "output edited and committed": Scenario(add(PERF, "9,9\n"), stale=lambda f: {PERF, "results/report.md"}),
    "one of two outputs edited": Scenario(
        after=add("results/vllm/0.9.1/names.txt", "x\n"), stale=lambda f: f("schema", V091)
    ),
    "output beside sources edited": Scenario(
        after=add("docs/coverage.md", "x\n"), stale=lambda f: {"docs/coverage.md"}, reason="edited by hand"
    ),
    "source beside outputs edited": Scenario(after=add("docs/about.md", "x\n")),
    "output deleted": Scenario(delete(PERF), stale=lambda f: {PERF, "results/report.md"}),
    "sidecar deleted": Scenario(
        delete(f"{CORPUS}.prov.json"),
        stale=lambda f: f("corpus", V091),
        reason=f"{CORPUS}: no provenance",
    ),
    "code of a module that one rule uses": Scenario(
        edit("scripts/toy/lib/gpu.py", "i + 1", "i + 2"),
        stale=lambda f: f("bench"),
        reason="code of toy/lib/gpu.py (",
    ),
    "code of a module that all rules use": Scenario(
        edit("scripts/toy/lib/files.py", "indent=1", "indent=2"), stale=lambda f: f("source")
    ),
    "code of a module that is imported late": Scenario(
        edit("scripts/toy/lib/discover.py", "sorted(surface)", "sorted(surface)[::-1]"),
        stale=lambda f: f("schema"),
        reason="code of toy/lib/discover.py (",
    ),
    "comment in a module": Scenario(add("scripts/toy/lib/files.py", "# a comment\n")),
    "docstring of a module": Scenario(edit("scripts/toy/lib/files.py", '"""Small', '"""Very small')),
    "code of an entry module": Scenario(
        add("scripts/toy/corpus.py", "print('changed')\n"), stale=lambda f: f("corpus")
    ),
    "entry module formatted": Scenario(reformatted),
    "data file of the code": Scenario(
        add("config/template.md", "more\n"),
        stale=lambda f: {"results/report.md"},
        reason="code of config/template.md (",
    ),
    "configured param": Scenario(
        edit("config/config.json", '"repeats": 3', '"repeats": 5'),
        stale=lambda f: f("bench"),
        reason="repeats as built 3, now 5",
    ),
    "params swapped": Scenario(
        edit("config/config.json", '"repeats": 3, "warmup": 1', '"repeats": 1, "warmup": 3'),
        stale=lambda f: f("bench"),
        reason="repeats as built 3, now 1; warmup as built 1, now 3",
    ),
    "text of a shell command": Scenario(
        edit("rules/stages.smk", "python -m toy.bench", "python -B -m toy.bench"),
        stale=lambda f: f("bench"),
        reason="Code has changed",
    ),
    "digest of a container": Scenario(
        edit("rules/stages.smk", "sha256:aaaa", "sha256:bbbb"),
        stale=lambda f: f("bench"),
        reason="Software environment definition has changed",
    ),
    "input file": Scenario(
        add("config/rules.txt", "\n"),
        stale=lambda f: f("corpus"),
        reason="Updated input files: config/rules.txt",
    ),
    "cache of an older build restored": Scenario(
        in_turn(keep_cache, PIN, build()),
        after=lambda world: shutil.copytree(world.path.parent.parent / "cache", world.path / ".snakemake"),
    ),
}


@pytest.fixture(scope="module")
def prepared(origin, tmp_path_factory):
    """The clone of a scenario, made once for all patterns of mtimes."""
    clones = {}

    def prepare(name):
        if name not in clones:
            scenario, folder = SCENARIOS[name], tmp_path_factory.mktemp("scenario")
            upstream = origin.clone(folder / "upstream")
            if scenario.before:
                upstream.build() if name.startswith("cache") else None
                scenario.before(upstream)
            upstream.commit()
            clone = upstream.clone(folder / "some" / "where" if not scenario.after else folder / "a" / "b")
            if scenario.after:
                scenario.after(clone)
            clones[name] = clone
        return clones[name]

    return prepare


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SCENARIOS]
)
def test_exactly_what_is_stale_is_listed(name, pattern, prepared, artefacts):
    scenario, clone = SCENARIOS[name], prepared(name)
    clone.date(pattern)
    found = clone.stale()
    assert set(found) == scenario.stale(artefacts)
    assert not found or scenario.reason in "\n".join(found.values())
    if not name.startswith("cache"):
        shutil.rmtree(clone.path / ".snakemake")


def test_the_matrix_is_not_thinned_out():
    assert len(SCENARIOS) >= 21 and len(PATTERNS) == 5
    assert Path(__file__).with_name("world").is_dir()
