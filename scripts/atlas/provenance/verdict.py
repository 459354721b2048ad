"""Snakemake's own verdict on the workflow, as data: which jobs there are, which are stale, and why.

`ask` runs `snakemake -n` in a process of its own (this module as a program), which reads the DAG that
Snakemake has judged. Nothing here decides what is stale, and nothing on disk is changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from atlas.errors import BuildError


@dataclass(frozen=True)
class Reason:
    """Why a job is stale.

    `kind`: missing, input, upstream (an input will be made anew), inputs (their set differs), code,
    params, command, container, edited, interrupted, unknown (no provenance) or forced.
    """

    kind: str
    what: str
    before: str | None = None
    now: str | None = None


@dataclass(frozen=True)
class Job:
    """`needs` are the numbers of jobs (places in Verdict.jobs) that make inputs of this one.

    `unfit` is the reason why it cannot be run on this machine, if it cannot.
    """

    rule: str
    outputs: tuple[str, ...]
    logs: tuple[str, ...]
    stale: bool
    missing: bool
    reasons: tuple[Reason, ...]
    needs: tuple[int, ...]
    unfit: str | None = None

    def has_own_reason(self) -> bool:
        """Whether it is stale even if all that it needs comes out the same."""
        return self.missing or any(reason.kind != "upstream" for reason in self.reasons)


@dataclass(frozen=True)
class Verdict:
    """`rules` and `jobs` are in the order in which they would run; `targets` were asked for."""

    rules: tuple[str, ...]
    jobs: tuple[Job, ...]
    targets: tuple[str, ...]
    roots: tuple[str, ...]
    shared: tuple[str, ...]
    """Those of the roots that hold sources too."""

    def stale(self) -> list[Job]:
        return [job for job in self.jobs if job.stale]


def ask(root: Path, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Verdict:
    """The verdict of `snakemake -n ARGUMENTS` in `root`; BuildError if Snakemake can't give one."""
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch, "verdict.json")
        done = subprocess.run(
            [sys.executable, "-m", "atlas.provenance.verdict", str(answer), *arguments],
            cwd=root,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode or not answer.exists():
            raise BuildError(f"snakemake -n failed:\n{done.stdout.strip()}", where=str(root / "Snakefile"))
        return _from_json(json.loads(answer.read_bytes()))


def _from_json(value: dict[str, Any]) -> Verdict:
    jobs = tuple(
        Job(
            rule=job["rule"],
            outputs=tuple(job["outputs"]),
            logs=tuple(job["logs"]),
            stale=job["stale"],
            missing=job["missing"],
            reasons=tuple(Reason(**reason) for reason in job["reasons"]),
            needs=tuple(job["needs"]),
            unfit=job["unfit"],
        )
        for job in value["jobs"]
    )
    names = {key: tuple(value[key]) for key in ("rules", "targets", "roots", "shared")}
    return Verdict(jobs=jobs, **names)


# What follows runs in the process of Snakemake.


def main(answer: Path, arguments: Sequence[str]) -> int:
    import snakemake.cli

    from atlas.provenance.sidecar import SidecarPersistence

    SidecarPersistence.judges_all = True
    status: Any = 0
    try:
        snakemake.cli.main(["--quiet", "all", "--dry-run", *arguments])
    except SystemExit as end:
        status = end.code
    if status:
        return int(status) if isinstance(status, int) else 1
    persistence = SidecarPersistence.current
    if persistence is None:
        print("the workflow does not use the committed provenance: see docs/staleness.md")
        return 1
    answer.write_text(json.dumps(asdict(_verdict(persistence))))
    return 0


def _verdict(persistence: Any) -> Verdict:
    dag = persistence.dag
    jobs = [job for level in dag.toposorted() for job in sorted(level, key=_first_output)]
    jobs = [job for job in jobs if not job.rule.norun]
    numbers = {job: number for number, job in enumerate(jobs)}
    unfit = persistence.skipping.jobs(dag)
    return Verdict(
        rules=tuple(_rules(dag, jobs)),
        jobs=tuple(
            Job(
                rule=job.rule.name,
                outputs=tuple(map(str, job.output)),
                logs=tuple(map(str, job.log)),
                stale=dag.needrun(job),
                missing=any(not Path(output).exists() for output in job.output),
                reasons=tuple(_reasons(dag.reason(job), job, persistence)) if dag.needrun(job) else (),
                needs=tuple(sorted(numbers[needed] for needed in dag.dependencies[job] if needed in numbers)),
                unfit=unfit.get(job),
            )
            for job in jobs
        ),
        targets=tuple(map(str, dag.workflow.dag_settings.targets or ())),
        roots=persistence.roots,
        shared=persistence.shared,
    )


def _first_output(job: Any) -> str:
    return str(job.output[0]) if job.output else ""


def _rules(dag: Any, jobs: Iterable[Any]) -> Iterator[str]:
    """Names of rules in the order of the DAG, which is derived from jobs and not from the Snakefile."""
    before: dict[str, set[str]] = {}
    for job in jobs:
        needed = {other.rule.name for other in dag.dependencies[job] if not other.rule.norun}
        before.setdefault(job.rule.name, set()).update(needed - {job.rule.name})
    try:
        yield from TopologicalSorter(before).static_order()
    except CycleError as error:
        raise BuildError(f"rules need each other in turn: {' -> '.join(error.args[1])}") from None


def _reasons(reason: Any, job: Any, persistence: Any) -> Iterator[Reason]:
    if reason.forced:
        yield Reason("forced", job.rule.name)
    yield from (Reason("missing", str(file)) for file in sorted(reason.missing_output))
    for file in sorted(reason.updated_input - reason.updated_input_run):
        yield _input(str(file), job, persistence)
    yield from _of_record(reason, job, persistence)
    yield from (Reason("upstream", str(file)) for file in sorted(reason.updated_input_run))


def _of_record(reason: Any, job: Any, persistence: Any) -> Iterator[Reason]:
    """What differs from the record.

    Snakemake does not look for it where it has another reason. But whether a job has reasons of its
    own tells whether it will still be stale if what is above comes out the same, so it is asked here.
    """
    if reason.missing_output or reason.forced:
        return
    record = persistence.metadata(job.output[0])
    if any(persistence.input_changed(job)):
        before, now = set(record.input or ()), set(persistence._input(job))
        yield from (Reason("inputs", f"{file} is no longer an input") for file in sorted(before - now))
        yield from (Reason("inputs", f"{file} is a new input") for file in sorted(now - before))
    if any(persistence.code_changed(job)):
        yield Reason("command", job.rule.name, record.code, persistence._code(job.rule))
    differences = persistence.params_changed(job).differences()
    yield from (Reason(found.kind, found.what, found.before, found.now) for found in differences)
    if any(persistence.software_stack_changed(job)):
        yield Reason("container", job.rule.name, record.container_img_url, job.container_img_url)


def _input(file: str, job: Any, persistence: Any) -> Reason:
    from atlas.canonical import sha256_file

    recorded = (persistence.metadata(job.output[0]).input_checksums or {}).get(file)
    return Reason("input", file, recorded and recorded[:19], sha256_file(Path(file))[:19])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
