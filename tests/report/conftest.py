"""The page of the small world, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas.report.cells import load_engine_pages
from atlas.report.command import build_report
from atlas.report.model import EnginePage

from .world import PINS, versions, write_artefacts, write_rules


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Path]]:
    return write_artefacts(tmp_path_factory.mktemp("results"), versions())


@pytest.fixture(scope="session")
def rule_folders(artefacts: tuple[list[Path], list[Path]]) -> list[Path]:
    """The newest version's rules; the others have none."""
    newest = artefacts[0][-1].parent
    return [write_rules(newest.parent.parent, newest.name)]


@pytest.fixture(scope="session")
def pages(artefacts: tuple[list[Path], list[Path]], rule_folders: list[Path]) -> tuple[EnginePage, ...]:
    return load_engine_pages(PINS, *artefacts, rule_folders)


@pytest.fixture(scope="session")
def page(
    artefacts: tuple[list[Path], list[Path]],
    rule_folders: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The page of two engines: three versions of one, none to be had of the other."""
    output = tmp_path_factory.mktemp("report") / "index.html"
    build_report(*artefacts, output, pins=PINS, rule_folders=rule_folders)
    return output
