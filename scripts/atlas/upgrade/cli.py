"""`atlas upgrade`: what an upgrade does to a configuration, and the smallest edit that is accepted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from atlas.check.cli import CheckCommand
from atlas.completion import complete_pin, complete_source, complete_version
from atlas.errors import InputError

File = click.Path(path_type=Path)
STYLES = {
    "head": "bold",
    "breaks": "bold red",
    "may_break": "yellow",
    "meaning": "magenta",
    "default": "magenta",
    "deprecated": "blue",
    "pointless": "dim",
    "not_known": "cyan",
    "edit": "green",
    "left": "yellow",
    "": "",
}


@click.command(cls=CheckCommand)
@click.option(
    "--engine", required=True, shell_complete=complete_pin, help="The engine, as results/ names it."
)
@click.option(
    "--from",
    "old",
    required=True,
    metavar="VERSION",
    shell_complete=complete_version,
    help="The version that it works with.",
)
@click.option(
    "--to",
    "new",
    required=True,
    metavar="VERSION",
    shell_complete=complete_version,
    help="The version to upgrade to.",
)
@click.option("--write", is_flag=True, help="Edit FILE in place: edits that are certain, comments stay.")
@click.option(
    "--target", metavar="CLASS", help="The class that the keys are about (default: the best match)."
)
@click.option("--group", help="Its group, such as engine_params or sampling_params.")
@click.option("--format", "form", type=click.Choice(["yaml", "json", "toml"]), help="Of the file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (config/schemas/cli/upgrade.schema.json).")
@click.option("--results", type=File, help="A results/ folder (default: as for `atlas check`).")
@click.argument(
    "sources", metavar="[FILE|KEY=VALUE]... [-- COMMAND...]", nargs=-1, shell_complete=complete_source
)
@click.pass_context
def upgrade(
    ctx: click.Context,
    engine: str,
    old: str,
    new: str,
    write: bool,
    target: str | None,
    group: str | None,
    form: str | None,
    as_json: bool,
    results: Path | None,
    sources: tuple[str, ...],
) -> int:
    """Say what breaks, changes its meaning or becomes pointless, and print or write the smallest edit.

    Exits 0 if nothing breaks, or all that did was edited (--write); 1 otherwise; 4 for what cannot be read.
    """
    from atlas.upgrade.files import upgrade_file
    from atlas.upgrade.run import Task, upgrade_command, upgrade_pairs

    task = Task(engine, old, new, target, group, form, results)
    words = ctx.meta["atlas.command_line"]
    pairs = [one for one in sources if "=" in one and not Path(one).exists()]
    files = [Path(one) for one in sources if one not in pairs]
    if len(files) + bool(pairs) + bool(words) != 1:
        raise InputError("name one file, key=value pairs, or a command line after --")
    if write and not files:
        raise InputError("--write needs a file")
    original = None
    if words:
        found = [upgrade_command(task, words)]
    elif pairs:
        found = [upgrade_pairs(task, pairs)]
    else:
        found = upgrade_file(task, files[0], write=False)
        original = files[0].read_text(encoding="utf-8")
        if write and any(one.text is not None for one in found):
            found = upgrade_file(task, files[0], write=True)
    _print(found, original, as_json=as_json, written=write)
    return _code(found, write=write)


def _code(found: object, *, write: bool) -> int:
    from atlas.upgrade.run import Done

    assert isinstance(found, list)
    done: list[Done] = found
    open_points = any(one.upgrade.left or one.upgrade.remaining for one in done)
    edited = all(write and not one.not_written for one in done if one.upgrade.edits)
    return 1 if open_points or not edited else 0


def _print(found: object, original: str | None, *, as_json: bool, written: bool) -> None:
    from atlas.upgrade import render

    assert isinstance(found, list)
    if as_json:
        text = json.dumps(render.as_json(found, written=written), indent=1, ensure_ascii=False)
        sys.stdout.write(text + "\n")
        return
    from atlas.plain import printable

    every = ((style, printable(line)) for style, line in render.lines(found, original, written=written))
    if not sys.stdout.isatty():
        sys.stdout.writelines(f"{line}\n" for _, line in every)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for style, line in every:
        console.print(Text(line, style=STYLES[style]), soft_wrap=True)
