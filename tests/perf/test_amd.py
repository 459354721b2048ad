"""AMD's GPUs by a stand-in for the program amd-smi, that answers in the JSON that its manual shows."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest

from atlas.perf.telemetry import gpus as devices
from atlas.perf.telemetry.amd import open_amd
from atlas.perf.telemetry.started import Sampler, read_trace
from atlas.perf.telemetry.summary import summarise

UUID = "8eff74a0-0000-1000-8042-5bdc97f25fb7"
LIST = [{"gpu": 0, "bdf": "0000:05:00.0", "uuid": UUID, "kfd_id": 51140}]
STATIC = [
    {
        "gpu": 0,
        "asic": {"market_name": "AMD Instinct MI300X", "target_graphics_version": "gfx942"},
        "limit": {"max_power": {"value": 750, "unit": "W"}},
        "driver": {"name": "amdgpu", "version": "6.10.5"},
        "vram": {"size": {"value": 196592, "unit": "MB"}},
    }
]
METRIC = {
    "gpu": 0,
    "usage": {"gfx_activity": {"value": 25, "unit": "%"}},
    "power": {"socket_power": {"value": 140, "unit": "W"}, "throttle_status": "N/A"},
    "clock": {
        "gfx_0": {"clk": {"value": 132, "unit": "MHz"}},
        "mem_0": {"clk": {"value": 900, "unit": "MHz"}},
    },
    "temperature": {"edge": "N/A", "hotspot": {"value": 42, "unit": "C"}},
    "ecc": {"total_correctable_count": 0, "total_uncorrectable_count": 3},
    "energy": {"total_energy_consumption": {"value": 1000.5, "unit": "J"}},
    "mem_usage": {"total_vram": {"value": 196592, "unit": "MB"}, "used_vram": {"value": 283, "unit": "MB"}},
}


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Writes what the stand-in answers; without an answer, it fails."""
    folder = tmp_path / "amd"
    folder.mkdir()
    script = folder / "amd-smi"
    script.write_text(f'#!/bin/sh\n[ "$2" = --json ] && exec cat "{folder}/$1.json"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def answers(**said):
        for name, content in {"list": LIST, "static": STATIC, "metric": [METRIC], **said}.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / f"{name}.json").write_text(text)

    answers()
    return answers


def test_all_that_the_program_says_is_in_our_units(program):
    found = open_amd()
    assert found.driver == "6.10.5"
    assert found.traits[UUID] == {
        "index": 0,
        "name": "AMD Instinct MI300X",
        "power_limit_w": 750,
        "vram_total_bytes": 196592 << 20,
        "compute_capability": "gfx942",
        "mig": None,
        "pci": "0000:05:00.0",
    }
    assert found.sample()[UUID] == {
        "power_w": 140,
        "energy_j": 1000.5,
        "utilisation": 0.25,
        "vram_used_bytes": 283 << 20,
        "vram_total_bytes": 196592 << 20,
        "temperature_c": 42,
        "sm_clock_hz": 132e6,
        "memory_clock_hz": 900e6,
        "ecc_uncorrected": 3,
        "throttle_reasons": None,
    }


def test_newer_programs_put_the_list_inside(program):
    program(list={"gpu_data": LIST}, static={"gpu_data": STATIC}, metric={"gpu_data": [METRIC]})
    assert open_amd().sample()[UUID]["power_w"] == 140


def test_what_it_does_not_say_is_null_and_its_errors_are_counted(program):
    found = open_amd()
    odd = {
        "gpu": 0,
        "power": {"socket_power": "N/A"},
        "energy": {"total_energy_consumption": {"value": True}},
    }
    program(metric=[odd])
    assert set(found.sample()[UUID].values()) == {None}
    program(metric="AMDSMI_STATUS_FAIL")
    assert set(found.sample()[UUID].values()) == {None}
    assert found.errors == {"amd-smi metric: JSONDecodeError": 1}
    program(metric=[{**METRIC, "power": {"socket_power": {"value": 1, "unit": "parsec"}}}])
    assert found.sample()[UUID]["power_w"] is None


def test_a_machine_without_such_gpus_says_why(program, monkeypatch):
    program(list=[])
    assert open_amd().reason == "amd-smi shows no device"
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert open_amd().reason == "amd-smi is not here"
    found = devices.open_devices()
    assert found.reason.endswith("; amd-smi is not here") or found.devices


def test_the_sampler_asks_it_once_a_second_and_its_counter_is_the_energy(program, tmp_path):
    if devices.open_gpus().devices:
        pytest.skip("this machine has GPUs of another maker, which come first")
    sampler = Sampler(tmp_path / "t.jsonl", os.getpid(), interval_s=0.1)
    try:
        deadline = time.monotonic() + 60
        for joules in (1000.5, 1200.5, 1400.5, 1600.5):
            program(
                metric=[{**METRIC, "energy": {"total_energy_consumption": {"value": joules, "unit": "J"}}}]
            )
            count = len(read_trace(tmp_path / "t.jsonl").samples) + 1
            while len(read_trace(tmp_path / "t.jsonl").samples) <= count and time.monotonic() < deadline:
                time.sleep(0.1)
    finally:
        sampler.end()
    trace = read_trace(tmp_path / "t.jsonl")
    assert trace.interval == 1.0
    assert list(trace.head["gpus"]) == [UUID]
    first, last = trace.samples[0]["t"], trace.samples[-1]["t"]
    summary = summarise(trace, first + 0.01, last - 0.01, 1)
    assert 0 < summary["energy_j"] <= 600.001
    assert summary["vram_peak_bytes"] == 283 << 20
