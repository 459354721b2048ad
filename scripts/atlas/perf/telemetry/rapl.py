"""Energy of processors through RAPL, where this user may read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Domain:
    """One counter, that starts again at `range_j`."""

    name: str
    file: Path
    range_j: float | None


@dataclass(frozen=True)
class Rapl:
    domains: tuple[Domain, ...] = ()
    reason: str | None = None
    ranges: dict[str, float] = field(default_factory=dict)

    def sample(self) -> dict[str, float | None]:
        """Joules of each domain; null what cannot be read now."""
        return {domain.name: _joules(domain.file) for domain in self.domains}


def open_rapl(folder: Path = POWERCAP) -> Rapl:
    """The packages and memories; parts of a package are not, as they would count twice."""
    found = []
    for zone in sorted(folder.glob("*rapl*:*")):
        name = _text(zone / "name")
        if zone.name.count(":") == 1 or name == "dram":
            number = zone.name.split(":")[1]
            limit = _joules(zone / "max_energy_range_uj")
            found.append(Domain(f"{name or 'zone'}:{number}", zone / "energy_uj", limit))
    if not found:
        return Rapl(reason="the system shows no RAPL counters")
    readable = tuple(domain for domain in found if _joules(domain.file) is not None)
    if not readable:
        return Rapl(reason="the RAPL counters may not be read by this user")
    return Rapl(readable, ranges={one.name: one.range_j for one in readable if one.range_j})


def _joules(file: Path) -> float | None:
    text = _text(file)
    return int(text) / 1e6 if text and text.isdigit() else None


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return None
