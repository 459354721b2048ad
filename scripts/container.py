"""Build containers/engine-atlas.sif from its definition.

usage: python3 scripts/container.py

Standard library only. The package index is the caller's. DEBIAN_MIRROR replaces Debian's own mirror.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from atlas.errors import InputError
from atlas.index.settings import IndexSettings, load_settings, uv_environment

ROOT = Path(__file__).resolve().parent.parent
DEFINITION = Path("containers/engine-atlas.def")
IMAGE = Path("containers/engine-atlas.sif")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


def main() -> None:
    os.chdir(ROOT)
    for program in ("apptainer", "debootstrap"):
        if shutil.which(program) is None:
            sys.exit(
                f"error: {program} is not installed\n"
                "hint: only the runs with --sdm apptainer need the image; see docs/containers.md"
            )
    try:
        settings = load_settings()
    except InputError as error:
        sys.exit(f"error: {error}")
    if settings.index is None:
        sys.exit("error: no-index is set, but the image is filled from a package index")
    with tempfile.TemporaryDirectory(prefix="engine-atlas-") as folder:
        write_settings(Path(folder), settings)
        building = IMAGE.with_suffix(".new.sif")
        mirror = os.environ.get("DEBIAN_MIRROR")
        chosen = ["--build-arg", f"MIRROR={mirror}"] if mirror else []
        done = subprocess.run(
            ["apptainer", "build", "--force", "--bind", f"{folder}:/mnt:ro", *chosen, building, DEFINITION],
            check=False,
        )
    if done.returncode != 0:
        building.unlink(missing_ok=True)
        sys.exit("error: the image was not built\nhint: debootstrap needs root; see docs/containers.md")
    building.replace(IMAGE)


def write_settings(folder: Path, settings: IndexSettings) -> None:
    """The index as variables of a shell, in a folder that only the caller reads and the image has not.

    Local folders and local indexes are left out: they are not visible while the image is built.
    """
    remote = {
        "extra": tuple(url for url in settings.extra if url.startswith("http")),
        "find_links": tuple(url for url in settings.find_links if url.startswith("http")),
    }
    variables = uv_environment(IndexSettings(settings.index, **remote))
    if settings.cert:
        shutil.copy(Path(settings.cert).expanduser(), folder / "ca.pem")
        variables["SSL_CERT_FILE"] = "/mnt/ca.pem"
    for name in (form for proxy in PROXIES for form in (proxy, proxy.lower())):
        if os.environ.get(name):
            variables[name] = os.environ[name]
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    (folder / "settings.sh").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
