"""Measuring by the real Snakefile: a card that works, one that fails, and when they are run again."""

from __future__ import annotations

import csv
import json
import re
import time

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("built")]

CARDS = """\
format_version: 1
cards:
  - name: good
    tags: [toy]
    command: ["{python}", -c, "print('performance: 12.5 tok/s')"]
    repeats: 2
    timeout_s: 60
  - name: bad
    tags: [toy]
    command: ["{python}", -c, "print('performance: 12.5 tok/s'); raise SystemExit(7)"]
    repeats: 1
    timeout_s: 60
  - name: big
    tags: [toy]
    command: ["{python}", -c, "pass"]
    gpus_per_node: 64
"""
PERF = """\
perf:
  runs:
    - protocol: streamer
      parameters: {}
      load: [{sleep: {get: time.sleep}}]
      generate: {call: time.sleep, args: [0.01]}
"""


def keep(world, *hardware):
    path = world.root / "config/config.yaml"
    path.write_text(re.sub(r"hardware: \[.*\]", f"hardware: [{', '.join(hardware)}]", path.read_text()))


def rows(world):
    return list(csv.DictReader((world.root / "measured/perf.csv").open()))


def measured_again(done):
    lines = (done.stdout + done.stderr).splitlines()
    return sorted(line.split("Measuring ")[1] for line in lines if "Measuring " in line)


def test_cards_are_measured_kept_and_run_again_only_when_asked(two):
    for path in (two.root / "config/workloads").iterdir():
        path.unlink()
    (two.root / "config/workloads/toy.yaml").write_text(CARDS)
    yaml = two.root / "engine_versions/toy.yaml"
    yaml.write_text(yaml.read_text() + PERF)
    keep(two)

    done = two.snakemake("perf")
    assert done.returncode == 0, done.stdout + done.stderr
    found = [(row["model"], row["repeat"], row["status"], row["failure_kind"]) for row in rows(two)]
    assert found == [
        ("bad", "1", "FAILURE", "crash"),
        ("good", "1", "SUCCESS", ""),
        ("good", "2", "SUCCESS", ""),
    ]
    page = (two.root / "measured/perf.html").read_text()
    assert "crash" in page and "exit status 7" in page and "<strong>12.5</strong>" in page

    listed = json.loads(two.run("atlas", "cards", "--json").stdout)
    (big,) = [one for one in listed if one["card"] == "big"]
    assert "needs 64 GPUs" in big["cells"][0]["skipped"]

    again = two.snakemake("-n", "perf")
    assert measured_again(again) == []
    assert "bad/1.json: crash: exit status 7" in again.stdout + again.stderr

    # A card that is set otherwise is another one.
    other = two.snakemake("-n", "perf", "--config", "cards=good:requests=3")
    assert measured_again(other) == [f"good:requests=3 on toy 1.0, run {n}" for n in (1, 2)]

    retried = two.snakemake("-n", "perf", "--config", "retry=failed")
    assert measured_again(retried) == ["bad on toy 1.0, run 1"]

    two.edit("config/workloads/toy.yaml", "12.5 tok/s')\"]", "13.5 tok/s')\"]")
    changed = two.snakemake("-n", "perf")
    assert measured_again(changed) == ["good on toy 1.0, run 1", "good on toy 1.0, run 2"]

    # Nothing of it is an artefact of the project, until the project keeps its hardware.
    assert two.stale() == {}
    hardware = rows(two)[0]["hardware_key"]
    keep(two, hardware)
    assert two.snakemake().returncode == 0
    kept = two.root / f"results/toy/1.0/perf/{hardware}/good/1.json"
    assert json.loads(kept.read_text())["status"] == "SUCCESS"
    assert len((two.root / "results/perf.csv").read_text().splitlines()) == 1 + 3
    report = (two.root / "results/report/index.html").read_text()
    assert "What was measured" in report and "exit status 7" in report
    said = two.snakemake("-n")
    assert f"failed, and kept: toy 1.0 bad on {hardware}: 1 failed, crash" in said.stdout + said.stderr
    # On another machine it is neither stale nor an orphan, nor made again.
    for path in sorted((two.root / "measured").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert two.stale() == {}
    reproduced = two.run("atlas", "reproduce", "--engine", "toy")
    assert reproduced.returncode == 0, reproduced.stdout + reproduced.stderr
    assert "/perf/" not in reproduced.stdout + reproduced.stderr


SLOW = """\
format_version: 1
cards:
  - name: slow
    tags: [toy]
    command: [bash, -c, "echo -n $$ > 'PIDFILE'; exec sleep 600"]
    repeats: 1
    timeout_s: 700
"""


def ended(pid):
    """Whether a process is no more, or would be if somebody reaped it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_recorder_that_is_killed_leaves_its_record_and_is_run_again(two, tmp_path):
    """Snakemake takes away what a rule makes whose command was killed."""
    pid = tmp_path / "pid"
    for path in (two.root / "config/workloads").iterdir():
        path.unlink()
    (two.root / "config/workloads/toy.yaml").write_text(SLOW.replace("PIDFILE", str(pid)))
    yaml = two.root / "engine_versions/toy.yaml"
    yaml.write_text(yaml.read_text() + PERF)
    running = two.start("snakemake", "--cores", "2", "perf")
    try:
        while not (pid.exists() and pid.read_text()) and running.poll() is None:
            time.sleep(0.1)
        recorder = psutil.Process(int(pid.read_text())).parent()
        recorder.kill()
        assert running.wait(60) != 0
    finally:
        running.kill()
    assert ended(int(pid.read_text()))
    assert two.run("atlas", "perf", "aggregate", "--output", "p.csv", "--latest", "l.csv").returncode == 0
    (row,) = csv.DictReader((two.root / "p.csv").open())
    assert (row["model"], row["status"], row["failure_kind"]) == ("slow", "FAILURE", "cancelled")
    assert "the recorder itself was killed" in row["failure_reason"]
    assert measured_again(two.snakemake("-n", "perf")) == ["slow on toy 1.0, run 1"]
