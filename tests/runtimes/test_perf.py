"""Runs of cards in containers: the same record as beside them, the kinds of failure, and nothing left."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from atlas.cli import run as atlas
from atlas.environment.runtimes import gpu, pull
from atlas.environment.runtimes.images import LOCK
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.lent import NOBODY
from atlas.environment.runtimes.owner import LABEL
from atlas.perf.aggregate import table
from atlas.perf.cards import Card, load_cards
from atlas.perf.processes import MARK
from atlas.perf.record import read
from atlas.perf.run import run_card

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import CONTAINERS, PYTHON
from faulty import faulty
from services import Docker

ATLAS = Path(sys.executable).with_name("atlas")
NOWHERE = "unix:///nowhere/at/all.sock"
ENGINE = """
import os, time
class Config: pass
class Model:
    def generate(self, prompts, count, streamer=None):
        for _ in range(count + 1):
            time.sleep(self.kept.get("pause", 0.002))
            if streamer: streamer.put(prompts)
        if streamer: streamer.end()
def load(path):
    kept = {"path": path}
    exec(os.environ.get("DOES", ""), kept)
    model = Model()
    model.kept = kept
    return model
"""
PERF = {
    "protocol": "streamer",
    "prompt_first": True,
    "parameters": {"batch_size": True},
    "load": [{"model": {"call": "toy.load", "args": ["{model}"]}}],
    "generate": {
        "call": "model.generate",
        "args": [{"ref": "prompts"}, {"ref": "output_tokens"}],
        "kwargs": {"streamer": {"ref": "stream"}},
    },
}
MODEL = {"architecture": "llama", "layers": 1, "hidden_size": 8, "heads": 1, "vocabulary": 16, "seed": 0}
CARD = {
    "name": "tiny",
    "tags": ["toy"],
    "model": {"synthetic": MODEL},
    "dataset": {"requests": 4, "input_tokens": 4, "output_tokens": 8},
    "parameters": {"batch_size": 2},
    "repeats": 1,
    "timeout_s": 60,
}


class Project:
    """A project whose one engine is measured in the base image, by what ATLAS_RUNTIME says."""

    def __init__(self, archive: Path) -> None:
        Path("base.tar").symlink_to(archive)
        for name, text in {"envs/toy.txt": "# nothing but Python\n", "tree/toy/__init__.py": ENGINE}.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text)
        self.set()
        cell = ["--engine", "toy", "--version", "1.0"]
        assert atlas(["source", *cell, "--output", "results/toy/1.0/source.json"]) == 0

    def set(self, **image: object) -> None:
        file = {} if {"reference", "dockerfile"} & image.keys() else {"archive": "base.tar"}
        one = {"python": "/usr/local/bin/python3", "overlay": True, **file, **image}
        spec = {
            "format_version": 1,
            "engine": "toy",
            "library": {"name": "toy", "current_version": "1.0"},
            "packages": ["toy"],
            "sources": [{"kind": "path", "path": "tree"}],
            "environments": {"venv": [{"python": PYTHON}], "image": [one]},
            "surfaces": {"engine_params": [{"class": "toy.Config"}]},
            "landmarks": ["toy.Config"],
            "perf": {"runs": [PERF]},
        }
        Path("engine_versions").mkdir(exist_ok=True)
        Path("engine_versions/toy.yaml").write_text(json.dumps(spec))

    def card(self, does: str = "", **card: object) -> None:
        Path("config/workloads").mkdir(parents=True, exist_ok=True)
        cards = [{**CARD, "env": {"DOES": does}, **card}]
        Path("config/workloads/toy.yaml").write_text(json.dumps({"format_version": 1, "cards": cards}))

    def run(self, does: str = "", repeat: int = 1, **card: object) -> dict:
        """One run, whose record is in its format, and which leaves nothing behind."""
        self.card(does, **card)
        (one,) = load_cards(Path.cwd())
        output = Path(f"measured/toy/1.0/perf/cpu-test/tiny/{repeat}.json")
        found = run_card(Path.cwd(), "toy", "1.0", one, repeat, hardware="cpu-test", output=output)
        assert read(output) == found
        assert left() == []
        return found


def left() -> list[str]:
    """Containers and processes of runs that are there after ten seconds, or none."""
    end = time.monotonic() + 10
    while (found := _there()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _there() -> list[str]:
    found = [f"process {pid}" for pid in _marked()]
    for name, variable in (("docker", "DOCKER_HOST"), ("podman", "CONTAINER_HOST")):
        if os.environ.get(variable, NOWHERE) != NOWHERE:
            engine = by_name(name).client.api
            found += [one["State"] for one in engine.containers(all=True, filters={"label": LABEL})]
    return found


def _marked() -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = (entry / "environ").read_bytes()
            if f"{MARK}=".encode() in variables and b"DOES=" in variables:
                found.append(int(entry.name))
    return found


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def project(archive, tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(pull, "PAUSE_S", 0.05)
    monkeypatch.setattr("atlas.environment.runtimes.apptainer.PAUSE_S", 0.05)
    return Project(archive)


@pytest.fixture
def within(request, project, monkeypatch):
    """The project, run by a runtime of this name."""

    def get(name: str) -> Project:
        request.getfixturevalue("with_apptainer" if name == "apptainer" else name)
        monkeypatch.setenv("ATLAS_RUNTIME", name)
        return project

    return get


SEES = """
import os
print("user", os.getuid(), os.getgid())
print("processors", sorted(os.sched_getaffinity(0)))
taken, pause = bytearray(150 << 20), 0.1
import toy
for place in (path, os.path.dirname(toy.__file__), "/usr/local/bin", os.environ["HOME"]):
    try:
        open(os.path.join(place, "written"), "w").close()
        print("wrote", place == os.environ["HOME"])
    except OSError:
        pass
