"""Engine Atlas: what each pinned inference engine accepts, derived from the engine and proven.

atlas.load(engine, version).check({"max_num_seqs": 0}).findings
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atlas.knowledge import Knowledge as Knowledge
    from atlas.knowledge import load as load
    from atlas.knowledge import versions as versions

__all__ = ["Knowledge", "load", "versions"]
KNOWLEDGE = "atlas.knowledge"


def __getattr__(name: str) -> Any:
    """The library, imported when it is first used: no stage that builds artefacts depends on it."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(KNOWLEDGE), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
