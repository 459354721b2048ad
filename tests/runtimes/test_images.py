"""The project's own image, built by a real engine; tags that move; and no secret anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atlas.engines.load import load_cell
from atlas.environment.runtimes import build
from atlas.environment.runtimes.commands import moved, run_resolve
from atlas.environment.runtimes.hosts import needs
from atlas.environment.runtimes.images import LOCK, load_image, locked, read_lock
from atlas.environment.runtimes.known import by_name
from atlas.environment.sizes import run_sizes
from atlas.errors import BuildError, InputError

sys.path.insert(0, str(Path(__file__).parent))
from toy import toy_spec, write_project

ROOT = Path(__file__).parents[2]
CANARY = "canary-2b7f"


@pytest.fixture
def base(docker, registry, ready):
    """The base image under a tag in the registry; returns its name, and a way to move the tag."""
    found = ready("docker")
    client = found.runtime.client
    name = f"{registry.host}/base/python"

    def put(image: str) -> None:
        client.images.get(image).tag(name, "3")
        for event in client.api.push(name, tag="3", stream=True, decode=True):
            assert "error" not in event, event

    put(found.image)
    return f"{name}:3", put, client


@pytest.fixture
def project(tmp_path, base, monkeypatch):
    """An engine whose image is built from the Dockerfile of this project, and from nothing but Python."""
    root = tmp_path / "project"
    dockerfile = "containers/Dockerfile.transformers"
    spec = toy_spec(image={"dockerfile": dockerfile, "base": base[0]})
    write_project(root, spec, **{dockerfile: (ROOT / dockerfile).read_text()})
    monkeypatch.chdir(root)
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    return root


def cell_and_spec(root: Path):
    spec = load_image(root, "toy", "1.0")
    assert spec is not None
    return load_cell(root, "toy", "1.0"), spec


def edit(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new))


def test_the_image_is_built_once_from_its_dockerfile_lock_base_and_arguments(
    project, base, monkeypatch, capfd
):
    monkeypatch.setenv("PIP_INDEX_URL", f"https://user:{CANARY}@127.0.0.1:9/simple")
    with pytest.raises(InputError, match="was not resolved to a digest yet") as caught:
        build.reference_of(*cell_and_spec(project))
    assert "atlas images resolve" in str(caught.value)
    run_resolve(project, [])
    run_sizes(project, "toy", project / "envs/toy.size.json")
    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    packed = locked(project, base[0]).bytes
    (need,) = needs(project)
    assert packed and (need.present, need.fetch_bytes, need.disk_bytes) == (False, packed, packed)
    reference = build.built(*cell_and_spec(project))
    stamp = reference.file.stat().st_mtime_ns
    assert build.built(*cell_and_spec(project)) == reference
    assert reference.file.stat().st_mtime_ns == stamp
    image = base[2].images.get(by_name("docker").prepare(reference))
    (need,) = needs(project)
    assert (need.present, need.fetch_bytes) == (True, 0)
    assert need.disk_bytes == reference.file.stat().st_size + image.attrs["Size"] > 2 * packed

    # What is not in the image builds nothing.
    edit(project, "tree/toy/__init__.py", "pass", "size: int = 1")
    assert build.reference_of(*cell_and_spec(project)) == reference
    keys = {reference.digest}
    for file, old, new in (
        ("containers/Dockerfile.transformers", "USER 65534:65534", "USER 65534"),
        ("envs/toy.txt", "nothing", "nothing at all"),
        (LOCK, locked(project, base[0]).manifest, "sha256:" + "d" * 64),
    ):
        edit(project, file, old, new)
        keys.add(build.reference_of(*cell_and_spec(project)).digest)
    assert len(keys) == 4

    # It can be run by who has the file, says what it was made from, and no one's secret.
    client = base[2]
    image = by_name("docker").prepare(reference)
    history = json.dumps([client.api.history(image), client.api.inspect_image(image)])
    assert client.api.inspect_image(image)["Config"]["Labels"]["engine-atlas.key"] == reference.digest
    shown = "".join(capfd.readouterr())
    everything = (
        history
        + shown
        + "".join(file.read_text(errors="replace") for file in project.rglob("*") if file.is_file())
    )
    assert CANARY not in everything
    assert CANARY.encode() not in reference.file.read_bytes()
    code = "import sys; print(sys.prefix)"
    from atlas.environment.runtimes.model import Job
    from atlas.environment.runtimes.protocol import run_job

    outcome = run_job(by_name("docker"), image, Job(("/opt/engine/bin/python", "-c", code)), 60)
    assert outcome.log.strip() == "/opt/engine"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ARG FLASH_ATTENTION=0", "ARG FLASH_ATTENTION=1", "FLASH_ATTENTION=1 needs a base with nvcc"),
        ("'${PYTHON}'", "'3.1'", "the base has Python"),
    ],
)
def test_a_build_that_fails_says_why_with_its_last_lines(project, old, new, said):
    run_resolve(project, [])
    edit(project, "containers/Dockerfile.transformers", old, new)
    with pytest.raises(BuildError) as caught:
        build.built(*cell_and_spec(project))
    assert said in str(caught.value)
    assert caught.value.exit_code == 2
    images = project.parent / "cache/images"
    assert [file.suffix for file in images.iterdir()] == [".building"]


def test_a_tag_that_moved_is_told_and_not_followed(project, base):
    name, put, client = base
    run_resolve(project, [])
    before = locked(project, name)
    assert moved(project) == []
    other = client.api.import_image_from_data(b"\0" * 10240, repository="other/image")
    put(json.loads(other.splitlines()[-1])["status"])
    (found,) = moved(project)
    assert (found.name, found.locked) == (name, before.index)
    assert found.now not in (None, before.index)
    assert locked(project, name) == before
    done = subprocess.run(
        [Path(sys.executable).with_name("atlas"), "environments", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["moved"][0]["now"] == found.now
    run_resolve(project, [name])
    assert locked(project, name).index == found.now


def test_a_lock_that_is_damaged_is_told(project):
    for text in ("", "{}", '{"images": {"a": {}}}', "[1]"):
        (project / LOCK).write_text(text)
        with pytest.raises(InputError, match="not a lock of images"):
            read_lock(project)


def test_a_name_that_no_yaml_has_is_not_resolved(project):
    with pytest.raises(InputError, match="names other/image"):
        run_resolve(project, ["other/image:1"])


def test_the_engines_yaml_takes_one_way_to_an_image(project):
    for change in ({"reference": "a/b"}, {"base": None}):
        spec = yaml.safe_load((project / "engine_versions/toy.yaml").read_text())
        entry = spec["environments"]["image"][0] | change
        spec["environments"]["image"] = [{name: value for name, value in entry.items() if value}]
        other = project.parent / f"other-{len(change)}-{os.getpid()}-{next(iter(change))}"
        (other / "engine_versions").mkdir(parents=True)
        (other / "engine_versions/toy.yaml").write_text(yaml.safe_dump(spec))
        with pytest.raises(InputError):
            load_image(other, "toy", "1.0")
