"""`atlas build`: build what is stale, with early cut-off, and as much as can be built.

Within one run, Snakemake rebuilds all that follows a stale artefact, even if that comes out the same.
So a build is a ladder of runs in the order of the DAG. Each run is of some rules (`--allowed-rules`),
and judges by content at its start. A rule joins the run of the rules before it where no cut-off is
possible: its jobs have reasons of their own, or need nothing that is built in that run.

When artefacts can't be built, those that need them wait, all others go on, and the reports are made
from the last good artefacts. Exit codes: 0 all is built, 2 something could not be built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from atlas.errors import BuildError
from atlas.outcome import answer, wrote
from atlas.progress import say
from atlas.provenance import lastgood
from atlas.provenance.ladder import behind, plan, reports
from atlas.provenance.runner import explain, mtime, snakemake
from atlas.provenance.verdict import Job, Verdict, ask

Outputs = tuple[str, ...]


def build(
    root: Path,
    cores: int | None = None,
    targets: Sequence[str] = (),
    extra_args: Sequence[str] = (),
    *,
    force: bool = False,
) -> int:
    """Build what is stale of `targets` (default: everything); `force` builds the fresh ones too."""
    return run_build(root, cores=cores, force=force, arguments=[*extra_args, *targets])


def run_build(
    root: Path,
    *,
    cores: int | None,
    force: bool,
    arguments: Sequence[str],
    spare: Sequence[str] = (),
) -> int:
    """As `build`; `arguments` are flags and targets of Snakemake in any order.

    Rules in `spare` are not forced, such as those that pin what was newest at the time. What this machine
    cannot make, and what is made with it, stays as it is.
    """
    verdict = ask(root, arguments)
    flags = [argument for argument in arguments if argument not in verdict.targets]
    flags += ["--cores", str(cores)] if cores else []
    flags += ["--force"] if force else []
    todo = _wanted(verdict, force, spare)
    if not todo:
        say(f"nothing is stale: {sum(len(job.outputs) for job in verdict.jobs)} artefacts")
        answer({"same": 0, "failed": [], "skipped": [], "waiting": []})
        return 0
    done, before = _first(root, verdict, todo - _unfit(verdict).keys(), flags)
    if done is not None:  # what is wanted may depend on what was made: a cell without sources has no schema
        verdict = ask(root, arguments)
        todo = {n for n in _wanted(verdict, force, spare) if verdict.jobs[n].outputs not in before}
    failed = {n for n, job in enumerate(verdict.jobs) if job.outputs in (done or ())}
    before |= {verdict.jobs[n].outputs: mtime(root, verdict.jobs[n]) for n in todo}
    skipped = {n: why for n, why in _unfit(verdict).items() if n in todo}
    failed |= skipped.keys()
    failed = _climb(root, verdict, todo - skipped.keys(), flags, before, failed) - skipped.keys()
    todo |= {n for n, job in enumerate(verdict.jobs) if job.outputs in before}
    built = {n for n in todo if before[verdict.jobs[n].outputs] != mtime(root, verdict.jobs[n])} - failed
    _summarise(root, verdict, todo, built, failed, skipped)
    return BuildError.exit_code if failed else 0


def _unfit(verdict: Verdict) -> dict[int, str]:
    """The jobs that cannot be run here, and why."""
    return {n: job.unfit for n, job in enumerate(verdict.jobs) if job.unfit}


def _wanted(verdict: Verdict, force: bool, spare: Sequence[str]) -> set[int]:
    return {n for n, job in enumerate(verdict.jobs) if job.stale or (force and job.rule not in spare)}


def _first(
    root: Path, verdict: Verdict, todo: set[int], flags: Sequence[str]
) -> tuple[set[Outputs] | None, dict[Outputs, int | None]]:
    """Run the jobs that need no other, in a run of their own where others follow.

    Outputs of those that failed (None if there was no such run), and the mtimes before it.
    """
    first = {n for n in todo if not verdict.jobs[n].needs}
    if not first or first == todo:
        return None, {}
    before = {verdict.jobs[n].outputs: mtime(root, verdict.jobs[n]) for n in first}
    failed = _climb(root, verdict, first, flags, before, set())
    return {verdict.jobs[n].outputs for n in failed}, before


def _climb(
    root: Path,
    verdict: Verdict,
    todo: set[int],
    flags: Sequence[str],
    before: Mapping[Outputs, int | None],
    failed: set[int],
) -> set[int]:
    """Run the ladder; the jobs that failed, those that had failed before among them."""
    failed = set(failed)
    ends = reports(verdict)
    for rules in plan(verdict, todo, certain="--force" in flags):
        waiting = behind(verdict, failed)
        numbers = [n for n in sorted(todo - waiting) if verdict.jobs[n].rule in rules]
        output = _run(root, rules, [verdict.jobs[n] for n in numbers], flags) if numbers else None
        if output is not None:
            stale = {job.outputs for job in ask(root, verdict.targets).stale()}
            lost = {
                n
                for n in numbers
                if verdict.jobs[n].outputs in stale
                or ("--force" in flags and before[verdict.jobs[n].outputs] == mtime(root, verdict.jobs[n]))
            }
            found = lost - behind(verdict, lost)
            explain([verdict.jobs[n] for n in sorted(found)], root, output)
            failed |= found or set(numbers)
    late = [n for n in sorted(todo & behind(verdict, failed)) if verdict.jobs[n].rule in ends]
    if late:
        say("From the last good artefacts:")
        jobs = [verdict.jobs[n] for n in late]
        rules = sorted({job.rule for job in jobs})
        output = _run(root, rules, jobs, flags, {lastgood.VARIABLE: "1"})
        if output is not None:
            say(output)
            failed |= {n for n in late if before[verdict.jobs[n].outputs] == mtime(root, verdict.jobs[n])}
    return failed


def _run(
    root: Path,
    rules: Sequence[str],
    jobs: Sequence[Job],
    flags: Sequence[str],
    env: Mapping[str, str] | None = None,
) -> str | None:
    """Build these jobs, if they are stale then; what other rules make is taken as it is."""
    say(f"{', '.join(rules)}: {len(jobs)} to build")
    return snakemake(root, ["--allowed-rules", *rules, *flags], jobs, env)


def _summarise(
    root: Path,
    verdict: Verdict,
    todo: set[int],
    built: set[int],
    failed: set[int],
    skipped: Mapping[int, str],
) -> None:
    ends = reports(verdict)
    waiting = {
        n
        for n in (todo & behind(verdict, {*failed, *skipped})) - built - failed - skipped.keys()
        if verdict.jobs[n].rule not in ends
    }
    same = len(todo - built - failed - waiting - skipped.keys())
    cut = f"; {same} need not be: what they are made from is the same" if same else ""
    say(f"built {len(built)} of {len(todo)} stale{cut}")
    wrote(*(root / output for number in sorted(built) for output in verdict.jobs[number].outputs))
    unfit = [
        {**one, "reason": skipped[number]}
        for number, one in zip(sorted(skipped), _named(verdict, set(skipped)), strict=True)
    ]
    told = {"failed": _named(verdict, failed), "skipped": unfit, "waiting": _named(verdict, waiting)}
    answer({"same": same, **told})
    for number in sorted(failed):
        job = verdict.jobs[number]
        say(f"failed: {job.outputs[0]}{f' (see {job.logs[0]})' if job.logs else ''}")
    for number, reason in sorted(skipped.items()):
        say(f"skipped: {verdict.jobs[number].outputs[0]}: {reason}")
    for number in sorted(waiting):
        say(f"waits for what {'failed' if failed else 'was skipped'}: {verdict.jobs[number].outputs[0]}")
    if failed or skipped:
        say("What could not be built is as it was; `atlas stale` lists it with the reason.")


def _named(verdict: Verdict, numbers: set[int]) -> list[dict[str, object]]:
    jobs = [verdict.jobs[number] for number in sorted(numbers)]
    return [{"rule": job.rule, "outputs": list(job.outputs), "logs": list(job.logs)} for job in jobs]
