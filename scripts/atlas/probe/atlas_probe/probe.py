"""What is known while one request is answered, and the limits of what could be read."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

TEXT_LIMIT = 400
ADDRESS = re.compile(r"(?: object)? at 0x[0-9a-fA-F]+")


class Probe:
    """One request's state: what counts as the engine's own, what to follow, and what was missed."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.packages = tuple(request["packages"])
        self.fixtures: str = request.get("fixtures") or ""
        self.limitations: list[dict[str, Any]] = []
        self.roots: set[type] = set()
        """Classes that the request names: configuration, whatever they are made with."""
        self.seen_types: dict[str, type] = {}
        """Configuration classes met in types; emptied by who follows them."""
        self.lines: dict[str, dict[str, int]] = {}
        """By file: where its classes, fields, functions and parameters are."""
        self.places = sorted(_places(request), key=lambda place: -len(place[0]))

    def attempt(self, code: str, subject: str, read: Callable[..., Any], *arguments: Any) -> Any:
        """What `read` returns; where it fails, none and a limitation."""
        try:
            return read(*arguments)
        except (Exception, SystemExit) as error:
            self.miss(code, subject, error)
            return None

    def miss(self, code: str, subject: str, error: BaseException | str) -> None:
        reason = error if isinstance(error, str) else self.explain(error)
        self.limitations.append({"code": code, "subject": subject, "reason": reason})

    def explain(self, error: BaseException) -> str:
        # pydantic says what is wrong in the third line.
        text = " ".join(line.strip() for line in str(error).strip().splitlines()[:4])
        return self.scrub(f"{type(error).__name__}: {text}" if text else type(error).__name__)

    def scrub(self, text: str, limit: int = TEXT_LIMIT) -> str:
        """Text without addresses and without this machine's folders."""
        if "/" in text:
            for path, placeholder in self.places:
                text = text.replace(path, placeholder)
        if "0x" in text:
            text = ADDRESS.sub("", text)
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def own_modules(self, names: Iterable[str]) -> list[str]:
        """Those of the engine's."""
        return [name for name in names if name.split(".")[0] in self.packages]

    def is_own(self, item: Any) -> bool:
        """Whether a class or function is defined by the engine."""
        module = getattr(item, "__module__", None)
        return isinstance(module, str) and module.split(".")[0] in self.packages


def _places(request: dict[str, Any]) -> list[tuple[str, str]]:
    """Folders of this machine, and what is written for them."""
    places = [(path, "<engine>") for path in request.get("overlay", ())]
    places += [(request.get("fixtures") or "", "<fixtures>"), (sys.prefix, "<environment>")]
    # A Python of the system's lies in /usr, which is no place of this machine only.
    python = "" if sys.base_prefix in ("/usr", "/usr/local") else sys.base_prefix
    places += [(python, "<python>"), (os.getcwd(), "<cwd>")]
    places += [(os.environ.get(name) or "", f"<{name.lower()}>") for name in ("TMPDIR", "HOME")]
    both = [(form, name) for path, name in places for form in {path, os.path.realpath(path) if path else ""}]
    return [(path, name) for path, name in both if len(path) > 1]
