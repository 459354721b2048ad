"""Mtimes under which Snakemake compares content: what goes into its cache in place of real ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from snakemake_interface_storage_plugins.io import Mtime

from atlas.provenance.record import SUFFIX, Sidecar

BEFORE_EVERY_FILE = -1e9
AFTER_EVERY_FILE = 1e12


def ages(roots: Iterable[str], read: Callable[[str], Sidecar | None]) -> dict[str, Mtime]:
    """For each file under `roots` an mtime that is older than those of its recorded inputs.

    Files without a sidecar are newer than all, so that no input of theirs counts as updated and
    the missing sidecar is named as the reason.
    """
    inputs: dict[str, list[str]] = {}
    times: dict[str, Mtime] = {}
    for path in _files(roots):
        sidecar = read(path)
        if sidecar is None:
            times[path] = Mtime(local=AFTER_EVERY_FILE)
        else:
            inputs[path] = list(sidecar.inputs)
    depths = _depths(inputs)
    times.update({path: Mtime(local=BEFORE_EVERY_FILE - depths[path]) for path in inputs})
    return times


def _files(roots: Iterable[str]) -> Iterator[str]:
    for root in roots:
        for folder, _, names in os.walk(root):
            yield from (os.path.join(folder, name) for name in names if not name.endswith(SUFFIX))  # noqa: PTH118


def _depths(inputs: Mapping[str, list[str]]) -> dict[str, int]:
    """How many artefacts each artefact is built from in a row; damaged sidecars may form a cycle."""
    depths: dict[str, int] = {}

    def depth(path: str, above: frozenset[str]) -> int:
        if path not in depths:
            deeper = [depth(i, above | {path}) for i in inputs[path] if i in inputs and i not in above]
            depths[path] = 1 + max(deeper, default=0)
        return depths[path]

    for path in inputs:
        depth(path, frozenset())
    return depths
