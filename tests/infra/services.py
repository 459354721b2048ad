"""Real container engines and a registry for tests: each of its own, below a folder, and gone afterwards.

They listen on Unix sockets in that folder and on 127.0.0.1 only, and are stopped by the ids of the processes
that were started. What cannot run here says why, in `Missing`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
LONGEST = 70
"""Of the folder's path: engines put sockets well below it."""


class Missing(Exception):
    """Why a service cannot be started on this machine."""


def need(*programs: str, root: bool = False) -> None:
    for program in programs:
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            raise Missing(f"{program} is not installed (see tests/infra/README.md)")
    if root and os.getuid() != 0:
        raise Missing("only root can start it here")


@contextlib.contextmanager
def process(
    command: list[str], log: Path, ready: Callable[[], bool], **env: str
) -> Iterator[subprocess.Popen]:
    """A service, in use when it is ready; stopped with all of its group."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    # Whoever is told where another one is starts none.
    own = {name: one for name, one in os.environ.items() if name not in ("DOCKER_HOST", "CONTAINER_HOST")}
    with log.open("ab") as out:
        running = subprocess.Popen(
            command,
            cwd=log.parent,  # Podman's conmon leaves a file `oom` where its service was started
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**own, "PATH": path, **env},
        )
    try:
        for _ in range(600):
            if ready():
                break
            if running.poll() is not None:
                break
            time.sleep(0.1)
        if not ready():
            raise Missing(f"{command[0]} did not come up: {log.read_text(errors='replace')[-400:]}")
        yield running
    finally:
        stop(running)


def stop(running: subprocess.Popen, patience_s: float = 20) -> None:
    if running.poll() is None:
        running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(patience_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def answers(path: Path, request: str = "/_ping") -> bool:
    """Whether HTTP is spoken at a socket."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(f"GET {request} HTTP/1.0\r\nHost: d\r\n\r\n".encode())
        return b"200 OK" in connection.recv(200)
    return False


class Docker:
    """A Docker engine with images, state and socket below its folder; may be stopped, killed and started."""

    def __init__(self, folder: Path) -> None:
        need("dockerd", "containerd", "runc", "docker-init", root=True)
        if len(str(folder)) > LONGEST:
            raise Missing(f"{folder} is too long for sockets")
        self.folder = folder
        self.socket = folder / "d.sock"
        self.address = f"unix://{self.socket}"
        self._stack = contextlib.ExitStack()
        self.running: subprocess.Popen | None = None

    def start(self, **env: str) -> None:
        _cgroups()
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("docker.pid", "d.sock"):
            (self.folder / name).unlink(missing_ok=True)
        command = ["dockerd", "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/x"]
        command += ["-H", self.address, "--pidfile", f"{self.folder}/docker.pid", "--shutdown-timeout", "3"]
        command += ["--bridge", "none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"]
        log = self.folder / "log"
        self.running = self._stack.enter_context(process(command, log, lambda: answers(self.socket), **env))

    def kill(self) -> None:
        """As if it had crashed: its containers are not asked."""
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def stop(self) -> None:
        """With all that it started: what a killed one left, too."""
        self._stack.close()
        containerd = self.folder / "x/containerd/containerd.pid"
        for pid in _below(str(self.folder)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        containerd.unlink(missing_ok=True)
        time.sleep(0.2)
        unmount(self.folder)


class Podman:
    """Podman's service; needs its own settings, as its usual ones ask for more rights than a test has."""

    def __init__(self, folder: Path) -> None:
        need("podman", "runc", "catatonit")
        if os.getuid() != 0:
            need("newuidmap", "slirp4netns")
        self.folder = folder
        self.socket = folder / "p.sock"
        self.address = f"unix://{self.socket}"
        self._stack = contextlib.ExitStack()

    @property
    def env(self) -> dict[str, str]:
        return {
            "CONTAINERS_CONF": f"{self.folder}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf",
            "CONTAINERS_REGISTRIES_CONF": f"{self.folder}/registries.conf",
            "XDG_RUNTIME_DIR": f"{self.folder}/run",
        }

    def start(self) -> None:
        if os.getuid() == 0:
            _cgroups()
        (self.folder / "run").mkdir(parents=True, exist_ok=True)
        (self.folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        )
        driver = "vfs" if os.getuid() else "overlay"
        places = f'graphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n'
        (self.folder / "storage.conf").write_text(f'[storage]\ndriver = "{driver}"\n{places}')
        (self.folder / "registries.conf").write_text(
            '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n'
        )
        command = ["podman", "system", "service", "--time=0", self.address]
        ready = lambda: answers(self.socket)  # noqa: E731
        self._stack.enter_context(process(command, self.folder / "log", ready, **self.env))

    def kill(self) -> None:
        """The service alone: containers go on without it."""
        self._stack.close()

    def stop(self) -> None:
        self.kill()
        for pid in _below(str(self.folder)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        unmount(self.folder)


class Registry:
    """A registry on 127.0.0.1; with `account` it asks for that name and password."""

    def __init__(self, folder: Path, account: tuple[str, str] | None = None) -> None:
        need("docker-registry")
        self.folder = folder
        self.account = account
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{found.getsockname()[1]}"
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        auth = ""
        if self.account:
            need("htpasswd")
            file = self.folder / "htpasswd"
            said = subprocess.run(
                ["htpasswd", "-Bbn", *self.account], capture_output=True, text=True, check=True
            )
            file.write_text(said.stdout)
            auth = f"auth: {{htpasswd: {{realm: tests, path: {file}}}}}\n"
        config = self.folder / "config.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nhttp: {{addr: '{self.host}'}}\n{auth}"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}, delete: {{enabled: true}}}}\n"
        )
        self._stack.enter_context(
            process(["docker-registry", "serve", str(config)], self.folder / "log", self._is_up)
        )

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def stop(self) -> None:
        self._stack.close()


