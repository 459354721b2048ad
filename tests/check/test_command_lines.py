"""Command lines of every engine, as each version reads them; what they must do is read off the sources."""

import shlex
from pathlib import Path

import pytest

from atlas.check.run import Request, run
from atlas.engines.serve import load_serve
from atlas.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"


def check(text, engine=None, version=None):
    (result,) = run(Request(engine, version, results=RESULTS), [], shlex.split(text))
    return result


def told(result, level):
    return [(one.kind, one.written) for one in result.findings if one.level == level]


@pytest.mark.parametrize(("version", "text", "errors"), [
    # lmdeploy/cli/serve.py: the flags of each version
    ("0.18.0", "m --tp 2 --cache-max-entry-count 0.8 --session-len 8192 --quant-policy int8", []),
    ("0.18.0", "m --num-gpu-blocks 4", []),
    ("0.17.0", "m --num-gpu-blocks 4", [("unknown_parameter", "--num-gpu-blocks")]),
    ("0.18.0", "m --quant-policy FP8_E5M2 --backend pytorch", []),
    ("0.18.0", "m --quant-policy 5", [("rule_error", "--quant-policy")]),
    ("0.13.0", "m --quant-policy int8", [("wrong_type", "--quant-policy")]),
    ("0.10.0", "m --enable-metrics", []),
    ("0.11.0", "m --enable-metrics", [("unknown_parameter", "--enable-metrics")]),
    ("0.11.0", "m --disable-metrics", []),
    ("0.8.0", "m --dp-rank 1", []),
    ("0.9.0", "m --dp-rank 1", [("unknown_parameter", "--dp-rank")]),
    ("0.5.3", "m --cap chat", []),
    ("0.6.0", "m --cap chat", [("unknown_parameter", "--cap")]),
    ("0.18.0", "m --tp two", [("wrong_type", "--tp")]),
    ("0.18.0", "m --tp", [("missing_value", "--tp")]),
    ("0.18.0", "m n", [("unexpected_argument", "n")]),
    ("0.18.0", "m --adapters one=a two=b --backend pytorch", []),
])  # fmt: skip
def test_lmdeploy_reads_the_flags_of_its_server(version, text, errors):
    assert told(check(f"lmdeploy serve api_server {text}", "lmdeploy", version), "error") == errors


def test_a_flag_chooses_the_class_that_the_others_set():
    start = "lmdeploy serve api_server m --cache-block-seq-len 64 --eager-mode"
    pytorch, turbomind = check(f"{start} --backend pytorch"), check(f"{start} --backend=turbomind")
    assert pytorch.target.endswith("PytorchEngineConfig") and turbomind.target.endswith(
        "TurbomindEngineConfig"
    )
    assert told(pytorch, "warning") == [] and told(turbomind, "warning") == [("ignored", "--eager-mode")]
    assert pytorch.checked == 2 and turbomind.checked == 1
    assumed = check(start)
    assert assumed.target == turbomind.target
    assert "target_assumed" in {one.kind for one in assumed.findings}
    assert "target_assumed" not in {one.kind for one in turbomind.findings}


def test_rules_of_the_class_are_held_against_the_flags():
    found = check("lmdeploy serve api_server m --backend turbomind --tp 0", "lmdeploy", "0.18.0")
    assert [(one.evidence, one.parameter) for one in found.findings] == [("proven", "tp")]


def test_a_flag_that_says_no_makes_its_parameter_false():
    found = check("lmdeploy serve api_server m --disable-metrics=1", "lmdeploy", "0.18.0")
    assert told(found, "error") == [("unexpected_value", "--disable-metrics")]


@pytest.mark.parametrize(("version", "text", "errors"), [
    # transformers/cli/serve.py (Typer), before 5.0 transformers/commands/serving.py (a parser of dataclasses)
    ("5.23.0", "Qwen/Qwen3-0.6B --dtype bfloat16 --attn-implementation sdpa --compile", []),
    ("5.23.0", "m --no-trust-remote-code --continuous-batching", []),
    ("5.23.0", "--load-in-4bit", [("removed_parameter", "--load-in-4bit")]),
    ("5.23.0", "--attn_implementation sdpa", [("unknown_parameter", "--attn_implementation")]),
    ("5.23.0", "--force-model m", [("unknown_parameter", "--force-model")]),
    ("5.4.0", "--force-model m", []),
    ("5.4.0", "--compile", [("unknown_parameter", "--compile")]),
    ("4.57.6", "--load_in_4bit --attn_implementation sdpa --trust_remote_code true", []),
    ("4.57.6", "--continuous-batching", []),
    ("4.56.2", "--continuous-batching", [("unknown_parameter", "--continuous-batching")]),
    ("4.57.6", "--quantization bnb-4bit", [("unknown_parameter", "--quantization")]),
])  # fmt: skip
def test_transformers_reads_the_flags_of_its_server(version, text, errors):
    assert told(check(f"transformers serve {text}", "transformers", version), "error") == errors


@pytest.mark.parametrize(("version", "text", "errors"), [
    ("0.5.2", "python3 -m sglang.launch_server --model-path m --enable-ep-moe", []),
    ("0.5.3", "python3 -m sglang.launch_server --model-path m --enable-ep-moe",
     [("removed_parameter", "--enable-ep-moe")]),
    ("0.5.7", "python3 -m sglang.launch_server --model-path m --prefill-round-robin-balance", []),
    ("0.5.12", "python3 -m sglang.launch_server --model-path m --prefill-round-robin-balance", []),
    ("0.5.20", "python3 -m sglang.launch_server --model-path m --prefill-round-robin-balance",
     [("removed_parameter", "--prefill-round-robin-balance")]),
    ("0.5.20", "sglang serve m --tp 2", []),
    ("0.5.12", "sglang serve m --tp 2", [("unexpected_argument", "m")]),
])  # fmt: skip
def test_sglang_reads_the_flags_of_its_server(version, text, errors):
    assert told(check(text, "sglang", version), "error") == errors


def test_a_version_without_such_a_command_is_told_as_such():
    with pytest.raises(InputError, match=r"how transformers 4\.45\.2 reads its command line is not known"):
        check("transformers serve", "transformers", "4.45.2")


@pytest.mark.parametrize("engine", ["lmdeploy", "transformers", "sglang", "vllm"])
def test_flags_that_the_engine_file_lists_set_parameters_that_there_are(engine):
    import json

    for path in sorted((RESULTS / engine).glob("*/history.facts.json")):
        version = path.parent.name
        serve = load_serve(ROOT, engine, version)
        if serve is None:
            continue
        known = {
            one["path"].rpartition(".")[2]
            for one in json.loads(path.read_bytes())["parameters"][serve["group"]]
        }
        for flag, one in serve.get("flags", {}).items():
            assert known & set(one["sets"]), (version, flag)
        assert not set(serve.get("flags", {})) & set(serve["other_flags"]["names"]), version
