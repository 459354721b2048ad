"""`atlas invariants summary`: what was proven of every version, from the committed artefacts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from atlas.errors import InputError

COLUMNS = (
    "engine", "version", "rules", "error", "warn", "dormant", "conditional", "quarantined", "configs",
    "false rejections", "error recall", "warn recall", "dormant recall", "crashes", "sites covered",
)  # fmt: skip
KINDS = ("error", "warn", "dormant", "conditional")
SHARES = ("error_recall", "warn_recall", "dormant_recall")


def counts(root: Path) -> list[dict[str, Any]]:
    """What was proven, one entry for each version; shares are None where nothing could be compared."""
    found = [_counts(one) for one in _documents(root)]
    if not found:
        raise InputError("no invariants are built", where="results/", hint="run `atlas build`")
    return found


def table(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Cells of the table, the header first."""
    return [list(COLUMNS), *map(_cells, found)]


def _documents(root: Path) -> Iterator[Mapping[str, Any]]:
    files = (root / "results").glob("*/*/invariants.coverage.json")
    for file in sorted(files, key=lambda one: (one.parent.parent.name, Version(one.parent.name))):
        try:
            yield json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot be read: {error}", where=str(file), hint="build it again") from error


def _counts(document: Mapping[str, Any]) -> dict[str, Any]:
    totals, targets = document["totals"], document["targets"]
    sample, deep = totals["sample"], totals.get("deep", {})
    sites = [site for one in targets for site in one["sites"] if site["status"] != "unreachable"]
    return {
        "engine": document["engine"],
        "version": document["version"],
        "rules": totals["rules"],
        **{kind: sum(one["rules"][kind] for one in targets) for kind in KINDS},
        "quarantined": totals["quarantined"],
        "configs": sample.get("n", 0),
        "false_rejections": sample.get("false_rejections", 0) + deep.get("false_rejections", 0),
        **{share: sample.get(share) for share in SHARES},
        "crashes": sample.get("crashes", 0) + deep.get("crashes", 0),
        "sites_covered": sum(site["status"] == "covered" for site in sites),
        "sites": len(sites),
    }


def _cells(found: Mapping[str, Any]) -> list[str]:
    shown = {key: _percent(value) if key in SHARES else str(value) for key, value in found.items()}
    shown["sites covered"] = f"{shown.pop('sites_covered')} of {shown.pop('sites')}"
    return [shown[column if column in shown else column.replace(" ", "_")] for column in COLUMNS]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
