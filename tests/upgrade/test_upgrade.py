"""`atlas upgrade` on real versions: what breaks, what changes, and an edit that the newer version accepts."""

import json
from pathlib import Path

import jsonschema
import pytest

from atlas import cli
from atlas.upgrade.files import upgrade_file
from atlas.upgrade.run import Task, upgrade_pairs

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config/schemas/cli/upgrade.schema.json").read_text())
TASKS: dict[tuple[str, str, str], Task] = {}
VLLM = ("vllm", "0.20.0", "0.32.0")

SERVE = """\
# our server
model: Qwen/Qwen3-8B   # the model
max-num-seqs: 256
# partial prefills, tuned in May
max-num-partial-prefills: 2   # two
max-long-partial-prefills: 1

# attention
attention-config:
  # cudnn is faster here
  use_cudnn_prefill: true
  flash_attn_version: 3
# the end
"""


def task(*pair) -> Task:
    """Versions are compared once for all tests."""
    return TASKS.setdefault(pair, Task(*pair))


def upgraded(tmp_path, text, pair=VLLM, name="serve.yaml", write=False):
    file = tmp_path / name
    file.write_text(text)
    (done,) = upgrade_file(task(*pair), file, write=write)
    return done, file.read_text()


def test_what_is_gone_is_removed_and_the_rest_is_accepted(tmp_path):
    done, _ = upgraded(tmp_path, SERVE)
    assert [edit.written for edit in done.upgrade.edits] == [
        "max-num-partial-prefills",
        "max-long-partial-prefills",
        "attention-config.use_cudnn_prefill",
    ]
    assert done.upgrade.accepted_before and done.upgrade.accepted_after and not done.upgrade.left


def test_only_the_lines_of_what_is_gone_change_and_comments_stay(tmp_path):
    _, text = upgraded(tmp_path, SERVE, write=True)
    gone = {
        "max-num-partial-prefills: 2   # two",
        "max-long-partial-prefills: 1",
        "  use_cudnn_prefill: true",
    }
    assert text.splitlines() == [line for line in SERVE.splitlines() if line not in gone]


def test_the_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text(SERVE)
    real.chmod(0o600)
    link.symlink_to(real)
    upgrade_file(task(*VLLM), link, write=True)
    assert link.is_symlink() and real.stat().st_mode & 0o777 == 0o600
    assert "max-num-partial" not in real.read_text()
    assert sorted(tmp_path.iterdir()) == [link, real]


def test_without_write_the_file_stays(tmp_path):
    assert upgraded(tmp_path, SERVE)[1] == SERVE


def test_an_upgrade_to_the_same_version_has_nothing_to_say(tmp_path):
    done, _ = upgraded(tmp_path, SERVE, ("vllm", "0.20.0", "0.20.0"))
    assert done.upgrade.points == () and done.text is None


def test_a_replacement_that_is_no_rename_is_left_to_the_user(tmp_path):
    """`logit_sigma` is 1 / `logit_scale`: taking the value over would be wrong, dropping it too."""
    text = "model: m\npooler-config: {logit_scale: 0.5}\n"
    done, after = upgraded(tmp_path, text, write=True)
    (point,) = done.upgrade.of("breaks")
    assert point.edit is None and "logit_sigma" in point.left
    assert after == text and not done.upgrade.accepted_after


def test_a_value_that_is_gone_is_left_to_the_user_with_its_choices(tmp_path):
    done, _ = upgraded(tmp_path, "model: m\nall2all-backend: mori\n")
    (point,) = done.upgrade.of("breaks")
    assert point.edit is None and "mori_high_throughput" in point.left


def test_defaults_that_change_are_told_of_what_is_not_set_only(tmp_path):
    eplb = "model: m\neplb-config: {}\n"
    done, _ = upgraded(tmp_path, eplb)
    (point,) = [one for one in done.upgrade.of("default") if one.parameter == "eplb_config.use_async"]
    assert point.left == "set it to false to keep what was"
    done, _ = upgraded(tmp_path, "model: m\neplb-config: {use_async: false}\n")
    assert "eplb_config.use_async" not in [one.parameter for one in done.upgrade.of("default")]


def test_a_value_that_is_the_new_default_is_pointless(tmp_path):
    done, _ = upgraded(tmp_path, "model: m\neplb-config: {use_async: true}\n")
    assert [one.parameter for one in done.upgrade.of("pointless")] == ["eplb_config.use_async"]


def test_what_becomes_deprecated_is_told(tmp_path):
    done, _ = upgraded(tmp_path, "model: m\nmamba-cache-mode: align\n", ("vllm", "0.32.0", "0.33.0"))
    (point,) = done.upgrade.of("deprecated")
    assert point.parameter == "mamba_cache_mode" and "no effect" in point.message


def test_a_rule_that_is_new_breaks_and_names_the_change():
    done = upgrade_pairs(
        task("transformers", "4.57.6", "5.23.0"), ["cache_implementation=dynamic_full", "num_beams=2"]
    )
    (point,) = done.upgrade.of("breaks")
    assert "dynamic_full" in point.message and point.evidence == "proven"


