"""What other tools use: schemas for editors, the hook, the action, the package."""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from atlas.history.recorded import recorded_versions
from atlas.knowledge import load

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TEXT = (ROOT / "docs/cli.md").read_text()
SCHEMAS = sorted((ROOT / "results").glob("*/*/cli.schema.json"))

GOOD = """\
model: meta/Llama
host: 0.0.0.0
port: 8000
tensor-parallel-size: 2
max-model-len: 32k
max_num_seqs: 8
no-enable-prefix-caching: true
compilation-config:
  mode: 3
  cudagraph_capture_sizes: [1, 2, 4]
hf-overrides: '{"rope_parameters": {"factor": 4.0}}'
"""
BAD = {
    "max-num-seqs: 0\n": "less than the minimum",
    "swap-space: 4\n": "swap-space",
    "max-num-seq: 4\n": "max-num-seq",
    "max-model-len: 1.5q\n": "max-model-len",
    "compilation-config: {level: 3}\n": "level",
    "mm-encoder-tp-mode: none\n": "mm-encoder-tp-mode",
}


def validated(text: str, schema: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "flags.yaml"
    path.write_text(text)
    command = [BIN / "check-jsonschema", "--schemafile", schema, path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_validator_takes_a_file_of_flags_and_the_checker_agrees(tmp_path):
    done = validated(GOOD, ROOT / "results/vllm/0.33.0/cli.schema.json", tmp_path)
    assert done.returncode == 0, done.stdout
    checked = subprocess.run(
        [BIN / "atlas", "check", "--engine", "vllm==0.33.0", tmp_path / "flags.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_a_validator_refuses_what_the_command_line_refuses(tmp_path):
    """All at once, as the validator takes a second to start."""
    done = validated("".join(BAD), ROOT / "results/vllm/0.33.0/cli.schema.json", tmp_path)
    assert done.returncode == 1
    for says in BAD.values():
        assert says in done.stdout


def test_names_with_dashes_are_in_the_schema_of_flags_only(tmp_path):
    done = validated("max-num-seqs: 8\n", ROOT / "results/vllm/0.33.0/config.schema.json", tmp_path)
    assert done.returncode == 1
    assert (
        validated("max_num_seqs: 8\n", ROOT / "results/vllm/0.33.0/config.schema.json", tmp_path).returncode
        == 0
    )


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_every_reference_of_a_schema_of_flags_leads_somewhere(path):
    config = json.loads((path.parent / "config.schema.json").read_text())
    schema = json.loads(path.read_text())
    references = re.findall(r'"\$ref": "config\.schema\.json#/properties/([^"]+)"', path.read_text())
    assert len(references) > 100
    assert set(references) <= config["properties"].keys()
    flags = {
        flag.removeprefix("--")
        for one in json.loads((path.parent / "schema.discovered.json").read_text())["engine_params"]
        for flag in one.get("cli_flags", [one.get("cli_flag", "-")])
        if flag.startswith("--") and "." not in one["path"]
    }
    assert flags <= schema["properties"].keys()


def test_the_hook_runs_what_it_names_on_files(tmp_path):
    path = ROOT / ".pre-commit-hooks.yaml"
    (hook,) = yaml.safe_load(path.read_text())
    assert set(hook) >= {"id", "name", "entry", "language"}
    config = tmp_path / "config.yaml"
    config.write_text("max_num_seqs: 0\n")
    command = [*shlex.split(hook["entry"]), "--engine", "vllm==0.33.0", str(config)]
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ATLAS_RESULTS": str(ROOT / "results"),
    }
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 1


def test_the_action_is_one_that_its_host_takes():
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-actions", ROOT / "action.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("engine", "code"), [("vllm==0.33.0", 1), ("vllm==0.11.0", 0)])
def test_the_steps_of_the_action_check_files_and_leave_sarif(tmp_path, engine, code):
    """As the host runs them, but for the installation."""
    (install, check) = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    assert "pip" in install["run"]
    (tmp_path / "engine-atlas/bin").mkdir(parents=True)
    (tmp_path / "engine-atlas/bin/atlas").symlink_to(BIN / "atlas")
    (tmp_path / "a b.yaml").write_text("swap_space: 4\n")
    environment = {
        **os.environ,
        "RUNNER_TEMP": str(tmp_path),
        "ATLAS_RESULTS": str(ROOT / "results"),
        "FILES": "\na b.yaml\n",
        "ENGINE": engine,
        "FAIL_ON": "error",
        "SARIF": "out.sarif",
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", check["run"]]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert len(json.loads((tmp_path / "out.sarif").read_text())["runs"][0]["results"]) == code


COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S)
    for line in block.splitlines()
    if re.match(r"(echo .* \| )?atlas check", line)
]


def executed(command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_what_the_document_shows_is_what_the_command_says():
    shown = re.search(r"^```\n(command line: .*?)^```", TEXT, re.M | re.S)
    assert shown is not None
    assert executed(COMMANDS[0]).stdout == shown[1]


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_the_commands_of_the_document_find_nothing_wrong(command):
    done = executed(command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_document_has_commands():
    assert len(COMMANDS) >= 4


def test_the_python_of_the_document_does_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    test = doctest.DocTestParser().get_doctest(
        "\n".join(re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)), {}, "cli.md", "cli.md", 0
    )
    assert len(test.examples) >= 5
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """`uv tool install` from the repository; what runs a command of it, away from any checkout."""
    folder = tmp_path_factory.mktemp("installed")
    environment = {**os.environ, "UV_TOOL_DIR": str(folder / "t"), "UV_TOOL_BIN_DIR": str(folder / "b")}
    environment.pop("ATLAS_RESULTS", None)
    uv = ROOT / ".tools/bin/uv"
    command = [uv, "tool", "install", "--quiet", "--python", sys.executable, ROOT]
    subprocess.run(command, env=environment, check=True)

    def ask(*words):
        done = subprocess.run(
            [folder / "b/atlas", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return ask


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("words", "code", "says"), [
    (["check", "--engine", "vllm==0.33.0", "max_num_seqs=0"], 1, "proven"),
    (["check", "--engine", "vllm==0.9.2", "--", "vllm", "serve", "m", "--swap-space", "8"], 0, "only"),
    (["diff", "vllm", "0.9.2", "0.33.0"], 0, "param_removed  engine_params: num_scheduler_steps"),
    (["diff", "transformers", "4.57.6", "5.23.0"], 0, "param_ignored"),
    (["upgrade", "--engine", "sglang", "--from=0.5.2", "--to=0.5.23", "enable_ep_moe=true"], 1, "breaks"),
    (["timeline", "sglang", "enable_ep_moe"], 0, "removed (0.5.2 has it)"),
    (["show", "lmdeploy==0.5.3", "TurbomindEngineConfig.tp"], 0, "only parameters"),
    (["ls", "versions", "transformers"], 0, "4.28.1"),
    (["check", "--engine", "vllm==0.1", "a=1"], 4, ""),
    (["check", "--engine", "vllm", "--results", str(ROOT / "results"), "max_num_seqs=0"], 1, "proven"),
])  # fmt: skip
def test_an_installed_package_answers_alone(installed, words, code, says):
    found, out, err = installed(*words)
    assert found == code, out + err
    assert says in out and "Traceback" not in err


@pytest.mark.slow
@pytest.mark.network
def test_the_package_is_small_and_says_the_same_of_every_version_as_the_checkout(tmp_path):
    uv = ROOT / ".tools/bin/uv"
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT], check=True)
    (built,) = tmp_path.glob("*.whl")
    assert built.stat().st_size < 4_000_000
    with zipfile.ZipFile(built) as wheel:
        wheel.extractall(tmp_path / "w")
    results = tmp_path / "w/atlas/_results"
    for engine in ("vllm", "lmdeploy", "sglang", "transformers"):
        tracked = recorded_versions(engine, ROOT / "results")
        assert recorded_versions(engine, results) == tracked
        for version in (tracked[0], tracked[len(tracked) // 2]):
            one, other = (load(engine, version, folder) for folder in (results, ROOT / "results"))
            assert one.schema == other.schema and one.serve == other.serve
