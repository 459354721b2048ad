"""Which file of a release is read, from which place, and what is said when there is none."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from atlas.cost import Cost
from atlas.errors import AtlasError, InputError, IntegrityError, UnavailableError
from atlas.index.releases import ReleaseFile, Releases, pick
from atlas.index.settings import IndexSettings, load_settings
from atlas.index.web import Web

NAME = "toy-1.0-py3-none-any.whl"
Build = Callable[..., dict[str, Any]]


def releases(settings: IndexSettings | None = None) -> Releases:
    return Releases(Web(settings or load_settings(), Cost()))


def file(name: str, kind: str = "wheel") -> ReleaseFile:
    return ReleaseFile(name, kind, Version("1"), f"https://host/{name}", None, None)


PREFERRED = [
    "toy-1-py3-none-any.whl",
    "toy-1-py2.py3-none-any.whl",
    "toy-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "toy-1-2-cp38-abi3-manylinux1_x86_64.whl",
    "toy-1-cp38-abi3-manylinux1_x86_64.whl",
    "toy-1-cp312-abi3-manylinux_2_28_x86_64.whl",
    "toy-1-cp312-cp312-manylinux_2_28_x86_64.whl",
    "toy-1-cp311-cp311-macosx_11_0_arm64.whl",
    "toy-1-cp311-cp311-manylinux_2_28_aarch64.whl",
    "toy-1-cp311-cp311-win_amd64.whl",
]


@pytest.mark.parametrize("seed", range(5))
def test_the_choice_of_a_wheel_follows_the_preference_whatever_the_order(seed: int) -> None:
    names = [name for name in PREFERRED if "py2.py3" not in name]
    while names:
        shuffled = [file(name) for name in names]
        random.Random(seed).shuffle(shuffled)
        chosen = pick(shuffled, "wheel")
        assert chosen and chosen.filename == names.pop(0)


def test_a_py2_py3_wheel_is_as_good_as_a_py3_one() -> None:
    chosen = pick(map(file, PREFERRED[1:]), "wheel")
    assert chosen and chosen.filename == PREFERRED[1]


def test_a_gzipped_sdist_goes_before_a_zip() -> None:
    chosen = pick([file("toy-1.zip", "sdist"), file("toy-1.tar.gz", "sdist")], "sdist")
    assert chosen and chosen.filename == "toy-1.tar.gz"
    assert pick([file("toy-1.zip", "sdist")], "wheel") is None


def test_json_and_html_pages_give_the_same_files(index: Any) -> None:
    index.offer("toy", NAME, b"x")
    one = releases().choose("toy", "1.0", "wheel")
    index.pages.clear()
    index.offer_html("toy", NAME, b"x")
    two = releases().choose("toy", "1.0", "wheel")
    assert one and two
    assert (one.filename, one.url, one.sha256) == (two.filename, two.url, two.sha256)
    assert (one.size, two.size) == (1, None)


def test_versions_are_compared_as_versions(index: Any) -> None:
    index.offer("toy", "toy-1.0.0-py3-none-any.whl", b"x")
    found = releases().choose("toy", "1.0", "wheel")
    assert found and found.filename == "toy-1.0.0-py3-none-any.whl"


def test_files_of_other_projects_and_odd_files_on_the_page_are_ignored(index: Any) -> None:
    for name in (
        "toy_extra-1.0-py3-none-any.whl",
        "toy-1.0.exe",
        "toy-1.0-py3.egg",
        "toy-not.a.version.tar.gz",
    ):
        index.offer("toy", name, b"x")
    index.offer("toy", NAME, b"y")
    found = releases().choose("toy", "1.0", "wheel")
    assert found and found.filename == NAME


def test_a_missing_version_names_the_nearest(index: Any, build: Build, toy: Any) -> None:
    for version in ("0.1", "0.9", "0.10", "1.1", "1.2rc1", "3.0"):
        index.offer("toy", f"toy-{version}-py3-none-any.whl", b"x")
    with pytest.raises(InputError, match=r"no toy 1\.0; the nearest versions are 0\.9, 0\.10, 1\.1, 1\.2rc1"):
        build()


def test_a_missing_project_is_an_input_error(index: Any, build: Build) -> None:
    with pytest.raises(InputError, match=r"no project toy") as raised:
        build()
    assert raised.value.exit_code == 4


@pytest.mark.parametrize(
    "kind,body,what",
    [
        ("application/vnd.pypi.simple.v1+json", b"{", "cannot be parsed"),
        ("application/vnd.pypi.simple.v1+json", b'{"files": 3}', "cannot be parsed"),
        (
            "application/vnd.pypi.simple.v1+json",
            b'{"name": "toy", "meta": {"api-version": "9.0"}, "files": []}',
            "newer",
        ),
        ("application/json", b"{}", "application/json"),
        ("text/html", b"<html><body>Please log in to the hotel network</body></html>", "lists no file"),
        ("text/html", b"\xff\xfe\x00garbage", "lists no file"),
    ],
)
def test_an_answer_that_is_no_index_page_is_not_taken_for_a_missing_release(
    index: Any, build: Build, kind: str, body: bytes, what: str
) -> None:
    index.files["/simple/toy/"] = (kind, body)
    with pytest.raises(UnavailableError, match=what) as raised:
        build()
    assert raised.value.exit_code == 5


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_an_index_that_refuses_is_an_error_with_a_remedy(index: Any, build: Build, status: int) -> None:
    index.failures["/simple/toy/"] = [status] * 50
    with pytest.raises(UnavailableError, match=str(status)) as raised:
        build()
    assert raised.value.hint


def test_an_index_that_is_down_is_an_error(index: Any, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    index.shutdown()
    index.server_close()
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://user:secret@127.0.0.1:{index.server_port}/simple")
    with pytest.raises(UnavailableError, match=r"no connection") as raised:
        build()
    assert "secret" not in str(raised.value) and "127.0.0.1" in raised.value.what


def test_a_server_may_not_ask_for_endless_patience(index: Any) -> None:
    from urllib3.response import HTTPResponse

    web = Web(load_settings(), Cost())
    retry = web.get_adapter(index.url).max_retries  # type: ignore[attr-defined]
    answer = HTTPResponse(headers={"Retry-After": "86400"}, status=429)
    assert retry.get_retry_after(answer) == 30


def test_a_file_in_a_folder_is_used_without_asking_any_index(
    index: Any, build: Build, toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = toy.wheel(toy.FILES, padding=300_000)
    index.offer("toy", NAME, content)
    from_index = build()
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / NAME).write_bytes(content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "other-cache"))
    index.requests.clear()
    assert build() == from_index
    assert index.requests == []


def test_a_folder_without_the_release_does_not_hide_the_index(
    index: Any, build: Build, toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.offer("toy", NAME, toy.wheel(toy.FILES))
    (tmp_path / "toy-0.1-py3-none-any.whl").write_bytes(b"x")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    assert build()["status"] == "available"


def test_a_folder_that_is_not_there_is_reported(
    index: Any, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "gone"))
    with pytest.raises(UnavailableError, match=r"gone"):
        build()


def test_a_page_of_links_is_a_place_too(
    index: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.offer_html("toy", NAME, toy.wheel(toy.FILES))
    index.files["/links/a/"] = index.files.pop("/simple/toy/")
    monkeypatch.setenv("PIP_NO_INDEX", "true")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{index.url}/links/a/")
    assert build()["status"] == "available"


@pytest.mark.parametrize("style", ["html", "json"])
def test_an_index_of_local_files_is_read(
    build: Build, toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    content = toy.wheel(toy.FILES)
    from hashlib import sha256

    digest = sha256(content).hexdigest()
    for folder in ("mirror/simple/toy", "mirror/files"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mirror/files" / NAME).write_bytes(content)
    page = tmp_path / "mirror/simple/toy" / f"index.{style}"
    if style == "html":
        page.write_text(f'<a href="../../files/{NAME}#sha256={digest}">{NAME}</a>')
    else:
        entry = {"filename": NAME, "url": f"../../files/{NAME}", "hashes": {"sha256": digest}}
        page.write_text(json.dumps({"meta": {"api-version": "1.0"}, "name": "toy", "files": [entry]}))
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "mirror/simple").as_uri())
    assert build()["origin"]["digest"] == f"sha256:{digest}"
    (tmp_path / "mirror/files" / NAME).write_bytes(content + b"x")
    with pytest.raises(IntegrityError, match=r"the index promises"):
        build()
    (tmp_path / "mirror/files" / NAME).unlink()
    with pytest.raises(UnavailableError, match=r"cannot be read"):
        build()


def test_a_local_index_that_is_not_there_is_reported(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "gone").as_uri())
    with pytest.raises(UnavailableError, match=r"not a folder"):
        build()


def test_an_extra_index_serves_what_the_first_lacks(
    index: Any, second: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.offer("toy", "toy-0.9-py3-none-any.whl", b"x")
    path = second.offer("toy", NAME, toy.wheel(toy.FILES))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{second.url}/simple")
    assert build()["status"] == "available"
    assert second.fetched(path)


def test_the_first_index_with_the_release_is_the_one_used(
    index: Any, second: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.offer("toy", NAME, toy.wheel(toy.FILES))
    second.offer("toy", NAME, toy.wheel({"toy/evil.py": b""}))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{second.url}/simple")
    assert "toy/config.py" in build()["files"]
    assert second.requests == []


@pytest.fixture
def second(index: Any) -> Iterator[Any]:
    """Another index, on an origin of its own."""
    import threading

    server = type(index)()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_credentials_go_to_their_own_host_only(
    index: Any,
    second: Any,
    build: Build,
    toy: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = toy.wheel(toy.FILES, padding=300_000)
    far = second.offer("toy", NAME, content)
    index.offer("toy", NAME, content, url=f"{second.url}{far}")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://user:s%40cret@127.0.0.1:{index.server_port}/simple")
    text = json.dumps(build())
    assert {auth for _, _, auth in index.requests} == {"Basic dXNlcjpzQGNyZXQ="}
    assert second.requests and {auth for _, _, auth in second.requests} == {None}
    shown = capsys.readouterr()
    assert "cret" not in text + shown.out + shown.err


def test_two_indexes_on_one_host_get_each_their_own_credentials(index: Any) -> None:
    settings = IndexSettings(f"http://a:1@127.0.0.1:{index.server_port}/one/simple")
    settings = IndexSettings(settings.index, (f"http://b:2@127.0.0.1:{index.server_port}/two/simple",))
    web = Web(settings, Cost())
    for path in ("/one/simple/toy/", "/two/simple/toy/"):
        web.get(index.url + path)
    assert [auth for _, _, auth in index.requests] == ["Basic YTox", "Basic Yjoy"]


def test_credentials_do_not_follow_a_redirect_to_another_host(
    index: Any, second: Any, build: Build, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = toy.wheel(toy.FILES, padding=300_000)
    path = index.offer("toy", NAME, content)
    far = second.offer("toy", NAME, content)
    index.redirects[path] = f"http://localhost:{second.server_port}{far}"
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://user:secret@127.0.0.1:{index.server_port}/simple")
    assert build()["status"] == "available"
    assert all(auth for _, _, auth in index.requests)
    assert {auth for _, _, auth in second.requests} == {None}


def test_netrc_serves_an_index_without_credentials_in_its_url(
    index: Any, build: Build, toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.offer("toy", NAME, toy.wheel(toy.FILES))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    build()
    assert all(auth and auth.startswith("Basic ") for _, _, auth in index.requests)


def test_an_error_about_certificates_says_which_setting_to_check(
    index: Any, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "gone.pem"))
    with pytest.raises(AtlasError) as raised:
        build()
    assert raised.value.exit_code == 5 and "certificates" in (raised.value.hint or "")
