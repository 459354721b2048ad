"""How fast `atlas check` is: the whole process, the check alone, and many configurations in a loop.

    .venv/bin/python benchmarks/check.py [RUNS]

A process is held against one that starts Python and loads the same file with PyYAML; of several runs, taken
in turns, the fastest counts, as everything else is the machine's other work. Modules are compiled before, as
they are wherever a program is started for the second time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from atlas.knowledge import Knowledge, load

ROOT = Path(__file__).resolve().parents[1]
KEYS = 60
PLAIN = "pass"
LOAD = "import sys, yaml; yaml.safe_load(open(sys.argv[1]))"


def config(knowledge: Knowledge) -> dict[str, Any]:
    """Parameters with their defaults, those that rules may be about first."""
    entries = [
        entry
        for (group, path), entry in knowledge.entries.items()
        if group == "engine_params" and "." not in path and entry.get("default") is not None
    ]
    entries.sort(key=lambda entry: not entry.get("joins", "").endswith("Config." + entry["name"]))
    chosen = entries[:KEYS]
    assert len(chosen) == KEYS
    return {entry["name"]: entry["default"] for entry in chosen}


def processes(runs: int) -> Iterator[tuple[str, float]]:
    """Seconds of the fastest run of each."""
    knowledge = load("vllm", "0.33.0", ROOT / "results")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(config(knowledge)))
        pin = f"{knowledge.engine}=={knowledge.version}"
        commands = {
            "python -c pass": [sys.executable, "-c", PLAIN],
            "python, loading the YAML": [sys.executable, "-c", LOAD, str(path)],
            "atlas check": [str(Path(sys.executable).parent / "atlas"), "check", "--engine", pin, str(path)],
        }
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs + 1):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
                taken[name].append(time.perf_counter() - started)
        yield from ((name, min(times)) for name, times in taken.items())


def fastest(function: Callable[[], object], seconds: float = 1.0) -> float:
    """Seconds of the fastest call."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return best


def checks() -> Iterator[tuple[str, int, int, float]]:
    """What is checked, its keys, the rules about them, and seconds once all is loaded."""
    vllm, transformers = (
        load("vllm", "0.33.0", ROOT / "results"),
        load("transformers", "5.23.0", ROOT / "results"),
    )
    whole = config(vllm)
    some = dict(list(whole.items())[:5])
    sampling = {"temperature": 0.7, "top_p": 0.9, "top_k": 40, "max_tokens": 64}
    generation = {"num_beams": 4, "max_new_tokens": 16, "do_sample": False}
    for name, knowledge, given, target in (
        (f"{KEYS} engine arguments", vllm, whole, "AsyncEngineArgs"),
        ("5 engine arguments", vllm, some, "AsyncEngineArgs"),
        ("4 sampling parameters", vllm, sampling, "SamplingParams"),
        ("3 of a GenerationConfig", transformers, generation, "GenerationConfig"),
    ):
        seconds = fastest(partial(knowledge.check, given, target=target))
        yield name, len(given), about(knowledge, given, target), seconds


def about(knowledge: Knowledge, given: dict[str, Any], target: str) -> int:
    """How many rules are about what is given, the class's own and those of classes it hands values to."""
    from atlas.check.api import checker

    found = checker(knowledge, given, target)
    sets = [found.rules.own[1]] if found.rules.own else []
    fields = [set(given)] * len(sets)
    for one in found.rules.joined:
        sets.append(one.rules)
        fields.append({field for name, field in one.fields.items() if name in given})
    return sum(
        len({id(test) for name in names for test in rules.about.get(name, ())})
        for rules, names in zip(sets, fields, strict=True)
    )


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print("| process | ms | times Python and its YAML |\n|---|---|---|")
    times = dict(processes(runs))
    for name, seconds in times.items():
        print(f"| {name} | {seconds * 1000:.0f} | {seconds / times['python, loading the YAML']:.1f} |")
    print("\n| check, once loaded | keys | rules about them | ms | configurations/s |\n|---|---|---|---|---|")
    for name, keys, rules, seconds in checks():
        print(f"| {name} | {keys} | {rules} | {seconds * 1000:.2f} | {1 / seconds:,.0f} |")


if __name__ == "__main__":
    main()
