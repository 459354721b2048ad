"""What the Snakefile makes of config/cluster.yaml before any job starts; no SLURM is needed for that."""

from __future__ import annotations

import re
import sys

import pytest

pytestmark = [pytest.mark.slow]
CLUSTER = """\
cluster:
  format_version: 1
  all: {partition: everything, time: 2h}
  cpu: {hardware: cpu-site-8c, constraint: plain}
  gpu:
    partition: accelerated
    hardware: gpu-site
    gpus_by: gres
    gpu_model: big
"""
CARDS = """\
format_version: 1
cards:
  - {name: plain, tags: [toy], command: [x], repeats: 1}
  - {name: big, tags: [toy], command: [x], repeats: 1, gpus_per_node: 2, resources: {mem_mb: 700}}
"""


# A job with a message is shown without its resources, so they are printed as Snakemake logs them.
TOLD = """
import sys
from snakemake.logging import logger
def tell(record):
    if getattr(getattr(record, "event", None), "value", None) == "job_info" and record.rule_name == "measure":
        cell = record.wildcards
        print("RESOURCES", cell["card"], cell["hardware"], dict(record.resources.items()))
    return True
logger.addFilter(tell)
from snakemake.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def planned(new_world):
    """Plan the measurements of two cards with other settings; returns what Snakemake says."""
    run = "{protocol: streamer, parameters: {}, load: [{a: {get: time.sleep}}], generate: {call: a}}"
    perf = f"perf:\n  runs:\n    - {run}\n"
    engine = new_world.root / "engine_versions/toy.yaml"
    if "perf:" not in engine.read_text():
        engine.write_text(engine.read_text() + perf)
    for path in (new_world.root / "config/workloads").iterdir():
        path.unlink()
    (new_world.root / "config/workloads/toy.yaml").write_text(CARDS)
    settings = new_world.root / "settings.yaml"

    def plan(text: str = CLUSTER, *arguments: str):
        settings.write_text(text)
        options = ("--cores", "2", "-n", "perf", "--configfile", "settings.yaml")
        done = new_world.run(sys.executable, "-c", TOLD, *options, *arguments)
        return done.returncode, done.stdout + done.stderr

    yield plan
    settings.unlink()


def test_jobs_go_where_the_settings_say(planned):
    code, said = planned()
    assert code == 0, said
    found = {line.split()[1]: line for line in said.splitlines() if line.startswith("RESOURCES")}
    assert set(found) == {"plain", "big"}
    assert " gpu-site-x2 " in found["big"]
    for text in ("'slurm_partition': 'accelerated'", "'gres': 'gpu:big:2'", "'runtime': 40", "'mem_mb': 700"):
        assert text in found["big"]
    assert " cpu-site-8c " in found["plain"]
    for text in ("'slurm_partition': 'everything'", "'constraint': 'plain'", "'runtime': 40"):
        assert text in found["plain"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("gpu_model:", "gpu_modle:", r"settings.yaml:9:\d+: unknown key `gpu_modle` .*`gpu_model`"),
        ("time: 2h", "time: 30m", r"settings.yaml:3:\d+: a limit of 30 min would end `plain`.*toy.yaml:3"),
        ("  cpu:", "  rules: {measrue: {}}\n  cpu:", r"settings.yaml:4:\d+: no rule .*`measure`"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_before_any_job(planned, old, new, says):
    code, said = planned(CLUSTER.replace(old, new))
    assert code == 1
    assert re.search(says, said), said
    assert "Traceback" not in said


def test_options_of_the_command_line_hold_against_the_settings(planned):
    code, said = planned(CLUSTER, "--set-resources", "measure:slurm_partition=mine")
    assert code == 0, said
    assert "'slurm_partition': 'mine'" in said
    assert "accelerated" not in said
