"""From a bare Python: uv is fetched by hand where there is no pip, and only with the locked hash."""

import functools
import importlib.util
import io
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from atlas.index.settings import IndexSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts/bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "UV", tmp_path / "tools/bin/uv")
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    monkeypatch.setattr(module.platform, "libc_ver", lambda: ("glibc", "2.36"))
    return module


@pytest.fixture
def index(tmp_path, bootstrap):
    """An index page with a wheel of the locked version that holds a program."""
    version, _ = bootstrap.locked_uv()
    name = f"uv-{version}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    page = tmp_path / "index/uv"
    page.mkdir(parents=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"uv-{version}.data/scripts/uv", "#!/bin/sh\necho here\n")
    (page / name).write_bytes(content.getvalue())
    (page / "index.html").write_text(f'<a href="other.whl">x</a><a href="{name}#sha256=0">{name}</a>')

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=page.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield IndexSettings(f"http://127.0.0.1:{server.server_address[1]}"), content.getvalue()
    server.shutdown()
    server.server_close()


def test_another_hash_than_the_locked_one_is_refused(bootstrap, index):
    with pytest.raises(SystemExit, match=r"has not the hash in envs/uv\.txt"):
        bootstrap.download_uv(index[0])


def test_the_locked_wheel_is_unpacked(bootstrap, index, monkeypatch):
    settings, content = index
    version, _ = bootstrap.locked_uv()
    hashes = {bootstrap.hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr(bootstrap, "locked_uv", lambda: (version, hashes))
    bootstrap.unpack_uv(bootstrap.download_uv(settings))
    assert bootstrap.UV.read_text().startswith("#!/bin/sh")
    assert bootstrap.UV.stat().st_mode & 0o111


def test_an_index_that_cannot_be_reached_is_named_as_such(bootstrap):
    with pytest.raises(SystemExit, match="uv cannot be fetched"):
        bootstrap.download_uv(IndexSettings("http://127.0.0.1:9/simple"))


@pytest.mark.parametrize(
    ("system", "machine", "libc", "wheel"),
    [
        ("Linux", "x86_64", "glibc", "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        ("Linux", "aarch64", "glibc", "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64"),
        ("Linux", "x86_64", "", "musllinux_1_1_x86_64"),
        ("Darwin", "arm64", "", "macosx_11_0_arm64"),
    ],
)
def test_each_platform_takes_its_own_wheel(bootstrap, monkeypatch, system, machine, libc, wheel):
    monkeypatch.setattr(bootstrap.platform, "machine", lambda: machine)
    monkeypatch.setattr(bootstrap.platform, "system", lambda: system)
    monkeypatch.setattr(bootstrap.platform, "libc_ver", lambda: (libc, ""))
    assert bootstrap.fits(f"uv-1.0-py3-none-{wheel}.whl")
    assert not bootstrap.fits("uv-1.0-py3-none-linux_armv6l.whl")


def test_locks_name_no_index():
    for lock in (ROOT / "envs").glob("*.txt"):
        assert "://" not in lock.read_text(), lock.name
        assert "--hash=sha256:" in lock.read_text()
