"""What live rules ask of the plan where engines are run in images: the container, and GPUs."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas import workflow
from atlas.environment.runtimes import gpu
from atlas.workflow import PROJECT_IMAGE, Plan

ROOT = Path(__file__).resolve().parents[2]
CELL = SimpleNamespace(engine="toy", version="1.0")
DIGEST = "sha256:" + "1a" * 32
NAME = "registry.example/team/engine"


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """The plan of a project whose one engine has such an image, with a runtime set."""

    def make(runtime: str, **image) -> Plan:
        spec = {
            "format_version": 1,
            "engine": "toy",
            "library": {"name": "toy", "current_version": "1.0"},
            "packages": ["toy"],
            "sources": [{"kind": "sdist"}],
            "environments": {"venv": [{"python": "3.11"}], "image": [image]},
            "surfaces": {"engine_params": [{"class": "toy.Args"}]},
        }
        (tmp_path / "engine_versions").mkdir()
        (tmp_path / "engine_versions/toy.yaml").write_text(json.dumps(spec))
        shutil.copytree(ROOT / "config", tmp_path / "config")
        platforms = {"linux/amd64": {"manifest": DIGEST, "config": DIGEST}}
        platforms["linux/arm64"] = platforms["linux/amd64"]
        lock = {"format_version": 1, "images": {f"{NAME}:v1.0": {"index": DIGEST, "platforms": platforms}}}
        (tmp_path / "envs").mkdir()
        (tmp_path / "envs/images.json").write_text(json.dumps(lock))
        monkeypatch.setenv("ATLAS_RUNTIME", runtime)
        return Plan.load(tmp_path)

    return make


@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer"])
def test_the_container_of_a_live_job_is_its_engines_image_by_digest_whatever_runs_it(planned, runtime):
    plan = planned(runtime, reference=f"{NAME}:v{{version}}")
    assert plan.container(CELL) == f"docker://{NAME}@{DIGEST}"


def test_with_virtual_environments_it_is_the_projects(planned):
    assert planned("venv", reference=f"{NAME}:v{{version}}").container(CELL) == PROJECT_IMAGE
    assert f'container: "{PROJECT_IMAGE}"' in (ROOT / "Snakefile").read_text()


def test_a_sif_is_named_as_it_is_and_one_that_is_not_resolved_leaves_it_to_the_job_to_say_so(planned):
    plan = planned("apptainer", sif="containers/toy.sif")
    (plan.root / "containers").mkdir()
    (plan.root / "containers/toy.sif").write_bytes(b"x")
    assert plan.container(CELL) == "containers/toy.sif"
    spec = plan.root / "engine_versions/toy.yaml"
    spec.write_text(spec.read_text().replace('"sif": "containers/toy.sif"', '"reference": "other/name"'))
    assert plan.container(CELL) == PROJECT_IMAGE


@pytest.mark.parametrize(
    ("runtime", "asked", "here", "expected"),
    [
        ("docker", {"gpu": "required", "gpus": 2}, False, 2),
        ("docker", {"gpu": "required"}, True, 1),
        ("docker", {"gpu": "optional", "gpus": 3}, True, 3),
        ("docker", {"gpu": "optional", "gpus": 3}, False, None),
        ("docker", {}, True, None),
        ("venv", {"gpu": "required", "gpus": 2}, True, None),
    ],
)
def test_a_live_job_asks_for_the_gpus_of_its_engine(planned, monkeypatch, runtime, asked, here, expected):
    monkeypatch.setattr(workflow, "vendors_here", lambda: [gpu.VENDORS["nvidia"]] if here else [])
    assert planned(runtime, reference=f"{NAME}:v1.0", **asked).gpus(CELL) == expected


def test_every_rule_that_uses_an_environment_has_both():
    live = 0
    for file in ROOT.glob("rules/*.smk"):
        for body in re.findall(r"^rule \w+:\n((?:    .*\n|\n)+)", file.read_text() + "\n", re.M):
            uses = re.search(r"PLAN.environment_of|image=PLAN.image_of", body)
            assert bool(uses) == ("PLAN.container" in body) == ("gpu=PLAN.gpus" in body), body
            live += bool(uses)
    assert live == 3
