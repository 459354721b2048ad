"""A record of each stage that failed, kept beside the logs until the stage succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas.canonical import dump_json, write_atomic
from atlas.errors import AtlasError

FAILURE_DIR = Path("logs/failures")


@contextmanager
def recorded(stage: str, engine: str, version: str) -> Iterator[None]:
    """Write `logs/failures/<stage>/<engine>/<version>.json` when the stage raises an AtlasError."""
    record = FAILURE_DIR / stage / engine / f"{version}.json"
    try:
        yield
    except AtlasError as error:
        facts = {
            "stage": stage,
            "engine": engine,
            "version": version,
            "kind": type(error).__name__,
            "exit_code": error.exit_code,
            "what": error.what,
            "where": error.where,
            "hint": error.hint,
        }
        write_atomic(record, dump_json(facts))
        raise
    record.unlink(missing_ok=True)
