"""Bytecode of an engine's own files, made once: containers cannot write any beside them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from atlas.canonical import digest
from atlas.engines.model import Cell
from atlas.environment.run import FIXED
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.model import Reference
from atlas.environment.venv import waiting_lock
from atlas.paths import cache_dir
from atlas.progress import say

RECIPE = 1
MARKER = ".complete"
PROGRAM = """
import importlib, os, sys
for name in sys.argv[1:]:
    while name:
        try:
            importlib.import_module(name)
            break
        except BaseException:
            name = name.rpartition(".")[0]
sys.stdout.flush()
os._exit(0)
"""


def bytecode(launcher: Launcher, reference: Reference, cell: Cell, paths: Iterable[Path]) -> Path:
    """The folder of it: by image, files and what is imported; jobs that want the same wait for one."""
    assert cell.venv is not None
    paths = [path for path in paths if path.exists()]
    names = sorted({*cell.landmarks, *(one.target for group in cell.surfaces.values() for one in group)})
    names = [name for name in names if "*" not in name]
    key = digest([RECIPE, reference.digest, [str(path) for path in paths], names, dict(cell.venv.env)])[7:23]
    folder = cache_dir() / "bytecode" / key
    if not (folder / MARKER).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(folder.with_suffix(".lock"), f"another job compiles {cell.pin()}"):
            if not (folder / MARKER).is_file():
                say(f"compiling what {cell.pin()} imports")
                folder.mkdir(exist_ok=True)
                env = {
                    **FIXED,
                    "HOME": "/tmp",
                    "PYTHONPATH": os.pathsep.join(map(str, paths)),
                    "PYTHONPYCACHEPREFIX": str(folder),
                    **cell.venv.env,
                }
                python = launcher.spec.python
                command = [python, "-s", "-c", PROGRAM, *names]
                # Where that fails, imports are slower, and that is all: the probe will say what is wrong.
                running = launcher.run(Path(python), command, env, paths, folder, Path("/tmp"))
                try:
                    running.wait(cell.venv.timeout_s)
                finally:
                    running.end()
                (folder / MARKER).touch()
    return folder