@contextlib.contextmanager
def apptainer(prefix: Path) -> Iterator[Mapping[str, str]]:
    """Variables with which Apptainer runs: an installed one, or apptainer.sh's in `prefix`."""
    found = shutil.which("apptainer")
    own = prefix / "bin" / "apptainer"
    if not found and not own.is_file():
        raise Missing(f"apptainer is not installed (tests/infra/apptainer.sh {prefix} gets one)")
    env = {} if found else {"PATH": f"{own.parent}:{os.environ['PATH']}"}
    settings = prefix / "etc/apptainer/apptainer.conf"
    if not found and not Path("/run/systemd/system").is_dir():
        # Without systemd, nothing else than Apptainer itself can set limits.
        text = settings.read_text()
        if "\nsystemd cgroups = yes" in text:
            settings.write_text(text.replace("\nsystemd cgroups = yes", "\nsystemd cgroups = no"))
    if os.getuid() == 0 and not _has_all_rights():
        env["APPTAINER_DROP_CAPS"] = "CAP_SYS_RESOURCE"
    yield env


def unmount(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((one for one in mounts if one.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)


def _below(folder: str) -> list[int]:
    """Processes whose command line names the folder: an engine's own, and those that hold its containers."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            helper = os.path.basename(words[0]).startswith((b"containerd", b"dockerd", b"conmon"))
            if helper and any(folder.encode() in word for word in words):
                found.append(int(entry.name))
    return found


def _has_all_rights() -> bool:
    """Whether root here may raise limits (CAP_SYS_RESOURCE)."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("CapEff"))
    return bool(int(line.split()[1], 16) >> 24 & 1)


def _cgroups() -> None:
    """Engines need controllers; a bare machine may have none mounted."""
    top = Path("/sys/fs/cgroup")
    if os.path.ismount(top):
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", top], check=True)
    for line in Path("/proc/cgroups").read_text().splitlines()[1:]:
        name, _, _, enabled = line.split()
        if enabled == "1":
            (top / name).mkdir()
            done = subprocess.run(["mount", "-t", "cgroup", "-o", name, "cgroup", top / name], check=False)
            if done.returncode:
                (top / name).rmdir()


def put(host: str, path: str, content: bytes, kind: str, account: tuple[str, str] | None = None) -> str:
    """PUT to a registry; returns the digest of the content."""
    request = urllib.request.Request(f"http://{host}{path}", content, {"Content-Type": kind}, method="PUT")
    if account:
        request.add_header("Authorization", _basic(account))
    with urllib.request.urlopen(request, timeout=60):
        return f"sha256:{hashlib.sha256(content).hexdigest()}"


def put_blob(registry: Registry, name: str, content: bytes) -> str:
    """Give a registry a part of an image; returns its digest."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    request = urllib.request.Request(f"http://{registry.host}/v2/{name}/blobs/uploads/", b"", method="POST")
    if registry.account:
        request.add_header("Authorization", _basic(registry.account))
    with urllib.request.urlopen(request, timeout=30) as answer:
        place = answer.headers["Location"].replace(f"http://{registry.host}", "")
    joined = "&" if "?" in place else "?"
    kind = "application/octet-stream"
    return put(registry.host, f"{place}{joined}digest={digest}", content, kind, registry.account)


def _basic(account: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(account).encode()).decode()


def get(host: str, path: str, accept: str) -> bytes:
    request = urllib.request.Request(f"http://{host}{path}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def dumps(value: object) -> bytes:
    return json.dumps(value).encode()
