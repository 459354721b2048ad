"""Fetching the archive that a source.json names once more, for a cache that lacks its files."""

from __future__ import annotations

from typing import Any

from atlas.cost import Cost
from atlas.engines.model import Cell
from atlas.index.releases import Releases
from atlas.index.settings import load_settings
from atlas.index.web import Web
from atlas.progress import say
from atlas.source.fetch import acquire_wheel
from atlas.source.localtree import acquire_tree
from atlas.source.sdist import acquire_sdist
from atlas.source.store import Store


def fetch_again(cell: Cell, origin: dict[str, Any], store: Store) -> bool:
    """Put the files of an origin into the store; False where no index has that very archive."""
    if origin["kind"] == "path":
        for source in cell.sources:
            if source.kind == "path":
                acquire_tree(source.path or "", cell.root, cell.packages, store)
        return True
    sha256 = origin["digest"].removeprefix("sha256:")
    names = {source.name or cell.library_name for source in cell.sources if source.kind == origin["kind"]}
    cost = Cost()
    with Web(load_settings(), cost) as web:
        releases = Releases(web)
        for name in sorted(names):
            file = releases.named(name, origin["name"], sha256)
            if file is None:
                continue
            acquire = {"wheel": acquire_wheel, "sdist": acquire_sdist}[origin["kind"]]
            acquire(file, cell.packages, store, web)
            say(f"fetched {origin['name']} again: {cost.bytes / 1e6:.1f} MB, {cost.requests} requests")
            return True
    return False
