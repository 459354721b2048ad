"""The revision of a hub's model gets to what loads it, or nothing is measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from atlas.errors import InputError
from atlas.perf.bench import bench_request
from atlas.perf.cards import Card, load_cards
from atlas.perf.commands import filled
from atlas.perf.engine import load_perf, request_of, revision_of

ROOT = Path(__file__).resolve().parents[2]
HUB = {"hub": "owner/name"}
PINNED = {**HUB, "revision": "v1.2"}
CARD = Card("hub", "t", ("t",), "c:1", model=PINNED, parameters={"batch_size": 1})
PLACES = {"python": "PYTHON", "model": "MODEL", "output": "OUTPUT"}


@pytest.mark.parametrize(
    ("engine", "version", "names"),
    [
        ("transformers", "5.23.0", {"revision"}),
        ("vllm", "0.32.0", {"revision", "tokenizer_revision"}),
        ("vllm", "0.33.0", {"revision", "tokenizer_revision"}),
    ],
)
def test_an_engine_loads_the_revision_that_the_card_names_and_the_newest_where_it_names_none(
    engine, version, names
):
    spec = load_perf(ROOT, engine, version)
    (load,) = (one["model"] for one in request_of(spec, CARD, "m", engine)["spec"]["load"] if "model" in one)
    assert {name for name, value in load["kwargs"].items() if value == "v1.2"} == names
    newest = request_of(spec, replace(CARD, model=HUB), "m", engine)["spec"]["load"]
    assert "revision" not in json.dumps(newest)


def test_a_converter_fetches_the_revision_that_the_card_names():
    command = load_perf(ROOT, "ctranslate2", "4.8.5")["convert"]["command"]
    words = filled(command, {**PLACES, **revision_of(CARD)}, "c:1")
    assert words[words.index("--revision") + 1] == "v1.2"
    assert "--revision" not in filled(command, {**PLACES, **revision_of(replace(CARD, model=HUB))}, "c:1")


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
@pytest.mark.parametrize("mode", ["serve", "throughput", "latency"])
def test_an_engines_own_tool_loads_the_revision_that_the_card_names_by_a_flag_that_it_has(engine, mode):
    version = {"vllm": "0.33.0", "sglang": "0.5.23"}[engine]
    spec = load_perf(ROOT, engine, version)
    flags = json.loads((ROOT / f"results/{engine}/{version}/cli.schema.json").read_text())["properties"]
    card = replace(CARD, mode=mode, parameters={} if mode == "serve" else CARD.parameters)
    request = bench_request(spec, card, engine, PLACES)
    words = request["server"]["command"] if mode == "serve" else request["command"]
    given = [words[at - 1] for at, word in enumerate(words) if word == "v1.2"]
    assert "--revision" in given
    assert {word.removeprefix("--") for word in given} <= set(flags)


def test_where_nothing_takes_a_revision_nothing_is_measured_and_the_reason_is_told():
    card = replace(CARD, mode="throughput")
    spec = load_perf(ROOT, "tensorrt_llm", "1.2.1")
    assert bench_request(spec, replace(card, model=HUB), "tensorrt_llm", PLACES)
    with pytest.raises(InputError, match="tensorrt_llm does not say what takes the `revision`"):
        bench_request(spec, card, "tensorrt_llm", PLACES)
    spec = load_perf(ROOT, "transformers", "5.23.0")
    deaf = {**spec, "load": [{"model": {"call": "toy.load", "args": ["{model}"]}}]}
    with pytest.raises(InputError, match="does not say what takes the `revision`"):
        request_of(deaf, CARD, "m", "toy")
    unconverted = {**load_perf(ROOT, "ctranslate2", "4.8.5"), "convert": {"command": ["{python}"]}}
    with pytest.raises(InputError, match="does not say what takes the `revision`"):
        request_of(unconverted, CARD, "m", "toy")


def test_a_launched_server_takes_its_revision_in_the_cards_arguments(tmp_path):
    text = """\
format_version: 1
cards:
  - name: nodes
    tags: [cluster]
    launcher: vllm
    model: {hub: owner/name, revision: v1.2}
    command: [client]
    gpus_per_node: 1
"""
    file = tmp_path / "config/workloads/nodes.yaml"
    file.parent.mkdir(parents=True)
    (tmp_path / "config/launchers.yaml").symlink_to(ROOT / "config/launchers.yaml")
    file.write_text(text)
    with pytest.raises(InputError, match="takes its model's revision in `arguments`"):
        load_cards(tmp_path)
    file.write_text(text + "    arguments: [--revision=v1.2]\n")
    assert load_cards(tmp_path)
