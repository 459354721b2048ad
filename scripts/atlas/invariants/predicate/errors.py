"""What goes wrong while a predicate is read or evaluated."""

from __future__ import annotations

from atlas.errors import InputError


class PredicateError(InputError):
    """A text that is no predicate."""


class Unknown(Exception):
    """A value that cannot be told: of an unknown default, an opaque clause, or past a limit."""


RAISES: tuple[type[BaseException], ...] = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What Python raises where a value does not suit an operation."""
WITHOUT_VALUE: tuple[type[BaseException], ...] = (Unknown, *RAISES)
