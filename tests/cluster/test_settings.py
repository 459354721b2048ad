"""config/cluster.yaml: what it may say, and what jobs then ask SLURM for."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from atlas.cluster.placement import (
    check_cards,
    hardware_of,
    local_rules,
    of_card,
    requested,
    why_not,
)
from atlas.cluster.settings import Jobs, check_rules, load_site
from atlas.errors import InputError
from atlas.perf.cards import Card

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(tmp_path):
    def load(text: str):
        path = tmp_path / "cluster.yaml"
        path.write_text("cluster:\n  format_version: 1\n" + text)
        return load_site(path, "config/cluster.yaml")

    return load


def card(**changes):
    return Card("c", "s", ("t",), "config/workloads/s.yaml:3", **changes)


def test_the_committed_settings_name_no_site():
    site = load_site(ROOT / "config/cluster.yaml")
    for gpu in (False, True):
        jobs = site.jobs("measure", gpu=gpu)
        assert jobs == Jobs(time=jobs.time)


def test_a_typo_is_an_error_with_its_line_and_the_nearest_name(site):
    with pytest.raises(InputError) as error:
        site("  gpu:\n    partition: gpu\n    reservaton: r1\n")
    assert "config/cluster.yaml:5" in str(error.value)
    assert "unknown key `reservaton` (did you mean `reservation`?)" in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("  all: {time: 4hours}\n", "a time such as 30m, 4h or 2d"),
        ("  all: {mem: lots}\n", "memory such as"),
        ("  all: {partition: 'a b'}\n", "a word without spaces"),
        ("  all: {extra: '--comment=\"$(id)\"'}\n", "without quotes"),
        ("  network: node\n", "did you mean `nodes`?"),
        ("  cpu: {hardware: gpu-h200}\n", "hardware of cpu is to start with cpu-"),
        ("  gpu: {gpus_by: gre}\n", "did you mean `gres`?"),
    ],
)
def test_what_cannot_be_meant_is_refused(site, text, says):
    with pytest.raises(InputError, match=r"cluster.yaml:\d+") as error:
        site(text)
    assert says in str(error.value)


def test_a_rule_that_there_is_none_of_is_refused(site):
    with pytest.raises(InputError, match=r"cluster.yaml:4:\d+: no rule is called `shema`.*`schema`"):
        check_rules(site("  rules:\n    shema: {time: 1h}\n"), ["schema", "measure"])


def test_the_most_special_setting_holds(site):
    found = site(
        "  all: {partition: a, time: 1h, mem: 2G}\n  gpu: {partition: g}\n  rules: {measure: {time: 2d}}\n"
    )
    assert found.jobs("schema", gpu=False) == Jobs(partition="a", time=60, mem=2048)
    assert found.jobs("measure", gpu=True) == Jobs(partition="g", time=2880, mem=2048)


ALL_FIELDS = Jobs(
    partition="p",
    account="a",
    qos="q",
    reservation="r",
    constraint="fast|new",
    nodelist="n[1-4]",
    exclude="n9",
    exclusive=True,
    requeue=True,
    time=90,
    mem=512,
    cpus=3,
    nodes=2,
    gpu_model="h200",
    mail_user="a@b.org",
    extra="--nice=5",
)


def test_each_field_becomes_a_resource_or_an_option():
    found = requested(ALL_FIELDS, 4, {})
    options = shlex.split(found.pop("slurm_extra"))
    assert set(options) == {
        *("--reservation=r", "--nodelist=n[1-4]", "--exclude=n9", "--mail-user=a@b.org"),
        *("--mail-type=END,FAIL", "--exclusive", "--requeue", "--ntasks-per-node=1", "--nice=5"),
    }
    assert found == {
        "slurm_partition": "p",
        "slurm_account": "a",
        "qos": "q",
        "constraint": "fast|new",
        "runtime": 90,
        "mem_mb": 512,
        "cpus_per_task": 3,
        "nodes": 2,
        "tasks": None,
        "gpu": None,
        "gpu_model": None,
        "gres": "gpu:h200:4",
    }


def test_several_nodes_without_gpus_are_a_task_each():
    assert requested(Jobs(nodes=3), 0, {})["tasks"] == 3
    assert requested(Jobs(nodes=1), 0, {})["tasks"] is None


def test_gpus_are_asked_for_by_one_option_alone():
    by_gres = requested(Jobs(gpus_by="gres", gpu_model="h200"), 2, {})
    assert (by_gres["gres"], by_gres["gpu"], by_gres["gpu_model"]) == ("gpu:h200:2", None, None)
    by_gpus = requested(Jobs(), 2, {})
    assert (by_gpus["gres"], by_gpus["gpu"]) == (None, 2)


@given(st.from_regex(r"[A-Za-z0-9_.,:@+/|&*()\[\]!<>=-]+", fullmatch=True))
def test_no_word_of_the_settings_means_anything_to_a_shell(word):
    options = requested(Jobs(nodelist=word, reservation=word), 0, {})["slurm_extra"]
    assert shlex.split(options) == [f"--reservation={word}", f"--nodelist={word}"]


def test_a_job_has_more_time_than_its_card(site):
    free = site("  all: {}\n")
    assert of_card(free, "measure", card(timeout_s=1800))["runtime"] == 40
    assert of_card(site("  all: {time: 31m}\n"), "measure", card(timeout_s=1800))["runtime"] == 31
    assert of_card(free, "measure", card(timeout_s=0))["runtime"] is None


def test_a_limit_below_the_time_out_of_a_card_is_refused(site):
    with pytest.raises(InputError) as error:
        check_cards(site("  all: {time: 1h}\n  gpu:\n    time: 30m\n"), "measure", [card(gpus_per_node=1)])
    said = str(error.value)
    assert said.startswith("config/cluster.yaml:5:")
    assert "a limit of 30 min would end `c` before its own time-out of 1800 s" in said
    assert "config/workloads/s.yaml:3" in said


def test_cards_go_where_their_gpus_are(site):
    gpu = "{partition: g, hardware: gpu-h200, gpus_per_node: 4}"
    found = site(f"  cpu: {{partition: c, hardware: cpu-x-8c}}\n  gpu: {gpu}\n")
    assert of_card(found, "measure", card())["slurm_partition"] == "c"
    assert of_card(found, "measure", card(gpus_per_node=2))["slurm_partition"] == "g"
    assert hardware_of(found, "measure", card(gpus_per_node=2)) == "gpu-h200-x2"
    assert hardware_of(found, "measure", card()) == "cpu-x-8c"
    assert why_not(found, "measure", card(gpus_per_node=4)) is None
    assert "a node has 4" in why_not(found, "measure", card(gpus_per_node=8))
    assert "does not say what `hardware` its gpu nodes have" in why_not(
        site("  all: {}\n"), "m", card(gpus_per_node=1)
    )


def test_what_downloads_and_what_is_small_stays_where_snakemake_runs(site):
    rules = [
        ("source", {"net": 1}),
        ("schema", {"mem_mb": 4000}),
        ("report", {}),
        ("image", {"net": 1, "mem_mb": 1}),
    ]
    assert local_rules(site("  network: login\n"), rules) == ["source", "report", "image"]
    assert local_rules(site("  network: nodes\n  small: nodes\n"), rules) == []
    assert local_rules(site("  rules: {report: {time: 1h}}\n"), rules) == ["source", "image"]


def test_the_profile_holds_the_pitfalls_of_the_executor():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    assert profile["slurm-status-command"] == "squeue"
    assert profile["slurm-no-requeue"] is True
    assert profile["slurm-init-seconds-before-status-checks"] * 3 <= 120
    outage = profile["slurm-status-attempts"] / profile["max-status-checks-per-second"]
    assert outage >= 1800
    assert (ROOT / "slurm").resolve() == ROOT / "profiles/slurm"
