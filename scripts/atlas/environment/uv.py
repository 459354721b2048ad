"""Running uv: where it is, which index it may use, and what it said when it failed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from atlas.errors import BuildError, UnavailableError
from atlas.index.settings import IndexSettings, load_settings, redact, uv_arguments, uv_environment
from atlas.paths import project_root
from atlas.progress import say
from atlas.yamlfile import load_yaml

TAIL_LINES = 15
# What a caller's variables must not decide: the interpreter and the packages used; and the places of
# packages, which are among the settings already.
FOREIGN = (
    *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT"),
    *("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
)
LOCAL_CPU = re.compile(r"^([A-Za-z0-9._-]+)==([0-9][^\s;\\+]*\+cpu)", re.MULTILINE)


def find_uv() -> Path:
    """ATLAS_UV, else the project's own, else the one on PATH."""
    explicit = os.environ.get("ATLAS_UV")
    if explicit:
        if not os.access(explicit, os.X_OK):
            raise UnavailableError("no program is there", where=f"ATLAS_UV={explicit}")
        return Path(explicit)
    own = project_root() / ".tools" / "bin" / "uv"
    if own.is_file():
        return own
    found = shutil.which("uv")
    if not found:
        raise UnavailableError("uv is not installed", hint="run `make`, or set ATLAS_UV to a uv")
    return Path(found)


def places_of(pins: str) -> IndexSettings:
    """The configured places of packages, and that of the CPU builds which `pins` (a lock's text) names."""
    settings = load_settings()
    wanted = [(name, version) for name, version in LOCAL_CPU.findall(pins)]
    extra = _torch_cpu_index()
    if settings.index is not None and extra and not all(_in_folders(settings, *pin) for pin in wanted):
        return replace(settings, extra=(*settings.extra, extra))
    return settings


def _in_folders(settings: IndexSettings, name: str, version: str) -> bool:
    """Whether a configured folder of wheels holds a version."""
    stems = {f"{name.replace('-', '_')}-{form}-".lower() for form in (version, version.replace("+", "%2B"))}
    return any(
        wheel.name.lower().startswith(tuple(stems))
        for folder in settings.find_links
        if Path(folder).is_dir()
        for wheel in Path(folder).glob("*.whl")
    )


def _torch_cpu_index() -> str | None:
    """The index of CPU builds that config/config.yaml names."""
    file = project_root() / "config" / "config.yaml"
    setting = load_yaml(file).value.get("torch_cpu_index") if file.is_file() else None
    return str(setting) if setting else None


def run_uv(
    arguments: Sequence[str | Path], *, places: IndexSettings, failed: str, quiet: bool = False
) -> None:
    """Run uv; on a terminal its own progress is shown. BuildError with its last lines when it fails."""
    environ = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    environ |= uv_environment(places)
    live = sys.stderr.isatty() and not quiet
    command = [str(find_uv()), *map(str, arguments)]
    if arguments[0] == "pip":
        command += uv_arguments(places)
    if not live:
        command.insert(1, "--no-progress")
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=None if live else subprocess.PIPE, text=True, errors="replace",
    ) as process:  # fmt: skip
        for line in process.stderr or ():
            tail.append(redact(line.rstrip()))
            # A line for each package would hide the rest of a log.
            if not quiet and not line.startswith((" + ", " - ")):
                say(tail[-1])
    if process.returncode:
        said = "\n".join(tail)
        raise BuildError(
            f"{failed} (uv exited with {process.returncode})\n{said}".rstrip(), hint=_advice(said)
        )


ADVICE = (
    ("No space left|quota exceeded", "make room, or point ATLAS_CACHE and UV_CACHE_DIR elsewhere"),
    ("hash mismatch", "the index serves other files than were locked; `atlas lock` makes the lock anew"),
    ("No interpreter found|Python download", "install that Python, or let uv download it"),
    ("error sending|dns error|connection|time(d )?out", "check the network and the index settings"),
    ("no version of|not found in|no wheels", "the index lacks it; see `dependencies` in the engine's YAML"),
)


def _advice(said: str) -> str:
    """What to do about a failure of uv, by what it said."""
    for pattern, advice in ADVICE:
        if re.search(pattern, said, re.IGNORECASE):
            return advice
    return "run the same command again; what uv said is above"
