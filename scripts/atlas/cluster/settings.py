"""config/cluster.yaml: where jobs go, read and checked before any of them starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atlas.cluster.checked import PLACE, excluded
from atlas.errors import InputError
from atlas.validation import check, nearest
from atlas.yamlfile import Document, load_yaml

MINUTES = {"m": 1, "h": 60, "d": 24 * 60}
MEGABYTES = {"M": 1, "G": 1024, "T": 1024 * 1024}
KEY = "cluster"
FILE = "config/cluster.yaml"


@dataclass(frozen=True)
class Jobs:
    """What jobs of a kind ask SLURM for; None and False where that is left to SLURM."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    reservation: str | None = None
    constraint: str | None = None
    nodelist: str | None = None
    exclude: str | None = None
    exclusive: bool = False
    requeue: bool = False
    time: int | None = None
    """Minutes."""
    mem: int | None = None
    """MiB."""
    cpus: int | None = None
    nodes: int | None = None
    gpus_by: str = "gpus"
    gpu_model: str | None = None
    gpus_per_node: int | None = None
    """How many there are in a node, not how many a job gets; without it, that is not checked."""
    hardware: str | None = None
    mail_user: str | None = None
    mail_type: str | None = None
    extra: str | None = None


@dataclass(frozen=True)
class Site:
    """The settings of a cluster."""

    network: str = "login"
    small: str = "login"
    registry: str | None = None
    every: Mapping[str, Any] = field(default_factory=dict)
    cpu: Mapping[str, Any] = field(default_factory=dict)
    gpu: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bad: tuple[str, ...] = ()
    """Nodes that no job is to get, as a check has found."""
    document: Document | None = field(default=None, repr=False, compare=False)

    def jobs(self, rule: str, *, gpu: bool) -> Jobs:
        """What jobs of a rule ask for: of all settings for them, the most special ones."""
        found: dict[str, Any] = {}
        for one in (self.every, self.gpu if gpu else self.cpu, self.rules.get(rule, {})):
            found |= {name: value for name, value in one.items() if value is not None}
        if "time" in found:
            found["time"] = scaled(found["time"], MINUTES)
        if "mem" in found:
            found["mem"] = scaled(found["mem"], MEGABYTES)
        if self.bad:
            found["exclude"] = ",".join([*([found["exclude"]] if found.get("exclude") else []), *self.bad])
        return Jobs(**found)

    def where(self, rule: str, name: str, *, gpu: bool) -> str:
        """The place in the file of a key that `jobs` has taken."""
        kind = "gpu" if gpu else "cpu"
        for pointer in ((KEY, "rules", rule, name), (KEY, kind, name), (KEY, "all", name)):
            if self.document and pointer in self.document.positions:
                return self.document.where(pointer)
        return self.document.where((KEY,)) if self.document else FILE


def scaled(value: str | int, units: Mapping[str, int]) -> int:
    """A number of the smallest unit."""
    return value if isinstance(value, int) else int(value[:-1]) * units[value[-1]]


def load_site(path: Path, name: str = FILE) -> Site:
    """Read a cluster's settings; InputError with file and line for whatever is wrong."""
    document = load_yaml(path, name)
    check(document, "cluster")
    found = document.value[KEY]
    sections: dict[str, Any] = {key: found.get(key) or {} for key in ("cpu", "gpu", "rules")}
    site = Site(
        network=found.get("network", "login"),
        small=found.get("small", "login"),
        registry=found.get("registry"),
        every=found.get("all") or {},
        document=document,
        **sections,
    )
    for section, wanted in (("cpu", "cpu-"), ("gpu", "gpu-")):
        hardware = sections[section].get("hardware")
        if hardware is not None and not hardware.startswith(wanted):
            where = document.where((KEY, section, "hardware"))
            raise InputError(f"hardware of {section} is to start with {wanted}", where=where)
    return site


def check_rules(site: Site, rules: Iterable[str]) -> None:
    """InputError for a rule that there is none of."""
    known = sorted(rules)
    for name in site.rules:
        if name not in known:
            where = site.document.where((KEY, "rules", name)) if site.document else FILE
            raise InputError(f"no rule is called `{name}`{nearest(name, known)}", where=where)


def site_of(workflow: Any) -> Site | None:
    """The cluster's settings, where a workflow has been given them (by profiles/slurm, or --configfile)."""
    path = _given(workflow)
    if path is None:
        return None
    site = load_site(path, _shown(path, Path(workflow.basedir)))
    return replace(site, bad=excluded(Path(workflow.basedir, PLACE)))


def place_of(workflow: Any) -> str:
    """Where they are; the project's own file, where a workflow has been given none."""
    path = _given(workflow)
    return FILE if path is None else _shown(path, Path(workflow.basedir))


def _given(workflow: Any) -> Path | None:
    for path in map(Path, reversed(list(workflow.config_settings.configfiles))):
        value = load_yaml(path, _shown(path, Path(workflow.basedir))).value
        if isinstance(value, dict) and KEY in value:
            return path
    return None


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
