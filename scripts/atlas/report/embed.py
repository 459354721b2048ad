"""The page's data, small: every distinct fact once, and a parameter as indexes of facts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any, TypeAlias

from atlas.canonical import compact
from atlas.report.history import EFFECTIVE, KINDS
from atlas.report.model import FACTS, LANES, EnginePage, Evidence, Parameter, Proof, Rule

Json: TypeAlias = Any


def embedded(pages: Sequence[EnginePage]) -> str:
    """JSON that may stand in a <script> element: no `<`, so neither `</script>` nor `<!--` can occur."""
    pool = _Pool(_values(pages))
    data = {
        "facts": FACTS,
        "lanes": LANES,
        "kinds": KINDS,
        "rule": [one.name for one in fields(Rule)],
        "effectiveKind": EFFECTIVE,
        "engines": [_engine(page, pool) for page in pages],
        "pool": pool.values,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


class _Pool:
    """Distinct JSON values, the most frequent first so that their indexes are short; 0 is null."""

    def __init__(self, values: Iterable[Json]) -> None:
        counts = Counter(compact(value) for value in values)
        del counts[b"null"]
        ordered = [b"null", *sorted(counts, key=lambda value: (-counts[value], value))]
        self._index = {value: index for index, value in enumerate(ordered)}
        self.values = [json.loads(value) for value in ordered]

    def __call__(self, value: Json) -> int:
        return self._index[compact(value)]


def _values(pages: Sequence[EnginePage]) -> Iterable[Json]:
    for page in pages:
        for cell in page.cells:
            for parameter in cell.parameters:
                yield from (parameter.id, parameter.path, *parameter.facts.values())
                yield from (evidence.file for evidence in parameter.evidence)
            for rule in cell.rules:
                yield from astuple(rule)


def _engine(page: EnginePage, pool: _Pool) -> dict[str, Json]:
    groups = list(dict.fromkeys(parameter.group for cell in page.cells for parameter in cell.parameters))
    history = _by_id(page)
    variants: dict[tuple[int, ...], int] = {}
    rows = []
    for name in sorted(history, key=lambda name: _order(history[name], groups)):
        row = history[name]
        first = next(parameter for parameter in row if parameter)
        facts = [0 if p is None else variants.setdefault(_variant(p, pool), len(variants) + 1) for p in row]
        evidence = [[] if p is None else _evidence(p.evidence, pool) for p in row]
        rows.append([pool(name), groups.index(first.group), pool(first.path), facts, evidence])
    return {
        "name": page.pin.engine,
        "library": page.pin.library,
        "current": page.pin.current_version,
        "sourceUrl": page.pin.source_url,
        "groups": groups,
        "versions": [
            {
                "version": cell.version,
                "status": cell.status,
                "reason": cell.reason,
                "lanes": cell.lanes,
                "onlyStatic": cell.only_static,
                "environment": cell.environment,
                "sources": cell.sources,
                "limitations": len(cell.limitations),
                "files": cell.files,
                "proof": _proof(cell.proof),
                "rules": [[pool(fact) for fact in astuple(rule)] for rule in cell.rules],
            }
            for cell in page.cells
        ],
        "variants": list(variants),
        "parameters": rows,
    }


def _proof(proof: Proof | None) -> dict[str, Json] | None:
    return None if proof is None else {**vars(proof), "told": proof.told}


def _by_id(page: EnginePage) -> dict[str, list[Parameter | None]]:
    """Each parameter of an engine in every version, None where it is absent."""
    found: dict[str, list[Parameter | None]] = {}
    for index, cell in enumerate(page.cells):
        for parameter in cell.parameters:
            found.setdefault(parameter.id, [None] * len(page.cells))[index] = parameter
    return found


def _order(row: Sequence[Parameter | None], groups: Sequence[str]) -> tuple[int, str, str]:
    first = next(parameter for parameter in row if parameter)
    return groups.index(first.group), first.path.lstrip("_"), first.id


def _variant(parameter: Parameter, pool: _Pool) -> tuple[int, ...]:
    """The facts of a parameter as indexes of the pool, in the order of FACTS, without trailing nulls."""
    indexes = [pool(parameter.facts.get(name)) for name in FACTS]
    while indexes and not indexes[-1]:
        indexes.pop()
    return tuple(indexes)


def _evidence(evidence: Sequence[Evidence], pool: _Pool) -> list[int]:
    """Lane, file and line of each sighting in one flat list; line 0 is none."""
    return [
        number for seen in evidence for number in (LANES.index(seen.lane), pool(seen.file), seen.line or 0)
    ]
