"""Time limits inside the engine's process."""

from __future__ import annotations

import signal
from typing import Any


class TooSlow(BaseException):
    """Time is up. No `Exception`, so that no constructor takes it for a failure of its own."""


class Alarm:
    """Ends what runs inside with `TooSlow` after a time; again each second, for a bare `except` hides one.

    May be entered many times. C code that does not come back to Python is not ended.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.rang = False
        signal.signal(signal.SIGALRM, self._ring)

    def _ring(self, *_: Any) -> None:
        self.rang = True
        raise TooSlow

    def __enter__(self) -> None:
        self.rang = False
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 1.0)

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
