"""Exceptions as facts."""

from __future__ import annotations

from typing import Any

from .capture import MESSAGE_LIMIT, RAW_LIMIT, text_of
from .frames import Frames
from .probe import Probe

PARTS_LIMIT = 50


def thrown(probe: Probe, frames: Frames, error: BaseException) -> dict[str, Any]:
    """The exception, where the engine raised it, and the errors that it collects (pydantic's)."""
    return {
        "type": dotted(type(error)),
        "mro": [dotted(cls) for cls in type(error).__mro__ if cls is not object],
        "message": _message(probe, text_of(error)),
        "frames": _frames(frames, error),
        "parts": _parts(probe, frames, error),
        "outside": frames.outside(error.__traceback__),
    }


def dotted(cls: type) -> str:
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"


def _message(probe: Probe, text: str) -> str:
    return probe.scrub(text[:RAW_LIMIT], MESSAGE_LIMIT)


def _frames(frames: Frames, error: BaseException) -> list[str]:
    """Its own frames; those of what it was made from where the engine has no part in it itself."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        found = frames.of_traceback(one.__traceback__)
        if found:
            return found
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return []


def _parts(probe: Probe, frames: Frames, error: BaseException) -> list[dict[str, Any]]:
    """The errors in a collected one: each a mapping with `type`, `loc` and `msg`, and a cause in `ctx`."""
    collected = getattr(error, "errors", None)
    if not callable(collected):
        return []
    try:
        errors = collected()
        return [_part(probe, frames, dict(one)) for one in list(errors)[:PARTS_LIMIT]]
    except Exception:
        return []  # Something else that is called so; the exception itself has been told.


def _part(probe: Probe, frames: Frames, error: dict[str, Any]) -> dict[str, Any]:
    cause = (error.get("ctx") or {}).get("error")
    cause = cause if isinstance(cause, BaseException) else None
    return {
        "type": str(error["type"]),
        "loc": [one if isinstance(one, int) else str(one) for one in error.get("loc", ())],
        "message": _message(probe, str(error["msg"])),
        "error": dotted(type(cause)) if cause else None,
        "frames": _frames(frames, cause) if cause else [],
    }
