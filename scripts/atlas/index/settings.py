"""Which package index this machine is set up for, as uv and pip would read it.

Standard library only: it also runs before anything is installed. The environment goes before files,
uv's settings before pip's; places that may hold packages (extra indexes, find-links) are joined.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from atlas.errors import InputError

LIBRARY_DEFAULT = "https://pypi.org/simple"
CERT_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
TRUE = {"1", "true", "yes", "on", "y", "t"}


@dataclass(frozen=True)
class IndexSettings:
    """Where packages come from. URLs may hold credentials: show them only through `redact`."""

    index: str | None
    """None where only local places may be used (`no-index`)."""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    """Absolute folders, or URLs of pages of links."""
    cert: str | None = None


def redact(text: str) -> str:
    """Text without the credentials, and without the query strings, of the URLs in it."""
    text = re.sub(r"(?<=://)[^/?#\s'\"]*@", "***@", text)
    return re.sub(r"(://[^\s'\"?]*)\?[^\s'\"]*", r"\1?***", text)


def load_settings(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> IndexSettings:
    """The settings in force; InputError names a settings file that cannot be read."""
    env = os.environ if environ is None else environ
    uv = _uv_files(env, folder or Path.cwd())
    pip = _pip_files(env)
    index = (
        _named(env.get("UV_DEFAULT_INDEX", ""))
        or env.get("UV_INDEX_URL")
        or env.get("PIP_INDEX_URL")
        or uv.get("index")
        or pip.get("index-url")
        or LIBRARY_DEFAULT
    )
    no_index = any(
        str(value).lower() in TRUE
        for value in (env.get("UV_NO_INDEX", ""), env.get("PIP_NO_INDEX", ""), uv.get("no-index", ""),
                      pip.get("no-index", ""))
    )  # fmt: skip
    extra = [
        *_chosen(env, ("UV_INDEX", "UV_EXTRA_INDEX_URL"), uv.get("extra", [])),
        *_chosen(env, ("PIP_EXTRA_INDEX_URL",), pip.get("extra-index-url", "").split()),
    ]
    links = [
        *(
            env["UV_FIND_LINKS"].replace(",", " ").split()
            if env.get("UV_FIND_LINKS")
            else uv.get("links", [])
        ),
        *_chosen(env, ("PIP_FIND_LINKS",), pip.get("find-links", "").split()),
    ]
    certs = [env.get(name) for name in CERT_VARIABLES] + [pip.get("cert")]
    if no_index:
        return IndexSettings(None, (), _unique(map(_place, links)), next(filter(None, certs), None))
    others = [url for url in map(_named, extra) if url.rstrip("/") != index.rstrip("/")]
    return IndexSettings(index, _unique(others), _unique(map(_place, links)), next(filter(None, certs), None))


def uv_environment(settings: IndexSettings) -> dict[str, str]:
    """Environment variables that make uv use these places (it does not read pip's settings)."""
    env = {}
    if settings.index is not None:
        env["UV_DEFAULT_INDEX"] = settings.index
    if settings.extra:
        env["UV_INDEX"] = " ".join(settings.extra)
        # As pip does: any index may hold the pinned version. What is installed is decided by its hash.
        env["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if settings.find_links:
        env["UV_FIND_LINKS"] = ",".join(settings.find_links)
    if settings.cert:
        env["SSL_CERT_FILE"] = settings.cert
    return env


def uv_arguments(settings: IndexSettings) -> list[str]:
    """What uv has no variable for: options of `uv pip install`, `uv pip compile` and `uv sync`."""
    return ["--no-index"] if settings.index is None else []


def strip_credentials(url: str) -> tuple[str, str | None]:
    """A URL without its `user:password`, and that part as written (percent-encoded)."""
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), userinfo if at else None


def _chosen(env: Mapping[str, str], names: Iterable[str], otherwise: Iterable[str]) -> list[str]:
    """Values of the variables, or of the settings file where none of them is set."""
    values = [value for name in names for value in env.get(name, "").split()]
    return values or list(otherwise)


def _named(index: str) -> str:
    """The URL of uv's `name=url`."""
    return re.sub(r"^[A-Za-z0-9._-]+=(?=[a-z]+:|/)", "", index)


def _place(link: str) -> str:
    """A find-links entry: a URL as it is, a folder as an absolute path."""
    if link.startswith("file:"):
        return url2pathname(urlsplit(link).path)
    if "://" in link:
        return link
    return str(Path(link).expanduser().absolute())


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _home(env: Mapping[str, str]) -> Path:
    return Path(env["HOME"]) if env.get("HOME") else Path.home()


def _config_homes(env: Mapping[str, str], tool: str) -> tuple[list[Path], list[Path]]:
    """Folders of a tool's machine-wide and per-user settings, on this operating system."""
    home = _home(env)
    dotted = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / tool
    if sys.platform == "win32":
        return [Path(env.get("PROGRAMDATA", "C:/ProgramData")) / tool], [
            Path(env.get("APPDATA", home)) / tool
        ]
    if sys.platform == "darwin":
        library = home / "Library/Application Support" / tool
        return [Path("/Library/Application Support") / tool], [library if library.is_dir() else dotted]
    shared = [Path(base) / tool for base in (env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if base]
    return shared, [dotted]


def _pip_files(env: Mapping[str, str]) -> dict[str, str]:
    """pip's settings for `install`: global, user, site, then PIP_CONFIG_FILE; the last one wins."""
    explicit = env.get("PIP_CONFIG_FILE")
    if explicit == os.devnull:
        return {}
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    shared, user = _config_homes(env, "pip")
    files = [folder / name for folder in shared]
    if sys.platform not in ("win32", "darwin"):
        files.append(Path("/etc") / name)
    # pip reads no per-user file where PIP_CONFIG_FILE exists.
    if not (explicit and Path(explicit).exists()):
        legacy = _home(env) / ("pip" if sys.platform == "win32" else ".pip")
        files += [legacy / name, *(folder / name for folder in user)]
    files.append(Path(sys.prefix) / name)
    if explicit:
        files.append(Path(explicit).expanduser())
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for file in files:
        for section, values in _read_ini(file).items():
            if section in found:
                found[section].update(values)
    return found["global"] | found["install"]


def _read_ini(file: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (configparser.Error, UnicodeDecodeError) as error:
        raise InputError(f"not a pip settings file: {error}", where=str(file)) from error
    return {
        section: {key.replace("_", "-"): value for key, value in parser.items(section)}
        for section in parser.sections()
    }


def _uv_files(env: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """uv's settings: system, user, then the nearest uv.toml upwards; the last one wins."""
    if env.get("UV_CONFIG_FILE"):
        files = [Path(env["UV_CONFIG_FILE"]).expanduser()]
    elif env.get("UV_NO_CONFIG", "").lower() in TRUE:
        files = []
    else:
        shared, user = _config_homes(env, "uv")
        files = [Path("/etc/uv/uv.toml"), *(base / "uv.toml" for base in [*shared, *user])]
        files += list(_nearest(folder, "uv.toml"))
    found: dict[str, Any] = {}
    for file in files:
        try:
            settings = tomllib.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"not a uv settings file: {error}", where=str(file)) from error
        found |= _uv_places(settings, file.parent)
    return found


def _uv_places(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    flat = settings | settings.get("pip", {})
    indexes = [entry for entry in settings.get("index", []) if isinstance(entry, dict) and entry.get("url")]
    default = next((entry["url"] for entry in indexes if entry.get("default")), flat.get("index-url"))
    extra = [e["url"] for e in indexes if not e.get("default") and not e.get("explicit")]
    links = [
        link if "://" in link else str(folder / Path(link).expanduser())
        for link in flat.get("find-links", [])
    ]
    found = {
        "index": default,
        "extra": extra + list(flat.get("extra-index-url", [])),
        "links": links,
        "no-index": flat.get("no-index", ""),
    }
    return {key: value for key, value in found.items() if value}


def _nearest(folder: Path, name: str) -> Iterator[Path]:
    for candidate in [folder, *folder.parents]:
        if (candidate / name).is_file():
            yield candidate / name
            return
