"""Configurations that broke in public: what is told of them on both sides of the upgrade."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import urlparse

import pytest
import yaml

from atlas.check.model import Item, Place, Result
from atlas.check.run import Request, check_items, run

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(Path(__file__).parent.glob("cases/*.yaml"))


def checked(case: dict, version: str) -> Result:
    request = Request(case["engine"], version, target=case.get("target"), results=ROOT / "results")
    if "command" in case:
        (result,) = run(request, [], shlex.split(case["command"]))
    else:
        items = [Item(name, value, Place("case")) for name, value in case["config"].items()]
        (result,) = check_items(request, items, "case")
    return result


def test_there_are_enough_and_each_is_public():
    cases = [yaml.safe_load(path.read_text()) for path in CASES]
    assert len({case["issue"] for case in cases}) >= 15
    assert all(urlparse(case["issue"]).netloc == "github.com" for case in cases)


def test_the_two_sides_are_two_versions_and_most_upgrades_break():
    cases = [yaml.safe_load(path.read_text()) for path in CASES]
    assert all(case["before"]["version"] != case["after"]["version"] for case in cases)
    broken = [(case["before"]["verdict"], case["after"]["verdict"]) for case in cases]
    assert broken.count(("accepted", "rejected")) >= 15


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_side_of_the_upgrade_is_told(path, side):
    case = yaml.safe_load(path.read_text())
    expected = case[side]
    result = checked(case, expected["version"])
    told = [one for one in result.findings if one.level != "note"]
    assert ("accepted" if result.accepted else "rejected") == expected["verdict"], told
    assert sorted((one.parameter, one.kind, one.level) for one in told) == sorted(
        (one["parameter"], one["kind"], one["level"]) for one in expected["findings"]
    )
    for one in expected["findings"]:
        (found,) = [other for other in told if other.parameter == one["parameter"]]
        assert one.get("says", "") in found.message
