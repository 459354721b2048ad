"""The sidecar of an artefact: what it was built from, committed beside it as `<artefact>.prov.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from atlas.canonical import dump_json, write_atomic

SUFFIX = ".prov.json"
FORMAT_VERSION = 1
MODULE = re.compile(r"(?P<path>\S+)@(?P<digest>[0-9a-f]{8})")
"""How a file of a rule's code is written as a parameter; see codeprint."""


@dataclass(frozen=True)
class Sidecar:
    """What an artefact was built from. `record` is the format of Snakemake's own records.

    `params` are texts: `path@digest` for a file of code, `name=value` for anything else.
    `output` is the digest of the artefact itself. Holds no time, host, user or absolute path.
    """

    record: int
    rule: str
    shell: str | None
    params: tuple[str, ...]
    inputs: Mapping[str, str]
    container: str | None
    output: str


def path_of(artefact: str | Path) -> Path:
    return Path(f"{artefact}{SUFFIX}")


def read(artefact: str | Path) -> Sidecar | None:
    """The sidecar of an artefact; None if there is none, or none that can be trusted."""
    try:
        with open(f"{artefact}{SUFFIX}", "rb") as file:  # noqa: PTH123  (twice as fast, a thousand times)
            return parse(file.read())
    except OSError:
        return None


def parse(content: bytes) -> Sidecar | None:
    """None for conflict markers and other damage, and for formats that this version can't judge."""
    try:
        fields = json.loads(content)
        if fields["format_version"] != FORMAT_VERSION:
            return None
        return Sidecar(
            record=fields["snakemake_record"],
            rule=fields["rule"],
            shell=fields.get("shell"),
            params=tuple(sorted([*fields["params"], *_unpacked(fields["code"])])),
            inputs={str(name): str(checksum) for name, checksum in fields["inputs"].items()},
            container=fields.get("container"),
            output=fields["output"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def text(sidecar: Sidecar) -> str:
    """Keys and lists sorted, one fact a line, so that two branches merge; about 1 kB."""
    code = [param for param in sidecar.params if MODULE.fullmatch(param)]
    fields: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "snakemake_record": sidecar.record,
        "rule": sidecar.rule,
        "shell": sidecar.shell,
        "params": sorted(set(sidecar.params) - set(code)),
        "code": _packed(code),
        "inputs": dict(sorted(sidecar.inputs.items())),
        "container": sidecar.container,
        "output": sidecar.output,
    }
    return dump_json({key: value for key, value in sorted(fields.items()) if value is not None})


def write(artefact: str | Path, sidecar: Sidecar) -> None:
    """Write the sidecar, unless it says so already."""
    path = path_of(artefact)
    new = text(sidecar).encode()
    if not path.exists() or path.read_bytes() != new:
        write_atomic(path, new)


def _packed(code: Iterable[str]) -> dict[str, str]:
    """Files of code by folder, `.py` left out: a rule may run 40 modules, and a sidecar stays small."""
    folders: dict[str, list[str]] = {}
    for param in sorted(code):
        path, _, digest = param.rpartition("@")
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, []).append(f"{_shortened(name)}@{digest}")
    return {folder: " ".join(names) for folder, names in folders.items()}


def _unpacked(folders: Mapping[str, str]) -> Iterable[str]:
    for folder, names in folders.items():
        yield from _unpacked_folder(folder, names)


@lru_cache
def _unpacked_folder(folder: str, names: str) -> tuple[str, ...]:
    """Remembered, as all artefacts of a stage say the same."""
    prefix = f"{folder}/" if folder else ""
    split = (packed.rpartition("@") for packed in names.split())
    return tuple(f"{prefix}{_lengthened(name)}@{digest}" for name, _, digest in split)


def _shortened(name: str) -> str:
    """A name without a dot is a module; any other that would look so gets a dot at its end."""
    stem = name.removesuffix(".py")
    if stem != name and "." not in stem:
        return stem
    return f"{name}." if "." not in name or name.endswith(".") else name


def _lengthened(name: str) -> str:
    return name.removesuffix(".") if "." in name else f"{name}.py"
