"""What would make the verdict on artefacts wrong, and is refused with a word on what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from snakemake.io import is_flagged
from snakemake.settings.types import RerunTrigger
from snakemake_interface_common.exceptions import WorkflowError


def check(workflow: Any, is_artefact: Callable[[str], bool]) -> None:
    """Raise for options and rules under which stale artefacts could pass for fresh."""
    problems = [*_options(workflow), *_rules(workflow, is_artefact)]
    if problems:
        raise WorkflowError("committed provenance would not hold:\n" + "\n".join(problems))


def _options(workflow: Any) -> Iterator[str]:
    execution = workflow.execution_settings
    if execution and execution.keep_incomplete:
        yield "--keep-incomplete would leave partial artefacts in place of good ones"
    if execution and not execution.keep_metadata:
        yield "--drop-metadata would leave new artefacts without a sidecar"
    missing = set(RerunTrigger.all()) - set(workflow.rerun_triggers)
    if missing:
        names = ", ".join(sorted(trigger.name.lower().replace("_", "-") for trigger in missing))
        yield f"--rerun-triggers leaves out {names}; all of them are needed"


def _rules(workflow: Any, is_artefact: Callable[[str], bool]) -> Iterator[str]:
    for rule in workflow.rules:
        outputs = [output for output in rule.output if is_artefact(str(output))]
        for output in outputs:
            if is_flagged(output, "directory"):
                yield f"rule {rule.name}: {output} is a directory; only files have a digest"
            elif not is_flagged(output, "update"):
                yield (
                    f"rule {rule.name}: declare the output as update({str(output)!r}), "
                    "or Snakemake deletes the last good artefact before the job has made a new one"
                )
        if outputs and (rule.script or rule.notebook or rule.wrapper or rule.cwl):
            yield f"rule {rule.name}: use shell:, other code is judged by its mtime or not at all"
        if outputs and rule.conda_env:
            yield f"rule {rule.name}: use container:, conda environments are not in the sidecar"


def refuse_database(*_args: Any, **_kwargs: Any) -> None:
    """In place of the database persistence, whose rows are keyed by the path of the checkout."""
    raise WorkflowError("committed provenance needs --persistence-backend file")
