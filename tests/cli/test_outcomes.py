"""Every command speaks JSON in a published form, and says its errors in it too."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator

from atlas import cli

ROOT = Path(__file__).resolve().parents[2]
FORMS = ROOT / "config/schemas/cli"
ATLAS = Path(sys.executable).parent / "atlas"
NAMED = re.compile(r"config/schemas/cli/(\S+)\.schema\.json")


def walk(command, *names):
    """Every command that does something, with its name."""
    if not isinstance(command, click.Group):
        yield names, command
        return
    ctx = click.Context(command)
    for name in command.list_commands(ctx):
        yield from walk(command.get_command(ctx, name), *names, name)


COMMANDS = dict(walk(cli.cli))


def form_of(names):
    """The schema that the help of a command names."""
    (option,) = (one for one in COMMANDS[names].params if "--json" in one.opts)
    return NAMED.search(option.help).group(1)


def validator(form):
    schema = json.loads((FORMS / f"{form}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_each_command_has_json_in_a_form_that_is_published(names):
    assert validator(form_of(names)).schema["$id"] == f"cli/{form_of(names)}.schema.json"


def test_each_form_is_one_of_a_command():
    assert {path.name.removesuffix(".schema.json") for path in FORMS.iterdir()} == set(map(form_of, COMMANDS))


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_bad_arguments_of_each_command_are_told_in_json_too(names, capsys):
    wrong = {("build",): ["--cores", "x"], ("cards",): ["no-such-word"]}.get(names, ["--no-such-option"])
    assert cli.run([*names, "--json", *wrong]) == 4
    out, err = capsys.readouterr()
    told = json.loads(out)
    validator("outcome").validate(told)
    assert told["command"] == " ".join(names) and told["exit_code"] == 4
    assert told["error"]["what"].partition("\n")[0] in err


def run(*words, code=0, stdin=None):
    """stdout of a command, as it is run by a person."""
    done = subprocess.run([ATLAS, *words], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.mark.parametrize(("words", "code"), [
    ("check --json --engine vllm==0.33.0 max_num_seqs=0", 1),
    ("diff lmdeploy 0.17.0 0.18.0 --json", 0),
    ("upgrade --json --engine vllm --from 0.26.0 --to 0.27.0 max_num_partial_prefills=2", 1),
    ("timeline vllm num_scheduler_steps --json", 0),
    ("timeline sglang --json", 0),
    ("ls engines --json", 0),
    ("ls versions lmdeploy --json", 0),
    ("ls params transformers --json", 0),
    ("ls invariants lmdeploy --json", 0),
    ("show vllm max_num_seqs --json", 0),
    ("cards all --json", 0),
    ("perf machine --full --json", 0),
    ("environments --offline --json", 0),
    ("doctor --json", None),
    ("invariants summary --json", 0),
    ("coverage --json", 0),
    ("export --format llenergymeasure results/lmdeploy/0.18.0/schema.discovered.json --json", 0),
])  # fmt: skip
def test_what_a_command_prints_is_one_document_of_its_form(words, code, capsys):
    found = cli.run(words.split())
    assert found == code or (code is None and found in (0, 1))
    out = capsys.readouterr().out
    name = next(names for names in COMMANDS if words.split()[: len(names)] == list(names))
    validator(form_of(name)).validate(json.loads(out))


def test_what_rules_say_of_configurations_is_a_line_each(monkeypatch, capsys):
    lines = '{"temperature": -1.0}\n{"top_k": 5}\nnot json\n'
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    words = ["invariants", "evaluate", "lmdeploy==0.18.0", "--target", "GenerationConfig", "--json"]
    assert cli.run(words) == 4
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for one in found:
        validator("invariants.evaluate").validate(one)
    assert [one.get("verdict") for one in found] == ["rejected", "accepted", None]


def test_a_stage_says_what_it_has_written_and_the_files_are_the_same_without_json(tmp_path):
    folder = "results/lmdeploy/0.18.0"
    words = [
        *("knowledge", "--engine", "lmdeploy", "--version", "0.18.0"),
        *("--schema", f"{folder}/schema.discovered.json", "--config-schema", f"{folder}/config.schema.json"),
        *("--invariants", f"{folder}/invariants.yaml"),
    ]
    plain, told = tmp_path / "plain.json", tmp_path / "told.json"
    assert run(*words, "--output", str(plain)) == ""
    record = json.loads(run(*words, "--output", str(told), "--json"))
    validator("outcome").validate(record)
    assert plain.read_bytes() == told.read_bytes()
    digest = f"sha256:{sha256(told.read_bytes()).hexdigest()}"
    size = told.stat().st_size
    assert record["outputs"] == [{"path": str(told), "digest": digest, "bytes": size}]
    assert (record["command"], record["exit_code"]) == ("knowledge", 0) and "error" not in record


def test_a_stage_that_fails_says_so_with_its_exit_code_and_what_it_prints_is_one_document(tmp_path):
    words = [
        "history",
        "join",
        "--engine",
        "vllm",
        "--json",
        "--output",
        str(tmp_path / "x"),
        str(tmp_path / "no"),
    ]
    record = json.loads(run(*words, code=4))
    validator("outcome").validate(record)
    assert record["command"] == "history join" and record["outputs"] == []
    assert record["error"]["kind"] == "InputError" and str(tmp_path / "no") in record["error"]["where"]


def test_what_stands_after_two_dashes_is_no_wish_for_json(capsys):
    assert cli.run(["check", "--engine", "nothing", "--", "vllm", "serve", "m", "--json"]) == 4
    assert capsys.readouterr().out == ""


def test_answers_of_a_command_that_says_nothing_of_the_kind_are_not_valid():
    record = {"format_version": 1, "command": "lock", "exit_code": 0, "outputs": []}
    assert validator("outcome").is_valid(record)
    assert not validator("outcome").is_valid({**record, "answer": []})
    assert not validator("outcome").is_valid({**record, "command": "orphans", "answer": [{"path": "x"}]})
