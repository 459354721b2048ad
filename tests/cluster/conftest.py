"""Clusters for tests, and worlds whose jobs run on them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/infra"), str(Path(__file__).parent)]

from services import Missing  # noqa: E402

from atlas.perf.machine import hardware_key  # noqa: E402
from slurm import Slurm, cluster  # noqa: E402

TOOLS = Path(os.environ.get("ATLAS_TEST_TOOLS") or Path.home() / ".cache/engine-atlas-tests")
LOCKS = ("envs/atlas.txt", "envs/slurm.txt")
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5")


def _workflow_tests():
    spec = importlib.util.spec_from_file_location("workflow_world", ROOT / "tests/workflow/conftest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


worlds = _workflow_tests()


@pytest.fixture(scope="session")
def with_slurm() -> Path:
    """The programs of an environment that `make slurm` would make; made once per lock and checkout."""
    parts = [str(ROOT).encode(), *((ROOT / lock).read_bytes() for lock in LOCKS)]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:12]
    place = TOOLS / f"slurm-{digest}"
    uv = [str(worlds.uv()), "pip", "install", "--quiet", "--python", str(place)]
    if not (place / "done").is_file():
        shutil.rmtree(place, ignore_errors=True)
        python = ["--python", sys.executable]
        subprocess.run([uv[0], "venv", "--quiet", *python, str(place)], check=True)
        locks = [word for lock in LOCKS for word in ("--requirements", str(ROOT / lock))]
        made = subprocess.run([*uv, "--require-hashes", *locks], capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"the executor cannot be installed: {made.stderr.strip()[-300:]}")
        (place / "done").touch()
    own = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    subprocess.run([*uv, *own], check=True, capture_output=True)
    return place / "bin"


@pytest.fixture(scope="session")
def nvml(tmp_path_factory) -> dict[str, str]:
    """Variables with which a machine has two GPUs."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler, so no stand-in for NVML")
    folder = tmp_path_factory.mktemp("nvml")
    library = str(folder / "libnvidia-ml.so.1")
    flags = ["-shared", "-fPIC", "-O2", "-Wl,-soname,libnvidia-ml.so.1", "-o", library]
    subprocess.run([compiler, *flags, ROOT / "tests/perf/fake_nvml.c", "-lm"], check=True)
    return {"LD_LIBRARY_PATH": str(folder)}


@pytest.fixture(scope="session")
def gpu_hardware(nvml) -> str:
    """What `hardware` of its GPU nodes is then."""
    asked = [sys.executable, "-c", "from atlas.perf.machine import hardware_key; print(hardware_key(1))"]
    key = subprocess.run(asked, env=nvml, capture_output=True, text=True, check=True).stdout.strip()
    return key.removesuffix("-x1")


