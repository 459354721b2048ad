"""What launchers start on 1, 2 and 4 nodes; and that the flags are ones that the engines have."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from atlas.cluster.allocation import allocation
from atlas.cluster.launchers import Allocation, load_launchers, render
from atlas.errors import InputError, UnavailableError

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = Path(__file__).parent / "launches"
LAUNCHERS = load_launchers(ROOT)
SIZES = (1, 2, 4)


def given(nodes: int, gpus: int = 8) -> Allocation:
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    return Allocation(3007, names, tuple(f"10.0.0.{number}" for number in range(1, nodes + 1)), gpus)


def shown(name: str, nodes: int) -> str:
    """Each step as a line that a person could type."""
    made = render(LAUNCHERS, name, given(nodes), model="org/model", arguments=["--extra", "a b"])
    lines = [f"# {' '.join(f'{kind}={size}' for kind, size in made.parallel.items())} at {made.address}"]
    for step in made.steps:
        env = "".join(f"{key}={shlex.quote(value)} " for key, value in step.env.items())
        tasks = f" x{step.tasks}" if step.tasks > 1 else ""
        lines.append(
            f"{step.role}-{step.rank} on {','.join(step.nodes)}{tasks}: {env}{shlex.join(step.argv)}"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", sorted(LAUNCHERS))
def test_what_is_started_is_what_was_seen_to_be_right(name):
    least = LAUNCHERS[name].get("least_nodes", 1)
    found = "\n".join(f"{nodes} nodes\n{shown(name, nodes)}" for nodes in SIZES if nodes >= least)
    assert found == (SNAPSHOTS / f"{name}.txt").read_text()


def test_every_snapshot_is_of_a_launcher():
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(LAUNCHERS)


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("vllm", "vllm"),
        ("vllm-tensor", "vllm"),
        ("vllm-replicas", "vllm"),
        ("sglang", "sglang"),
        ("sglang-disagg", "sglang"),
    ],
)
def test_every_flag_is_one_that_the_current_version_has(name, engine):
    newest = re.search(r'current_version: "(.+)"', (ROOT / f"engine_versions/{engine}.yaml").read_text())
    text = (ROOT / f"results/{engine}/{newest[1]}/schema.discovered.json").read_text()
    # The last three are options of vLLM's server, not of the engine that the schema is of.
    known = {*re.findall(r'"(--[a-z0-9-]+)"', text), "--headless", "--host", "--port"}
    roles = [role for role in LAUNCHERS[name]["roles"] if role["name"] != "router"]
    words = [word for role in roles for group in role["words"] for word in _words(group)]
    flags = {word for word in words if word.startswith("--")}
    assert flags
    assert flags <= known, flags - known


def _words(group):
    return group["words"] if isinstance(group, dict) else group


def test_an_unknown_launcher_is_an_error_that_names_the_nearest():
    with pytest.raises(InputError, match=r"no launcher is called `torchrum` \(did you mean `torchrun`"):
        render(LAUNCHERS, "torchrum", given(1), model=None, arguments=[])


def test_too_few_nodes_are_an_error():
    with pytest.raises(InputError, match="needs 2 nodes, and the allocation has 1"):
        render(LAUNCHERS, "sglang-disagg", given(1), model="m", arguments=[])


def test_without_a_model_one_that_serves_it_is_an_error():
    with pytest.raises(InputError, match=r"needs \{model\}"):
        render(LAUNCHERS, "vllm", given(1), model=None, arguments=[])


def test_replicas_and_one_engine_over_nodes_are_told_apart():
    one = render(LAUNCHERS, "vllm", given(2), model="m", arguments=[])
    many = render(LAUNCHERS, "vllm-replicas", given(2), model="m", arguments=[])
    assert (dict(one.parallel), dict(many.parallel)) == ({"tp": 8, "pp": 2}, {"tp": 8, "dp": 2})


def test_jobs_on_the_same_nodes_have_ports_of_their_own():
    ports = [Allocation(job, ("a",), ("a",), 1).port for job in range(1, 3000)]
    assert all(later - port >= 4 for port, later in pairwise(ports))
    assert max(ports) + 3 < 32768


def test_an_allocation_is_read_from_slurm():
    answers = {
        ("squeue", "--noheader", "--format=%N", "--jobs", "12"): "n[1-2]\n",
        ("scontrol", "show", "hostnames", "n[1-2]"): "n1\nn2\n",
        (
            "scontrol",
            "--oneliner",
            "show",
            "node",
            "n1,n2",
        ): "NodeName=n1 Arch=x NodeAddr=10.0.0.1\nNodeName=n2 NodeAddr=n2.site\n",
    }
    env = {"SLURM_JOB_ID": "12", "SLURM_JOB_NODELIST": "n1", "SLURM_GPUS_ON_NODE": "4"}
    found = allocation(env, lambda command: answers[tuple(command)])
    assert found == Allocation(12, ("n1", "n2"), ("10.0.0.1", "n2.site"), 4)
    with pytest.raises(UnavailableError, match="no SLURM job"):
        allocation({})


def test_launchers_that_cannot_be_meant_are_refused(tmp_path):
    (tmp_path / "config").mkdir()
    text = (ROOT / "config/launchers.yaml").read_text()
    (tmp_path / "config/launchers.yaml").write_text(text.replace("each: decode", "each: decoder"))
    with pytest.raises(
        InputError, match=r"launchers.yaml:\d+:\d+: .*no role `decoder` \(did you mean `decode`"
    ):
        load_launchers(tmp_path)


def test_the_list_of_launchers_is_json_that_a_record_can_hold():
    made = render(LAUNCHERS, "sglang-disagg", given(2), model="m", arguments=[])
    assert json.loads(json.dumps(dict(made.parallel))) == {"tp": 8}
