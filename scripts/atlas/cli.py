"""The command `atlas`: thin over the stages, and the one place where errors are rendered.

Exit codes: 0 ok, 1 findings or failure, 2 build failure, 3 run failure, 4 invalid arguments or
input, 5 environment or network not available, 6 integrity or authentication failure.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import sys

import click

from atlas.errors import AtlasError, InputError, UnavailableError

LAZY = {
    "diff": ("atlas.diff.cli", "What changed between two versions of an engine, and how bad that is."),
    "check": (
        "atlas.check.cli",
        "What an engine version would reject, warn about or change, without the engine.",
    ),
    "upgrade": ("atlas.upgrade.cli", "What an upgrade does to a configuration, and the smallest edit."),
    "history": ("atlas.history.cli", "The facts of tracked versions, and what became of each parameter."),
    "ls": ("atlas.history.cli", "What there is: engines, versions, parameters, invariants."),
    "show": ("atlas.history.cli", "All that is known of a parameter: type, default, rules, history, source."),
    "timeline": ("atlas.history.cli", "What became of a parameter over the tracked versions."),
    "cards": ("atlas.perf.cli", "Workload cards, those that are chosen and the others, with reasons."),
    "perf": ("atlas.perf.cli", "Runs of workload cards: honest records, telemetry, and verdicts."),
    "environments": (
        "atlas.environment.runtimes.cli",
        "What this machine can run engines in, and their needs.",
    ),
    "doctor": (
        "atlas.environment.runtimes.cli",
        "What this machine lacks to run engines, and how to get it.",
    ),
    "images": ("atlas.environment.runtimes.cli", "Images that engines are run in: digests, builds."),
    "cluster": ("atlas.cluster.cli", "Clusters: their hardware, and engines over several nodes."),
    "invariants": ("atlas.invariants.cli", "Which configurations an engine rejects, warns about or changes."),
}
"""Commands that have a module of their own: imported when they are run, as their imports take long."""
QUICK = ("check", "diff", "upgrade", "ls", "show", "timeline")
"""Commands that answer, and leave nothing to tidy up."""
INTERRUPTED = 130
STAGES = "atlas.stages"
"""Where all other commands are."""


class LazyGroup(click.Group):
    """The commands of LAZY, of which only names and first lines are known, and those of the stages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self._stages().list_commands(ctx), *LAZY})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in LAZY:
            return self._stages().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(LAZY[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, without importing what is lazy."""
        del ctx
        stages = self._stages().commands
        texts = {name: command.get_short_help_str(80) for name, command in stages.items()}
        texts |= {name: text for name, (_, text) in LAZY.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(texts.items()))

    def _stages(self) -> click.Group:
        stages: click.Group = importlib.import_module(STAGES).stages
        return stages


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
def cli() -> None:
    """What each pinned inference engine accepts, derived from the engine and proven."""


def main() -> None:
    """The command, as a process of its own."""
    quick = any(word in QUICK for word in sys.argv[1:2])
    if quick:
        gc.disable()  # the process is short, and what it reads stays
    code = run(sys.argv[1:])
    if quick:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)  # all is written; to take apart what was read would take a tenth of the time
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Every expected error becomes two lines on stderr, and with --json a document on stdout too.
    """
    try:
        result = cli.main(args=arguments, prog_name="atlas", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        print("interrupted", file=sys.stderr)
        return _told(arguments, AtlasError("interrupted"), INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return _told(arguments, InputError(error.format_message()))
    except AtlasError as error:
        from atlas.plain import printable

        print(f"error: {printable(str(error))}", file=sys.stderr)
        return _told(arguments, error)
    except (BrokenPipeError, SystemExit):  # the latter is how click says the same
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        place, hint = error.filename or "writing", "make room, or point ATLAS_CACHE at another folder"
        print(f"error: {place}: {error.strerror}\nhint: {hint}", file=sys.stderr)
        return _told(arguments, UnavailableError(str(error.strerror), where=str(place), hint=hint))


def _told(arguments: list[str], error: AtlasError, code: int | None = None) -> int:
    """The exit code, which is told in JSON too where that is asked for."""
    code = error.exit_code if code is None else code
    if "--json" in arguments[: arguments.index("--") if "--" in arguments else None]:
        from atlas.outcome import print_error

        with contextlib.suppress(OSError):
            print_error(cli, arguments, error, code)
            sys.stdout.flush()
    return code
