"""Apptainer as it mostly runs: by a user without rights. Nothing stays of what had to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import atlas

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import TOOLS
from services import Missing
from unprivileged import USER, unprivileged

START = """
import os, sys
from pathlib import Path
from atlas.environment.run import Runtime, run_probe
from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.local import LocalProcess
from atlas.environment.runtimes.model import Job
from atlas.environment.runtimes.protocol import run_job
from atlas.errors import AtlasError

image, scratch = sys.argv[1], Path(sys.argv[2])
before = LocalProcess.__init__

def told(self, *arguments, **options):
    before(self, *arguments, **options)
    print("session", self._process.pid, flush=True)

LocalProcess.__init__ = told
assert os.getuid() == %d
PYTHON = "/usr/local/bin/python3"
"""
START %= USER
JOB = """
HANG = "import time; print('up', flush=True); time.sleep(600)"
outcome = run_job(Apptainer(), image, Job((PYTHON, "-c", HANG)), 8)
assert outcome.status is None and "up" in outcome.log, outcome
"""
PROBE = """
(scratch / "toy.py").write_text("import time; print('up', flush=True); time.sleep(600)")
launcher = Launcher(Apptainer(), image, ImageSpec("archive", "x", "y"), None)
request = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.Config"]}
try:
    run_probe(Runtime(Path(PYTHON), (scratch,), launcher=launcher), request, timeout_s=8)
except AtlasError as error:
    assert "did not finish within 8 s" in str(error) and "up" in str(error), error
else:
    raise AssertionError("it came to an end")
"""
WELL = """
outcome = run_job(Apptainer(), image, Job((PYTHON, "-c", "print('up')")), 60)
assert outcome.status == 0 and "up" in outcome.log, outcome
"""


@pytest.fixture
def as_user(ready, tmp_path_factory):
    """A text of Python, started by nobody in particular; the process."""
    image = Path(ready("apptainer").image)
    scratch = tmp_path_factory.mktemp("nobody")
    code, packages = Path(atlas.__file__).parents[1], Path(pytest.__file__).parents[1]
    shown = [Path(sys.base_prefix), Path(sys.prefix), code, packages, TOOLS / "apptainer", image.parent]

    def start(text: str) -> subprocess.Popen:
        env = {name: one for name, one in os.environ.items() if name != "APPTAINER_DROP_CAPS"}
        env["PYTHONPATH"] = os.pathsep.join([str(code), str(packages)])
        python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
        command = [python, "-c", START + text, image, scratch]
        try:
            command = unprivileged(command, [path for path in shown if path.exists()], scratch)
        except Missing as reason:
            pytest.skip(str(reason))
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    yield start
    for session in sessions:
        for pid in living(session):
            os.kill(pid, signal.SIGKILL)


sessions: list[int] = []


def session_of(running: subprocess.Popen) -> int:
    """That of the container which it starts."""
    assert running.stdout is not None
    word, _, number = running.stdout.readline().strip().partition(" ")
    assert word == "session", word + running.communicate()[0]
    sessions.append(int(number))
    return int(number)


def living(session: int) -> dict[int, str]:
    """What runs in a session: its numbers and names."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = entry.read_text().rpartition(")")
        except OSError:
            continue
        state, _, _, of = rest.split()[:4]
        if int(of) == session and state not in "ZX":
            found[int(entry.parent.name)] = head.partition("(")[2]
    return found


@pytest.mark.parametrize("text", [JOB, PROBE, WELL], ids=["job", "probe", "well"])
def test_nothing_is_left_of_a_job_that_was_ended_and_not_what_mounts_its_image_either(as_user, text):
    running = as_user(text)
    session = session_of(running)
    said = running.communicate(timeout=120)[0]
    assert running.returncode == 0, said
    assert living(session) == {}


def test_nothing_is_left_of_a_session_whose_atlas_is_killed_outright(as_user):
    running = as_user(PROBE.replace("timeout_s=8", "timeout_s=600"))
    session = session_of(running)
    for _ in range(300):
        if "squashfuse_ll" in living(session).values():
            break
        time.sleep(0.1)
    time.sleep(2)
    assert living(session)
    running.kill()
    running.communicate()
    for _ in range(100):
        if not living(session):
            return
        time.sleep(0.1)
    pytest.fail(f"still there: {living(session)}")
