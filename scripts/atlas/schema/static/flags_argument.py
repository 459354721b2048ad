"""One `add_argument` call as a flag."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from atlas.schema.facts import DefaultFact, FieldFact, FlagFact
from atlas.schema.paragraphs import unwrapped
from atlas.schema.static.docs.attributes import literal_text
from atlas.schema.static.flags_fields import has_boolean, literal_choices, negated
from atlas.schema.static.flags_values import Bound, Constants, Frame
from atlas.schema.static.values import NotJsonError, to_json

_ACTIONS = {None, "store", "append", "extend", "BooleanOptionalAction"}


def read_argument(
    node: ast.Call,
    frame: Frame,
    given: Mapping[str, Bound],
    constants: Constants,
    origin: FieldFact | None,
    negatable: bool,
) -> tuple[FlagFact, bool] | None:
    """The flag, and whether argparse marks it deprecated; None where its name depends on the run.

    `given` are the keyword arguments; what is not given comes from `origin`, the field that the other
    arguments are made from. `negatable`: boolean fields are given a `--no-x` too.
    """
    names = [name for argument in node.args for name in _names(argument, frame, constants)]
    if not names:
        return None
    action = _action(
        given.get("action"), constants, negatable and origin is not None and has_boolean(origin.type)
    )
    options = [name for name in names if name.startswith("-")]
    dest = constants.of(given["dest"]) if "dest" in given else None
    flag = FlagFact(
        flags=negated(options) if action == "BooleanOptionalAction" else tuple(options),
        dest=dest if isinstance(dest, str) else _dest(names),
        action=action,
        type=ast.unparse(given["type"].node) if "type" in given else None,
        choices=_choices(given.get("choices"), constants, origin),
        default=_default(given.get("default"), constants, origin, action),
        help=_help(given.get("help"), constants) or (origin.description if origin else None),
        file=frame.scope.module.path,
        line=node.lineno,
    )
    return flag, "deprecated" in given and constants.of(given["deprecated"]) is True


def _names(argument: ast.expr, frame: Frame, constants: Constants) -> list[str]:
    if isinstance(argument, ast.Starred):
        values = constants.of(Bound(argument.value, frame))
        values = values if isinstance(values, list | tuple) else []
    else:
        values = [constants.of(Bound(argument, frame))]
    return [each for each in values if isinstance(each, str)]


def _dest(names: Sequence[str]) -> str:
    """Where argparse stores the value: after the first long option, else the first name."""
    chosen = next((name for name in names if name.startswith("--")), names[0])
    return chosen.lstrip("-").replace("-", "_")


def _action(bound: Bound | None, constants: Constants, negatable: bool) -> str | None:
    if bound is None:
        return "BooleanOptionalAction" if negatable else None
    value = constants.of(bound)
    return value if isinstance(value, str) else ast.unparse(bound.node).rpartition(".")[2]


def _choices(bound: Bound | None, constants: Constants, origin: FieldFact | None) -> tuple[Any, ...] | None:
    if bound is None:
        return literal_choices(origin.type) if origin else None
    try:
        value = to_json(constants.of(bound))
    except NotJsonError:
        return None
    # A registry that is empty in the sources is filled at run time.
    return tuple(value) if isinstance(value, list) and value else None


def _default(
    bound: Bound | None, constants: Constants, origin: FieldFact | None, action: str | None
) -> DefaultFact:
    if bound is None:
        if origin is not None:
            return origin.default
        if action in ("store_true", "store_false"):
            return DefaultFact("value", action == "store_false", str(action == "store_false"))
        # Only argparse's own actions are known to leave None.
        return DefaultFact("none" if action in _ACTIONS else "unknown")
    text = ast.unparse(bound.node)
    value = constants.of(bound)
    if value is None:
        return DefaultFact("none", None, text)
    try:
        return DefaultFact("value", to_json(value), text)
    except NotJsonError:
        return DefaultFact("computed", None, text)


def _help(bound: Bound | None, constants: Constants) -> str | None:
    if bound is None:
        return None
    value = constants.of(bound)
    return unwrapped(value) or None if isinstance(value, str) else literal_text(bound.node)
