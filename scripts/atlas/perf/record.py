"""One record of each run, success or failure: complete on disk or not there, and never a half of it."""

from __future__ import annotations

import contextlib
import errno
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atlas.canonical import dump_json, write_atomic
from atlas.errors import InputError
from atlas.perf.cards import Card
from atlas.validation import problems
from atlas.yamlfile import Document

FORMAT_VERSION = 1
RESERVE_BYTES = 256 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT)
UNFINISHED = "no end was recorded: the recorder itself was killed"


MEASURED = "measured"
"""Where records of this machine are; those of hardware that the project keeps are copied to RESULTS."""
RESULTS = "results"
FAILED = ".failed.json"
"""How the names of records end that count until the run has one of its own."""


BESIDE = "venv"
"""The runtime of what is run in no container; the others are in the names of places."""
AT = "@"


def place_of_runs(hardware: str, runtime: str | None) -> str:
    """The folder's name of runs on a hardware, in a runtime: `cpu-x`, or `cpu-x@docker`."""
    return hardware if runtime in (None, BESIDE) else f"{hardware}{AT}{runtime}"


def hardware_in(place: str) -> str:
    """The hardware key in the name of such a folder."""
    return place.partition(AT)[0]


def runtime_in(record: Mapping[str, Any]) -> str | None:
    """What started a run; None where that is not known. Records had no word for it once."""
    environment = record.get("environment") or {}
    usual = BESIDE if environment else None
    found: str | None = record.get("runtime") or (environment.get("image") or {}).get("runtime") or usual
    return found


def place_of_record(record: Mapping[str, Any]) -> str:
    """Where it belongs, whatever folder it is in."""
    return place_of_runs(record["hardware_key"], runtime_in(record))


def path_of(root: Path, engine: str, version: str, place: str, card: str, repeat: int) -> Path:
    return root / MEASURED / engine / version / "perf" / place / card / f"{repeat}.json"


def failed_path(measured: Path, cell: Mapping[str, str]) -> Path:
    """Where the failure of a run is kept that came to no record of its own: something ended its recorder."""
    place = measured / cell["engine"] / cell["version"] / "perf" / cell["hardware"] / cell["card"]
    return place / f"{cell['repeat']}{FAILED}"


def opened(engine: str, version: str, card: Card, repeat: int, place: str) -> dict[str, Any]:
    """A record as it is before anything has run: a failure, until it says otherwise."""
    hardware, _, runtime = place.partition(AT)
    return {
        "format_version": FORMAT_VERSION,
        "run_id": uuid.uuid4().hex,
        "engine": engine,
        "engine_version": version,
        "card": card.name,
        "scope": card.scope,
        "tags": list(card.tags),
        "workload": card.workload(),
        "workload_digest": card.digest(),
        "hardware_key": hardware,
        "runtime": runtime or BESIDE,
        "repeat": repeat,
        "stage": "screen" if repeat <= card.repeats else "confirm",
        "started_at": now(),
        "finished_at": None,
        "status": "FAILURE",
        "failure_kind": "cancelled",
        "failure_reason": UNFINISHED,
        "exit_code": None,
        "test_duration": None,
        "log_path": None,
        "findings": [],
        "machine_name": None,
        "model_digest": None,
        "runtime_digest": None,
        "environment": None,
        "environment_digest": None,
        "environment_family": None,
        "results": [],
        "requests": [],
        "phases": {},
        "telemetry": None,
        "validity": None,
        "validity_reasons": [],
        "profiled": [],
        "notes": [],
        "nodes_expected": card.nnodes if card.launched else None,
        "nodes_reported": None,
        "parallel": None,
        "source": None,
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Writer:
    """Writes a record over and over at the same place; a reserve of disk is kept for its last word.

    Until then its first word is also beside it: Snakemake removes what a rule makes whose command was killed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reserve = path.with_name(f".{path.name}.reserve.tmp")
        self.beside = path.with_name(f"{path.stem}{FAILED}") if path.stem.isdigit() else None

    def begin(self, record: Mapping[str, Any]) -> None:
        """OSError where there is no room even for this."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for path in filter(None, (self.path, self.beside)):
            write_atomic(path, text(record))
        self.reserve.write_bytes(b"\0" * RESERVE_BYTES)

    def finish(self, record: dict[str, Any]) -> None:
        """The last word; if the disk is full, a short one that says so."""
        try:
            write_atomic(self.path, text(record))
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._free()
            reason = f"the record could not be written: {error.strerror}"
            kind = {"status": "FAILURE", "failure_kind": "disk_full", "failure_reason": reason}
            write_atomic(self.path, text({**record, **kind, "requests": [], "results": []}))
        finally:
            self._free()
        if self.beside:
            self.beside.unlink(missing_ok=True)

    def _free(self) -> None:
        with contextlib.suppress(OSError):
            self.reserve.unlink()


def text(record: Mapping[str, Any]) -> str:
    """The record's bytes; AssertionError if it is not in its own format."""
    wrong = problems(Document("record", dict(record), {}), "perf.record")
    if wrong:
        raise AssertionError(f"the record is not in its own format: {wrong[0]}")
    return dump_json(dict(record))


def read(path: Path) -> dict[str, Any]:
    """A record; InputError where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"no record: {error}", where=str(path)) from error
    wrong = problems(Document(str(path), found, {}), "perf.record")
    if wrong:
        raise InputError("not in the format of records: " + wrong[0].partition(": ")[2], where=str(path))
    return dict(found)
