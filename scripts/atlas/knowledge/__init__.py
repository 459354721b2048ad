"""What is known of an engine version, read from the committed artefacts: no engine, no workflow.

engines(results) → names            versions(engine, results) → oldest first
load(engine, version) → Knowledge   parameters, targets, rules; read when first asked for
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.library import engines, load, results_folder, versions
from atlas.knowledge.model import Rule, Target

__all__ = ["Knowledge", "Parameter", "Rule", "Target", "engines", "load", "results_folder", "versions"]

if TYPE_CHECKING:
    from atlas.knowledge.parameter import Parameter


def __getattr__(name: str) -> Any:
    """`Parameter`, which checking does not need, is imported when it is first used."""
    if name == "Parameter":
        from atlas.knowledge.parameter import Parameter

        return Parameter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
