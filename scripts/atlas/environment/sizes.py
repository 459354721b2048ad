"""`atlas sizes`: what a lock's packages take, read off the wheels where they are, without fetching them.

Which wheel of a release is installed follows from Python and platform, and its directory, at its end, states
what is in it. The same lock gives the same bytes, wherever its wheels come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from atlas.canonical import dump_json, sha256_bytes, write_atomic
from atlas.cost import Cost
from atlas.environment.lock import LockSpec, lock_specs
from atlas.environment.uv import places_of
from atlas.errors import InputError, UnavailableError
from atlas.index.releases import ReleaseFile, Releases
from atlas.index.web import CONNECTIONS, Web
from atlas.progress import say
from atlas.source.download import download, local_digest
from atlas.source.fetch import FileBytes, RemoteBytes
from atlas.source.ranges import RangesRefused
from atlas.source.store import Store
from atlas.source.wheel import Wheel
from atlas.validation import nearest

FORMAT_VERSION = 1
HASH = "--hash=sha256:"
OLDEST_GLIBC = 5
ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""What wheels for a glibc 2.x were called before they were called after it."""


@dataclass(frozen=True)
class Pin:
    """A line of a lock."""

    name: str
    version: str
    hashes: frozenset[str]


@dataclass(frozen=True)
class Takes:
    """A wheel: its own bytes, and those of the files that are in it."""

    filename: str
    fetch_bytes: int
    disk_bytes: int


class Offers(Releases):
    """All wheels of a release, wherever they are."""

    def wheels(self, pin: Pin) -> list[ReleaseFile]:
        version = Version(pin.version)
        every = (file for files in self._every(pin.name) for file in files)
        return [file for file in every if file.kind == "wheel" and file.version == version]


def run_sizes(root: Path, name: str, output: Path) -> None:
    """Write what a lock's packages take.

    InputError where there is no such lock, or its lines are no pins; UnavailableError where the places that
    were asked lack a wheel that it needs.
    """
    specs = lock_specs(root)
    if name not in specs:
        raise InputError(f"no lock `{name}`{nearest(name, specs)}", where="envs/")
    spec = specs[name]
    content = _content(spec)
    shown = spec.file.relative_to(root).as_posix()
    wheels = wheels_of(list(pins(content.decode(), shown)), spec)
    total = Takes(name, sum(one.fetch_bytes for one in wheels), sum(one.disk_bytes for one in wheels))
    document = {
        "format_version": FORMAT_VERSION,
        "lock": {"file": shown, "digest": sha256_bytes(content)},
        "python": spec.python,
        "platform": spec.platform,
        "fetch_bytes": total.fetch_bytes,
        "disk_bytes": total.disk_bytes,
        "wheels": {
            one.filename: {"fetch_bytes": one.fetch_bytes, "disk_bytes": one.disk_bytes} for one in wheels
        },
    }
    write_atomic(output, dump_json(document))
    sizes = f"{total.fetch_bytes >> 20} MiB to fetch, {total.disk_bytes >> 20} MiB on disk"
    say(f"{name}: {len(wheels)} wheels, {sizes}")


def _content(spec: LockSpec) -> bytes:
    try:
        return spec.file.read_bytes()
    except FileNotFoundError:
        hint = f"run `atlas lock {spec.name}`"
        raise InputError("there is no such lock", where=str(spec.file), hint=hint) from None


def pins(text: str, shown: str) -> Iterator[Pin]:
    """What a lock pins; InputError names a line that pins nothing by sha256."""
    number = 1
    for line in re.split(r"(?<!\\)\n", text):
        at, number = number, number + line.count("\n") + 1
        first, *others = line.replace("\\\n", " ").split() or [""]
        if not first or first.startswith("#"):
            continue
        name, equal, version = first.partition("==")
        hashes = frozenset(word.removeprefix(HASH) for word in others if word.startswith(HASH))
        if not (equal and version and hashes and len(hashes) == len(set(others))):
            hint = f"run `atlas lock {Path(shown).stem}`"
            raise InputError(f"`{first}` is not pinned by hashes alone", where=f"{shown}:{at}", hint=hint)
        yield Pin(name.partition("[")[0], version, hashes)


