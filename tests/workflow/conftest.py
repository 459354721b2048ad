"""A small world for the real Snakefile: a copy of the project, a toy engine, an index that serves it."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TOY = {
    "toyengine/__init__.py": "from toyengine.config import EngineArgs\n",
    "toyengine/config.py": '''\
"""Configuration of the toy engine."""
import argparse
from dataclasses import dataclass, field
from typing import Literal, Optional

DTYPES = Literal["auto", "half", "float"]


@dataclass
class CacheConfig:
    """How memory is used."""

    block_size: int = 16
    """Tokens in a block."""
    swap: Optional[float] = None
    """Swap space in GiB."""


@dataclass
class EngineArgs:
    """Arguments of the toy engine.

    Args:
        model: Name or folder of the model.
        seed: Random seed.
    """

    model: str
    dtype: DTYPES = "auto"
    """Data type of weights."""
    seed: int = 0
    max_len: Optional[int] = None
    """Longest sequence; from the model if not given."""
    cache: CacheConfig = field(default_factory=CacheConfig)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"the seed is {self.seed}, but must not be negative")

    @staticmethod
    def add_cli_args(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        parser.add_argument("--model", type=str, required=True)
        parser.add_argument("--dtype", choices=["auto", "half", "float"], default="auto")
        parser.add_argument("--max-len", type=int, default=None, help="Longest sequence.")
        return parser

    def resolve(self) -> "EngineArgs":
        return EngineArgs(self.model, self.dtype, self.seed, self.max_len or 2048, self.cache)
''',
}

YAML = """\
format_version: 1
engine: {name}
library:
  name: {name}
  current_version: "{version}"
packages: [toyengine]
sources:
  - kind: wheel
environments:
  venv:
    - python: "3.11"
      timeout_s: 20
surfaces:
  engine_params:
    - class: toyengine.config.EngineArgs
cli:
  - {{class: toyengine.config.EngineArgs, method: add_cli_args, surface: engine_params}}
resolve:
  - {{class: toyengine.config.EngineArgs, kwargs: {{model: m}}, call: resolve, surface: engine_params}}
landmarks:
  - toyengine.config.EngineArgs
invariants:
  samples: 300
"""


class Index:
    """A package index (PEP 503) of wheels made on the spot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "simple").mkdir(parents=True)
        handler = functools.partial(Quiet, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"

    def publish(self, name: str, version: str, files: dict[str, str]) -> Path:
        page = self.folder / "simple" / name
        page.mkdir(exist_ok=True)
        wheel = page / f"{name}-{version}-py3-none-any.whl"
        write_wheel(wheel, name, version, files)
        links = [
            f'<a href="{file.name}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}">{file.name}</a>'
            for file in sorted(page.glob("*.whl"))
        ]
        (page / "index.html").write_text("<!DOCTYPE html>\n" + "\n".join(links))
        return wheel

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def write_wheel(path: Path, name: str, version: str, files: dict[str, str]) -> None:
    info = f"{name}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in members.items():
            content = text.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{member},sha256={digest},{len(content)}")
            archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)
        record.append(f"{info}/RECORD,,")
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join(record) + "\n")


@dataclass
class World:
    """A copy of the project, with its own index and cache."""

    root: Path
    index: Index
    cache: Path
    extra: dict[str, str] = field(default_factory=dict)

    def engine(self, name: str, version: str = "1.0", files: dict[str, str] | None = None) -> Path:
        """Publish a release, and write the YAML that pins it."""
        self.index.publish(name, version, TOY if files is None else files)
        yaml = self.root / "engine_versions" / f"{name}.yaml"
        yaml.write_text(YAML.format(name=name, version=version))
        return yaml

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new))

    def bump(self, name: str, version: str) -> None:
        """Track one more version, as the current one."""
        old = 'current_version: "1.0"'
        self.edit(f"engine_versions/{name}.yaml", old, f'current_version: "{version}"\n  versions: ["1.0"]')

    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "ATLAS_"))}
        tools = [str(Path(sys.executable).parent), kept["PATH"]]
        return {
            **kept,
            "PATH": os.pathsep.join(tools),
            "HOME": str(self.cache),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_DEFAULT_INDEX": self.index.url,
            "UV_CACHE_DIR": str(self.cache / "uv"),
            "ATLAS_CACHE": str(self.cache / "atlas"),
            "ATLAS_UV": str(uv()),
            **self.extra,
        }

    def run(self, *command: str, lines: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command that reads `lines` on its standard input."""
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environ(),
            input=lines,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """In a process group of its own, so that a signal reaches all of it."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            command, cwd=self.root, env=self.environ(), start_new_session=True, stdout=quiet, stderr=quiet
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("snakemake", "--cores", "2", *arguments)

    def stale(self) -> dict[str, str]:
        """What `atlas stale` lists: artefact to reason and what changed."""
        done = self.run("atlas", "stale", "--json")
        assert done.returncode in (0, 1), done.stderr
        answer = json.loads(done.stdout)
        assert not answer["orphans"]
        found = {entry["artefact"]: f"{entry['reason']}: {entry['changed']}" for entry in answer["stale"]}
        assert bool(found) == (done.returncode == 1)
        return found

    def artefact(self, engine: str, name: str, version: str = "1.0") -> Path:
        return self.root / "results" / engine / version / name

    def load(self, engine: str, name: str, version: str = "1.0"):
        return json.loads(self.artefact(engine, name, version).read_text())


def uv() -> Path:
    found = os.environ.get("ATLAS_UV") or ROOT / ".tools/bin/uv"
    return Path(found) if Path(found).is_file() else Path(shutil.which("uv") or "uv")


def copy_project(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if not re.match(r"tests/|benchmarks/", name) and (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def toy_files():
    """The files of the toy engine's package."""
    return dict(TOY)


def fresh_copy(base: Path, *, empty: bool, folder: str = "somewhere else") -> World:
    """The project in a git repository of its own; `empty`: without engines and results."""
    index = Index(base / "index")
    world = World(base / folder / "atlas", index, base / "cache")
    world.root.mkdir(parents=True)
    world.cache.mkdir()
    copy_project(world.root)
    if empty:
        forget_engines(world.root)
    git(world.root, "init", "-q")
    git(world.root, "add", "-A")
    git(world.root, "commit", "-qm", "as it is")
    return world


def forget_engines(root: Path) -> None:
    for folder in ("engine_versions", "results"):
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir()
    for sidecar in [*(root / "envs").glob("*.prov.json"), *(root / "docs").glob("*.prov.json")]:
        sidecar.unlink()
        sidecar.with_name(sidecar.name.removesuffix(".prov.json")).unlink(missing_ok=True)


@pytest.fixture
def whole(tmp_path):
    """The project as it is, with all its engines and committed results."""
    world = fresh_copy(tmp_path, empty=False)
    yield world
    world.index.close()


@pytest.fixture
def world(tmp_path):
    """The project without its engines and results."""
    world = fresh_copy(tmp_path, empty=True)
    yield world
    world.index.close()


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Two toy engines, built once; tests work on copies."""
    world = fresh_copy(tmp_path_factory.mktemp("built"), empty=True)
    world.engine("good")
    world.engine("toy")
    done = world.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    assert world.stale() == {}
    yield world
    world.index.close()


@pytest.fixture
def two(built, tmp_path):
    """A copy of the two built toy engines, with an index of its own."""
    shutil.copytree(built.root, tmp_path / "copy", symlinks=True)
    index = Index(tmp_path / "index")
    for name in ("good", "toy"):
        index.publish(name, "1.0", TOY)
    world = World(tmp_path / "copy", index, built.cache)
    yield world
    index.close()
