"""Running the probe inside an engine's environment: isolated, bounded, and killed with all it started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, Self

from atlas.errors import InputError, RunError
from atlas.probe import __main__ as probe
from atlas.probe.atlas_probe.command import FORMAT_VERSION

# The imports above also are what makes the probe a part of this code, whose changes make artefacts stale.
PROBE = Path(probe.__file__).parent
LOG_BYTES = 64 * 1024
LOG_LINES = 20
FACTS_BYTES = 256 * 1024 * 1024
# All that is taken over from the caller: where programs and the libraries of Python's own are.
INHERITED = ("PATH", "LD_LIBRARY_PATH")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
MARK = "ATLAS_PROBE_RUN"
# Signals of a program's own faults. Others come from outside, or from the kind of machine.
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE)
FIXED = {
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "USER": "atlas",
    "LOGNAME": "atlas",
    "COLUMNS": "80",
    "NO_COLOR": "1",
    "DO_NOT_TRACK": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    **dict.fromkeys(THREADS, "1"),
}


class EngineEnded(RunError):
    """The engine ended its Python: it exited or crashed, and not for want of time or memory."""

    @property
    def how(self) -> str:
        """The same each time, unlike what was printed."""
        return self.what.partition("\n")[0]


class Running(Protocol):
    """A process that was started in an engine's environment, wherever that is."""

    def wait(self, timeout_s: float) -> int | None:
        """Its exit status (negative: that of a signal); None where time ran out."""

    def log(self) -> str:
        """The end of what it printed. UnavailableError where not it, but what runs it, has failed."""

    def kill(self, process: int) -> None:
        """End one of the processes that it started, by the number that it knows it by."""

    def end(self) -> None:
        """End it and all that it started."""


class Launcher(Protocol):
    """Starts processes elsewhere than beside this one: in a container."""

    def start(
        self, runtime: Runtime, scratch: Path, command: Sequence[str], descriptors: Sequence[int]
    ) -> Running:
        """Start a command, which may write to `scratch` alone and has the descriptors, by their numbers."""


@dataclass(frozen=True)
class Runtime:
    """An interpreter, what is laid over its packages, and the variables its engine needs."""

    python: Path
    paths: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    bytecode: Path | None = None
    launcher: Launcher | None = None
    """What starts it where it is; without one, it is a program of this machine."""


