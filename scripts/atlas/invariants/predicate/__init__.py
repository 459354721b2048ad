"""The predicate language: a subset of Python expressions over JSON values, made total."""

from __future__ import annotations

from atlas.invariants.predicate.expr import (
    FALSE,
    FUNCTIONS,
    NONE,
    OPERATORS,
    TRUE,
    Const,
    Each,
    Expr,
    Field,
    Op,
    Opaque,
    Var,
)

__all__ = [
    "FALSE",
    "FUNCTIONS",
    "NONE",
    "OPERATORS",
    "TRUE",
    "Const",
    "Each",
    "Expr",
    "Field",
    "Op",
    "Opaque",
    "Var",
]
