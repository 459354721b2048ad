"""`atlas invariants replay`: the engine's answers as JSON lines, in the order of the configurations."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas.environment.prepare import Prepared
from atlas.environment.run import Runtime
from atlas.invariants.live import Session
from atlas.invariants.model import FieldSpec, Target
from atlas.invariants.replay import answer_all

ENGINE = """
import warnings

class Config:
    def __init__(self, size=1):
        if size > 8:
            raise ValueError(f"{size} is too large")
        if size < 1:
            warnings.warn("size is at least 1")
        self.size = max(size, 1)
"""


@pytest.fixture
def replayed(tmp_path):
    """The exit code and the answers about lines."""

    def run(text: str, at_once: int = 100):
        (tmp_path / "toy.py").write_text(ENGINE)
        cell = SimpleNamespace(packages=("toy",), fixtures={}, version="1.0", venv=None)
        runtime = Runtime(Path(sys.executable), (tmp_path,))
        target = Target("toy.Config", "engine_params", (FieldSpec("size", "int", {}, 1, True, "value"),))
        out = io.StringIO()
        with Session(Prepared(cell, runtime, 60, tmp_path), [target]) as session:  # type: ignore[arg-type]
            code = answer_all(session, target, io.StringIO(text), out, at_once)
        return code, [json.loads(line) for line in out.getvalue().splitlines()]

    return run


def test_each_configuration_has_its_answer(replayed):
    code, (fine, bad, changed) = replayed('{"size": 3}\n\n{"size": 9}\n{"size": 0}\n')
    assert code == 0
    assert fine == {"outcome": "ok", "depth": "construct", "exception": None, "warnings": [], "changed": {}}
    assert (bad["outcome"], bad["exception"]["type"]) == ("rejected", "ValueError")
    assert bad["exception"]["message"] == "9 is too large"
    assert [one["message"] for one in changed["warnings"]] == ["size is at least 1"]
    assert changed["changed"] == {"size": 1}


@pytest.mark.parametrize("line", ["{", "[1]", "3", '{"size": 1} {"size": 2}'])
def test_a_line_that_is_no_configuration_is_told_and_the_rest_goes_on(replayed, line):
    code, answers = replayed(f'{{"size": 1}}\n{line}\n{{"size": 2}}\n')
    assert code == 4
    assert [answer.get("outcome") for answer in answers] == ["ok", None, "ok"]
    assert answers[1]["line"] == 2
    assert answers[1]["error"]


def test_the_order_is_kept_whatever_is_asked_at_once(replayed):
    lines = "".join(f'{{"size": {number % 12}}}\n' for number in range(50))
    assert replayed(lines, at_once=7) == replayed(lines, at_once=50)
