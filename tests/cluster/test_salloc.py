"""In an allocation of one's own: it is used, and neither it nor anyone else's job is ever cancelled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from scenarios import kill, python

from atlas.cluster.steps import step, step_shell

ALWAYS = ("--exact", "--quit-on-interrupt")
GIVEN = {"SLURM_JOB_ID": "7", "SLURM_JOB_CPUS_PER_NODE": "8(x2),4", "SLURM_MEM_PER_NODE": "2000"}


def test_a_step_asks_for_what_a_job_would_as_far_as_there_is_that():
    wanted = {"cpus_per_task": 6, "mem_mb": 3000, "gres": "gpu:big:2", "slurm_partition": "p"}
    assert step(wanted, GIVEN) == [
        *("srun", "--nodes=1", "--ntasks=1", "--cpus-per-task=4", "--mem=2000", "--gres=gpu:big:2", *ALWAYS)
    ]
    assert step({"gpu": 2, "mem_mb": 0}, {}) == [
        *("srun", "--nodes=1", "--ntasks=1", "--cpus-per-task=1", "--gres=gpu:2", *ALWAYS)
    ]
    assert "--gres=none" in step({}, GIVEN)


def test_the_shell_of_a_step_is_a_program_that_runs_a_shell(tmp_path):
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/srun"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != bash ]; do shift; done\nexec "$@"\n')
    fake.chmod(0o755)
    shell = step_shell(tmp_path / "a b", {"cpus_per_task": 2}, GIVEN)
    assert shell == step_shell(tmp_path / "a b", {"cpus_per_task": 2}, GIVEN)
    assert shell != step_shell(tmp_path / "a b", {"cpus_per_task": 3}, GIVEN)
    env = {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"}
    # As Snakemake does it.
    said = subprocess.run([shell, "-c", "echo $((6 * 7))"], env=env, capture_output=True, check=True)
    assert said.stdout == b"42\n"


# On a real cluster.


@pytest.fixture
def allocation(plain, tmp_path):
    """An allocation of two nodes: its number, and the variables that its user's shell has."""
    told = tmp_path / "env.json"
    code = f"import json, os, time; json.dump(dict(os.environ), open({str(told)!r}, 'w')); time.sleep(900)"
    command = [
        "salloc",
        "--quiet",
        "--kill-command=KILL",
        "-N2",
        "-n2",
        "-c2",
        "-pcpu",
        "--mem=2000",
        *python(code),
    ]
    command = [word.replace("{python}", "python3") for word in command]
    process = subprocess.Popen(command, env={**os.environ, **plain.env}, start_new_session=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and not (told.is_file() and told.read_text().endswith("}")):
        time.sleep(0.1)
    env = json.loads(told.read_text())
    yield env["SLURM_JOB_ID"], {name: value for name, value in env.items() if name.startswith("SLURM_")}
    plain.run("scancel", env["SLURM_JOB_ID"])
    process.wait()


@pytest.fixture
def foreign(plain):
    """A job that has nothing to do with any of this."""
    job = plain.run("sbatch", "--parsable", "-pcpu", "-o/dev/null", "--wrap", "sleep 900").strip()
    plain.running(job)
    yield job
    plain.run("scancel", job)


def waiting(flag: Path) -> dict[str, dict]:
    waits = f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.2)\n"
    return {"waits": {"command": python(waits + "print('performance: 2 tok/s')"), "timeout_s": 3000}}


def steps(slurm, job: str) -> list[str]:
    """The steps of a job that run commands, as `id nodes`."""
    said = slurm.run("squeue", "--steps", "-h", "-o", "%i %N", "-j", job)
    return [line for line in said.splitlines() if line.split()[0].rpartition(".")[2].isdigit()]


def until(true, what: str, run: subprocess.Popen[str], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not true():
        if run.poll() is not None:
            raise AssertionError(f"the run has ended: {run.communicate()[0][-3000:]}")
        assert time.monotonic() < end, what
        time.sleep(0.3)


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
def test_measuring_is_a_step_of_the_allocation_and_ctrl_c_ends_that_alone(
    allocation, foreign, toy_built, plain, on
):
    here = on(toy_built, plain)
    job, env = allocation
    here.world.extra |= env
    flag = here.root.parent / "go on"
    here.cards(waiting(flag))
    here.profile = "salloc"
    run = here.start("perf")
    try:
        until(lambda: steps(here.slurm, job), "no step has begun", run)
        assert here.mine() == []
        until(here.begun, "no record", run)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: srun is in the same group
        said, _ = run.communicate(timeout=300)
    finally:
        kill(run)
    assert run.returncode == 1, said
    assert here.slurm.show(job)["JobState"] == here.slurm.show(foreign)["JobState"] == "RUNNING"
    end = time.monotonic() + 60
    while steps(here.slurm, job) and time.monotonic() < end:
        time.sleep(0.3)
    assert steps(here.slurm, job) == []

    flag.touch()
    done = here.snakemake("perf")
    assert done.returncode == 0, done.said
    (record,) = (here.root / "measured").glob("toy/1.0/perf/*/waits/1.json")
    assert json.loads(record.read_text())["status"] == "SUCCESS"
    assert here.slurm.show(job)["JobState"] == here.slurm.show(foreign)["JobState"] == "RUNNING"


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
def test_jobs_that_are_submitted_from_an_allocation_leave_it_and_others_alone(
    allocation, foreign, toy_built, plain, on
):
    here = on(toy_built, plain)
    job, env = allocation
    here.world.extra |= env
    here.cards(waiting(here.root.parent / "never"))
    run = here.start("perf")
    try:
        mine = here.measuring("waits")["JobId"]
        assert mine not in (job, foreign)
        os.kill(run.pid, signal.SIGINT)
        said, _ = run.communicate(timeout=300)
    finally:
        kill(run)
    assert run.returncode == 1, said
    assert here.slurm.show(mine)["JobState"] == "CANCELLED"
    assert here.slurm.show(job)["JobState"] == here.slurm.show(foreign)["JobState"] == "RUNNING"
