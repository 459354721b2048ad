"""The live lane of an engine in several runtimes, in a scratch project: whether its artefacts are the same.

usage: python tests/infra/equality.py ENGINE VERSION RUNTIME...
           [--start FOLDER | --base NAME] [--committed] [--until STAGE]
           [--only GROUP[=CLASS]]... [--samples N] [--workers N]

`venv` is built first, and each RUNTIME compared with it, byte for byte but for kind and digest of the
environment; with `--committed`, the artefacts of results/ take the place of `venv`. `--start` has engines and
a registry of its own below a (short) folder, with a base image made of this machine's Python in place of the
YAML's; `--base` is one that is there already. `--until environment` or `schema` leaves out what is after it;
`--only` takes these groups of surfaces (and of them this class) alone, and `--samples` tries so many
configurations of a class: minutes in place of many.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from image import layer, write_image
from services import Docker, Podman, Registry, apptainer

from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import Reference

ROOT = Path(__file__).resolve().parents[2]
ATLAS = Path(sys.executable).with_name("atlas")
TOOLS = Path(os.environ.get("ATLAS_TEST_TOOLS") or Path.home() / ".cache/engine-atlas-tests")
STAGES = ("source", "environment", "schema", "invariants")
PARTS = {
    "source": ("source.json",),
    "environment": (),
    "schema": ("schema.discovered.json", "config.schema.json"),
    "invariants": ("invariants.yaml", "invariants.quarantine.yaml", "invariants.coverage.json"),
}
MADE_OF = ("digest", "runtime", "image", "requirements")
KIND = re.compile(r"""("?kind"?: "?)(venv|image)\b""")


