"""Random expressions and configurations for the tests of the predicate language."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from atlas.invariants.predicate import FUNCTIONS, OPERATORS, TRUE, Const, Each, Expr, Field, Op, Opaque, Var

FIELDS = ("a", "b", "c")
TYPES = (
    "int",
    "float | None",
    "bool",
    "str",
    "list[int]",
    "set[str] | None",
    "dict[str, int]",
    "Tensor | None",
)

numbers = st.one_of(
    st.booleans(),
    st.integers(-3, 4),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.5, 3.0, float("nan"), float("inf")]),
)
texts = st.sampled_from(["", "a", "b", "ab", "1", "5.0", "nan", " a ", "%d", "a.b", "Ａ"])
scalars = st.one_of(st.none(), numbers, texts)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "k", "1"]), inner, max_size=2)
    ),
    max_leaves=5,
)
extreme_values = st.one_of(
    json_values,
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["a" * 5000, "(a+)+$", "%9999999999d", "9" * 5000, [[]] * 50, [0] * 3000, {"a": {"b": {}}}]
    ),
    st.just(None).map(lambda _: _nested(300)),
)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def configs(
    values: st.SearchStrategy[Any] = json_values, names: tuple[str, ...] = FIELDS
) -> st.SearchStrategy[dict[str, Any]]:
    """Configurations in which any field may be missing."""
    return st.dictionaries(st.sampled_from(names), values, max_size=3)


constants = st.one_of(
    scalars.map(Const),
    st.lists(scalars, max_size=3).map(Const),
    st.dictionaries(st.sampled_from(["a", "k"]), scalars, max_size=2).map(Const),
    st.frozensets(st.integers(0, 3) | texts, max_size=3).map(Const),
)
fields = st.sampled_from([Field((name,)) for name in FIELDS])

# What Python evaluates alike: everything but what asks about the configuration rather than about values.
OWN_WORLD = frozenset(("given", "raw", "raises", "conforms", "convert", "same"))
PLAIN = [
    (name, arity)
    for name, arity in (FUNCTIONS | OPERATORS).items()
    if name not in OWN_WORLD and name not in ("**", "<<", "*", "set", "dict", "matches", "fullmatch")
]
CONDITIONS = ("and", "or", "not", "==", "!=", "<", "<=", ">", ">=", "in", "not_in", "if")


def plain_expressions(depth: int = 3, loops: tuple[str, ...] = ()) -> st.SearchStrategy[Expr]:
    """Expressions that mean to Python what they mean to us."""
    leaves = st.one_of(fields, constants, *(st.just(Var(name)) for name in loops))
    if depth == 0:
        return leaves
    inner = plain_expressions(depth - 1, loops)
    return st.one_of(
        leaves,
        operations(inner, [entry for entry in PLAIN if entry[0] in CONDITIONS]),
        operations(inner, PLAIN),
        st.builds(lambda left, power: Op("**", (left, Const(power))), inner, st.integers(-1, 2)),
        st.builds(
            lambda pattern, text: Op("matches", (Const(pattern), text)),
            st.sampled_from(["a", "^a+$", "(", "b|1"]),
            inner,
        ),
        loops_over(depth, loops, inner),
    )


def loops_over(depth: int, loops: tuple[str, ...], inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    name = f"item{len(loops)}"
    body = plain_expressions(depth - 1, (*loops, name))
    quantified = st.builds(Each, st.sampled_from(["any", "all"]), st.just(name), inner, body)  # type: ignore[arg-type]
    only = st.just(TRUE) | body
    return quantified | st.builds(Each, st.just("list"), st.just(name), inner, body, only)  # type: ignore[arg-type]


def operations(
    inner: st.SearchStrategy[Expr], table: list[tuple[str, tuple[int, int]]]
) -> st.SearchStrategy[Expr]:
    def of(entry: tuple[str, tuple[int, int]]) -> st.SearchStrategy[Expr]:
        name, (least, most) = entry
        args = st.lists(inner, min_size=least, max_size=min(most, max(least, 3)))
        return args.map(lambda parts: Op(name, tuple(parts)))

    return st.sampled_from(table).flatmap(of)


def all_expressions(depth: int = 3) -> st.SearchStrategy[Expr]:
    """Expressions with everything that the language has."""
    nested = st.sampled_from([Field(("a", "b")), Field(("c", "k", "odd name")), Field(("class",))])
    opaque = st.builds(Opaque, texts, st.lists(fields, max_size=2).map(tuple), st.booleans())
    leaves = st.one_of(fields, nested, constants, opaque)
    if depth == 0:
        return leaves
    inner = all_expressions(depth - 1)
    table = [
        entry for entry in (FUNCTIONS | OPERATORS).items() if entry[0] not in OWN_WORLD and entry[0] != "dict"
    ]
    typed = st.sampled_from(["conforms", "convert"])
    return st.one_of(
        leaves,
        plain_expressions(depth),
        operations(inner, table),
        st.builds(lambda name, field: Op(name, (field,)), st.sampled_from(["given", "raw"]), fields | nested),
        st.builds(lambda part: Op("raises", (part,)), inner),
        st.builds(
            lambda name, part, type_: Op(name, (part, Const(type_))), typed, inner, st.sampled_from(TYPES)
        ),
    )
