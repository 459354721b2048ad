"""From a bare Python to the project's environment: fetch uv, then let it do the rest.

usage: python3 scripts/bootstrap.py [run|dev|slurm|lock]

`slurm` adds what submits jobs to SLURM. `lock` makes envs/{atlas,dev,slurm}.txt anew from pyproject.toml.

Standard library only. uv comes from the index that pip or uv are configured to use, by pip where
there is one, else by hand; either way its hash must be one of those in envs/uv.txt.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
UV = TOOLS / "bin" / "uv"
OLDEST = (3, 11)
LOCKS = {
    "run": ["envs/atlas.txt"],
    "dev": ["envs/atlas.txt", "envs/dev.txt"],
    "slurm": ["envs/atlas.txt", "envs/slurm.txt"],
}


def main() -> None:
    if sys.version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        sys.exit(f"error: Python {oldest} or newer is needed, this is {platform.python_version()}")
    from atlas.errors import InputError
    from atlas.index.settings import load_settings, uv_arguments, uv_environment

    mode = (sys.argv[1:] or ["run"])[0]
    try:
        settings = load_settings()
    except InputError as error:
        sys.exit(f"error: {error}")
    if not uv_is_locked():
        fetch_uv(settings)
    environment = {**os.environ, **uv_environment(settings)}
    if mode == "lock":
        lock(environment, uv_arguments(settings))
    else:
        install(LOCKS[mode], environment, uv_arguments(settings))


def locked_uv() -> tuple[str, set[str]]:
    text = (ROOT / "envs" / "uv.txt").read_text(encoding="utf-8")
    version = re.search(r"^uv==(\S+)", text, re.M)
    assert version is not None
    return version[1], set(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))


def uv_is_locked() -> bool:
    if not UV.is_file():
        return False
    found = subprocess.run([UV, "--version"], capture_output=True, text=True, check=False).stdout
    return found.split()[1:2] == [locked_uv()[0]]


def fetch_uv(settings) -> None:  # type: ignore[no-untyped-def]
    print(f"fetching uv {locked_uv()[0]}", file=sys.stderr)
    shutil.rmtree(TOOLS, ignore_errors=True)
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode == 0:
        lock = ROOT / "envs" / "uv.txt"
        command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        done = subprocess.run(
            [*command, "--target", str(TOOLS), "--requirement", str(lock)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0 and UV.is_file():
            return
        print(done.stderr.strip()[-500:], file=sys.stderr)
    unpack_uv(download_uv(settings))


class _Links(HTMLParser):
    """The links of a simple index page (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.found.append(href)


def download_uv(settings) -> bytes:  # type: ignore[no-untyped-def]
    """The uv wheel of this platform, its hash checked against the lock."""
    version, hashes = locked_uv()
    if settings.index is None:
        sys.exit("error: no-index is set, so uv cannot be fetched\nhint: put uv on the PATH as .tools/bin/uv")
    page = settings.index.rstrip("/") + "/uv/"
    context = ssl.create_default_context(cafile=settings.cert)
    try:
        request = urllib.request.Request(
            page, headers={"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.1"}
        )
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            body, kind = answer.read(), answer.headers.get_content_type()
        if kind.endswith("json"):
            links = [file["url"] for file in json.loads(body)["files"]]
        else:
            parser = _Links()
            parser.feed(body.decode())
            links = parser.found
        for link in links:
            name = link.split("#")[0].rsplit("/", 1)[-1]
            if name.startswith(f"uv-{version}-") and fits(name):
                with urllib.request.urlopen(urljoin(page, link), timeout=300, context=context) as answer:
                    content: bytes = answer.read()
                if hashlib.sha256(content).hexdigest() not in hashes:
                    sys.exit(f"error: {name} has not the hash in envs/uv.txt")
                return content
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        reason = getattr(error, "reason", error)
        sys.exit(
            f"error: uv cannot be fetched: {reason}\nhint: set PIP_INDEX_URL to an index that can be reached"
        )
    sys.exit(f"error: no uv {version} for {platform.system()} {platform.machine()} in the index")


def fits(wheel: str) -> bool:
    machine = {"arm64": "(?:arm64|aarch64)", "aarch64": "(?:arm64|aarch64)"}
    arch = machine.get(platform.machine(), platform.machine())
    libc = "musllinux" if platform.system() == "Linux" and platform.libc_ver()[0] != "glibc" else "manylinux"
    system = {"Linux": libc, "Darwin": "macosx"}.get(platform.system(), "none")
    return re.search(rf"-{system}[^-]*_{arch}[^-]*\.whl$|-{system}_{arch}\.whl$", wheel) is not None


def unpack_uv(wheel: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(name for name in archive.namelist() if re.fullmatch(r"uv-[^/]+\.data/scripts/uv", name))
        UV.parent.mkdir(parents=True, exist_ok=True)
        UV.write_bytes(archive.read(member))
        UV.chmod(0o755)


def install(locks: list[str], environment: dict[str, str], arguments: list[str]) -> None:
    """Make .venv hold what the locks say, byte-compiled (it halves Snakemake's start)."""
    if not (VENV / "bin" / "python").exists():
        call([UV, "venv", "--quiet", "--python", sys.executable, VENV], environment)
    requirements = [argument for lock in locks for argument in ("--requirements", ROOT / lock)]
    pip = [UV, "pip", "install", "--quiet", "--python", VENV]
    call([*pip, "--compile-bytecode", "--require-hashes", *arguments, *requirements], environment)
    call([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], environment)


def lock(environment: dict[str, str], arguments: list[str]) -> None:
    """Hash-pinned, for every platform, without the address of any index; what is pinned stays."""
    compile_ = [UV, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", *arguments]
    compile_ += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
    compile_ += ["--custom-compile-command", "make lock", ROOT / "pyproject.toml", "--extra", "perf"]
    run, dev, slurm = (ROOT / "envs" / f"{name}.txt" for name in ("atlas", "dev", "slurm"))
    call([*compile_, "--group", "build", "--output-file", run], environment)
    call([*compile_, "--group", "dev", "--constraints", run, "--output-file", dev], environment)
    call([*compile_, "--extra", "slurm", "--constraints", run, "--output-file", slurm], environment)


def call(command: list[str | Path], environment: dict[str, str]) -> None:
    done = subprocess.run([str(part) for part in command], env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command[1:4]))} failed\nhint: `make clean`, then try again")


if __name__ == "__main__":
    main()
