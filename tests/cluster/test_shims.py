"""The programs that stand before SLURM's own, against ones that do what SLURM's do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from atlas.cluster.allocation import said
from atlas.errors import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
SHIMS = ROOT / "scripts/slurm"
ASKED = ["sacct", "-X", "--noheader", "--format=JobIdRaw,State", "--name", "run-1"]


@pytest.fixture
def tools(tmp_path):
    """Write programs of SLURM; returns what runs a command that finds the shims first."""

    def program(name: str, body: str) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(SHIMS), str(tmp_path), str(SHIMS), "/usr/bin", "/bin"])
        return subprocess.run(
            command, env={"PATH": path, **env}, capture_output=True, text=True, check=False, timeout=20
        )

    run.program = program
    return run


def test_a_job_that_was_cancelled_from_outside_is_just_cancelled(tools):
    tools.program("sacct", "printf '7|CANCELLED by 1000\\n8_2|COMPLETED\\n'")
    assert tools(*ASKED).stdout == "7|CANCELLED\n8_2|COMPLETED\n"


def test_where_accounting_is_off_the_queue_is_asked(tools):
    tools.program("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    tools.program("squeue", 'echo "$@"')
    said = tools(*ASKED)
    assert said.returncode == 0
    assert said.stdout == "--noheader --states=all --format=%i|%T --name run-1\n"


def test_with_the_controller_down_too_it_fails_as_sacct_did(tools):
    tools.program("sacct", "exit 1")
    tools.program("squeue", "exit 1")
    assert tools(*ASKED).returncode == 1


def test_another_question_to_sacct_fails_as_it_does(tools):
    tools.program("sacct", "exit 3")
    tools.program("squeue", "echo no")
    said = tools("sacct", "-j", "7", "-o", "nodelist")
    assert (said.returncode, said.stdout) == (3, "")


def test_srun_in_a_job_gets_the_configuration_back(tools):
    tools.program("srun", 'echo "$SLURM_CONF:$*"; exit 4')
    said = tools("srun", "-n1", "a b", ATLAS_SLURM_CONF="/site/slurm.conf")
    assert (said.stdout, said.returncode) == ("/site/slurm.conf:-n1 a b\n", 4)
    assert tools("srun", "x", SLURM_CONF="/other.conf").stdout == "/other.conf:x\n"


def test_what_sbatch_submits_finds_srun_before_SLURMs_own(tools):
    tools.program("sbatch", 'echo "$SLURM_CONF $PATH"')
    said = tools("sbatch", "job.sh", ATLAS_SLURM_CONF="/site/slurm.conf").stdout.split()
    assert said[0] == "/site/slurm.conf"
    assert said[1].startswith(f"{SHIMS}{os.pathsep}")


def test_a_controller_that_is_away_is_waited_for(tmp_path):
    program = tmp_path / "scontrol"
    program.write_text(
        "#!/bin/sh\n"
        f"[ -e {tmp_path}/back ] && echo there && exit\n"
        f"touch {tmp_path}/back\n"
        "echo 'error: Unable to contact slurm controller (connect failure)' >&2; exit 1\n"
    )
    program.chmod(0o755)
    assert said([str(program)], pause_s=0) == "there\n"
    (tmp_path / "back").unlink()
    with pytest.raises(UnavailableError, match="Unable to contact"):
        said([str(program)], tries=1)
