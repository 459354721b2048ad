"""`atlas diff`: what changed between two versions of an engine, and whether that fails a gate."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from atlas.completion import complete_pin, complete_version

LEVELS = ("breaking", "behavioural", "risky", "indeterminate", "notice", "additive", "cosmetic")
File = click.Path(path_type=Path)


@click.command()
@click.argument("engine", shell_complete=complete_pin)
@click.argument("old", shell_complete=complete_version)
@click.argument("new", shell_complete=complete_version)
@click.option(
    "--impact", type=click.Choice(LEVELS), default="additive", show_default=True, help="Show this and worse."
)
@click.option(
    "--fail-on", type=click.Choice(LEVELS), help="Exit 1 if a change of this impact or worse is not waived."
)
@click.option("--format", "form", type=click.Choice(("terminal", "markdown", "json")), default="terminal")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON (config/schemas/cli/diff.schema.json).")
@click.option("--policy", type=File, help="A YAML of impacts, overrides and waivers over the default ones.")
@click.option("--results", type=File, help="The folder of artefacts, where it is not that of a checkout.")
@click.option("--today", help="The date by which waivers expire, as 2027-01-31.")
def diff(
    engine: str,
    old: str,
    new: str,
    impact: str,
    fail_on: str | None,
    form: str,
    as_json_: bool,
    policy: Path | None,
    results: Path | None,
    today: str | None,
) -> int:
    """What changed in ENGINE from version OLD to NEW, and how bad that is.

    Exits 1 where --fail-on says so, 4 for names that are not known or a policy that is not valid.
    """
    from atlas.diff.compare import compare
    from atlas.diff.facts import facts_of
    from atlas.diff.policy import judge, load_policy
    from atlas.diff.sides import comparable
    from atlas.knowledge import load

    rules = load_policy(policy)
    (before, after), note = comparable(load(engine, old, results), load(engine, new, results))
    found = compare(facts_of(before), facts_of(after), note)
    report = judge(found, rules, _date(today))
    _write(report, impact, "json" if as_json_ else form)
    return 1 if fail_on and report.failing(fail_on) else 0


def _write(report: object, impact: str, form: str) -> None:
    from atlas.diff.policy import Report
    from atlas.diff.render import as_json, markdown, terminal

    assert isinstance(report, Report)
    if form == "json":
        sys.stdout.write(json.dumps(as_json(report, impact), indent=1, ensure_ascii=False) + "\n")
    elif form == "markdown":
        sys.stdout.writelines(f"{line}\n" for line in markdown(report, impact))
    elif sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False)
        for line in terminal(report, impact, colour=True):
            console.print(line)
    else:
        sys.stdout.writelines(f"{line}\n" for line in terminal(report, impact, colour=False))


def _date(text: str | None) -> date:
    from atlas.errors import InputError

    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--today: {error}", hint="write it as 2027-01-31") from error
