"""Profilers as data: what goes around a command. A missing one degrades with a note, and stops nothing."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.errors import InputError
from atlas.validation import check, nearest
from atlas.yamlfile import load_yaml

AROUND = "ATLAS_PERF_AROUND"
"""The variable that tells the driver which objects go around what is measured."""
FILE = Path(__file__).resolve().parents[3] / "config" / "profilers.yaml"


@dataclass(frozen=True)
class Wrapped:
    """A command with tools around it, and those of them that are really there."""

    command: tuple[str, ...]
    env: dict[str, str]
    used: tuple[str, ...]
    notes: tuple[str, ...]


@functools.cache
def registry(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """All tools; InputError with file and line for what is wrong with one."""
    document = load_yaml(file, f"config/{file.name}")
    check(document, "profilers")
    tools: dict[str, dict[str, Any]] = document.value["tools"]
    for name, tool in tools.items():
        for other in tool.get("conflicts", ()):
            if other not in tools:
                where = document.where(("tools", name, "conflicts"))
                raise InputError(f"there is no tool `{other}`{nearest(other, tools)}", where=where)
    return tools


def check_tools(names: Sequence[str], where: str, file: Path = FILE) -> None:
    """InputError for names that there are not, and for tools that cannot be stacked."""
    tools = registry(file)
    for name in names:
        if name not in tools:
            raise InputError(f"there is no tool `{name}`{nearest(name, tools)}", where=where)
        clash = next((other for other in names if other in tools[name].get("conflicts", ())), None)
        if clash:
            raise InputError(f"`{name}` and `{clash}` cannot profile the same run", where=where)


def programs(file: Path = FILE) -> list[str]:
    """The programs that go before commands."""
    return sorted({tool["wrap"][0] for tool in registry(file).values() if "wrap" in tool})


def wrap(
    command: Sequence[str],
    names: Sequence[str],
    output: Path,
    file: Path = FILE,
    *,
    driven: bool = False,
    has: Callable[[str], str | None] = shutil.which,
) -> Wrapped:
    """The command within the tools, the first outermost. Their outputs go into the folder `output`.

    What is a Python object of the engine's own process is told to the driver, if the command is `driven`.
    `has` says whether a program is where the command is run.
    """
    before: list[str] = []
    env: dict[str, str] = {}
    used, notes, around = [], [], []
    for name in names:
        tool = registry(file)[name]
        if "around" in tool:
            if not driven:
                notes.append(f"{name}: it profiles engines and no commands of cards, so it was left out")
                continue
            place = str(output / tool["outputs"][0])
            around.append({"tool": name, "make": tool["around"], "save": tool["save"], "file": place})
            used.append(name)
            continue
        words = [word.replace("{output}", str(output)) for word in tool.get("wrap", ())]
        if words and has(words[0]) is None:
            notes.append(f"{name}: {words[0]} is not here, so it was left out")
            continue
        before += words
        env |= {key: value.replace("{output}", str(output)) for key, value in tool.get("env", {}).items()}
        used.append(name)
    if used:
        output.mkdir(parents=True, exist_ok=True)
    if around:
        env[AROUND] = json.dumps(around)
    return Wrapped((*before, *command), env, tuple(used), tuple(notes))
