"""What makes two outcomes the same: the statement they come from, else their kind and their text's shape."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from atlas.invariants.model import Candidate, Depth, Effect, Json, Observation, Severity, Site, Thrown
from atlas.invariants.outcomes import short
from atlas.invariants.predicate.expr import Expr

Kind = Literal["rejected", "warned", "changed"]
SEVERITY: dict[Kind, Severity] = {"rejected": "error", "warned": "warn", "changed": "dormant"}

_LOGGING = re.compile(r"(^|[/_])_?(log|logs|logger|logging|warn|warning|warnings)(?=[/_.])")
_VALUE = re.compile(
    r"""
    (?P<quoted>'(?:[^'\\\n]|\\.)*'(?!\w) | "(?:[^"\\\n]|\\.)*" | `[^`\n]*`)
  | (?P<number>(?<![\w.])[-+]?(?:\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+|inf|nan)(?![\w]))
  | (?P<word>\b(?:True|False|None)\b)
  | (?P<repr><[^<>\n]*>)
    """,
    re.VERBOSE,
)
_LISTED = re.compile(r"\[(?:'\w+'(?:, )?)+\]|\[(?:\"\w+\"(?:, )?)+\]")
_CONVERSION = re.compile(r"_(type|parsing|parsing_size|from_float|unicode|instance_of)$")


@dataclass(frozen=True)
class Signature:
    """One thing that an engine does, whatever the values. `None` in `shape` stands for any text.

    `what` is the exception's class, the channel of a warning or the changed field; `frame` the innermost
    `file:line`; `field` the parameter that a collected error names; `value` what a field is changed to.
    """

    kind: Kind
    what: str
    frame: str | None = None
    shape: str | None = None
    field: str | None = None
    value: Expr | None = None

    def coarse(self) -> Signature:
        """The same whatever the text; what comes from no known statement has nothing but its text."""
        return replace(self, shape=None) if self.frame else self

    def covers(self, other: Signature) -> bool:
        """Whether an outcome with the other signature is one of these."""
        return self in (other, other.coarse(), replace(other, value=None))

    def order(self) -> tuple[str, ...]:
        """A total order that depends on nothing but the contents."""
        return (self.kind, self.frame or "", self.what, self.field or "", self.shape or "", repr(self.value))


def mask(message: str, names: Collection[str] = ()) -> str:
    """The text with values masked: numbers, quoted text, reprs and brackets; quoted `names` stay."""
    return _mask(message, names if isinstance(names, frozenset) else frozenset(names))


def split_text(message: str, names: Collection[str] = ()) -> list[str]:
    """The text; where it lists several fields in brackets, once for each of them."""
    listed = _LISTED.search(message)
    its = re.findall(r"\w+", listed.group()) if listed else []
    if not listed or not all(name in names for name in its):
        return [message]
    return [f"{message[: listed.start()]}['{name}']{message[listed.end() :]}" for name in its]


def shape_of(text: str, names: Collection[str] = ()) -> str:
    """The masked text; a single field in brackets stays."""
    listed = _LISTED.search(text)
    if not listed or not all(name in names for name in re.findall(r"\w+", listed.group())):
        return mask(text, names)
    return mask(text[: listed.start()], names) + listed.group() + mask(text[listed.end() :], names)


@lru_cache(maxsize=50_000)
def _mask(message: str, names: frozenset[str]) -> str:
    def masked(match: re.Match[str]) -> str:
        text = match.group()
        if match.lastgroup == "quoted" and (text[0] == "`" or text[1:-1] in names):
            return text
        return "…"

    return re.sub(r"…(?:\s*,\s*…)+", "…", _VALUE.sub(masked, unbracketed(message)))


def unbracketed(message: str) -> str:
    """The text with `…` for whatever stands in square or curly brackets."""
    out: list[str] = []
    opened: list[int] = []
    for char in message:
        out.append(char)
        if char in "[{":
            opened.append(len(out) - 1)
        elif char in "]}" and opened:
            out[opened.pop() :] = ["…"]
    return "".join(out)


def signatures(observation: Observation, names: Collection[str] = ()) -> tuple[Signature, ...]:
    """Everything that the engine did, in order, each once. `names` are the target's fields."""
    found: list[Signature] = []
    if observation.outcome == "rejected" and observation.thrown:
        found += _rejections(observation.thrown, names)
    for warned in observation.warned:
        frame = next((frame for frame in warned.frames if not _LOGGING.search(frame)), None)
        found += (
            Signature("warned", warned.channel, frame, shape_of(text, names))
            for text in split_text(warned.message, names)
        )
    found += (Signature("changed", name, field=name) for name in sorted(observation.changed))
    return tuple(dict.fromkeys(found))


