"""Cards: wrong ones are told with their line, those that are meant are chosen; models and tools."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.perf.cards import load_cards
from atlas.perf.engine import load_perf, random_prompts, request_of
from atlas.perf.select import chosen, select
from atlas.perf.synthetic import make_model, tensors_of, weights_digest
from atlas.perf.tools import check_tools, registry, wrap

ROOT = Path(__file__).resolve().parents[2]
CARDS = load_cards(ROOT)
SPEC = {
    "architecture": "llama",
    "layers": 2,
    "hidden_size": 16,
    "heads": 2,
    "kv_heads": 1,
    "vocabulary": 32,
    "seed": 0,
}
GOOD = """\
format_version: 1
cards:
  - name: one
    tags: [fast, cpu]
    model: {hub: owner/name}
    parameters: {batch_size: 4}
  - name: two
    tags: [cpu]
    command: ["{python}", bench.py]
"""


def cards_in(folder, text, name="mine.yaml"):
    path = folder / "config" / "workloads" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load_cards(folder)


def names(cards, *words):
    return [card.name for card in chosen(cards, words)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tags: [cpu]", "tag: [cpu]", "mine.yaml:8:5: unknown key `tag` (did you mean `tags`?)"),
        ("name: two", "name: one", "mine.yaml:7:5: there is a card `one` already, in config/workloads/mine.yaml:3"),  # noqa: E501
        ("batch_size: 4}", "batch_size: 4}\n    repeats: 0", "mine.yaml:7:5: `repeats`"),
        ("batch_size: 4}", "batch_size: 4}\n    command: [x]", "mine.yaml:3: `one` needs either"),
        ("tags: [cpu]", "tags: [cpu]\n    tools: [nsyss]", "mine.yaml:7: there is no tool `nsyss` (did you mean `nsys`?)"),  # noqa: E501
        ("tags: [cpu]", "tags: [cpu]\n    tools: [nsys, ncu]", "cannot profile the same run"),
        ("{hub: owner/name}", "{hub: name}", "not a model such as"),
        ("name: two", "name: Two", "not a name of lower-case letters"),
        ("tags: [cpu]", "tags: [two]", "cannot be tags"),
        ("batch_size: 4}", "batch_size: 4}\n    token_times: auto", "mine.yaml:7:5: `token_times`"),
        ("batch_size: 4}", "batch_size: 4}\n    token_time: false", "did you mean `token_times`"),
        ("tags: [cpu]", "tags: [cpu]\n    token_times: false", "mine.yaml:7: `two`: its `command` says"),
        ("batch_size: 4}", "batch_size: 4}\n    mode: serve\n    token_times: true", "its `mode` says"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_card_is_told_with_its_line_and_the_nearest_name(tmp_path, old, new, message):
    with pytest.raises(InputError) as caught:
        cards_in(tmp_path, GOOD.replace(old, new))
    assert message in str(caught.value)


def test_a_model_whose_sizes_do_not_fit_is_told(tmp_path):
    for change, what in (
        ({"hidden_size": 18, "heads": 4}, "hidden_size"),
        ({"heads": 2, "kv_heads": 3}, "groups"),
    ):
        text = GOOD.replace("{hub: owner/name}", json.dumps({"synthetic": {**SPEC, **change}}))
        with pytest.raises(InputError, match=what):
            cards_in(tmp_path, text)


def test_cards_are_chosen_as_madengines_users_know_it(tmp_path):
    cards = cards_in(tmp_path, GOOD)
    assert names(cards, "all") == names(cards) == ["one", "two"]
    assert names(cards, "fast") == names(cards, "mine/fast") == names(cards, "one") == ["one"]
    assert names(cards, "mine/cpu", "-fast") == names(cards, "cpu,-one") == names(cards, "-one") == ["two"]
    (card,) = chosen(cards, ["one:batch_size=8:requests=3"])
    assert (card.parameters["batch_size"], card.dataset["requests"]) == (8, 3)
    assert card.digest() != cards[0].digest()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("fats", "no card has the name or tag `fats` (did you mean `fast`?)"),
        ("mini/fast", "did you mean `mine/fast`"),
        ("a/b/c", "more than one /"),
        ("one:batch_siz=8", "did you mean `batch_size`"),
        ("one:batch_size", "not param=value"),
        ("one:batch_size=a/b", "folder is named after it"),
        ("fast:batch_size=8", "only a card that is named"),
        ("-one:batch_size=8", "can set nothing"),
        ("one:requests=0", "whole number"),
        ("one:token_times=auto", "`token_times` is true or false, not 'auto'"),
        ("two:token_times=false", "its `command` says what measures"),
    ],
)
def test_a_word_that_means_nothing_is_an_error_with_the_nearest(tmp_path, word, message):
    with pytest.raises(InputError) as caught:
        select(cards_in(tmp_path, GOOD), [word])
    assert message in str(caught.value)


def test_every_card_is_listed_with_a_reason(tmp_path):
    found = select(cards_in(tmp_path, GOOD), ["cpu", "-two"])
    assert [(one.chosen, one.reason) for one in found] == [(True, "`cpu`"), (False, "taken away by `-two`")]
    assert not select(cards_in(tmp_path, GOOD), ["fast"])[1].chosen


@given(st.lists(st.sampled_from(["all", "cpu", "fast", "one", "two", "-one", "-two", "-cpu"]), max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_card_has_exactly_one_verdict_whatever_the_words(words):
    found = select(CARDS, [word for word in words if word in ("all", "cpu", "-cpu")])
    assert [one.card.name for one in found] == [card.name for card in CARDS]
    assert all(one.reason for one in found)


def test_the_digest_is_of_what_is_measured_and_of_nothing_else(tmp_path):
    before = cards_in(tmp_path, GOOD)[0].digest()
    same = GOOD.replace("[fast, cpu]", "[slow]\n    repeats: 9\n    description: x")
    assert cards_in(tmp_path, same)[0].digest() == before
    assert cards_in(tmp_path, GOOD.replace("batch_size: 4", "batch_size: 5"))[0].digest() != before


def test_a_card_without_times_of_tokens_is_another_and_one_with_them_is_what_it_was(tmp_path):
    before = cards_in(tmp_path, GOOD)[0]
    assert "token_times" not in before.workload()
    said = cards_in(tmp_path, GOOD.replace("batch_size: 4}", "batch_size: 4}\n    token_times: true"))[0]
    without, same = (chosen([before], [f"one:token_times={word}"])[0] for word in ("false", "true"))
    assert said.digest() == same.digest() == before.digest()
    assert without.workload() == {**before.workload(), "token_times": False}
    assert without.digest() != before.digest()


def test_a_synthetic_model_is_the_same_each_time_and_has_the_tensors_of_its_config(tmp_path):
    one, two = make_model(SPEC, tmp_path / "a"), make_model(SPEC, tmp_path / "b")
    assert weights_digest(one) == weights_digest(two)
    pinned = "sha256:b62d3237f0b31f0ce3992dbeacc8eac76425140c98eed3b906e5083e46a64b91"
    assert weights_digest(one) == pinned  # on every machine
    content = (one / "model.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    assert {name: tuple(header[name]["shape"]) for name, _ in tensors_of(SPEC)} == dict(tensors_of(SPEC))
    assert max(header[name]["data_offsets"][1] for name, _ in tensors_of(SPEC)) == len(content) - 8 - size
    other = make_model({**SPEC, "seed": 1}, tmp_path / "a")
    assert weights_digest(other) != weights_digest(one)


def test_prompts_are_the_same_each_time_and_share_no_prefix():
    card = CARDS[0]
    prompts = random_prompts(card)
    assert prompts == random_prompts(card)
    assert len({tuple(prompt[:8]) for prompt in [*prompts, *random_prompts(card, warm=True)]}) == 16 + 2


def test_a_card_becomes_a_request_in_the_engines_words():
    spec = load_perf(ROOT, "transformers", "5.23.0")
    (card,) = chosen(CARDS, ["tiny-batch"])
    request = request_of(spec, card, "/models/x", "transformers")
    assert [len(batch) for batch in request["batches"]] == [8] * 8
    assert request["spec"]["load"][1]["model"]["args"] == ["/models/x"]
    assert request["spec"]["load"][1]["model"]["kwargs"] == {"dtype": "float32"}


@pytest.mark.parametrize(
    ("engine", "version"), [("transformers", "5.23.0"), ("vllm", "0.32.0"), ("ctranslate2", "4.8.5")]
)
def test_every_engine_that_the_harness_measures_can_be_measured_without_times_of_tokens(engine, version):
    (card,) = chosen(CARDS, ["tiny-batch:token_times=false"])
    spec = load_perf(ROOT, engine, version)
    assert request_of(spec, card, "/models/x", engine)["token_times"] is False


def test_an_engine_whose_yaml_says_no_way_to_what_a_card_wants_of_tokens_is_skipped_with_the_reason():
    (card,), (without,) = chosen(CARDS, ["tiny-batch"]), chosen(CARDS, ["tiny-batch:token_times=false"])
    spec = load_perf(ROOT, "transformers", "5.23.0")
    uncounted = {name: value for name, value in spec.items() if name != "output"}
    generate = {**spec["generate"], "kwargs": {"streamer": None}}
    mute = {**spec, "generate": generate}
    assert request_of(uncounted, card, "m", "toy")
    assert request_of(mute, without, "m", "toy")
    with pytest.raises(InputError, match="the YAML of toy has no `output`"):
        request_of(uncounted, without, "m", "toy")
    with pytest.raises(InputError, match="toy does not tell when tokens come"):
        request_of(mute, card, "m", "toy")


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"dtype": "float23"}, "did you mean `float32`"), ({"batchsize": 1}, "did you mean `batch_size`")],
)
def test_what_an_engine_cannot_do_is_told(setting, message):
    from dataclasses import replace

    spec = load_perf(ROOT, "transformers", "5.23.0")
    card = replace(CARDS[0], parameters=setting)
    with pytest.raises(InputError) as caught:
        request_of(spec, card, "m", "transformers")
    assert message in str(caught.value)


def test_a_tool_that_is_not_here_is_left_out_with_a_note(tmp_path):
    file = tmp_path / "profilers.yaml"
    file.write_text(
        "format_version: 1\ntools:\n"
        "  env: {wrap: [env, 'OUT={output}'], outputs: []}\n"
        "  gone: {wrap: [no-such-program, --], outputs: []}\n"
        "  trace: {env: {TRACE: '{output}/t'}, outputs: [t]}\n"
    )
    found = wrap(["run"], ["env", "gone", "trace"], tmp_path / "out", file)
    assert found.command == ("env", f"OUT={tmp_path}/out", "run")
    assert found.env == {"TRACE": f"{tmp_path}/out/t"}
    assert found.used == ("env", "trace")
    assert "no-such-program is not here" in found.notes[0]


def test_the_registry_of_profilers_is_sound():
    assert {"nsys", "ncu", "py-spy", "rocprofv3", "nccl-trace"} <= set(registry())
    check_tools(["nsys", "nccl-trace"], "x:1")
