"""The cache survives full disks, killed jobs, parallel jobs and damage."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas.errors import UnavailableError
from atlas.source.store import Store

NAME = "toy-1.0-py3-none-any.whl"
PATH = f"/files/{NAME}"
Build = Callable[..., dict[str, Any]]

JOB = """
import sys
from pathlib import Path
from atlas.engines.model import Cell, InvariantSpec, SourceSpec
from atlas.source.command import build_source
wheel = (SourceSpec("wheel"),)
cell = Cell("toy", "1.0", "toy", None, ("toy",), wheel, None, {}, (), {}, (), (), InvariantSpec(), Path())
build_source(cell, Path(sys.argv[1]))
"""


def job(output: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", JOB, str(output)], stderr=subprocess.PIPE)


def many(toy: Any) -> dict[str, bytes]:
    """Sources that take several requests."""
    files = {}
    for n in range(60):
        files[f"toy/m{n:02}.py"] = hashlib.shake_128(bytes([n])).digest(3000)
        files[f"ballast{n:02}.bin"] = hashlib.shake_128(b"b" + bytes([n])).digest(70_000)
    return {**toy.FILES, **files}


def test_a_content_is_found_by_its_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.put(b"text")
    assert sha256 == hashlib.sha256(b"text").hexdigest()
    assert store.get(sha256) == b"text"
    assert store.path(sha256) == tmp_path / "cas/sha256" / sha256[:2] / sha256
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_damaged_content_is_absent_and_can_be_put_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.put(b"text")
    store.path(sha256).write_bytes(b"te")
    assert store.get(sha256) is None
    store.put(b"text")
    assert store.get(sha256) == b"text"


def test_a_damaged_note_is_absent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_note("wheels", "ab", b"note")
    assert store.load_note("wheels", "ab") == b"note"
    (tmp_path / "wheels/ab/ab").write_bytes(b"note")
    assert store.load_note("wheels", "ab") is None


def test_damage_in_the_cache_is_repaired_by_the_next_run(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", NAME, toy.wheel(many(toy)))
    result = build()
    store = Store.default()
    victim = store.path(result["files"]["toy/m07.py"])
    victim.write_bytes(b"")
    for note in store.root.glob("wheels/*/*"):
        note.write_bytes(b"0" * 100)
    assert build() == result
    assert store.get(result["files"]["toy/m07.py"]) is not None


def test_leftovers_of_killed_jobs_are_swept_after_a_day(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", NAME, toy.wheel(toy.FILES))
    index.ranges = "ignore"
    folder = Store.default().root / "tmp"
    folder.mkdir(parents=True)
    (folder / "old").write_text("x")
    (folder / "new").write_text("x")
    os.utime(folder / "old", (time.time() - 90_000,) * 2)
    build()
    assert [path.name for path in folder.iterdir()] == ["new"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk can be mounted only by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("ranges", ["honour", "ignore"])
def test_a_full_disk_is_reported_with_its_folder(
    index: Any, build: Build, toy: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch, ranges: str
) -> None:
    index.offer("toy", NAME, toy.wheel(many(toy)))
    index.ranges = ranges
    monkeypatch.setenv("ATLAS_CACHE", str(small_disk))
    with pytest.raises(UnavailableError, match=r"no space left") as raised:
        build()
    assert str(small_disk) in raised.value.what
    assert raised.value.hint and "ATLAS_CACHE" in raised.value.hint
    for path in small_disk.glob("cas/sha256/*/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_a_full_disk_is_reported_where_it_cannot_be_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UnavailableError, match=r"no space left"):
        Store(tmp_path).put(b"x")


def test_a_cache_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(UnavailableError, match=r"cannot be used"):
        Store(tmp_path / "cache").put(b"x")


@pytest.mark.slow
def test_a_killed_job_leaves_no_half_file_and_the_next_run_completes(
    index: Any, build: Build, toy: Any, tmp_path: Path
) -> None:
    index.offer("toy", NAME, toy.wheel(many(toy)))
    index.pause = 0.15
    output = tmp_path / "killed/source.json"
    for after in (0.3, 0.9):
        running = job(output)
        deadline = time.monotonic() + 20
        while not index.fetched(PATH) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(after)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        assert not output.exists() or json.loads(output.read_text())["status"] == "available"
        for path in Store.default().root.glob("cas/sha256/*/*"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        index.requests.clear()
    index.pause = 0
    assert len([path for path in build()["files"] if path.endswith(".py")]) == 63


@pytest.mark.slow
def test_a_job_killed_in_a_whole_download_leaves_no_file(index: Any, toy: Any, tmp_path: Path) -> None:
    index.offer("toy", NAME, toy.wheel(many(toy)))
    index.ranges, index.drip = "ignore", 0.05
    running = job(tmp_path / "source.json")
    deadline = time.monotonic() + 20
    while None not in index.fetched(PATH) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert list((Store.default().root / "tmp").iterdir()) == []
    assert not (tmp_path / "source.json").exists()


@pytest.mark.slow
def test_jobs_in_parallel_fetch_a_wheel_once_and_agree(index: Any, toy: Any, tmp_path: Path) -> None:
    content = toy.wheel(many(toy))
    index.offer("toy", NAME, content)
    index.pause = 0.02
    jobs = [job(tmp_path / f"{n}.json") for n in range(3)]
    for running in jobs:
        _, errors = running.communicate(timeout=60)
        assert running.returncode == 0, errors.decode()
    texts = {(tmp_path / f"{n}.json").read_bytes() for n in range(3)}
    assert len(texts) == 1
    cold = json.loads(texts.pop())["cold_fetch"]
    assert len(index.fetched(PATH)) == cold["requests"]
