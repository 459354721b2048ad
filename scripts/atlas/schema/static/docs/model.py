"""What documentation says about the parameters of one class or function."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class DocEntry:
    """One documented parameter; `type_text` and `default_text` are as written, without `optional`."""

    type_text: str | None
    text: str
    default_text: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Docs:
    """First paragraph of a docstring, and its parameters in the order written."""

    summary: str = ""
    params: Mapping[str, DocEntry] = field(default_factory=dict)


def fold(text: str) -> str:
    """The text on one line, runs of whitespace made one space; roles and markup are kept."""
    return _SPACE.sub(" ", text).strip()


def merge_docs(docs: Iterable[Docs]) -> Docs:
    """One view of several docstrings, nearest first (a class, its `__init__`, then bases in MRO order).

    A nearer entry wins; what it leaves out (text, type, default) is filled from a farther one.
    """
    summary = ""
    params: dict[str, DocEntry] = {}
    for each in docs:
        summary = summary or each.summary
        for name, entry in each.params.items():
            params[name] = _filled(params[name], entry) if name in params else entry
    return Docs(summary, params)


def _filled(near: DocEntry, far: DocEntry) -> DocEntry:
    return replace(
        near,
        type_text=near.type_text or far.type_text,
        text=near.text or far.text,
        default_text=near.default_text or far.default_text,
        # Only the docstring that gave the type says whether it was optional.
        optional=near.optional if near.type_text else far.optional,
    )
