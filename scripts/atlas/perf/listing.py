"""What can be measured and what cannot, and why, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atlas.errors import AtlasError
from atlas.perf.cards import load_cards
from atlas.perf.plan import PerfPlan
from atlas.perf.select import select


def not_here(plan: PerfPlan) -> list[str]:
    """The chosen cells that cannot be measured here, one line a reason; none where cards cannot be read."""
    try:
        cells = [one for one in plan.cells if one.skipped]
    except AtlasError:
        return []
    found: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for one in cells:
        versions, cards = found.setdefault((one.engine, str(one.skipped)), ({}, {}))
        versions[one.version], cards[one.card.name] = None, None
    return [
        f"{engine} {', '.join(versions)}: {', '.join(cards)}: {reason}"
        for (engine, reason), (versions, cards) in found.items()
    ]


def listing(root: Path, words: Sequence[str]) -> list[dict[str, Any]]:
    """All cards, chosen or not and why; with the cells of the chosen ones that cannot be measured here."""
    plan = PerfPlan(root, tuple(words) or ("all",))
    found = []
    for choice in select(load_cards(root), plan.words):
        cells = [one for one in plan.cells if one.card.name == choice.card.name] if choice.chosen else []
        found.append(
            {
                "card": choice.card.name,
                "scope": choice.card.scope,
                "tags": list(choice.card.tags),
                "chosen": choice.chosen,
                "reason": choice.reason,
                "where": choice.card.where,
                "cells": [
                    {
                        "engine": one.engine,
                        "version": one.version,
                        "hardware": one.hardware,
                        "skipped": one.skipped,
                    }
                    for one in cells
                ],
            }
        )
    return found
