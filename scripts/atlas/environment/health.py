"""Whether an engine works in its environment: what the probe saw of its landmarks, judged.

An engine that cannot be imported is a fact about that engine in that environment, and a result. A
machine that fails (memory, disk, time) is neither, and raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.engines.model import Cell
from atlas.environment.overlay import stripped
from atlas.environment.prepare import Prepared
from atlas.environment.run import EngineEnded
from atlas.environment.venv import set_aside
from atlas.errors import BuildError, RunError, UnavailableError

OK, FAILED, NONE = "ok", "failed", "none"
UNHEALTHY = "environment_unhealthy"
"""Code of the limitations that say why an environment is not healthy."""
MACHINE = re.compile(
    r"MemoryError|No space left|[Qq]uota exceeded|Read-only file system|Input/output error|Stale file handle"
    r"|Cannot allocate memory|Too many open files|Resource temporarily unavailable|can't start new thread"
    r"|PermissionError"
)
ABSENT = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'")


@dataclass(frozen=True)
class Health:
    """`landmarks` has `ok` or what was said for each; `ended` is how Python ended, if it did."""

    version: str
    landmarks: Mapping[str, str]
    ended: str | None = None

    @property
    def misses(self) -> dict[str, str]:
        return {name: said for name, said in self.landmarks.items() if said != OK}

    @property
    def verdict(self) -> str:
        return FAILED if self.misses or self.ended else OK


def failed(document: Mapping[str, Any]) -> bool:
    """Whether an environment.json says that nothing can be run in it."""
    return bool(document.get("health", {}).get("verdict") == FAILED)


def examine(cell: Cell, prepared: Prepared) -> Health:
    """Import the landmarks. Raises where the machine failed, or the engine is not the one that is pinned."""
    try:
        facts = prepared.ask({"landmarks": list(cell.landmarks)})
        health = Health(_pinned(cell, facts), facts["landmarks"])
    except EngineEnded as error:
        health = _one_by_one(cell, prepared, error)
    if health.verdict == FAILED:
        _rule_out_the_machine(cell, prepared, health)
    return health


def _one_by_one(cell: Cell, prepared: Prepared, error: EngineEnded) -> Health:
    """Which landmark it is that ends Python, where Python itself works there."""
    if MACHINE.search(str(error)):
        raise error
    version = _pinned(cell, prepared.ask({}))
    landmarks: dict[str, str] = {}
    for name in cell.landmarks:
        try:
            landmarks |= prepared.ask({"landmarks": [name]})["landmarks"]
        except EngineEnded as ended:
            landmarks[name] = ended.how
    return Health(version, landmarks, error.how)


def _pinned(cell: Cell, facts: Mapping[str, Any]) -> str:
    """The version that the engine reports of itself; RunError where that is another: so are its sources."""
    assert cell.venv is not None
    reported = stripped(str(facts["version"]), cell.venv.overlay.version_suffix)
    if reported != cell.version:
        raise RunError(
            f"the engine reports version {facts['version']}, not {cell.version}",
            where=f"{cell.engine} {cell.version}",
            hint=f"is {cell.library_name} itself among the `dependencies`?",
        )
    return reported


def _rule_out_the_machine(cell: Cell, prepared: Prepared, health: Health) -> None:
    where = f"{cell.engine} {cell.version}"
    for said in [*health.landmarks.values(), health.ended or ""]:
        if MACHINE.search(said):
            raise UnavailableError(
                f"the engine could not be examined: {said}",
                where=where,
                hint="this is the machine's fault: make room and build again",
            )
    lost = set_aside(prepared.folder)
    if lost:
        raise BuildError(
            f"the environment had lost {lost} of its files",
            where=where,
            hint="build again: it will be made anew",
        )


def reasons(cell: Cell, health: Health) -> list[dict[str, str]]:
    """Limitations that name what is missing, and what to do about it."""
    misses = health.misses or {cell.engine: health.ended or ""}
    return [
        {"code": UNHEALTHY, "subject": name, "reason": f"{said}; {remedy(cell, said)}"}
        for name, said in misses.items()
    ]


def remedy(cell: Cell, said: str) -> str:
    """What to do about a landmark of which this was said."""
    assert cell.venv is not None
    file, lock = f"engine_versions/{cell.engine}.yaml", Path(cell.venv.requirements).stem
    absent = ABSENT.match(said)
    if absent and absent[1].split(".")[0] not in cell.packages:
        return f"add the package that has it to `dependencies` in {file}, and run `atlas lock {lock}`"
    if absent or said.startswith("AttributeError"):
        return f"if this version has it elsewhere, give the landmark a `versions` range in {file}"
    return f"see `dependencies`, `stubs` and `env` in {file}"


def explain(health: Health) -> str:
    """The misses in words, one a line."""
    listed = "".join(f"\n  {name}: {said}" for name, said in health.misses.items())
    if not listed:
        return str(health.ended)
    return f"{len(health.misses)} of {len(health.landmarks)} landmarks cannot be imported{listed}"
