"""What is made for a wheel alone: the facts of all versions in one archive, and counts of what was tried."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COVERAGE = "invariants.coverage.json"


class FactsHook(BuildHookInterface):  # type: ignore[misc, type-arg]
    """Puts results/<engine>/history.facts.tar.xz into the wheel, in the place of hundreds of files.

    And of each invariants.coverage.json the samples alone: gaps and sites are for who works on the rules.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        archive = _archive(Path(self.root))
        self.folder = Path(tempfile.mkdtemp())
        for engine in sorted((Path(self.root) / "results").iterdir()):
            packed = self.folder / f"{engine.name}.tar.xz"
            if engine.is_dir() and any(engine.glob(f"*/{archive.FACTS}")):
                archive.pack(engine, packed)
                place = f"atlas/_results/{engine.name}/{archive.ARCHIVE}"
                build_data["force_include"][str(packed)] = place

        for coverage in sorted((Path(self.root) / "results").glob(f"*/*/{COVERAGE}")):
            place = coverage.relative_to(self.root).with_name(COVERAGE)
            counts = self.folder / place
            counts.parent.mkdir(parents=True, exist_ok=True)
            counts.write_text(_counts(coverage.read_text(encoding="utf-8")), encoding="utf-8")
            build_data["force_include"][str(counts)] = f"atlas/_{place.as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del build_data
        if version != "editable":
            shutil.rmtree(self.folder)
            _pack_tightly(Path(artifact_path))


def _counts(text: str) -> str:
    """What `atlas diff` reads of it: the classes with their samples."""
    found = json.loads(text)
    found["targets"] = [{"class": one["class"], "sample": one.get("sample")} for one in found["targets"]]
    kept = {key: found[key] for key in ("format_version", "engine", "version", "targets")}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True) + "\n"


def _pack_tightly(wheel: Path) -> None:
    """The same wheel, compressed as far as zlib goes: what is fetched by all is made once."""
    packed = wheel.with_name(f"{wheel.name}.packed")
    with zipfile.ZipFile(wheel) as found, zipfile.ZipFile(packed, "w") as made:
        for member in found.infolist():
            made.writestr(member, found.read(member), compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    packed.replace(wheel)


def _archive(root: Path) -> Any:
    """The module of the package that is being built, which is not installed."""
    path = root / "scripts" / "atlas" / "history" / "archive.py"
    spec = importlib.util.spec_from_file_location("archive", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
