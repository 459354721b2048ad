"""`atlas timeline`, `ls` and `show` on the committed artefacts: answers, JSON, errors."""

import json
from pathlib import Path

import jsonschema
import pytest

from atlas.cli import run

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"


@pytest.fixture
def asked(capsys):
    """Run a command; its exit code, and what it wrote to the two streams."""

    def ask(*arguments):
        code = run([*arguments, "--results", str(RESULTS)])
        out, err = capsys.readouterr()
        return code, out, err

    return ask


@pytest.fixture
def answered(asked):
    """Run a command with --json; what it says is valid by its schema."""

    def ask(command, *arguments):
        code, out, err = asked(command, *arguments, "--json")
        assert code == 0, err
        document = json.loads(out)
        published = json.loads((ROOT / f"config/schemas/cli/{command}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(published)
        jsonschema.Draft202012Validator(published).validate(document)
        return document

    return ask


# What release notes, sources and upgrade reports of these projects say.
@pytest.mark.parametrize(
    ("engine", "parameter", "last", "gone"),
    [
        ("vllm", "num_scheduler_steps", "0.10.0", "0.10.1"),
        ("vllm", "use_v2_block_manager", "0.9.2", "0.10.0"),
        ("vllm", "guided_decoding_backend", "0.11.2", "0.12.0"),
        ("vllm", "--swap-space", "0.17.0", "0.18.0"),
        ("vllm", "disable_log_requests", "0.10.0", "0.10.1"),
        ("sglang", "nccl_init_addr", "0.3.0", "0.3.3"),
        ("sglang", "enable_ep_moe", "0.5.2", "0.5.3"),
        ("lmdeploy", "TurbomindEngineConfig.model_name", "0.5.3", "0.6.0"),
        ("transformers", "AwqConfig.fuse_max_seq_len", "4.57.6", "5.0.0"),
    ],
)
def test_famous_removals_are_between_the_right_versions(answered, engine, parameter, last, gone):
    found = answered("timeline", engine, parameter)["parameter"]["removed"]
    assert (found["last"], found["gone"], found["certain"]) == (last, gone, True)


@pytest.mark.parametrize("parameter", ["load_in_4bit", "from_tf", "use_auth_token"])
def test_names_out_of_kwargs_are_not_said_to_be_removed(answered, parameter):
    found = answered("timeline", "transformers", parameter, "--group", "engine_params")["parameter"]
    assert (found["removed"]["last"], found["removed"]["gone"]) == ("4.57.6", "5.0.0")
    assert found["removed"]["certain"] is False


@pytest.mark.parametrize(
    ("engine", "old", "new"),
    [
        ("vllm", "override_pooler_config", "pooler_config"),
        ("vllm", "cuda_graph_sizes", "cudagraph_capture_sizes"),
        ("sglang", "nsa_prefill_backend", "dsa_prefill_backend"),
        ("sglang", "nccl_init_addr", "dist_init_addr"),
    ],
)
def test_renames_have_evidence(answered, engine, old, new):
    renamed = answered("timeline", engine, old)["parameter"]["removed"]["renamed"]
    assert (renamed["to"], renamed["maybe"]) == (new, False)
    assert renamed["why"]


def test_a_likeness_is_called_maybe(asked, answered):
    renamed = answered("timeline", "sglang", "file_storage_pth")["parameter"]["removed"]["renamed"]
    assert (renamed["to"], renamed["maybe"]) == ("file_storage_path", True)
    assert "maybe `file_storage_path`" in asked("timeline", "sglang", "file_storage_pth")[1]


def test_a_timeline_reads_well(asked):
    code, out, _ = asked("timeline", "vllm", "num_scheduler_steps")
    assert code == 0
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[0] == "vllm num_scheduler_steps (engine_params)"
    assert (
        lines[1].split(None, 1)[1].startswith("first seen in 0.6.0 (not in 0.5.4): int, default 1, --num-sch")
    )
    assert "v0.6.0/vllm/engine/arg_utils.py#L" in lines[2]
    assert lines[3].split(None, 1) == ["0.10.1", "removed (0.10.0 has it)"]


def test_a_default_has_its_values_over_time(answered):
    spans = answered("timeline", "vllm", "guided_decoding_backend")["parameter"]["spans"]
    defaults = [one["facts"].get("default") for one in spans if one["facts"]]
    assert list(dict.fromkeys(defaults)) == ["outlines", "xgrammar", "auto", None]


def test_what_versions_changed_is_counted_and_named(answered, asked):
    found = answered("timeline", "vllm", "--since", "0.10.0")
    release = next(one for one in found["releases"] if one["version"] == "0.10.1")
    assert {
        "group": "engine_params",
        "path": "num_scheduler_steps",
        "certain": True,
        "renamed": None,
    } in release["removed"]
    assert found["releases"][0]["version"] == "0.10.0"
    for one in found["releases"]:
        added, removed = ({(e["group"], e["path"]) for e in one[kind]} for kind in ("added", "removed"))
        assert not added & removed
    short, whole = asked("timeline", "vllm")[1], asked("timeline", "vllm", "--names")[1]
    assert " more\n" in short
    assert " more\n" not in whole


def test_no_version_is_said_to_have_lost_most_of_a_group(answered):
    """A class that was not found would look like that."""
    for engine in ("vllm", "sglang", "lmdeploy", "transformers"):
        for one in answered("timeline", engine)["releases"]:
            assert len(one["removed"]) < one["parameters"] / 4, (engine, one["version"])


def test_engines_and_versions_are_listed(answered, asked):
    engines = {one["engine"]: one for one in answered("ls", "engines")["engines"]}
    assert {"vllm", "sglang", "lmdeploy", "transformers"} <= set(engines)
    assert all(one["versions"] >= 12 for one in engines.values())
    versions = answered("ls", "versions", "vllm")["versions"]
    kept = {one["version"]: one["kept"] for one in versions}
    assert (kept["0.33.0"], kept["0.6.0"]) == ("in full", "history")
    assert [one["rules"] is None for one in versions] == [one["kept"] == "history" for one in versions]
    assert asked("ls", "engines")[1].splitlines()[0].split() == [
        "engine",
        "newest",
        "tracked",
        "in",
        "full",
        "since",
    ]


def test_parameters_are_listed_of_any_tracked_version(answered):
    found = answered("ls", "params", "vllm==0.2.0", "--group", "engine_params")
    assert {one["path"] for one in found["params"]} >= {"model", "swap_space", "block_size"}
    flags = answered("ls", "params", "vllm", "--match", "--max-num-*")["params"]
    assert {one["path"] for one in flags} >= {"max_num_seqs", "max_num_batched_tokens"}
    assert all(one["deprecated"] for one in answered("ls", "params", "vllm", "--deprecated")["params"])


def test_rules_are_listed_by_class_severity_and_field(answered):
    found = answered("ls", "invariants", "vllm", "--target", "SchedulerConfig", "--severity", "error")
    assert found["invariants"]
    assert {one["severity"] for one in found["invariants"]} == {"error"}
    named = answered("ls", "invariants", "vllm", "--match", "max_num_seqs")["invariants"]
    assert all("max_num_seqs" in one["fields"] for one in named)


def test_a_parameter_is_shown_with_its_rules_and_its_history(answered, asked):
    found = answered("show", "vllm==0.33.0", "--max-num-seqs")
    assert found["parameter"]["path"] == "max_num_seqs"
    assert found["link"].endswith(f"#L{found['parameter']['evidence'][0]['line']}")
    assert any("max_num_batched_tokens < max_num_seqs" in one["when"] for one in found["rules"])
    assert found["history"]["removed"] is None
    out = asked("show", "vllm==0.33.0", "max_num_seqs")[1]
    for words in ("--max-num-seqs", "≥ 1", "stands for", "in 0.2.0 already", "rules (", "https://"):
        assert words in out


def test_a_version_of_which_only_the_history_is_kept_is_shown_too(answered):
    found = answered("show", "vllm==0.9.2", "num_scheduler_steps")
    assert found["parameter"]["default"] == 1
    assert found["rules"] == []
    assert "/v0.9.2/" in found["link"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("timeline", "vlm"), "did you mean `vllm`"),
        (("timeline", "../vllm"), "no engine `../vllm`"),
        (("timeline", "vllm", "num_scheduler_step"), "did you mean `num_scheduler_steps`"),
        (("timeline", "vllm", "--since", "0.10.7"), "the nearest tracked are 0.10.2 and 0.11.0"),
        (("timeline", "vllm", "--group", "engine"), "did you mean `engine_params`"),
        (("show", "vllm", "block_sise"), "did you mean `block_size`"),
        (("show", "vllm", "num_scheduler_steps"), "removed between 0.10.0 and 0.10.1"),
        (("show", "vllm==0.2.0", "max_lora_rank"), "has it"),
        (("show", "vllm==1", "seed"), "the nearest tracked is 0.33.0"),
        (("show", "vllm==x/../y", "seed"), "is no version"),
        (("ls", "params", "vllm", "--group", "engine"), "did you mean `engine_params`"),
        (("ls", "invariants", "vllm==0.9.2"), "only the history is kept"),
        (("ls", "invariants", "vllm", "--target", "SchedulerConfg"), "did you mean"),
        (("ls", "versions", "sgl"), "did you mean `sglang`"),
    ],
)
def test_names_that_are_not_known_exit_with_4_and_the_nearest(asked, arguments, said):
    code, out, err = asked(*arguments)
    assert (code, out) == (4, "")
    assert said in err
    assert "Traceback" not in err


def test_an_engine_without_a_history_says_what_to_do(capsys, tmp_path):
    cell = tmp_path / "toy/1.0"
    cell.mkdir(parents=True)
    (cell / "schema.discovered.json").write_text('{"roots": {}}')
    assert run(["timeline", "toy", "--results", str(tmp_path)]) == 5
    assert "no history of toy" in capsys.readouterr().err


def test_on_a_terminal_it_is_coloured(asked, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in asked("timeline", "vllm", "swap_space")[1]
    assert "\x1b[" in asked("ls", "engines")[1]


def test_engines_versions_and_parameters_are_completed():
    from atlas.history.cli import show

    def completed(name, typed, **given):
        context = show.make_context("show", ["vllm", "seed"], resilient_parsing=True)
        context.params = {"results": RESULTS, **given}
        (param,) = [one for one in show.params if one.name == name]
        return [one.value for one in param.shell_complete(context, typed)]

    assert completed("engine", "vl") == ["vllm"]
    assert completed("engine", "vllm==0.33") == ["vllm==0.33.0"]
    assert "max_num_seqs" in completed("parameter", "max_num", engine="vllm==0.33.0")
    assert completed("parameter", "x", engine="nothing") == []
