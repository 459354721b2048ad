"""What an engine says while it runs: warnings and log records, each time as if it were the first."""

from __future__ import annotations

import functools
import gc
import logging
import sys
import types
import warnings
from typing import Any

from .frames import Frames, is_logging
from .probe import Probe

MESSAGE_LIMIT = 2000
RAW_LIMIT = 20_000
"""A message is cut to this before anything is replaced in it: it may be as long as a file."""
LIMIT = 100
CACHE = type(functools.lru_cache(maxsize=None)(repr))
REPEATING = ("once", "default", "module")
"""Actions of warning filters that let a warning pass only now and then."""


class Capture:
    """Takes warnings and log records (WARNING and above) of this process, whatever handlers there are.

    Made when the engine is loaded. A message that the engine keeps to itself (a logger's level, a filter
    that it installs) is not taken. What it says once only is said again where `functools.lru_cache` or the
    registries of `warnings` remember it; a set of its own cannot be found, and is empty for each chunk only.
    """

    def __init__(self, probe: Probe, frames: Frames) -> None:
        self.probe = probe
        self.frames = frames
        self.taken: list[dict[str, Any]] = []
        # Looking through all objects takes long; what is loaded later is found in its modules.
        self.caches: list[Any] = [one for one in gc.get_objects() if type(one) is CACHE and tells_once(one)]
        self.modules = len(sys.modules)
        self.filters: list[Any] = []

    def install(self) -> None:
        """From here on everything is taken, and goes nowhere else."""

        def take(_: logging.Logger, record: logging.LogRecord) -> None:
            self._log(record)

        setattr(logging.Logger, "callHandlers", take)  # noqa: B010
        self.filters = [("always", *one[1:]) if one[0] in REPEATING else one for one in warnings.filters]
        self._look_into_new_modules()

    def start(self) -> None:
        """Forget what was taken, and let the engine forget what it has said."""
        self.taken = []
        self._look_into_new_modules()
        for cache in self.caches:
            cache.cache_clear()
        warnings.showwarning = self._warn
        if warnings.filters != self.filters:
            warnings.filters[:] = self.filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]

    def _look_into_new_modules(self) -> None:
        if len(sys.modules) == self.modules:
            return
        modules = list(sys.modules.values())[self.modules :]
        self.modules = len(sys.modules)
        for module in modules:
            found = vars(module).values() if isinstance(module, types.ModuleType) else ()
            self.caches += [one for one in list(found) if type(one) is CACHE and tells_once(one)]

    def _log(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            return
        try:
            message = record.getMessage()
        except Exception:
            message = str(record.msg)  # Arguments that do not fit: the message as it was written.
        self._take("logging", record.levelname, message)

    def _warn(self, message: Any, category: Any, *_: Any, **__: Any) -> None:
        self._take("warnings", category.__name__, text_of(message))

    def _take(self, channel: str, category: str, message: str) -> None:
        frames = self.frames.of_stack(sys._getframe())
        if frames is None:
            return  # A module says it while it is imported: about the installation, once in a process.
        fact = {
            "channel": channel,
            "category": category,
            "message": self.probe.scrub(message[:RAW_LIMIT], MESSAGE_LIMIT),
            "frames": frames,
        }
        if len(self.taken) < LIMIT and fact not in self.taken:
            self.taken.append(fact)


def tells_once(cache: Any) -> bool:
    """Whether a cached function is one that says something the first time only."""
    function = getattr(cache, "__wrapped__", None)
    name = getattr(function, "__qualname__", None) or ""
    return "once" in name.lower() or is_logging(getattr(function, "__module__", None) or "")


def text_of(item: Any) -> str:
    """What an object says of itself."""
    try:
        return str(item)
    except Exception as error:
        return f"<{type(item).__name__}: str failed with {type(error).__name__}>"
