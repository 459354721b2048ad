"""The chain of a real engine by `snakemake --profile slurm`: the committed artefacts, byte by byte.

All of it is made anew: sources where Snakemake runs, and the environment and what follows from it in jobs.
The invariants take ten minutes of a core, and are part of it where ATLAS_TEST_SLURM is set.
"""

from __future__ import annotations

import json
import os

import pytest
import yaml

ENGINE, VERSION = "transformers", "5.23.0"
MADE = {
    "source": ("source.json",),
    "environment": ("environment.json",),
    "schema": ("schema.discovered.json", "config.schema.json"),
    "invariants": ("invariants.yaml", "invariants.quarantine.yaml", "invariants.coverage.json"),
}
if not os.environ.get("ATLAS_TEST_SLURM"):
    del MADE["invariants"]
MODEL = {
    "architecture": "llama",
    "layers": 1,
    "hidden_size": 64,
    "heads": 4,
    "kv_heads": 2,
    "vocabulary": 500,
    "seed": 0,
}
CARD = {
    "name": "least",
    "tags": ["smoke"],
    "model": {"synthetic": MODEL},
    "dataset": {"requests": 4, "input_tokens": 8, "output_tokens": 8, "seed": 0},
    "parameters": {"batch_size": 1, "dtype": "float32"},
    "repeats": 1,
    "warmup": 1,
    "timeout_s": 1800,
}
pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.xdist_group("slurm")]


def test_the_chain_of_a_real_engine_makes_the_committed_bytes(clone):
    cell = clone.root / "results" / ENGINE / VERSION
    names = [name for made in MADE.values() for name in made]
    clone.settings(network="login", all={"time": "8h"}, rules={"environment": {"time": "1h"}})
    committed = {name: (cell / name).read_bytes() for name in names}
    sidecars = {name: json.loads((cell / f"{name}.prov.json").read_bytes()) for name in names}
    for name in names:
        (cell / name).unlink()
        (cell / f"{name}.prov.json").unlink()
    for path in (clone.root / "config/workloads").iterdir():
        path.unlink()
    card = {"format_version": 1, "cards": [CARD]}
    (clone.root / "config/workloads/least.yaml").write_text(yaml.safe_dump(card))
    record = f"measured/{ENGINE}/{VERSION}/perf/{clone.hardware}/{CARD['name']}/1.json"
    targets = [*(f"results/{ENGINE}/{VERSION}/{name}" for name in names), record]

    done = clone.snakemake("--", *targets)
    if done.returncode and "check the network" in done.said:
        pytest.skip("the engine's packages cannot be had here")
    assert done.returncode == 0, done.said
    # All but the source, and a measurement.
    assert done.said.count("has been submitted with SLURM jobid") == len(MADE), done.said
    assert [name for name in names if (cell / name).read_bytes() != committed[name]] == []
    for name in names:
        made = json.loads((cell / f"{name}.prov.json").read_bytes())
        # By which code the committed one was made is told by its own; that the bytes are the same, by these.
        assert {**made, "code": None} == {**sidecars[name], "code": None}
    measured = json.loads((clone.root / record).read_text())
    assert (measured["status"], measured["failure_reason"]) == ("SUCCESS", None)
    assert [request["n_out"] for request in measured["requests"]] == [8] * 4
    assert clone.mine() == []
    again = clone.snakemake("-n", "--", *targets)
    assert "Nothing to be done" in again.said, again.said
