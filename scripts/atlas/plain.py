"""Text of others, as a terminal may show it."""

from __future__ import annotations

import unicodedata

KEPT = "\n\t"


def printable(text: str) -> str:
    """With control characters, and those that change the direction of writing, written out (`\\x1b`)."""
    if text.isprintable():
        return text
    return "".join(_written_out(one) if _is_control(one) else one for one in text)


def _is_control(one: str) -> bool:
    return one not in KEPT and unicodedata.category(one) in ("Cc", "Cf", "Cs")


def _written_out(one: str) -> str:
    return f"\\x{ord(one):02x}" if ord(one) < 256 else f"\\u{ord(one):04x}"
