"""Types that no source states, from what a constructor was seen to accept.

The static lane knows which parameters have no type anywhere; the live lane makes their classes with one
value of each JSON type (`atlas_probe/observed.py`) and reports which were taken. What that means for a
type is decided here. It is an observation of the constructor: what uses the value later may want less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from atlas.schema.facts import ANY, NONE, LaneFacts, TypeExpr, dict_of, prim, sequence, union

JSON_TYPES: Mapping[str, TypeExpr] = {
    "null": NONE,
    "boolean": prim("bool"),
    "integer": prim("int"),
    "number": prim("float"),
    "string": prim("str"),
    "array": sequence("list", ANY),
    "object": dict_of(prim("str"), ANY),
}


def unstated(static: LaneFacts) -> list[tuple[str, str]]:
    """The (class, parameter) pairs that a user can set and whose type the sources state nowhere.

    A function is not called to find out: that may load a model.
    """
    return [
        (name, field.name)
        for name, fact in static.classes.items()
        if fact.kind not in ("function", "namespace")
        for field in fact.fields
        if field.type is None and field.init
    ]


def observed_type(accepted: Iterable[str]) -> TypeExpr:
    """The type of a parameter that takes these JSON types: any, where it takes all of them."""
    taken = set(accepted)
    if taken >= JSON_TYPES.keys():
        return ANY
    return union([expression for kind, expression in JSON_TYPES.items() if kind in taken])
