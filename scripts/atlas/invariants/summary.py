"""`atlas invariants summary`: what was proven of every version, from the committed artefacts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.version import Version

from atlas.errors import InputError

COLUMNS = (
    "engine", "version", "rules", "error", "warn", "dormant", "conditional", "quarantined", "configs",
    "false rejections", "error recall", "warn recall", "dormant recall", "crashes", "sites covered",
)  # fmt: skip


def summary(root: Path) -> list[list[str]]:
    """Cells of the table, the header first, one row for each version."""
    found = [_row(one) for one in _documents(root)]
    if not found:
        raise InputError("no invariants are built", where="results/", hint="run `atlas build`")
    return [list(COLUMNS), *found]


def _documents(root: Path) -> Iterator[Mapping[str, Any]]:
    files = (root / "results").glob("*/*/invariants.coverage.json")
    for file in sorted(files, key=lambda one: (one.parent.parent.name, Version(one.parent.name))):
        try:
            yield json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot be read: {error}", where=str(file), hint="build it again") from error


def _row(document: Mapping[str, Any]) -> list[str]:
    totals, targets = document["totals"], document["targets"]
    counts = {
        kind: sum(one["rules"][kind] for one in targets)
        for kind in ("error", "warn", "dormant", "conditional")
    }
    sample, deep = totals["sample"], totals.get("deep", {})
    sites = [site for one in targets for site in one["sites"] if site["status"] != "unreachable"]
    covered = sum(site["status"] == "covered" for site in sites)
    return [
        document["engine"],
        document["version"],
        str(totals["rules"]),
        *map(str, counts.values()),
        str(totals["quarantined"]),
        str(sample.get("n", 0)),
        str(sample.get("false_rejections", 0) + deep.get("false_rejections", 0)),
        _percent(sample.get("error_recall")),
        _percent(sample.get("warn_recall")),
        _percent(sample.get("dormant_recall")),
        str(sample.get("crashes", 0) + deep.get("crashes", 0)),
        f"{covered} of {len(sites)}",
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
