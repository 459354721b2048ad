"""Images on nodes with stores of their own: built in a job, pushed once, pulled by all at the same time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import docker
import pytest
import yaml
from image import layer, write_image
from services import Docker, Missing, Registry, apptainer

from atlas.environment.uv import find_uv
from slurm import cluster

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "{}.{}".format(*sys.version_info[:2])
TOOLS = Path(os.environ.get("ATLAS_TEST_TOOLS") or Path.home() / ".cache/engine-atlas-tests")
NODES = ("c1", "c2")
PROLOG = """#!/bin/sh
echo export DOCKER_HOST=unix://{folder}/$SLURMD_NODENAME/d.sock
"""


class Site:
    """Two nodes with a Docker each, a registry, and a project whose engine has an image of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.root = folder / "project"
        self.registry = Registry(folder / "r")
        self.dockers = {node: Docker(folder / node) for node in NODES}
        for service in (self.registry, *self.dockers.values()):
            stack.callback(service.stop)
            service.start()
        prolog = folder / "prolog"
        prolog.write_text(PROLOG.format(folder=folder))
        prolog.chmod(0o755)
        self.slurm = stack.enter_context(cluster(folder / "c", more=f"TaskProlog={prolog}\n"))
        self._project(self._base())

    def client(self, node: str) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.dockers[node].address)

    def _base(self) -> str:
        """An image of this machine's Python, in the registry, and in no node's store."""
        name, client = f"{self.registry.host}/base/python", self.client("c1")
        write_image(self.folder / "base.tar", "local/python:3.11", content=layer())
        with (self.folder / "base.tar").open("rb") as file:
            (image,) = client.images.load(file)
        image.tag(name, "3")
        for event in client.api.push(name, tag="3", stream=True, decode=True):
            assert "error" not in event, event
        client.images.remove(image.id, force=True)
        return f"{name}:3"

    def _project(self, base: str) -> None:
        spec = {
            "format_version": 1,
            "engine": "toy",
            "library": {"name": "toy", "current_version": "1.0"},
            "packages": ["toy"],
            "sources": [{"kind": "path", "path": "tree"}],
            "environments": {
                "venv": [{"python": PYTHON}],
                "image": [{"dockerfile": "containers/Dockerfile.transformers", "base": base}],
            },
            "surfaces": {"engine_params": [{"class": "toy.Config"}]},
        }
        for file, text in {
            "engine_versions/toy.yaml": yaml.safe_dump(spec),
            "envs/toy.txt": "# nothing but Python itself\n",
            "tree/toy/__init__.py": "class Config: pass\n",
            "containers/Dockerfile.transformers": (ROOT / "containers/Dockerfile.transformers").read_text(),
        }.items():
            (self.root / file).parent.mkdir(parents=True, exist_ok=True)
            (self.root / file).write_text(text)
        self.atlas("images", "resolve")

    def environ(self) -> dict[str, str]:
        own = {
            "ATLAS_CACHE": str(self.folder / "cache"),
            "ATLAS_UV": str(find_uv()),
            "ATLAS_RUNTIME": "docker",
        }
        own |= {"DOCKER_CONFIG": str(self.folder / "none"), **self.slurm.env}
        return {**{name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}, **own}

    def atlas(self, *words: str) -> None:
        program = str(Path(sys.executable).with_name("atlas"))
        subprocess.run([program, *words], cwd=self.root, env=self.environ(), check=True, capture_output=True)

    def job(self, *words: str) -> tuple[int, dict, str]:
        """`atlas cluster images` as a job of both nodes: exit status, what it answers, what it told."""
        command = [str(Path(sys.executable).with_name("atlas")), "cluster", "images", "--json", *words]
        (self.root / "job.sh").write_text(f"#!/bin/sh\nexec {' '.join(command)}\n")
        options = ["--wait", "-N2", "--ntasks-per-node=1", "-pcpu", "--mem=3000", "-o", "out", "-e", "err"]
        code = subprocess.run(
            ["sbatch", *options, "job.sh"],
            cwd=self.root,
            env=self.environ(),
            capture_output=True,
            check=False,
        ).returncode
        told = (self.root / "err").read_text()
        assert (self.root / "out").read_text(), told
        return code, json.loads((self.root / "out").read_text()), told


