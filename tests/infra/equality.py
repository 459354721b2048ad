"""The live lane of an engine in several runtimes, in a scratch project: whether its artefacts are the same.

usage: python tests/infra/equality.py ENGINE VERSION RUNTIME...
           [--base NAME] [--only GROUP[=CLASS]]... [--samples N]

`venv` is built first, and each RUNTIME compared with it, byte for byte but for kind and digest of the
environment. `--base` is another base image than the YAML's; `--only` takes these groups of surfaces (and of
them this class) alone, and `--samples` tries so many configurations of a class: minutes in place of many.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ATLAS = Path(sys.executable).with_name("atlas")
PARTS = ("schema.discovered.json", "config.schema.json", "invariants.yaml", "invariants.quarantine.yaml")
PARTS += ("invariants.coverage.json",)
KIND = re.compile(r"""("?kind"?: "?)(venv|image)\b""")


def build(root: Path, engine: str, version: str, runtime: str) -> dict[str, str]:
    """All artefacts of the live lane in one runtime, below a folder of its name; without what may differ."""
    output = root / runtime
    output.mkdir()
    cell = ["--engine", engine, "--version", version]
    lane = [*cell, "--source", "source.json"]
    there = ["--environment", output / "environment.json"]
    schema, config, rules, held, coverage = (output / name for name in PARTS)
    invariants = ["invariants", "build", *lane, *there, "--schema", schema, "--output", rules]
    for command in (
        ["source", *cell, "--output", "source.json"],
        ["environment", *lane, "--output", output / "environment.json"],
        ["schema", *lane, *there, "--output", schema, "--config-schema", config],
        [*invariants, "--workers", "2", "--quarantine", held, "--coverage", coverage],
    ):
        begun = time.monotonic()
        env = {"ATLAS_UV": str(ROOT / ".tools/bin/uv"), **os.environ, "ATLAS_RUNTIME": runtime}
        done = subprocess.run(
            [ATLAS, *command], cwd=root, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        print(f"{runtime:10} {command[0]:12} {time.monotonic() - begun:6.1f} s", flush=True)
    digest = json.loads((output / "environment.json").read_text())["digest"]
    found = {name: (output / name).read_text() for name in PARTS}
    assert any(digest in text for text in found.values())
    return {name: KIND.sub(r"\1<kind>", text.replace(digest, "<digest>")) for name, text in found.items()}


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("engine")
    parser.add_argument("version")
    parser.add_argument("runtimes", nargs="+", metavar="runtime")
    parser.add_argument("--base")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--samples", type=int)
    given = parser.parse_args()
    differ = 0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        scratch_project(root, given.engine, given.base, given.only, given.samples)
        if given.base:
            subprocess.run([ATLAS, "images", "resolve"], cwd=root, check=True)
        here = build(root, given.engine, given.version, "venv")
        rules = len(yaml.safe_load(here["invariants.yaml"])["rules"])
        print(f"{len(here['schema.discovered.json'])} bytes of schema, {rules} rules", flush=True)
        for runtime in given.runtimes:
            there = build(root, given.engine, given.version, runtime)
            for part in PARTS:
                same = there[part] == here[part]
                differ += not same
                print(f"{runtime:10} {part:28} {'the same' if same else 'DIFFERS'}", flush=True)
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
