"""Archives made to do harm are refused with exit code 6 and leave no artefact."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.errors import AtlasError, IntegrityError
from atlas.source import archive, wheel
from atlas.source.archive import check_name

NAME = "toy-1.0-py3-none-any.whl"
Build = Callable[..., dict[str, Any]]
HOSTILE = [
    "../toy/x.py",
    "/toy/x.py",
    "toy/../../x.py",
    "toy/./x.py",
    "toy//x.py",
    "toy\\x.py",
    "C:x.py",
    "toy/\n.py",
]


def with_name(content: bytes, name: str) -> bytes:
    """The archive with the entry `toy/NAME_.py` renamed, byte for byte, in both of its headers."""
    placeholder = ("toy/" + "N" * 60)[: len(name)]
    return content.replace(placeholder.encode(), name.encode())


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("ranges", ["honour", "ignore"])
def test_a_wheel_with_an_unsafe_name_is_refused(
    index: Any, build: Build, toy: Any, name: str, ranges: str
) -> None:
    placeholder = ("toy/" + "N" * 60)[: len(name)]
    index.offer("toy", NAME, with_name(toy.wheel({**toy.FILES, placeholder: b"x = 1\n"}), name))
    index.ranges = ranges
    with pytest.raises(IntegrityError, match=r"unsafe name"):
        build()


def test_a_wheel_with_a_nul_in_a_name_is_refused(index: Any, build: Build, toy: Any) -> None:
    content = toy.wheel({**toy.FILES, "toy/abc.pyXevil": b"x = 1\n"})
    index.offer("toy", NAME, content.replace(b"toy/abc.pyXevil", b"toy/abc.py\0evil"))
    with pytest.raises(IntegrityError, match=r"unsafe name"):
        build()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_wheel_with_one_name_twice_is_refused(index: Any, build: Build, toy: Any) -> None:
    out = io.BytesIO(toy.wheel(toy.FILES))
    with zipfile.ZipFile(out, "a") as zipped:
        zipped.writestr("toy/config.py", b"class Config: evil = 1\n")
    index.offer("toy", NAME, out.getvalue())
    with pytest.raises(IntegrityError, match=r"two entries toy/config.py"):
        build()


def test_a_data_folder_cannot_stand_in_for_a_package_file(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", NAME, toy.wheel({**toy.FILES, "toy-1.0.data/purelib/toy/config.py": b"evil\n"}))
    with pytest.raises(IntegrityError, match=r"two entries toy/config.py"):
        build()


def test_a_file_beyond_the_size_limit_is_refused(
    index: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_FILE", 1_000_000)
    index.offer("toy", NAME, toy.wheel({**toy.FILES, "toy/bomb.py": b"0" * 1_000_001}))
    with pytest.raises(IntegrityError, match=r"toy/bomb.py would unpack to 1000001 bytes"):
        build()


def test_many_files_beyond_the_total_limit_are_refused(
    index: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL", 100_000)
    index.offer("toy", NAME, toy.wheel({f"toy/{n}.py": b"0" * 5000 for n in range(30)}))
    with pytest.raises(IntegrityError, match=r"more than 100000 bytes"):
        build()


def test_a_file_bigger_than_its_directory_states_is_refused(index: Any, build: Build, toy: Any) -> None:
    content = bytearray(toy.wheel({**toy.FILES, "toy/bomb.py": b"0" * 500_000}))
    at = content.rindex(b"toy/bomb.py", 0, content.index(b"PK\x01\x02", content.rindex(b"toy/bomb.py"))) - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    index.offer("toy", NAME, bytes(content))
    with pytest.raises(IntegrityError, match=r"toy/bomb.py"):
        build()


def test_entries_that_share_their_bytes_are_refused(index: Any, build: Build, toy: Any) -> None:
    content = bytearray(toy.wheel({**toy.FILES, "toy/zzz.py": b"x = 1\n"}))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as zipped:
        first = zipped.getinfo("toy/config.py").header_offset
    at = content.rindex(b"toy/zzz.py") - 46
    while content[at : at + 4] != b"PK\x01\x02":
        at = content.rindex(b"toy/zzz.py", 0, at) - 46
    content[at + 42 : at + 46] = struct.pack("<I", first)
    index.offer("toy", NAME, bytes(content))
    with pytest.raises(IntegrityError, match=r"overlaps"):
        build()


def test_a_directory_beyond_reason_is_not_fetched(
    index: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "MAX_DIRECTORY", 70_000)
    files = {f"toy/{'n' * 100}{n}.py": b"" for n in range(1000)}
    index.offer("toy", NAME, toy.wheel({**files, "toy/x.py": b"x\n"}))
    with pytest.raises(IntegrityError, match=r"beyond reason"):
        build()


def test_more_entries_than_any_wheel_has_are_refused(
    index: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "MAX_ENTRIES", 5)
    index.offer("toy", NAME, toy.wheel(toy.FILES))
    with pytest.raises(IntegrityError, match=r"more than 5"):
        build()


def test_an_encrypted_file_is_refused(index: Any, build: Build, toy: Any) -> None:
    content = bytearray(toy.wheel({"toy/x.py": b"x\n"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    index.offer("toy", NAME, bytes(content))
    with pytest.raises(IntegrityError, match=r"toy/x.py"):
        build()


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>not a wheel</html>", b"\0" * 100_000])
def test_what_is_no_zip_is_refused(index: Any, build: Build, content: bytes) -> None:
    index.offer("toy", NAME, content)
    with pytest.raises(AtlasError) as raised:
        build()
    assert raised.value.exit_code == 6


def test_a_wheel_of_another_project_is_refused(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", NAME, toy.wheel(toy.FILES, project="evil"))
    with pytest.raises(IntegrityError, match=r"dist-info"):
        build()


def test_a_wheel_without_record_is_refused(index: Any, build: Build, toy: Any) -> None:
    index.offer("toy", NAME, toy.zipped({**toy.FILES, "toy-1.0.dist-info/METADATA": b"Name: toy\n"}))
    with pytest.raises(IntegrityError, match=r"it has no RECORD"):
        build()


def test_a_wheel_that_lacks_a_file_of_its_record_is_refused(index: Any, build: Build, toy: Any) -> None:
    info = b"Name: toy\n"
    record = "".join(
        toy.record_line(name, content)
        for name, content in {
            "toy/x.py": b"x\n",
            "toy/gone.py": b"",
            "toy-1.0.dist-info/METADATA": info,
        }.items()
    )
    members = {"toy/x.py": b"x\n", "toy-1.0.dist-info/METADATA": info}
    index.offer("toy", NAME, toy.zipped({**members, "toy-1.0.dist-info/RECORD": record.encode()}))
    with pytest.raises(IntegrityError, match=r"RECORD lists toy/gone.py"):
        build()


@pytest.mark.parametrize(
    "line",
    ["toy/config.py,md5=abc,3\n", "toy/config.py,,\n", "toy/config.py,sha256=!!!,3\n", "toy/config.py\n"],
)
def test_a_record_with_weak_or_broken_digests_is_refused(
    index: Any, build: Build, toy: Any, line: str
) -> None:
    info = b"Name: toy\n"
    record = line + toy.record_line("toy-1.0.dist-info/METADATA", info)
    members = {"toy/config.py": b"x\n", "toy-1.0.dist-info/METADATA": info}
    index.offer("toy", NAME, toy.zipped({**members, "toy-1.0.dist-info/RECORD": record.encode()}))
    with pytest.raises(IntegrityError, match=r"toy/config.py"):
        build()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_wheel_gives_the_right_files_or_an_error_with_exit_code_6(
    tmp_path_factory: pytest.TempPathFactory,
    toy: Any,
    build: Build,
    monkeypatch: pytest.MonkeyPatch,
    data: Any,
) -> None:
    files = {"toy/__init__.py": b"import os\n", "toy/config.py": b"size = 1\n" * 20}
    content = bytearray(toy.wheel(files))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("links")
    (folder / NAME).write_bytes(content)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    try:
        found = build()["files"]
    except AtlasError as error:
        assert error.exit_code == 6
    else:
        for path, text in files.items():
            assert found[path] == sha256(text).hexdigest()


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.startswith("toy//")])
def test_an_sdist_with_an_unsafe_name_is_refused(index: Any, build: Build, toy: Any, name: str) -> None:
    content = toy.sdist({"toy-1.0/toy/__init__.py": b"", "toy-1.0/toy/x.py": b"", name: b"evil"}, top="")
    index.offer("toy", "toy-1.0.tar.gz", content)
    with pytest.raises(IntegrityError):
        build()


def test_links_in_an_sdist_are_not_followed(index: Any, build: Build, toy: Any) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, target in (("toy/passwords.py", "/etc/passwd"), ("toy/up.py", "../../../secret")):
            link = tarfile.TarInfo(f"toy-1.0/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        file = tarfile.TarInfo("toy-1.0/toy/__init__.py")
        tar.addfile(file, io.BytesIO())
    index.offer("toy", "toy-1.0.tar.gz", out.getvalue())
    result = build()
    assert list(result["files"]) == ["toy/__init__.py"]
    assert [entry["path"] for entry in result["skipped"]] == ["toy/passwords.py", "toy/up.py"]


def test_an_sdist_that_unpacks_without_end_is_refused(
    index: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atlas.source import sdist

    monkeypatch.setattr(sdist, "MAX_UNPACKED", 1_000_000)
    index.offer("toy", "toy-1.0.tar.gz", toy.sdist({"toy/__init__.py": b"", "data.bin": b"0" * 2_000_000}))
    with pytest.raises(IntegrityError, match=r"more than an sdist can hold"):
        build()


@given(st.text(max_size=30))
def test_a_name_that_passes_stays_inside_any_folder(name: str) -> None:
    try:
        check_name(name, "x")
    except IntegrityError:
        return
    path = Path("/base") / name
    assert ".." not in path.parts and path.is_relative_to("/base") and "\0" not in name
