"""What is known of an engine version, read from the committed artefacts: no engine, no workflow.

engines(results) → names            versions(engine, results) → oldest first
load(engine, version) → Knowledge   parameters, targets, rules; read when first asked for
"""

from __future__ import annotations

from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.library import engines, load, results_folder, versions
from atlas.knowledge.model import Parameter, Rule, Target

__all__ = ["Knowledge", "Parameter", "Rule", "Target", "engines", "load", "results_folder", "versions"]
