"""What a command did, as one JSON document on stdout: `--json` where there is no form of its own.

Such a document (config/schemas/cli/outcome.schema.json) has the exit code, each file that was written
with its digest, what the command answers, and the error if it failed. Everything else goes to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from atlas.errors import AtlasError

FORMAT_VERSION = 1
FORM = "config/schemas/cli/outcome.schema.json"
KEY = "as_outcome"


class Written(click.Path):
    """The type of an option that names a file which the command writes."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)


class OutcomeCommand(click.Command):
    """A command that has `--json`, its own or this one."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        if not any("--json" in option.opts for option in self.params):
            told = f"Print what was done as JSON ({FORM}); all else goes to stderr."
            self.params.append(click.Option(["--json", KEY], is_flag=True, help=told))

    def invoke(self, ctx: click.Context) -> Any:
        if not ctx.params.pop(KEY, False):
            return super().invoke(ctx)
        told: dict[str, Any] = ctx.meta.setdefault(KEY, {})
        with redirect_stdout(sys.stderr):
            result = super().invoke(ctx)
        code = result if isinstance(result, int) else 0
        options = [ctx.params.get(str(one.name)) for one in self.params if isinstance(one.type, Written)]
        files = [*(one for one in options if one is not None), *told.get("files", ())]
        print_outcome(name_of(ctx), code, files, told)
        return result


class OutcomeGroup(click.Group):
    """A group whose commands all have `--json`."""

    command_class = OutcomeCommand


def json_anyway(form: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--json` of a command that prints nothing but JSON."""
    told = f"What it prints anyway (config/schemas/cli/{form}.schema.json)."
    return click.option("--json", is_flag=True, expose_value=False, help=told)


def wanted() -> bool:
    """Whether the running command is to print its outcome instead of text."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and KEY in ctx.meta


def answer(value: Any) -> None:
    """What the running command answers; of no effect where no outcome is wanted."""
    if wanted():
        click.get_current_context().meta[KEY]["answer"] = value


def wrote(*files: Path) -> None:
    """Files that the running command wrote, beside those that its options name."""
    if wanted():
        click.get_current_context().meta[KEY].setdefault("files", []).extend(files)


def name_of(ctx: click.Context) -> str:
    """Such as `history facts`."""
    return ctx.command_path.partition(" ")[2]


def print_outcome(command: str, code: int, files: Iterable[Path], told: Mapping[str, Any]) -> None:
    record = {
        "format_version": FORMAT_VERSION,
        "command": command,
        "exit_code": code,
        "outputs": [_output(file) for file in dict.fromkeys(files) if file.is_file()],
        **{key: value for key, value in told.items() if key in ("answer", "error")},
    }
    sys.stdout.write(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def print_error(group: click.Group, arguments: list[str], error: AtlasError, code: int) -> None:
    """An error as the outcome of the command that the arguments name."""
    names: list[str] = []
    command: click.Command | None = group
    for word in arguments:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word)
        if command is None:
            break
        names.append(word)
    facts = {
        "kind": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "hint": error.hint,
    }
    print_outcome(" ".join(names), code, (), {"error": facts})


def _output(file: Path) -> dict[str, Any]:
    from atlas.canonical import sha256_file

    return {"path": file.as_posix(), "digest": sha256_file(file), "bytes": file.stat().st_size}
