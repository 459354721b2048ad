"""The runtime that is no container: a virtual environment of this machine, made by uv from a lock.

It keeps packages apart, and nothing else: a job sees the machine's files and network, and `limits` and
`mounts` hold as far as it keeps to them. The probe's own isolation is in `atlas.environment.run`.
"""

from __future__ import annotations

import os
from pathlib import Path

from atlas.environment.runtimes.gpu import chosen
from atlas.environment.runtimes.local import LocalProcess
from atlas.environment.runtimes.model import Job, Reference
from atlas.environment.runtimes.protocol import Started
from atlas.environment.uv import find_uv
from atlas.environment.venv import is_complete, prepare_venv, venv_key
from atlas.errors import InputError, UnavailableError
from atlas.paths import cache_dir


class Venv:
    """A reference names a Python, and its file is a lock."""

    name = "venv"

    def missing(self) -> str | None:
        try:
            find_uv()
        except UnavailableError as error:
            return str(error)
        return None

    def present(self, reference: Reference) -> bool:
        assert reference.file is not None
        key = venv_key(reference.file.read_bytes(), reference.name)
        return is_complete(cache_dir() / "venvs" / key)

    def prepare(self, reference: Reference) -> str:
        assert reference.file is not None
        return str(prepare_venv(reference.file, reference.name))

    def start(self, image: str, job: Job) -> Started:
        moved = [mount for mount in job.mounts if mount.source.resolve() != mount.target.resolve()]
        if moved:
            raise InputError(
                f"{moved[0].source} is to be seen at {moved[0].target}, which needs a container",
                hint="use another runtime",
            )
        env = {
            "PATH": os.pathsep.join([str(Path(image) / "bin"), os.environ.get("PATH", os.defpath)]),
            **job.env,
        }
        if job.gpu is not None:
            env |= chosen(job.gpu)
        return LocalProcess(job.command, env, job.workdir)

    def user(self, _: Job) -> int:
        return os.getuid()

    def sweep(self) -> int:
        return 0
