"""The index in force is the one that uv or pip would use on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.index.settings import (
    LIBRARY_DEFAULT,
    IndexSettings,
    load_settings,
    redact,
    strip_credentials,
    uv_arguments,
    uv_environment,
)

linux = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="places of settings files on Linux")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without settings, and a sys.prefix and machine-wide folders that hold none either."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    for folder in ("home", "prefix", "shared", "work"):
        (tmp_path / folder).mkdir(exist_ok=True)
    return tmp_path / "home"


def settings(home: Path, **environ: str) -> IndexSettings:
    base = {"HOME": str(home), "XDG_CONFIG_DIRS": str(home.parent / "shared")}
    if not any(name.startswith("PIP_CONFIG") for name in environ):
        # The real /etc/pip.conf must not speak in these tests: an explicit file goes before it.
        base["PIP_CONFIG_FILE"] = os.devnull
    return load_settings(base | environ, home.parent / "work")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_any_setting_the_default_of_the_tools_is_used(home: Path) -> None:
    assert settings(home) == IndexSettings(LIBRARY_DEFAULT)


@pytest.mark.parametrize(
    "environ,index",
    [
        ({"PIP_INDEX_URL": "https://p/simple"}, "https://p/simple"),
        ({"PIP_INDEX_URL": "https://p/simple", "UV_INDEX_URL": "https://u/simple"}, "https://u/simple"),
        ({"UV_INDEX_URL": "https://u/simple", "UV_DEFAULT_INDEX": "https://d/simple"}, "https://d/simple"),
        ({"UV_DEFAULT_INDEX": "mirror=https://d/simple"}, "https://d/simple"),
        ({"UV_DEFAULT_INDEX": ""}, LIBRARY_DEFAULT),
    ],
)
def test_environment_variables_in_their_order(home: Path, environ: dict[str, str], index: str) -> None:
    assert settings(home, **environ).index == index


def test_extra_indexes_and_folders_of_uv_and_pip_are_joined(home: Path) -> None:
    found = settings(
        home,
        UV_INDEX="one=https://one/simple https://two/simple",
        UV_EXTRA_INDEX_URL="https://three/simple",
        PIP_EXTRA_INDEX_URL="https://two/simple\nhttps://four/simple",
        UV_FIND_LINKS="/a,/b",
        PIP_FIND_LINKS="/b https://links/page.html file:///c%20d",
    )
    assert found.extra == tuple(f"https://{n}/simple" for n in ("one", "two", "three", "four"))
    assert found.find_links == ("/a", "/b", "https://links/page.html", "/c d")


def test_a_relative_folder_is_made_absolute(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert settings(home, PIP_FIND_LINKS="wheels").find_links == (str(home / "wheels"),)


def test_pip_settings_files_are_read_in_pips_order(home: Path) -> None:
    places = home.parent
    explicit = str(places / "explicit.conf")
    order = [
        places / "shared/pip/pip.conf",
        home / ".pip/pip.conf",
        home / ".config/pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    for number, file in enumerate(order):
        write(file, f"[global]\nindex-url = https://n{number}/simple\n")
        found = settings(home, PIP_CONFIG_FILE=explicit)
        assert found.index == f"https://n{number}/simple", file
    write(Path(explicit), "[global]\nindex_url = https://explicit/simple\n")
    assert settings(home, PIP_CONFIG_FILE=explicit).index == "https://explicit/simple"
    assert settings(home, PIP_CONFIG_FILE=os.devnull).index == LIBRARY_DEFAULT


def test_the_install_section_goes_before_the_global_one(home: Path) -> None:
    text = "[install]\nindex-url = https://i/simple\n[global]\nindex-url = https://g/simple\ncert = /c.pem\n"
    found = settings(home, PIP_CONFIG_FILE=str(write(home / "x.conf", text)))
    assert (found.index, found.cert) == ("https://i/simple", "/c.pem")


def test_lists_in_pip_settings_may_span_lines(home: Path) -> None:
    text = "[global]\nextra-index-url =\n  https://a/simple\n  https://b/simple\nfind-links = /w /x\n"
    found = settings(home, PIP_CONFIG_FILE=str(write(home / "x.conf", text)))
    assert found.extra == ("https://a/simple", "https://b/simple")
    assert found.find_links == ("/w", "/x")


@linux
def test_uv_settings_files_go_before_pips_and_the_nearest_wins(home: Path) -> None:
    pip = str(write(home / "x.conf", "[global]\nindex-url = https://pip/simple\n"))
    write(home / ".config/uv/uv.toml", 'index-url = "https://user/simple"\n')
    assert settings(home, PIP_CONFIG_FILE=pip).index == "https://user/simple"
    text = (
        'find-links = ["wheels"]\n'
        '[[index]]\nurl = "https://default/simple"\ndefault = true\n'
        '[[index]]\nname = "more"\nurl = "https://more/simple"\n'
        '[[index]]\nname = "pinned"\nurl = "https://pinned/simple"\nexplicit = true\n'
    )
    write(home.parent / "uv.toml", text)
    found = settings(home, PIP_CONFIG_FILE=pip)
    assert found.index == "https://default/simple"
    assert found.extra == ("https://more/simple",)
    assert found.find_links == (str(home.parent / "wheels"),)
    assert settings(home, PIP_CONFIG_FILE=pip, UV_NO_CONFIG="1").index == "https://pip/simple"
    one = str(write(home / "one.toml", '[pip]\nindex-url = "https://one/simple"\n'))
    assert settings(home, UV_CONFIG_FILE=one).index == "https://one/simple"


def test_certificates_in_their_order(home: Path) -> None:
    names = ["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT"]
    environ: dict[str, str] = {}
    for name in names:
        environ[name] = f"/{name}.pem"
        assert settings(home, **environ).cert == f"/{name}.pem"


def test_no_index_leaves_only_local_places(home: Path) -> None:
    found = settings(home, PIP_NO_INDEX="1", PIP_FIND_LINKS="/w", PIP_EXTRA_INDEX_URL="https://x/simple")
    assert found == IndexSettings(None, (), ("/w",))
    assert uv_arguments(found) == ["--no-index"] and "UV_DEFAULT_INDEX" not in uv_environment(found)


@pytest.mark.parametrize("name,text", [("pip", "no section\n"), ("uv", "= 1")])
def test_a_settings_file_that_cannot_be_parsed_is_named(home: Path, name: str, text: str) -> None:
    file = str(write(home / f"{name}.broken", text))
    with pytest.raises(InputError, match=f"not a {name} settings file") as raised:
        settings(home, **{"pip": {"PIP_CONFIG_FILE": file}, "uv": {"UV_CONFIG_FILE": file}}[name])
    assert raised.value.where == file


def test_uv_is_given_the_same_places(home: Path) -> None:
    found = IndexSettings("https://d/simple", ("https://x/simple", "file:///y"), ("/w", "/v"), "/c.pem")
    env = uv_environment(found)
    assert env == {
        "UV_DEFAULT_INDEX": "https://d/simple",
        "UV_INDEX": "https://x/simple file:///y",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/w,/v",
        "SSL_CERT_FILE": "/c.pem",
    }
    assert settings(home, **env) == found
    assert uv_arguments(found) == []


def test_the_module_runs_on_the_standard_library_alone() -> None:
    import atlas

    root = str(Path(atlas.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {root!r}); import atlas.index.settings as s"
    code += "; print(s.load_settings().index)"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip()


@pytest.mark.parametrize(
    "text,shown",
    [
        ("https://user:secret@host/simple", "https://***@host/simple"),
        ("failed: https://token@host/x and http://a:b@c", "failed: https://***@host/x and http://***@c"),
        ("https://host/file?X-Signature=secret", "https://host/file?***"),
        ("https://host/simple", "https://host/simple"),
        ("https://u:p@ss@host/", "https://***@host/"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert redact(text) == shown


secrets = st.text("abcdefghijklmnopqrstuvwxyz0123456789%:._~-", min_size=8, max_size=20)


@given(secrets)
def test_no_secret_survives_redaction(secret: str) -> None:
    assert secret not in redact(f"GET https://user:{secret}@index.example/simple failed")


def test_credentials_are_taken_out_of_a_url() -> None:
    assert strip_credentials("https://u:p%40@host:8443/simple?x=1") == (
        "https://host:8443/simple?x=1",
        "u:p%40",
    )
    assert strip_credentials("https://host/simple") == ("https://host/simple", None)