def _rejections(thrown: Thrown, names: Collection[str]) -> Iterable[Signature]:
    for part in thrown.parts:
        frames, loc = tuple(part.get("frames") or ()), tuple(part.get("loc") or ())
        name = loc[0] if loc and isinstance(loc[0], str) else None
        if frames:
            shape = mask(str(part.get("message", "")), names)
        else:
            shape = _part_shape(part, names)
        yield Signature("rejected", thrown.type, frames[0] if frames else None, shape, name)
    if not thrown.parts:
        frame = thrown.frames[0] if thrown.frames else None
        for text in split_text(thrown.message, names):
            yield Signature("rejected", thrown.type, frame, shape_of(text, names))


def _part_shape(part: Mapping[str, Json], names: Collection[str]) -> str:
    """All that a value of the wrong type gives, one per member of a union, is one thing."""
    kind = str(part.get("type", ""))
    if kind in ("value_error", "assertion_error"):
        return f"{kind}: {mask(str(part.get('message', '')), names)}"
    return "conversion" if _CONVERSION.search(kind) else kind


def message_of(observation: Observation, signature: Signature, names: Collection[str] = ()) -> str | None:
    """The text that came with the signature."""
    for warned in observation.warned:
        frame = next((frame for frame in warned.frames if not _LOGGING.search(frame)), None)
        for text in split_text(warned.message, names):
            if signature.covers(Signature("warned", warned.channel, frame, shape_of(text, names))):
                return text
    if signature.kind != "rejected" or observation.thrown is None:
        return None
    thrown = observation.thrown
    texts = split_text(thrown.message, names)
    singles = [replace(thrown, parts=(part,)) for part in thrown.parts]
    for single in singles or [replace(thrown, message=text) for text in texts]:
        if any(signature.covers(each) for each in _rejections(single, names)):
            return str(single.parts[0].get("message", "")) if single.parts else single.message
    return None


def could_reach(observation: Observation, signature: Signature) -> bool:
    """Whether the engine, not having done it, came to where it would have: else nothing is known.

    Collected errors are looked for field by field, each field whatever the others are.
    """
    if observation.outcome == "ok":
        return True
    thrown = observation.thrown
    if observation.outcome != "rejected" or thrown is None or signature.kind != "rejected":
        return False
    if signature.frame or not signature.field or not thrown.parts:
        return False
    located = [tuple(part.get("loc") or ()) for part in thrown.parts]
    return all(located) and all(loc[0] != signature.field for loc in located)


def candidate(
    target: str, signature: Signature, depth: Depth, when: Expr, message: str | None = None
) -> Candidate:
    """The rule that the signature's outcome comes when `when` holds."""
    site = None
    if signature.frame:
        file, _, line = signature.frame.rpartition(":")
        site = Site(file, int(line), int(line))
    effect = Effect(
        raises=short(signature.what) if signature.kind == "rejected" else None,
        warns=signature.what if signature.kind == "warned" else None,
        sets={signature.what: signature.value} if signature.value is not None else {},
    )
    place = signature.field if signature.kind == "rejected" and site is None else None
    return Candidate(target, SEVERITY[signature.kind], depth, when, effect, "live", message, site, place)