def build(
    root: Path, engine: str, version: str, runtime: str, *, until: str = STAGES[-1], workers: int = 2
) -> dict[str, str]:
    """The artefacts of the live lane in one runtime, below a folder of its name; without what may differ."""
    output = root / runtime
    output.mkdir()
    cell = ["--engine", engine, "--version", version]
    source, environment = output / "source.json", output / "environment.json"
    schema, config = (output / name for name in PARTS["schema"])
    rules, held, coverage = (output / name for name in PARTS["invariants"])
    lane = [*cell, "--source", source]
    there = [*lane, "--environment", environment]
    commands: dict[str, list[str | Path]] = {
        "source": [*cell, "--output", source],
        "environment": [*lane, "--output", environment],
        "schema": [*there, "--output", schema, "--config-schema", config],
        "invariants": [
            *("build", *there, "--schema", schema, "--output", rules, "--quarantine", held),
            *("--coverage", coverage, "--workers", str(workers)),
        ],
    }
    for stage in STAGES[: STAGES.index(until) + 1]:
        begun = time.monotonic()
        env = {"ATLAS_UV": str(ROOT / ".tools/bin/uv"), **os.environ, "ATLAS_RUNTIME": runtime}
        done = subprocess.run(
            [ATLAS, stage, *commands[stage]], cwd=root, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        print(f"{runtime:10} {stage:12} {time.monotonic() - begun:6.1f} s", flush=True)
    return read(output, until)


def read(folder: Path, until: str) -> dict[str, str]:
    """The same of artefacts that are there."""
    environment: dict[str, Any] = json.loads((folder / "environment.json").read_text())
    digest = environment["digest"]
    names = [name for stage in STAGES[: STAGES.index(until) + 1] for name in PARTS[stage]]
    found = {name: (folder / name).read_text() for name in names}
    assert until == "environment" or any(digest in text for text in found.values())
    found = {name: KIND.sub(r"\1<kind>", text.replace(digest, "<digest>")) for name, text in found.items()}
    # What it is made of differs, and nothing else: neither the engine's files nor what was found healthy.
    same = {name: one for name, one in environment.items() if name not in MADE_OF}
    return {**found, "environment.json": json.dumps(same, indent=1)}


def scratch_project(
    root: Path, engine: str, base: str | None, only: Sequence[str], samples: int | None
) -> None:
    """A copy of what the live lane reads, with the engine's YAML cut as is asked."""
    for folder in ("config", "containers", "envs"):
        shutil.copytree(
            ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.sif", "images", "packages")
        )
    document: dict[str, Any] = yaml.safe_load((ROOT / f"engine_versions/{engine}.yaml").read_text())
    for image in document["environments"].get("image", []):
        if base and "base" in image:
            image["base"] = base
    if only:
        groups = dict(name.partition("=")[::2] for name in only)
        surfaces = {name: document["surfaces"][name] for name in groups}
        document["surfaces"] = {
            name: [{"class": groups[name]}] if groups[name] else entries for name, entries in surfaces.items()
        }
        for part in ("resolve", "cli"):
            document[part] = [one for one in document.get(part, []) if one.get("surface") in groups]
        document = {name: value for name, value in document.items() if value != []}
    if samples:
        invariants = document.setdefault("invariants", {})
        invariants["samples"] = samples
        for target in invariants.get("targets", []):
            if "deep" in target:
                target["deep"] |= {"samples": max(samples // 10, 100), "most_asked": max(samples, 1000)}
    (root / "engine_versions").mkdir()
    (root / f"engine_versions/{engine}.yaml").write_text(json.dumps(document))


@contextlib.contextmanager
def started(folder: Path, runtimes: Sequence[str]) -> Iterator[str]:
    """Engines and a registry below a folder, for this process and those it starts; the name of a base image.

    Docker is always one of them: it builds the project's image, and puts the base into the registry.
    """
    with contextlib.ExitStack() as stack:
        services: Mapping[str, type] = {"docker": Docker, "podman": Podman}
        for name, variable in {"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}.items():
            if name == "docker" or name in runtimes:
                service = services[name](folder / name)
                stack.callback(service.stop)
                service.start()
                os.environ[variable] = service.address
        if "apptainer" in runtimes:
            os.environ.update(stack.enter_context(apptainer(TOOLS / "apptainer")))
        registry = Registry(folder / "registry")
        stack.callback(registry.stop)
        registry.start()
        archive = folder / "base.tar"
        write_image(archive, "local/python:3.11", content=layer())
        engine = by_name("docker")
        image = engine.prepare(Reference("local/python", "sha256:" + "0" * 64, archive))
        base = f"{registry.host}/base/python"
        client = engine.client  # type: ignore[attr-defined]
        client.images.get(image).tag(base, "1")
        for event in client.api.push(base, tag="1", stream=True, decode=True):
            assert "error" not in event, event
        yield f"{base}:1"


def compare(root: Path, given: argparse.Namespace) -> int:
    """How many artefacts differ."""
    how: dict[str, Any] = {"until": given.until, "workers": given.workers}
    committed = ROOT / "results" / given.engine / given.version
    one = (root, given.engine, given.version)
    here = read(committed, given.until) if given.committed else build(*one, "venv", **how)
    if given.until == "invariants":
        print(f"{len(yaml.safe_load(here['invariants.yaml'])['rules'])} rules", flush=True)
    differ = 0
    for runtime in given.runtimes:
        there = build(*one, runtime, **how)
        for part in here:
            is_same = there[part] == here[part]
            print(f"{runtime:10} {part:28} {'the same' if is_same else 'DIFFERS'}", flush=True)
            differ += not is_same
            if not is_same and given.keep:
                (given.keep / f"{runtime}.{part}").write_text(there[part])
    return differ


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("engine")
    parser.add_argument("version")
    parser.add_argument("runtimes", nargs="+", metavar="runtime")
    parser.add_argument("--base")
    parser.add_argument("--start", type=Path)
    parser.add_argument("--committed", action="store_true")
    parser.add_argument("--until", choices=STAGES[1:], default="invariants")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--samples", type=int)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="put what differs there")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if given.start:
            given.base = stack.enter_context(started(given.start, given.runtimes))
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        root.chmod(0o755)
        scratch_project(root, given.engine, given.base, given.only, given.samples)
        if given.base:
            subprocess.run([ATLAS, "images", "resolve"], cwd=root, check=True)
        return int(compare(root, given) > 0)


if __name__ == "__main__":
    sys.exit(main())
