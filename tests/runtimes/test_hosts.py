"""What a machine can run, and what is missing: told without failing where nothing is there."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from atlas.canonical import sha256_file
from atlas.engines.load import load_cell
from atlas.environment.lane import container_lane
from atlas.environment.runtimes.build import reference_of
from atlas.environment.runtimes.doctor import examine_host
from atlas.environment.runtimes.hosts import needs, takes
from atlas.environment.runtimes.images import load_image
from atlas.environment.runtimes.owner import is_gone, owner
from atlas.environment.runtimes.tables import print_environments
from atlas.environment.runtimes.verdict import judge
from atlas.errors import UnavailableError
from atlas.source.command import build_source

sys.path.insert(0, str(Path(__file__).parent))
from toy import PYTHON, toy_spec, write_project

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


def test_the_commands_of_the_document_run(nothing):
    text = (ROOT / "docs/environments.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    commands = [line.partition(" #")[0].split() for block in blocks for line in block.splitlines()]
    assert len(commands) == 2
    for command in commands:
        assert command[0] == "atlas"
        assert run(*command[1:]).stdout


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A project with an engine that works, in a virtual environment or in an image."""
    spec = toy_spec(image={"reference": "a/b:1"})
    write_project(tmp_path, spec, **{"envs/images.json": json.dumps(LOCK)})
    monkeypatch.setenv("ATLAS_ROOT", str(tmp_path))
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    return tmp_path


LOCK = {
    "format_version": 1,
    "images": {
        "a/b:1": {
            "index": "sha256:" + "1" * 64,
            "platforms": {"linux/amd64": {"manifest": "sha256:" + "2" * 64, "config": "sha256:" + "3" * 64}},
        }
    },
}


MIB, GIB = 1 << 20, 1 << 30


def sized(root: Path) -> None:
    """A lock of which it is known what it takes."""
    lock = {"file": "envs/toy.txt", "digest": sha256_file(root / "envs/toy.txt")}
    takes = {"fetch_bytes": MIB, "disk_bytes": 5 * MIB}
    made_for = {"python": PYTHON, "platform": f"{platform.machine()}-manylinux_2_28"}
    document = {"format_version": 1, "lock": lock, **made_for, **takes, "wheels": {"a.whl": takes}}
    (root / "envs/toy.size.json").write_text(json.dumps(document))


def taken(root: Path):
    (need,) = needs(root)
    assert not need.present
    return need.fetch_bytes, need.disk_bytes, takes(need)


def test_what_an_environment_takes_is_told_before_it_is_made(nothing, toy, monkeypatch, capsys):
    assert taken(toy) == (None, None, "")
    sized(toy)
    assert taken(toy) == (MIB, 5 * MIB, "1 MiB to fetch, 5 MiB on disk")
    monkeypatch.setenv("COLUMNS", "200")
    assert print_environments(toy, None, None, offline=True, probe=False, as_json=False) == 0
    assert "no, 1 MiB to fetch, 5 MiB on disk" in capsys.readouterr().out
    findings = {one.subject: one for one in examine_host(toy)}
    assert findings["toy 1.0"].level == "ok" and "5 MiB on disk" in findings["toy 1.0"].what
    monkeypatch.setattr("atlas.environment.runtimes.hosts._free", lambda _: 4 * MIB)
    findings = {one.subject: one for one in examine_host(toy)}
    assert findings["toy 1.0"].level == "missing" and "4 MiB are free" in findings["toy 1.0"].what


def test_what_an_image_takes_is_told_before_it_is_here(nothing, toy, monkeypatch):
    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    assert taken(toy) == (None, None, "")
    lock = json.loads((toy / "envs/images.json").read_text())
    lock["images"]["a/b:1"]["platforms"]["linux/amd64"]["bytes"] = 3 * GIB
    (toy / "envs/images.json").write_text(json.dumps(lock))
    assert taken(toy) == (3 * GIB, None, "3.0 GiB to fetch")

    own = {"dockerfile": "containers/Dockerfile.toy", "base": "a/b:1"}
    write_project(toy, toy_spec(image=own), **{"containers/Dockerfile.toy": "FROM base"})
    assert taken(toy) == (None, None, "")
    sized(toy)
    both = "3.0 GiB to fetch, at least 3.0 GiB on disk"
    assert taken(toy) == (3 * GIB + MIB, 3 * GIB + 5 * MIB, both)
    file = reference_of(load_cell(toy, "toy", "1.0"), load_image(toy, "toy", "1.0")).file
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(2 * MIB))
    assert taken(toy) == (0, 2 * MIB, "nothing to fetch, at least 2 MiB on disk")


def verdict(root: Path):
    cell = load_cell(root, "toy", "1.0")
    source = root / "results/toy/1.0/source.json"
    build_source(cell, source)
    return judge(cell, source)


def test_the_verdict_about_an_environment_is_data(nothing, toy, monkeypatch):
    monkeypatch.chdir(toy)
    fine = verdict(toy)
    assert (fine.verdict, fine.misses, fine.reason) == ("pass", {}, None)
    assert fine.fingerprint.startswith("sha256:")

    (toy / "tree/toy/__init__.py").write_text("import torch\n")
    bad = verdict(toy)
    assert bad.verdict == "fail"
    assert bad.misses == {"toy.Config": "ModuleNotFoundError: No module named 'torch'"}
    assert bad.fingerprint != fine.fingerprint

    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    none = verdict(toy)
    assert none.verdict == "infra_error"
    assert "no container engine answers" in none.reason


def test_auto_takes_the_virtual_environment_where_no_container_engine_is(nothing, toy, monkeypatch):
    monkeypatch.setenv("ATLAS_RUNTIME", "auto")
    monkeypatch.setenv("PATH", "/nowhere")
    assert container_lane(load_cell(toy, "toy", "1.0")) is None


def test_an_image_counts_by_its_digest_whatever_runs_it(toy, monkeypatch):
    cell = load_cell(toy, "toy", "1.0")
    for name in ("docker", "podman", "apptainer"):
        monkeypatch.setenv("ATLAS_RUNTIME", name)
        found = container_lane(cell)
        assert found.digest() == "sha256:" + "2" * 64
        assert found.document() == {"digest": found.digest(), "reference": "a/b", "made_from": {}}


def test_an_engine_that_needs_a_gpu_is_not_run_without(toy, monkeypatch):
    file = toy / "engine_versions/toy.yaml"
    spec = json.loads(file.read_text())
    spec["environments"]["image"] = [{"reference": "a/b:1", "gpu": "required"}]
    file.write_text(json.dumps(spec))
    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    monkeypatch.setattr("atlas.environment.runtimes.gpu.vendors_here", list)
    with pytest.raises(UnavailableError, match="needs a GPU, and this machine shows none"):
        container_lane(load_cell(toy, "toy", "1.0")).runtime(())
