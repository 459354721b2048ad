"""Results of other tools as records: files in a format that is described, and madengine's perf.csv.

What a tool writes where it measured nothing (a 0) becomes null; what it does not say is null too, so that
such records are never compared with ours as if their machines were known to be the same.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from atlas.canonical import digest, sha256_bytes, write_atomic
from atlas.errors import InputError
from atlas.perf.cards import Card
from atlas.perf.columns import MADENGINE
from atlas.perf.formats import Run, fits, load_formats, runs_of
from atlas.perf.record import opened, path_of, text
from atlas.perf.results import number

MOST = 64 << 20
MADENGINE_CSV = "madengine-perf-csv"


def format_names(root: Path) -> list[str]:
    """All formats that can be read."""
    return [*load_formats(root), MADENGINE_CSV]


def read_foreign(root: Path, content: bytes, name: str, form: str | None = None) -> tuple[str, list[Run]]:
    """The format of a file and the runs in it. InputError where it is in no format that is known."""
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", where=name) from error
    if form == MADENGINE_CSV or (form is None and words.startswith("model,n_gpus,")):
        return MADENGINE_CSV, list(_madengine(words, name))
    try:
        loaded = json.loads(words)
    except (ValueError, RecursionError) as error:
        raise InputError(f"neither JSON nor madengine's perf.csv: {error}", where=name) from error
    items = loaded if isinstance(loaded, list) else [loaded]
    if not items or not all(isinstance(one, dict) for one in items):
        raise InputError("not a JSON object, nor a list of them", where=name)
    formats = load_formats(root)
    for kind, described in formats.items():
        if form == kind or (form is None and fits(described, loaded)):
            try:
                return kind, runs_of(described, loaded)
            except ValueError as error:
                raise InputError(f"not as {kind} writes it: {error}", where=name) from error
    raise InputError(
        "in no format that is known", where=name, hint=f"known: {', '.join([*formats, MADENGINE_CSV])}"
    )


def import_file(
    root: Path, file: Path, form: str | None, engine: str, version: str, hardware: str
) -> list[Path]:
    """Write a record of each run of a file of another tool; the same file gives the same records again."""
    try:
        if file.stat().st_size > MOST:
            raise InputError(f"larger than {MOST >> 20} MiB", where=str(file))
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(file)) from error
    kind, runs = read_foreign(root, content, str(file), form)
    source = {"format": kind, "digest": sha256_bytes(content)}
    counts: dict[str, int] = {}
    written = []
    for index, run in enumerate(runs):
        settings = digest({"format": kind, "settings": run.settings})
        name = _slug(run.name) or f"{kind}-{settings[7:15]}"
        folder = path_of(root, engine, version, hardware, name, 1).parent
        run_id = digest([source, index])[7:39]
        repeat = _place(folder, run_id, counts.get(name, 0))
        counts[name] = repeat
        record = _record(run, name, engine, version, hardware, repeat)
        record |= {"run_id": run_id, "workload_digest": settings, "source": {**source, "index": index}}
        path = path_of(root, engine, version, hardware, name, repeat)
        write_atomic(path, text(record))
        written.append(path)
    return written


def _place(folder: Path, run_id: str, after: int) -> int:
    """Where this very run is already, or the next free number."""
    for path in folder.glob("*.json"):
        if f'"run_id": "{run_id}"' in path.read_text(encoding="utf-8", errors="replace"):
            return int(path.stem)
    taken = [int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()]
    return max([after, *taken], default=0) + 1


def _record(run: Run, name: str, engine: str, version: str, hardware: str, repeat: int) -> dict[str, Any]:
    card = replace(Card(name, "imported", ("imported",), ""), parameters=dict(run.settings))
    failed = run.failed or (None if any(r["value"] is not None for r in run.results) else _NOTHING)
    return {
        **opened(engine, version, card, repeat, hardware),
        "stage": "imported",
        "runtime": None,
        "started_at": None,
        "status": "FAILURE" if failed else "SUCCESS",
        "failure_kind": failed[0] if failed else None,
        "failure_reason": failed[1] if failed else None,
        "machine_name": run.machine,
        "test_duration": run.seconds,
        "results": list(run.results),
    }


_NOTHING = ("metric_missing", "the file holds no value")


def _madengine(words: str, name: str) -> Iterator[Run]:
    reader = csv.DictReader(io.StringIO(words))
    missing = [column for column in MADENGINE if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"lacks the column `{missing[0]}`", where=f"{name}:1")
    for row in reader:
        value, reason = number(row["performance"] or "")
        found = {
            "name": "", "metric": row["metric"] or "performance", "value": value, "unit": "",
            "statistic": "value", "n": None, "reason": reason,
        }  # fmt: skip
        settings = {
            key: row[key] or "" for key in ("args", "n_gpus", "nnodes", "launcher", "training_precision")
        }
        bad = row["status"] != "SUCCESS"
        why = ("crash", f"madengine says {row['status'] or 'nothing'}, and no reason") if bad else None
        yield Run((found,), settings, why, row["model"] or "", row["machine_name"] or None)


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", words.lower()).strip("-.")[:80]
