"""`atlas.load(engine, version).check({...})`: checking from Python."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from atlas.check.checker import Checker
from atlas.check.model import Json, Result
from atlas.check.names import names_of
from atlas.check.select import choose, named
from atlas.errors import InputError
from atlas.knowledge.knowledge import Knowledge

_checkers: WeakKeyDictionary[Knowledge, dict[tuple[str, str], Checker]] = WeakKeyDictionary()
"""By group and class, so that many configurations are checked fast."""


def check_config(
    knowledge: Knowledge, config: Mapping[str, Json], target: str | None = None, group: str | None = None
) -> Result:
    """As `Knowledge.check` says; InputError for names that there are not, and keys that are no text."""
    return checker(knowledge, config, target, group).check(config)


def checker(
    knowledge: Knowledge, config: Mapping[str, Json], target: str | None = None, group: str | None = None
) -> Checker:
    """What checks configurations of the class that is named, or that the keys fit best."""
    if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
        raise InputError("a configuration is a mapping with names as keys")
    if target is None and group is None:
        of, root = choose(knowledge, list(config))
    else:
        of, root = named(knowledge, target, group, list(config))
    known = _checkers.setdefault(knowledge, {})
    key = (of, root["name"])
    if key not in known:
        known[key] = Checker(knowledge, names_of(knowledge, of, root))
    return known[key]
