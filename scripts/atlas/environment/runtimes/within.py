"""Jobs that Snakemake has put into an engine's own image (`--sdm apptainer`): nothing is started around them.

Which image that is, is said by `container:` of the live rules, and made sure of in the job: one that is in
another image than the engine's does not pass for the engine's.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from atlas.environment.run import Runtime as Interpreter
from atlas.environment.run import environment_of
from atlas.environment.runtimes import gpu
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.model import GpuRequest, Reference
from atlas.paths import cache_dir

LABELS = Path("/.singularity.d/labels.json")
FILES = "containers/images"
"""Where the checkout has the images that come from no registry; not committed."""
NAMES = ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER")
"""Variables that name the file of the image that a process is in."""
FROM = "/.singularity.d/env/10-docker2singularity.sh /.singularity.d/env/90-environment.sh"
SETTINGS = f'for file in {FROM}; do [ ! -f "$file" ] || . "$file"; done; exec env -0'


def file_of(container: str) -> str:
    """The name of the file that Snakemake has it in."""
    if "://" in container:
        return f"{hashlib.md5(container.encode(), usedforsecurity=False).hexdigest()}.simg"
    return Path(container).name


def image_here(environ: Mapping[str, str] = os.environ) -> str | None:
    """The file of the image that this process is in, if it is in one of Apptainer's."""
    return next((environ[name] for name in NAMES if environ.get(name)), None)


def is_within(container: str, reference: Reference) -> bool:
    """Whether this process is in that image, by its file's name: Snakemake's, or ours that it leads to."""
    here = image_here()
    return here is not None and Path(here).name in (file_of(container), f"{reference.digest[7:23]}.sif")


def label(name: str) -> str | None:
    """A label of the image that this process is in."""
    try:
        found = json.loads(LABELS.read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(found)


def interpreter(
    spec: ImageSpec,
    reference: Reference,
    env: Mapping[str, str],
    paths: tuple[Path, ...],
    wanted: GpuRequest | None,
) -> Interpreter:
    """The engine's Python of the image that this process is in, with the image's variables and `env`."""
    python = Path(spec.python)
    return Interpreter(
        python=python,
        paths=paths,
        bytecode=cache_dir() / "bytecode" / f"within-{reference.digest[7:23]}" if paths else None,
        env={**_settings(), **env, **(gpu.chosen(wanted) if wanted else {})},
    )


def _settings() -> dict[str, str]:
    """The image's own variables, but for those that every engine has the same; not those of the caller."""
    done = subprocess.run(["/bin/sh", "-c", SETTINGS], env={}, capture_output=True, check=False)
    pairs = (entry.partition("=") for entry in done.stdout.decode(errors="replace").split("\0") if entry)
    fixed = environment_of(Interpreter(Path("python3"), bytecode=Path("/")), Path("/")).keys() - {"PATH"}
    shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    return {name: value for name, _, value in pairs if name not in fixed | shell}
