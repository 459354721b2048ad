"""Functions by their parameters; plain classes by their constructor and by what an instance holds."""

from __future__ import annotations

import contextlib
import copy
import inspect
from typing import Any

from .defaults import default_of, without_value
from .fields import field_fact
from .hints import Hint
from .kinds import has_var_keyword, maker_of, takes_kwargs
from .lines import file_of, line_of
from .names import load, qualname
from .probe import Probe

# Values of many types: what a constructor does with an unknown keyword is found by trying.
TRIED: tuple[Any, ...] = ("atlas", 7, 0.5, True, [7], {"atlas": 7})


def function_fact(probe: Probe, dotted: str) -> dict[str, Any]:
    """A function's parameters; for a method, its class's name is a part of its own."""
    function = load(dotted)
    plain = inspect.unwrap(getattr(function, "__func__", function))
    fields = signature_fields(probe, function, plain, skip_first=_takes_self(dotted))
    return {
        "qualname": qualname(plain),
        "kind": "function",
        "bases": [],
        "doc": probe.scrub(inspect.cleandoc(plain.__doc__ or ""), 60_000) or None,
        "extra": "allow" if has_var_keyword(inspect.signature(function)) else "forbid",
        "validators": [],
        "fields": fields,
        "file": file_of(probe, plain),
        "line": line_of(probe, plain, plain.__qualname__),
    }


def signature_fields(probe: Probe, function: Any, owner: Any, skip_first: bool) -> list[dict[str, Any]]:
    """The named parameters of a signature."""
    plain = inspect.unwrap(function)
    facts = []
    for parameter in list(inspect.signature(function).parameters.values())[skip_first:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        name = parameter.name
        hint = Hint(probe, parameter.annotation, plain, f"{qualname(owner)}.{name}")
        is_required = parameter.default is parameter.empty
        default = without_value("required") if is_required else default_of(probe, parameter.default)
        line = line_of(probe, plain, f"{plain.__qualname__}.{name}")
        facts.append(field_fact(probe, name, owner, default, hint, via="signature", line=line))
    return facts


def plain_fields(probe: Probe, cls: Any) -> list[dict[str, Any]]:
    """The constructor's parameters, then the attributes that a default instance has besides."""
    facts: list[dict[str, Any]] = []
    maker = maker_of(cls)
    if maker is not object:
        try:
            facts = signature_fields(probe, vars(maker)["__init__"], maker, skip_first=True)
        except (TypeError, ValueError) as error:
            probe.miss("signature_unavailable", qualname(cls), error)
    if any(fact["default"]["kind"] == "required" for fact in facts):
        return facts
    try:
        attributes = dict(vars(cls()))
    except Exception as error:
        probe.miss("construct_failed", qualname(cls), error)
        return facts
    named = {fact["name"] for fact in facts}
    for name, value in attributes.items():
        if name not in named:
            settable = takes_kwargs(cls) and is_settable(cls, name)
            default = default_of(probe, value)
            facts.append(field_fact(probe, name, maker, default, None, via="init_attr", init=settable))
    return facts


def is_settable(cls: Any, name: str) -> bool:
    """Whether the constructor takes an attribute's value as a keyword."""
    refused = 0
    for value in TRIED:
        try:
            if vars(cls(**{name: copy.copy(value)})).get(name) == value:
                return True
        except Exception:
            refused += 1  # A value that is refused was looked at, so the keyword exists.
    return refused == len(TRIED)


def _takes_self(dotted: str) -> bool:
    """Whether a dotted name is a method's that is not bound to its class."""
    parent, _, name = dotted.rpartition(".")
    holder = None
    with contextlib.suppress(ImportError, AttributeError):
        holder = load(parent)
    raw = inspect.getattr_static(holder, name, None) if isinstance(holder, type) else None
    return raw is not None and not isinstance(raw, (classmethod, staticmethod))
