"""The flags of a command line, from a parser that the engine has filled."""

from __future__ import annotations

import argparse
import inspect
from typing import Any

from .classes import class_fact
from .defaults import default_of, without_value
from .names import load, qualname
from .probe import Probe
from .values import json_or, safe_repr


def flag_facts(probe: Probe, spec: dict[str, Any], classes: dict[str, Any]) -> list[dict[str, Any]]:
    """The actions of a parser after the engine has filled it.

    It is filled twice: a default that is another one each time (a new identifier) is not a value.
    """
    owner = load(spec["class"]) if spec.get("class") else None
    fields: list[dict[str, Any]] = []
    if owner is not None:
        fields = (classes.get(qualname(owner)) or class_fact(probe, owner))["fields"]
    names = {field["name"]: field["owner"] for field in fields}
    flags, again = [
        [_flag(probe, action, owner, names) for action in filled_actions(spec, owner)] for _ in range(2)
    ]
    for index, flag in enumerate(flags):
        if flag["default"] != again[index]["default"]:
            flag["default"] = without_value("computed")
    return flags


def filled_actions(spec: dict[str, Any], owner: Any) -> list[Any]:
    """What a new parser holds after the engine has filled it, but for help and version."""
    parser = load(spec.get("parser") or "argparse.ArgumentParser")()
    fill = getattr(owner, spec["method"]) if owner is not None else load(spec["method"])
    filled = fill(parser)
    parser = filled if isinstance(filled, argparse.ArgumentParser) else parser
    return [a for a in parser._actions if type(a).__name__ not in ("_HelpAction", "_VersionAction")]


def _flag(probe: Probe, action: Any, owner: Any, names: dict[str, str]) -> dict[str, Any]:
    default = without_value("unknown", "SUPPRESS")
    if action.default is not argparse.SUPPRESS:
        default = default_of(probe, action.default)
    return {
        "flags": list(action.option_strings),
        "dest": action.dest,
        "owner": names.get(action.dest) or (qualname(owner) if owner is not None else None),
        "field": action.dest if action.dest in names else None,
        "action": type(action).__name__.lstrip("_"),
        "type": None if action.type is None else safe_repr(probe, action.type),
        "choices": _choices(probe, action.choices),
        "default": default,
        "help": _help(probe, action.help),
        "file": None,
        "line": None,
    }


def _choices(probe: Probe, choices: Any) -> list[Any] | None:
    if choices is None:
        return None
    shown = [json_or(one, safe_repr(probe, one)) for one in choices]
    return sorted(shown, key=str) if isinstance(choices, (set, frozenset)) else shown


def _help(probe: Probe, text: Any) -> str | None:
    if not isinstance(text, str) or text == argparse.SUPPRESS or not text.strip():
        return None
    return probe.scrub(inspect.cleandoc(text), 20_000)
