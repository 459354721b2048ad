"""Jobs in the project's container, run by a real Apptainer: the artefacts and verdicts are the same."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "containers/engine-atlas.sif"
RULES = (
    *("lock", "sizes", "source", "environment", "schema", "invariants"),
    *("knowledge", "history_facts", "history", "coverage", "report"),
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("apptainer")]


@pytest.fixture(scope="module")
def image():
    """The image that `make container` built; building it takes minutes, so no test does."""
    if shutil.which("apptainer") is None:
        pytest.skip("apptainer is not installed")
    if not IMAGE.is_file():
        pytest.skip("there is no image: run `make container`")
    tried = subprocess.run(["apptainer", "exec", IMAGE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"apptainer cannot run here: {tried.stderr.strip()[-300:]}")
    return IMAGE


@pytest.fixture
def contained(world, image):
    """A toy engine, and an Apptainer that shows jobs no /tmp but an empty one of their own."""
    world.engine("toy")
    (world.root / "containers" / image.name).symlink_to(image)
    # The tests' folders lie in /tmp, which jobs see unless told otherwise: no missing bind would be noticed.
    world.extra["APPTAINER_NO_MOUNT"] = "tmp"
    for folder in ("atlas", "uv"):
        (world.cache / folder).mkdir()
    return world


def made(world) -> dict[str, bytes]:
    """All that the rules made: artefacts, locks and sidecars."""
    records = [
        p for folder in ("results", "envs", "docs") for p in (world.root / folder).rglob("*.prov.json")
    ]
    outputs = [record.with_name(record.name.removesuffix(".prov.json")) for record in records]
    return {str(file.relative_to(world.root)): file.read_bytes() for file in [*records, *outputs]}


def forget(world) -> None:
    """As before the first run: no results, no caches."""
    for file in made(world):
        (world.root / file).unlink()
    for folder in ("atlas", "uv"):
        shutil.rmtree(world.cache / folder)
        (world.cache / folder).mkdir()


def verdicts(world, *arguments: str) -> list[list[str]]:
    """The words of what a dry run says of each job and why; Snakemake itself orders files by chance."""
    done = world.snakemake("-n", *arguments)
    assert done.returncode == 0, done.stderr
    lines = re.findall(r"^(?:Job \d+:|Reason:|Nothing) *(.*)", done.stdout + done.stderr, re.MULTILINE)
    return sorted(sorted(re.split(r"[,; ]+", line)) for line in lines)


@pytest.mark.parametrize("way", [("--profile", "profiles/apptainer"), ("--sdm", "apptainer")])
def test_jobs_in_the_container_make_the_same_bytes(contained, way):
    before = verdicts(contained)
    assert len(before) == 2 * len(RULES)
    assert verdicts(contained, *way) == before

    plain = contained.snakemake()
    assert plain.returncode == 0, plain.stderr
    expected = made(contained)
    assert "results/toy/1.0/schema.discovered.json" in expected
    assert len(verdicts(contained)) == len(verdicts(contained, *way)) == 1, "nothing to be done"

    forget(contained)
    run = contained.snakemake(*way)
    assert run.returncode == 0, run.stderr
    assert (run.stdout + run.stderr).count("Activating singularity image") == len(RULES)
    assert made(contained) == expected
    assert len(verdicts(contained)) == len(verdicts(contained, *way)) == 1, "nothing to be done"


def test_the_caches_of_jobs_in_the_container_are_the_callers(contained):
    run = contained.snakemake("--profile", "profiles/apptainer")
    assert run.returncode == 0, run.stderr
    own = contained.cache / "atlas" / "apptainer"
    assert {folder.name for folder in own.iterdir()} >= {"cas", "venvs"}
    python = next(own.glob("venvs/*/bin/python"))
    assert os.readlink(python).startswith("/usr/bin/python3")
    assert not (contained.root / ".cache").exists()


def test_the_code_in_the_container_is_that_of_the_checkout(contained):
    where = 'python -c "import atlas; print(atlas.__file__)"'
    shown = contained.run(
        "apptainer", "exec", "--home", str(contained.root), "containers/engine-atlas.sif", "bash", "-c", where
    )
    assert shown.stdout.strip() == str(contained.root / "scripts/atlas/__init__.py"), shown.stderr


def test_without_apptainer_only_container_runs_fail(world):
    world.engine("toy")
    found = shutil.which("apptainer")
    if found:
        tools = [Path(p) for p in os.environ["PATH"].split(os.pathsep)]
        without = [str(p) for p in tools if not any((p / n).exists() for n in ("apptainer", "singularity"))]
        world.extra["PATH"] = os.pathsep.join([str(Path(shutil.which("snakemake")).parent), *without])
    assert verdicts(world)
    refused = world.snakemake("-n", "--sdm", "apptainer")
    assert refused.returncode != 0
    assert "apptainer or singularity command has to be available" in refused.stdout + refused.stderr
