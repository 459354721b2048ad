"""What runs of Snakemake do to artefacts and sidecars: everything they should, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

PIN = ("engine_versions/vllm.yaml", "wheel-1111", "wheel-4444-x")
V091 = [("vllm", "0.9.1")]
PERF = "results/vllm/0.9.1/perf.csv"
BENCH = "python -m toy.bench"


def with_sidecars(files):
    return files | {f"{name}.prov.json" for name in files}


def test_a_dry_run_changes_nothing_on_disk(world):
    before = world.mtimes()
    assert world.stale() == {}
    assert world.changed() == set()
    assert world.mtimes() == before


def test_a_run_changes_only_what_was_stale_and_leaves_nothing_stale(world, artefacts, tmp_path):
    world.replace(*PIN)
    world.build()
    came_out_the_same = {"results/vllm/0.9.1/names.txt", "docs/coverage.md"}
    assert world.changed() == {PIN[0]} | with_sidecars(artefacts("source", V091)) - came_out_the_same
    assert world.stale() == {}
    world.commit()
    assert world.clone(tmp_path / "again").stale() == {}


def test_building_everything_again_changes_no_byte(world):
    world.build("-F")
    assert world.changed() == set()


def test_touch_accepts_without_running_and_only_sidecars_differ(world, artefacts):
    world.replace("rules/stages.smk", BENCH, "python  -m toy.bench")
    assert set(world.stale()) == artefacts("bench")
    world.build("--touch")
    assert world.stale() == {}
    perf = {name for name in artefacts("bench") if name.endswith("perf.csv")}
    assert world.changed() == {"rules/stages.smk"} | {f"{name}.prov.json" for name in perf}


def test_forgetting_the_metadata_of_an_artefact_makes_it_stale(world):
    world.snakemake("--cleanup-metadata", PERF)
    assert f"{PERF}: no provenance" in world.stale()[PERF]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text + "<<<<<<< HEAD\n",
        lambda text: text.replace('"snakemake_record": 6', '"snakemake_record": 5'),
        lambda text: text.replace('"format_version": 1', '"format_version": 2'),
        lambda text: text.replace('"inputs": {', '"inputs": 3, "x": {'),
        lambda text: "[]\n",
        lambda text: "",
    ],
    ids=["conflict markers", "other record", "other format", "other type", "no object", "empty"],
)
def test_a_sidecar_that_cannot_be_trusted_means_stale(world, damage):
    path = world.path / f"{PERF}.prov.json"
    assert damage(path.read_text()) != path.read_text()
    path.write_text(damage(path.read_text()))
    assert f"{PERF}: no provenance" in world.stale()[PERF]


def test_sidecars_forgotten_in_a_commit_mean_stale(world, artefacts, tmp_path):
    world.replace(*PIN)
    world.build()
    world.git("add", "-A")
    world.git("reset", "-q", "--", "*.prov.json")
    world.git("commit", "-q", "-m", "x")
    found = set(world.clone(tmp_path / "again").stale())
    # What came out the same as before is as its old sidecar says, but its inputs are not.
    assert found == artefacts("source", V091)


def test_after_a_merge_of_two_bumps_only_the_reports_are_stale(world):
    for branch, file, old, new in (
        ("a", "engine_versions/vllm.yaml", "wheel-1111", "wheel-4444-x"),
        ("b", "engine_versions/sglang.yaml", "wheel-3333", "wheel-5555-x"),
    ):
        world.git("checkout", "-q", "-b", branch, "main")
        world.replace(file, old, new)
        world.build()
        world.commit()
    world.git("merge", "-q", "-X", "ours", "-m", "m", "a")
    assert set(world.stale()) == {"results/report.md", "docs/coverage.md"}
    world.build()
    assert world.stale() == {}


@pytest.mark.parametrize("attributes", [True, False])
def test_line_ends_are_bytes_so_a_checkout_may_not_rewrite_them(world, tmp_path, attributes):
    if not attributes:
        world.delete(".gitattributes")
        world.commit()
    clone = world.clone(tmp_path / "crlf", "-c", "core.autocrlf=true")
    clone.git("config", "core.autocrlf", "true")
    clone.git("rm", "-rq", "--cached", ".")
    clone.git("reset", "-q", "--hard")
    assert (clone.stale() == {}) == attributes


def test_snakemakes_own_ways_to_ask_agree(world, artefacts):
    world.replace("config/config.json", '"repeats": 3', '"repeats": 5')
    perf = {name for name in artefacts("bench") if name.endswith("perf.csv")}
    status, output = world.snakemake("--list-changes", "params")
    assert status == 0 and perf <= set(output.split())
    status, output = world.snakemake("--summary")
    assert status == 0 and output.count("params changed") == len(perf)
    status, output = world.snakemake("--report", "report.html")
    assert status == 0, output


def test_the_verdict_does_not_depend_on_how_containers_are_run(world, tmp_path):
    tool = tmp_path / "bin" / "apptainer"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho apptainer version 1.3.4\n")
    tool.chmod(0o755)
    env = {"PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}"}
    status, output = world.snakemake("-n", "--sdm", "apptainer", env=env)
    assert status == 0 and "Nothing to be done" in output


def test_an_input_that_changes_while_a_job_runs_is_not_recorded_as_read(world, artefacts):
    world.replace(
        "rules/stages.smk",
        "python -m toy.corpus {input.schema} {input.rules} {output}",
        "python -m toy.corpus {input} {output} && sleep 0.5 && echo late >> {input.rules}",
    )
    world.build("results/vllm/0.9.1/corpus.json")
    assert "Updated input files: config/rules.txt" in world.stale()["results/vllm/0.9.1/corpus.json"]


def test_sidecars_are_small_sorted_and_say_nothing_of_the_machine(world):
    for path in world.path.glob("**/*.prov.json"):
        text = path.read_text()
        value = json.loads(text)
        assert len(text) <= 2048
        assert list(value) == sorted(value) and list(value["inputs"]) == sorted(value["inputs"])
        for word in (str(world.path), os.uname().nodename, "/tmp", "starttime"):
            assert word not in text


def test_outputs_elsewhere_are_left_to_snakemake(world):
    world.append(
        "rules/stages.smk",
        'rule scratch:\n    output:\n        "logs/scratch.txt",\n    shell:\n        "echo > {output}"\n',
    )
    world.build("logs/scratch.txt")
    assert "Nothing to be done" in world.build("logs/scratch.txt")
    assert not (world.path / "logs/scratch.txt.prov.json").exists()


def test_it_works_from_another_folder(world, tmp_path):
    shutil.rmtree(world.path / ".snakemake", ignore_errors=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    status, output = world.server(
        elsewhere, ["-n", "-s", str(world.path / "Snakefile"), "-d", str(world.path)], {}
    )
    assert status == 0 and "Nothing to be done" in output, output


def test_the_sidecar_is_written_when_its_job_is_done_and_not_at_the_end(world, artefacts):
    world.replace(*PIN)
    world.replace("scripts/toy/schema.py", "found = load(source)", "raise SystemExit(3)")
    status, _ = world.snakemake("-c2")
    assert status == 1
    assert set(world.stale()) == artefacts("schema")
    assert subprocess.run(["git", "diff", "--quiet"], cwd=world.path).returncode == 1