import socket
print("networks", [name for _, name in socket.if_nameindex()])
import time
time.sleep(2)  # as engines take to load; the sampler starts meanwhile
"""


@pytest.mark.parametrize("name", CONTAINERS)
def test_an_engine_with_an_environment_of_its_own_is_run_in_the_image_that_this_names(within, name):
    within(name)
    lines = ["toy==1.0 \\", f"    --hash=sha256:{'0' * 64}"]
    Path("envs/own.txt").write_text("\n".join(lines))
    own = {"python": PYTHON, "distribution": "toy", "requirements": "envs/own.txt"}
    own |= {"dependencies": ["toy==1.0"], "note": "built by a neighbour"}
    own["image"] = {"archive": "base.tar", "python": "/usr/local/bin/python3", "memory_mb": 1000}
    file = Path("engine_versions/toy.yaml")
    spec = json.loads(file.read_text())
    spec["perf"] = {"runs": [{**PERF, "environment": own}]}
    file.write_text(json.dumps(spec))
    says = "import os; print('performance:', 1.5 if os.environ['HOME'].startswith('/tmp') else 0, 'tok/s')"
    one = Card("said", "t", ("t",), "c:1", command=("{python}", "-c", says), timeout_s=60)
    output = Path("r.json")
    found = run_card(Path.cwd(), "toy", "1.0", one, 1, hardware=f"cpu-test@{name}", output=output)
    assert (found["status"], found["failure_reason"]) == ("SUCCESS", None)
    assert (found["results"][0]["value"], found["runtime"]) == (1.5, name)
    image = found["environment"]["image"]
    assert (image["runtime"], image["limits"]["memory_mb"]) == (name, 1000)
    assert (found["runtime_digest"], found["notes"]) == (image["digest"], ["built by a neighbour"])
    assert left() == []


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_run_in_a_container_is_recorded_as_one_beside_it(within, name, monkeypatch):
    project = within(name)
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})  # a daemon has all of them
    try:
        done = project.run(SEES)
    finally:
        os.sched_setaffinity(0, processors)
    assert done["status"] == "SUCCESS", done["failure_reason"]
    log = Path(done["log_path"]).read_text()
    assert f"user {os.getuid() or NOBODY} " in log
    assert f"processors [{min(processors)}]" in log
    assert "wrote True" in log and "wrote False" not in log
    assert "networks ['lo']" in log
    # The sampler is outside, and sees what is inside, on the same clock.
    telemetry = done["telemetry"]
    assert telemetry["rss_peak_bytes"] > 150 << 20
    samples = [json.loads(line) for line in Path(done["log_path"]).with_suffix(".telemetry.jsonl").open()]
    times = [one["t"] for one in samples if "t" in one]
    start, end = telemetry["window"]
    assert start - 10 < times[0] < end and start < times[-1] and telemetry["samples"] > 0
    assert end - start == pytest.approx(2 * 9 * 0.1, rel=0.5)
    # All that was written is the caller's.
    for path in Path("logs").rglob("*"):
        assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid())
    assert Path(done["log_path"]).with_suffix(".journal.jsonl").is_file()

    image = done["environment"]["image"]
    assert (image["runtime"], image["kind"], image["reference"]) == (name, "archive", Path("base.tar").name)
    assert image["runtime_version"]
    assert done["environment"]["python"] == PYTHON
    (row, *_) = csv.DictReader(io.StringIO(table([done], {})))
    assert (row["docker_sha"], row["docker_image"]) == (image["digest"], "base.tar")

    monkeypatch.setenv("ATLAS_RUNTIME", "venv")
    beside = project.run("pause = 0.1", repeat=2)
    assert beside["status"] == "SUCCESS", beside["failure_reason"]
    shape = [
        [(one["metric"], one["statistic"], one["n"]) for one in run["results"]] for run in (done, beside)
    ]
    assert shape[0] == shape[1] and len(shape[0]) > 10
    assert "image" not in beside["environment"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_time_out_leaves_neither_container_nor_process(within, name):
    does = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("hangs", flush=True)
time.sleep(600)
"""
    project = within(name)
    done = project.run(does, timeout_s=5)
    assert (done["failure_kind"], done["exit_code"]) == ("timeout", None)
    assert done["failure_reason"] == "not done after 5 s"
    assert 5 <= done["test_duration"] < 5 + 10
    assert "hangs" in Path(done["log_path"]).read_text()
    assert done["telemetry"]["samples"] >= 2


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_kill_for_want_of_memory_is_told_from_another_kill(within, name):
    project = within(name)
    project.set(memory_mb=200)
    done = project.run("taken = bytearray(400 << 20)")
    if os.getuid() != 0 and done["status"] == "SUCCESS":
        pytest.skip(f"{name} cannot limit memory without root here")
    assert (done["failure_kind"], done["exit_code"]) == ("oom", -9), done["failure_reason"]
    if name == "docker":
        killed = project.run("import os; os.kill(os.getpid(), 9)")
        assert (killed["failure_kind"], killed["exit_code"]) == ("signal", -9)


