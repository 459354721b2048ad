"""The page itself: one file, its styles, script and data inside, allowed to load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from atlas.report.embed import embedded
from atlas.report.history import counts, differences
from atlas.report.measured import Table
from atlas.report.model import Cell, EnginePage, Stale

STYLES = ("base.css", "overview.css", "list.css", "measured.css", "detail.css", "media.css")
SCRIPTS = (
    "dom.js",
    "data.js",
    "search.js",
    "route.js",
    "table.js",
    "detail.js",
    "compare.js",
    "rules.js",
    "views.js",
    "keys.js",
    "main.js",
)
"""Concatenated in this order into one stylesheet and one module."""


def render(pages: Sequence[EnginePage], stale: Sequence[Stale], measured: Sequence[Table] = ()) -> str:
    """The whole page as HTML."""
    script = _together(SCRIPTS)
    return _rendered(
        "page.html",
        pages=pages,
        stale=sorted(stale, key=lambda row: (row.artefact, row.reason)),
        changes={page.pin.engine: _changes(page) for page in pages},
        totals=_totals(pages),
        measured_tables=measured,
        script=script,
        script_hash=_csp_hash(script),
        data=embedded(pages),
    )


def render_measured(tables: Sequence[Table]) -> str:
    """A page of what was measured, and of nothing else."""
    return _rendered("alone.html", measured_tables=tables)


def _rendered(template: str, **values: object) -> str:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_asset),
    )
    style = _together(STYLES)
    return environment.get_template(template).render(style=style, style_hash=_csp_hash(style), **values)


def _together(names: Sequence[str]) -> str:
    return "\n".join(map(_asset, names))


def _asset(name: str) -> str:
    return (files("atlas.report") / "page" / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _changes(page: EnginePage) -> dict[str, dict[str, object]]:
    """By version: the nearest older version with parameters, and how many changed since."""
    found: dict[str, dict[str, object]] = {}
    older: Cell | None = None
    for cell in page.cells:
        if cell.status != "available":
            continue
        if older is not None:
            found[cell.version] = {"since": older.version, **counts(differences(older, cell))}
        older = cell
    return found


def _totals(pages: Sequence[EnginePage]) -> dict[str, int]:
    available = [cell for page in pages for cell in page.cells if cell.status == "available"]
    return {
        "engines": len(pages),
        "versions": sum(len(page.cells) for page in pages),
        "parameters": sum(len(cell.parameters) for cell in available),
        "rules": sum(len(cell.rules) for cell in available),
    }
