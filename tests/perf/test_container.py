"""What containers change of a run's record, without any: families, columns, kinds, and being interrupted."""

from __future__ import annotations

import csv
import io
import os
import signal
import threading
import time

import pytest

from atlas.canonical import digest
from atlas.errors import BuildError, UnavailableError
from atlas.perf.aggregate import table
from atlas.perf.cards import Card
from atlas.perf.failure import NotReady, failing
from atlas.perf.machine import FAMILY, capture, family
from atlas.perf.record import opened
from atlas.perf.run import run_card
from atlas.perf.supervise import Cancelled, Interrupted
from atlas.perf.tools import programs, wrap

IMAGE = {
    "runtime": "docker",
    "runtime_version": "27.1",
    "kind": "reference",
    "reference": "registry.test/engine",
    "digest": "sha256:aa",
    "dockerfile": None,
    "base": None,
    "network": False,
    "limits": {"memory_mb": 4000, "shm_mb": None, "ulimits": {}},
}


def test_runs_of_another_runtime_or_limit_are_of_another_family_and_those_of_another_image_are_not():
    captured = capture({"A": "1"}, None)
    beside = family(captured)
    assert beside == digest({name: captured.get(name) for name in FAMILY})  # as records before had it
    docker = family({**captured, "image": IMAGE})
    assert family({**captured, "image": {**IMAGE, "digest": "sha256:bb", "runtime_version": "28"}}) == docker
    podman = family({**captured, "image": {**IMAGE, "runtime": "podman"}})
    limited = family({**captured, "image": {**IMAGE, "limits": {**IMAGE["limits"], "memory_mb": 2000}}})
    assert len({beside, docker, podman, limited}) == 4


def test_the_image_of_a_run_is_in_its_row():
    card = Card("toy", "t", ("t",), "c:1")
    record = opened("toy", "1", card, 1, "cpu-test") | {"runtime_digest": "sha256:of-all"}
    own = {**IMAGE, "dockerfile": "containers/Dockerfile.toy", "base": "registry.test/python:3"}
    rows = csv.DictReader(io.StringIO(table([record, record | {"environment": {"image": own}}], {})))
    beside, within = rows
    names = ("docker_sha", "docker_image", "docker_file", "base_docker")
    assert [beside[name] for name in names] == ["sha256:of-all", "", "", ""]
    assert [within[name] for name in names] == [
        "sha256:aa",
        "registry.test/engine",
        "containers/Dockerfile.toy",
        "registry.test/python:3",
    ]


def test_what_cannot_be_had_has_the_kind_of_what_was_tried_unless_a_disk_is_full():
    for error, kind in (
        (UnavailableError("the registry refuses (401)"), "image_pull"),
        (BuildError("write /layer: no space left on device"), "disk_full"),
        (BuildError("[Errno 28] cannot be written"), "disk_full"),
        (BuildError("error 28 of 280"), "image_pull"),
    ):
        with pytest.raises(NotReady) as caught, failing("image_pull"):
            raise error
        assert caught.value.kind == kind


def test_a_run_that_is_interrupted_while_it_is_prepared_is_cancelled_at_once(tmp_path):
    def prepare(scratch):
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        time.sleep(60)

    start = time.monotonic()
    card = Card("toy", "t", ("t",), "c:1", command=("x",))
    done = run_card(tmp_path, "toy", "1", card, 1, hardware="h", output=tmp_path / "r.json", prepare=prepare)
    assert time.monotonic() - start < 10
    assert (done["failure_kind"], done["failure_reason"]) == ("cancelled", "cancelled by SIGTERM")


def test_being_interrupted_raises_once_and_only_where_it_is_allowed_to():
    with Cancelled() as cancelled:
        with pytest.raises(Interrupted), cancelled.at_once():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        os.kill(os.getpid(), signal.SIGTERM)  # tidying up goes on
        time.sleep(0.1)
        assert cancelled.by == "cancelled by SIGTERM"
        with pytest.raises(Interrupted), cancelled.at_once():
            pass


def test_a_failure_of_what_was_interrupted_too_is_no_failure_of_its_own(tmp_path):
    def prepare(scratch):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except Interrupted as error:
            raise NotReady("image_build", "uv was asked to end") from error

    card = Card("toy", "t", ("t",), "c:1", command=("x",))
    done = run_card(tmp_path, "toy", "1", card, 1, hardware="h", output=tmp_path / "r.json", prepare=prepare)
    assert done["failure_kind"] == "cancelled"


def test_a_profiler_is_used_where_the_command_is_run_has_it(tmp_path):
    assert {"py-spy", "nsys"} <= set(programs())
    without = wrap(["x"], ["py-spy"], tmp_path / "a", has=lambda _: None)
    assert (without.command, without.used) == (("x",), ())
    with_it = wrap(["x"], ["py-spy"], tmp_path / "b", has=lambda name: name)
    assert (with_it.command[0], with_it.used) == ("py-spy", ("py-spy",))
