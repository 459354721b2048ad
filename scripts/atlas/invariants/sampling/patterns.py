"""Texts that a regular expression matches: enough of its syntax for patterns that check a parameter.

What is not understood gives a text that does not match; the caller looks at both kinds anyway.
"""

from __future__ import annotations

import re

CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "n": "\n", "t": "\t"}
ANCHORS = {"b", "B", "A", "Z"}
GROUP_START = re.compile(r"\((?:\?(?:P<\w+>|:|[aiLmsux-]+:|(?P<zero><?[=!]|P=|#)|[aiLmsux]+(?=\))))?")
QUANTIFIER = re.compile(r"(?P<mark>[*+?]|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})[?+]?")


def matching(pattern: str) -> tuple[str, ...]:
    """Up to two texts, one with as few repetitions as the pattern takes and one with more."""
    return tuple(dict.fromkeys(_Reader(pattern, extra).text() for extra in (0, 1)))


class _Reader:
    """Reads a pattern from left to right and writes one text for it."""

    def __init__(self, pattern: str, extra: int) -> None:
        self._pattern = pattern
        self._extra = extra
        self._at = 0

    def text(self) -> str:
        """The text of the alternatives from here to the end of the group: that of the first one."""
        branches = [""]
        while self._at < len(self._pattern) and self._pattern[self._at] != ")":
            if self._pattern[self._at] == "|":
                self._at += 1
                branches.append("")
                continue
            branches[-1] += self._repeated(self._atom())
        return branches[0] or next((one for one in branches if one), "")

    def _atom(self) -> str:
        char = self._pattern[self._at]
        if char == "(":
            return self._group()
        if char == "[":
            return self._set()
        self._at += 1
        if char == "\\" and self._at < len(self._pattern):
            self._at += 1
            return self._escaped(self._pattern[self._at - 1])
        return {".": "a", "^": "", "$": ""}.get(char, char)

    def _group(self) -> str:
        start = GROUP_START.match(self._pattern, self._at)
        self._at = start.end() if start else self._at + 1
        inner = self.text()
        self._at += 1
        return "" if start and start["zero"] else inner

    def _set(self) -> str:
        """The first member of a set, or, of a set of what is excluded, a character outside it."""
        end = self._pattern.find("]", self._at + 2)
        body, self._at = self._pattern[self._at + 1 : end], (end + 1 if end > 0 else len(self._pattern))
        if end < 0 or body.endswith("\\"):  # it does not end there
            return ""
        if body.startswith("^"):
            excluded = re.compile(f"[{body[1:]}]") if body[1:] else re.compile("$^")
            return next((one for one in "a0-_ .Z" if not excluded.match(one)), "")
        return self._escaped(body[1:2]) if body.startswith("\\") else body[:1]

    def _escaped(self, char: str) -> str:
        return "" if char in ANCHORS else CLASSES.get(char, char)

    def _repeated(self, atom: str) -> str:
        found = QUANTIFIER.match(self._pattern, self._at)
        if not found:
            return atom
        self._at = found.end()
        least = {"*": 0, "?": 0, "+": 1}.get(found["mark"], int(found["least"] or 0))
        exact = found["mark"] == "?" or (bool(found["mark"].startswith("{")) and not found["comma"])
        most = int(found["most"]) if found["most"] else (least if exact else least + 1)
        return atom * min(least + self._extra, max(most, least, 1 if found["mark"] == "?" else 0))
