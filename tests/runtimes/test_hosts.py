"""What a machine can run, and what is missing: told without failing where nothing is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from atlas.environment.runtimes.owner import is_gone, owner

ATLAS = Path(sys.executable).with_name("atlas")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def nothing(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/d.sock")
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere/p.sock")
    monkeypatch.setenv("ATLAS_ROOT", str(ROOT))


def run(*arguments: str, code: int = 0):
    done = subprocess.run([ATLAS, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def valid(name: str, text: str) -> dict:
    document = json.loads(text)
    schema = json.loads((ROOT / f"config/schemas/cli/{name}.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def test_environments_and_doctor_are_told_where_no_container_engine_is(nothing):
    found = valid("environments", run("environments", "--offline", "--json").stdout)
    reasons = {one["name"]: one["reason"] for one in found["runtimes"]}
    assert reasons["venv"] is None and "no container engine answers" in reasons["docker"]
    assert {one["engine"] for one in found["engines"]} >= {"transformers", "vllm"}
    findings = valid("doctor", run("doctor", "--json").stdout)["findings"]
    assert [one["level"] for one in findings if one["subject"] == "docker"] == ["note"]


def test_what_is_set_and_not_there_is_missing_with_its_remedy(nothing, monkeypatch):
    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    findings = valid("doctor", run("doctor", "--json", code=1).stdout)["findings"]
    docker = next(one for one in findings if one["subject"] == "docker")
    assert docker["level"] == "missing" and "apt-get install" in docker["remedy"]
    shown = run("environments", "--offline").stdout
    assert "transformers" in shown and "runtime" in shown


def test_an_engine_that_is_not_tracked_is_refused(nothing):
    assert "no version in full" in run("environments", "--engine", "nope", "--offline", code=4).stderr


def test_an_owner_is_gone_when_its_process_is():
    here = owner()
    assert not is_gone(here)
    host, pid, started = here.split("/")
    assert is_gone(f"{host}/{pid}/{int(started) + 1}")
    assert not is_gone(f"another-machine/{pid}/1")
    assert not is_gone("") and not is_gone("a/b/c")
