"""Command lines: flags of every spelling, values as text, and files of flags."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.check.given import Token
from atlas.check.keys import read_keys
from atlas.check.model import UNKNOWN, Item, Place
from atlas.check.names import names_of
from atlas.check.texts import NotReadable, read
from atlas.check.tokens import read_tokens
from atlas.knowledge import load

RESULTS = Path(__file__).resolve().parents[2] / "results"
NEW, OLD = load("vllm", "0.33.0", RESULTS), load("vllm", "0.11.0", RESULTS)
SGLANG = load("sglang", "0.5.23", RESULTS)


def names(knowledge):
    return names_of(knowledge, "engine_params", knowledge.schema["roots"]["engine_params"][0])


def told(line, knowledge=NEW):
    found = read_tokens([Token(word, Place("x")) for word in line.split()], names(knowledge))
    return {one.entry["path"]: one.value for one in found.settings}, found


@pytest.mark.parametrize(("line", "value"), [
    ("--max-num-seqs 4", {"max_num_seqs": 4}),
    ("--max_num_seqs 4", {"max_num_seqs": 4}),
    ("--max-num-seqs=4", {"max_num_seqs": 4}),
    ("--max_num_seqs=4", {"max_num_seqs": 4}),
    ("--max-model-len -1", {"max_model_len": -1}),
    ("--max-model-len auto", {"max_model_len": -1}),
    ("--max-model-len 32k", {"max_model_len": 32_000}),
    ("--max-model-len 32K", {"max_model_len": 32_768}),
    ("--max-model-len 25.6k", {"max_model_len": 25_600}),
    ("-tp 2", {"tensor_parallel_size": 2}),
    ("-tp=2", {"tensor_parallel_size": 2}),
    ("--enforce-eager", {"enforce_eager": True}),
    ("--no-enforce-eager", {"enforce_eager": False}),
    ("--disable-prefix-caching", {"enable_prefix_caching": False}),
    ("--no-enable-prefix-caching", {"enable_prefix_caching": False}),
    ("--enable-log-req", {"enable_log_requests": True}),
    ("model --gpu-memory-utilization .5", {"model": "model", "gpu_memory_utilization": 0.5}),
    ('--hf-overrides {"a":{"b":1}}', {"hf_overrides": {"a": {"b": 1}}}),
    ("-cc.mode 3 -cc.backend eager", {"compilation_config": {"mode": 3, "backend": "eager"}}),
    ("--compilation_config.pass_config.x=true", {"compilation_config": {"pass_config": {"x": True}}}),
    ("-cc.custom_ops+ none,+rms_norm", {"compilation_config": {"custom_ops": ["none", "+rms_norm"]}}),
    ("-O3", {"optimization_level": 3}),
    ("-O 2", {"optimization_level": 2}),
    ("--cudagraph-capture-sizes 1 2 4 --seed 3", {"cudagraph_capture_sizes": [1, 2, 4], "seed": 3}),
    ("--max-num-seqs ${SEQS}", {"max_num_seqs": UNKNOWN}),
    ("--host 0.0.0.0 --port 80 --api-key a b --enable-auto-tool-choice", {}),
])  # fmt: skip
def test_flags_are_read_as_the_engines_parser_reads_them(line, value):
    settings_, found = told(line)
    assert settings_ == value
    assert found.unknown == []
    assert found.findings == []


@pytest.mark.parametrize(("line", "kind", "says"), [
    ("--max-num-seqs two", "wrong_type", '--max-num-seqs "two" is not an integer'),
    ("--max-model-len 1.5K", "wrong_type", "is not an integer"),
    ("--max-num-seqs 4.0", "wrong_type", "is not an integer"),
    ("--max-num-seqs 4k", "wrong_type", "is not an integer"),
    ("--mm-encoder-tp-mode none", "not_allowed", "is not one of"),
    ("--max-num-seqs", "missing_value", "needs a value"),
    ("--seed --enforce-eager", "missing_value", "needs a value"),
    ("--enforce-eager=true", "unexpected_value", "takes no value"),
    ("model --enforce-eager true", "unexpected_value", "belongs to no flag"),
    ("model other", "unexpected_argument", "`other` belongs to no flag"),
    ("-cc. 3", "wrong_flag", "names no key"),
    ("-cc.mode", "missing_value", "needs a value"),
])  # fmt: skip
def test_what_the_parser_refuses_is_an_error(line, kind, says):
    _, found = told(line)
    assert [(one.kind, one.level) for one in found.findings] == [(kind, "error")]
    assert says in found.findings[0].message


def test_the_last_of_two_counts_and_that_is_told():
    settings_, found = told("--max-num-seqs 1 --max-num-seqs 2")
    assert settings_ == {"max_num_seqs": 2}
    assert [one.kind for one in found.findings] == ["given_twice"]


def test_versions_and_engines_have_parsers_of_their_own():
    assert told("-O3", OLD)[0] == {"compilation_config": {"level": 3}}
    assert told("--disable-log-requests", OLD)[1].unknown == []
    assert [one.name for one in told("--reasoning_parser x", SGLANG)[1].unknown] == ["--reasoning_parser"]
    assert [one.name for one in told("--a.b 3", SGLANG)[1].unknown] == ["--a.b"]


def test_a_file_of_flags_is_read_as_the_flags():
    items = {
        "max-model-len": "32k",
        "max_num_seqs": "4",
        "enforce-eager": True,
        "enable-prefix-caching": False,
        "compilation-config": {"mode": 3},
        "port": 80,
        "nothing": 1,
        "seed": 1.5,
    }
    found = read_keys([Item(name, value, Place("x")) for name, value in items.items()], names(NEW))
    assert {one.entry["path"]: one.value for one in found.settings} == {
        "max_model_len": 32_000,
        "max_num_seqs": 4,
        "enforce_eager": True,
        "enable_prefix_caching": False,
        "compilation_config": {"mode": 3},
        "seed": UNKNOWN,
    }
    assert [one.name for one in found.unknown] == ["nothing"]
    assert [(one.kind, one.written) for one in found.findings] == [("wrong_type", "seed")]


@given(st.lists(st.text(alphabet="-=.+_abmxnu0123456789{}[]\"'$ \n", max_size=12), max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_words_are_read(words):
    for knowledge in (NEW, OLD, SGLANG):
        found = read_tokens([Token(word, Place("x")) for word in words], names(knowledge))
        assert all(one.level in ("error", "note") for one in found.findings)


@given(st.text(max_size=12) | st.from_regex(r"-?[0-9.]{1,6}[kKmMgGtT]?", fullmatch=True))
@settings(max_examples=300, deadline=None)
def test_text_is_read_as_a_number_where_python_does(text):
    def as_parsed():
        try:
            return read(text, {"type": "integer"}, suffixes=False, words={})
        except NotReadable:
            return None

    try:
        expected = int(text)
    except ValueError:
        expected = None
    value = as_parsed()
    assert value == expected or value is UNKNOWN
