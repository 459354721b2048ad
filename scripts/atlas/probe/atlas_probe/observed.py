"""Which JSON types a parameter takes, where nothing states its type: its class is made with one of each."""

from __future__ import annotations

import contextlib
import copy
import signal
from collections.abc import Iterable, Iterator
from typing import Any

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


class TooSlow(BaseException):
    """Time is up. No `Exception`, so that no constructor takes it for a failure of its own."""


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
    accepted: list[str] = []
    objection: BaseException | None = None
    for kind, value in TRIED.items():
        try:
            with limited(SECONDS):
                cls(**{parameter: copy.deepcopy(value)})
        except (Exception, SystemExit) as error:
            objection = error
        else:
            accepted.append(kind)
    if objection is not None and not accepted:
        raise objection
    return accepted


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End what runs inside with `TooSlow` after a time; again each second, for a bare `except` hides one."""

    def stop(*_: Any) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_stated(fact: dict[str, Any] | None, parameter: str) -> bool:
    fields = fact["fields"] if fact else ()
    return any(one["name"] == parameter and one["type"] is not None for one in fields)
