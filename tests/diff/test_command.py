"""`atlas diff`: formats, gates, and errors of users."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from atlas import cli

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config/schemas/cli/diff.schema.json").read_text())
PAIR = ["diff", "transformers", "4.57.6", "5.23.0"]


def run(capsys, *arguments):
    code = cli.run([*PAIR, *arguments])
    return code, capsys.readouterr().out


def test_json_is_as_its_schema_says(capsys):
    code, out = run(capsys, "--json", "--impact", "cosmetic")
    found = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert code == 0 and found["worst"] == "breaking"
    assert len(found["changes"]) == sum(found["counts"].values())
    witnesses = [one["witness"] for one in found["changes"] if "witness" in one]
    assert witnesses and all(
        "atlas invariants replay transformers==" in line for one in witnesses for line in one["replay"]
    )


def test_a_gate_fails_at_its_level_and_worse(capsys):
    assert run(capsys, "--fail-on", "breaking")[0] == 1
    assert cli.run(["diff", "transformers", "5.23.0", "5.23.0", "--fail-on", "cosmetic"]) == 0
    assert "no change that matters" in capsys.readouterr().out


def test_waivers_open_a_gate_until_they_expire(capsys, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text("waivers: [{id: '*', reason: all of it was looked at, expires: 2027-06-30}]")
    assert run(capsys, "--fail-on", "breaking", "--policy", str(file), "--today", "2027-06-30")[0] == 0
    code, out = run(capsys, "--fail-on", "breaking", "--policy", str(file), "--today", "2027-07-01")
    assert code == 1 and "waiver expired on 2027-06-30: all of it was looked at" in out


def test_impact_limits_what_is_shown_and_says_what_is_not(capsys):
    _, out = run(capsys, "--impact", "breaking")
    assert "param_removed  quantization_configs: CompressedTensorsConfig.sparsity_config" in out
    assert "param_added" not in out and "load_in_4bit" not in out
    assert re.search(r"^\d+ more below `breaking`$", out, re.M)


def test_names_that_are_still_taken_are_not_called_removed(capsys):
    _, out = run(capsys, "--json")
    found = {one["subject"]: (one["kind"], one["impact"]) for one in json.loads(out)["changes"]}
    assert found["quantization_configs:AwqConfig.do_fuse"] == ("param_ignored", "behavioural")
    assert found["sampling_params:return_legacy_cache"] == ("param_ignored", "behavioural")
    assert found["engine_params:load_in_4bit"] == ("param_unseen", "risky")


def test_piped_output_has_no_markup(capsys):
    _, out = run(capsys)
    assert "\x1b" not in out and "[/]" not in out


def test_markdown_is_whole_tables(capsys):
    _, out = run(capsys, "--format", "markdown", "--impact", "cosmetic")
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert rows and all(len(re.findall(r"(?<!\\)\|", row)) in (3, 4) for row in rows)
    assert out.startswith("# transformers 4.57.6 → 5.23.0\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["diff", "vlm", "0.32.0", "0.33.0"], 4, "`vllm`"),
        (["diff", "vllm", "0.32.0", "0.34.0"], 4, "0.33.0"),
        (["diff", "vllm", "0.32.0", "../0.33.0"], 4, "0.33.0"),
        (["diff", "vllm", "0.32.0"], 4, "NEW"),
        ([*PAIR, "--today", "tomorrow"], 4, "2027-01-31"),
        ([*PAIR, "--policy", "no/such.yaml"], 4, "cannot be read"),
        ([*PAIR, "--fail-on", "bad"], 4, "breaking"),
        ([*PAIR, "--results", "/no/such"], 4, "no folder"),
    ],
)
def test_errors_of_users_are_two_lines(arguments, code, words, capsys):
    assert cli.run(arguments) == code
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_a_version_without_rules_is_compared_by_its_schema(tmp_path, capsys):
    """Its rules are not known, so those of the other version are neither new nor gone."""
    for version in ("4.57.6", "5.23.0"):
        folder = tmp_path / "transformers" / version
        folder.mkdir(parents=True)
        names = (
            ["schema.discovered.json"]
            if version == "5.23.0"
            else ["schema.discovered.json", "knowledge.json", "invariants.yaml", "invariants.coverage.json"]
        )
        for name in names:
            (folder / name).symlink_to(ROOT / "results/transformers" / version / name)
    code, out = run(capsys, "--json", "--results", str(tmp_path))
    changes = json.loads(out)["changes"]
    assert code == 0 and not [one for one in changes if one["kind"].startswith("invariant_")]
    assert any(one["kind"] == "indeterminate" and "was not proven" in one["reason"] for one in changes)
