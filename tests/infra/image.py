"""A small base image out of this machine's own Python, shell and libraries: no registry is needed.

usage: python tests/infra/image.py FILE   (a file as `docker save` makes it)
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

TOOLS = (
    "sh",
    "bash",
    "env",
    "cat",
    "ls",
    "cp",
    "mv",
    "rm",
    "mkdir",
    "sleep",
    "id",
    "chmod",
    "true",
    "echo",
    "tee",
    "ldconfig",
)
# Opened at run time, or linked to by wheels of PyPI.
LIBRARIES = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1", "libstdc++.so.6")
LIBRARIES += ("libm.so.6", "librt.so.1", "libpthread.so.0", "libdl.so.2", "libutil.so.1")
LEFT_OUT = re.compile(
    r"/(test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip|site-packages|__pycache__|config-[^/]*)(/|$)"
)
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\npasswd: files\ngroup: files\n",
}
FOLDERS = (
    "tmp",
    "var/tmp",
    "root",
    "proc",
    "sys",
    "dev",
    "run",
    "opt",
    "home",
    "usr/bin",
    "usr/lib64",
    "etc",
)


class Layer:
    """A tar whose bytes are decided by what was added to it."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w")
        self._known: set[str] = set()

    def folder(self, name: str, mode: int = 0o755) -> None:
        for parent in reversed(Path(name).parents):
            if parent != Path() and str(parent) not in self._known:
                self.folder(str(parent))
        if name not in self._known:
            self._known.add(name)
            self._add(name, tarfile.DIRTYPE, mode)

    def link(self, name: str, target: str) -> None:
        if name not in self._known:
            self._known.add(name)
            self._add(name, tarfile.SYMTYPE, 0o777, target=target)

    def text(self, name: str, text: str) -> None:
        self._known.add(name)
        self._add(name, tarfile.REGTYPE, 0o644, content=text.encode())

    def file(self, name: str, source: Path) -> None:
        if name not in self._known:
            self.folder(str(Path(name).parent))
            self._known.add(name)
            mode = 0o755 if os.access(source, os.X_OK) else 0o644
            self._add(name, tarfile.REGTYPE, mode, content=source.read_bytes())

    def _add(self, name: str, kind: bytes, mode: int, target: str = "", content: bytes = b"") -> None:
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.linkname, member.size = kind, mode, target, len(content)
        self._tar.addfile(member, io.BytesIO(content))

    def bytes(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()


def layer() -> bytes:
    """The root file system."""
    found = Layer()
    for name in FOLDERS:
        found.folder(name, 0o1777 if name.endswith("tmp") else 0o755)
    for name in ("bin", "sbin", "lib", "lib64"):
        found.folder(f"usr/{name}")
        found.link(name, f"usr/{name}")
    for name, text in ACCOUNTS.items():
        found.text(name, text)
    programs = _python(found)
    for tool in TOOLS:
        path = shutil.which(tool, path="/usr/bin:/bin:/usr/sbin:/sbin")
        if path:
            found.file(f"usr/bin/{tool}", Path(path).resolve())
            programs.append(Path(path).resolve())
    for library in _linked(programs):
        found.file(f"usr/lib/x86_64-linux-gnu/{library.name}", library)
        if library.name.startswith("ld-linux"):
            found.file(f"usr/lib64/{library.name}", library)
    found.text("etc/ld.so.conf", "/usr/lib/x86_64-linux-gnu\n/usr/local/lib\n")
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.is_file():
        found.file("etc/ssl/certs/ca-certificates.crt", bundle)
    return found.bytes()


def _python(found: Layer) -> list[Path]:
    """The Python that runs this, at /usr/local."""
    minor = "{}.{}".format(*sys.version_info[:2])
    program = Path(sys.base_prefix, "bin", f"python{minor}").resolve()
    found.file(f"usr/local/bin/python{minor}", program)
    for name in ("python3", "python"):
        found.link(f"usr/local/bin/{name}", f"python{minor}")
    linked = [program]
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*")):
        shown = f"/{path.relative_to(library)}"
        if path.is_file() and not LEFT_OUT.search(shown) and path.suffix != ".a":
            found.file(f"usr/local/lib/python{minor}{shown}", path)
            if path.suffix == ".so":
                linked.append(path)
    return linked


def _linked(programs: list[Path]) -> list[Path]:
    """Every library that they are linked to, as the loader finds them."""
    found: dict[str, Path] = {}
    for program in programs:
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for path in map(Path, re.findall(r"(/[^\s:]+)", said)):
            if path.is_file():
                found.setdefault(path.name, path)
    for name in LIBRARIES:
        path = Path("/usr/lib/x86_64-linux-gnu", name)
        if path.exists():
            found.setdefault(name, path)
    return [found[name] for name in sorted(found)]


def write_image(file: Path, tag: str, *, content: bytes | None = None, **config: object) -> None:
    """A file as `docker save` makes it, with one layer; `config` are further settings of the image."""
    content = content or layer()
    diff = hashlib.sha256(content).hexdigest()
    settings = {
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH=/usr/local/lib"],
        "Cmd": ["/bin/sh"],
    }
    document = {
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {**settings, **config},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "tests/infra/image.py"}],
    }
    text = json.dumps(document).encode()
    name = f"{hashlib.sha256(text).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": [f"{diff}/layer.tar"]}]).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for member, bytes_ in (("manifest.json", manifest), (name, text), (f"{diff}/layer.tar", content)):
            info = tarfile.TarInfo(member)
            info.size, info.mode = len(bytes_), 0o644
            tar.addfile(info, io.BytesIO(bytes_))


if __name__ == "__main__":
    write_image(Path(sys.argv[1]), "local/python:3.11")
