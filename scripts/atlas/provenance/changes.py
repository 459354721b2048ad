"""What makes an artefact stale, in words: the form in which Snakemake reports it, and ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from snakemake.persistence import ParamsChange

from atlas.provenance.record import MODULE

EDITED = "edited by hand"
INTERRUPTED = "left by a run that was interrupted"
UNKNOWN = "no provenance"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was. `kind` is code, params, edited, interrupted or unknown."""

    kind: str
    what: str
    before: str | None
    now: str | None

    def __str__(self) -> str:
        if self.kind == "code":
            return f"code of {self.what} ({self.before or 'not used'} -> {self.now or 'not used'})"
        if self.kind == "params":
            return f"{self.what} as built {self.before or 'not given'}, now {self.now or 'not given'}"
        if self.kind == "unknown":
            return f"{self.what}: {UNKNOWN}"
        words = EDITED if self.kind == "edited" else INTERRUPTED
        return f"{self.what} {words} (as built {self.before}, on disk {self.now})"


class Change(ParamsChange):  # type: ignore[misc]
    """Snakemake's change of params, which also carries changes of code and of the artefact itself.

    Entries of `only_old` and `only_new` are texts: `path@digest`, `name=value`, or `kind path=value`.
    """

    def __or__(self, other: ParamsChange) -> Change:
        return Change(
            only_old=self.only_old | other.only_old,
            only_new=self.only_new | other.only_new,
            files=self.files | other.files,
        )

    def __str__(self) -> str:
        return "; ".join(map(str, self.differences()))

    def differences(self) -> Iterator[Difference]:
        """Old and new entries, paired by name."""
        old, new = ({_name(entry): entry for entry in side} for side in (self.only_old, self.only_new))
        for name in sorted(old.keys() | new.keys()):
            kind, what = name
            yield Difference(kind, what, _value(old.get(name)), _value(new.get(name)))


def of_artefact(kind: str, path: str, before: str | None, now: str | None) -> Change:
    """The artefact is not what its sidecar says, or there is no sidecar; values are digests."""
    old = {f"\0{kind} {path}={before}"} if before else set()
    return Change(only_old=old, only_new={f"\0{kind} {path}={now or ''}"}, files={path})


def _name(entry: str) -> tuple[str, str]:
    if entry.startswith("\0"):
        kind, _, rest = entry[1:].partition(" ")
        return kind, rest.partition("=")[0]
    module = MODULE.fullmatch(entry)
    return ("code", module["path"]) if module else ("params", entry.partition("=")[0])


def _value(entry: str | None) -> str | None:
    if entry is None:
        return None
    module = None if entry.startswith("\0") else MODULE.fullmatch(entry)
    return module["digest"] if module else entry.partition("=")[2]
