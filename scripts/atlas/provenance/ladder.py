"""Which rules are built together in one run of Snakemake, and which jobs wait for others."""

from __future__ import annotations

from collections.abc import Collection

from atlas.provenance.verdict import Verdict


def plan(verdict: Verdict, todo: Collection[int], *, certain: bool = False) -> list[list[str]]:
    """Rules with something to build, in runs. Jobs are named by their places in `verdict.jobs`.

    A rule joins the run before it if its jobs are sure to be built: because they have reasons of their
    own, need nothing that is built in that run, or as all is built by force (`certain`).
    """
    runs: list[list[str]] = []
    inside: set[int] = set()
    """What is built in the last of the runs."""
    for rule in verdict.rules:
        jobs = {number for number in todo if verdict.jobs[number].rule == rule}
        if not jobs:
            continue
        below = behind(verdict, inside)
        sure = all(verdict.jobs[number].has_own_reason() or number not in below for number in jobs)
        if runs and (sure or certain):
            runs[-1].append(rule)
        else:
            runs.append([rule])
            inside = set()
        inside |= jobs
    return runs


def behind(verdict: Verdict, numbers: Collection[int]) -> set[int]:
    """Jobs that need any of `numbers`, directly or not."""
    found: set[int] = set()
    for number, job in enumerate(verdict.jobs):  # in the order of the DAG
        if any(other in numbers or other in found for other in job.needs):
            found.add(number)
    return found


def reports(verdict: Verdict) -> set[str]:
    """Rules at the end of the DAG that bring several jobs together; no rule needs what they make."""
    needed = {verdict.jobs[other].rule for job in verdict.jobs for other in job.needs}
    return {job.rule for job in verdict.jobs if job.rule not in needed and len(job.needs) > 1}
