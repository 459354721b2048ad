"""Models in an engine's own format, made of the ones that cards name by the engine's own converter.

What was made once is kept, by the model, the command and what that ran in. How long it took is told, and is
no part of the time that the engine takes to load it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from atlas.canonical import digest, dump_json, write_atomic
from atlas.perf.commands import filled
from atlas.perf.failure import NotReady, Seen, classify
from atlas.perf.patterns import rules
from atlas.perf.scan import scan_log
from atlas.perf.supervise import Cancelled, supervise

DONE = "converted.json"
"""Written last: without it, a folder holds a part of a model."""


@dataclass(frozen=True)
class Converter:
    """A command and what it runs in; `made_of` is the digest of that."""

    command: tuple[Any, ...]
    python: Path
    env: Mapping[str, str]
    made_of: str
    timeout_s: float | None = None
    where: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """What else the command has places for: the revision of a hub's model."""


@dataclass(frozen=True)
class Converted:
    """A model's folder, how long its conversion took, and whether that was now."""

    folder: Path
    seconds: float
    now: bool

    @property
    def note(self) -> str:
        """What a record says of it."""
        return f"the model was converted {'for this run' if self.now else 'before'}, in {self.seconds:.1f} s"


def converted(model: str, weights: str | None, by: Converter, cache: Path, scratch: Path) -> Converted:
    """A model in the engine's format. NotReady says why there is none.

    `weights` tells what the model is; one of which that is not known is converted for this run alone.
    """
    if weights is None:
        folder = scratch / "converted"
        return Converted(folder, _convert(model, folder, by, scratch), now=True)
    key = digest({"model": weights, "command": by.command, "made_of": by.made_of})[7:23]
    folder = cache / "models" / f"converted-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        done = folder / DONE
        if done.is_file():
            return Converted(folder, json.loads(done.read_text(encoding="utf-8"))["seconds"], now=False)
        shutil.rmtree(folder, ignore_errors=True)  # a part, left by a run that was killed
        seconds = _convert(model, folder, by, scratch)
        write_atomic(done, dump_json({"model": weights, "command": list(by.command), "seconds": seconds}))
    return Converted(folder, seconds, now=True)


def _convert(model: str, folder: Path, by: Converter, scratch: Path) -> float:
    places = {"python": by.python, "model": model, "output": folder, **by.values}
    command = filled(by.command, places, by.where)
    start = time.monotonic()
    with Cancelled() as cancelled, tempfile.TemporaryDirectory(dir=scratch) as name:
        log = Path(name) / "log"
        try:
            ended = supervise(
                command,
                env=by.env,
                cwd=Path(name),
                log=log,
                timeout_s=by.timeout_s,
                cancelled=cancelled,
            )
        except OSError as error:
            raise NotReady("environment", f"conversion: cannot be started: {command[0]}") from error
        seen = Seen(
            exit_code=ended.exit_code,
            timed_out=by.timeout_s if ended.timed_out else None,
            cancelled=ended.cancelled,
            oom_kills=ended.oom_kills,
            findings=scan_log(log, rules()) if ended.exit_code else (),
            results=sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0,
        )
    failure = classify(seen)
    if failure:
        kind, reason = failure
        if kind == "metric_missing":
            kind, reason = "engine_error", "nothing was made"
        raise NotReady(kind, f"conversion: {reason}")
    return round(time.monotonic() - start, 3)
