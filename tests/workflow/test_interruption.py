"""Ctrl-C and kill -9 in mid-build: nothing is lost, nothing half-written, the next run recovers."""

import os
import signal
import time

import pytest

pytestmark = pytest.mark.slow

SLOW = "import time\ntime.sleep(8)\nfrom toyengine.config import EngineArgs\n"


@pytest.mark.parametrize(
    ("number", "command"),
    [
        (signal.SIGINT, ("snakemake", "--cores", "2")),
        (signal.SIGKILL, ("snakemake", "--cores", "2")),
        (signal.SIGKILL, ("atlas", "build")),
    ],
)
def test_an_interrupted_build_is_resumed(two, toy_files, number, command):
    before = {
        p: p.read_bytes() for p in (two.root / "results").rglob("*") if p.is_file() and "1.0" in p.parts
    }
    two.index.publish("toy", "1.1", {**toy_files, "toyengine/__init__.py": SLOW})
    two.bump("toy", "1.1")
    process = two.start(*command)
    deadline = time.monotonic() + 120
    while not two.artefact("toy", "source.json", "1.1").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.2)
    time.sleep(3)
    os.killpg(process.pid, number)
    process.wait(60)
    assert not two.artefact("toy", "environment.json", "1.1").exists()
    assert not list((two.root / "results").rglob("*.tmp"))
    assert {p: p.read_bytes() for p in before} == before
    assert "results/toy/1.1/environment.json" in two.stale()

    resumed = two.run("atlas", "build")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert two.stale() == {}
    assert two.load("toy", "schema.discovered.json", "1.1")["engine_params"]
