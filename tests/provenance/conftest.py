"""A small workflow with committed artefacts, and ways to clone, edit, date and judge it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENV = {
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "PYTHONDONTWRITEBYTECODE": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


class ForkServer:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "fork_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENV},
        )
        self.lock = threading.Lock()

    def __call__(self, cwd: Path, arguments: list[str], env: dict[str, str]) -> tuple[int, str]:
        with self.lock:
            assert self.process.stdin and self.process.stdout
            request = {"cwd": str(cwd), "arguments": arguments, "env": env}
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        return answer["status"], answer["output"]


@dataclass(frozen=True)
class World:
    """One checkout of the small workflow."""

    path: Path
    server: ForkServer

    # Git.

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env={**os.environ, **ENV}, text=True, capture_output=True
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def clone(self, path: Path, *options: str) -> World:
        self.git(*options, "clone", "-q", str(self.path), str(path))
        return World(path, self.server)

    def changed(self) -> set[str]:
        """Files that differ from the commit."""
        lines = self.git("status", "--porcelain", "--no-renames", "--untracked-files=all").splitlines()
        return {line[3:] for line in lines}

    # Editing.

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.path / name
        text = path.read_text()
        assert old in text, (name, old)
        path.write_text(text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        with (self.path / name).open("a") as file:
            file.write(text)

    def delete(self, name: str) -> None:
        (self.path / name).unlink()

    def contents(self) -> dict[str, bytes]:
        """All files but those of git and Snakemake."""
        return {str(path.relative_to(self.path)): path.read_bytes() for path in self._files()}

    def _files(self) -> list[Path]:
        own = {".git", ".snakemake", "logs"}
        return [
            path
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and not own & set(path.relative_to(self.path).parts)
        ]

    def date(self, pattern: str) -> None:
        """Give all files mtimes that mean nothing, or the wrong thing."""
        dice = random.Random(7)
        for path in self._files():
            built = path.relative_to(self.path).parts[0] in ("results", "docs")
            time = {
                "equal": 1.7e9,
                "random": 1.7e9 + dice.randrange(10**6),
                "inputs new": 1.7e9 - 1e6 * built,
                "outputs new": 1.7e9 + 1e6 * built,
                "epoch 0": 0,
            }[pattern]
            os.utime(path, (time, time))

    def mtimes(self) -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in self._files()}

    # Snakemake.

    def snakemake(self, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
        return self.server(self.path, list(arguments), {"PWD": str(self.path), **(env or {})})

    def build(self, *arguments: str) -> str:
        status, output = self.snakemake("-c2", *arguments)
        assert status == 0, output
        return output

    def stale(self, *arguments: str) -> dict[str, str]:
        """What a dry run lists: outputs with their reasons."""
        status, output = self.snakemake("-n", *arguments)
        assert status == 0, output
        found = {}
        for block in re.split(r"\n(?=(?:local)?rule \w+:)", output):
            outputs = re.search(r"^    output: (.*)$", block, re.M)
            reason = re.search(r"^    reason: (.*)$", block, re.M)
            if outputs and reason:
                names = (name.removesuffix(" (update)") for name in outputs[1].split(", "))
                found.update(dict.fromkeys(names, reason[1]))
        assert bool(found) != ("Nothing to be done" in output), output
        return found

    def popen(self, *command: str) -> subprocess.Popen[bytes]:
        """A process as a terminal starts it: in a group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self.path,
            env={**os.environ, **ENV},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    running = ForkServer()
    yield running
    assert running.process.stdin
    running.process.stdin.close()
    running.process.wait()


@pytest.fixture(scope="session")
def origin(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The small workflow, built and committed. Not to be changed."""
    path = tmp_path_factory.mktemp("origin") / "repo"
    shutil.copytree(HERE / "world", path, ignore=shutil.ignore_patterns("__pycache__"))
    (path / "gitignore").rename(path / ".gitignore")
    (path / ".gitattributes").write_text("* -text\n")
    world = World(path, server)
    world.git("init", "-q", "-b", "main")
    world.build()
    world.commit()
    return world


@pytest.fixture
def world(origin: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A clone at another path, without .snakemake, with mtimes that mean nothing."""
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    clone = origin.clone(tmp_path / "some" / "other" / "place")
    clone.date("random")
    return clone


@pytest.fixture(scope="session")
def artefacts() -> Callable[..., set[str]]:
    """What follows from a stage of some cells, that stage included."""
    stages = {
        "source": ["source.json"],
        "schema": ["schema.json", "names.txt"],
        "corpus": ["corpus.json"],
        "bench": ["perf.csv"],
    }
    cells = [("sglang", "0.4.7"), ("vllm", "0.9.1"), ("vllm", "0.9.2")]

    def follow(first: str, chosen: list[tuple[str, str]] | None = None) -> set[str]:
        after = list(stages)[list(stages).index(first) :]
        files = {
            f"results/{engine}/{version}/{name}"
            for engine, version in chosen or cells
            for stage in after
            for name in stages[stage]
        }
        coverage = {"docs/coverage.md"} if first in ("source", "schema") else set()
        return files | coverage | {"results/report.md"}

    return follow
