"""From the artefacts of the invariants stage to what the report shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from atlas.errors import InputError
from atlas.report.artefact import read_artefact
from atlas.report.model import Proof, Rule

NAMES = ("invariants.yaml", "invariants.coverage.json")
SEVERITIES = ("error", "warn", "dormant")
LONGEST = 700
"""Of a condition, in characters: the page shows its beginning, the artefact has all of it."""

Key = tuple[str, str]
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_rules(folders: Iterable[Path]) -> dict[Key, tuple[tuple[Rule, ...], Proof | None]]:
    """What was proven of each version (results/<engine>/<version>) that has both artefacts."""
    found = {}
    for folder in folders:
        corpus, coverage = (folder / name for name in NAMES)
        if corpus.exists() and coverage.exists():
            document = _read(corpus)
            found[document["engine"], document["version"]] = (
                tuple(map(_rule, document["rules"])),
                _proof(read_artefact(coverage)),
            )
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506 (a safe loader)
        return {key: document[key] for key in ("engine", "version", "rules")}
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise InputError(
            f"cannot be read: {error}", where=str(path), hint="build it again, or restore it from git"
        ) from error


def _rule(entry: Mapping[str, Any]) -> Rule:
    evidence = entry["evidence"]
    return Rule(
        id=entry["id"],
        target=entry["target"],
        severity=entry["severity"],
        depth=entry["depth"],
        when=_shortened(entry["when"]),
        effect=effect(entry["effect"]),
        message=entry.get("message"),
        requires="; ".join(entry.get("requires", ())) or None,
        file=evidence.get("file"),
        line=evidence.get("line"),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def effect(entry: Mapping[str, Any]) -> str:
    """What the engine does, in words."""
    changes = ", ".join(
        f"{name} becomes {_shortened(value)}" for name, value in entry.get("sets", {}).items()
    )
    parts: Sequence[str] = (
        f"raises {entry['raises']}" if "raises" in entry else "",
        f"warns ({entry['warns']})" if "warns" in entry else "",
        changes,
    )
    return "; ".join(filter(None, parts))


def _proof(coverage: Mapping[str, Any]) -> Proof | None:
    if coverage["status"] != "gated":
        return None
    totals, sample = coverage["totals"], coverage["totals"]["sample"]
    counts = {
        kind: sum(one["rules"].get(kind, 0) for one in coverage["targets"])
        for kind in (*SEVERITIES, "conditional")
    }
    return Proof(
        **counts,
        quarantined=totals["quarantined"],
        asked=totals["configurations"],
        sampled=sample.get("n", 0),
        false_rejections=sample.get("false_rejections", 0),
        recall=sample.get("error_recall"),
    )
