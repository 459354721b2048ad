"""GPUs without one: what is asked of each runtime, as a hook of ours, CDI and arguments show it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from atlas.environment.runtimes import gpu
from atlas.environment.runtimes.apptainer import arguments
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import GpuRequest, Job, Reference
from atlas.environment.runtimes.protocol import run_job
from atlas.environment.runtimes.verdict import devices_in, unfit
from atlas.errors import InputError, UnavailableError

INFRA = Path(__file__).parents[1] / "infra"
sys.path.insert(0, str(INFRA))
from services import Docker, Missing  # noqa: E402

PYTHON = "/usr/local/bin/python3"
SHOW = "import os; print(os.environ.get('NVIDIA_VISIBLE_DEVICES'), os.environ.get('ATLAS_CDI'))"


@pytest.fixture(scope="module")
def with_hook(engines, archive):
    """A Docker engine that finds a hook of NVIDIA's; what it asks of that is in its log."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    folder = engines.folder / "gpu"
    folder.mkdir()
    library, log = folder / "nvml.so", folder / "asked"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, INFRA / "nvml.c"], check=True)
    try:
        service = Docker(folder)
        path = f"{INFRA}:{os.environ['PATH']}:/usr/sbin:/sbin"
        service.start(PATH=path, ATLAS_GPU_LIBRARY=str(library), ATLAS_GPU_LOG=str(log))
    except Missing as reason:
        pytest.skip(str(reason))
    yield service, log
    service.stop()


@pytest.fixture
def hooked(with_hook, archive, monkeypatch):
    service, log = with_hook
    monkeypatch.setenv("DOCKER_HOST", service.address)
    runtime = by_name("docker")
    image = runtime.prepare(Reference("local/python", "sha256:" + "0" * 64, archive))

    def asked(wanted: GpuRequest) -> dict:
        log.unlink(missing_ok=True)
        outcome = run_job(runtime, image, Job((PYTHON, "-c", SHOW), gpu=wanted), 60)
        assert outcome.status == 0, outcome.log
        return json.loads(log.read_text())

    return runtime, image, asked


def test_docker_is_asked_for_as_many_devices_or_for_those_by_name(hooked):
    _, _, asked = hooked
    assert asked(GpuRequest("nvidia", 2))["devices"] == "0,1"
    assert asked(GpuRequest("nvidia", 1, ("GPU-8a2c",)))["devices"] == "GPU-8a2c"


def test_what_a_container_sees_of_its_devices_is_told(hooked):
    runtime, image, _ = hooked
    launcher = Launcher(runtime, image, ImageSpec("archive", "x", "y"), GpuRequest("nvidia", 2))
    seen = devices_in(launcher, PYTHON)
    expected = {"vendor": "nvidia", "count": 2, "driver": "580.65.06", "toolkit": "13.0", "torch": None}
    assert seen == {**expected, "reason": None, "asked": 2}
    assert unfit(seen) is None


def test_without_a_hook_docker_refuses_and_leaves_nothing(ready):
    found = ready("docker")
    with pytest.raises(UnavailableError, match="could not select device driver") as caught:
        run_job(found.runtime, found.image, Job(("true",), gpu=GpuRequest("nvidia", 1)), 30)
    assert "container toolkit" in str(caught.value)
    assert found.runtime.client.containers.list(all=True) == []


def test_podman_gets_devices_by_cdi_and_says_which_there_is_none_of(ready):
    found = ready("podman")
    file = Path(f"/var/run/cdi/atlas-test-{os.getpid()}.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    edits = {"env": ["ATLAS_CDI=given"], "deviceNodes": [{"path": "/dev/null"}]}
    device = {"name": "atlas-test", "containerEdits": edits}
    file.write_text(json.dumps({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [device]}))
    try:
        job = Job((PYTHON, "-c", SHOW), gpu=GpuRequest("nvidia", 1, ("atlas-test",)))
        assert "given" in run_job(found.runtime, found.image, job, 60).log
    finally:
        file.unlink()
    with pytest.raises(UnavailableError, match="no CDI device nvidia") as caught:
        run_job(found.runtime, found.image, job, 60)
    assert "nvidia-ctk cdi generate" in str(caught.value)


@pytest.mark.parametrize(("vendor", "flag"), [("nvidia", "--nv"), ("amd", "--rocm")])
def test_apptainer_is_told_by_a_flag(vendor, flag):
    assert flag in arguments("x.sif", Job(("true",), gpu=GpuRequest(vendor)))
    assert flag not in arguments("x.sif", Job(("true",)))


def test_amd_devices_are_passed_with_their_groups(monkeypatch):
    from atlas.environment.runtimes.engine_api import docker_engine

    found = docker_engine()._gpu(GpuRequest("amd", 1))
    assert found["devices"] == ["/dev/kfd:/dev/kfd:rwm", "/dev/dri:/dev/dri:rwm"]
    assert "device_requests" not in found


@pytest.mark.parametrize(
    ("environ", "count", "ids"),
    [
        ({}, 2, ()),
        ({"CUDA_VISIBLE_DEVICES": "3,5"}, 1, ("3",)),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1, GPU-2"}, 2, ("GPU-1", "GPU-2")),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, 1, ()),
    ],
)
def test_devices_that_a_scheduler_gave_are_those_that_are_asked_for(environ, count, ids):
    assert gpu.request(count, gpu.VENDORS["nvidia"], environ) == GpuRequest("nvidia", count, ids)


@pytest.mark.parametrize("value", ["", "-1", "NoDevFiles", "0"])
def test_more_than_a_scheduler_gave_are_refused(value):
    with pytest.raises(InputError, match="2 GPUs are asked for"):
        gpu.request(2, gpu.VENDORS["nvidia"], {"CUDA_VISIBLE_DEVICES": value})


def test_a_container_knows_its_devices_by_numbers_of_its_own():
    assert gpu.shown(GpuRequest("nvidia", 2, ("5", "7")))["CUDA_VISIBLE_DEVICES"] == "0,1"


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ({"count": 0, "asked": 1, "reason": "no library"}, "0 devices are seen: no library"),
        (
            {"count": 1, "asked": 1, "torch": "13.0", "toolkit": "12.4", "driver": "550"},
            "torch is made for CUDA 13.0",
        ),
        ({"count": 1, "asked": 1, "torch": "12.8", "toolkit": "12.4", "driver": "550"}, None),
        ({"count": 1, "asked": 1, "torch": None, "toolkit": None, "driver": None}, None),
    ],
)
def test_devices_that_do_not_fit_are_told(devices, said):
    found = unfit(devices)
    assert found is None if said is None else said in found
