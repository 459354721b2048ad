"""Predicates over JSON: this project's evaluator beside the CEL implementations that are installed.

    python benchmarks/predicates.py [--seconds 1]

Python itself is the measure: each predicate is evaluated by it on every configuration, and an evaluator
agrees where it gives the same truth, or an error where Python raises. `right` are predicates with which an
evaluator agrees on all configurations; the CEL texts are the nearest there are. To compare, install
`cel-python`, `common-expression-language` or `cel-expr-python` with `protobuf` in an environment of their
own, and put `scripts` on PYTHONPATH. Floor: 200,000 simple evaluations a second.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atlas.invariants.predicate import UNDEFINED, Context, compile_all, compile_expr, parse

FLOOR = 200_000
FIELDS = ("x", "y", "s")
VALUES: tuple[Any, ...] = (
    *(0, 1, 3, -7, 8, 2**70, 0.0, 0.5, 8.0, float("nan"), True, False, None),
    *("", "a", "ab", "5", [], [""], ["a", "b"], [1, 2], {}, {"k": 1}),
)

Evaluate = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Predicate:
    """Python's text, and CEL's nearest (None where there is none)."""

    python: str
    cel: str | None


PREDICATES = (
    Predicate("x < 0", "x < 0"),
    Predicate("x < 1 or y > 1", "x < 1 || y > 1"),
    Predicate("0 < x and x <= 1", "0 < x && x <= 1"),
    Predicate("x > y", "x > y"),
    Predicate("x == 1", "x == 1"),
    Predicate("x is None", "x == null"),
    Predicate("x not in ('a', 'ab', None)", "!(x in ['a', 'ab', null])"),
    Predicate("x in (1, 2, 8)", "x in [1, 2, 8]"),
    Predicate("not x", None),
    Predicate("bool(x and y)", None),
    Predicate("x % 8 != 0", "x % 8 != 0"),
    Predicate("x // 2 > 3", "x / 2 > 3"),
    Predicate("x / 2 > 3", "double(x) / 2.0 > 3.0"),
    Predicate("x * y > 8", "x * y > 8"),
    Predicate("x + 1 > 1", "x + 1 > 1"),
    Predicate("len(x) > 1", "size(x) > 1"),
    Predicate("any(len(i) == 0 for i in s)", "s.exists(i, size(i) == 0)"),
    Predicate("any(i == '' for i in s)", "s.exists(i, i == '')"),
    Predicate("x is not None and len(x) == 0", "x != null && size(x) == 0"),
    Predicate("x ** 2 > 4", None),
    Predicate("max(x, y) > 1", None),
    Predicate("int(x) > 3", "int(x) > 3"),
    Predicate("x != y", "x != y"),
)


def configs() -> list[dict[str, Any]]:
    pairs = itertools.product(VALUES, VALUES[:14:2])
    return [{"x": x, "y": y, "s": s} for (x, y), s in zip(pairs, itertools.cycle(VALUES), strict=False)]


def truth(value: Any) -> bool | None:
    return bool(value) if isinstance(value, int) else None


def python_of(predicate: Predicate) -> Evaluate:
    code = compile(predicate.python, "<python>", "eval")
    return lambda config: eval(code, dict(config))


def ours_of(predicate: Predicate) -> Evaluate:
    compiled = compile_expr(parse(predicate.python), Context())

    def evaluate(config: Mapping[str, Any]) -> Any:
        value = compiled(config)
        if value is UNDEFINED:
            raise ValueError("undefined")
        return value

    return evaluate


def cel_python(module: Any, text: str) -> Evaluate:
    environment = module.Environment()
    program = environment.program(environment.compile(text))
    return lambda config: bool(program.evaluate(module.json_to_cel(config)))


def common_expression_language(module: Any, text: str) -> Evaluate:
    program = module.compile(text)
    return lambda config: program.execute(config)


def cel_expr_python(module: Any, text: str) -> Evaluate:
    types = dict.fromkeys(FIELDS, module.Type.DYN)
    expression = module.NewEnv(variables=types).compile(text)

    def evaluate(config: Mapping[str, Any]) -> Any:
        value = expression.eval(data=config)
        if value.type() == module.Type.ERROR:
            raise ValueError(str(value.value()))
        return value.plain_value()

    return evaluate


OTHERS: Mapping[str, tuple[str, Callable[[Any, str], Evaluate]]] = {
    "cel-python": ("celpy", cel_python),
    "common-expression-language": ("cel", common_expression_language),
    "cel-expr-python": ("cel_expr_python.cel", cel_expr_python),
}


def installed() -> dict[str, Callable[[Predicate], Evaluate | None]]:
    """Evaluators by name; one of them is always there."""
    found: dict[str, Callable[[Predicate], Evaluate | None]] = {"engine-atlas": ours_of}
    for name, (module, adapter) in OTHERS.items():
        try:
            loaded = importlib.import_module(module)
        except ImportError as error:
            print(f"{name} is not measured: {error}", file=sys.stderr)
            continue
        found[name] = lambda one, loaded=loaded, adapter=adapter: (
            adapter(loaded, one.cel) if one.cel else None
        )  # type: ignore[misc]
    return found


def outcome(evaluate: Evaluate, config: Mapping[str, Any]) -> bool | None:
    """The truth, or None for an error."""
    try:
        return truth(evaluate(config))
    except Exception:
        return None


def per_second(
    evaluate: Callable[[Mapping[str, Any]], Any], config: Mapping[str, Any], seconds: float
) -> int:
    done, end = 0, time.perf_counter() + seconds
    start = time.perf_counter()
    while time.perf_counter() < end:
        for _ in range(200):
            evaluate(config)
        done += 200
    return int(done / (time.perf_counter() - start))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each speed is measured")
    seconds = parser.parse_args().seconds
    tried = configs()
    print(f"{len(PREDICATES)} predicates on {len(tried)} configurations")
    print(f"{'evaluator':28}{'written':>9}{'right':>7}{'agreement':>11}{'evaluations/s':>15}")
    speeds = {}
    for name, make in installed().items():
        written = right = agreed = 0
        for predicate in PREDICATES:
            reference = python_of(predicate)
            evaluate = make(predicate)
            if evaluate is None:
                continue
            same = sum(outcome(evaluate, config) is outcome(reference, config) for config in tried)
            written, agreed, right = written + 1, agreed + same, right + (same == len(tried))
        simple = make(PREDICATES[0])
        assert simple is not None
        speeds[name] = per_second(simple, {"x": 3, "y": 1, "s": []}, seconds)
        share = agreed / (len(PREDICATES) * len(tried))
        print(f"{name:28}{written:>9}{right:>7}{share:>11.1%}{speeds[name]:>15,}")
    many = compile_all([parse(f"x > {number} and y < {number}") for number in range(300)], Context())
    print(f"300 predicates at once: {300 * per_second(many, {'x': 3, 'y': 1}, seconds):,} evaluations/s")
    if speeds["engine-atlas"] < FLOOR:
        print(f"error: fewer than {FLOOR:,} simple evaluations a second", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
