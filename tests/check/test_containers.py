"""Compose files, manifests, charts and scripts: whose command is read, and as whom it is meant."""

from __future__ import annotations

import time

import pytest

from atlas.check.commands import MAX_WORDS, split, tag_of
from atlas.check.documents import read_bytes
from atlas.check.given import Token
from atlas.check.model import Place
from atlas.check.run import Request, check_documents, run
from atlas.errors import InputError

VLLM = "image: vllm/vllm-openai:v0.11.0\n"


def told(text, engine=None, version=None, form=None):
    """What is said of each container or command: its version, and errors by parameter."""
    documents = read_bytes(text.encode(), "x", form)
    results = check_documents(Request(engine, version), documents, "x")
    return [
        (
            one.version,
            sorted(f"{found.parameter}:{found.level}" for found in one.findings if found.level != "note"),
        )
        for one in results
    ]


@pytest.mark.parametrize(("text", "expected"), [
    # a new line is a blank in the command of a service, and ends none
    ("services:\n  a:\n    " + VLLM + "    command: |\n      --model m\n      --seed x\n", ["seed:error"]),
    ("services:\n  a:\n    " + VLLM + "    command: >\n      --model m\n      --seed 1\n", []),
    # numbers are numbers, not true and false
    (VLLM + "args: [--model, m, --max-num-seqs, 1, --seed, 0]\n", []),
    (VLLM + "args: [--model, m, --seed, true]\n", ["seed:error"]),
    # fragments of Compose are no services
    ("x-a: &a {" + VLLM.strip() + "}\nservices:\n  a:\n    <<: *a\n    command: --seed x\n", ["seed:error"]),
    # values of charts
    ("image: {repository: vllm/vllm-openai, tag: v0.11.0, command: [--seed, x]}\n", ["seed:error"]),
    ("a:\n- repository: vllm/vllm-openai\n  tag: v0.11.0\n  b: {extraArgs: [--seed, x]}\n", ["seed:error"]),
    ("spec: {repository: vllm/vllm-openai, tag: v0.11.0, extraArgs: [--seed, x]}\n", ["seed:error"]),
    # what counts where the shell has nothing else
    ("services: {a: {image: 'vllm/vllm-openai:${TAG:-v0.11.0}', command: [--seed, x]}}\n", ["seed:error"]),
])  # fmt: skip
def test_the_words_of_a_container_are_read_as_it_gets_them(text, expected):
    assert told(text) == [("0.11.0", expected)]


@pytest.mark.parametrize(("text", "form"), [
    ("#!/bin/bash\nset -e\nexec vllm serve m \\\n  --seed x  # of all\necho --bad\n", None),
    ("# vllm serve other --bad\nexport A=1\nvllm serve m --seed x # it's\n", None),
    ("vllm serve m \\\n --seed x --compilation-config '{\"mode\": 3}'\n", None),
    ("docker run --gpus all vllm/vllm-openai:v0.33.0 --model m --seed x\n", None),
    ("vllm serve m --seed x", "sh"),
])  # fmt: skip
def test_a_script_is_read_as_a_shell_reads_it(text, form):
    assert told(text, "vllm", "0.33.0", form) == [("0.33.0", ["seed:error"])]


def test_a_file_of_keys_is_no_script():
    text = "# vllm serve --x\nmodel: m\nmax-num-seqs: x\n"
    assert told(text, "vllm", "0.33.0") == [("0.33.0", ["max_num_seqs:error"])]
    assert read_bytes(b"a: b --c\n", "x")[0].value == {"a": "b --c"}


@pytest.mark.parametrize(("image", "tag"), [
    ("a/b:v1", "v1"), ("a:5000/b", None), ("a/b:${T:-v1}", "v1"), ("a/b:${T-v1}", "v1"), ("a/b:${T}", "${T}"),
    ("a/b:v1@sha256:00", "v1"),
])  # fmt: skip
def test_the_tag_of_an_image(image, tag):
    assert tag_of(image) == tag


def one(*words, engine="vllm", version="0.33.0"):
    (result,) = run(Request(engine, version), [], words)
    return result


def test_a_command_in_quotes_as_a_whole_is_taken_apart():
    assert [found.parameter for found in one("vllm serve m --seed x").findings] == ["seed"]


@pytest.mark.parametrize(
    "words", [("vllm", "bench", "serve"), ("python3", "-m", "vllm.entrypoints.api_server")]
)
def test_another_command_of_the_program_is_not_taken_for_flags(words):
    with pytest.raises(InputError, match="does not start a server"):
        one(*words, "--model", "m")


def test_a_file_that_a_command_names_and_that_is_not_here_is_told():
    (found,) = one("vllm", "serve", "m", "--config", "no/such.yaml").findings
    assert (found.kind, found.level) == ("file_not_read", "note") and "no/such.yaml" in found.message


def test_a_value_that_a_flag_does_not_list_is_refused_though_the_class_takes_it():
    words = ("sglang", "serve", "--model-path", "m", "--attention-backend")
    (found,) = one(*words, "flashinferx", engine="sglang", version="0.5.23").findings
    assert (found.kind, found.level, found.parameter) == ("not_allowed", "error", "attention_backend")
    assert one(*words, "flashinfer", engine="sglang", version="0.5.23").accepted
    # where the annotation itself takes any text, so does the parser
    assert not one("vllm", "serve", "m", "--quantization", "of-a-plugin").findings
    # where the class converts them, others than those of the type are taken
    assert one("vllm", "serve", "m", "--attention-backend", "flashinfer").accepted
    assert not one("vllm", "serve", "m", "--attention-backend", "flashinferx").accepted


@pytest.mark.parametrize(("written", "meant"), [("--tp", "-tp"), ("-max-num-seqs", "--max-num-seqs")])
def test_a_flag_with_the_wrong_dashes_is_told_as_such(written, meant):
    (found,) = one("vllm", "serve", "m", written, "2").findings
    assert found.kind == "unknown_parameter" and found.level == "error"
    assert found.nearest[0] == meant and "has it" not in found.message


def test_much_of_what_is_unknown_takes_little_time():
    started = time.process_time()
    text = "".join(f"key{number}: 1\n" for number in range(5_000))
    (result,) = check_documents(Request("vllm", "0.33.0"), read_bytes(text.encode(), "x"), "x")
    assert len(result.findings) >= 5_000
    assert time.process_time() - started < 20
    with pytest.raises(InputError, match="words"):
        split(Token("a " * (MAX_WORDS + 1), Place("x")))
    with pytest.raises(InputError, match="longer"):
        split(Token("a" * 300_000, Place("x")))
