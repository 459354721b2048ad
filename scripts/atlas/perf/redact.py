"""Secrets: they stand in no record, environment or excerpt of a log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GONE = "[redacted]"
NAMES = re.compile(
    r"TOKEN|SECRET|PASS(WORD|WD|PHRASE)?\b|PASSWORD|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE|AUTH|COOKIE|SESSION"
    r"|(^|_)KEY$|(^|_)PAT$|DSN|WEBHOOK",
    re.I,
)
HARMLESS = re.compile(r"^(TOKENIZERS_\w+|SSH_AUTH_SOCK|XDG_SESSION_\w+|\w*MAX_TOKENS?\w*|DESKTOP_SESSION)$")
VALUES = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{16}|xox[abpr]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?i:(?<=bearer )[\w.~+/-]{8,}=*)"
)
SHORTEST = 6
"""A shorter value is no secret, and would stand in many words."""


@dataclass(frozen=True)
class Redactor:
    """Knows the secrets of an environment by the names of its variables."""

    secrets: tuple[str, ...] = ()

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Redactor:
        found = {value for name, value in env.items() if is_secret(name) and len(value) >= SHORTEST}
        return cls(tuple(sorted(found, key=lambda value: (-len(value), value))))

    def text(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, GONE)
        return VALUES.sub(GONE, text)

    def value(self, value: Any) -> Any:
        """The same of all texts in a JSON value, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list | tuple) else value

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {name: GONE if is_secret(name) else self.text(value) for name, value in sorted(env.items())}


def is_secret(name: str) -> bool:
    return bool(NAMES.search(name)) and not HARMLESS.match(name)
