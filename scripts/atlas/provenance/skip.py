"""Jobs that this machine cannot run: left out of a run with all that is made from them, and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snakemake.logging import logger


@dataclass(frozen=True)
class Skipping:
    """Artefacts that cannot be made where Snakemake runs, with the reason.

    With `elsewhere`, only local rules run there: jobs of all others go to machines of which nothing is
    known here. (Snakemake can tell itself, but not in a dry run.)
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    elsewhere: bool = False

    def jobs(self, dag: Any) -> dict[Any, str]:
        """The jobs that make these artefacts, those that use them for what is in the same folder; and why."""
        if not self.reasons:
            return {}
        found = ((job, next(self._reasons(job), None)) for job in dag.jobs)
        return {job: why for job, why in found if why and self._is_here(dag.workflow, job.rule)}

    def _reasons(self, job: Any) -> Iterator[str]:
        folder = Path(_first(job)).parent
        used = (str(file) for file in job.input if Path(file).parent == folder)
        for file in (*map(str, job.output), *(used if job.output else ())):
            if file in self.reasons:
                yield self.reasons[file]

    def _is_here(self, workflow: Any, rule: Any) -> bool:
        return rule.name in workflow._localrules if self.elsewhere else bool(workflow.is_local(rule))

    def leave_out(self, dag: Any) -> None:
        """Take what cannot be run, and all that is made from it, out of a DAG that has been judged.

        What is fresh needs no run and stays, and so does all else, as with Snakemake's `--omit-from`.
        """
        skipped = {job: why for job, why in self.jobs(dag).items() if dag.needrun(job)}
        gone = list(dag.bfs(dag.depending, *skipped))
        for job in sorted(skipped, key=_first):
            logger.warning(f"skipped: {_first(job)}: {skipped[job]}")
        for job in sorted({*gone} - skipped.keys(), key=_first):
            if not job.rule.norun:
                logger.warning(f"waits for what was skipped: {_first(job)}")
        for job in gone:
            dag.delete_job(job, recursive=False, add_dependencies=True)


def _first(job: Any) -> str:
    return str(job.output[0]) if job.output else ""