def wheels_of(pinned: list[Pin], spec: LockSpec) -> list[Takes]:
    """The wheels that are installed, by name."""
    if not pinned:
        return []
    tags = {tag: rank for rank, tag in enumerate(tags_of(spec.python, spec.platform))}
    places = places_of("\n".join(f"{pin.name}=={pin.version}" for pin in pinned))
    with Web(places, Cost()) as web, ThreadPoolExecutor(CONNECTIONS) as pool:
        offers = Offers(web)

        def of(pin: Pin) -> Takes:
            file = choose(offers.wheels(pin), pin, tags)
            if file is None:
                raise UnavailableError(
                    f"no index has a wheel of {pin.name} {pin.version} that {spec.name} names"
                    f" for Python {spec.python} on {spec.platform}",
                    hint=f"use the index it was locked from, or run `atlas lock {spec.name}`",
                )
            return _takes(file, web)

        return sorted(pool.map(of, pinned), key=lambda one: one.filename)


def choose(files: Iterable[ReleaseFile], pin: Pin, tags: dict[Tag, int]) -> ReleaseFile | None:
    """The wheel that installers prefer of those that a lock names; what has no digest cannot be one."""
    fitting = [
        ((rank, _later_first(file)), file)
        for file in files
        if (rank := min((tags[tag] for tag in _tags(file) if tag in tags), default=None)) is not None
        and _sha256(file) in pin.hashes
    ]
    return min(fitting, key=lambda one: (one[0], one[1].filename), default=(None, None))[1]


def _tags(file: ReleaseFile) -> frozenset[Tag]:
    return parse_wheel_filename(file.filename)[3]


def _later_first(file: ReleaseFile) -> tuple[int, str]:
    build = parse_wheel_filename(file.filename)[2]
    return (-build[0], build[1]) if build else (0, "")


def _sha256(file: ReleaseFile) -> str | None:
    return file.sha256 or (local_digest(file) if file.local else None)


def tags_of(python: str, platform: str) -> list[Tag]:
    """What can be installed for a Python on a Linux of some glibc, the preferred first."""
    major, minor = (int(part) for part in python.split(".")[:2])
    found = re.fullmatch(r"(?P<machine>\w+)-manylinux_2_(?P<glibc>\d+)", platform)
    if found is None:
        raise InputError(f"which wheels {platform} takes is not known", hint="…-manylinux_2_N is")
    names = [
        name
        for glibc in range(int(found["glibc"]), OLDEST_GLIBC - 1, -1)
        for name in (f"manylinux_2_{glibc}", ALIASES.get(glibc))
        if name
    ]
    platforms = [f"{name}_{found['machine']}" for name in [*names, "linux"]]
    interpreter = f"cp{major}{minor}"
    return [
        *cpython_tags((major, minor), abis=[interpreter], platforms=platforms),
        *compatible_tags((major, minor), interpreter, platforms),
    ]


def _takes(file: ReleaseFile, web: Web) -> Takes:
    if file.local is not None:
        try:
            with file.local.open("rb") as opened:
                return _added_up(FileBytes(opened).open(file.filename))
        except OSError as error:
            raise UnavailableError(f"{file.filename} cannot be read: {error.strerror}") from error
    try:
        return _added_up(RemoteBytes(web, file, None).open(file.filename))
    except RangesRefused as refused:
        say(f"fetching {file.filename} whole: the server does not serve byte ranges ({refused})")
    store = Store.default()
    with closing(store.scratch()) as scratch:
        download(web, file, scratch, store)
        return _added_up(FileBytes(scratch).open(file.filename))


def _added_up(wheel: Wheel) -> Takes:
    """All files but the list of them, which is written anew where they are installed."""
    record = f"{wheel.dist_info}/RECORD"
    return Takes(
        wheel.name,
        wheel.size,
        sum(entry.size for path, entry in wheel.entries.items() if path != record),
    )
