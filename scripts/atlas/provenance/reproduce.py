"""`atlas reproduce`: make artefacts again from nothing elsewhere, and compare them with the committed.

The working tree is copied to a scratch folder, the artefacts of the chosen cells are removed there,
and Snakemake makes them again with an empty cache. Exit codes: 0 all are identical, 1 some differ,
2 some could not be built.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from atlas.errors import BuildError
from atlas.outcome import answer
from atlas.progress import say
from atlas.provenance.cells import choose
from atlas.provenance.comparison import compare, show
from atlas.provenance.ladder import reports
from atlas.provenance.record import path_of
from atlas.provenance.runner import explain, snakemake
from atlas.provenance.verdict import Job, Verdict, ask

SKIPPED = {".git", ".snakemake", ".venv", ".tools", "logs", "dist", "__pycache__"}
"""Folders that hold nothing of the project, where git can't tell."""


def run_reproduce(
    root: Path,
    *,
    engine: str | None,
    version: str | None,
    everything: bool,
    keep: bool,
    spare: Sequence[str] = (),
) -> int:
    """Make the chosen cells again: those of current versions, unless told otherwise.

    What rules in `spare` make is taken as it is: pins are what an index held at some time.
    """
    scratch = Path(tempfile.mkdtemp(prefix="atlas-reproduce-"))
    try:
        return _reproduce(
            root, scratch, choose(root, engine, version, everything), everything and not engine, spare
        )
    finally:
        if keep:
            say(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)


def _reproduce(
    root: Path, scratch: Path, cells: Sequence[tuple[str, str]], all_jobs: bool, spare: Sequence[str]
) -> int:
    tree = scratch / "tree"
    _copy(root, tree)
    env = {
        "ATLAS_CACHE": str(scratch / "cache"),
        "ATLAS_ROOT": str(tree),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tree / "scripts"), os.environ.get("PYTHONPATH")])),
    }
    uv = root / ".tools" / "bin" / "uv"  # not copied: git ignores it
    if uv.is_file():
        env["ATLAS_UV"] = os.environ.get("ATLAS_UV") or str(uv)
    verdict = ask(tree, env=env)
    jobs = [job for job in _chosen(verdict, cells, all_jobs) if job.rule not in spare]
    built = [job for job in jobs if all((root / output).exists() for output in job.outputs)]
    for job in jobs:
        if job not in built:
            say(f"skipped, not built so far: {', '.join(job.outputs)}")
    artefacts = [(job, output) for job in built for output in job.outputs]
    for _, output in artefacts:
        (tree / output).unlink(missing_ok=True)
        path_of(tree / output).unlink(missing_ok=True)
    say(f"making {len(artefacts)} artefacts again, in {tree}, with an empty cache")
    # Reports come last, in a run of their own: what they are made from may depend on what was found.
    ends = reports(verdict)
    said = [
        snakemake(tree, [], jobs, env)
        for jobs in ([j for j in built if j.rule not in ends], [j for j in built if j.rule in ends])
        if jobs
    ]
    failures = "\n".join(filter(None, said))
    missing = [job for job in built if not all((tree / output).exists() for output in job.outputs)]
    if failures:
        explain(missing, tree, failures)
    compared = [compare(root, tree, job.rule, output) for job, output in artefacts if job not in missing]
    answer(
        {
            "compared": [asdict(one) for one in compared],
            "not_built": [output for job in missing for output in job.outputs],
            "skipped": [output for job in jobs if job not in built for output in job.outputs],
        }
    )
    show(compared)
    for job in missing:
        say(f"could not be built: {', '.join(job.outputs)}")
    if missing or failures:
        return BuildError.exit_code
    return 0 if all(artefact.identical for artefact in compared) else 1


def _chosen(verdict: Verdict, cells: Sequence[tuple[str, str]], all_jobs: bool) -> list[Job]:
    """Jobs of these cells, by where their artefacts are; or all, reports included."""
    own = [root for root in verdict.roots if root not in verdict.shared]
    folders = tuple(f"{root}{engine}/{version}/" for root in own for engine, version in cells)
    return [job for job in verdict.jobs if all_jobs or job.outputs[0].startswith(folders)]


def _copy(root: Path, tree: Path) -> None:
    """The working tree as it is, without what git ignores."""
    for name in _files(root):
        source, target = root / name, tree / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _files(root: Path) -> Iterable[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return _walk(root)
    return sorted(set(filter(None, listed.decode("utf-8", "surrogateescape").split("\0"))))


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED)
        yield from (str(Path(folder, name).relative_to(root)) for name in sorted(names))
