"""Nodes are looked at before a run: the bad ones are excluded, and busy ones hold nothing up."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from services import Missing

from atlas.cluster import health, preflight
from atlas.cluster.checked import Looked, document, excluded
from atlas.cluster.placement import requested
from atlas.cluster.settings import Jobs, Site, load_site
from atlas.errors import UnavailableError
from slurm import cluster

ROOT = Path(__file__).resolve().parents[2]
SHOWN = """\
NodeName=n1 Arch=x86_64 State=IDLE Gres=gpu:h200:8(S:0-1) RealMemory=2 Partitions=gpu,a CfgTRES=gres/gpu=8
NodeName=n2 State=MIXED Gres=gpu:h200:8 RealMemory=2 Partitions=gpu CfgTRES=gres/gpu=8 AllocTRES=gres/gpu=6
NodeName=n3 State=ALLOCATED Gres=(null) RealMemory=1000 Partitions=cpu CfgTRES=cpu=8 AllocTRES=cpu=8
NodeName=n4 State=IDLE+DRAIN Gres=(null) RealMemory=1000 Partitions=cpu CfgTRES=cpu=8 AllocTRES=
NodeName=n5 State=IDLE Gres=(null) RealMemory=1000 Partitions=other CfgTRES=cpu=8 AllocTRES=
NodeName=n6 State=IDLE Gres=gpu:2 RealMemory=1000 Partitions=gpu CfgTRES=cpu=8 AllocTRES=
"""
SITE = Site(cpu={"partition": "cpu"}, gpu={"partition": "gpu", "gpu_model": "h200", "account": "a"})


def told(*checks):
    return json.dumps(
        {"answer": {"checks": [dict(zip(("name", "ok", "what"), one, strict=True)) for one in checks]}}
    )


@pytest.fixture
def look(monkeypatch):
    """Look at the nodes above, whose jobs say what they are told to."""
    monkeypatch.setattr(preflight, "said", lambda command: SHOWN)

    def made(answers):
        asked = {}

        def run(words, limit_s):
            node = next(word for word in words if word.startswith("--nodelist=")).partition("=")[2]
            asked[node] = words
            return answers.get(node, (0, told(("memory", True, "enough"), ("kernel", None, "not told")), ""))

        found = preflight.preflight(SITE, wait_s=30, disk_gb=5, run=run)
        return {one.node: (one.verdict, one.why) for one in found}, asked

    return made


def test_nodes_are_looked_at_with_the_gpus_that_are_free(look):
    found, asked = look({})
    assert {node: verdict for node, (verdict, _) in found.items()} == {
        **dict.fromkeys(("n1", "n2", "n6"), "good"),
        "n3": "busy",
        "n4": "away",
    }
    assert set(asked) == {"n1", "n2", "n6"}
    assert "--gres=gpu:h200:8" in asked["n1"]
    assert "--gres=gpu:h200:2" in asked["n2"]
    assert {"--immediate=30", "--partition=gpu", "--account=a"} <= set(asked["n1"])


@pytest.mark.parametrize(
    ("answer", "verdict", "why"),
    [
        ((1, told(("gpus", False, "7 are shown"), ("kernel", None, "")), ""), "bad", "gpus: 7 are shown"),
        ((1, "", "srun: error: Unable to allocate resources: Requested nodes are busy"), "busy", "in use"),
        ((1, "", "srun: error: Task launch failed: Node failure on n1"), "bad", "did not run there"),
        ((None, "", ""), "bad", "had no end"),
        ((0, "hello", ""), "bad", "said nothing"),
    ],
)
def test_what_a_node_answers_decides(look, answer, verdict, why):
    found, _ = look({"n1": answer})
    assert found["n1"][0] == verdict
    assert why in found["n1"][1]
    assert found["n2"][0] == "good"


def test_settings_that_slurm_refuses_are_no_fault_of_the_nodes(look):
    with pytest.raises(UnavailableError, match="Invalid account"):
        look({"n1": (1, "", "srun: error: Unable to allocate resources: Invalid account or partition")})


def test_bad_nodes_are_excluded_from_jobs_for_a_day(tmp_path):
    file = tmp_path / "nodes.json"
    assert excluded(file) == ()
    now = datetime.now(UTC)
    looked = [Looked("n1", "bad", "x"), Looked("n2", "busy", "y"), Looked("n3", "bad", "z")]
    file.write_text(json.dumps(document(looked, now)))
    assert excluded(file, now + timedelta(hours=23)) == ("n1", "n3")
    assert excluded(file, now + timedelta(hours=25)) == ()
    site = Site(every={"exclude": "n9"}, bad=("n1", "n3"))
    assert requested(site.jobs("measure", gpu=True), 0, {})["slurm_extra"] == "--exclude=n9,n1,n3"
    assert site.jobs("schema", gpu=False) == Jobs(exclude="n9,n1,n3")
    file.write_text("{")
    assert excluded(file) == ()


def test_what_the_kernel_says_of_gpus_counts_for_a_day():
    lines = "[  100.5] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n[200000.0] usb: new\n"
    assert health._kernel(lines, 200.0).ok is False
    assert health._kernel(lines, 200_001.0).ok is True
    assert health._kernel(None, 1.0).ok is None


def test_a_node_with_less_memory_or_disk_than_it_should_have_is_bad(tmp_path):
    here = psutil.virtual_memory().total // 2**20
    found = {one.name: one for one in health.checks(ROOT, gpus=0, memory_mb=here, disk_gb=0)}
    assert all(one.ok is not False for one in found.values()), found
    found = {one.name: one for one in health.checks(ROOT, gpus=1, memory_mb=2 * here, disk_gb=10**6)}
    assert [name for name, one in found.items() if one.ok is False and not name.startswith("disk")] == [
        "memory",
        "gpus",
    ]
    assert not found["disk of project"].ok


# On a real cluster.


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
def test_a_node_that_has_lost_a_gpu_is_found_and_busy_ones_hold_nothing_up(
    nvml, gpu_hardware, tmp_path, toy_built, on
):
    """g1 shows one GPU less than SLURM thinks it has, and a job of someone else has all of c1.

    The command finds that, and so does the rule, which then has a card measured on another node.
    """
    folder = Path(tempfile.mkdtemp(prefix="sl-", dir="/tmp"))
    prolog, output = tmp_path / "prolog", tmp_path / "nodes.json"
    prolog.write_text('#!/bin/sh\n[ "$SLURMD_NODENAME" != g1 ] || echo export FAKE_NVML_COUNT=1\n')
    prolog.chmod(0o755)
    more = f"TaskProlog={prolog}\n"
    try:
        with cluster(folder / "c", memory=psutil.virtual_memory().total // 2**20, more=more) as slurm:
            other = slurm.run(
                "sbatch", "--parsable", "-wc1", "--exclusive", "-o/dev/null", "--wrap", "sleep 600"
            )
            settings = tmp_path / "cluster.yaml"
            parts = "all: {time: 1h}\n  cpu: {partition: cpu}\n  gpu: {partition: gpu, gpu_model: toy}"
            settings.write_text(f"cluster:\n  format_version: 1\n  {parts}\n")
            slurm.running(other.strip())
            words = ["cluster", "preflight", "--settings", str(settings), "--output", str(output)]
            done = subprocess.run(
                [str(Path(sys.executable).with_name("atlas")), *words, "--disk", "0"],
                cwd=ROOT,
                env={**os.environ, **slurm.env, **nvml},
                capture_output=True,
                text=True,
                check=False,
            )
            here = on(toy_built, slurm)
            here.world.extra |= nvml
            report = "print('performance: 1 tok/s')"
            here.cards({"gpu": {"command": ["{python}", "-c", report], "gpus_per_node": 1}})
            here.settings(gpu={"hardware": gpu_hardware})
            ruled = here.snakemake("preflight", "-f")
            by_rule = here.root / "measured/cluster/nodes.json"
            looked = set(slurm.run("squeue", "-h", "--states=all", "-o", "%i").split())
            then = here.snakemake("perf")
            listed = slurm.run("squeue", "-h", "--states=COMPLETED", "-o", "%i|%Z|%N|%P").splitlines()
            ended = [line.partition("|")[::2] for line in listed]
            measured = [line for job, line in ended if line.startswith(f"{here.root}|") and job not in looked]
            slurm.until(lambda: not here.mine(), "the end of its jobs")
            left = slurm.jobs()
            nodes = []
            for bad in ((), excluded(output)):
                jobs = replace(load_site(settings), bad=bad).jobs("measure", gpu=True)
                asked = shlex.split(requested(jobs, 1, {})["slurm_extra"] or "")
                gpu = ("-pgpu", "--gres=gpu:1", "-o/dev/null", "--wait", "--parsable", *asked)
                nodes.append(slurm.show(slurm.run("sbatch", *gpu, "--wrap", "true").strip())["NodeList"])
    except Missing as why:
        pytest.skip(f"no SLURM here: {why}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = {one["node"]: one for one in json.loads(output.read_text())["nodes"]}
    assert done.returncode == 1, done.stderr
    verdicts = {name: one["verdict"] for name, one in found.items()}
    assert verdicts == {"c1": "busy", "c2": "good", "g1": "bad", "g2": "good"}, done.stderr
    assert found["g1"]["why"] == "gpus: 1 are shown, and SLURM gives 2"
    assert ruled.returncode == 0, ruled.said
    told = {one["node"]: one["verdict"] for one in json.loads(by_rule.read_text())["nodes"]}
    assert told == verdicts
    assert then.returncode == 0, then.said
    assert measured == [f"{here.root}|g2|gpu"]
    assert nodes == ["g1", "g2"]
    assert [line.split()[0] for line in left] == [other.strip()]