@pytest.fixture(scope="module")
def site():
    folder = Path(tempfile.mkdtemp(prefix="sl-", dir="/tmp"))
    try:
        with ExitStack() as stack:
            yield Site(folder, stack)
    except Missing as why:
        pytest.skip(f"no such cluster here: {why}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
def test_an_image_is_built_in_a_job_pushed_once_and_then_in_each_nodes_store(site):
    code, said, told = site.job("--registry", site.registry.host)
    assert code == 0, told
    shared, *nodes = said["answer"]["images"]
    assert shared["node"] is None
    assert shared["pushed"].startswith(f"{site.registry.host}/engine-atlas/transformers@sha256:")
    assert [(one["node"], one["error"]) for one in nodes] == [("c1", None), ("c2", None)]
    assert told.count("building engine-atlas/transformers") == 1
    assert "c2: there" in told or "c2: pulling" in told
    assert "c2: loading" not in told
    for node in NODES:
        keys = [one.labels.get("engine-atlas.key") for one in site.client(node).images.list()]
        assert shared["digest"] in keys

    code, again, told = site.job()
    assert code == 0, told
    assert [one["digest"] for one in again["answer"]["images"]] == [shared["digest"]] * 3
    assert not [word for word in ("building", "pulling", "loading", "pushing") if word in told], told

    # Without a registry, from the one file that all nodes see.
    client = site.client("c2")
    for one in client.images.list():
        client.images.remove(one.id, force=True)
    code, said, told = site.job()
    assert code == 0, told
    assert "c2: loading" in told
    assert "c1: loading" not in told

    site.dockers["c2"].stop()
    code, said, told = site.job()
    assert code == 1
    found = {one["node"]: one["error"] for one in said["answer"]["images"]}
    assert (found[None], found["c1"]) == (None, None)
    assert "no container engine answers there" in found["c2"]


@pytest.fixture(scope="module")
def toy(site, new_world, on):
    """A toy engine in that image, from a file that all nodes see; nothing is built."""
    here = on(new_world, site.slurm)
    (here.root / "base.tar").symlink_to(site.folder / "base.tar")
    engine = here.root / "engine_versions/toy.yaml"
    found = yaml.safe_load(engine.read_text())
    found["environments"]["image"] = [
        {"archive": "base.tar", "python": "/usr/local/bin/python3", "overlay": True}
    ]
    engine.write_text(yaml.safe_dump(found))
    here.settings(rules={"distribute": {"nodes": 2}})
    here.world.extra["DOCKER_CONFIG"] = str(site.folder / "none")
    return here


def distributed(here, runtime: str) -> list[dict]:
    """What `snakemake --profile slurm distribute` tells of images."""
    here.world.extra["ATLAS_RUNTIME"] = runtime
    done = here.snakemake("distribute", "-f")
    assert done.returncode == 0, done.said
    assert done.said.count("has been submitted with SLURM jobid") == 1, done.said
    assert here.mine() == []
    return json.loads((here.root / "measured/cluster/images.json").read_text())["images"]


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
def test_the_rule_for_images_fills_the_stores_of_all_nodes_of_its_job(site, toy):
    for service in site.dockers.values():
        if service.running.poll() is not None:
            service.start()
    for client in map(site.client, (*NODES, *NODES)):  # an image that another one was built on goes after it
        for one in client.images.list():
            with suppress(docker.errors.APIError):
                client.images.remove(one.id, force=True)
    found = distributed(toy, "docker")
    assert [(one["node"], one["error"]) for one in found] == [(None, None), ("c1", None), ("c2", None)]
    assert all(site.client(node).images.list() for node in NODES)
    log = (toy.root / "logs/distribute.log").read_text()
    assert "c1: loading" in log
    assert "c2: loading" in log


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
def test_for_apptainer_one_file_is_made_and_jobs_on_any_node_run_in_it(toy):
    try:
        with apptainer(TOOLS / "apptainer") as env:
            path = os.pathsep.join([str(toy.programs), env.get("PATH", os.environ["PATH"])])
            toy.world.extra |= {**env, "PATH": path}
    except Missing as why:
        pytest.skip(str(why))
    (found,) = distributed(toy, "apptainer")
    assert (found["node"], found["error"]) == (None, None)
    (made,) = (toy.world.cache / "atlas/images").glob("*.sif")
    assert made.stem == found["digest"][7:23]
    assert "converting" in (toy.root / "logs/distribute.log").read_text()
    before = made.stat()

    done = toy.snakemake("--", "results/toy/1.0/environment.json")
    assert done.returncode == 0, done.said
    environment = json.loads((toy.root / "results/toy/1.0/environment.json").read_text())
    assert (environment["image"]["digest"], environment["health"]["verdict"]) == (found["digest"], "ok")
    assert "converting" not in (toy.root / "logs/environment/toy/1.0.log").read_text()
    assert (made.stat().st_ino, made.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
def test_a_container_that_a_job_was_replaced_by_is_gone_with_the_job(site):
    if shutil.which("docker") is None:
        pytest.skip("the program `docker` is not here")
    client = site.client("c1")
    with (site.folder / "base.tar").open("rb") as file:
        client.images.load(file)
    run = "exec docker run --init --rm --network none local/python:3.11 sleep 600"
    options = ("--parsable", "-wc1", "-pcpu", "-o", str(site.folder / "said"))
    job = site.slurm.run("sbatch", *options, "--wrap", run).strip()
    site.slurm.until(lambda: client.containers.list(), "a container")
    site.slurm.run("scancel", job)
    site.slurm.until(lambda: not client.containers.list(all=True), "the end of the container")
    site.slurm.until(lambda: site.slurm.show(job)["JobState"] == "CANCELLED", "the end of the job")
