"""Where in the engine's own files something happened: `file:line`, innermost first."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import Any

LIMIT = 40
IMPORTING = "<frozen importlib._bootstrap>"
LOGGING = re.compile(r"^(log|logger|logging|logging_utils|log_utils)$")
"""Modules that pass on what others have to say."""


class Frames:
    """Knows which files are the engine's own, and how they are called."""

    def __init__(self, packages: Iterable[str]) -> None:
        self.roots: list[str] = []
        """Folders that the engine's packages lie in."""
        self.packages = tuple(packages)
        self.names: dict[str, str | None] = {}
        for package in self.packages:
            module = sys.modules.get(package)
            inside = list(getattr(module, "__path__", ())) or [getattr(module, "__file__", None) or ""]
            self.roots += [os.path.dirname(path) + os.sep for path in inside if path]

    def name_of(self, path: str) -> str | None:
        """The engine's file as `package/module.py`; none for other files."""
        try:
            return self.names[path]
        except KeyError:
            found = self.names[path] = self._find(path)
            return found

    def _find(self, path: str) -> str | None:
        for root in self.roots:
            inside = path[len(root) :] if path.startswith(root) else ""
            if inside.split(os.sep)[0] in {*self.packages, *(f"{name}.py" for name in self.packages)}:
                return inside.replace(os.sep, "/")
        return None

    def of_traceback(self, traceback: Any) -> list[str]:
        found = []
        while traceback is not None:
            name = self.name_of(traceback.tb_frame.f_code.co_filename)
            if name:
                found.append(f"{name}:{traceback.tb_lineno}")
            traceback = traceback.tb_next
        return found[: -LIMIT - 1 : -1]

    def outside(self, traceback: Any) -> str:
        """The file that raised it as `package/module.py`, where it is none of the engine's."""
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        path = traceback.tb_frame.f_code.co_filename if traceback is not None else ""
        if not path or self.name_of(path):
            return ""
        places = [one for one in sys.path if one and path.startswith(one + os.sep)]
        return path[len(max(places, key=len)) + 1 :].replace(os.sep, "/") if places else ""

    def of_stack(self, frame: Any) -> list[str] | None:
        """Who called, without the engine's own helpers for logging at the near end; none within an import."""
        found: list[str] = []
        while frame is not None:
            path = frame.f_code.co_filename
            if path == IMPORTING:
                return None
            name = self.name_of(path)
            if name and (found or not is_logging(name)):
                found.append(f"{name}:{frame.f_lineno}")
            frame = frame.f_back
        return found[:LIMIT]


def is_logging(name: str) -> bool:
    """Whether a file (or a dotted module) is about logging, by its name."""
    return LOGGING.match(re.split(r"[/.]", re.sub(r"\.py$", "", name))[-1]) is not None
