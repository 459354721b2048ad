"""`atlas coverage --json`: the lanes of each version, and the floors under them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atlas.outcome import answer
from atlas.paths import project_root
from atlas.schema.coverage import load_schemas
from atlas.schema.floors import Finding, hold, load_floors


def answer_coverage(paths: Sequence[Path]) -> int:
    """As `run_coverage` prints it; 1 where a floor is missed."""
    root = project_root()
    schemas = load_schemas(paths or sorted((root / "results").glob("*/*/schema.discovered.json")))
    floors = load_floors(root)
    findings = [finding for schema in schemas for finding in hold(schema, floors)]
    cells = [{key: schema[key] for key in ("engine", "version", "lanes")} for schema in schemas]
    answer({"cells": cells, "floors": [_floor(one) for one in findings]})
    return 0 if all(finding.reached for finding in findings) else 1


def _floor(finding: Finding) -> dict[str, Any]:
    return {
        "engine": finding.engine,
        "version": finding.version,
        "measure": finding.floor.measure,
        "class": finding.floor.class_,
        "part": finding.share.part,
        "whole": finding.share.whole,
        "floor": finding.floor.floor,
        "reached": finding.reached,
    }
