"""Docker, and what Podman has in common with it: containers by the `docker` SDK, over a local socket."""

from __future__ import annotations

import contextlib
import grp
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
import docker.errors
import docker.types
import requests

from atlas.environment.runtimes import pull
from atlas.environment.runtimes.gpu import VENDORS
from atlas.environment.runtimes.lent import NOBODY, job_user
from atlas.environment.runtimes.model import TMPFS_MB, GpuRequest, Job, Reference
from atlas.environment.runtimes.owner import LABEL, is_gone, owner
from atlas.environment.runtimes.protocol import Started
from atlas.environment.runtimes.said import heard, no_answer, told
from atlas.errors import InputError, UnavailableError

ANSWER_S = 120
"""For an answer that takes the engine no work; pulls, loads and waits have limits of their own."""
LOG_LINES = 200
LOG_BYTES = 1 << 16
"""So much of the end of a log is kept."""


class EngineApi:
    """A container engine behind a Unix socket."""

    def __init__(self, name: str, places: Callable[[], list[str]]) -> None:
        self.name = name
        self._places = places

    @cached_property
    def address(self) -> str:
        """The first place that has a socket, else the first."""
        places = self._places()
        for place in places:
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(Path(place.removeprefix("unix://")).stat().st_mode):
                    return place
        return places[0]

    @cached_property
    def client(self) -> docker.DockerClient:
        """Waits so long for an answer as is right where the engine has nothing to do for it."""
        return self._client(ANSWER_S)

    @cached_property
    def patient(self) -> docker.DockerClient:
        """Waits as long as it takes."""
        return self._client(None)

    def _client(self, limit_s: int | None) -> docker.DockerClient:
        if not self.address.startswith("unix://"):
            raise UnavailableError(
                f"{self.name} is on another machine, which does not see the folders of this one",
                where=self.address,
                hint="run atlas there, or set `runtime: venv`",
            )
        with heard(f"{self.name} does not answer", self.address):
            return docker.DockerClient(base_url=self.address, timeout=limit_s, version="auto")

    def missing(self) -> str | None:
        try:
            with heard(f"{self.name} does not answer", self.address):
                self.client.ping()
        except UnavailableError as error:
            return str(error)
        return None

    def info(self) -> dict[str, Any]:
        """What the engine says of itself."""
        with heard(f"{self.name} does not answer", self.address):
            found: dict[str, Any] = self.client.info()
        return found

    def present(self, reference: Reference) -> bool:
        return pull.find(self.client, reference, self.address) is not None

    def prepare(self, reference: Reference) -> str:
        return pull.have(self.client, reference, self.address)

    def start(self, image: str, job: Job) -> Started:
        created = None
        try:
            with heard(f"{self.name} did not start {image[:60]}", self.address):
                created = self._create(image, job)
                container = self.client.containers.get(created)
                container.start()
        except BaseException:
            # A container whose start failed stays, and would for ever.
            if created:
                with contextlib.suppress(Exception):
                    self.client.api.remove_container(created, force=True, v=True)
            raise
        return self._started(container, job)

    def _create(self, image: str, job: Job) -> str:
        """Make a container and return its number."""
        # Some storage drivers copy an image for each container.
        return str(self.patient.api.create_container_from_config(self._config(image, job))["Id"])

    def _started(self, container: Any, job: Job) -> Container:
        return Container(self, container, job)

    def user(self, _: Job) -> int:
        return job_user()

    def sweep(self) -> int:
        removed = 0
        with heard(f"{self.name} does not answer", self.address):
            for found in self.client.api.containers(all=True, filters={"label": LABEL}):
                if is_gone(found["Labels"].get(LABEL, "")):
                    with contextlib.suppress(docker.errors.NotFound):
                        self.client.api.remove_container(found["Id"], force=True, v=True)
                        removed += 1
        return removed

    def _config(self, image: str, job: Job) -> dict[str, Any]:
        """The container that is asked for: it may do nothing that is not said here."""
        limits = job.limits
        host = self.client.api.create_host_config(
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={"/tmp": f"rw,nosuid,nodev,size={TMPFS_MB}m,mode=1777"},
            network_mode=None if job.network else "none",
            init=True,
            pids_limit=limits.processes,
            mem_limit=f"{limits.memory_mb}m" if limits.memory_mb else None,
            # As much as memory: none of it is swapped out instead.
            memswap_limit=f"{limits.memory_mb}m" if limits.memory_mb else None,
            shm_size=f"{limits.shm_mb}m" if limits.shm_mb else None,
            ulimits=[
                docker.types.Ulimit(name=name, soft=value, hard=value)
                for name, value in sorted(limits.ulimits.items())
            ],
            mounts=[
                docker.types.Mount(
                    str(mount.target), str(mount.source), type="bind", read_only=not mount.writable
                )
                for mount in job.mounts
            ],
            **(self._gpu(job.gpu) if job.gpu else {}),
        )
        config: dict[str, Any] = self.client.api.create_container_config(
            image,
            list(job.command[1:]),
            entrypoint=[job.command[0]],
            environment=dict(job.env),
            working_dir=str(job.workdir),
            user=f"{job_user()}:{os.getgid() if os.getuid() else NOBODY}",
            labels={LABEL: owner()},
            host_config=host,
        )
        return config

    def _gpu(self, wanted: GpuRequest) -> dict[str, Any]:
        vendor = VENDORS[wanted.vendor]
        if not vendor.device_requests:
            return {
                "devices": [f"{device}:{device}:rwm" for device in vendor.devices],
                "group_add": _groups(vendor.groups),
            }
        which: dict[str, Any] = {"device_ids": list(wanted.ids)} if wanted.ids else {"count": wanted.count}
        return {"device_requests": [docker.types.DeviceRequest(capabilities=[["gpu"]], **which)]}


