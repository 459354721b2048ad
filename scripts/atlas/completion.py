"""What a shell offers for words of a command: engines, their versions, parameters, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_pin(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Engines, and after `==` their versions."""
    del param
    engine, pinned, _ = incomplete.partition("==")
    if not pinned:
        return _known(ctx, None, incomplete)
    return [f"{engine}=={one}" for one in _known(ctx, engine, incomplete.partition("==")[2])]


def complete_version(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Versions of the engine that was named before, those that only the history keeps too."""
    del param
    return _known(ctx, str(ctx.params.get("engine") or ctx.params.get("pin") or ""), incomplete)


def complete_parameter(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    del param
    from atlas.errors import AtlasError
    from atlas.history.history import load_history

    try:
        engine = str(ctx.params.get("engine") or "").partition("==")[0]
        history = load_history(engine, ctx.params.get("results"))
    except AtlasError:
        return []
    return sorted({path for _, path in history.keys if path.startswith(incomplete)}) if history else []


def complete_source(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files."""
    from click.shell_completion import CompletionItem

    del ctx, param
    return [CompletionItem(incomplete, type="file")]


def _known(ctx: click.Context, engine: str | None, incomplete: str) -> list[str]:
    """Names of engines, or versions of one; nothing where that cannot be read."""
    from atlas.errors import AtlasError
    from atlas.history.recorded import recorded_versions
    from atlas.knowledge import engines

    results = ctx.params.get("results")
    try:
        names = engines(results) if engine is None else recorded_versions(engine, results)
    except AtlasError:
        return []
    return [name for name in names if name.startswith(incomplete)]
