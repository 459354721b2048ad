"""Apptainer: an image is one file, kept by its digest; a container is a child of this process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from atlas.environment.runtimes.gpu import VENDORS
from atlas.environment.runtimes.lent import job_user
from atlas.environment.runtimes.local import LocalProcess
from atlas.environment.runtimes.model import Job, Reference, repository
from atlas.environment.runtimes.protocol import Started
from atlas.environment.runtimes.pull import PASSING, PAUSE_S, PROGRESS_S, TRIES
from atlas.environment.runtimes.registry import Name, account_of
from atlas.environment.runtimes.said import told
from atlas.environment.venv import waiting_lock
from atlas.errors import InputError, UnavailableError
from atlas.paths import cache_dir
from atlas.progress import say

SQUASH = "-comp gzip -Xcompression-level 1"
"""What every Apptainer can mount, in a third of the usual time."""
PROGRAMS = ("apptainer", "singularity")
LOGIN = ("APPTAINER_DOCKER_USERNAME", "APPTAINER_DOCKER_PASSWORD")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Apptainer:
    """Needs the program, and neither a daemon nor root."""

    name = "apptainer"

    def missing(self) -> str | None:
        if _program() is None:
            return (
                "apptainer is not installed\nhint: see https://apptainer.org/docs, or your cluster's modules"
            )
        done = _run(["version"])
        return None if done.returncode == 0 else f"apptainer does not run: {done.stderr.strip()[-300:]}"

    def version(self) -> str:
        return _run(["version"]).stdout.strip()

    def present(self, reference: Reference) -> bool:
        return self._place(reference).is_file()

    def prepare(self, reference: Reference) -> str:
        place = self._place(reference)
        if place.is_file():
            return str(place)
        if reference.file is not None and reference.file.suffix == ".sif":
            raise InputError("there is no such image", where=str(reference.file))
        place.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(place.with_suffix(".lock"), f"another job makes {place.name}"):
            if not place.is_file():
                self._make(reference, place)
        return str(place)

    def start(self, image: str, job: Job) -> Started:
        program = _program()
        if program is None:
            raise UnavailableError("apptainer is not installed", hint="set `runtime: venv`, or install it")
        # Variables by a name that no list of processes shows.
        env = {**_environ(), **{f"APPTAINERENV_{name}": value for name, value in job.env.items()}}
        command = [program, "--quiet", *arguments(image, job)]
        return LocalProcess(command, env, Path("/"), holds=True)

    def user(self, job: Job) -> int:
        """Root stays root in name, without any of its rights, unless the job gives up the name too."""
        return job_user() if job.drops_rights else os.getuid()

    def sweep(self) -> int:
        """A container is gone with its parent; what a killed build left is removed by the next."""
        return 0

    def _place(self, reference: Reference) -> Path:
        if reference.file is not None and reference.file.suffix == ".sif":
            return reference.file
        return cache_dir() / "images" / f"{reference.digest[7:23]}.sif"

    def _make(self, reference: Reference, place: Path) -> None:
        for left in place.parent.glob(f"{place.stem}.*.tmp"):
            left.unlink(missing_ok=True)
        making = place.with_name(f"{place.stem}.{os.getpid()}.tmp")
        try:
            if reference.file is not None:
                if not reference.file.is_file():
                    raise InputError("there is no such file", where=str(reference.file))
                say(f"converting {reference.file.name} for Apptainer")
                command = ["build", "--force", "--mksquashfs-args", SQUASH, str(making)]
                _checked([*command, f"docker-archive:{reference.file}"], reference.name)
            else:
                _pull(reference, making)
            making.rename(place)
        finally:
            making.unlink(missing_ok=True)


def arguments(image: str, job: Job) -> list[str]:
    """Those of `exec`: nothing of the machine but what is mounted, and no more rights than needed."""
    found = ["exec", "--containall", "--no-home", "--no-eval", "--pwd", str(job.workdir)]
    if not job.network:
        found += ["--net", "--network", "none"]
    if os.getuid() == 0 and not job.drops_rights:
        found.append("--no-privs")
    if job.limits.memory_mb:
        found += ["--memory", f"{job.limits.memory_mb}m", "--memory-swap", f"{job.limits.memory_mb}m"]
    for mount in job.mounts:
        if any(mark in f"{mount.source}{mount.target}" for mark in ",:"):
            raise InputError("Apptainer mounts no path with a comma or colon", where=str(mount.source))
        found += ["--bind", f"{mount.source}:{mount.target}:{'rw' if mount.writable else 'ro'}"]
    if job.gpu is not None:
        found += VENDORS[job.gpu.vendor].apptainer
    return [*found, image, *job.command]


def _pull(reference: Reference, making: Path) -> None:
    command = ["pull", "--force", "--disable-cache"]
    # By variables, as it asks no credential helpers itself.
    account = account_of(Name.parse(repository(reference.name)).host)
    login = dict(zip(LOGIN, account, strict=True)) if account else {}
    if _is_local(reference.name):
        command.append("--no-https")
    say(f"pulling {reference.name} for Apptainer")
    for attempt in range(1, TRIES + 1):
        done = _run([*command, str(making), f"docker://{reference.pullable}"], login, shown=reference.name)
        if done.returncode == 0:
            return
        said = _last(done.stderr)
        if attempt == TRIES or not PASSING.search(said):
            raise told(f"{reference.name} cannot be pulled", said)
        time.sleep(PAUSE_S * 2 ** (attempt - 1))


def _is_local(name: str) -> bool:
    return name.partition("/")[0].rpartition(":")[0] in LOOPBACK


def _checked(command: Sequence[str], what: str) -> None:
    done = _run(command, shown=what)
    if done.returncode:
        raise told(f"{what} cannot be made into an image of Apptainer's", _last(done.stderr))


def _run(
    command: Sequence[str], env: Mapping[str, str] | None = None, *, shown: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; that it still goes on is told from time to time of what is `shown`."""
    program = _program()
    if program is None:
        raise UnavailableError("apptainer is not installed", hint="set `runtime: venv`, or install it")
    begun = time.monotonic()
    process = subprocess.Popen(
        [program, *command],
        env={**_environ(), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            while True:
                try:
                    out, err = process.communicate(timeout=PROGRESS_S)
                    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
                except subprocess.TimeoutExpired:
                    if shown:
                        say(f"{shown}: {time.monotonic() - begun:.0f} s")
        except BaseException:
            # With what it has started: an image is packed by another program.
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _environ() -> dict[str, str]:
    """The caller's, but for what would get into containers."""
    foreign = ("APPTAINERENV_", "SINGULARITYENV_", "APPTAINER_BIND", "SINGULARITY_BIND")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def _last(text: str) -> str:
    """The lines that say what is wrong."""
    lines = [line for line in text.splitlines() if "FATAL" in line or "ERROR" in line]
    return " ".join((lines or text.splitlines())[-3:])


def _program() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
