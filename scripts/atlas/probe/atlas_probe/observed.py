"""Which JSON types a parameter takes, where nothing states its type: its class is made with one of each."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from .alarm import Alarm, TooSlow
from .names import load
from .probe import Probe

# One value of every JSON type; the names are those of JSON Schema.
TRIED: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "integer": 0,
    "number": 1.5,
    "string": "a",
    "array": [1],
    "object": {"a": 1},
}
SECONDS = 5.0
"""For one attempt at making an instance."""


def observed_facts(
    probe: Probe, wanted: Iterable[tuple[str, str]], classes: dict[str, Any]
) -> list[dict[str, Any]]:
    """For each (class, parameter), the JSON types with which the class can be made.

    Parameters whose type the class states after all are left alone. Where no value is taken, the class
    cannot be made alone, and nothing is known of the parameter: that is a limitation.
    """
    found = []
    for name, parameter in wanted:
        if _is_stated(classes.get(name), parameter):
            continue
        subject = f"{name}.{parameter}"
        try:
            accepted = probe.attempt("type_not_observed", subject, accepted_types, name, parameter)
        except TooSlow:
            probe.miss("type_not_observed", subject, f"its class was not made within {SECONDS:g} s")
            continue
        if accepted:
            found.append({"class": name, "name": parameter, "accepted": accepted})
    return found


def accepted_types(name: str, parameter: str) -> list[str]:
    """The JSON types of values that a class's constructor takes; where it takes none, its last objection."""
    cls = load(name)
    alarm = Alarm(SECONDS)
    accepted: list[str] = []
    objection: BaseException | None = None
    for kind, value in TRIED.items():
        try:
            with alarm:
                cls(**{parameter: copy.deepcopy(value)})
        except (Exception, SystemExit) as error:
            objection = error
        else:
            accepted.append(kind)
    if objection is not None and not accepted:
        raise objection
    return accepted


def _is_stated(fact: dict[str, Any] | None, parameter: str) -> bool:
    fields = fact["fields"] if fact else ()
    return any(one["name"] == parameter and one["type"] is not None for one in fields)
