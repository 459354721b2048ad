"""A field's annotation: as written, and as the type that it stands for."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from typing import Any

from .expressions import type_expr
from .metadata import constraints_of
from .names import qualname
from .probe import Probe

NOT_ANNOTATED = inspect.Parameter.empty


class Hint:
    """A field's type as found: the expression, what was hoisted from it, and the text as written."""

    def __init__(self, probe: Probe, raw: Any, owner: Any, subject: str) -> None:
        self.subject = subject
        self.annotation: str | None = None
        self.type: dict[str, Any] | None = None
        self.constraints: dict[str, Any] = {}
        self.metadata: tuple[Any, ...] = ()
        if raw is NOT_ANNOTATED:
            return
        self.annotation = _annotation_text(probe, raw)
        resolved = _resolved(probe, raw, owner, subject)
        self.metadata = tuple(getattr(resolved, "__metadata__", ()))
        unknown = {"k": "unknown", "text": self.annotation}
        self.type = probe.attempt("type_failed", subject, type_expr, probe, resolved) or unknown
        self._hoist()

    def _hoist(self) -> None:
        """Constraints of the whole field belong to the field, not to its type."""
        if self.type and self.type["k"] == "annotated":
            self.constraints.update(self.type["constraints"])
            self.type = dict(self.type, constraints={}) if self.type["open"] else self.type["base"]

    def add_metadata(self, metadata: Any) -> None:
        """Bounds that a library took out of the annotation."""
        base = self.type or {"k": "any"}
        inner = base["base"] if base["k"] == "annotated" else base
        constraints, is_open = constraints_of(metadata, inner)
        self.constraints.update(constraints)
        if is_open and base["k"] != "annotated":
            self.type = {"k": "annotated", "base": base, "constraints": {}, "open": True}


def _resolved(probe: Probe, raw: Any, owner: Any, subject: str) -> Any:
    """An annotation with its names looked up where its owner was defined; else as it is."""
    module = sys.modules.get(getattr(owner, "__module__", None) or "")
    scope = vars(module) if module else {}
    local = dict(vars(owner)) if isinstance(owner, type) else {}
    holder = types.SimpleNamespace(__annotations__={"it": raw})
    # A field may share its name with its type (`quantization: quantization`): the module goes first.
    for names in (scope, {**local, **scope}):
        try:
            return typing.get_type_hints(holder, names, names, include_extras=True)["it"]
        except Exception as error:
            failure = error
    if isinstance(raw, str):
        probe.miss("type_unresolved", subject, failure)
    return raw


def _annotation_text(probe: Probe, raw: Any) -> str:
    if isinstance(raw, str):
        return probe.scrub(raw)
    if isinstance(raw, type) and not typing.get_args(raw):
        return raw.__name__ if raw.__module__ in ("builtins", "typing") else qualname(raw)
    return probe.scrub(repr(raw).replace("typing.", "").replace("NoneType", "None"))