def test_what_a_class_with_further_names_lost_may_break():
    group = Task("transformers", "4.57.6", "5.23.0", group="engine_params")
    done = upgrade_pairs(group, ["load_in_4bit=true", "device_map=auto"])
    (point,) = done.upgrade.of("may_break")
    assert point.parameter == "load_in_4bit" and "quantization_config" in point.left
    assert not done.upgrade.edits


def test_a_command_line_is_printed_without_what_is_gone(capsys):
    command = "vllm serve m --max-num-seqs 8 --max-num-partial-prefills 2 --calculate-kv-scales --dtype auto"
    code = cli.run(
        ["upgrade", "--engine", "vllm", "--from", "0.20.0", "--to", "0.32.0", "--", *command.split()]
    )
    out = capsys.readouterr().out
    assert code == 1 and "vllm serve m --max-num-seqs 8 --dtype auto\n" in out


def test_json_is_edited_in_place(tmp_path):
    text = '{\n  "model": "m",\n  "max_num_partial_prefills": 2,\n  "max_num_seqs": 8\n}\n'
    done, after = upgraded(tmp_path, text, name="args.json", write=True)
    assert after == '{\n  "model": "m",\n  "max_num_seqs": 8\n}\n'
    assert done.upgrade.accepted_after


def test_toml_and_manifests_are_told_and_not_touched(tmp_path):
    toml = 'model = "m"\nmax_num_partial_prefills = 2\n'
    done, after = upgraded(tmp_path, toml, name="args.toml", write=True)
    assert done.not_written and after == toml
    words = "[--model, m, --max-num-partial-prefills, '2']"
    compose = f"services:\n  llm:\n    image: vllm/vllm-openai:v0.20.0\n    command: {words}\n"
    done, after = upgraded(tmp_path, compose, name="compose.yaml", write=True)
    assert after == compose and done.text == "--model m" and "containers" in done.not_written


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("model: m\nmax-num-partial-prefills: &p 2\nseed: *p\n", "undefined alias"),
        ("{model: m,  # small\n  max-num-partial-prefills: 2}\n", "flow mapping"),
        ("max-num-partial-prefills: 2\n", "only name"),
    ],
)
def test_what_cannot_be_edited_in_place_is_not_touched_and_told_why(tmp_path, text, why):
    done, after = upgraded(tmp_path, text, write=True)
    assert done.upgrade.edits and after == text
    assert why in done.not_written


def test_json_output_is_as_its_schema_says(tmp_path, capsys):
    file = tmp_path / "serve.yaml"
    file.write_text(SERVE + "mamba-cache-mode: all\n")
    arguments = ["upgrade", str(file), "--engine", "vllm", "--from", "0.20.0", "--to", "0.32.0", "--json"]
    assert cli.run(arguments) == 1
    found = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    (result,) = found["results"]
    assert {point["kind"] for point in result["points"]} >= {"breaks", "default"}
    assert any(
        change.startswith("param_removed:vllm:engine_params:")
        for point in result["points"]
        for change in point.get("changes", ())
    )


def test_a_setting_that_is_ignored_from_now_on_is_pointless_and_breaks_nothing(capsys):
    arguments = ["upgrade", "--engine", "transformers", "--from", "4.57.6", "--to", "5.23.0", "--json"]
    cli.run([*arguments, "--target", "AwqConfig", "do_fuse=true"])
    points = json.loads(capsys.readouterr().out)["results"][0]["points"]
    (one,) = [point for point in points if point.get("written") == "do_fuse"]
    assert one["kind"] == "pointless" and "sets nothing any more" in one["message"]


def test_the_exit_code_says_whether_something_is_left(tmp_path, capsys):
    file = tmp_path / "serve.yaml"
    arguments = ["upgrade", str(file), "--engine", "vllm", "--from", "0.20.0", "--to", "0.32.0"]
    for text, written, code in [
        ("model: m\n", False, 0),
        (SERVE, False, 1),
        (SERVE, True, 0),
        (SERVE + "mamba-cache-mode: all\n", True, 1),
    ]:
        file.write_text(text)
        assert cli.run([*arguments, *(["--write"] if written else [])]) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "0.20.0", "--to", "0.32.0"], "name one file"),
        (["--from", "0.20.0", "--to", "0.99.0", "max_num_seqs=1"], "0.33.0"),
        (["--from", "0.20.0", "--to", "0.32.0", "no/such.yaml"], "cannot be read"),
        (["--from", "0.20.0", "--to", "0.32.0", "/"], "cannot be read"),
        (["--from", "0.20.0", "--to", "0.32.0", "--write", "max_num_seqs=1"], "--write needs a file"),
        (["--to", "0.32.0", "max_num_seqs=1"], "--from"),
    ],
)
def test_errors_of_users_are_two_lines(arguments, words, capsys):
    assert cli.run(["upgrade", "--engine", "vllm", *arguments]) == 4
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a: b: c", b"[1, 2]", b"", b"a: &a [*a]", b'{"a": 1, "a": 2}', b"7"]
)
def test_input_that_is_no_configuration_is_one_line(content, tmp_path, capsys):
    file = tmp_path / "serve.yaml"
    file.write_bytes(content)
    assert cli.run(["upgrade", str(file), "--engine", "vllm", "--from", "0.20.0", "--to", "0.32.0"]) == 4
    assert "Traceback" not in capsys.readouterr().err
