"""`atlas stale`, `orphans`, `build` and `reproduce`, with the Snakemake that a user would run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from atlas.canonical import sha256_file
from atlas.errors import BuildError, InputError
from atlas.outcome import OutcomeCommand
from atlas.provenance.build import build
from atlas.provenance.ladder import behind, plan, reports
from atlas.provenance.orphans import run_orphans
from atlas.provenance.reproduce import run_reproduce
from atlas.provenance.stale import run_stale, stale
from atlas.provenance.verdict import Job, Reason, Verdict, ask

FORMS = Path(__file__).resolve().parents[2] / "config/schemas/cli"
SCHEMA, OUTCOME = (
    Draft202012Validator(json.loads((FORMS / f"{name}.schema.json").read_text()))
    for name in ("stale", "outcome")
)
PERF = "results/vllm/0.9.1/perf.csv"
SOURCE = "results/vllm/0.9.2/source.json"


def reproduce(world, engine=None, version=None, everything=False, keep=False):
    return run_reproduce(world.path, engine=engine, version=version, everything=everything, keep=keep)


def as_json(capfd, run, name, code):
    """The outcome of a command that does this, and what it said beside."""
    command = OutcomeCommand(name, callback=run)
    assert command.main(["--json"], standalone_mode=False, prog_name=f"atlas {name}") == code
    said = capfd.readouterr()
    record = json.loads(said.out)
    OUTCOME.validate(record)
    assert (record["command"], record["exit_code"]) == (name, code)
    return record, said.err


# stale, orphans


def test_nothing_stale_is_said_and_exits_0(world, capsys):
    assert run_stale(world.path) == 0
    assert capsys.readouterr().out == "nothing is stale: 17 artefacts\n"


def test_stale_lists_artefacts_reasons_and_what_changed(world, artefacts, capsys):
    world.replace("scripts/toy/lib/gpu.py", "i + 1", "i + 2")
    world.append(SOURCE, "\n")
    world.append("config/rules.txt", "x\n")
    (world.path / "results/old").mkdir()
    (world.path / "results/old/x.json").write_text("1")
    assert run_stale(world.path) == 1
    rows = capsys.readouterr().out
    assert "toy/lib/gpu.py (" in rows
    assert "edited by hand" in rows and "on disk sha256:" in rows
    assert "config/rules.txt as built sha256:" in rows
    assert "results/old/x.json: no rule makes it" in rows

    assert run_stale(world.path, as_json=True) == 1
    value = json.loads(capsys.readouterr().out)
    SCHEMA.validate(value)
    assert set(value) == {"stale", "orphans", "skipped"} and set(value["orphans"][0]) == {"path", "why"}
    assert {row["artefact"] for row in value["stale"]} == set(world.stale())
    row = {row["artefact"]: row for row in value["stale"]}[PERF]
    assert set(row) == {"artefact", "rule", "reason", "changed", "changes"}
    assert row["rule"] == "bench" and row["reason"] == "code, follows"
    assert set(row["changes"][0]) == {"kind", "what", "before", "now"}


def test_a_workflow_that_cannot_be_read_is_an_error_with_what_snakemake_said(world):
    world.append("Snakefile", "rule broken\n")
    with pytest.raises(BuildError, match="Syntax") as caught:
        stale(world.path)
    assert caught.value.exit_code == 2


def test_without_the_hook_there_is_no_verdict(world):
    world.replace("rules/common.smk", "sidecar.install(", "dict(")
    world.replace("Snakefile", "        provenance_in_use,\n", "")
    with pytest.raises(BuildError, match="does not use the committed provenance"):
        ask(world.path)


def test_a_version_that_is_no_longer_tracked_leaves_orphans(world, capsys):
    assert run_orphans(world.path) == 0
    world.replace("engine_versions/vllm.yaml", '["0.9.1", "0.9.2"]', '["0.9.2"]')
    (world.path / "docs/gone.md.prov.json").write_text("{}")
    (world.path / "results/.x.tmp").write_text("")
    assert run_orphans(world.path) == 1
    lines = capsys.readouterr().out.splitlines()[-13:]
    assert lines[0] == "12 orphans, to be removed:"
    assert "  results/vllm/0.9.1/perf.csv: no rule makes it" in lines
    assert "  docs/gone.md.prov.json: sidecar of an artefact that no rule makes" in lines
    assert "  results/.x.tmp: left by an interrupted write" in lines


# build


def test_what_comes_out_the_same_further_down_is_told(world, capfd):
    world.replace("scripts/toy/corpus.py", "schema, rules,", "unused = 1\nschema, rules,")
    record, err = as_json(capfd, lambda: build(world.path, cores=2), "build", 0)
    assert "built 3 of 7 stale; 4 need not be" in err
    assert record["answer"] == {"same": 4, "failed": [], "skipped": [], "waiting": []}
    written = {one["path"]: one["digest"] for one in record["outputs"]}
    assert len(written) == 3 and all(digest == sha256_file(Path(path)) for path, digest in written.items())
    assert world.stale() == {}


def test_an_artefact_that_comes_out_the_same_drags_nothing_along(world, capfd):
    world.replace("scripts/toy/source.py", "pin =", "unused = 1\npin =")
    assert len(world.stale()) == 17
    before = world.mtimes()
    assert build(world.path, cores=2) == 0
    written = {name for name, mtime in world.mtimes().items() if before[name] != mtime}
    sources = list(world.path.glob("results/*/*/source.json"))
    assert written == {str(path) for path in sources} | {f"{path}.prov.json" for path in sources}
    assert "built 3 of 3 stale" in capfd.readouterr().err
    assert world.stale() == {}


def test_what_is_built_anyway_is_built_together(world, capfd):
    world.replace("scripts/toy/lib/files.py", "indent=1", "indent=2")
    assert build(world.path, cores=2) == 0
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if line.endswith("to build")] == [
        "source: 3 to build",  # what is wanted may depend on what is found
        "schema, coverage, corpus, bench, report: 11 to build",
    ]
    assert world.stale() == {}


def test_nothing_stale_needs_no_run(world, capfd):
    assert build(world.path) == 0
    assert capfd.readouterr().err == "nothing is stale: 17 artefacts\n"


def test_by_force_everything_is_built_and_no_byte_differs(world):
    before = world.mtimes()
    assert build(world.path, cores=2, force=True) == 0
    assert world.changed() == set()
    after = world.mtimes()
    built = [path for path in world.path.glob("results/*/*/*") if not path.name.endswith(".prov.json")]
    assert all(after[str(path)] != before[str(path)] for path in built)


def test_only_asked_for_targets_are_built(world):
    world.replace("scripts/toy/lib/gpu.py", "i + 1", "i + 2")
    assert build(world.path, cores=1, targets=[PERF], extra_args=["--nocolor"]) == 0
    assert set(world.stale()) == {
        "results/sglang/0.4.7/perf.csv",
        "results/vllm/0.9.2/perf.csv",
        "results/report.md",
    }


def test_after_a_failure_others_go_on_and_the_report_has_the_last_good(world, capfd):
    world.replace("engine_versions/vllm.yaml", "wheel-2222", "wheel-2222-x")
    world.replace("engine_versions/vllm.yaml", "wheel-1111", "wheel-1111-x")
    world.replace("scripts/toy/source.py", "files.dump", 'assert version != "0.9.1", "not found"\nfiles.dump')
    old = {name: text for name, text in world.contents().items() if "0.9.1/" in name}
    record, err = as_json(capfd, lambda: build(world.path, cores=2), "build", 2)
    assert {name: world.contents()[name] for name in old} == old
    (failed,) = record["answer"]["failed"]
    assert failed == {
        "rule": "source",
        "outputs": ["results/vllm/0.9.1/source.json"],
        "logs": ["logs/source/vllm/0.9.1.log"],
    }
    assert [PERF] in [one["outputs"] for one in record["answer"]["waiting"]]
    assert "AssertionError: not found" in err
    assert "failed: results/vllm/0.9.1/source.json (see logs/source/vllm/0.9.1.log)" in err
    assert f"waits for what failed: {PERF}" in err
    assert "results/report.md" in world.changed()
    left = world.stale()
    assert "results/vllm/0.9.2/perf.csv" not in left and PERF in left
    assert set(left) >= {"results/vllm/0.9.1/source.json", "results/report.md"}


def test_reports_are_made_even_if_a_new_cell_has_no_artefact_yet(world):
    world.replace("engine_versions/vllm.yaml", '"0.9.2"]', '"0.9.2", "0.9.3"]')
    world.replace("engine_versions/vllm.yaml", "surfaces:", '  "0.9.3": wheel-9999\nsurfaces:')
    world.append("engine_versions/vllm.yaml", '  "0.9.3": [model]\n')
    world.append("config/template.md", "More.\n")
    world.replace(
        "scripts/toy/bench.py", "corpus, repeats", 'assert "0.9.3" not in sys.argv[1]\ncorpus, repeats'
    )
    world.build("--keep-going", "results/vllm/0.9.1/perf.csv", "results/vllm/0.9.2/perf.csv")
    assert build(world.path, cores=2) == 2
    report = (world.path / "results/report.md").read_text()
    assert "More." in report and "0.9.2" in report and "0.9.3" not in report
    assert "0.9.3" in (world.path / "docs/coverage.md").read_text()
    assert "results/report.md" in world.stale()


def test_ctrl_c_ends_the_build_the_jobs_and_the_lock(world):
    world.replace(
        "rules/stages.smk", "python -m toy.source", "python -m toy.pause logs/running && python -m toy.source"
    )
    program = "from pathlib import Path; from atlas.provenance.build import build; build(Path.cwd(), 1)"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=world.path,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while not (world.path / "logs/running").exists():
        assert process.poll() is None
        time.sleep(0.05)
    before = world.contents()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    assert world.contents() == before
    assert not list(world.path.glob(".snakemake/locks/*"))


# the ladder


def job(rule, *needs, reason=None, stale=True):
    reasons = (Reason(reason or "upstream", "x"),) if stale else ()
    return Job(rule, (rule,), (), stale, False, reasons, needs)


@pytest.mark.parametrize(
    ("jobs", "runs"),
    [
        ([job("a", reason="code"), job("b", 0), job("c", 1)], [["a"], ["b"], ["c"]]),
        ([job("a", reason="code"), job("b", 0, reason="code"), job("c", 1)], [["a", "b"], ["c"]]),
        ([job("a", reason="code"), job("b", stale=False), job("c", 1, reason="input")], [["a", "c"]]),
        ([job("a", reason="code"), job("b", 0, stale=False), job("c", 1)], [["a"], ["c"]]),
        ([job("a", stale=False)], []),
    ],
)
def test_rules_share_a_run_where_nothing_can_be_cut_off(jobs, runs):
    verdict = Verdict(tuple(dict.fromkeys(job.rule for job in jobs)), tuple(jobs), (), (), ())
    assert plan(verdict, {n for n, job in enumerate(jobs) if job.stale}) == runs


def test_reports_bring_jobs_together_at_the_end_of_the_dag():
    jobs = (job("a"), job("a"), job("b", 0), job("c", 0, 1), job("d", 3))
    verdict = Verdict(("a", "b", "c", "d"), jobs, (), (), ())
    assert reports(verdict) == set()
    assert reports(Verdict(("a", "b", "c"), jobs[:4], (), (), ())) == {"c"}
    assert behind(verdict, {0}) == {2, 3, 4}


# reproduce


def test_current_versions_are_made_again_and_are_identical(world, capsys):
    assert reproduce(world) == 0
    out = capsys.readouterr().out
    assert "10 of 10 artefacts are identical" in out
    assert "vllm 0.9.2" in out and "vllm 0.9.1" not in out
    assert world.changed() == set()


def test_what_differs_is_shown_and_exits_1(world, capsys, monkeypatch):
    world.replace("results/vllm/0.9.1/schema.json", '"model"', '"modell"')
    shutil.rmtree(world.path / ".git")  # a tree without git is copied as well
    assert reproduce(world, engine="vllm", version="0.9.1") == 1
    out = capsys.readouterr().out
    assert "DIFFERS" in out and '-  "modell"' in out and '+  "model"' in out


def test_what_cannot_be_built_exits_2_and_leaves_the_working_tree_alone(world, capfd):
    world.replace(
        "scripts/toy/bench.py", "corpus, repeats", 'assert "0.4.7" not in sys.argv[1]\ncorpus, repeats'
    )
    before = world.contents()
    record, err = as_json(capfd, lambda: reproduce(world, everything=True), "reproduce", 2)
    assert "could not be built: results/sglang/0.4.7/perf.csv" in err
    assert "AssertionError" in err
    assert "results/sglang/0.4.7/perf.csv" in record["answer"]["not_built"]
    assert record["answer"]["skipped"] == [] and {
        one["identical"] for one in record["answer"]["compared"]
    } == {True}
    assert world.contents() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "vlm"}, "there are: sglang, vllm"),
        ({"engine": "vllm", "version": "9"}, "there are: 0.9.1, 0.9.2"),
        ({"version": "0.9.1"}, "--version needs --engine"),
    ],
)
def test_a_cell_that_is_not_tracked_is_named(world, options, words):
    with pytest.raises(InputError, match=words):
        reproduce(world, **options)
