"""The stage on wheels of a local index, on good days and on bad ones."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atlas.cost import COST_DIR
from atlas.errors import AtlasError, IntegrityError, UnavailableError
from atlas.index import web
from atlas.source.store import Store
from atlas.source.tree import SourceTree

NAME = "toy-1.0-py3-none-any.whl"
PATH = f"/files/{NAME}"
Build = Callable[..., dict[str, Any]]


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def offered(index: Any, toy: Any) -> bytes:
    """A wheel of which the sources are a small part."""
    content: bytes = toy.wheel(toy.FILES, padding=1_500_000)
    index.offer("toy", NAME, content)
    return content


def test_every_source_file_is_named_by_its_digest(offered: bytes, build: Build, toy: Any) -> None:
    result = build()
    assert result["status"] == "available"
    assert {path for path in result["files"] if path.endswith(".py")} == {
        "toy/__init__.py",
        "toy/config.py",
        "toy/deep/er.py",
    }
    assert result["files"]["toy/config.py"] == digest_of(toy.FILES["toy/config.py"])
    assert list(result["files"]) == sorted(result["files"])
    assert result["origin"] == {
        "kind": "wheel",
        "name": NAME,
        "digest": "sha256:" + digest_of(offered),
        "size": len(offered),
        "evidence": "record",
    }
    assert result["metadata"] == {
        "requires_python": ">=3.11",
        "requires_dist": ["numpy>=2; extra == 'math'"],
        "provides_extra": ["math"],
    }
    assert result["attempts"] == [] and result["skipped"] == []


def test_only_a_small_part_of_the_wheel_is_fetched(index: Any, offered: bytes, build: Build) -> None:
    build()
    assert index.sent < len(offered) / 5
    assert None not in index.fetched(PATH)


def test_the_stated_cost_is_what_a_cold_run_really_fetches(index: Any, offered: bytes, build: Build) -> None:
    page = len(index.files["/simple/toy/"][1])
    result = build()
    assert result["cold_fetch"] == {"bytes": index.sent - page, "requests": len(index.fetched(PATH))}
    cost = json.loads((COST_DIR / "source/toy/1.0.json").read_text())
    assert (cost["bytes"], cost["requests"]) == (index.sent, len(index.requests))


def test_a_second_run_asks_nothing_of_the_wheel(index: Any, offered: bytes, build: Build) -> None:
    first = build()
    index.requests.clear()
    assert build() == first
    assert index.fetched(PATH) == []


def test_a_new_version_fetches_only_the_files_that_changed(
    index: Any, offered: bytes, build: Build, toy: Any
) -> None:
    build()
    changed = toy.FILES | {"toy/deep/er.py": b"x = 2\n"}
    extra = {f"toy/many/m{n}.py": hashlib.shake_128(bytes([n])).digest(5000) for n in range(40)}
    files = {**extra, **changed}
    index.offer("toy", "toy-2.0-py3-none-any.whl", toy.wheel(files, version="2.0"))
    build(toy.cell(version="2.0"))
    again = toy.wheel({**files, "toy/new.py": b"new = 1\n"}, version="3.0", padding=900_000)
    path = index.offer("toy", "toy-3.0-py3-none-any.whl", again)
    index.sent = 0
    result = build(toy.cell(version="3.0"))
    assert result["files"]["toy/new.py"] == digest_of(b"new = 1\n")
    fetched = sum(int(b) - int(a) + 1 for a, b in (r[6:].split("-") for r in index.fetched(path)))
    assert fetched < result["cold_fetch"]["bytes"] - 40 * 4000


@pytest.mark.parametrize("ranges", ["ignore", "short", "never", "lie", "encoded"])
def test_a_server_without_proper_ranges_costs_more_and_changes_nothing(
    index: Any, offered: bytes, build: Build, tmp_path: Path, ranges: str
) -> None:
    good = build(store=Store(tmp_path / "other"))
    index.ranges = ranges
    assert build() == good
    index.requests.clear()
    assert build() == good
    assert index.fetched(PATH) == []


def test_an_index_without_sizes_or_json_gives_the_same_result(
    index: Any, offered: bytes, build: Build, tmp_path: Path
) -> None:
    good = build(store=Store(tmp_path / "other"))
    index.pages.clear()
    index.offer_html("toy", NAME, offered)
    index.requests.clear()
    assert build() == good
    assert index.fetched(PATH)[0] == "bytes=0-0"
    assert None not in index.fetched(PATH)


def test_a_wheel_without_a_promised_digest_is_fetched_whole_to_know_its_own(
    index: Any, offered: bytes, build: Build, tmp_path: Path
) -> None:
    good = build(store=Store(tmp_path / "other"))
    index.pages.clear()
    index.offer_html("toy", NAME, offered, hashed=False)
    index.requests.clear()
    assert build() == good
    assert index.fetched(PATH) == [None]


@pytest.mark.parametrize("failures", [[503, 502], [429], ["reset"], ["cut", "cut"], ["cut", 500, "reset"]])
def test_passing_trouble_is_retried(index: Any, offered: bytes, build: Build, failures: list[Any]) -> None:
    index.failures[PATH] = list(failures)
    index.failures["/simple/toy/"] = [500]
    assert build()["status"] == "available"
    assert index.failures[PATH] == []


def test_a_cut_range_goes_on_where_it_stopped(index: Any, offered: bytes, build: Build) -> None:
    index.failures[PATH] = ["cut"]
    build()
    first, second = index.fetched(PATH)[:2]
    assert first.split("-")[1] == second.split("-")[1]
    assert int(second[6:].split("-")[0]) > int(first[6:].split("-")[0])


@pytest.mark.parametrize("ranges", ["honour", "ignore"])
def test_a_cut_download_of_the_whole_wheel_is_completed(
    index: Any, offered: bytes, build: Build, ranges: str
) -> None:
    index.pages.clear()
    index.offer_html("toy", NAME, offered, hashed=False)
    index.ranges = ranges
    index.failures[PATH] = ["cut"]
    assert build()["origin"]["digest"] == "sha256:" + digest_of(offered)
    assert len(index.fetched(PATH)) == 2


def test_a_server_that_always_cuts_is_reported(index: Any, offered: bytes, build: Build) -> None:
    index.failures[PATH] = ["cut"] * 100
    with pytest.raises(UnavailableError):
        build()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_file_that_cannot_be_had_is_an_error_and_not_a_finding(
    index: Any, offered: bytes, build: Build, status: int
) -> None:
    index.failures[PATH] = [status] * 50
    with pytest.raises(UnavailableError, match=str(status)):
        build()


def test_wrong_bytes_in_a_range_are_refused_and_leave_nothing(
    index: Any, offered: bytes, build: Build, tmp_path: Path
) -> None:
    index.ranges = "garbage"
    with pytest.raises(IntegrityError):
        build()
    assert not list((tmp_path / "cache").rglob("cas/sha256/*/*"))
    index.ranges = "honour"
    assert build()["status"] == "available"


def test_a_file_that_differs_from_record_is_named_and_nothing_is_reported(
    index: Any, build: Build, toy: Any, tmp_path: Path
) -> None:
    promised = toy.wheel({**toy.FILES, "toy/config.py": b"class Config: pass\n"})
    with zipfile.ZipFile(io.BytesIO(promised)) as archive:
        record = archive.read("toy-1.0.dist-info/RECORD").decode()
    index.offer("toy", NAME, toy.wheel(toy.FILES, record=record))
    with pytest.raises(IntegrityError, match=r"toy/config.py") as raised:
        build()
    assert raised.value.exit_code == 6
    assert digest_of(toy.FILES["toy/config.py"]) not in {
        path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()
    }


def test_a_source_file_that_record_does_not_list_is_refused(index: Any, build: Build, toy: Any) -> None:
    listed = "".join(toy.record_line(n, c) for n, c in toy.FILES.items() if n != "toy/deep/er.py")
    info = {
        "toy-1.0.dist-info/METADATA": b"Name: toy\n",
        "toy-1.0.dist-info/RECORD": b"",
    }
    listed += toy.record_line("toy-1.0.dist-info/METADATA", info["toy-1.0.dist-info/METADATA"])
    info["toy-1.0.dist-info/RECORD"] = listed.encode()
    index.offer("toy", NAME, toy.zipped({**toy.FILES, **info}))
    with pytest.raises(IntegrityError, match=r"toy/deep/er.py"):
        build()


def test_a_whole_wheel_with_another_digest_than_the_index_promises_is_refused(
    index: Any, offered: bytes, build: Build
) -> None:
    index.ranges = "ignore"
    damaged = bytearray(offered)
    damaged[700_000] ^= 1
    index.files[PATH] = ("application/octet-stream", bytes(damaged))
    with pytest.raises(IntegrityError, match=r"the index promises"):
        build()


def test_a_server_that_sends_more_than_the_file_has_is_stopped(
    index: Any, offered: bytes, build: Build
) -> None:
    index.ranges = "ignore"
    index.files[PATH] = ("application/octet-stream", offered + b"more")
    with pytest.raises(IntegrityError, match=r"more bytes"):
        build()


def test_files_for_site_packages_are_found_in_a_data_folder(index: Any, build: Build, toy: Any) -> None:
    files = {"toy-1.0.data/purelib/toy/__init__.py": b"a = 1\n", "toy-1.0.data/scripts/toy/x.py": b"no\n"}
    index.offer("toy", NAME, toy.wheel(files))
    sources = [path for path in build()["files"] if path.endswith(".py")]
    assert sources == ["toy/__init__.py"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_read(index: Any, build: Build, toy: Any, compression: int) -> None:
    index.offer("toy", NAME, toy.wheel(toy.FILES, compression=compression))
    assert "toy/config.py" in build()["files"]


def test_zip64_wheels_are_read(index: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    content = toy.wheel(toy.FILES, force_zip64=True, padding=400_000)
    monkeypatch.undo()
    assert b"PK\x06\x06" in content
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{index.url}/simple")
    monkeypatch.setattr(web, "BACKOFF_S", 0)
    index.offer("toy", NAME, content)
    assert "toy/config.py" in build()["files"]


def test_wheels_written_to_a_stream_with_data_descriptors_are_read(
    index: Any, build: Build, toy: Any
) -> None:
    class Pipe:
        """Cannot seek, so that zipfile writes data descriptors."""

        def __init__(self) -> None:
            self.content = b""

        def write(self, part: bytes) -> int:
            self.content += part
            return len(part)

        def flush(self) -> None: ...

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as out:  # type: ignore[arg-type]
        source = zipfile.ZipFile(io.BytesIO(toy.wheel(toy.FILES, padding=200_000)))
        for name in source.namelist():
            out.writestr(name, source.read(name))
    index.offer("toy", NAME, pipe.content)
    assert "toy/config.py" in build()["files"]


def test_a_package_that_a_wheel_lacks_is_listed(index: Any, build: Build, toy: Any, offered: bytes) -> None:
    result = build(toy.cell(packages=("toy", "gone")))
    assert result["skipped"] == [{"path": "gone", "reason": "the wheel holds no file of this package"}]


def test_a_wheel_without_any_source_is_no_source(index: Any, build: Build, toy: Any, offered: bytes) -> None:
    result = build(toy.cell(packages=("gone",)))
    assert result["status"] == "unavailable"
    assert result["files"] == {} and result["origin"] is None
    assert result["attempts"] == [
        {"kind": "wheel", "reason": "the wheel holds no file of package gone"},
        {"kind": "sdist", "reason": "the release has no sdist"},
    ]


def test_a_yanked_release_is_used_with_a_warning(
    index: Any, build: Build, toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    index.offer("toy", NAME, toy.wheel(toy.FILES), yanked="broken on Tuesdays")
    assert build()["status"] == "available"
    assert "broken on Tuesdays" in capsys.readouterr().err


def test_a_slow_server_changes_nothing(index: Any, offered: bytes, build: Build) -> None:
    index.pause = 0.05
    assert build()["status"] == "available"


def test_no_answer_in_time_is_reported(
    index: Any, offered: bytes, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "READ_S", 0.05)
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    index.pause = 0.5
    with pytest.raises(UnavailableError, match=r"no answer in time|no connection"):
        build()


def test_the_artefact_names_no_host_no_path_and_no_index(
    index: Any, offered: bytes, build: Build, tmp_path: Path
) -> None:
    text = json.dumps(build())
    assert "127.0.0.1" not in text and str(tmp_path) not in text and "http" not in text


def test_two_caches_and_a_warm_one_give_the_same_bytes(
    index: Any, offered: bytes, build: Build, tmp_path: Path
) -> None:
    texts = set()
    for store in (Store(tmp_path / "a"), Store(tmp_path / "b"), Store(tmp_path / "a")):
        build(store=store)
        texts.add((tmp_path / "results/source.json").read_bytes())
    assert len(texts) == 1


def test_a_tree_reads_what_the_stage_found_and_fetches_what_the_cache_lost(
    index: Any, offered: bytes, build: Build, toy: Any, tmp_path: Path
) -> None:
    build()
    tree = SourceTree.load(tmp_path / "results/source.json", toy.cell())
    assert tree.modules() == ["toy/__init__.py", "toy/config.py", "toy/deep/er.py"]
    assert tree.read("toy/config.py") == toy.FILES["toy/config.py"]
    tree.store.path(tree.digest("toy/config.py")).unlink()
    tree.store.path(tree.digest("toy/deep/er.py")).write_bytes(b"damaged")
    tree.materialise(tmp_path / "out")
    assert (tmp_path / "out/toy/config.py").read_bytes() == toy.FILES["toy/config.py"]
    assert (tmp_path / "out/toy/deep/er.py").read_bytes() == toy.FILES["toy/deep/er.py"]
    assert (tmp_path / "out/toy-1.0.dist-info/METADATA").is_file()


def test_a_tree_says_when_the_index_has_no_such_archive_any_more(
    index: Any, offered: bytes, build: Build, toy: Any, tmp_path: Path
) -> None:
    build()
    index.pages.clear()
    index.offer("toy", NAME, toy.wheel({"toy/__init__.py": b"other\n"}))
    tree = SourceTree.load(tmp_path / "results/source.json", toy.cell(), Store(tmp_path / "empty"))
    with pytest.raises(UnavailableError, match=r"no index has"):
        tree.read("toy/config.py")


TOY = '{"format_version": 1, "engine": "toy", "version": "1.0", "origin": null, "attempts": []'


@pytest.mark.parametrize(
    "text,exit_code",
    [
        ("", 4),
        ("[]", 4),
        ("{}", 4),
        ('{"format_version": 9}', 4),
        ('{"format_version": 1, "engine": "other", "version": "1.0"}', 4),
        (TOY + ', "files": {"x": "../../x"}}', 4),
        (TOY + ', "files": {"x": 3}}', 4),
        (TOY + ', "files": {"../x": "' + "0" * 64 + '"}}', 6),
    ],
)
def test_a_tree_refuses_what_is_not_its_source_json(
    tmp_path: Path, toy: Any, text: str, exit_code: int
) -> None:
    (tmp_path / "source.json").write_text(text)
    with pytest.raises(AtlasError) as raised:
        SourceTree.load(tmp_path / "source.json", toy.cell())
    assert raised.value.exit_code == exit_code
