"""Podman: its socket speaks Docker's API, but for making containers, where its own says more.

Docker's form of that ignores requests for GPUs without a word, and knows no devices of the Container Device
Interface (CDI). So containers are made by Podman's own, and all else goes by the `docker` SDK.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from atlas.environment.runtimes.engine_api import Container, EngineApi, run_folder
from atlas.environment.runtimes.gpu import VENDORS
from atlas.environment.runtimes.lent import job_user
from atlas.environment.runtimes.model import TMPFS_MB, GpuRequest, Job
from atlas.environment.runtimes.owner import LABEL, owner
from atlas.environment.runtimes.pull import requests_session
from atlas.environment.runtimes.said import told
from atlas.errors import UnavailableError
from atlas.progress import say

VERSION = "v4.0.0"
"""Of the API: what Podman 4 and 5 understand."""
_warned: set[str] = set()
CDI_FOLDERS = ("/etc/cdi", "/var/run/cdi")


class Podman(EngineApi):
    """Behind the socket of `podman system service`."""

    def _create(self, image: str, job: Job) -> str:
        url = f"{self.client.api.base_url}/{VERSION}/libpod/containers/create"
        # Some storage drivers copy an image for each container.
        answer = requests_session(self.client).post(url, json=self._spec(image, job), timeout=None)
        if answer.status_code != 201:
            with contextlib.suppress(ValueError):
                raise told(f"podman did not start {image[:60]}", answer.json()["message"], self.address)
            raise told(f"podman did not start {image[:60]}", answer.text, self.address)
        made = answer.json()
        for warning in made.get("Warnings") or ():
            if warning not in _warned:  # such as limits that it cannot set, without root and with cgroups v1
                _warned.add(warning)
                say(f"warning: podman: {warning}")
        return str(made["Id"])

    def _spec(self, image: str, job: Job) -> dict[str, Any]:
        """The container that is asked for: it may do nothing that is not said here."""
        limits = job.limits
        resources: dict[str, Any] = {"pids": {"limit": limits.processes}}
        if limits.memory_mb:
            # As much as memory: none of it is swapped out instead.
            resources["memory"] = {"limit": limits.memory_mb << 20, "swap": limits.memory_mb << 20}
        found: dict[str, Any] = {
            "image": image,
            "entrypoint": [job.command[0]],
            "command": list(job.command[1:]),
            "env": dict(job.env),
            "work_dir": str(job.workdir),
            "user": f"{job_user()}:{os.getgid() if os.getuid() else job_user()}",
            "labels": {LABEL: owner()},
            "cap_drop": ["ALL"],
            "no_new_privileges": True,
            "read_only_filesystem": True,
            "init": True,
            "resource_limits": resources,
            "mounts": [
                _tmpfs(),
                *(_bind(mount.source, mount.target, mount.writable) for mount in job.mounts),
            ],
            "r_limits": [
                {"type": name, "soft": value, "hard": value} for name, value in sorted(limits.ulimits.items())
            ],
        }
        if os.getuid() != 0:
            # The caller inside is the caller outside.
            found["userns"] = {"nsmode": "keep-id"}
        if not job.network:
            found["netns"] = {"nsmode": "none"}
        if limits.shm_mb:
            found["shm_size"] = limits.shm_mb << 20
        if job.gpu:
            found |= self._devices(job.gpu)
        return found

    def _devices(self, wanted: GpuRequest) -> dict[str, Any]:
        vendor = VENDORS[wanted.vendor]
        if vendor.cdi is None:
            groups = ["keep-groups"] if os.getuid() else list(vendor.groups)
            return {"devices": [{"path": path} for path in vendor.devices], "groups": groups}
        known = cdi_devices()
        names = wanted.ids or tuple(str(number) for number in range(wanted.count))
        asked = [vendor.cdi.format(id=name) for name in names]
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise UnavailableError(
                f"there is no CDI device {unknown[0]}",
                where=self.address,
                hint="have them described: `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`",
            )
        return {"devices": [{"path": name} for name in asked]}

    def _started(self, container: Any, job: Job) -> Container:
        return PodmanContainer(self, container, job)


class PodmanContainer(Container):
    """Podman does not always notice who was killed for want of memory, and nobody else kills in here."""

    def out_of_memory(self) -> bool:
        state = self.state()
        killed = not state["Running"] and state.get("ExitCode") == 128 + signal.SIGKILL
        return bool(state.get("OOMKilled")) or (killed and self._job.limits.memory_mb is not None)


def cdi_devices(folders: tuple[str, ...] = CDI_FOLDERS) -> set[str]:
    """The full names of the devices that this machine's CDI files describe."""
    found: set[str] = set()
    for file in (file for folder in folders for file in sorted(Path(folder).glob("*.[jy]*"))):
        with contextlib.suppress(OSError, yaml.YAMLError, KeyError, TypeError):
            document: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
            found |= {f"{document['kind']}={device['name']}" for device in document["devices"]}
    return found


def podman_places() -> list[str]:
    explicit = os.environ.get("CONTAINER_HOST")
    if explicit:
        return [explicit]
    return [f"unix://{run_folder()}/podman/podman.sock", "unix:///run/podman/podman.sock"]


def podman_engine() -> Podman:
    return Podman("podman", podman_places)


def _bind(source: Path, target: Path, writable: bool) -> dict[str, Any]:
    options = ["rbind", "rw" if writable else "ro"]
    return {"type": "bind", "source": str(source), "destination": str(target), "options": options}


def _tmpfs() -> dict[str, Any]:
    options = ["rw", "nosuid", "nodev", f"size={TMPFS_MB}m", "mode=1777"]
    return {"type": "tmpfs", "source": "tmpfs", "destination": "/tmp", "options": options}
