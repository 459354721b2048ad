"""history.facts.tar.xz: the facts of all versions of an engine, as an installed package brings them along.

One version differs little from the next, so that all of them together take a tenth of what they take one by
one. Only the standard library is imported, as the package is built with this.
"""

from __future__ import annotations

import io
import lzma
import re
import tarfile
from pathlib import Path

FACTS = "history.facts.json"
ARCHIVE = "history.facts.tar.xz"
PRESET = 2
"""Of xz: more takes much longer, and saves little."""


def pack(engine: Path, archive: Path) -> int:
    """Write the facts of every version in the engine's folder, always the same bytes; how many there are."""
    paths = sorted(engine.glob(f"*/{FACTS}"), key=lambda path: _order(path.parent.name))
    with (
        lzma.open(archive, "wb", preset=PRESET) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in paths:
            content = path.read_bytes()
            member = tarfile.TarInfo(path.parent.name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return len(paths)


def unpack(archive: Path, version: str) -> bytes:
    """The facts of one version. KeyError without them, ValueError for what is no archive."""
    try:
        with tarfile.open(archive, "r|xz") as tar:
            for member in tar:
                if member.name == version and (file := tar.extractfile(member)) is not None:
                    return file.read()
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise ValueError(f"is no archive: {error}") from error
    raise KeyError(version)


def _order(version: str) -> tuple[int, ...]:
    """Neighbours are alike: it matters for the size alone."""
    return tuple(map(int, re.findall(r"\d+", version)))
