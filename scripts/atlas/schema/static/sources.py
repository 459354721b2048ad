"""Engine files as modules, read and parsed on demand and never imported."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from atlas.schema.facts import Limitation
from atlas.schema.static import bindings
from atlas.schema.static.bindings import Bindings

Loader = Callable[[], bytes]


@dataclass(frozen=True, eq=False)
class Module:
    name: str
    path: str
    is_package: bool
    tree: ast.Module
    source: str
    bound: Bindings
    lines: tuple[bytes, ...]

    def segment(self, node: ast.AST) -> str:
        """The text of a node as written; columns of the syntax tree count bytes."""
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", None)
        if not first or last is None or last > len(self.lines):
            return ast.unparse(node)
        start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        if first == last:
            return self.lines[first - 1][start:end].decode(errors="replace")
        inner = self.lines[first : last - 1]
        parts = (self.lines[first - 1][start:], *inner, self.lines[last - 1][:end])
        return b"\n".join(parts).decode(errors="replace")


class Sources:
    """The engine's .py files by path relative to the import root; only those reached are read and parsed."""

    def __init__(self, files: Mapping[str, Loader]) -> None:
        self._loaders: dict[str, tuple[str, Loader, bool]] = {}
        for path, loader in sorted(files.items()):
            parts = path.removesuffix(".py").split("/")
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            if path.endswith(".py") and name and (is_package or name not in self._loaders):
                self._loaders[name] = (path, loader, is_package)
        self._packages = {name.partition(".")[0] for name in self._loaders}
        self._folders = {
            name[:at] for name in self._loaders for at in range(len(name)) if name[at] == "."
        } - self._loaders.keys()
        self._modules: dict[str, Module | None] = {}
        self._texts: dict[str, bytes] = {}
        self.limitations: list[Limitation] = []

    @classmethod
    def from_directory(cls, root: Path, packages: tuple[str, ...] = ()) -> Self:
        """All .py files of `packages` (default: all) under an import root on disk."""
        starts = [root / package for package in packages] or [root]
        found: dict[str, Loader] = {}
        for start in starts:
            for path in start.rglob("*.py") if start.is_dir() else [start.with_suffix(".py")]:
                if path.is_file():
                    found[path.relative_to(root).as_posix()] = path.read_bytes
        return cls(found)

    @property
    def names(self) -> list[str]:
        return list(self._loaders)

    def has(self, name: str) -> bool:
        return name in self._loaders or name in self._folders

    def owns(self, dotted: str) -> bool:
        """Whether a dotted name lies in one of the packages whose sources are here."""
        return dotted.partition(".")[0] in self._packages

    def module(self, name: str) -> Module | None:
        """The parsed module, or None where there is none or it does not parse (a limitation says so)."""
        if name not in self._modules:
            self._modules[name] = self._parse(name) if name in self._loaders else None
        return self._modules[name]

    def reached(self) -> list[str]:
        """Paths of the files that were parsed so far."""
        return [module.path for module in self.parsed()]

    def parsed(self) -> list[Module]:
        """The modules that were parsed so far, by path."""
        return sorted((module for module in self._modules.values() if module), key=lambda one: one.path)

    def text(self, name: str) -> bytes:
        if name not in self._texts:
            self._texts[name] = self._loaders[name][1]()
        return self._texts[name]

    def may_bind(self, name: str, member: str) -> bool:
        """Whether a module's text leaves it possible that it binds a name; parsing is dear."""
        if name not in self._loaders:
            return False
        text = self.text(name)
        if b"import *" in text or b"__getattr__" in text:
            return True
        word = re.escape(member).encode()
        bound = rb"(?m)^\s*(?:(?:class|def|async def)\s+)?%s\b|\b(?:import|as)\b[^\n]*\b%s\b" % (word, word)
        return member.encode() in text and re.search(bound, text) is not None

    def _parse(self, name: str) -> Module | None:
        path, _, is_package = self._loaders[name]
        try:
            source = self.text(name).decode("utf-8-sig")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                warnings.simplefilter("ignore", DeprecationWarning)
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            self.limitations.append(Limitation("source_not_parsed", name, reason, path, line))
            return None
        bound = bindings.collect(tree, name, is_package)
        lines = tuple(source.replace("\r\n", "\n").encode().split(b"\n"))
        return Module(name, path, is_package, tree, source, bound, lines)
