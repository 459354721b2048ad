"""A job that fails, is killed or is interrupted leaves the last good artefact and its sidecar."""

from __future__ import annotations

import os
import signal
import time

import pytest

SCHEMA = "results/vllm/0.9.1/schema.json"
NAMES = "results/vllm/0.9.1/names.txt"
PERF = "results/vllm/0.9.1/perf.csv"
RUN = "python -m toy.schema {wildcards.engine} {input} {output.schema} {output.names} 2> {log}"
MARK = "logs/running"
SLOW = f"python -m toy.pause {MARK}"


def good(world):
    return {name: text for name, text in world.contents().items() if name.startswith(("results/", "docs/"))}


def command(world, text):
    """Replace the command of rule schema, which has two outputs."""
    world.replace("rules/stages.smk", RUN, text)


def kill_in_the_middle(world, how, *arguments):
    """Start a run, wait until its command has come to SLOW, and end it."""
    mark = world.path / MARK
    mark.unlink(missing_ok=True)
    process = world.popen("snakemake", "-c1", "--latency-wait", "1", SCHEMA, *arguments)
    deadline = time.monotonic() + 60
    while not mark.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, how)
    process.wait()


@pytest.mark.parametrize(
    "text",
    [
        "exit 3",
        "echo half > {output.schema}; exit 3",
        f"{RUN} && echo x >> {{output.schema}} && exit 3",
        "rm {output.schema}; exit 3",
        "exit 0",
        f"{RUN}; rm {{output.names}}",
        "echo new > {output.schema}",
    ],
    ids=[
        "before it writes",
        "half-way through a file",
        "after it has written",
        "after deleting",
        "ends well and writes nothing",
        "ends well and deletes",
        "ends well and writes one of two",
    ],
)
def test_a_failed_job_changes_no_byte(world, text):
    before = good(world)
    command(world, text)
    status, output = world.snakemake("-c1", "--latency-wait", "1", SCHEMA)
    assert status == 1, output
    assert good(world) == before
    assert "Code has changed" in world.stale()[SCHEMA]
    assert not [path for path in world.path.glob(".snakemake/backups/**/*") if path.is_file()]
    command_again = world.path / "rules/stages.smk"
    command_again.write_text(command_again.read_text().replace(text, RUN))
    assert world.stale() == {}


def test_a_first_build_that_fails_leaves_nothing(world):
    for name in (SCHEMA, NAMES):
        world.delete(name)
        world.delete(f"{name}.prov.json")
    command(world, "echo half > {output.schema}; exit 3")
    assert world.snakemake("-c1", SCHEMA)[0] == 1
    assert not (world.path / SCHEMA).exists()
    assert not (world.path / f"{SCHEMA}.prov.json").exists()
    assert "Missing output files" in world.stale()[SCHEMA]


def test_a_retry_starts_from_the_last_good_artefact_and_may_succeed(world):
    command(world, f"test -e logs/once && {RUN} || (touch logs/once; echo half > {{output.schema}}; exit 3)")
    world.build("--retries", "1", SCHEMA)
    assert "half" not in (world.path / SCHEMA).read_text()
    assert SCHEMA not in world.stale()


def test_an_artefact_edited_by_hand_survives_a_failure_too(world):
    world.append(SCHEMA, "\n")
    before = good(world)
    command(world, "echo half > {output.schema}; exit 3")
    assert world.snakemake("-c1", SCHEMA)[0] == 1
    assert good(world) == before


def test_other_cells_go_on_after_a_failure(world):
    world.replace("engine_versions/vllm.yaml", "[model, dtype, seed]", "[model, seed]")
    world.replace(
        "scripts/toy/lib/discover.py", "return", 'if "dtype" in surface: raise SystemExit(3)\n    return'
    )
    status, _ = world.snakemake("-c2", "--keep-going")
    assert status == 1
    stale = world.stale()
    assert SCHEMA in stale and "results/vllm/0.9.2/schema.json" not in stale


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (f"{SLOW}; {RUN}", "Code has changed"),
        (f"{RUN} && echo >> {{output.schema}} && {SLOW}", "left by a run that was interrupted"),
        (f"echo half > {{output.schema}}; {SLOW}", "left by a run that was interrupted"),
    ],
    ids=["before it writes", "after it has written", "half-way through a file"],
)
def test_what_a_killed_run_left_is_stale_and_the_next_run_recovers(world, how, text, seen):
    before = good(world)
    command(world, text)
    kill_in_the_middle(world, how)
    assert seen in world.stale()[SCHEMA]
    assert {name for name, old in before.items() if good(world)[name] != old} <= {SCHEMA, NAMES}
    assert {name: old for name, old in before.items() if name.endswith(".prov.json")}.items() <= good(
        world
    ).items()

    stages = world.path / "rules/stages.smk"
    stages.write_text(stages.read_text().replace(text, f"{RUN} && true"))
    world.build()
    assert world.stale() == {}
    assert good(world).keys() == before.keys()
    assert (world.path / SCHEMA).read_bytes() == before[SCHEMA]


def test_a_failure_after_a_killed_run_brings_the_last_good_artefact_back(world):
    before = good(world)
    command(world, f"echo half > {{output.schema}}; {SLOW}")
    kill_in_the_middle(world, signal.SIGKILL)
    assert good(world) != before
    world.replace("rules/stages.smk", SLOW, "exit 3")
    assert world.snakemake("-c1", SCHEMA)[0] == 1
    assert good(world) == before


def test_temporary_files_of_a_killed_run_are_swept(world):
    (world.path / "results/vllm/0.9.1/.schema.json.abc.tmp").write_text("half")
    command(world, f"{RUN} && true")
    world.build(SCHEMA)
    assert not list(world.path.glob("results/**/.*.tmp"))


def test_a_running_build_keeps_others_out_and_a_killed_one_does_not(world):
    command(world, f"{SLOW}; {RUN}")
    mark = world.path / MARK
    process = world.popen("snakemake", "-c1", SCHEMA)
    while not mark.exists():
        assert process.poll() is None
        time.sleep(0.05)
    status, output = world.snakemake("-c1", SCHEMA)
    assert status == 1 and "cannot be locked" in output and "--unlock" in output
    assert SCHEMA in world.stale()  # a dry run is let in
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    world.replace("rules/stages.smk", SLOW, "true")
    world.build(SCHEMA)


def test_the_lock_of_another_host_is_left_alone(world):
    command(world, f"{SLOW}; {RUN}")
    kill_in_the_middle(world, signal.SIGKILL)
    for guard in world.path.glob(".snakemake/locks/*.host"):
        guard.write_text("another-host")
    status, output = world.snakemake("-c1", SCHEMA)
    assert status == 1 and "--unlock" in output
    assert world.snakemake("--unlock")[0] == 0
    world.replace("rules/stages.smk", SLOW, "true")
    world.build(SCHEMA)
