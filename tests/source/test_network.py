"""One real release of the configured index: the promise of few bytes holds where it matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from atlas.errors import UnavailableError
from atlas.index.releases import MissingRelease
from atlas.source.store import Store
from atlas.source.tree import SourceTree

pytestmark = pytest.mark.network


def test_the_python_text_of_a_large_release_costs_a_twentieth_of_its_wheel(
    build: Callable[..., dict[str, Any]], toy: Any, tmp_path: Any
) -> None:
    from dataclasses import replace

    cell = replace(toy.cell(version="0.33.0", packages=("vllm",)), library_name="vllm")
    try:
        result = build(cell)
    except (UnavailableError, MissingRelease) as error:
        pytest.skip(f"no such release to be had here: {error}")
    # Digest and counts as PyPI has published them for this release.
    assert result["origin"]["digest"].startswith("sha256:4b6bdec4ab269990")
    assert sum(path.endswith(".py") for path in result["files"]) == 3231
    assert result["cold_fetch"]["bytes"] <= 0.05 * result["origin"]["size"]
    assert result["cold_fetch"]["requests"] <= 20
    tree = SourceTree.load(tmp_path / "results/source.json", cell, Store.default())
    assert b"class EngineArgs" in tree.read("vllm/engine/arg_utils.py")
