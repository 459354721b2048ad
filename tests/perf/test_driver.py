"""The driver in an engine's environment: a toy engine that streams, one that steps, and ones that fail."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

from atlas.perf.driver import DRIVER
from atlas.perf.fidelity import difference
from atlas.perf.metrics import measured, read_journal, succeeded
from atlas.perf.prepared import PROBE
from atlas.perf.tools import wrap

ENGINE = """
import json, time
class Model:
    def generate(self, prompts, count, streamer=None):
        if [13] in prompts:
            raise ValueError("unlucky")
        if streamer: streamer.put(prompts)
        for _ in range(count):
            time.sleep(0.002)
            if streamer: streamer.put(0)
        if streamer: streamer.end()
        return [prompt + [0] * count for prompt in prompts]
class Step:
    def __init__(self, row): self.row = row
class Rows:
    def generate(self, prompts, count, callback=None):
        for _ in range(count):
            for row in reversed(range(len(prompts))):  # in whatever order
                time.sleep(0.002)
                if callback and callback(Step(row)): raise RuntimeError("told to stop")
        return [Result(count) for _ in prompts]
class Result:
    def __init__(self, count): self.sequences = [[0] * count]
def load(path):
    if path == "bad": raise RuntimeError("no such model")
    return Deaf() if path == "deaf" else Model()
class Deaf(Model):
    def generate(self, prompts, count, streamer=None):
        if streamer: raise ValueError("is not to be told")
        return super().generate(prompts, count)
class Profile:
    def __enter__(self): self.entered = time.monotonic()
    def __exit__(self, *_): self.left = time.monotonic()
    def save(self, path): open(path, "w").write(json.dumps([self.entered, self.left]))
class Output:
    def __init__(self, id, tokens, finished):
        self.id, self.tokens, self.finished = id, [Tokens(tokens)], finished
class Tokens:
    def __init__(self, tokens): self.token_ids = tokens
class Steps:
    def __init__(self): self.left = {}
    def add(self, id, prompt, count): self.left[id] = [0, count]
    def step(self):
        time.sleep(0.002)
        for one in self.left.values(): one[0] += 1
        out = [Output(i, list(range(n)), n == c) for i, (n, c) in self.left.items()]
        self.left = {i: one for i, one in self.left.items() if one[0] < one[1]}
        return out
