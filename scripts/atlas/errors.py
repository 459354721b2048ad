"""The errors a user sees: what happened, where, and what to do. Rendered once, by the CLI."""

from __future__ import annotations


class AtlasError(Exception):
    """A failure with a place and a remedy.

    `where` is `file`, `file:line` or `file:line:column`; `hint` says what to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}\nhint: {self.hint}" if self.hint else line


class BuildError(AtlasError):
    """An environment or image could not be built."""

    exit_code = 2


class RunError(AtlasError):
    """Engine code was run and failed, hung or was killed."""

    exit_code = 3


class InputError(AtlasError):
    """Arguments, YAML or artefacts that are not valid."""

    exit_code = 4


class UnavailableError(AtlasError):
    """An index, source or environment cannot be reached or does not exist."""

    exit_code = 5


class IntegrityError(AtlasError):
    """Bytes are not those that their digest promises."""

    exit_code = 6
