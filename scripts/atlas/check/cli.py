"""`atlas check`: configurations and command lines against an engine version, without the engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from atlas.completion import complete_pin, complete_source

File = click.Path(path_type=Path)
FAIL_ON = ("error", "warning", "note", "never")


class CheckCommand(click.Command):
    """Keeps apart what stands after `--`: a command line, with flags of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["atlas.command_line"] = []
        if "--" in args:
            place = args.index("--")
            ctx.meta["atlas.command_line"] = args[place + 1 :]
            args = args[:place]
        return super().parse_args(ctx, args)


@click.command(cls=CheckCommand)
@click.option(
    "--engine",
    "pin",
    metavar="ENGINE[==VERSION]",
    shell_complete=complete_pin,
    help="Found in commands and images if not named.",
)
@click.option(
    "--target", metavar="CLASS", help="The class that the keys are about (default: the best match)."
)
@click.option("--group", help="Its group, such as engine_params or sampling_params.")
@click.option(
    "--format", "form", type=click.Choice(["yaml", "json", "toml", "sh"]), help="Of files and standard input."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (config/schemas/cli/check.schema.json).")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "junit", "sarif"]),
    default="text",
    show_default=True,
)
@click.option("--output", type=File, help="Write there instead of printing.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="error",
    show_default=True,
    help="The level that makes the exit code 1.",
)
@click.option(
    "--results",
    type=File,
    help="A results/ folder (default: ATLAS_RESULTS, the checkout, what is installed).",
)
@click.argument(
    "sources",
    metavar="[FILE|-|KEY=VALUE]... [-- COMMAND...]",
    nargs=-1,
    shell_complete=complete_source,
)
@click.pass_context
def check(
    ctx: click.Context,
    pin: str | None,
    target: str | None,
    group: str | None,
    form: str | None,
    as_json: bool,
    output_format: str,
    output: Path | None,
    fail_on: str,
    results: Path | None,
    sources: tuple[str, ...],
) -> int:
    """Say what an engine version would reject, warn about or change, and what it doesn't know.

    FILE is YAML, JSON or TOML: keyword arguments, a file of flags, a Compose file, a Kubernetes manifest.
    Exits 1 where the engine refuses something, 4 where something cannot be read.
    """
    from atlas.check.model import LEVELS
    from atlas.check.run import Request, run

    engine, _, version = (pin or "").partition("==")
    request = Request(
        engine=engine or None,
        version=version or None,
        target=target,
        group=group,
        form=form,
        results=results,
    )
    found = run(request, sources, ctx.meta["atlas.command_line"])
    kind = "json" if as_json else output_format
    if kind == "text" and output is None:
        _print(found)
    else:
        text = rendered(kind, found)
        if output is None:
            sys.stdout.write(text)
        else:
            output.write_text(text, encoding="utf-8")
    watched = LEVELS[: FAIL_ON.index(fail_on) + 1] if fail_on != "never" else ()
    return 1 if any(one.count(level) for one in found for level in watched) else 0


def rendered(kind: str, found: Any) -> str:
    """Results in a format for machines, or as plain text."""
    from atlas.check import report

    if kind == "json":
        return json.dumps(report.as_json(found), indent=1, ensure_ascii=False) + "\n"
    if kind == "junit":
        return report.junit(found)
    if kind == "sarif":
        return json.dumps(report.sarif(found), indent=1, ensure_ascii=False) + "\n"
    from atlas.plain import printable

    return "".join(f"{printable(line)}\n" for _, line in report.lines(found))


def _print(found: Any) -> None:
    """Text, in colour on a terminal."""
    if not sys.stdout.isatty():
        sys.stdout.write(rendered("text", found))
        return
    from rich.console import Console
    from rich.text import Text

    from atlas.check.report import lines
    from atlas.plain import printable

    styles = {"error": "red", "warning": "yellow", "note": "cyan", "head": "bold", "more": "dim", "sum": ""}
    console = Console(highlight=False)
    for style, line in lines(found):
        console.print(Text(printable(line), style=styles[style]), soft_wrap=True)
