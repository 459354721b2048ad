"""Python's typing objects as type expressions (TypeExpr in atlas/schema/facts)."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import enum
import os
import pathlib
import types
import typing
from typing import Any

from .kinds import kind_of
from .metadata import constraints_of
from .names import text_of
from .probe import Probe
from .values import json_or, safe_repr

DEPTH_LIMIT = 40
PRIMITIVES = {bool: "bool", int: "int", float: "float", str: "str", bytes: "bytes"}
LISTS = {
    list,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Iterable,
    collections.abc.Collection,
    collections.deque,
}
SETS = {set: "set", frozenset: "frozenset", collections.abc.Set: "set", collections.abc.MutableSet: "set"}
DICTS = {
    dict,
    collections.OrderedDict,
    collections.defaultdict,
    collections.abc.Mapping,
    collections.abc.MutableMapping,
}
TRANSPARENT = ("ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "InitVar")


def type_expr(probe: Probe, hint: Any, depth: int = 0) -> dict[str, Any]:
    """A typing object as a TypeExpr; the engine's configuration classes in it are noted in the probe."""
    if depth > DEPTH_LIMIT:
        return {"k": "unknown", "text": "…"}
    if isinstance(hint, str):
        return {"k": "unknown", "text": probe.scrub(hint)}
    if isinstance(hint, typing.ForwardRef):
        return {"k": "unknown", "text": hint.__forward_arg__}
    if hint is None or hint is type(None):
        return {"k": "none"}
    if hint is Any or hint is object:
        return {"k": "any"}
    if isinstance(hint, typing.TypeVar):
        return _type_var(probe, hint, depth + 1)
    if isinstance(hint, dataclasses.InitVar):
        return type_expr(probe, hint.type, depth + 1)
    if hasattr(hint, "__supertype__"):
        return type_expr(probe, hint.__supertype__, depth + 1)
    if type(hint).__name__ == "TypeAliasType":
        return type_expr(probe, hint.__value__, depth + 1)
    origin = typing.get_origin(hint)
    if origin is None:
        return _plain_type(probe, hint)
    return _generic(probe, hint, origin, typing.get_args(hint), depth + 1)


def union(members: list[dict[str, Any]]) -> dict[str, Any]:
    """Members flattened and without repeats, in order."""
    flat: list[dict[str, Any]] = []
    for member in members:
        for one in member["of"] if member["k"] == "union" else [member]:
            if all(repr(one) != repr(other) for other in flat):
                flat.append(one)
    return flat[0] if len(flat) == 1 else {"k": "union", "of": flat}


def _type_var(probe: Probe, hint: Any, depth: int) -> dict[str, Any]:
    if hint.__bound__ is not None:
        return type_expr(probe, hint.__bound__, depth)
    if hint.__constraints__:
        return union([type_expr(probe, one, depth) for one in hint.__constraints__])
    return {"k": "any"}


def _plain_type(probe: Probe, hint: Any) -> dict[str, Any]:
    """A type without parameters."""
    if hint in (collections.abc.Callable, typing.Callable) or hint is types.FunctionType:
        return {"k": "callable"}
    if not isinstance(hint, type):
        name = getattr(hint, "_name", None)
        return {"k": "any"} if name in ("Any", "Self") else {"k": "opaque", "name": safe_repr(probe, hint)}
    if hint in PRIMITIVES:
        return {"k": "prim", "name": PRIMITIVES[hint]}
    if hint in LISTS or hint in SETS or hint in DICTS or hint is tuple:
        return _generic(probe, hint, hint, (), 0)
    if hint is os.PathLike or issubclass(hint, pathlib.PurePath):
        return {"k": "path"}
    name = text_of(hint)
    if issubclass(hint, enum.Enum):
        members = {one: json_or(member, one) for one, member in hint.__members__.items()}
        return {"k": "enum", "name": name, "members": members}
    if probe.is_own(hint) and (hint in probe.roots or kind_of(hint) not in ("plain", "named_tuple")):
        probe.seen_types[name] = hint
        return {"k": "class", "name": name}
    return {"k": "opaque", "name": name}


def _generic(probe: Probe, hint: Any, origin: Any, args: tuple[Any, ...], depth: int) -> dict[str, Any]:
    def item(index: int = 0) -> dict[str, Any]:
        return type_expr(probe, args[index], depth) if len(args) > index else {"k": "any"}

    if origin is typing.Literal or getattr(origin, "_name", None) == "Literal":
        return {"k": "literal", "values": [json_or(value, repr(value)) for value in args]}
    if origin is typing.Union or type(hint).__name__ == "UnionType":
        return union([type_expr(probe, one, depth) for one in args])
    if hasattr(hint, "__metadata__"):
        return _annotated(item(), hint.__metadata__)
    if origin in LISTS:
        return {"k": "list", "item": item()}
    if origin in SETS:
        return {"k": SETS[origin], "item": item()}
    if origin in DICTS:
        return {"k": "dict", "key": item(0), "value": item(1)}
    if origin is collections.Counter:
        return {"k": "dict", "key": item(0), "value": {"k": "prim", "name": "int"}}
    if origin is tuple:
        return _tuple(probe, hint, args, depth)
    if origin is collections.abc.Callable:
        return {"k": "callable"}
    if origin is os.PathLike:
        return {"k": "path"}
    if getattr(origin, "_name", None) in TRANSPARENT:
        return item()
    if origin is type:
        return {"k": "opaque", "name": f"type[{text_of(args[0])}]" if args else "type"}
    return _plain_type(probe, origin)


def _tuple(probe: Probe, hint: Any, args: tuple[Any, ...], depth: int) -> dict[str, Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        return {"k": "tuple", "item": type_expr(probe, args[0], depth)}
    if not args and hint in (tuple, typing.Tuple):
        return {"k": "tuple", "item": {"k": "any"}}
    # Up to Python 3.10, the empty tuple's type has an empty tuple for its one argument.
    return {"k": "tuple", "items": [type_expr(probe, one, depth) for one in args if one != ()]}


def _annotated(base: dict[str, Any], metadata: Any) -> dict[str, Any]:
    constraints, is_open = constraints_of(metadata, base)
    if not constraints and not is_open:
        return base
    return {"k": "annotated", "base": base, "constraints": constraints, "open": is_open}
