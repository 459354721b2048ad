"""What a name or an expression may stand for while the engine's code is executed symbolically.

A JSON-like value is an expression of the predicate language over the user's fields. Everything else is one
of the classes here. Whatever can change lives on the heap and is stood for by a `Ref`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeGuard

from atlas.invariants.predicate import FALSE, TRUE, Const, Each, Expr, Field, Op, Opaque, Var
from atlas.invariants.static.measure import capped, fields_in
from atlas.invariants.static.terms import and_, if_, not_, or_
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.values import Member

MOST_VALUES = 12
EXPR = (Field, Const, Var, Op, Each, Opaque)


@dataclass(frozen=True)
class Ref:
    """An object on the heap."""

    at: int


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the engine's; `bound` is its first argument where it is a method."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    qualname: str
    owner: Definition | None = None
    bound: Value | None = None
    closure: Mapping[str, Value] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self.node is other.node and self.bound == other.bound

    def __hash__(self) -> int:
        return hash((id(self.node), self.bound))


@dataclass(frozen=True)
class Known:
    """A class, a module or something of another package's, by its definition."""

    qualname: str
    definition: Definition = field(compare=False)

    @property
    def kind(self) -> str:
        return self.definition.kind


@dataclass(frozen=True)
class Method:
    """`owner.name` that is not a function of the engine's: called, it does what the owner's kind does."""

    owner: Value
    name: str


@dataclass(frozen=True)
class Super:
    """`super()`: attributes of the classes after `after` in the line of the object's class."""

    of: Value
    after: Definition = field(compare=False)


@dataclass(frozen=True)
class EnumValue:
    """`SomeEnum(value)`: the member that has the value; and its name, where that can be told."""

    enum: str
    value: Expr
    name: Expr | None = None


@dataclass(frozen=True)
class TypeOf:
    """`type(value)` of a value of the user's."""

    value: Expr


@dataclass(frozen=True)
class Text:
    """A string put together of constants and values."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True)
class UserKeywords:
    """The keyword arguments that the user gave, less those that were taken out.

    `perhaps`: names that were taken out under a condition.
    """

    taken: frozenset[str] = frozenset()
    perhaps: tuple[tuple[str, Expr], ...] = ()

    def without(self, names: frozenset[str]) -> UserKeywords:
        left = tuple((name, when) for name, when in self.perhaps if name not in names)
        return UserKeywords(self.taken | names, left)

    def gone(self, name: str) -> Expr:
        """Whether a name was taken out."""
        return TRUE if name in self.taken else dict(self.perhaps).get(name, FALSE)


@dataclass(frozen=True)
class GivenNames:
    """The names of the keyword arguments that the user gave."""


@dataclass(frozen=True)
class UserItem:
    """One unknown keyword argument of the user's, while all are looped over: its name, or its value."""

    part: str


@dataclass(frozen=True)
class Mapped:
    """`[value for var in over if condition]` over a list that only the user knows.

    `each`: it has an item for every one of the list, so that their numbers are the same.
    """

    kind: str
    var: str
    over: Expr
    condition: Expr
    value: Value
    each: bool = True


@dataclass(frozen=True)
class Count:
    """The number of these conditions that hold."""

    whens: tuple[Expr, ...]


@dataclass(frozen=True)
class Raised:
    """An exception object: the name of its class, the names of its bases, and its message."""

    name: str
    bases: tuple[str, ...]
    message: Value


@dataclass(frozen=True)
class Absent:
    """No value: an attribute that is not there, a variable that is not assigned."""


@dataclass(frozen=True)
class Choice:
    """One of two values, of which at least one is no expression."""

    condition: Expr
    then: Value
    other: Value


Value: TypeAlias = (
    Expr
    | Ref
    | Function
    | Known
    | Method
    | Super
    | EnumValue
    | Member
    | TypeOf
    | Text
    | UserKeywords
    | GivenNames
    | UserItem
    | Mapped
    | Count
    | Raised
    | Absent
    | Choice
)


# --- choices --------------------------------------------------------------------------------------------


def merge(condition: Expr, then: Value, other: Value) -> Value:
    """`then` where the condition holds, else `other`."""
    if condition == TRUE or then == other:
        return then
    if isinstance(condition, Const):
        return other
    if isinstance(then, EXPR) and isinstance(other, EXPR):
        return if_(condition, then, other)
    if isinstance(then, UserKeywords) and isinstance(other, UserKeywords):
        return _less(condition, then, other)
    made = Choice(condition, then, other)
    return grouped(made) if isinstance(then, Choice) or isinstance(other, Choice) else made


def _less(condition: Expr, then: UserKeywords, other: UserKeywords) -> UserKeywords:
    names = {*then.taken, *other.taken, *dict(then.perhaps), *dict(other.perhaps)}
    whens = {name: if_(condition, then.gone(name), other.gone(name)) for name in sorted(names)}
    always = frozenset(name for name, when in whens.items() if when == TRUE)
    return UserKeywords(always, tuple((name, when) for name, when in whens.items() if name not in always))


def grouped(value: Choice) -> Value:
    """Each value once; of too many only the fields are known on which it depends which one it is."""
    groups: dict[Value, list[Expr]] = {}
    for condition, leaf in leaves(value):
        groups.setdefault(leaf, []).append(condition)
    if len(groups) > MOST_VALUES:
        return Opaque("one of many values", fields_in(*(one for its in groups.values() for one in its)))
    if all(len(its) == 1 for its in groups.values()):
        return value
    *first, (out, _) = groups.items()
    made: Value = out
    for leaf, conditions in reversed(first):
        condition = capped(or_(*conditions))
        if isinstance(leaf, EXPR) and isinstance(made, EXPR):
            made = if_(condition, leaf, made)
        else:
            made = Choice(condition, leaf, made)
    return made


def leaves(value: Value, condition: Expr = TRUE) -> Iterator[tuple[Expr, Value]]:
    """The values of which it is one, each with its condition."""
    if isinstance(value, Choice):
        yield from leaves(value.then, and_(condition, value.condition))
        yield from leaves(value.other, and_(condition, not_(value.condition)))
    else:
        yield condition, value


def filled(value: Value, otherwise: Value) -> Value:
    """A value, and where there is none another one."""
    if isinstance(value, Absent):
        return otherwise
    if isinstance(value, Choice):
        return merge(value.condition, filled(value.then, otherwise), filled(value.other, otherwise))
    return value


def presence(value: Value) -> Expr:
    """Where there is a value at all."""
    return or_(*(when for when, leaf in leaves(value) if not isinstance(leaf, Absent)))


def combined(parts: list[tuple[Expr, Value]]) -> Value:
    """The value that conditions choose, which exclude each other and leave nothing out."""
    *first, (_, out) = parts
    for condition, value in reversed(first):
        out = merge(condition, value, out)
    return out


def is_expr(value: object) -> TypeGuard[Expr]:
    return isinstance(value, EXPR)