def run_probe(
    runtime: Runtime,
    request: Mapping[str, Any],
    *,
    timeout_s: float,
    fixtures: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Ask the probe and return its facts; RunError says how the engine failed, with its last lines."""
    with scratch_folder(runtime, request, fixtures) as scratch:
        code, log, timed_out = _run(runtime, scratch, timeout_s)
        return _facts(scratch / "facts.json", code, log, timeout_s if timed_out else None)


@contextlib.contextmanager
def scratch_folder(
    runtime: Runtime, request: Mapping[str, Any], fixtures: Mapping[str, Any] | None = None
) -> Iterator[Path]:
    """All that an engine's process may write to, with the fixtures and the request in it."""
    with tempfile.TemporaryDirectory(prefix="atlas-probe-", ignore_cleanup_errors=True) as name:
        scratch = Path(name).resolve()
        for folder in ("home", "tmp", "work", "fixtures"):
            (scratch / folder).mkdir()
        _write_fixtures(scratch / "fixtures", fixtures or {})
        places = {"fixtures": str(scratch / "fixtures"), "overlay": [str(path) for path in runtime.paths]}
        (scratch / "request.json").write_text(json.dumps({**request, **places}), encoding="utf-8")
        yield scratch


def _write_fixtures(folder: Path, fixtures: Mapping[str, Any]) -> None:
    for name, content in fixtures.items():
        target = (folder / name).resolve()
        if not target.is_relative_to(folder):
            raise InputError(f"the fixture {name} is not inside its folder", hint="leave out `..`")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def environment_of(runtime: Runtime, scratch: Path) -> dict[str, str]:
    """The variables of the engine's process: nothing of the caller's but where programs are."""
    env = {name: os.environ[name] for name in INHERITED if name in os.environ and not runtime.launcher}
    env |= FIXED
    env |= {
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "XDG_CACHE_HOME": str(scratch / "home/.cache"),
        "XDG_CONFIG_HOME": str(scratch / "home/.config"),
        "XDG_DATA_HOME": str(scratch / "home/.local/share"),
        "HF_HOME": str(scratch / "home/huggingface"),
        "PYTHONPATH": os.pathsep.join(map(str, runtime.paths)),
    }
    if runtime.bytecode:
        env["PYTHONPYCACHEPREFIX"] = str(runtime.bytecode)
    return env | dict(runtime.env)


def _run(runtime: Runtime, scratch: Path, timeout_s: float) -> tuple[int, str, bool]:
    """Exit status, the end of what was printed, and whether time ran out; nothing is left running."""
    with EngineProcess(runtime, scratch, ["--output", str(scratch / "facts.json")]) as engine:
        code = engine.running.wait(timeout_s)
    return code or 0, engine.log(), code is None


class EngineProcess:
    """The probe, running in an engine's environment. On exit, it and all that it started are ended."""

    def __init__(
        self, runtime: Runtime, scratch: Path, arguments: Sequence[str], descriptors: Sequence[int] = ()
    ) -> None:
        parts = [runtime.python, "-s", PROBE, "--request", scratch / "request.json"]
        command = [*map(str, parts), *arguments]
        start = runtime.launcher.start if runtime.launcher else _Here
        self.running: Running = start(runtime, scratch, command, descriptors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.running.end()

    def log(self) -> str:
        """The end of what it printed."""
        return self.running.log()

    def kill(self, process: int) -> None:
        """End one of its processes, by its own number."""
        self.running.kill(process)


class _Here:
    """A process of this machine."""

    def __init__(
        self, runtime: Runtime, scratch: Path, command: Sequence[str], descriptors: Sequence[int]
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            command,
            env={**environment_of(runtime, scratch), MARK: self.mark},
            cwd=scratch / "work",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=descriptors,
        )
        self.tail = bytearray()
        self.reader = threading.Thread(target=drain, args=(self.process.stdout, self.tail), daemon=True)
        self.reader.start()

    def wait(self, timeout_s: float) -> int | None:
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def log(self) -> str:
        return self.tail.decode(errors="replace")

    def kill(self, process: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)

    def end(self) -> None:
        _kill(self.process, self.mark)
        self.reader.join(5)


def drain(stream: IO[bytes], tail: bytearray) -> None:
    """Read all that is printed and keep its end, so that neither a pipe nor a disk fills up."""
    with contextlib.suppress(OSError, ValueError), stream:
        while block := os.read(stream.fileno(), 65536):
            tail += block
            del tail[:-LOG_BYTES]


def _kill(process: subprocess.Popen[bytes], mark: str) -> None:
    """End the process, its group, and descendants outside it (known by a variable)."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for _ in range(50):
        found = _marked(mark)
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    process.wait()


def _marked(mark: str) -> list[int]:
    """Living processes started with our mark (where the system shows their variables)."""
    needle, found = f"{MARK}={mark}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def _facts(file: Path, code: int, log: str, timeout_s: float | None) -> dict[str, Any]:
    """The probe's answer, or why there is none."""
    if timeout_s is not None:
        raise failure(
            f"the engine did not finish within {timeout_s:g} s", log, "raise `timeout_s` in its YAML"
        )
    if code < 0:
        raise _killed(-code, log)
    if code:
        raise failure(f"the engine ended Python with exit status {code}", log, None, EngineEnded)
    try:
        if file.stat().st_size > FACTS_BYTES:
            raise failure(f"the facts are larger than {FACTS_BYTES >> 20} MiB", log, None)
        facts = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        what = "the engine ended Python before the facts were written"
        raise failure(what, log, None, EngineEnded) from None
    except ValueError as error:
        raise failure(f"the facts are not JSON: {error}", log, None) from error
    if not isinstance(facts, dict) or facts.get("format_version") != FORMAT_VERSION:
        raise failure("the facts are not in the probe's format", log, None)
    return facts


def _killed(number: int, log: str) -> RunError:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = str(number)
    hint = "the kernel kills so what needs more memory than there is" if name == "SIGKILL" else None
    return failure(
        f"the engine's process was killed by {name}",
        log,
        hint,
        EngineEnded if number in CRASHES else RunError,
    )


def failure(what: str, log: str, hint: str | None, kind: type[RunError] = RunError) -> RunError:
    """An error that shows the last lines of what was printed."""
    lines = [line for line in log.splitlines() if line.strip()][-LOG_LINES:]
    said = "".join(f"\n  | {line[:300]}" for line in lines)
    return kind(what + said, hint=hint)
