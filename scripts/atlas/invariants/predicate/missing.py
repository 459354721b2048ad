"""A value that is not known, in compiled code."""

from __future__ import annotations

from typing import Any

from atlas.invariants.predicate.errors import Unknown
from atlas.invariants.predicate.expr import Json


class _Missing:
    """Stands for an unknown value in compiled code: every use of it raises."""

    def _fail(self, *_: object) -> Any:
        raise Unknown

    __add__ = __radd__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = _fail
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _fail
    __floordiv__ = __rfloordiv__ = __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __abs__ = _fail
    __bool__ = __len__ = __iter__ = __contains__ = __int__ = __float__ = __str__ = __round__ = _fail
    __eq__ = __ne__ = __hash__ = _fail


MISSING = _Missing()


def known(value: Json) -> Json:
    """The value, where it is one."""
    if value is MISSING:
        raise Unknown
    return value
