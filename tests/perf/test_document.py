"""What docs/perf.md shows can be done, and every kind that it speaks of exists."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from atlas.perf.failure import KINDS
from atlas.perf.record import path_of
from atlas.perf.record import text as record_text
from atlas.perf.verdict import KINDS as VERDICTS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/perf.md").read_text()
LINES = [
    line.partition(" #")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S)
    for line in block.splitlines()
]
EXPENSIVE = ("make perf", "snakemake")  # measured by tests/workflow/test_perf.py on a toy engine


@pytest.fixture
def project(tmp_path):
    """The project with records of two versions, of which the newer is slower."""
    from atlas.perf.cards import Card
    from atlas.perf.record import opened

    for name in ("engine_versions", "config"):  # without what the project itself has measured
        (tmp_path / name).symlink_to(ROOT / name)
    card = Card("tiny-single", "smoke", ("smoke",), "c:1", repeats=5)
    for version, speed in (("4.57.6", 100.0), ("5.23.0", 90.0)):
        for repeat in range(1, 11):
            value = {"metric": "output_tput", "value": speed + repeat / 10, "unit": "tok/s", "n": 1}
            record = opened("transformers", version, card, repeat, "cpu-x") | {
                "status": "SUCCESS", "failure_kind": None, "failure_reason": None,
                "environment_family": "f", "machine_name": "m",
                "results": [{**value, "statistic": "value"}],
            }  # fmt: skip
            path = path_of(tmp_path, "transformers", version, "cpu-x", card.name, repeat)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(record_text(record))
    serve = {"completed": 1, "request_throughput": 1.0, "output_throughput": 2.0}
    (tmp_path / "serve.json").write_text(json.dumps(serve))
    return tmp_path


def form(name):
    return Draft202012Validator(json.loads((ROOT / f"config/schemas/cli/{name}.schema.json").read_text()))


def run(project, line):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "ATLAS_ROOT": str(project)}
    return subprocess.run(shlex.split(line), cwd=project, env=env, capture_output=True, text=True)


@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith(EXPENSIVE)])
def test_each_command_of_the_document_can_be_run(project, line):
    done = run(project, line)
    found = 1 if " compare " in line else 0  # there is a regression, and the gate says so
    assert done.returncode == found, done.stderr
    assert done.stdout


def test_the_gate_fails_on_a_confirmed_regression_alone(project):
    command = "atlas perf compare transformers==4.57.6 transformers==5.23.0"
    done = run(project, command)
    assert "tiny-single output_tput value: regression -9.9" in done.stdout
    assert run(project, f"{command} --fail-on never").returncode == 0
    assert run(project, "atlas perf compare transformers==5.23.0 transformers==4.57.6").returncode == 0
    assert run(project, "atlas perf compare transformers==5.23.0 transformers==9").returncode == 4
    (one,) = found = json.loads(run(project, f"{command} --json").stdout)
    form("perf.compare").validate(found)
    assert one["interval"][0] < one["relative_change"] < one["interval"][1] < 0
    for path in (project / "measured/transformers/5.23.0").rglob("*.json"):
        if int(path.stem) > 5:
            path.unlink()
    assert run(project, command).returncode == 0
    assert run(project, f"{command} --fail-on suspected").returncode == 1


def test_a_card_is_run_and_its_failure_is_an_exit_status_of_its_own(project):
    done = run(
        project,
        "atlas perf run --json --engine transformers --version 0.0"
        " --card tiny-single --output r.json --interval 0",
    )
    assert done.returncode == 3
    outcome = json.loads(done.stdout)
    form("outcome").validate(outcome)
    assert outcome["answer"]["failure_kind"] == "invalid_card" and outcome["outputs"][0]["path"] == "r.json"
    assert json.loads((project / "r.json").read_text())["failure_kind"] == "invalid_card"
    elsewhere = "atlas perf run --engine transformers --version 5.23.0 --card tiny-single --output s.json"
    assert run(project, f"{elsewhere} --hardware gpu-none-x9").returncode == 5
    assert not (project / "s.json").exists()


def test_a_file_that_is_no_record_keeps_no_other_out_of_the_tables(project):
    (broken,) = (project / "measured/transformers/5.23.0").rglob("3.json")
    broken.write_text("{")
    command = "atlas perf aggregate --output p.csv --latest l.csv --overview o.json"
    assert run(project, command).returncode == 1
    done = run(project, f"{command} --broken-is-a-result")
    assert done.returncode == 0 and "3.json" in done.stderr
    assert len((project / "p.csv").read_text().splitlines()) == 1 + 19
    page = run(project, "atlas perf page --output p.html o.json")
    assert page.returncode == 0 and "regression" in (project / "p.html").read_text()


def test_every_kind_of_failure_and_verdict_is_in_the_document():
    for kind in KINDS:
        assert f"`{kind}`" in TEXT
    for kind in VERDICTS:
        assert f"`{kind}`" in TEXT or kind.startswith("suspected_")
