"""An engine of one class that is run in the base image, and what can be seen of its processes."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from atlas.cli import run as atlas
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.owner import LABEL

PYTHON = "{}.{}".format(*sys.version_info[:2])
IMAGE = {"python": "/usr/local/bin/python3", "overlay": True}
"""How engines are run in the base image."""
CELL = ["--engine", "toy", "--version", "1.0"]
ENVIRONMENT = ["environment", *CELL, "--source", "source.json", "--output", "out.json"]
RECORDS = Path("logs/failures")
OF_ENVIRONMENT = ("environment", "toy", "1.0.json")
PLAIN = "class Config: pass\n"
MISBEHAVING = """
import os, time
if os.environ["HOME"] != "/tmp":  # it is not just compiled
    time.sleep(float(os.environ.get("SECONDS", "0")))
    taken = bytearray(int(os.environ.get("MEGABYTES", "0")) << 20)
class Config: pass
"""
APART = re.compile(r"/bin/atlas|containerd|conmon")


def toy_spec(
    *, venv: dict[str, Any] | None = None, image: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Its YAML."""
    environments = {"venv": [{"python": PYTHON, **(venv or {})}], **({"image": [image]} if image else {})}
    return {
        "format_version": 1,
        "engine": "toy",
        "library": {"name": "toy", "current_version": "1.0"},
        "packages": ["toy"],
        "sources": [{"kind": "path", "path": "tree"}],
        "environments": environments,
        "surfaces": {"engine_params": [{"class": "toy.Config"}]},
        "landmarks": ["toy.Config"],
        **more,
    }


def write_project(
    root: Path, spec: dict[str, Any], engine: str = "class Config: pass\n", **files: str
) -> Path:
    """A project of it alone; `files` are further ones, by path."""
    for name, text in {
        "engine_versions/toy.yaml": json.dumps(spec),
        "envs/toy.txt": "# nothing but Python itself\n",
        "tree/toy/__init__.py": engine,
        **files,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


class Project:
    """The project in this folder, whose engine does what it is told; run by what ATLAS_RUNTIME says."""

    def __init__(self, archive: Path, scratch: Path) -> None:
        self.scratch = scratch
        """Where atlas keeps what is gone with it; engines have their home there."""
        Path("base.tar").symlink_to(archive)
        self.set()
        assert atlas(["source", *CELL, "--output", "source.json"]) == 0

    def set(self, *, image: dict[str, Any] | None = None, timeout_s: int = 120, **env: str) -> None:
        image = {**IMAGE, **(image or {"archive": "base.tar"})}
        write_project(Path(), toy_spec(venv={"env": env, "timeout_s": timeout_s}, image=image), MISBEHAVING)

    def running(self) -> list[int]:
        """The engine's processes, in any container, by their numbers on this machine."""
        return [pid for pid in _processes() if f"HOME={self.scratch}/" in _variables(pid)]

    def holders(self) -> list[int]:
        """They, and what holds the container: all up to atlas, or to an engine's own."""
        found = set(self.running())
        for pid in list(found):
            while (pid := _parent(pid)) > 1 and pid != os.getpid() and not APART.search(_words(pid)):
                found.add(pid)
        return sorted(found)


def containers(runtime: str, *, running: bool = False) -> list[dict[str, Any]]:
    """Those of atlas, as an engine lists them."""
    if runtime == "apptainer":
        return []
    client = by_name(runtime).client  # type: ignore[attr-defined]
    found: list[dict[str, Any]] = client.api.containers(all=not running, filters={"label": LABEL})
    return found


def living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if _state(pid) not in "ZX"]


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _variables(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _state(pid: int) -> str:
    """As /proc has it; that of the dead where there is none."""
    return (_status(pid) or ["X"])[0]


def _parent(pid: int) -> int:
    return int((_status(pid) or ["X", "0"])[1])


def _status(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
