"""Progress of long steps, on stderr: a live line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Advance = Callable[[int, int], None]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def meter(label: str, unit: str = "MB", scale: float = 1e6, every: float = 1.0) -> Advance:
    """A function to call with (done, total); it prints at most once in `every` seconds, and the end."""
    last = [0.0]
    live = sys.stderr.isatty()

    def advance(done: int, total: int) -> None:
        now = time.monotonic()
        finished = total > 0 and done >= total
        if not finished and now - last[0] < every:
            return
        last[0] = now
        share = f" ({done / total:4.0%})" if total else ""
        text = f"{label}: {done / scale:.1f} of {total / scale:.1f} {unit}{share}"
        if live:
            sys.stderr.write("\r\x1b[K" + text + ("\n" if finished else ""))
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    return advance
