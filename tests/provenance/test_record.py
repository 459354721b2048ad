"""Sidecars hold what was recorded, in few bytes."""

from __future__ import annotations

import fcntl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.provenance import locks, record
from atlas.provenance.ages import AFTER_EVERY_FILE, ages
from atlas.provenance.changes import Change, of_artefact
from atlas.provenance.record import Sidecar

SHA = "sha256:" + "0" * 64
names = st.from_regex(r"[a-z_.]{1,8}(/[A-Za-z_.-]{1,8}){0,3}", fullmatch=True).filter(lambda n: "//" not in n)
modules = st.builds(lambda name, digest: f"{name}@{digest:08x}", names, st.integers(0, 2**32 - 1))
plain = st.builds(lambda name, value: f"{name}={value!r}", st.from_regex("[a-z]+", fullmatch=True), st.text())


@settings(max_examples=50)
@given(
    st.dictionaries(names, modules.map(lambda m: m[-8:])),
    st.lists(plain),
    st.dictionaries(names, st.just(SHA)),
    st.none() | st.text(),
)
def test_a_sidecar_is_read_as_it_was_written(code, params, inputs, container):
    texts = {f"{name}@{digest}" for name, digest in code.items()} | set(params)
    written = Sidecar(6, "rule", "shell", tuple(sorted(texts)), inputs, container, SHA)
    assert record.parse(record.text(written).encode()) == written


def test_a_sidecar_of_forty_modules_fits_in_two_kilobytes(tmp_path):
    folders = ("", "schema/", "schema/static/", "engines/", "source/", "index/")
    code = [f"atlas/{folders[n % 6]}some_module_{n}.py@{n:08x}" for n in range(40)]
    stages = ("source", "environment")
    written = Sidecar(
        record=6,
        rule="schema",
        shell="atlas schema --engine {wildcards.engine} --version {wildcards.version} " * 3,
        params=tuple(sorted([*code, *(f"part.{name}='0123456789abcdef'" for name in "abcdef")])),
        inputs={f"results/tensorrt-llm/1.2.0rc5/{stage}.json": SHA for stage in stages},
        container=None,
        output=SHA,
    )
    assert len(record.text(written)) <= 2048


def test_the_same_sidecar_is_not_written_again(tmp_path):
    written = Sidecar(6, "rule", None, (), {}, None, SHA)
    record.write(tmp_path / "a", written)
    before = record.path_of(tmp_path / "a").stat()
    record.write(tmp_path / "a", written)
    assert record.path_of(tmp_path / "a").stat().st_mtime_ns == before.st_mtime_ns


def test_ages_put_every_input_after_its_output_even_if_sidecars_are_damaged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inputs = {"r/a": [], "r/b": ["r/a"], "r/c": ["r/a", "r/b", "elsewhere"], "r/x": ["r/y"], "r/y": ["r/x"]}
    (tmp_path / "r").mkdir()
    for name in [*inputs, "r/new"]:
        (tmp_path / name).touch()
    known = {name: Sidecar(6, "r", None, (), dict.fromkeys(i, SHA), None, SHA) for name, i in inputs.items()}
    times = {name: time.local() for name, time in ages(["r/"], known.get).items()}
    assert times["r/a"] > times["r/b"] > times["r/c"]
    assert times["r/new"] == AFTER_EVERY_FILE
    assert len(times) == 6


def test_changes_are_told_in_words_and_paired_by_name():
    change = Change(
        {"toy/x.py@00000001", "repeats=3", "gone='a=b'"}, {"toy/x.py@00000002", "repeats=5"}, {"out"}
    ) | of_artefact("edited", "out", "sha256:1", "sha256:2")
    assert str(change) == (
        "code of toy/x.py (00000001 -> 00000002); out edited by hand (as built sha256:1, on disk sha256:2); "
        "gone as built 'a=b', now not given; repeats as built 3, now 5"
    )
    assert not Change() and not (Change() | Change())


def test_a_lock_is_abandoned_only_if_its_holder_on_this_host_has_ended(tmp_path):
    lock = tmp_path / "0.output.lock"
    assert not locks.is_abandoned(lock)
    held = locks.hold(lock)
    assert not locks.is_abandoned(lock)
    held.close()
    assert locks.is_abandoned(lock)


def test_without_locks_in_the_file_system_nothing_is_abandoned(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    lock = tmp_path / "0.output.lock"
    locks.hold(lock).close()
    assert not locks.is_abandoned(lock)


@pytest.mark.parametrize("module", ["record", "codeprint", "lastgood", "backup", "verdict", "cells"])
def test_what_stages_may_import_does_not_import_snakemake(module):
    import subprocess
    import sys

    program = f"import sys, atlas.provenance.{module}; sys.exit('snakemake' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_sidecars_are_as_their_schema_says(world):
    import json
    from pathlib import Path

    import jsonschema

    schema = Path(record.__file__).parents[3] / "config" / "schemas" / "provenance.schema.json"
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_bytes()))
    sidecars = list(world.path.glob("**/*.prov.json"))
    assert len(sidecars) == 17
    for sidecar in sidecars:
        validator.validate(json.loads(sidecar.read_bytes()))
