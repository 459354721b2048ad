"""`atlas invariants replay`: what the real engine does with configurations."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from atlas.engines.load import load_cell
from atlas.environment.prepare import prepare
from atlas.errors import InputError, UnavailableError
from atlas.invariants.artefact import load_published
from atlas.invariants.evaluate import read_configs, up_to
from atlas.invariants.live import CHUNK, Session
from atlas.invariants.model import Config, Json, Observation, Target
from atlas.invariants.outcomes import NOTHING
from atlas.invariants.targets import find_target, targets_of
from atlas.source.tree import SourceTree


def replay(
    root: Path, pin: str, name: str, *, depth: str, workers: int, lines: Iterable[str], out: TextIO
) -> int:
    """One JSON line for each configuration; the exit code is 4 if one of them could not be read."""
    engine, _, version = pin.partition("==")
    if not version:
        raise InputError(f"`{pin}` names no version", hint="write ENGINE==VERSION")
    cell = load_cell(root, engine, version)
    if cell.venv is None:
        raise UnavailableError(f"{pin} has no environment", hint="only its sources can be read")
    folder = root / "results" / engine / version
    target = up_to(find_target(targets_of(cell, _schema(folder / "schema.discovered.json")), name), depth)
    base = load_published(root, pin).base(target) if (folder / "invariants.yaml").exists() else {}
    prepared = prepare(cell, SourceTree.load(folder / "source.json", cell))
    with Session(prepared, [target], limit_s=cell.invariants.limit_s, workers=workers) as session:
        return answer_all(session, target, lines, out, workers * CHUNK, base)


def answer_all(
    session: Session, target: Target, lines: Iterable[str], out: TextIO, at_once: int, base: Config = NOTHING
) -> int:
    """Answers in the order of the lines, so many at once; `base` is what must be given."""
    failed = False
    configs = read_configs(lines)
    while batch := list(itertools.islice(configs, at_once)):
        failed |= any(isinstance(config, str) for _, config in batch)
        for answer in _answers(session, target, batch, base):
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        out.flush()
    return InputError.exit_code if failed else 0


def _answers(
    session: Session, target: Target, batch: Sequence[tuple[int, Config | str]], base: Config
) -> Iterable[Json]:
    asked = [config for _, config in batch if not isinstance(config, str)]
    observed = iter(session.observe(target.cls, asked, base=base or None))
    for number, config in batch:
        if isinstance(config, str):
            yield {"line": number, "error": config}
        else:
            yield shown(next(observed))


def shown(observation: Observation) -> dict[str, Json]:
    thrown = observation.thrown
    return {
        "outcome": observation.outcome,
        "depth": observation.depth,
        "exception": asdict(thrown) if thrown else None,
        "warnings": [asdict(warned) for warned in observation.warned],
        "changed": dict(observation.changed),
    }


def _schema(path: Path) -> Json:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(path), hint="build it: `atlas build`"
        ) from error
