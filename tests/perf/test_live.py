"""Engines that truly run here: a format of its own, a server and its client, and a revision of a hub."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from atlas.paths import cache_dir
from atlas.perf.cards import load_cards
from atlas.perf.engine import load_perf, random_prompts
from atlas.perf.environment import converter_environment
from atlas.perf.run import run_card
from atlas.perf.synthetic import make_model, weights_digest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.network]


def card(name, **dataset):
    found = next(one for one in load_cards(ROOT) if one.name == name)
    return replace(found, dataset={**found.dataset, **dataset}, warmup=1)


def measure(tmp_path, engine, version, one):
    done = run_card(
        ROOT, engine, version, one, 1, hardware="cpu-test", output=tmp_path / "r.json", interval_s=0
    )
    if done["failure_kind"] == "environment" and "check the network" in done["failure_reason"]:
        pytest.skip(done["failure_reason"])
    return done


def converted_of(one):
    """Where the model of a card is in other formats."""
    weights = weights_digest(make_model(one.model["synthetic"], cache_dir()))
    return [
        path.parent
        for path in (cache_dir() / "models").glob("converted-*/converted.json")
        if json.loads(path.read_text())["model"] == weights
    ]


def test_ctranslate2_converts_a_model_and_tells_each_token_of_each_row(tmp_path):
    one = card("tiny-batch", requests=16, output_tokens=16)
    one = replace(one, model={"synthetic": {**one.model["synthetic"], "seed": 1}})
    for path in converted_of(one):
        shutil.rmtree(path)
    done = measure(tmp_path, "ctranslate2", "4.8.5", one)
    assert (done["status"], done["failure_reason"]) == ("SUCCESS", None)
    assert [request["n_out"] for request in done["requests"]] == [16] * 16
    assert done["phases"]["convert"] > done["phases"]["load"] > 0
    assert done["notes"] == [f"the model was converted for this run, in {done['phases']['convert']:.1f} s"]
    values = {(result["metric"], result["statistic"]): result["value"] for result in done["results"]}
    assert values["ttft", "p50"] > values["tpot", "p50"] > 0
    assert values["load_time", "value"] < done["phases"]["convert"]


def hub_of(folder, revision, model):
    """What is left of a hub where a single revision of a model was fetched, by its name."""
    place, commit = folder / "hub/models--toy--llama", "0123456789abcdef0123456789abcdef01234567"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / revision).write_text(commit)
    shutil.copytree(model, place / "snapshots" / commit)
    return folder


def test_the_revision_of_a_hubs_model_is_what_is_loaded(tmp_path, monkeypatch):
    one = card("tiny-single", requests=1, output_tokens=4)
    made = make_model(one.model["synthetic"], cache_dir())
    monkeypatch.setenv("HF_HOME", str(hub_of(tmp_path / "hf", "v1.2", made)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    there = replace(one, model={"hub": "toy/llama", "revision": "v1.2"})
    done = measure(tmp_path, "transformers", "5.23.0", there)
    assert (done["status"], done["failure_reason"]) == ("SUCCESS", None)
    assert done["model_digest"] == "v1.2"
    for model in ({"hub": "toy/llama", "revision": "v1.3"}, {"hub": "toy/llama"}):  # neither was fetched
        done = measure(tmp_path, "transformers", "5.23.0", replace(one, model=model))
        assert (done["status"], done["failure_kind"]) == ("FAILURE", "engine_error")
        assert done["failure_reason"].startswith("load: OSError")


AGREE = """
import json, sys
import ctranslate2, torch, transformers
request = json.load(sys.stdin)
prompts, count = request["prompts"], request["count"]
words = json.load(open(request["converted"] + "/vocabulary.json"))
ours = ctranslate2.Generator(request["converted"]).generate_batch(
    [[words[token] for token in prompt] for prompt in prompts],
    max_length=count, min_length=count, include_prompt_in_result=False,
)
model = transformers.AutoModelForCausalLM.from_pretrained(request["model"], dtype="float32").eval()
ids = torch.tensor(prompts)
theirs = model.generate(
    ids, attention_mask=torch.ones_like(ids), do_sample=False,
    max_new_tokens=count, min_new_tokens=count, pad_token_id=0,
)
print(json.dumps([[one.sequences_ids[0] for one in ours], theirs[:, len(prompts[0]):].tolist()]))
"""


def test_what_ctranslate2_generates_is_what_transformers_generates_token_by_token(tmp_path):
    one = card("tiny-batch", requests=16)
    assert measure(tmp_path, "ctranslate2", "4.8.5", one)["status"] == "SUCCESS"
    spec = load_perf(ROOT, "ctranslate2", "4.8.5")
    runtime, _, _ = converter_environment("ctranslate2", "4.8.5", spec).prepare(ROOT)
    request = {
        "prompts": random_prompts(one),
        "count": one.dataset["output_tokens"],
        "model": str(make_model(one.model["synthetic"], cache_dir())),
        "converted": str(max(converted_of(one), key=lambda path: path.stat().st_mtime)),
    }
    done = subprocess.run(
        [runtime.python, "-c", AGREE], input=json.dumps(request), capture_output=True, text=True, check=True
    )
    ours, theirs = json.loads(done.stdout.splitlines()[-1])
    assert {len(tokens) for tokens in ours} == {64}
    assert ours == theirs  # so many tokens of random weights do not tie by chance


def test_vllms_server_is_asked_by_its_own_benchmark(tmp_path):
    one = card("tiny-serve", requests=8, output_tokens=16)
    done = measure(tmp_path, "vllm", "0.32.0", one)
    assert (done["status"], done["failure_reason"], done["findings"]) == ("SUCCESS", None, [])
    values = {(result["metric"], result["statistic"]): result["value"] for result in done["results"]}
    assert values["load_time", "value"] > values["ttft", "p50"] > values["tpot", "p50"] > 0
    assert values["total_tput", "value"] > values["output_tput", "value"] > 0
    journal = (ROOT / done["log_path"]).with_suffix(".journal.jsonl").read_text()
    (found,) = [line["content"] for line in map(json.loads, journal.splitlines()) if line["event"] == "bench"]
    assert (found["completed"], found["total_output_tokens"], found["total_input_tokens"]) == (8, 128, 512)
