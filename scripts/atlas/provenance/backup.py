"""The last good artefact survives a job that fails or is killed.

Outputs are declared `update(…)`, so Snakemake leaves them in place while their job runs, and asks
its persistence to copy them away before and back after a failure. Here these copies are written
in one step, outlive a killed run, and are put back by the next one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from atlas.canonical import sha256_file
from atlas.provenance import record

Signature = tuple[int, int, int]


def signature(path: Path) -> Signature | None:
    """What moves whenever a file is written, even with the same bytes."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def is_sealed(artefact: Path) -> bool:
    """Whether an artefact is what its sidecar says."""
    sidecar = record.read(artefact)
    return sidecar is not None and artefact.is_file() and sha256_file(artefact) == sidecar.output


def copy(source: Path, target: Path) -> None:
    """Copy a file with its mtime; `target` is replaced in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.copy.tmp")
    shutil.copy2(source, part)
    part.replace(target)


def recover(artefact: Path, backup: Path) -> bool:
    """Undo what a killed run left: temporary files, and an artefact that it did not seal.

    Only for artefacts that this run has locked. True if the last good artefact was put back.
    """
    for part in artefact.parent.glob(f".{artefact.name}.*.tmp"):
        part.unlink(missing_ok=True)
    if not backup.is_file():
        return False
    sidecar = record.read(artefact)
    lost = sidecar is not None and not is_sealed(artefact) and sha256_file(backup) == sidecar.output
    if lost:
        copy(backup, artefact)
    backup.unlink()
    return lost
