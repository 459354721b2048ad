"""What a wheel takes, read off its end: the same wherever it is and whatever the server can do."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from atlas.environment.lock import LockSpec
from atlas.environment.sizes import Pin, Takes, wheels_of
from atlas.errors import IntegrityError, UnavailableError

NAME = "toy-1.0-py3-none-any.whl"
PATH = f"/files/{NAME}"
SPEC = LockSpec(Path("envs/toy.txt"), "3.11", (), (), "toy")


@pytest.fixture
def content(toy: Any) -> bytes:
    """A wheel, in a folder that is a project's."""
    Path("engine_versions").mkdir()
    made: bytes = toy.wheel(toy.FILES, padding=1_500_000)
    return made


def pin(content: bytes) -> list[Pin]:
    return [Pin("toy", "1.0", frozenset([hashlib.sha256(content).hexdigest(), "0" * 64]))]


def expected(content: bytes) -> list[Takes]:
    infos = zipfile.ZipFile(io.BytesIO(content)).infolist()
    unpacked = sum(info.file_size for info in infos if not info.filename.endswith("/RECORD"))
    assert unpacked > len(content) > 1_500_000
    return [Takes(NAME, len(content), unpacked)]


def test_only_the_end_of_a_wheel_is_fetched(index: Any, content: bytes) -> None:
    index.offer("toy", NAME, content)
    assert wheels_of(pin(content), SPEC) == expected(content)
    assert index.sent < 100_000


@pytest.mark.parametrize("ranges", ["honour", "ignore", "never"])
def test_without_sizes_or_ranges_it_is_the_same(index: Any, content: bytes, ranges: str) -> None:
    index.offer_html("toy", NAME, content)
    index.ranges = ranges
    assert wheels_of(pin(content), SPEC) == expected(content)
    assert (index.sent > len(content)) == (ranges != "honour")


def test_in_a_folder_it_is_the_same(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("wheels").mkdir()
    (Path("wheels") / NAME).write_bytes(content)
    monkeypatch.setenv("PIP_FIND_LINKS", "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert wheels_of(pin(content), SPEC) == expected(content)


def test_another_wheel_than_was_locked_is_not_counted(index: Any, content: bytes, toy: Any) -> None:
    other = toy.wheel({"toy/__init__.py": b""})
    index.offer("toy", NAME, other)
    with pytest.raises(UnavailableError, match="that toy names"):
        wheels_of(pin(content), SPEC)
    index.ranges = "ignore"
    index.offer("toy", NAME, other, hashes={"sha256": hashlib.sha256(content).hexdigest()})
    with pytest.raises(IntegrityError, match="but the index promises"):
        wheels_of(pin(content), SPEC)


def test_an_index_that_fails_is_told(index: Any, content: bytes) -> None:
    index.offer("toy", NAME, content)
    index.failures[PATH] = [403] * 9
    with pytest.raises(UnavailableError, match="answered 403"):
        wheels_of(pin(content), SPEC)
