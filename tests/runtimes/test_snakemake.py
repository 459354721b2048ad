"""The real Snakefile with engines in containers: atlas outside, or whole jobs in the engine's image."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from conftest import TOOLS

from atlas.environment.runtimes.gpu import vendors_here

WORLDS = Path(__file__).parents[1] / "workflow/conftest.py"
LIVE = ("environment.json", "schema.discovered.json", "config.schema.json", "invariants.yaml")
LIVE += ("invariants.quarantine.yaml", "invariants.coverage.json")
TARGETS = [f"results/toy/1.0/{name}" for name in LIVE]
ENVIRONMENT = TARGETS[0]
SKIPPED = r"^skipped: (\S+): it needs a GPU, and this machine shows none$"
pytestmark = pytest.mark.slow


def _worlds():
    found = importlib.util.spec_from_file_location("worlds", WORLDS)
    module = importlib.util.module_from_spec(found)
    sys.modules["worlds"] = module
    found.loader.exec_module(module)
    return module


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A copy of the project with a toy engine, whose caches are its own."""
    made = _worlds().fresh_copy(tmp_path, empty=True, folder="somewhere")
    made.engine("toy")
    yield made
    made.index.close()


@pytest.fixture
def toy(world):
    """The toy engine's files as a tree of the checkout, which may be edited."""
    for name, text in sys.modules["worlds"].TOY.items():
        (world.root / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (world.root / "tree" / name).write_text(text)
    file = world.root / "engine_versions/toy.yaml"
    file.write_text(file.read_text().replace("- kind: wheel", "- {kind: path, path: tree}"))


def built(world) -> None:
    done = world.snakemake(ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr


def set_image(world, **image) -> None:
    file = world.root / "engine_versions/toy.yaml"
    spec = yaml.safe_load(file.read_text())
    spec["environments"]["image"] = [image]
    file.write_text(json.dumps(spec))


def made(world) -> dict[str, bytes]:
    """The live artefacts and their sidecars."""
    files = [world.root / target for target in TARGETS if (world.root / target).is_file()]
    files += [file.with_name(f"{file.name}.prov.json") for file in files]
    return {file.name: file.read_bytes() for file in files}


def forget(world) -> None:
    for name in made(world):
        (world.artefact("toy", name)).unlink()


def have_ready(world) -> None:
    """`atlas images apptainer`, with the package index of this machine in place of the toy engine's."""
    env = {
        name: value
        for name, value in world.environ().items()
        if name not in ("PIP_CONFIG_FILE", "UV_DEFAULT_INDEX")
    }
    env |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    env |= {"UV_CACHE_DIR": str(TOOLS / "uv")}
    command = ["atlas", "images", "apptainer"]
    done = subprocess.run(command, cwd=world.root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def listed(world) -> set[str]:
    """The rules that a dry run would run."""
    done = world.snakemake("-n", ENVIRONMENT)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^(\w+) +\d+$", done.stdout + done.stderr, re.MULTILINE)) - {"total"}


@pytest.mark.parametrize(("kind", "targets"), [("archive", TARGETS), ("reference", TARGETS[:1])])
def test_whole_jobs_in_the_image_of_their_engine_make_what_is_made_with_atlas_outside(
    world, with_apptainer, archive, request, kind, targets
):
    source = f"base-{kind}.tar"
    if kind == "archive":
        shutil.copyfile(archive, world.root / source)
    else:
        source = f"{request.getfixturevalue('pushed')[0]}:1"
    set_image(world, **{kind: source}, python="/usr/local/bin/python3", overlay=True)
    if kind == "reference":
        done = world.run("atlas", "images", "resolve")
        assert done.returncode == 0, done.stderr
    world.extra |= {"ATLAS_RUNTIME": "apptainer", "APPTAINER_NOHTTPS": "1"}
    plain = world.snakemake(*targets)
    assert plain.returncode == 0, plain.stdout + plain.stderr
    assert "Activating singularity image" not in plain.stderr
    expected = made(world)
    container = json.loads(expected["environment.json.prov.json"])["container"]
    digest = json.loads(expected["environment.json"])["image"]["digest"]
    assert container == (
        f"containers/images/{digest[7:23]}.sif" if kind == "archive" else f"docker://{source[:-2]}@{digest}"
    )

    forget(world)
    refused = world.snakemake("--sdm", "apptainer", "--", *targets)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    missing = "could not open image" if kind == "archive" else "run `atlas images apptainer` outside"
    assert missing in said, said

    have_ready(world)

    whole = world.snakemake("--sdm", "apptainer", "--", *targets)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert (whole.stdout + whole.stderr).count("Activating singularity image") == (
        3 if kind == "archive" else 1
    )
    assert made(world) == expected
    again = world.snakemake("-n", *targets)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_the_projects_image_is_built_by_its_rule_where_what_it_is_made_of_changes(
    toy, world, pushed, with_apptainer
):
    file = "containers/Dockerfile.transformers"
    set_image(world, dockerfile=file, base=f"{pushed[0]}:1")
    done = world.run("atlas", "images", "resolve")
    assert done.returncode == 0, done.stderr
    world.extra |= {"ATLAS_RUNTIME": "docker"}
    assert {"image", "environment"} <= listed(world)
    built(world)
    first = world.load("toy", "image.json")
    assert world.load("toy", "environment.json")["image"]["digest"] == first["digest"]
    assert listed(world) == set()

    # Neither the engine's own files nor the project's code are in it.
    world.edit("tree/toyengine/config.py", "seed: int = 0", "seed: int = 1")
    code = "scripts/atlas/environment/health.py"
    before = (world.root / code).read_text()
    (world.root / code).write_text(before + "\n\nMORE = 1\n")
    assert "environment" in listed(world) and "image" not in listed(world)
    (world.root / code).write_text(before)
    built(world)

    moved = "sha256:" + "d" * 64
    edits = {
        file: ("USER 65534:65534", "USER 65534"),
        "engine_versions/toy.yaml": ('"base":', '"args": {"MAX_JOBS": "2"}, "base":'),
        "envs/images.json": (first["made_from"]["base"], moved),
    }
    for path, (old, new) in edits.items():
        world.edit(path, old, new)
        assert {"image", "environment"} <= listed(world), path
        world.edit(path, new, old)
        assert listed(world) == set(), path
    world.edit(file, "USER 65534:65534", "USER 65534")
    built(world)
    assert world.load("toy", "image.json")["digest"] != first["digest"]
    assert listed(world) == set()

    # Jobs in the image itself know it by its label: an older one does not pass for it.
    expected = made(world)
    forget(world)
    have_ready(world)
    whole = world.snakemake("--sdm", "apptainer", "--", ENVIRONMENT)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert made(world) == expected
    world.edit(file, "USER 65534", "USER 65534:65534")
    (world.root / "results/toy/1.0/image.json").write_bytes(b"{}")
    other = world.snakemake("--sdm", "apptainer", "--allowed-rules", "environment", "--", ENVIRONMENT)
    assert other.returncode != 0
    assert "which is not the image of" in other.stdout + other.stderr


def test_without_a_gpu_what_needs_one_is_skipped_and_kept_and_what_does_not_is_run(world, docker, archive):
    if vendors_here():
        pytest.skip("this machine has a GPU")
    world.engine("good")
    build(world)
    before = made(world)
    (world.root / "base.tar").symlink_to(archive)
    image = {"archive": "base.tar", "python": "/usr/local/bin/python3", "overlay": True}
    set_image(world, **image, gpu="required", gpus=2)
    world.edit("engine_versions/good.yaml", "samples: 300", "samples: 200")
    world.extra |= {"ATLAS_RUNTIME": "auto"}  # `good` has no image, and stays in its virtual environment

    stale = world.stale()
    assert {*TARGETS} | {"results/good/1.0/invariants.yaml"} <= {*stale}
    said = build(world)
    skipped = set(re.findall(SKIPPED, said, re.MULTILINE))
    assert skipped == {TARGETS[0], TARGETS[1], TARGETS[3]}, said  # the first output of each job
    assert made(world) == before
    after = world.stale()
    assert {*TARGETS} <= {*after} and "results/good/1.0/invariants.yaml" not in after

    # Snakemake alone does the same, for all and for a target, and so does its dry run.
    world.edit("engine_versions/good.yaml", "samples: 200", "samples: 250")
    for arguments in (("-n",), ("-n", ENVIRONMENT), (ENVIRONMENT,), ()):
        alone = world.snakemake(*arguments)
        assert alone.returncode == 0, alone.stdout + alone.stderr
        found = set(re.findall(SKIPPED, alone.stdout + alone.stderr, re.MULTILINE))
        assert found == ({ENVIRONMENT} if ENVIRONMENT in arguments else skipped)
    assert made(world) == before
    after = world.stale()
    assert {*TARGETS} <= {*after} and "results/good/1.0/invariants.yaml" not in after
    listed = world.run("atlas", "stale")
    assert f"skipped here: {ENVIRONMENT}: it needs a GPU, and this machine shows none" in listed.stdout

    set_image(world, **image, gpu="optional")
    built(world)
    assert world.load("toy", "environment.json")["health"]["verdict"] == "ok"


def build(world) -> str:
    done = world.run("atlas", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
