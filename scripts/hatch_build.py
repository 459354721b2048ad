"""What is made for a wheel alone: the facts of all versions of an engine in one archive."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FactsHook(BuildHookInterface):  # type: ignore[misc, type-arg]
    """Puts results/<engine>/history.facts.tar.xz into the wheel, in the place of hundreds of files."""

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

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del build_data, artifact_path
        if version != "editable":
            shutil.rmtree(self.folder)


def _archive(root: Path) -> Any:
    """The module of the package that is being built, which is not installed."""
    path = root / "scripts" / "atlas" / "history" / "archive.py"
    spec = importlib.util.spec_from_file_location("archive", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
