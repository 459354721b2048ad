"""What a machine cannot make: left as it is with the reason, and all else is made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from atlas.provenance.build import build
from atlas.provenance.stale import run_stale
from atlas.provenance.verdict import ask

FORM = Path(__file__).resolve().parents[2] / "config/schemas/cli/stale.schema.json"
MINE = "results/vllm/0.9.1"
SCHEMA = f"{MINE}/schema.json"
REASON = "it needs a moon"
WAIT = {f"{MINE}/perf.csv", "results/report.md", "docs/coverage.md"}
"""What is made from it, and not in a job that reads it itself."""


@pytest.fixture
def earth(world):
    """A machine on which the schema of one cell cannot be read; `corpus` of the same cell uses it."""
    world.append("Snakefile", f'\nsidecar.skip({{"{SCHEMA}": "{REASON}"}})\n')
    return world


def told(output: str) -> tuple[dict[str, str], set[str]]:
    """What was skipped, with the reasons, and what waits for it."""
    skipped = dict(re.findall(r"^skipped: (\S+): (.+)$", output, re.M))
    return skipped, set(re.findall(r"^waits for what was skipped: (\S+)$", output, re.M))


def edit(world) -> None:
    """Every schema is stale, and comes out otherwise."""
    world.replace("scripts/toy/schema.py", '"fields": fields', '"fields": fields, "more": 1')


SKIPPED = {SCHEMA: REASON, f"{MINE}/corpus.json": REASON}


def test_what_cannot_be_made_is_skipped_with_its_reason_and_all_else_is_made(earth, artefacts):
    edit(earth)
    before = earth.mtimes()
    status, output = earth.snakemake("-c2")
    assert status == 0, output
    assert told(output) == (SKIPPED, WAIT)
    kept = {SCHEMA, f"{MINE}/names.txt", f"{MINE}/corpus.json", *WAIT}
    made = {name for name, mtime in earth.mtimes().items() if before[name] != mtime}
    others = artefacts("schema") - kept
    assert made == {str(earth.path / f"{name}{end}") for name in others for end in ("", ".prov.json")}
    assert {output for job in ask(earth.path).stale() for output in job.outputs} == kept


def test_a_dry_run_lists_what_would_be_run_and_tells_what_would_not(earth, artefacts):
    edit(earth)
    status, output = earth.snakemake("-n")
    assert status == 0
    assert told(output) == (SKIPPED, WAIT)
    assert set(earth.stale()) == artefacts("schema") - {*SKIPPED, f"{MINE}/names.txt", *WAIT}
    assert earth.changed() == {"Snakefile", "scripts/toy/schema.py"}


def test_a_target_that_cannot_be_made_is_no_failure(earth):
    earth.replace("engine_versions/vllm.yaml", '"0.9.1": [', '"0.9.1": [ttft, ')
    for arguments in (["-n"], ["-c1"], ["-c1", "--force"]):
        status, output = earth.snakemake(*arguments, "--", SCHEMA)
        assert status == 0 and "Nothing to be done" in output
        assert told(output) == ({SCHEMA: REASON}, set())
    earth.delete(SCHEMA)
    assert earth.snakemake("-c1", "--", SCHEMA)[0] == 0
    assert not (earth.path / SCHEMA).exists()


def test_what_uses_it_in_the_same_folder_cannot_be_made_either(earth):
    earth.append("config/rules.txt", "x\n")
    status, output = earth.snakemake("-n")
    assert status == 0
    assert told(output)[0] == {f"{MINE}/corpus.json": REASON}


def test_where_it_is_fresh_nothing_is_said_and_all_is_made(earth):
    assert told(earth.build("-n")) == ({}, set())
    earth.append("config/template.md", "x\n")
    earth.append("results/sglang/0.4.7/schema.json", " ")
    output = earth.build()
    assert told(output) == ({}, set())
    assert earth.stale() == {}


def test_what_a_person_accepts_is_not_skipped(earth):
    earth.append(SCHEMA, " ")
    assert earth.snakemake("-c1", "--touch", "--", SCHEMA)[0] == 0
    assert earth.stale("--", SCHEMA) == {}


def test_where_jobs_go_elsewhere_only_local_rules_are_skipped(earth):
    earth.replace("Snakefile", f'"{REASON}"}})', f'"{REASON}"}}, elsewhere=True)')
    edit(earth)
    assert told(earth.build("-n")) == ({}, set())
    earth.append("Snakefile", "\nlocalrules: schema\n")
    assert told(earth.build("-n"))[0] == {SCHEMA: REASON}


def test_stale_lists_it_and_says_that_it_is_skipped_here(earth, capsys):
    edit(earth)
    assert run_stale(earth.path) == 1
    lines = capsys.readouterr().out.splitlines()
    skipped = [*SKIPPED, f"{MINE}/names.txt"]
    assert {f"skipped here: {name}: {REASON}" for name in skipped} <= set(lines)
    assert any(line.startswith(SCHEMA) for line in lines)

    assert run_stale(earth.path, as_json=True) == 1
    value = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads(FORM.read_text())).validate(value)
    assert {(one["artefact"], one["reason"]) for one in value["skipped"]} == {(n, REASON) for n in skipped}


def test_a_build_skips_it_and_makes_the_reports_from_what_there_is(earth, capfd):
    edit(earth)
    before = earth.contents()
    assert build(earth.path, cores=2) == 0
    assert told(capfd.readouterr().err)[0] == SKIPPED
    now = earth.contents()
    assert now[SCHEMA] == before[SCHEMA]
    assert {SCHEMA, f"{MINE}/corpus.json", "docs/coverage.md"} <= {
        output for job in ask(earth.path).stale() for output in job.outputs
    }
