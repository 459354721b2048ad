"""Launches carried out: here as plain processes, and over two nodes of a real SLURM."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from atlas.cluster.launch import carry_out, srun
from atlas.cluster.launchers import Launch, Step
from atlas.environment.venv import prepare_venv
from atlas.errors import BuildError

ROOT = Path(__file__).resolve().parents[2]
SERVE = """
import http.server, sys, time
time.sleep(float(sys.argv[2]))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code), *arguments)


def steps(*commands: tuple[str, ...], address: str | None = None) -> Launch:
    made = [Step("worker", rank, (f"n{rank}",), command) for rank, command in enumerate(commands)]
    return Launch("toy", {"dp": len(made)}, tuple(made), address)


def here(step: Step) -> list[str]:
    return list(step.argv)


@pytest.fixture
def port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def test_each_node_has_a_log_and_all_have_to_end_well(tmp_path):
    launch = steps(python("print('zero')"), python("print('one')"))
    outcome = carry_out(launch, tmp_path, start=here)
    assert outcome.ok, outcome.reason
    assert [(tmp_path / f"worker-{n}-n{n}.log").read_text() for n in (0, 1)] == ["zero\n", "one\n"]
    assert outcome.as_json(launch)["status"] == "SUCCESS"


def test_when_one_fails_the_others_are_ended(tmp_path):
    mark = f"{tmp_path}-waits"
    waits = python("import sys, time; time.sleep(600)", mark)
    outcome = carry_out(steps(waits, python("raise SystemExit(9)")), tmp_path, start=here)
    assert (outcome.ok, outcome.reason) == (False, "worker-1 has failed with exit status 9")
    assert outcome.codes == {"worker-0": None, "worker-1": 9}
    assert outcome.seconds < 30
    assert not _alive(mark)


def test_one_that_takes_too_long_is_ended_with_what_it_started(tmp_path):
    mark = f"{tmp_path}-child"
    child = shlex.join(python("import sys, time; time.sleep(600)", mark))
    outcome = carry_out(steps(("sh", "-c", f"{child} & wait")), tmp_path, timeout_s=2, start=here)
    assert (outcome.ok, outcome.reason) == (False, "not done in time: worker-0")
    assert not _alive(mark)


def test_a_server_is_waited_for_and_ended_when_its_client_has(tmp_path, port):
    server = python(SERVE, port, "1")
    client = python("import os; print('asks', os.environ['ATLAS_ADDRESS'])")
    launch = steps(server, address=f"127.0.0.1:{port}")
    outcome = carry_out(launch, tmp_path, client=client, ready_s=30, start=here)
    assert outcome.ok, outcome.reason
    assert (tmp_path / "client.log").read_text() == f"asks 127.0.0.1:{port}\n"
    assert not _alive(port)


def test_a_server_that_does_not_answer_is_a_failure(tmp_path, port):
    launch = steps(python(SERVE, port, "600"), address=f"127.0.0.1:{port}")
    outcome = carry_out(launch, tmp_path, ready_s=1, start=here)
    assert (outcome.ok, outcome.reason) == (False, f"127.0.0.1:{port} did not answer within 1 s")


UNREADY = """
import http.server, sys
class Loading(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Loading).serve_forever()
"""


def test_a_server_that_is_still_loading_has_not_answered(tmp_path, port):
    launch = steps(python(UNREADY, port), address=f"127.0.0.1:{port}")
    outcome = carry_out(launch, tmp_path, ready_s=3, start=here)
    assert (outcome.ok, outcome.reason) == (False, f"127.0.0.1:{port} did not answer within 3 s")


def test_a_server_that_ends_before_it_answers_is_a_failure_at_once(tmp_path, port):
    launch = steps(python("raise SystemExit(3)"), address=f"127.0.0.1:{port}")
    outcome = carry_out(launch, tmp_path, ready_s=600, start=here)
    assert "worker-0 has failed with exit status 3 before" in outcome.reason
    assert outcome.seconds < 60


def test_a_client_that_fails_makes_the_launch_fail(tmp_path, port):
    launch = steps(python(SERVE, port, "0"), address=f"127.0.0.1:{port}")
    outcome = carry_out(launch, tmp_path, client=python("raise SystemExit(5)"), ready_s=30, start=here)
    assert outcome.reason == "the client has failed with exit status 5"


def test_mpi_starts_its_processes_over_all_nodes():
    assert srun(Step("server", 0, ("a", "b"), ("x",), {}, 16))[:4] == [
        "srun",
        "--nodes=2",
        "--ntasks=16",
        "--nodelist=a,b",
    ]


def _alive(mark: str) -> bool:
    time.sleep(0.3)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in words and int(entry.name) != os.getpid():
            return True
    return False


# On a real cluster.

REDUCE = """\
import os, socket, torch, torch.distributed as dist
dist.init_process_group("gloo")
value = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(value)
print("node", os.environ["SLURMD_NODENAME"], "rank", dist.get_rank(), "sum", value.item(), flush=True)
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def torch_programs() -> Path:
    """The programs of an engine's environment that has torch; made, where there is none."""
    try:
        return prepare_venv(ROOT / "envs/transformers.txt", "3.11") / "bin"
    except BuildError as error:
        if "check the network" in str(error):
            pytest.skip(f"torch cannot be had here: {error}")
        raise


def launch(slurm, programs: Path, tmp_path: Path, *words: str) -> tuple[int, dict, list[str]]:
    """`atlas cluster launch` in an allocation of two nodes."""
    atlas = Path(sys.executable).parent / "atlas"
    salloc = ["salloc", "--quiet", "-N2", "-p", "cpu", "--ntasks-per-node=1", "--mem=3000"]
    command = [*salloc, str(atlas), "cluster", "launch", "--logs", str(tmp_path / "logs"), *words]
    env = {**os.environ, **slurm.env, "PATH": f"{programs}:{os.environ['PATH']}", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=900
    )
    logs = sorted((tmp_path / "logs").glob("*.log"))
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), [log.read_text() for log in logs]


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
@pytest.mark.network
def test_torchrun_meets_over_two_nodes(plain, torch_programs, tmp_path):
    script = tmp_path / "reduce.py"
    script.write_text(REDUCE)
    code, said, logs = launch(plain, torch_programs, tmp_path, "--launcher", "torchrun", "--", str(script))
    assert code == 0, (said, logs)
    assert said["parallel"] == {"dp": 2}
    lines = sorted(line for log in logs for line in log.splitlines() if line.startswith("node "))
    assert lines == ["node c1 rank 0 sum 3.0", "node c2 rank 1 sum 3.0"]


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
@pytest.mark.network
def test_a_rank_that_dies_on_another_node_ends_the_launch(plain, torch_programs, tmp_path):
    script = tmp_path / "dies.py"
    script.write_text("import os, time\nif os.environ['RANK'] == '1': os._exit(4)\ntime.sleep(600)\n")
    code, said, _ = launch(plain, torch_programs, tmp_path, "--launcher", "torchrun", "--", str(script))
    assert code == 3
    assert said["status"] == "FAILURE"
    assert "worker-1 has failed" in said["reason"]
