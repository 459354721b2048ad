"""What a probe call costs in each runtime, over the same command run by hand in the same image.

    PYTHONPATH=tests/infra .venv/bin/python benchmarks/runtimes.py [RUNS]

The probe is asked nothing, so that all there is to measure is starting, asking and ending. By hand is
`docker run`, `podman run` or `apptainer exec` with the same mounts and limits, and the interpreter itself for
the virtual environment. Runs are taken in turns, and the median counts. Engines are those that this shell
would use (DOCKER_HOST, CONTAINER_HOST, PATH); the image is made of this machine's Python.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from image import layer, write_image

from atlas.canonical import sha256_file
from atlas.environment.run import PROBE, Runtime, environment_of, run_probe, scratch_folder
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.known import RUNTIMES, by_name
from atlas.environment.runtimes.lent import job_user, lend
from atlas.environment.runtimes.model import Reference

REQUEST = {"packages": ["json"], "distribution": "json"}
PYTHON = "/usr/local/bin/python3"
USER = f"{job_user()}:{job_user()}"
SAFE = [
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--read-only",
    "--network",
    "none",
    "--init",
]


def by_hand(name: str, image: str, address: str, scratch: Path) -> list[str]:
    """The command line that does the same."""
    tail = [
        "-s",
        str(PROBE),
        "--request",
        str(scratch / "request.json"),
        "--output",
        str(scratch / "facts.json"),
    ]
    if name == "venv":
        return [sys.executable, *tail]
    if name == "apptainer":
        limits = ["--containall", "--no-home", "--no-eval", "--net", "--network", "none"]
        binds = ["--bind", f"{PROBE}:{PROBE}:ro", "--bind", f"{scratch}:{scratch}"]
        return ["apptainer", "--quiet", "exec", *limits, *binds, image, PYTHON, *tail]
    mounts = ["-v", f"{PROBE}:{PROBE}:ro", "-v", f"{scratch}:{scratch}"]
    client = ["docker", "--host", address] if name == "docker" else ["podman", "--remote", "--url", address]
    return [*client, "run", "--rm", "--user", USER, *SAFE, *mounts, "--entrypoint", PYTHON, image, *tail]


def measure(name: str, archive: Path, runs: int) -> str:
    """A line of the table."""
    if name == "venv":
        image, address = "", ""
        interpreter = Runtime(Path(sys.executable))
    else:
        engine = by_name(name)
        reason = engine.missing()
        if reason:
            return f"{name:10} skipped: {reason.partition(chr(10))[0]}"
        image = engine.prepare(Reference("local/python", sha256_file(archive), archive))
        address = getattr(engine, "address", "")
        launcher = Launcher(engine, image, ImageSpec("archive", archive.name, "benchmark"), None)
        interpreter = Runtime(Path(PYTHON), launcher=launcher)
    if name in ("docker", "podman") and shutil.which(name) is None:
        return f"{name:10} skipped: no {name} on the PATH to do it by hand with"

    def ours() -> None:
        run_probe(interpreter, REQUEST, timeout_s=120)

    def hand() -> None:
        with scratch_folder(interpreter, REQUEST) as scratch:
            lend([scratch], job_user())
            env = environment_of(interpreter, scratch) if name == "venv" else None
            subprocess.run(by_hand(name, image, address, scratch), env=env, check=True, capture_output=True)

    first, second = medians(ours, hand, runs)
    return f"{name:10} {first * 1000:6.0f} ms  by hand {second * 1000:6.0f} ms  ratio {first / second:.2f}"


def medians(first: Callable[[], None], second: Callable[[], None], runs: int) -> tuple[float, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    first()
    second()
    for _ in range(runs):
        for call, times in zip((first, second), taken, strict=True):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
    return statistics.median(taken[0]), statistics.median(taken[1])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with contextlib.ExitStack() as stack:
        archive = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "python.tar"
        write_image(archive, "local/python:3.11", content=layer())
        for name in RUNTIMES:
            print(measure(name, archive, runs), flush=True)


if __name__ == "__main__":
    main()
