"""Where there is no wheel: sdists, stubs and folders."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atlas.engines.model import SourceSpec
from atlas.errors import InputError, IntegrityError
from atlas.source.store import Store
from atlas.source.tree import SourceTree

Build = Callable[..., dict[str, Any]]
FILES = {
    "PKG-INFO": b"Metadata-Version: 2.4\nName: toy\nVersion: 1.0\nRequires-Python: >=3.9\n\n",
    "setup.py": b"setup()\n",
    "toy/__init__.py": b"import x\n",
    "toy/deep/er.py": b"x = 1\n",
    "toy/data.bin": b"\0",
    "tests/toy/test.py": b"no\n",
}


@pytest.mark.parametrize("suffix,mode", [("tar.gz", "w:gz"), ("tar.bz2", "w:bz2"), ("tar.xz", "w:xz")])
def test_an_sdist_serves_where_there_is_no_wheel(
    index: Any, build: Build, toy: Any, suffix: str, mode: str
) -> None:
    content = toy.sdist(FILES, mode=mode)
    index.offer("toy", f"toy-1.0.{suffix}", content)
    result = build()
    assert list(result["files"]) == ["toy/__init__.py", "toy/deep/er.py"]
    assert result["origin"]["evidence"] == "archive"
    assert result["origin"]["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert result["cold_fetch"] == {"bytes": len(content), "requests": 1}
    assert result["metadata"]["requires_python"] == ">=3.9"
    assert result["attempts"] == [{"kind": "wheel", "reason": "the release has no wheel"}]


def test_a_zipped_sdist_is_read_too(index: Any, build: Build) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(f"toy-1.0/{name}", content)
    index.offer("toy", "toy-1.0.zip", out.getvalue())
    assert list(build()["files"]) == ["toy/__init__.py", "toy/deep/er.py"]


def test_packages_below_src_are_found(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", "toy-1.0.tar.gz", toy.sdist({"src/toy/__init__.py": b"", "setup.py": b""}))
    assert list(build()["files"]) == ["toy/__init__.py"]


def test_an_sdist_is_fetched_once(index: Any, build: Build, toy: Any) -> None:
    path = index.offer("toy", "toy-1.0.tar.gz", toy.sdist(FILES))
    assert build() == build()
    assert len(index.fetched(path)) == 1


def test_an_sdist_with_another_digest_is_refused(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", "toy-1.0.tar.gz", toy.sdist(FILES), hashes={"sha256": "0" * 64})
    with pytest.raises(IntegrityError, match=r"the index promises"):
        build()


def test_a_cut_archive_is_refused(index: Any, build: Build, toy: Any) -> None:
    content = toy.sdist({**FILES, "toy/big.py": hashlib.shake_128(b"x").digest(200_000)})
    index.offer("toy", "toy-1.0.tar.gz", content[: len(content) // 2])
    with pytest.raises(IntegrityError):
        build()


def test_a_stub_is_not_a_source_and_the_reason_is_kept(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", "toy-1.0.tar.gz", toy.sdist({"setup.py": b"raise SystemExit\n", "PKG-INFO": b""}))
    result = build()
    assert result["status"] == "unavailable"
    assert result["attempts"][1] == {
        "kind": "sdist",
        "reason": "the sdist holds no file of package toy: a stub",
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        file = tmp_path / "project/checkouts/toy" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "project/checkouts/toy/toy/__pycache__").mkdir()
    (tmp_path / "project/checkouts/toy/toy/__pycache__/x.py").write_text("")
    return tmp_path / "project/checkouts/toy"


def path_cell(toy: Any, path: str, root: Path) -> Any:
    return toy.cell(sources=(SourceSpec("path", path=path),), root=root)


def test_a_folder_gives_its_files_and_a_digest_of_them(build: Build, toy: Any, checkout: Path) -> None:
    result = build(path_cell(toy, "checkouts/toy", checkout.parents[1]))
    assert list(result["files"]) == ["toy/__init__.py", "toy/deep/er.py"]
    assert result["origin"]["name"] is None and result["origin"]["evidence"] == "tree"
    assert str(checkout) not in json.dumps(result)


def test_the_same_files_elsewhere_have_the_same_digest(
    build: Build, toy: Any, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(path_cell(toy, "checkouts/toy", checkout.parents[1]))
    checkout.rename(tmp_path / "moved")
    monkeypatch.setenv("TOY_SOURCE", str(tmp_path / "moved"))
    second = build(path_cell(toy, "${TOY_SOURCE}", tmp_path))
    assert first["origin"] == second["origin"] and first["files"] == second["files"]


def test_packages_below_python_are_found_in_a_folder(build: Build, toy: Any, checkout: Path) -> None:
    (checkout / "python").mkdir()
    (checkout / "toy").rename(checkout / "python/toy")
    assert "toy/deep/er.py" in build(path_cell(toy, str(checkout), Path("/")))["files"]


@pytest.mark.parametrize(
    "path,reason",
    [("${NOT_SET}/x", "the environment variable NOT_SET is not set"), ("gone", "there is no folder gone")],
)
def test_a_folder_that_is_not_there_is_a_reason(
    build: Build, toy: Any, tmp_path: Path, path: str, reason: str
) -> None:
    result = build(path_cell(toy, path, tmp_path))
    assert result["attempts"] == [{"kind": "path", "reason": reason}]


def test_links_out_of_a_folder_are_skipped(build: Build, toy: Any, checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (checkout / "toy/secret.py").symlink_to(tmp_path / "secret")
    result = build(path_cell(toy, str(checkout), tmp_path))
    assert "toy/secret.py" not in result["files"]
    assert result["skipped"][0]["path"] == "toy/secret.py"


def test_a_folder_serves_a_version_that_the_index_does_not_have(
    index: Any, build: Build, toy: Any, checkout: Path
) -> None:
    index.offer("toy", "toy-0.9-py3-none-any.whl", toy.wheel(toy.FILES, version="0.9"))
    sources = (SourceSpec("wheel"), SourceSpec("path", path=str(checkout)))
    result = build(toy.cell(sources=sources))
    assert result["origin"]["kind"] == "path"
    assert result["attempts"] == [{"kind": "wheel", "reason": "no toy 1.0"}]


def test_sources_are_taken_from_the_distribution_a_source_names(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy-cpu", "toy_cpu-1.0-py3-none-any.whl", toy.wheel(toy.FILES, project="toy_cpu"))
    result = build(toy.cell(sources=(SourceSpec("wheel", name="toy-cpu"),)))
    assert result["origin"]["name"] == "toy_cpu-1.0-py3-none-any.whl"


def test_a_tree_of_a_folder_that_changed_says_so(
    build: Build, toy: Any, checkout: Path, tmp_path: Path
) -> None:
    pinned = path_cell(toy, str(checkout), tmp_path)
    build(pinned)
    tree = SourceTree.load(tmp_path / "results/source.json", pinned, Store(tmp_path / "empty"))
    assert tree.read("toy/__init__.py") == FILES["toy/__init__.py"]
    (checkout / "toy/deep/er.py").write_text("changed")
    cold = SourceTree.load(tmp_path / "results/source.json", pinned, Store(tmp_path / "empty2"))
    with pytest.raises(IntegrityError, match=r"toy/deep/er.py"):
        cold.read("toy/deep/er.py")


def test_a_tree_without_sources_is_empty_and_says_so(
    index: Any, build: Build, toy: Any, tmp_path: Path
) -> None:
    index.offer("toy", "toy-1.0.tar.gz", toy.sdist({"setup.py": b""}))
    build()
    tree = SourceTree.load(tmp_path / "results/source.json", toy.cell())
    assert not tree.available and tree.files() == []
    with pytest.raises(InputError):
        tree.read("toy/__init__.py")
