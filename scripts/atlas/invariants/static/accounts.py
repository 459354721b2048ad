"""What became of every statement that raises, warns or changes, in every function that was reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from atlas.invariants.model import Site, SiteAccount
from atlas.invariants.static.frames import Kind
from atlas.invariants.static.logs import is_log_call
from atlas.invariants.static.machine import Machine, own_nodes

_ORDER = ("translated", "partial", "unreachable", "untranslated")


class Accounts:
    """Collects what became of each site; what is worst of several visits counts."""

    def __init__(self, m: Machine) -> None:
        self._machine = m
        self._found: dict[tuple[Site, Kind], tuple[str, str]] = {}

    def add(self, site: Site, kind: Kind, status: str, reason: str = "") -> None:
        known = self._found.get((site, kind))
        if known is None or (known[0] == "unreachable") or (status == "partial" and known[0] == "translated"):
            self._found[site, kind] = (status, reason)

    def finished(self) -> tuple[SiteAccount, ...]:
        """All sites, those that nothing was recorded of too, by place."""
        m = self._machine
        for frame in m.reached.values():
            self._rest(frame.node, frame.scope.module.path, frame.qualname, "unreachable", "never true here")
        for function in m.skipped.values():
            if id(function.node) not in m.reached:
                reason = m.cut.get(id(function.node), "not executed")
                path = function.scope.module.path
                self._rest(function.node, path, function.qualname, "untranslated", reason)
        every = [
            SiteAccount(m.target.cls, site, "raise" if kind == "implicit" else kind, status, reason)  # type: ignore[arg-type]
            for (site, kind), (status, reason) in self._found.items()
        ]
        return tuple(sorted(every, key=lambda one: (one.site.file, one.site.line, one.kind)))

    def _rest(self, node: ast.AST, path: str, qualname: str, status: str, reason: str) -> None:
        spent = self._machine.budget.spent
        for kind, statement in sites(node):
            site = Site(path, statement.lineno, statement.end_lineno or statement.lineno, qualname)
            if not any(known == site for known, _ in self._found):
                if spent:
                    self.add(site, kind, "untranslated", "budget")
                else:
                    self.add(site, kind, status, reason)


def sites(function: ast.AST) -> Iterator[tuple[Kind, ast.stmt]]:
    """The statements of a function that raise, assert or warn."""
    for node in own_nodes(function):
        if isinstance(node, ast.Raise):
            yield "raise", node
        elif isinstance(node, ast.Assert):
            yield "assert", node
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if is_log_call(node.value):
                yield "log", node
            elif ast.unparse(node.value.func) in ("warnings.warn", "warn"):
                yield "warning", node
