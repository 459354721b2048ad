"""What changed between two versions."""

from __future__ import annotations

from atlas.report.history import Change, change_kinds, counts, differences
from atlas.report.model import Cell, EnginePage, Parameter


def cells(pages: tuple[EnginePage, ...]) -> list[Cell]:
    return list(next(page for page in pages if page.pin.engine == "toy").cells)


def test_each_kind_of_change_is_found(pages: tuple[EnginePage, ...]) -> None:
    _, middle, newest = cells(pages)
    assert differences(middle, newest) == [
        Change("cache.block_size", ("limits", "description", "CLI flag")),
        Change("engine_params:seed", ("effective default",)),
        Change("mode", ("values", "default", "deprecated")),
        Change("style", ("added",)),
        Change("width", ("type",)),
    ]


def test_what_was_added_one_way_was_removed_the_other(pages: tuple[EnginePage, ...]) -> None:
    oldest, middle, _ = cells(pages)
    there = {change.id: change.kinds for change in differences(oldest, middle)}
    back = {change.id: change.kinds for change in differences(middle, oldest)}
    assert there == {"cache.block_size": ("added",), "gone": ("removed",), "mode": ("added",)}
    assert back == {"cache.block_size": ("removed",), "gone": ("added",), "mode": ("removed",)}


def test_effective_defaults_are_not_compared_with_a_version_that_was_not_run(
    pages: tuple[EnginePage, ...],
) -> None:
    oldest, middle, _ = cells(pages)
    assert "engine_params:seed" not in {change.id for change in differences(oldest, middle)}


def test_a_version_does_not_differ_from_itself(pages: tuple[EnginePage, ...]) -> None:
    assert all(differences(cell, cell) == [] for cell in cells(pages))


def test_changes_are_counted_by_parameter_and_not_by_kind(pages: tuple[EnginePage, ...]) -> None:
    _, middle, newest = cells(pages)
    assert counts(differences(middle, newest)) == {"added": 1, "removed": 0, "changed": 4}


def test_a_default_that_only_moves_is_no_change_of_what_is_in_effect() -> None:
    written = Parameter("g", "p", {"default": "2", "default_kind": "value"})
    resolved = Parameter(
        "g", "p", {"default": "None", "default_kind": "none", "effective": {"text": "2", "platform": "cpu"}}
    )
    assert change_kinds(written, resolved, both_live=True) == ("default",)
    assert change_kinds(written, Parameter("g", "p", {"default": "3", "default_kind": "value"}), True) == (
        "default",
    )
