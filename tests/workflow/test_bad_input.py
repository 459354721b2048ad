"""What goes wrong is told with place, exit code and remedy; other cells are built; knowledge stays."""

import json

import pytest

pytestmark = pytest.mark.slow


def last_good(world, engine="toy"):
    folder = world.root / "results" / engine / "1.0"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def assert_kept_and_stale(world, before, *artefacts):
    assert last_good(world) == before
    stale = world.stale()
    for name in artefacts:
        assert f"results/toy/1.0/{name}" in stale
    assert not [path for path in stale if path.startswith("results/good/")]
    assert not list(world.root.rglob("*.tmp"))


def failure(world, stage, engine="toy", version="1.0"):
    return json.loads((world.root / f"logs/failures/{stage}/{engine}/{version}.json").read_text())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("packages:", "pakages:", "did you mean `packages`?"),
        ("timeout_s: 20", 'timeout_s: "20"', "is a string, not integer"),
        ("surfaces:\n", "surfaces: {\n", "not valid YAML"),
    ],
)
def test_a_broken_yaml_makes_its_own_cells_stale_and_nothing_else(two, old, new, words):
    before = last_good(two)
    two.edit("engine_versions/toy.yaml", old, new)
    assert any("toy.yaml:" in reason for reason in two.stale().values())
    two.engine("third")
    built = two.run("atlas", "build")
    assert built.returncode != 0
    assert words in built.stderr + built.stdout
    assert_kept_and_stale(two, before, "source.json")
    assert two.load("third", "schema.discovered.json")["engine_params"]
    assert failure(two, "source")["exit_code"] == 4
    two.edit("engine_versions/toy.yaml", new, old)
    assert two.run("atlas", "build").returncode == 0
    assert two.stale() == {}


def test_a_version_that_does_not_exist_names_the_nearest(two):
    before = last_good(two)
    two.edit(
        "engine_versions/toy.yaml", 'current_version: "1.0"', 'current_version: "1.7"\n  versions: ["1.0"]'
    )
    built = two.snakemake()
    assert built.returncode != 0
    assert "1.0" in failure(two, "source", version="1.7")["what"] + str(
        failure(two, "source", version="1.7")["hint"]
    )
    assert failure(two, "source", version="1.7")["exit_code"] == 4
    assert last_good(two) == before
    assert not (two.root / "results/toy/1.7/source.json").exists()


def test_an_unreachable_index_keeps_what_is_known(two):
    before = last_good(two)
    two.extra["UV_DEFAULT_INDEX"] = "http://user:s3cret@127.0.0.1:9/simple"
    built = two.snakemake("--forcerun", "source")
    assert built.returncode != 0
    assert "s3cret" not in built.stderr + built.stdout
    assert failure(two, "source")["exit_code"] == 5
    assert last_good(two) == before


@pytest.mark.parametrize(
    ("breakage", "code", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", 3, ""),
        ("import time\ntime.sleep(600)\n", 3, "20"),
    ],
    ids=["killed", "hang"],
)
def test_an_engine_that_does_not_come_up_fails_its_cell_only(two, toy_files, breakage, code, words):
    before = last_good(two)
    broken = {**toy_files, "toyengine/__init__.py": breakage}
    two.index.publish("toy", "1.1", broken)
    two.edit(
        "engine_versions/toy.yaml", 'current_version: "1.0"', 'current_version: "1.1"\n  versions: ["1.0"]'
    )
    built = two.run("atlas", "build")
    assert built.returncode == 2, built.stdout + built.stderr
    record = failure(two, "environment", version="1.1")
    assert record["exit_code"] == code
    assert words in json.dumps(record)
    assert last_good(two) == before
    assert (two.root / "results/toy/1.1/source.json").exists()
    assert not (two.root / "results/toy/1.1/schema.discovered.json").exists()
    assert "results/toy/1.1/environment.json" in two.stale()
    # The reports are made from what there is.
    assert "toy" in (two.root / "results/report/index.html").read_text()


@pytest.mark.parametrize(
    ("breakage", "words"),
    [
        ("import nosuchmodule\n", "nosuchmodule"),
        ("raise SystemExit(0)\n", "SystemExit"),
        ("import os\nos._exit(7)\n", "toyengine.config.EngineArgs"),
    ],
    ids=["import error", "exit", "hard exit"],
)
def test_a_version_that_cannot_be_imported_is_known_by_its_sources(two, toy_files, breakage, words):
    before = last_good(two)
    two.index.publish("toy", "1.1", {**toy_files, "toyengine/__init__.py": breakage})
    two.bump("toy", "1.1")
    built = two.run("atlas", "build")
    assert built.returncode == 0, built.stdout + built.stderr
    assert words in json.dumps(two.load("toy", "environment.json", "1.1")["limitations"])
    assert two.load("toy", "schema.discovered.json", "1.1")["status"] == "static_only"
    assert two.load("toy", "invariants.coverage.json", "1.1")["status"] == "unverified"
    assert last_good(two) == before
    assert two.stale() == {}


def test_an_engine_that_prints_is_heard_over(two, toy_files):
    noisy = "import os, sys\nprint('noise' * 100000)\nos.write(1, b'raw noise')\nsys.stderr.write('x')\n"
    two.index.publish("toy", "1.1", {**toy_files, "toyengine/__init__.py": noisy})
    two.bump("toy", "1.1")
    built = two.snakemake()
    assert built.returncode == 0, built.stderr
    assert two.load("toy", "schema.discovered.json", "1.1")["engine_params"]


def test_a_stub_is_known_to_be_unavailable_and_publishes_nothing(two, toy_files):
    stub = {"other/__init__.py": ""}
    two.index.publish("toy", "1.1", stub)
    two.bump("toy", "1.1")
    built = two.run("atlas", "build")
    assert built.returncode == 0, built.stderr
    source = two.load("toy", "source.json", "1.1")
    assert source["status"] == "unavailable"
    assert source["attempts"]
    assert not (two.root / "results/toy/1.1/schema.discovered.json").exists()
    assert {path for path in two.stale() if "/1.1/" in path} == set()
    page = (two.root / "results/report/index.html").read_text()
    assert "source unavailable" in page

    tree = two.root.parent / "tree"
    for name, text in toy_files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    two.edit(
        "engine_versions/toy.yaml", "  - kind: wheel\n", "  - kind: wheel\n  - {kind: path, path: ../tree}\n"
    )
    assert "results/toy/1.1/schema.discovered.json" in two.stale()
    built = two.snakemake()
    assert built.returncode == 0, built.stderr
    assert two.load("toy", "schema.discovered.json", "1.1")["engine_params"]
    assert str(tree) not in two.artefact("toy", "source.json", "1.1").read_text()
