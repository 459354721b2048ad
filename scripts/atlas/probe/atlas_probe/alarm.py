"""Time limits inside the engine's process."""

from __future__ import annotations

import signal
from typing import Any

WALL = 4
"""How many times its limit of computing something may take in all: it may wait, or the machine be busy."""


class TooSlow(BaseException):
    """Time is up. No `Exception`, so that no constructor takes it for a failure of its own."""


class Alarm:
    """Ends what runs inside with `TooSlow` after a time; again each second, for a bare `except` hides one.

    It is the time that this process computes that counts, so that a busy machine changes no outcome.
    May be entered many times. C code that does not come back to Python is not ended.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.rang = False
        signal.signal(signal.SIGALRM, self._ring)
        signal.signal(signal.SIGPROF, self._ring)

    def _ring(self, *_: Any) -> None:
        self.rang = True
        raise TooSlow

    def __enter__(self) -> None:
        self.rang = False
        signal.setitimer(signal.ITIMER_PROF, self.seconds, 1.0)
        signal.setitimer(signal.ITIMER_REAL, WALL * self.seconds, 1.0)

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
