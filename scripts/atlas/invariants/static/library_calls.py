"""Functions of the standard library that conditions are written with."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import Const, Opaque
from atlas.invariants.static import logs, reflection
from atlas.invariants.static.attribute_calls import getattr_, setattr_
from atlas.invariants.static.call import Builtin, Call
from atlas.invariants.static.container_calls import CONTAINERS, hashed
from atlas.invariants.static.lowering import from_constant, lowered
from atlas.invariants.static.objects import Instance, Table
from atlas.invariants.static.terms import op
from atlas.invariants.static.values import Choice, Known, Value, is_expr, merge
from atlas.invariants.static.versions import version
from atlas.schema.static.modules import external

if TYPE_CHECKING:
    pass


def _math(name: str) -> Builtin:
    def rule(call: Call) -> Value | None:
        its = lowered(call.given[0], call.state) if len(call.given) == 1 else None
        return None if its is None or isinstance(its, Opaque) else op(name, its)

    return rule


def _pattern(name: str) -> Builtin:
    """`re.match(pattern, text)`: whether there is a match is all that is known of it."""

    def rule(call: Call) -> Value | None:
        if len(call.given) != 2 or call.keywords:
            return None
        pattern, its = call.given[0], lowered(call.given[1], call.state)
        if not (isinstance(pattern, Const) and isinstance(pattern.value, str)):
            return None
        if its is None or isinstance(its, Opaque):
            return None
        text = rf"\A(?:{pattern.value})" if name == "match" else pattern.value
        made = op("fullmatch" if name == "fullmatch" else "matches", Const(text), its)
        return Choice(made, Known("re.Match", external("re.Match")), Const(None))

    return rule


def _copy(call: Call) -> Value | None:
    thing = call.state.object(call.given[0]) if call.given else None
    if isinstance(thing, Instance):
        return call.state.new(replace(thing, user=False))
    if thing is not None:
        return call.state.new(thing)
    if call.given and isinstance(call.given[0], Choice):
        sides = [_copy(replace(call, given=[one])) for one in (call.given[0].then, call.given[0].other)]
        return merge(call.given[0].condition, *(one for one in sides if one is not None))
    return call.given[0] if call.given else None


def _cast(call: Call) -> Value | None:
    return call.given[1] if len(call.given) == 2 else None


def _ordered(call: Call) -> Value | None:
    if call.given:
        return call.given[0] if isinstance(call.state.object(call.given[0]), Table) else None
    return call.state.new(Table({}))


def _from_keys(call: Call) -> Value | None:
    """`dict.fromkeys(x)`: each item of x once."""
    if len(call.given) != 1:
        return None
    found = CONTAINERS["list"](call)
    if is_expr(found) and not isinstance(found, Opaque):
        hashed(call, found)
        return op("unique", found)
    return found


def _literal_values(call: Call) -> Value | None:
    """`get_args(SomeLiteral)`."""
    node = call.node.args[0] if isinstance(call.node, ast.Call) and call.node.args else None
    values = call.m.reader.evaluator.literal_values(node, call.m.scope) if node is not None else None
    return None if values is None else from_constant(tuple(values), call.state)


def _object_setattr(call: Call) -> Value | None:
    return setattr_(call)


def _warn(call: Call) -> Value | None:
    return logs.warn(call.m, call.given, call.keywords, call.node, call.state)


def _log(call: Call) -> Value | None:
    return logs.log(call.m, call.given, call.node, call.state)


def _object_getattribute(call: Call) -> Value | None:
    return getattr_(call) if len(call.given) == 2 else None


def _import(call: Call) -> Value | None:
    """A module by a name of the user's: which there are is not known, but none without a name."""
    its = lowered(call.given[0], call.state) if call.given else None
    if its is not None and not isinstance(its, Opaque | Const):
        call.m.fails("ValueError", op("==", its, Const("")), call.node, call.state)
    return None


LIBRARY: Mapping[str, Builtin] = {
    **{
        f"math.{name}": _math(name)
        for name in ("isnan", "isinf", "isfinite", "floor", "ceil", "sqrt", "log2")
    },
    **{f"re.{name}": _pattern(name) for name in ("match", "search", "fullmatch")},
    "packaging.version.parse": version,
    "packaging.version.Version": version,
    "builtins.__import__": _import,
    "importlib.import_module": _import,
    "copy.copy": _copy,
    "copy.deepcopy": _copy,
    "typing.cast": _cast,
    "typing_extensions.cast": _cast,
    "collections.OrderedDict": _ordered,
    "typing.get_args": _literal_values,
    "typing_extensions.get_args": _literal_values,
    "builtins.dict.fromkeys": _from_keys,
    "collections.OrderedDict.fromkeys": _from_keys,
    "builtins.object.__setattr__": _object_setattr,
    "msgspec.structs.force_setattr": _object_setattr,
    "warnings.warn": _warn,
    "warnings.warn_explicit": _warn,
    **{f"logging.{name}": _log for name in ("warning", "warn", "error", "exception", "critical", "fatal")},
    "builtins.object.__getattribute__": _object_getattribute,
    "msgspec.Struct.__setattr__": _object_setattr,
    "dataclasses.is_dataclass": reflection.is_dataclass,
    "dataclasses.fields": reflection.fields,
    "msgspec.structs.fields": reflection.fields,
}
