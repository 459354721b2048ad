"""A launch, carried out in an allocation: a log for each node, time limits, and nothing left when it ends."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atlas.cluster.launchers import Launch, Step

GRACE_S = 5.0
POLL_S = 0.1


@dataclass
class Outcome:
    """How a launch ended: ok, or why not; the exit status of each step that had one by itself."""

    ok: bool
    reason: str
    seconds: float
    codes: dict[str, int | None] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self, launch: Launch) -> dict[str, Any]:
        return {
            "launcher": launch.launcher,
            "parallel": dict(launch.parallel),
            "status": "SUCCESS" if self.ok else "FAILURE",
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "steps": [
                {"step": name, "nodes": self.nodes[name], "code": self.codes.get(name), "log": log}
                for name, log in self.logs.items()
            ],
        }


def srun(step: Step) -> list[str]:
    """The command that starts a step on its nodes, beside others on the same."""
    tasks = ["--mpi=pmix"] if step.tasks > 1 else []
    nodes = [f"--nodes={len(step.nodes)}", f"--ntasks={step.tasks}", f"--nodelist={','.join(step.nodes)}"]
    return ["srun", *nodes, "--overlap", "--kill-on-bad-exit=1", *tasks, *step.argv]


def carry_out(
    launch: Launch,
    logs: Path,
    *,
    client: Sequence[str] = (),
    ready_s: float = 600,
    timeout_s: float | None = None,
    start: Callable[[Step], list[str]] = srun,
) -> Outcome:
    """Start all steps, wait for their end or for that of the client, and end what is left.

    One that serves has to answer within `ready_s`; the client then runs here. Others end by themselves: the
    first step that fails ends all. Steps that are started by srun end with it, on whatever node they are.
    """
    logs.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    end = begin + timeout_s if timeout_s else None
    running: dict[str, subprocess.Popen[bytes]] = {}
    outcome = Outcome(False, "", 0.0)
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for step in launch.steps:
            name = f"{step.role}-{step.rank}"
            log = logs / f"{name}-{step.nodes[0]}.log"
            outcome.logs[name], outcome.nodes[name] = str(log), list(step.nodes)
            running[name] = _started(start(step), {**os.environ, **step.env}, log)
        if launch.address:
            outcome.ok, outcome.reason = _served(launch.address, running, client, logs, ready_s, end)
        else:
            outcome.ok, outcome.reason = _ended(running, end)
    except KeyboardInterrupt:
        outcome.reason = "cancelled"
    finally:
        outcome.codes = {name: process.poll() for name, process in running.items()}
        end_all(running.values())
        for number, handler in before.items():
            signal.signal(number, handler)
    outcome.seconds = time.monotonic() - begin
    return outcome


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _started(command: Sequence[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _failed(running: dict[str, subprocess.Popen[bytes]]) -> str | None:
    for name, process in running.items():
        if process.poll() not in (None, 0):
            return f"{name} has failed with exit status {process.returncode}"
    return None


def _ended(running: dict[str, subprocess.Popen[bytes]], end: float | None) -> tuple[bool, str]:
    while True:
        failed = _failed(running)
        if failed:
            return False, failed
        if all(process.poll() == 0 for process in running.values()):
            return True, ""
        if end is not None and time.monotonic() > end:
            left = [name for name, process in running.items() if process.poll() is None]
            return False, f"not done in time: {', '.join(left)}"
        time.sleep(POLL_S)


def _served(
    address: str,
    running: dict[str, subprocess.Popen[bytes]],
    client: Sequence[str],
    logs: Path,
    ready_s: float,
    end: float | None,
) -> tuple[bool, str]:
    limit = time.monotonic() + ready_s
    while not answers(address):
        failed = _failed(running)
        if failed:
            return False, f"{failed} before {address} answered"
        if time.monotonic() > limit:
            return False, f"{address} did not answer within {ready_s:g} s"
        time.sleep(POLL_S)
    if not client:
        return True, ""
    env = {**os.environ, "ATLAS_ADDRESS": address}
    process = _started(client, env, logs / "client.log")
    try:
        while process.poll() is None:
            failed = _failed(running)
            if failed:
                return False, f"{failed} while its client ran"
            if end is not None and time.monotonic() > end:
                return False, "the client was not done in time"
            time.sleep(POLL_S)
    finally:
        end_all([process])
    code = process.returncode
    return code == 0, "" if code == 0 else f"the client has failed with exit status {code}"


def answers(address: str) -> bool:
    """Whether a server is ready there: engines answer `/health`, and say 5xx as long as they are not."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end_all(processes: Any) -> None:
    """End processes with their groups: those that are asked first, have some seconds."""
    alive = [one for one in processes if one.poll() is None]
    for number, patience in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, 1.0)):
        for process in alive:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        limit = time.monotonic() + patience
        while any(one.poll() is None for one in alive) and time.monotonic() < limit:
            time.sleep(POLL_S)
        alive = [one for one in alive if one.poll() is None]