def _cluster(accounting: bool) -> Iterator[Slurm]:
    folder = Path(tempfile.mkdtemp(prefix="sl-", dir="/tmp"))
    try:
        # On a machine that is busy, more than the usual five minutes pass until a test looks at a job.
        with cluster(folder / "c", accounting=accounting, min_job_age=3600) as made:
            yield made
    except Missing as why:
        pytest.skip(f"no SLURM here: {why}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def plain() -> Iterator[Slurm]:
    """A cluster without accounting."""
    yield from _cluster(accounting=False)


@pytest.fixture(scope="session")
def accounting() -> Iterator[Slurm]:
    """A cluster with slurmdbd: accounts, qualities of service, sacct."""
    yield from _cluster(accounting=True)


PERF = """\
perf:
  runs:
    - protocol: streamer
      parameters: {}
      load: [{sleep: {get: time.sleep}}]
      generate: {call: time.sleep, args: [0.01]}
"""


@dataclass
class OnCluster:
    """A world, and a cluster that its jobs run on."""

    world: worlds.World
    slurm: Slurm
    programs: Path

    def __post_init__(self) -> None:
        self.root = self.world.root
        before = os.environ["PATH"]
        self.world.extra |= {**self.slurm.env, "PATH": os.pathsep.join([str(self.programs), before])}
        self.hardware = hardware_key(0)
        self.gpu_hardware = None
        self.run = None
        self.profile = "slurm"
        self.settings()

    def settings(self, **changes) -> None:
        """Write config/cluster.yaml."""
        found = {
            "format_version": 1,
            "network": "nodes",
            "all": {"time": "1h", "mem": 300, "cpus": 1},
            "cpu": {"partition": "cpu", "hardware": self.hardware},
            "gpu": {"partition": "gpu", "gpu_model": "toy"},
        }
        if self.slurm.accounting:
            found["all"]["account"] = "ci"
        for key, value in changes.items():
            found[key] = {**found[key], **value} if isinstance(found.get(key), dict) else value
        (self.root / "config/cluster.yaml").write_text(yaml.safe_dump({"cluster": found}))

    def cards(self, cards: dict[str, dict]) -> None:
        """These cards, each run once, and nothing else, on the toy engine."""
        for path in (self.root / "config/workloads").iterdir():
            path.unlink()
        written = [{"name": name, "tags": ["toy"], "repeats": 1, **card} for name, card in cards.items()]
        text = yaml.safe_dump({"format_version": 1, "cards": written})
        (self.root / "config/workloads/toy.yaml").write_text(text)
        engine = self.root / "engine_versions/toy.yaml"
        if "perf:" not in engine.read_text():
            engine.write_text(engine.read_text() + PERF)

    def launcher(self, name: str, env: dict[str, str]) -> None:
        """One more launcher, which starts a card's command on each node."""
        path = self.root / "config/launchers.yaml"
        found = yaml.safe_load(path.read_text())
        role = {"name": "worker", "env": env, "words": [["{arguments}"]]}
        found["launchers"][name] = {"about": "A command on each node.", "roles": [role]}
        path.write_text(yaml.safe_dump(found))

    def command(self, *arguments: str) -> list[str]:
        quick = QUICK if self.profile == "slurm" else ()
        return ["snakemake", "--profile", self.profile, *quick, *arguments]

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.world.run(*self.command(*arguments))
        done.said = done.stdout + done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        self.run = subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.world.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Where the tests themselves run in the background, Ctrl-C would be ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        return self.run

    def mine(self) -> list[str]:
        """Jobs of this world that are in the queue or run."""
        listed = self.slurm.run("squeue", "-h", "-o", "%A %T %Z").splitlines()
        return [line for line in listed if line.endswith(str(self.root))]

    def begun(self) -> list[Path]:
        """The records that a recorder has begun or ended."""
        return list(self.root.glob("measured/toy/1.0/perf/*/*/[0-9].json"))

    def measuring(self, card: str, seconds: float = 1200) -> dict[str, str]:
        """The job that runs a card, once it does."""
        return self._job(card, "RUNNING", seconds)

    def ended(self, card: str, seconds: float = 1200) -> dict[str, str]:
        """The same, once it has ended well."""
        return self._job(card, "COMPLETED", seconds)

    def _job(self, card: str, state: str, seconds: float) -> dict[str, str]:
        """A recorder has begun where there is a record."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run is not None and self.run.poll() is not None:
                raise AssertionError(f"the run has ended: {self.run.communicate()[0][-3000:]}")
            begun = list(self.root.glob(f"measured/toy/1.0/perf/*/{card}/1.json"))
            listed = self.slurm.run("squeue", "-h", "--states=all", "-o", "%A|%k|%Z", check=False)
            for line in listed.splitlines():
                job, comment, folder = line.split("|")
                if folder == str(self.root) and f"_{card}_1" in comment and begun:
                    shown = self.slurm.show(job)
                    if shown["JobState"] == state:
                        return shown
            time.sleep(0.3)
        raise AssertionError(f"no job of {card} is {state}: {self.mine()}")


@pytest.fixture(scope="session")
def toy_built(tmp_path_factory) -> Iterator[worlds.World]:
    """A toy engine, built here without any cluster; tests work on copies."""
    world = worlds.fresh_copy(tmp_path_factory.mktemp("local"), empty=True)
    world.engine("toy")
    done = world.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    yield world
    world.index.close()


@pytest.fixture(scope="module")
def new_world(tmp_path_factory) -> Iterator[worlds.World]:
    """A toy engine of which nothing is built yet."""
    world = worlds.fresh_copy(tmp_path_factory.mktemp("new"), empty=True)
    world.engine("toy")
    yield world
    world.index.close()


class Clone(worlds.World):
    """The project with its engines; packages come from where this machine has them from."""

    def environ(self) -> dict[str, str]:
        own = {"ATLAS_CACHE": str(self.cache / "atlas"), "ATLAS_UV": str(worlds.uv())}
        return {**os.environ, **own, **self.extra}


@pytest.fixture
def clone(plain, with_slurm, tmp_path) -> Iterator[OnCluster]:
    """The project as it is, with nothing in its cache, whose jobs run on a cluster."""
    made = worlds.fresh_copy(tmp_path, empty=False)
    yield OnCluster(Clone(made.root, made.index, made.cache), plain, with_slurm)
    made.index.close()


@pytest.fixture(scope="session")
def on(with_slurm, tmp_path_factory) -> Callable[[worlds.World, Slurm], OnCluster]:
    """A function: another checkout of a world, whose jobs run on a cluster."""

    def made(world: worlds.World, slurm: Slurm) -> OnCluster:
        base = tmp_path_factory.mktemp("on") / "some where"
        shutil.copytree(world.root, base / "copy", symlinks=True)
        copy = worlds.World(base / "copy", world.index, world.cache)
        return OnCluster(copy, slurm, with_slurm)

    return made