"""
STREAMER = {
    "protocol": "streamer",
    "prompt_first": True,
    "load": [{"model": {"call": "toy.load", "args": ["good"]}}],
    "generate": {
        "call": "model.generate",
        "args": [{"ref": "prompts"}, {"ref": "output_tokens"}],
        "kwargs": {"streamer": {"ref": "stream"}},
    },
    "output": {"prompt_first": True},
}
STEPS = {
    "protocol": "steps",
    "load": [{"engine": {"call": "toy.Steps"}}],
    "add": {"call": "engine.add", "args": [{"ref": "id"}, {"ref": "prompt"}, {"ref": "output_tokens"}]},
    "step": {"call": "engine.step"},
    "read": {"id": "id", "tokens": "tokens.0.token_ids", "finished": "finished"},
}


ROWS = {
    "protocol": "streamer",
    "load": [{"model": {"call": "toy.Rows"}}],
    "generate": {
        "call": "model.generate",
        "args": [{"ref": "prompts"}, {"ref": "output_tokens"}],
        "kwargs": {"callback": {"ref": "told"}},
    },
    "read": {"row": "row"},
    "output": {"tokens": "sequences.0"},
}


def drive(tmp_path, spec, batches=(((1, 2), (3, 4)), ((5, 6),)), env=None, **more):
    (tmp_path / "toy.py").write_text(textwrap.dedent(ENGINE))
    request = {"probe": str(PROBE), "spec": spec, "output_tokens": 4, "batches": batches, "warmup": [[[9]]]}
    (tmp_path / "request.json").write_text(json.dumps({**request, **more}))
    out = tmp_path / "journal.jsonl"
    command = [sys.executable, "-s", str(DRIVER), "--request", str(tmp_path / "request.json")]
    done = subprocess.run(
        [*command, "--output", str(out)],
        env={"PYTHONPATH": str(tmp_path), **(env or {})},
        capture_output=True,
        text=True,
    )
    return done.returncode, read_journal(out), done.stderr


@pytest.mark.parametrize("spec", [STREAMER, STEPS, ROWS], ids=["streamer", "steps", "rows"])
def test_each_protocol_tells_when_each_token_of_each_request_came(tmp_path, spec):
    code, journal, _ = drive(tmp_path, spec)
    assert code == 0
    assert [one["batch"] for one in journal.requests] == [0, 0, 1]
    for one in journal.requests:
        assert len(one["tokens"]) == 4
        assert one["sent"] < one["tokens"][0] <= sorted(one["tokens"])[-1] <= one["done"]
        assert one["n_in"] == 2
    results = {(one["metric"], one["statistic"]): one["value"] for one in measured(journal)}
    start, end = journal.window
    assert results["output_tput", "value"] == pytest.approx(12 / (end - start))
    assert results["ttft", "p50"] >= 0.002
    assert results["tpot", "p50"] >= 0.002
    assert journal.phase("load") is not None
    assert journal.phase("measure") >= end - start


@pytest.mark.parametrize("spec", [STREAMER, STEPS, ROWS], ids=["streamer", "steps", "rows"])
def test_without_times_of_tokens_they_are_counted_when_all_is_done_and_nothing_is_guessed(tmp_path, spec):
    code, journal, log = drive(tmp_path, spec, token_times=False)
    assert code == 0, log
    assert len(succeeded(journal)) == 3
    for one in journal.requests:
        assert (one["tokens"], one["n_out"], one["n_in"]) == (None, 4, 2)
        assert one["sent"] < one["done"]
    results = {(one["metric"], one["statistic"]): one["value"] for one in measured(journal)}
    start, end = journal.window
    assert results["output_tput", "value"] == pytest.approx(12 / (end - start))
    assert results["e2el", "p50"] >= 0.008
    assert not {metric for metric, _ in results} & {"ttft", "tpot", "itl"}


def test_without_times_of_tokens_the_engine_is_not_asked_to_tell_of_them(tmp_path):
    deaf = {**STREAMER, "load": [{"model": {"call": "toy.load", "args": ["deaf"]}}]}
    for wanted, good in ((True, 0), (False, 3)):
        _, journal, _ = drive(tmp_path, deaf, token_times=wanted)
        assert len(succeeded(journal)) == good


def test_what_failed_without_times_of_tokens_has_no_tokens(tmp_path):
    code, journal, _ = drive(tmp_path, STREAMER, batches=[[[1]], [[13]]], token_times=False)
    assert code == 0
    assert [one["tokens"] for one in journal.requests] == [None, []]
    assert len(succeeded(journal)) == 1


def test_of_an_engine_that_tells_of_each_row_each_has_its_own_times(tmp_path):
    _, journal, _ = drive(tmp_path, ROWS, batches=[[[1], [2], [3]]])
    first, second, third = (one["tokens"] for one in journal.requests)
    assert all(a > b > c for a, b, c in zip(first, second, third, strict=True))
    code, bare, log = drive(tmp_path, ROWS, bare=True)
    assert (code, len(bare.compared)) == (0, 8), log


def test_a_batch_that_fails_spoils_no_other(tmp_path):
    code, journal, _ = drive(tmp_path, STREAMER, batches=[[[1]], [[13]], [[2]]])
    assert code == 0
    assert len(succeeded(journal)) == 2
    assert journal.requests[1]["error"] == "ValueError: unlucky"


def test_when_all_requests_fail_nothing_was_measured(tmp_path):
    code, journal, _ = drive(tmp_path, STREAMER, batches=[[[13]], [[13]]])
    assert (code, measured(journal)) == (0, [])


def test_an_engine_that_cannot_load_says_why(tmp_path):
    spec = {**STREAMER, "load": [{"model": {"call": "toy.load", "args": ["bad"]}}]}
    code, journal, log = drive(tmp_path, spec)
    assert code == 3
    assert journal.error == "load: RuntimeError: no such model"
    assert "Traceback" in log


@pytest.mark.parametrize("token_times", [True, False])
def test_the_bare_loop_runs_the_same_batches_in_turn(tmp_path, token_times):
    _, journal, _ = drive(tmp_path, STREAMER, bare=True, token_times=token_times)
    turns = [one["bare"] for one in journal.compared]
    assert turns == [True, False, False, True, False, True, True, False]
    assert all(one["seconds"] > 0 for one in journal.compared)


def turns(first, *costs):
    kinds = [first, not first, not first, first]
    return [{"bare": bare, "seconds": cost} for bare, cost in zip(kinds, costs, strict=True)]


def test_a_machine_that_gets_slower_makes_no_difference_to_the_harness():
    slower = [
        one for at in range(40) for one in turns(at % 2 == 0, *(1 + (4 * at + n) / 100 for n in range(4)))
    ]
    even = difference(slower, "seconds")
    assert even.change == pytest.approx(0, abs=1e-9)
    assert even.shown
    assert even.itself > 0.01


def test_a_harness_that_costs_five_in_a_hundred_is_seen():
    costly = [one for at in range(40) for one in turns(True, 1, 1.05, 1.05, 1)]
    found = difference(costly, "seconds")
    assert found.change == pytest.approx(-0.05, abs=0.003)
    assert not found.shown


def test_a_journal_that_was_cut_off_is_read_as_far_as_it_came(tmp_path):
    _, whole, _ = drive(tmp_path, STREAMER)
    path = tmp_path / "journal.jsonl"
    content = path.read_bytes()
    for cut in range(0, len(content), 97):
        path.write_bytes(content[:cut])
        found = read_journal(path)
        assert len(found.requests) <= len(whole.requests)
        assert found.window is not None or measured(found) == []


def test_a_profiler_in_the_engines_process_is_around_what_is_measured(tmp_path):
    file = tmp_path / "profilers.yaml"
    file.write_text(
        "format_version: 1\ntools:\n"
        "  toy: {around: {call: toy.Profile}, save: save, outputs: [toy.json]}\n"
        "  gone: {around: {call: not_there.Profile}, save: save, outputs: [gone.json]}\n"
    )
    wrapped = wrap(["x"], ["gone", "toy"], tmp_path / "out", file, driven=True)
    assert (wrapped.command, wrapped.used) == (("x",), ("gone", "toy"))
    code, journal, log = drive(tmp_path, STREAMER, env=wrapped.env)
    assert code == 0, log
    entered, left = json.loads((tmp_path / "out/toy.json").read_text())
    assert entered <= journal.window[0] < journal.window[1] <= left
    assert list(journal.left_out) == ["gone"]
    assert len(succeeded(journal)) == 3
    alone = wrap(["x"], ["toy"], tmp_path / "out", file)
    assert (alone.used, alone.env) == ((), {})
    assert "left out" in alone.notes[0]
