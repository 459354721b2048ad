"""Objects by their dotted names, and names for objects."""

from __future__ import annotations

import fnmatch
import importlib
import inspect
from typing import Any


def qualname(item: Any) -> str:
    return f"{item.__module__}.{item.__qualname__}"


def load(dotted: str) -> Any:
    """The object of a dotted name: the longest importable part, then attributes."""
    parts = dotted.split(".")
    module, rest = importlib.import_module(parts[0]), parts[1:]
    while rest:
        name = f"{module.__name__}.{rest[0]}"
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # Only the absence of this very name means that an attribute follows.
            if error.name != name:
                raise
            break
        rest = rest[1:]
    found: Any = module
    for part in rest:
        found = getattr(found, part)
    return found


def expand(dotted: str) -> list[Any]:
    """What a root names: one object, or the engine's classes that match its last part."""
    parent, _, last = dotted.rpartition(".")
    if "*" not in last:
        return [load(dotted)]
    holder = load(parent)
    found = [
        value
        for name, value in sorted(vars(holder).items())
        if fnmatch.fnmatchcase(name, last) and not name.startswith("_") and inspect.isclass(value)
    ]
    # A package re-exports what its modules define; a module's imports from elsewhere are not its own.
    inside = [cls for cls in found if f"{cls.__module__}.".startswith(f"{holder.__name__}.")]
    if not inside:
        raise AttributeError(f"no class of {parent} is called {last}")
    return list({id(cls): cls for cls in inside}.values())


def text_of(item: Any) -> str:
    """A readable name for a default, a type or a factory."""
    if isinstance(item, type) or inspect.isroutine(item):
        name = getattr(item, "__qualname__", None) or getattr(item, "__name__", repr(item))
        name = str(name).replace("<locals>.", "")
        module = getattr(item, "__module__", None)
        return name if module in (None, "builtins", "typing") else f"{module}.{name}"
    return repr(item)