class Container:
    """A container that runs, or has run."""

    def __init__(self, engine: EngineApi, container: Any, job: Job) -> None:
        self._engine = engine
        self._container = container
        self._job = job

    def wait(self, timeout_s: float) -> int | None:
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            try:
                status = int(self._container.wait(timeout=min(left, ANSWER_S))["StatusCode"])
                return 128 - status if 128 < status < 128 + 65 else status
            except requests.exceptions.ReadTimeout:
                continue
            except requests.exceptions.ConnectionError as error:
                if "Read timed out" not in str(error):
                    raise no_answer(self._engine.address, error) from error
            except docker.errors.NotFound as error:
                raise self._removed() from error
            except docker.errors.APIError as error:
                raise told("the container is lost", str(error), self._engine.address) from error
        return None

    def _removed(self) -> UnavailableError:
        return UnavailableError(
            "the container was removed from outside", where=self._engine.address, hint="run the same again"
        )

    def is_running(self) -> bool:
        return bool(self.state()["Running"])

    def state(self) -> Mapping[str, Any]:
        with heard("the container is lost", self._engine.address):
            try:
                self._container.reload()
            except docker.errors.NotFound as error:
                raise self._removed() from error
            found: Mapping[str, Any] = self._container.attrs["State"]
        return found

    def out_of_memory(self) -> bool:
        return bool(self.state().get("OOMKilled"))

    def log(self) -> str:
        with heard("the container is lost", self._engine.address):
            kept = b""
            # Podman, asked for the last lines, loses what is written of a line before its last piece.
            for chunk in self._container.logs(stream=True, follow=False):
                kept = (kept + chunk)[-LOG_BYTES:]
        return "".join(kept.decode(errors="replace").splitlines(keepends=True)[-LOG_LINES:])

    def kill(self, process: int) -> None:
        raise InputError(f"process {process} is known to the container alone")

    def end(self) -> None:
        """Kill and remove it. Where the engine is gone, the next run's sweep does."""
        with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
            self._container.remove(force=True, v=True)


def _groups(names: tuple[str, ...]) -> list[str]:
    """Their numbers on this machine, as an image knows other ones; those that are not here are left out."""
    found = []
    for name in names:
        with contextlib.suppress(KeyError):
            found.append(str(grp.getgrnam(name).gr_gid))
    return found


def docker_places() -> list[str]:
    explicit = os.environ.get("DOCKER_HOST")
    if explicit:
        return [explicit]
    return ["unix:///var/run/docker.sock", f"unix://{run_folder()}/docker.sock"]


def run_folder() -> str:
    return re.sub("/$", "", os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")


def docker_engine() -> EngineApi:
    return EngineApi("docker", docker_places)
