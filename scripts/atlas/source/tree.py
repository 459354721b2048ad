"""The files that a source.json names, read from the store and fetched again where it lacks them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.engines.model import Cell
from atlas.errors import InputError, IntegrityError, UnavailableError
from atlas.source.archive import FORMAT_VERSION, check_name
from atlas.source.store import Store

SHA256 = re.compile("[0-9a-f]{64}")
REBUILD = "run `atlas source` for this version again"


@dataclass(frozen=True)
class SourceTree:
    """An engine version's sources. Paths are as installed: `package/module.py`."""

    cell: Cell
    origin: dict[str, Any] | None
    """None where no sources were found; there are no files then."""
    attempts: tuple[dict[str, str], ...]
    sha256: dict[str, str]
    store: Store
    where: str

    @classmethod
    def load(cls, source_json: Path, cell: Cell, store: Store | None = None) -> SourceTree:
        """Read a source.json; InputError where it is not one, or one of another cell."""
        where = str(source_json)
        try:
            value = json.loads(source_json.read_text(encoding="utf-8"))
            if value["format_version"] != FORMAT_VERSION:
                raise InputError(f"its format is {value['format_version']}", where=where, hint=REBUILD)
            if (value["engine"], value["version"]) != (cell.engine, cell.version):
                raise InputError(
                    f"it is about {value['engine']} {value['version']}, not {cell.engine} {cell.version}",
                    where=where,
                )
            files = {check_name(path, where): _hex(sha256) for path, sha256 in value["files"].items()}
            return cls(
                cell, value["origin"], tuple(value["attempts"]), files, store or Store.default(), where
            )
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=where, hint=REBUILD) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"not a source.json: {error}", where=where, hint=REBUILD) from error

    @property
    def available(self) -> bool:
        return self.origin is not None

    def files(self) -> list[str]:
        """All paths, sorted; a wheel's .dist-info files are among them."""
        return sorted(self.sha256)

    def modules(self) -> list[str]:
        """The paths of Python text, sorted."""
        return [path for path in self.files() if path.endswith(".py")]

    def digest(self, path: str) -> str:
        """The sha256 of a file, in hex, as source.json has it."""
        try:
            return self.sha256[path]
        except KeyError:
            raise InputError(f"the sources have no file {path}", where=self.where) from None

    def read(self, path: str) -> bytes:
        """A file's content, its digest verified."""
        content = self.store.get(self.digest(path))
        if content is None:
            self._refetch()
            content = self.store.get(self.digest(path))
        if content is None:
            raise IntegrityError(f"{path} is not in the release as it is now", where=self.where, hint=REBUILD)
        return content

    def materialise(self, folder: Path) -> None:
        """Write all files below `folder`; those that are there with the right content are kept."""
        for path in self.files():
            target = folder / path
            content = self.read(path)
            if not (target.is_file() and target.read_bytes() == content):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)

    def _refetch(self) -> None:
        """Bring back what the cache has lost, from the very archive that source.json names."""
        # Imported here because only a cold cache needs the index, and its client loads slowly.
        from atlas.source.again import fetch_again

        assert self.origin is not None
        if not fetch_again(self.cell, self.origin, self.store):
            raise UnavailableError(
                f"no index has {self.origin['name']} with the digest that source.json names",
                where=self.where,
                hint="use an index that carries it, or " + REBUILD,
            )


def _hex(sha256: str) -> str:
    """A digest that is one: it becomes part of a path in the store."""
    if not SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not a sha256")
    return sha256
