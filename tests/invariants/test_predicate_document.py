"""What the document of the language says is so, and it names everything there is."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

from atlas.invariants.predicate import FUNCTIONS, OPERATORS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "invariants-language.md"
NOT_BY_NAME = frozenset(("neg", "if", "list", "set", "dict", "not_in", "truth"))


def test_the_examples_are_true() -> None:
    failed, tried = doctest.testfile(str(DOCUMENT), module_relative=False, encoding="utf-8")
    assert tried >= 8
    assert failed == 0


def test_every_operator_and_function_is_in_the_tables() -> None:
    named = set(re.findall(r"`([^`( ]+)", DOCUMENT.read_text(encoding="utf-8").replace("\\|", "|")))
    assert (FUNCTIONS.keys() | OPERATORS.keys()) - NOT_BY_NAME - named == set()


def test_the_benchmark_runs_and_agrees_with_python_but_for_the_order_of_or() -> None:
    script = ROOT / "benchmarks" / "predicates.py"
    done = subprocess.run(
        [sys.executable, str(script), "--seconds", "0.01"], capture_output=True, text=True, check=False
    )
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("engine-atlas")]
    assert row[1:3] == ["23", "22"]
