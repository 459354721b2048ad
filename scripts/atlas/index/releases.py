"""A release's files on the configured index, and the one that is read.

Places are asked in this order and the first with a fitting file is used: find-links folders, file://
indexes (both work without a network), the index, extra indexes. Places are never mixed.
"""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pypi_simple import (
    DistributionPackage,
    NoSuchProjectError,
    ProjectPage,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from atlas.errors import InputError, UnavailableError
from atlas.index.settings import strip_credentials
from atlas.index.web import HINT, Web, host, unreachable

SDIST_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
NEAREST = 2


class MissingRelease(InputError):
    """The places that could be read have no such project or version."""


@dataclass(frozen=True)
class ReleaseFile:
    """A wheel or sdist that a place offers."""

    filename: str
    kind: str
    version: Version
    url: str
    """Without credentials; `file://` for a local file."""
    sha256: str | None
    size: int | None
    yanked: str | None = None

    @property
    def local(self) -> Path | None:
        parts = urlsplit(self.url)
        return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


class Releases:
    """The release files of the configured places; each page is read once."""

    def __init__(self, web: Web) -> None:
        self.web = web
        settings = web.settings
        self._pages: dict[tuple[str, str], list[ReleaseFile] | None] = {}
        indexes = [settings.index] if settings.index else []
        self.places = sorted([*settings.find_links, *indexes, *settings.extra], key=_is_remote)
        self._links = set(settings.find_links)

    def choose(self, project: str, version: str, kind: str) -> ReleaseFile | None:
        """The file to read: None where the release exists but has none of this kind.

        MissingRelease names the nearest versions where there is no such release.
        """
        seen: set[Version] = set()
        for files in self._every(project):
            seen.update(file.version for file in files)
            best = pick([f for f in files if f.version == Version(version)], kind)
            if best:
                return best
        if Version(version) in seen:
            return None
        raise _missing(project, version, seen)

    def named(self, project: str, filename: str, sha256: str) -> ReleaseFile | None:
        """The file of this name whose promised digest (if any) is this one."""
        for files in self._every(project):
            for file in files:
                if file.filename == filename and file.sha256 in (None, sha256):
                    return file
        return None

    def _every(self, project: str) -> Iterator[list[ReleaseFile]]:
        for place in self.places:
            key = (place, canonicalize_name(project))
            if key not in self._pages:
                self._pages[key] = self._read(place, project)
            yield self._pages[key] or []

    def _read(self, place: str, project: str) -> list[ReleaseFile] | None:
        bare = strip_credentials(place)[0] if "://" in place else place
        if place in self._links:
            return _files(project, self._links_page(bare, project))
        if bare.startswith("file:"):
            return _files(project, _local_page(bare, project))
        return _files(project, self._index_page(bare, project))

    def _index_page(self, url: str, project: str) -> list[DistributionPackage] | None:
        try:
            page = PyPISimple(url, session=self.web).get_project_page(project)
        except NoSuchProjectError:
            return None
        except UnsupportedContentTypeError as error:
            raise _not_an_index(url, f"it sent {error.content_type}") from error
        except UnsupportedRepoVersionError as error:
            raise _not_an_index(url, "its format is newer than this program knows") from error
        except (requests.exceptions.JSONDecodeError, ValueError) as error:
            raise _not_an_index(url, f"its page about {project} cannot be parsed") from error
        except (requests.RequestException, OSError) as error:
            raise unreachable(url, error) from error
        if page.repository_version is None and not page.packages:
            raise _not_an_index(url, f"its page about {project} lists no file")
        return page.packages

    def _links_page(self, place: str, project: str) -> list[DistributionPackage]:
        if "://" not in place:
            return _folder(Path(place), project)
        try:
            answer = self.web.get(place)
            answer.raise_for_status()
            return ProjectPage.from_html(project, answer.content, base_url=answer.url).packages
        except (requests.RequestException, OSError) as error:
            raise unreachable(place, error) from error


def pick(files: Iterable[ReleaseFile], kind: str) -> ReleaseFile | None:
    """The same file whatever the order they are listed in."""
    fitting = [file for file in files if file.kind == kind]
    rank = _wheel_rank if kind == "wheel" else _sdist_rank
    return min(fitting, key=lambda file: (rank(file.filename), file.filename), default=None)


def _wheel_rank(filename: str) -> tuple[int, tuple[int, str]]:
    """Pure Python, then Linux x86_64 for CPython 3.11, stable ABI, other CPython, other platforms."""
    _, _, build, tags = parse_wheel_filename(filename)
    number = (-build[0], build[1]) if build else (0, "")
    return min(map(_tag_rank, tags)), number


def _tag_rank(tag: Tag) -> int:
    if tag.platform == "any":
        return 0 if tag.interpreter == "py3" else 1
    if not (tag.platform.endswith("_x86_64") and "linux" in tag.platform):
        return 5
    if tag.interpreter == "cp311" and tag.abi == "cp311":
        return 2
    minor = re.fullmatch(r"cp3(\d+)", tag.interpreter)
    return 3 if tag.abi == "abi3" and minor and int(minor[1]) <= 11 else 4


def _sdist_rank(filename: str) -> tuple[int, tuple[int, str]]:
    return next(n for n, suffix in enumerate(SDIST_SUFFIXES) if filename.endswith(suffix)), (0, "")


def _files(project: str, packages: list[DistributionPackage] | None) -> list[ReleaseFile] | None:
    if packages is None:
        return None
    return [file for package in packages if (file := _release_file(project, package))]


def _release_file(project: str, package: DistributionPackage) -> ReleaseFile | None:
    """None for what is neither a wheel nor an sdist of the project."""
    try:
        if package.package_type == "wheel":
            name, version, _, _ = parse_wheel_filename(package.filename)
        elif package.package_type == "sdist" and package.filename.endswith(SDIST_SUFFIXES):
            name, version = canonicalize_name(package.project or ""), Version(package.version or "")
        else:
            return None
    except (InvalidWheelFilename, InvalidVersion):
        return None
    if name != canonicalize_name(project):
        return None
    sha256 = package.digests.get("sha256", "").lower()
    return ReleaseFile(
        filename=package.filename,
        kind=package.package_type,
        version=version,
        url=strip_credentials(package.url)[0],
        sha256=sha256 if re.fullmatch("[0-9a-f]{64}", sha256) else None,
        size=package.size,
        yanked=(package.yanked_reason or "no reason given") if package.is_yanked else None,
    )


def _folder(folder: Path, project: str) -> list[DistributionPackage]:
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise UnavailableError(
            f"the find-links folder {folder} cannot be read: {error.strerror}",
            hint="correct UV_FIND_LINKS, PIP_FIND_LINKS or find-links in pip.conf",
        ) from error
    found = []
    for name in names:
        entry = {"filename": name, "url": (folder / name).absolute().as_uri(), "hashes": {}}
        found.append(DistributionPackage.from_json_data(entry, project_hint=project))
    return found


def _local_page(url: str, project: str) -> list[DistributionPackage] | None:
    """The page of a `file://` index: PEP 503 HTML, or PEP 691 JSON in index.json."""
    folder = Path(url2pathname(urlsplit(url).path)) / canonicalize_name(project)
    if not folder.parent.is_dir():
        raise UnavailableError(f"the local index {folder.parent} is not a folder", hint=HINT)
    try:
        for name in ("index.html", "index.json"):
            if (folder / name).is_file():
                text = (folder / name).read_text(encoding="utf-8")
                base = folder.as_uri() + "/"
                page = (
                    ProjectPage.from_html(project, text, base_url=base)
                    if name == "index.html"
                    else ProjectPage.from_json_data(json.loads(text), base_url=base)
                )
                return page.packages
    except (OSError, ValueError, UnsupportedRepoVersionError) as error:
        raise UnavailableError(f"the local index page {folder / name} cannot be read", hint=HINT) from error
    return None


def _is_remote(place: str) -> bool:
    return "://" in place and not place.startswith("file:")


def _not_an_index(url: str, why: str) -> UnavailableError:
    return UnavailableError(f"{host(url)} does not answer like a package index: {why}", hint=HINT)


def _missing(project: str, version: str, seen: set[Version]) -> MissingRelease:
    if not seen:
        return MissingRelease(
            f"the index has no project {project}",
            hint="correct library.name in engine_versions/, or use an index that carries it",
        )
    ordered = sorted(seen)
    at = bisect(ordered, Version(version))
    nearest = ", ".join(map(str, ordered[max(0, at - NEAREST) : at + NEAREST]))
    return MissingRelease(
        f"the index has no {project} {version}; the nearest versions are {nearest}",
        hint="correct library.current_version or library.versions in engine_versions/",
    )