def _measuring() -> subprocess.Popen:
    command = ["perf", "run", "--engine", "toy", "--version", "1.0", "--card", "tiny", "--output", "out.json"]
    return subprocess.Popen([ATLAS, *command], stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("name", ["docker", "apptainer"])
def test_ctrl_c_is_recorded_and_leaves_no_container(within, name):
    project = within(name)
    project.card("import time; print('hangs', flush=True); time.sleep(600)")
    running = _measuring()
    until(lambda: running.poll() is not None or any("hangs" in one.read_text() for one in _logs()))
    running.send_signal(signal.SIGINT)
    assert "Traceback" not in running.communicate(timeout=20)[1]
    assert running.returncode == 3
    done = read(Path("out.json"))
    assert (done["failure_kind"], done["failure_reason"]) == ("cancelled", "cancelled by SIGINT")
    assert left() == []


def _logs() -> list[Path]:
    return list(Path("logs/perf").rglob("*.log"))


def test_ctrl_c_while_an_image_is_fetched_is_recorded_at_once(within, pushed, registry):
    name, digest = pushed
    project = within("docker")
    project.card()
    with faulty(registry.host, ("/manifests/", "always slow")) as (host, asked):
        _name(project, name.replace(registry.host, host), digest)
        running = _measuring()
        until(lambda: asked)
        running.send_signal(signal.SIGINT)
        start = time.monotonic()
        assert "Traceback" not in running.communicate(timeout=20)[1]
        assert time.monotonic() - start < 3
    assert read(Path("out.json"))["failure_kind"] == "cancelled"


def _name(project: Project, name: str, digest: str) -> None:
    """The engine's image is that of a registry."""
    platform = {"linux/amd64": {"manifest": digest, "config": digest}}
    images = {f"{name}:1": {"index": digest, "platforms": platform}}
    Path(LOCK).write_text(json.dumps({"format_version": 1, "images": images}))
    project.set(reference=f"{name}:1")


@pytest.mark.parametrize("fault", ["401", "404", "500", "unknown digest", "dead"])
def test_an_image_that_cannot_be_pulled(within, pushed, registry, fault):
    name, digest = pushed
    project = within("docker")
    plan = [("/manifests/", f"always {fault}")] if fault.isdigit() else []
    with faulty(registry.host, *plan) as (host, _):
        host = "127.0.0.1:9" if fault == "dead" else host
        asked = "sha256:" + "b" * 64 if fault == "unknown digest" else digest
        _name(project, name.replace(registry.host, host), asked)
        done = project.run()
    assert done["failure_kind"] == "image_pull"
    assert "cannot be pulled" in done["failure_reason"] and "\nhint: " in done["failure_reason"]
    assert (done["results"], done["exit_code"]) == ([], None)
    (row,) = csv.DictReader(io.StringIO(table([done], {})))
    assert (row["status"], row["failure_kind"], row["performance"]) == ("FAILURE", "image_pull", "")


def test_an_image_that_apptainer_cannot_pull(within, pushed, registry):
    project = within("apptainer")
    _name(project, pushed[0], "sha256:" + "b" * 64)
    done = project.run()
    assert done["failure_kind"] == "image_pull"
    assert "cannot be pulled" in done["failure_reason"]


def test_an_image_that_cannot_be_built(within, pushed, tmp_path, monkeypatch):
    name, digest = pushed
    project = within("docker")
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    _name(project, name, digest)
    file = Path("containers/Dockerfile.toy")
    project.set(dockerfile=str(file), base=f"{name}:1")
    file.parent.mkdir()
    file.write_text("ARG BASE\nFROM ${BASE}\nRUN echo has no compiler; exit 7\n")
    done = project.run()
    assert done["failure_kind"] == "image_build", done["failure_reason"]
    assert "has no compiler" in done["failure_reason"]
    assert done["environment"] is None


def test_an_engine_that_cannot_be_imported_in_its_image_is_not_measured(within):
    project = within("docker")
    Path("tree/toy/__init__.py").write_text("import not_there\n")
    cell = ["--engine", "toy", "--version", "1.0"]
    assert atlas(["source", *cell, "--output", "results/toy/1.0/source.json"]) == 0
    done = project.run()
    assert done["failure_kind"] == "environment"
    assert "No module named 'not_there'" in done["failure_reason"]
    # The same from what is known of it already.
    said = ["--source", "results/toy/1.0/source.json", "--output", "results/toy/1.0/environment.json"]
    assert atlas(["environment", *cell, *said]) == 0
    again = project.run()
    assert again["failure_kind"] == "environment"
    assert "No module named 'not_there'" in again["failure_reason"]


def test_a_container_that_is_removed_in_the_middle_is_no_fault_of_the_engine(within):
    project = within("docker")

    def remove() -> None:
        until(lambda: any("hangs" in one.read_text() for one in _logs()))
        engine = by_name("docker").client.api
        for one in engine.containers(filters={"label": LABEL}):
            engine.remove_container(one["Id"], force=True)

    removing = threading.Thread(target=remove)
    removing.start()
    done = project.run("import time; print('hangs', flush=True); time.sleep(600)")
    removing.join()
    assert done["failure_kind"] == "environment"
    assert "outside" in done["failure_reason"] or "lost" in done["failure_reason"]


def test_an_engine_that_is_not_there(within, monkeypatch):
    project = within("docker")
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    done = project.run()
    assert done["failure_kind"] == "environment"
    assert "no container engine answers" in done["failure_reason"]


@pytest.fixture
def small(engines):
    """A disk of 40 MiB."""
    disk = engines.folder / "small"
    disk.mkdir(exist_ok=True)
    options = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_disk_that_is_full_where_a_run_writes(within, small, monkeypatch):
    project = within("docker")
    monkeypatch.setattr("tempfile.tempdir", str(small))
    does = "import os; open(os.path.join(os.environ['TMPDIR'], 'large'), 'wb').write(bytes(64 << 20))"
    assert project.run(does)["failure_kind"] == "disk_full"


def test_a_disk_that_is_full_where_images_are_kept(within, small, monkeypatch):
    project = within("docker")
    service = Docker(small)
    try:
        service.start()
        monkeypatch.setenv("DOCKER_HOST", service.address)
        done = project.run()
    finally:
        service.stop()
    assert done["failure_kind"] == "disk_full"
    assert "make room" in done["failure_reason"]


def test_devices_are_those_of_the_card_and_not_those_of_the_image(within, monkeypatch):
    project = within("docker")
    refused = project.run(gpus_per_node=1)
    assert refused["failure_kind"] == "environment"
    assert "the image is for none" in refused["failure_reason"]
    project.set(gpu="optional")
    assert "this machine shows none" in project.run(gpus_per_node=1)["failure_reason"]
    monkeypatch.setattr(gpu, "vendors_here", lambda: [gpu.VENDORS["nvidia"]])
    monkeypatch.setattr("atlas.environment.runtimes.lane.ImageLane._gpu", lambda _: None)
    found = project.run(gpus_per_node=1)
    assert found["failure_kind"] == "environment"
    assert "could not select device driver" in found["failure_reason"]


def test_models_of_a_hub_come_from_a_cache_that_cannot_be_written_to(within, monkeypatch, tmp_path):
    project = within("docker")
    hub = {"model": {"hub": "owner/name"}, "timeout_s": 61}
    monkeypatch.delenv("HF_HOME", raising=False)
    refused = project.run(**hub)
    assert refused["failure_kind"] == "environment"
    assert "set HF_HOME" in refused["failure_reason"]
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub/weights").write_text("weights of owner/name")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    does = """
import os
home = os.environ["HF_HOME"]
print(open(os.path.join(home, "weights")).read(), "offline", os.environ["HF_HUB_OFFLINE"], "for", path)
try:
    open(os.path.join(home, "written"), "w")
    print("wrote")
except OSError:
    pass
"""
    done = project.run(does, **hub)
    assert done["status"] == "SUCCESS", done["failure_reason"]
    log = Path(done["log_path"]).read_text()
    assert "weights of owner/name offline 1 for owner/name" in log and "wrote" not in log


def test_profilers_run_where_the_engine_does_and_leave_what_they_found(within, monkeypatch):
    project = within("docker")
    done = project.run(tools=["import-times", "py-spy"])
    assert done["status"] == "SUCCESS", done["failure_reason"]
    assert done["profiled"] == ["import-times"]
    assert any(note.startswith("py-spy") for note in done["notes"])
    assert "import time:" in Path(done["log_path"]).read_text()


def test_a_command_of_a_card_is_run_in_the_image_too(within):
    within("docker")
    program = (
        "import os, sys; print(sys.executable, os.getcwd()); "
        "open('r.csv', 'w').write('model,performance,metric\\none,2.5,tok/s\\n')"
    )
    card = {key: value for key, value in CARD.items() if key not in ("model", "dataset", "parameters")}
    cards = [{**card, "command": ["{python}", "-c", program], "multiple_results": "r.csv"}]
    Path("config/workloads").mkdir(parents=True, exist_ok=True)
    Path("config/workloads/toy.yaml").write_text(json.dumps({"format_version": 1, "cards": cards}))
    (one,) = load_cards(Path.cwd())
    done = run_card(
        Path.cwd(), "toy", "1.0", one, 1, hardware="cpu-test", output=Path("out.json"), interval_s=0
    )
    assert done["status"] == "SUCCESS", done["failure_reason"]
    assert [(one["name"], one["value"]) for one in done["results"]] == [("one", 2.5)]
    assert Path(done["log_path"]).read_text().startswith("/usr/local/bin/python3")
    assert left() == []
