"""What a check of the nodes has found, and which of them later jobs are not to get."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FORMAT_VERSION = 1
PLACE = "measured/cluster/nodes.json"
VALID = timedelta(days=1)


@dataclass(frozen=True)
class Looked:
    """`verdict` is good, bad, busy (not looked at, taken for good) or away (SLURM starts nothing there)."""

    node: str
    verdict: str
    why: str
    checks: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)


def document(looked: Iterable[Looked], now: datetime | None = None) -> dict[str, Any]:
    when = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    return {"format_version": FORMAT_VERSION, "at": when, "nodes": [asdict(one) for one in looked]}


def excluded(path: Path, now: datetime | None = None) -> tuple[str, ...]:
    """The bad nodes of a check, as long as it is not older than a day; none where there was no check."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        when = datetime.fromisoformat(found["at"])
        if (now or datetime.now(UTC)) - when > VALID:
            return ()
        return tuple(one["node"] for one in found["nodes"] if one["verdict"] == "bad")
    except (OSError, ValueError, KeyError, TypeError):
        return ()
