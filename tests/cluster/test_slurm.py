"""`snakemake --profile slurm` on a real SLURM, with and without accounting: what becomes of jobs is told."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from scenarios import FEW, Seen, files, interrupted, matrix, rejected

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slurm")]
KINDS = ("plain", "accounting")
ALL = bool(os.environ.get("ATLAS_TEST_SLURM"))
"""Whether all is run with accounting that is run without: half of the time is for that."""


@pytest.fixture(scope="module")
def runs(request, toy_built, new_world, nvml, gpu_hardware, on) -> dict[str, Future]:
    """All runs, at the same time, as most of each is waiting; first the chain, whose jobs need a controller
    that the matrix takes away."""
    clusters = {kind: request.getfixturevalue(kind) for kind in KINDS}

    def gpu(kind):
        here = on(toy_built, clusters[kind])
        here.world.extra |= nvml
        here.gpu_hardware = gpu_hardware
        return here

    def chain():
        here = on(new_world, clusters["plain"])
        done = here.snakemake()
        first = files(here.root), done.returncode, done.said
        return (*first, here.snakemake("-n").said, here.world.stale(), here.mine())

    few = {} if ALL else {"names": FEW}
    jobs = {
        "matrix plain": lambda: matrix(gpu("plain")),
        # Accounting is what hides that a job was cancelled from outside.
        "matrix accounting": lambda: matrix(gpu("accounting"), "--slurm-status-command", "sacct", **few),
        "ctrl-c": lambda: interrupted(on(toy_built, clusters["plain"])),
        "partition": lambda: rejected(on(toy_built, clusters["plain"]), cpu={"partition": "none"}),
        "account": lambda: rejected(on(toy_built, clusters["accounting"]), all={"account": "none"}),
    }
    with ThreadPoolExecutor(len(jobs)) as pool:
        first = pool.submit(chain)
        first.exception()
        yield {"chain": first, **{name: pool.submit(job) for name, job in jobs.items()}}


@pytest.fixture(params=KINDS)
def wounded(request, runs) -> tuple[Seen, Seen]:
    return runs[f"matrix {request.param}"].result()


def has(seen: Seen, *cards: str) -> None:
    if not set(cards) <= seen.notes["cards"]:
        pytest.skip("ATLAS_TEST_SLURM=1 runs this too")


def test_the_chain_makes_the_same_bytes_as_one_machine(runs, toy_built):
    made, code, said, dry, stale, left = runs["chain"].result()
    assert code == 0, said
    assert said.count("has been submitted with SLURM jobid") == 7, said
    assert made == files(toy_built.root)
    assert "Nothing to be done" in dry
    assert stale == {}
    assert left == []


def test_jobs_that_fail_make_the_run_fail_and_leave_none(wounded):
    first, _ = wounded
    assert first.code == 1, first.said
    assert first.left == []


def test_what_the_recorder_saw_is_a_record_as_on_one_machine(wounded):
    first, _ = wounded
    assert first.records["good/1"]["status"] == "SUCCESS"
    has(first, "crash", "overtime")
    assert first.records["crash/1"]["failure_kind"] == "crash"
    assert first.records["overtime/1"]["failure_kind"] == "timeout"


@pytest.mark.parametrize(
    ("card", "kind", "reason"),
    [
        ("cancelled", "cancelled", "CANCELLED"),
        ("endless", "timeout", "TIMEOUT"),
        ("doomed", "scheduler", "node failure"),
    ],
)
def test_what_the_cluster_ended_is_a_record_that_says_so(wounded, card, kind, reason):
    first, _ = wounded
    has(first, card)
    record = first.records[f"{card}/1.failed"]
    assert (record["status"], record["failure_kind"]) == ("FAILURE", kind), first.said
    assert reason in record["failure_reason"]
    assert "SLURM job" in record["failure_reason"]
    assert f"{card}/1" not in first.records


def test_a_card_with_gpus_runs_on_their_partition_with_gres(wounded):
    first, _ = wounded
    job = first.notes["gpu"]
    assert job["Partition"] == "gpu"
    assert job["TresPerNode"] == "gres:gpu:toy:2"
    assert job["OverSubscribe"] == "NO"
    (result,) = first.records["gpu/1"]["results"]
    assert (result["value"], result["metric"]) == (2, "gpus")


def test_a_card_of_two_nodes_is_one_record_and_a_silent_node_is_told(wounded):
    first, _ = wounded
    has(first, "wide")
    found = {name: first.records[f"{name}/1"] for name in ("wide", "partly", "broken")}
    wide = {one["metric"]: one["value"] for one in found["wide"]["results"]}
    assert (found["wide"]["status"], wide) == ("SUCCESS", {"tok/s": 30, "nodes": 2}), first.said
    for name, status, count in (("wide", "SUCCESS", 2), ("partly", "DEGRADED", 1), ("broken", "FAILURE", 2)):
        record = found[name]
        assert (record["status"], record["nodes_reported"], record["nodes_expected"]) == (status, count, 2)
    assert found["partly"]["failure_kind"] == "nodes_missing"
    assert "worker-1 has failed with exit status 4" in found["broken"]["failure_reason"]


def test_the_next_run_measures_only_what_the_cluster_had_ended(wounded):
    first, second = wounded
    assert second.code == 0, second.said
    ended = first.notes["cards"] & {"cancelled", "endless", "doomed"}
    for card in ended:
        assert second.records[f"{card}/1"]["status"] == "SUCCESS"
    for card in first.notes["cards"] - ended:
        assert second.records[f"{card}/1"]["run_id"] == first.records[f"{card}/1"]["run_id"]
    assert second.said.count("Measuring ") == len(ended)
    assert second.left == []


def test_ctrl_c_ends_the_jobs_and_says_so(runs):
    first, second = runs["ctrl-c"].result()
    assert first.code == 1, first.said
    assert first.left == []
    assert first.records["waiting/1.failed"]["failure_kind"] == "cancelled"
    assert second.code == 0, second.said
    assert second.said.count("Measuring ") == 1
    assert second.records["waiting/1"]["status"] == "SUCCESS"
    assert second.records["good/1"]["run_id"] == first.records["good/1"]["run_id"]


@pytest.mark.parametrize(("what", "says"), [("partition", "invalid partition"), ("account", "none")])
def test_a_rejected_job_is_a_failure_and_no_success(runs, what, says):
    first, second = runs[what].result()
    assert first.code == 1
    record = first.records["good/1.failed"]
    assert record["failure_kind"] == "scheduler"
    assert says in record["failure_reason"]
    assert first.left == []
    assert second.code == 0, second.said
    assert second.records["good/1"]["status"] == "SUCCESS"
