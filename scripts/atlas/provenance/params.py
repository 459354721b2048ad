"""The parameters of a job as texts with names, fit to be compared and committed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError

from atlas.provenance.record import MODULE

_DIGEST = re.compile(r"sha256:([0-9a-f]{16})[0-9a-f]{48}")


def texts(job: Any) -> list[str]:
    """`path@digest` of each file of code, `name=value` of each other parameter of a job, sorted.

    Stock Snakemake compares bare values, so that a swap of two goes unseen. Parameters that are
    computed from input, output, threads or resources are left out: they can hold machine facts,
    and inputs are compared anyway. A mapping counts key by key, as `name.key=value`; of a sha256
    the first 16 digits are kept.
    """
    derived = _derived(job.rule)
    items = list(job.params._allitems())
    found = list(_modules(tuple(value for name, value in items if name is None and isinstance(value, str))))
    modules = set(found)
    for name, value in items:
        if name not in derived and not (name is None and isinstance(value, str) and value in modules):
            try:
                found.extend(_texts(name, value))
            except TypeError as error:
                raise WorkflowError(f"rule {job.rule.name}: {error}") from None
    return sorted(set(found))


@lru_cache
def _derived(rule: Any) -> frozenset[str]:
    items = rule.params._allitems()
    return frozenset(name for name, item in items if name and rule._is_deriving_function(item))


def _texts(name: str | None, value: Any) -> Iterator[str]:
    if isinstance(value, list) and value and len(_modules(tuple(map(str, value)))) == len(value):
        yield from value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{name or 'params'}.{key}", item)
    else:
        text = f"{name or 'params'}=" + _DIGEST.sub(r"sha256:\1", _plain(name, value))
        if os.getcwd() in text:  # noqa: PTH109
            raise TypeError(f"parameter {text} holds the path of this checkout; give it relative to it")
        yield text


@lru_cache
def _modules(values: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are files of code. Remembered, as all jobs of a rule run the same code."""
    return tuple(value for value in values if MODULE.fullmatch(value))


def _plain(name: str | None, value: Any) -> str:
    """A text that is the same in every process and on every machine."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        # str() of subclasses such as Snakemake's: only their plain value counts.
        return repr(str(value) if isinstance(value, str) else value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_plain(name, item) for item in value)}]"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(_plain(name, item) for item in value))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{key!r}: {_plain(name, item)}' for key, item in value.items()))}}}"
    if isinstance(value, PurePath):
        return repr(value.as_posix())
    raise TypeError(
        f"parameter {name} is a {type(value).__name__}; only plain values can be compared from run to run"
    )
