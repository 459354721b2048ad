"""Two versions in a form in which they can be compared."""

from __future__ import annotations

from importlib import import_module

from atlas.knowledge import Knowledge

RECORDED = "atlas.history.recorded"
"""Named, not imported: the history is joined with what versions are compared with."""


def comparable(old: Knowledge, new: Knowledge) -> tuple[tuple[Knowledge, Knowledge], str]:
    """Both versions, and what is to be said of how they are compared.

    Where one of them is not kept in full, both are taken as their sources alone have them: otherwise, what
    only a running class shows would look as if it had changed.
    """
    if old.in_full and new.in_full:
        return (old, new), ""
    recorded = import_module(RECORDED)
    note = f"{recorded.told(old, new)}: both are compared by their sources alone"
    return (recorded.sources_only(old), recorded.sources_only(new)), note
