"""Engines are data: their YAML is validated with places, and ranges are applied per version."""

from pathlib import Path

import pytest

from atlas.engines.load import load_all, load_cell, load_engine
from atlas.errors import InputError

GOOD = """\
format_version: 1
engine: toy
library:
  name: toy-engine
  current_version: "2.0"
  versions: ["1.0", "1.10"]
packages: [toy]
sources:
  - kind: wheel
  - {kind: path, path: trees/toy, versions: "<1.5"}
environments:
  venv:
    - {versions: "<2", python: "3.11", requirements: envs/old.txt}
    - {versions: ">=2", python: "3.12", requirements: envs/new.txt}
surfaces:
  engine_params:
    - {class: toy.args.Args, versions: ">=1.10"}
    - {class: toy.old.Args, versions: "<1.10"}
perf: {cards: [tiny]}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "engine_versions").mkdir()
    (tmp_path / "engine_versions/toy.yaml").write_text(GOOD)
    return tmp_path


def edit(project: Path, old: str, new: str) -> Path:
    file = project / "engine_versions/toy.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return file


def test_ranges_are_applied_by_version_not_by_text(project):
    engine = load_engine(project / "engine_versions/toy.yaml")
    assert engine.versions == ("1.0", "1.10", "2.0")
    assert [engine.cell(v).surfaces["engine_params"][0].target for v in engine.versions] == [
        "toy.old.Args",
        "toy.args.Args",
        "toy.args.Args",
    ]
    assert [engine.cell(v).venv.python for v in engine.versions] == ["3.11", "3.11", "3.12"]
    assert [len(engine.cell(v).sources) for v in engine.versions] == [2, 1, 1]


@pytest.mark.parametrize("stage", ["source", "environment", "schema"])
def test_an_edit_of_perf_changes_no_other_stage(project, stage):
    before = load_cell(project, "toy", "2.0").params(stage)
    edit(project, "tiny", "large")
    assert load_cell(project, "toy", "2.0").params(stage) == before


def test_an_edit_for_one_version_leaves_the_others(project):
    before = {v: load_cell(project, "toy", v).params("schema") for v in ("1.0", "2.0")}
    edit(project, "toy.old.Args", "toy.older.Args")
    after = {v: load_cell(project, "toy", v).params("schema") for v in ("1.0", "2.0")}
    assert after["2.0"] == before["2.0"]
    assert {key for key in before["1.0"] if before["1.0"][key] != after["1.0"][key]} == {"surfaces"}


def test_a_new_version_leaves_the_cells_there_are(project):
    before = load_cell(project, "toy", "2.0").params("schema")
    edit(project, 'current_version: "2.0"', 'current_version: "2.1"')
    edit(project, '"1.10"]', '"1.10", "2.0"]')
    assert load_cell(project, "toy", "2.0").params("schema") == before


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("surfaces:", "surfases:", "toy.yaml:15:1", "unknown key `surfases` (did you mean `surfaces`"),
        (
            '"2.0"',
            "2.0",
            "toy.yaml:5:3",
            '`current_version` is a number, not string: write it in quotes, "2.0"',
        ),
        ('"2.0"', '"latest"', "toy.yaml:5:3", "not a version (PEP 440)"),
        ("name: toy-engine", "name: Toy_Engine", "toy.yaml:4:3", "PEP 503"),
        ("kind: wheel", "kind: weel", "toy.yaml:9:5", "did you mean `wheel`?"),
        ("{kind: path, path: trees/toy,", "{kind: path,", "toy.yaml:10:5", "lacks the key `path`"),
        ('versions: "<1.5"', 'versions: "1.5 or so"', "toy.yaml:10:35", "not a version range"),
        ("engine: toy", "engine: toi", "toy.yaml:2:1", "the file is called toy.yaml"),
        ("packages: [toy]\n", "", "toy.yaml:1:1", "lacks the key `packages`"),
        ("[toy]", "[1]", "toy.yaml:7:12", "is an integer, not string"),
        ("class: toy.args.Args", "klass: toy.args.Args", "toy.yaml:17:8", "unknown key `klass`"),
    ],
)
def test_errors_name_the_place_and_the_nearest_name(project, old, new, place, words):
    file = edit(project, old, new)
    with pytest.raises(InputError) as failure:
        load_engine(file)
    text = str(failure.value)
    assert place in text, text
    assert words in text, text
    assert failure.value.exit_code == 4


def test_all_errors_are_told_at_once(project):
    edit(project, "surfaces:", "surfases:")
    file = edit(project, '"2.0"', "2.0")
    with pytest.raises(InputError) as failure:
        load_engine(file)
    text = str(failure.value)
    assert "surfases" in text
    assert "in quotes" in text
    assert "lacks the key `surfaces`" in text


def test_a_broken_file_hides_no_other_engine(project):
    (project / "engine_versions/worse.yaml").write_text("library: {current_version: '3.1'}\n")
    (project / "engine_versions/worst.yaml").write_text(": [")
    engines, broken = load_all(project)
    assert [engine.name for engine in engines] == ["toy"]
    assert [(engine.name, engine.versions) for engine in broken] == [
        ("worse", ("3.1",)),
        ("worst", ("unreadable",)),
    ]
    assert all("engine_versions" in engine.error for engine in broken)


def test_unknown_engines_and_versions_name_the_nearest(project):
    with pytest.raises(InputError, match="did you mean `toy`"):
        load_cell(project, "toi", "2.0")
    with pytest.raises(InputError, match=r"not tracked .*`1\.10`"):
        load_cell(project, "toy", "1.1")


def test_the_engines_of_this_project_load():
    root = Path(__file__).resolve().parents[2]
    engines, broken = load_all(root)
    assert not broken, broken
    assert engines
    for engine in engines:
        assert engine.current_version == engine.versions[-1], f"{engine.name}: current is not the newest"
