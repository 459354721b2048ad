"""Bytes, requests and seconds of the source stage for each engine's current version.

    python benchmarks/source_fetch.py [ENGINE ...]

Cold: an empty cache. Warm: the same cache again. Both include the index page (the stage always asks
the index what the release is), which `cold_fetch` in source.json does not count. Seconds vary with
the network and the machine; bytes and requests vary only with the index page.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from atlas.cost import Cost
from atlas.engines.load import load_all
from atlas.errors import AtlasError
from atlas.paths import project_root
from atlas.source.command import acquire
from atlas.source.store import Store

ROW = "{:<14}{:<10}{:<8}{:>10}{:>7}{:>6}{:>9}{:>8}{:>10}{:>7}"


def main(names: list[str]) -> None:
    print(ROW.format("engine", "version", "source", "whole MB", "files", "run", "MB", "%", "requests", "s"))
    for engine in load_all(project_root())[0]:
        if names and engine.name not in names:
            continue
        cell = engine.cell(engine.current_version)
        with tempfile.TemporaryDirectory() as folder:
            for run in ("cold", "warm"):
                cost, start = Cost(), time.perf_counter()
                try:
                    found, _ = acquire(cell, Store(Path(folder)), cost)
                except AtlasError as error:
                    print(f"{engine.name:<14}{cell.version:<10}{error.what}")
                    break
                seconds = time.perf_counter() - start
                size = found.origin.size if found else 0
                cells = (
                    found.origin.kind if found else "none",
                    f"{size / 1e6:.1f}",
                    len(found.files) if found else 0,
                    run,
                    f"{cost.bytes / 1e6:.2f}",
                    f"{cost.bytes / size:.2%}" if size else "-",
                    cost.requests,
                    f"{seconds:.2f}",
                )
                print(ROW.format(engine.name, cell.version, *cells))


if __name__ == "__main__":
    main(sys.argv[1:])
