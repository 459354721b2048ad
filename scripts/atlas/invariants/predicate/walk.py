"""Going through an expression: its parts, its fields and constants, putting things in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from atlas.invariants.predicate.expr import Const, Each, Expr, Field, Json, Op, Opaque


def parts_of(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside."""
    if isinstance(expr, Op):
        return expr.args
    if isinstance(expr, Each):
        return (expr.over, expr.body, expr.only) if expr.kind == "list" else (expr.over, expr.body)
    return ()


def every_part(expr: Expr) -> Iterator[Expr]:
    """The expression and everything inside, outermost first."""
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(parts_of(part)))


def rebuilt(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with each of its direct parts changed."""
    if isinstance(expr, Op):
        return Op(expr.name, tuple(map(change, expr.args)))
    if isinstance(expr, Each):
        return replace(expr, over=change(expr.over), body=change(expr.body), only=change(expr.only))
    return expr


def fields_of(expr: Expr) -> tuple[Field, ...]:
    """The fields that it reads, those of its opaque clauses too; each once, sorted."""
    found: set[Field] = set()
    for part in every_part(expr):
        if isinstance(part, Field):
            found.add(part)
        elif isinstance(part, Opaque):
            found.update(part.fields)
    return tuple(sorted(found, key=lambda field: field.path))


def constants_of(expr: Expr) -> dict[Field, tuple[Json, ...]]:
    """What each field is held against: the constants (items of lists one by one) of the clauses it is in."""
    found: dict[Field, dict[Const, None]] = {}
    for clause in _clauses(expr):
        constants = list(_held_against(clause))
        for field in fields_of(clause):
            found.setdefault(field, {}).update(dict.fromkeys(constants))
    return {
        field: tuple(const.value for const in values) for field, values in sorted(found.items(), key=_path)
    }


def _path(entry: tuple[Field, object]) -> tuple[str, ...]:
    return entry[0].path


def _clauses(expr: Expr) -> Iterator[Expr]:
    """The conditions that it is put together from by and, or, not and if."""
    if isinstance(expr, Op) and expr.name in ("and", "or", "not", "if", "truth"):
        for part in expr.args:
            yield from _clauses(part)
    else:
        yield expr


def _held_against(expr: Expr) -> Iterator[Const]:
    """The constants in a clause, without names of types."""
    if isinstance(expr, Const):
        if isinstance(expr.value, tuple | frozenset | Mapping):
            yield from sorted(map(Const, expr.value), key=lambda const: repr(const.value))
        else:
            yield expr
    elif not _is_about_types(expr):
        for part in parts_of(expr):
            yield from _held_against(part)


def _is_about_types(expr: Expr) -> bool:
    if not isinstance(expr, Op):
        return False
    return expr.name in ("conforms", "convert") or any(
        isinstance(part, Op) and part.name == "type" for part in expr.args
    )


def opaque_of(expr: Expr) -> tuple[Opaque, ...]:
    """Its clauses that could not be translated, each once, in order of appearance."""
    return tuple(dict.fromkeys(part for part in every_part(expr) if isinstance(part, Opaque)))


def substitute(expr: Expr, mapping: Mapping[Expr, Expr]) -> Expr:
    """The expression with every part that is in `mapping` replaced, outermost first.

    A field of which only the beginning is replaced (`a.b`, where `a` is) becomes a look-up.
    """
    if expr in mapping:
        return mapping[expr]
    if isinstance(expr, Field):
        for size in range(len(expr.path) - 1, 0, -1):
            owner = mapping.get(Field(expr.path[:size]))
            if owner is not None:
                return _reached(owner, expr.path[size:])
    return rebuilt(expr, lambda part: substitute(part, mapping))


def _reached(owner: Expr, path: tuple[str, ...]) -> Expr:
    if isinstance(owner, Field):
        return Field(owner.path + path)
    for key in path:
        owner = Op("get", (owner, Const(key)))
    return owner
