"""The sampler against an NVML whose devices draw a known power, and energy against known traces."""

from __future__ import annotations

import math
import os
import signal
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.perf.telemetry.energy import by_counter, by_integral, energy_of
from atlas.perf.telemetry.rapl import open_rapl
from atlas.perf.telemetry.started import Sampler, Trace, read_trace
from atlas.perf.telemetry.summary import summarise

UUIDS = [f"GPU-fa4e0000-0000-4000-8000-{index:012d}" for index in range(2)]


def sampled(path, seconds, **options):
    sampler = Sampler(path, os.getpid(), **options)
    deadline = time.monotonic() + 20
    while not read_trace(path).samples and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(seconds)
    sampler.end()
    return read_trace(path)


def inner(trace):
    return trace.samples[1]["t"] + 0.01, trace.samples[-2]["t"] - 0.01


def test_energy_of_the_counter_is_the_integral_of_the_power(gpus, tmp_path):
    gpus("FAKE_NVML_POWER_MW", "250000,100000")
    gpus("FAKE_NVML_WAVE_MW", "50000,0")
    trace = sampled(tmp_path / "t.jsonl", 2.5, interval_s=0.02)
    start, end = inner(trace)
    summary = summarise(trace, start, end, 2)
    assert summary["valid"] is True
    # The wave is known: its energy over whole periods is none.
    exact = (250 + 100) * (end - start)
    assert summary["energy_j"] == pytest.approx(exact, rel=0.02)
    assert {part["method"] for part in summary["energy_parts"].values()} == {"counter"}
    power = trace.series("gpus", UUIDS[0], "power_w")
    counter = trace.series("gpus", UUIDS[0], "energy_j")
    gaps = [b[0] - a[0] for a, b in pairwise(power)]
    if max(gaps) < 0.1:  # else this machine is too busy for a wave of one second to be seen
        assert by_integral(power, start, end).joules == pytest.approx(
            by_counter(counter, start, end).joules, rel=0.005
        )
    assert summary["power_peak_w"] <= 400.001
    assert summary["vram_peak_bytes"] == 2 << 30


def test_all_that_a_device_says_is_sampled_and_what_it_does_not_say_is_null(gpus, tmp_path):
    trace = sampled(tmp_path / "t.jsonl", 0.6)
    device = trace.samples[0]["gpus"][UUIDS[0]]
    assert device["utilisation"] == 0.5
    assert device["temperature_c"] == 45
    assert device["sm_clock_hz"] == 1_980_000_000
    assert device["throttle_reasons"] == 0
    assert device["ecc_uncorrected"] is None  # this NVML has no such function
    assert trace.samples[0]["host"]["rss_bytes"] > 1_000_000
    assert trace.samples[0]["utc"] == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(
    ("visible", "used"),
    [(None, [0]), ("1", [1]), (" 1 ,0", [1]), ("GPU", [0]), ("7", []), ("", []), ("UUID", [1])],
)
def test_a_run_is_told_of_those_devices_that_a_scheduler_gave_it(gpus, tmp_path, visible, used):
    gpus("FAKE_NVML_COUNT", "2")
    trace = sampled(tmp_path / "t.jsonl", 0.5)
    summary = summarise(trace, *inner(trace), 1, UUIDS[1] if visible == "UUID" else visible)
    assert summary["devices"] == [UUIDS[number] for number in used]
    assert (summary["valid"] is None) == (not used)


def test_without_the_counter_energy_is_integrated_and_says_so(gpus, tmp_path):
    gpus("FAKE_NVML_COUNT", "1")
    gpus("FAKE_NVML_FAIL", "nvmlDeviceGetTotalEnergyConsumption=3")
    trace = sampled(tmp_path / "t.jsonl", 1)
    start, end = inner(trace)
    summary = summarise(trace, start, end, 1)
    assert summary["energy_parts"][UUIDS[0]]["method"] == "integral"
    assert summary["energy_j"] == pytest.approx(250 * (end - start), rel=1e-6)
    assert any("counter: no samples" in reason for reason in summary["reasons"])


def test_a_device_without_power_gives_null_and_a_reason_and_never_zero(gpus, tmp_path):
    gpus("FAKE_NVML_FAIL", "nvmlDeviceGetTotalEnergyConsumption=3,nvmlDeviceGetPowerUsage=999")
    trace = sampled(tmp_path / "t.jsonl", 0.8)
    summary = summarise(trace, *inner(trace), 2)
    assert (summary["energy_j"], summary["power_avg_w"], summary["power_peak_w"]) == (None, None, None)
    assert summary["valid"] is False
    assert any("nvmlDeviceGetPowerUsage" in k or "power_w" in k for k in trace.errors)


def test_a_device_that_is_lost_on_the_way_makes_energy_invalid(gpus, tmp_path):
    gpus("FAKE_NVML_LOST_AFTER", "0.5")
    trace = sampled(tmp_path / "t.jsonl", 1.5)
    summary = summarise(trace, trace.samples[1]["t"], trace.samples[-1]["t"], 2)
    assert summary["energy_j"] is None
    assert any("not between samples" in reason for reason in summary["reasons"])


def test_without_a_driver_the_host_is_sampled_all_the_same(monkeypatch, tmp_path):
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    trace = sampled(tmp_path / "t.jsonl", 1.2)
    if trace.head["gpus"]:
        pytest.skip("this machine has GPUs")
    assert "NVML" in trace.head["gpus_absent"]
    summary = summarise(trace, None, None, 1)
    assert summary["rss_peak_bytes"] > 0
    assert summary["energy_j"] is None


def test_what_was_sampled_survives_the_death_of_the_sampler(gpus, tmp_path):
    path = tmp_path / "t.jsonl"
    sampler = Sampler(path, None)
    while len(read_trace(path).samples) < 3:
        time.sleep(0.05)
    os.kill(sampler.process.pid, signal.SIGKILL)
    sampler.end()
    with path.open("a") as file:
        file.write('{"t": 12')
    trace = read_trace(path)
    assert len(trace.samples) >= 3
    assert trace.reasons == ("the sampler did not end by itself",)


def test_no_file_is_no_samples(tmp_path):
    assert read_trace(tmp_path / "none").reasons[-1] == "no samples"


@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=30),
    st.floats(0, 1000),
    st.floats(-50, 50),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(deadline=None)
def test_the_integral_of_a_straight_line_is_exact_whatever_the_samples(steps, base, slope, one, two):
    times = [sum(steps[:index]) for index in range(len(steps) + 1)]
    end = times[-1]
    low, high = sorted((one * end, two * end))
    if high - low < 1e-6:
        return
    line = [(t, base + slope * t) for t in times]
    exact = base * (high - low) + slope * (high**2 - low**2) / 2
    assert by_integral(line, low, high).joules == pytest.approx(exact, rel=1e-9, abs=1e-6)


def test_a_known_wave_is_integrated_within_half_a_percent_with_samples_missing():
    wave = [(i / 20, 300 + 100 * math.sin(math.pi * i / 20)) for i in range(401) if i % 7]
    wave = [(t, None if 100 < i < 110 else v) for i, (t, v) in enumerate(wave)]
    start, end = 1.03, 18.5

    def whole(t):
        return 300 * t - 100 / math.pi * math.cos(math.pi * t)

    assert by_integral(wave, start, end).joules == pytest.approx(whole(end) - whole(start), rel=0.005)


@pytest.mark.parametrize(
    ("counter", "reason"),
    [
        ([(0, 5.0), (1, 6.0), (2, 1.0), (3, 2.0)], "went down"),
        ([(0, 5.0), (9, 6.0)], "gap"),
        ([(1.5, 5.0), (2, 6.0), (3, 7.0)], "not between samples"),
        ([], "no samples"),
        ([(0, None), (3, None)], "no samples"),
        ([(0, 1.0), (0, 2.0), (3, 3.0)], "out of order"),
    ],
)
def test_a_counter_that_cannot_be_trusted_is_invalid_with_a_reason(counter, reason):
    found = by_counter(counter, 1.0, 2.5)
    assert found.joules is None
    assert reason in found.reasons[0]


def test_a_counter_that_starts_again_at_a_known_range_is_followed():
    series = [(0, 90.0), (1, 95.0), (2, 0.0), (3, 5.0)]
    assert by_counter(series, 0, 3, range_j=100).joules == pytest.approx(15)
    assert energy_of(series, [(0, 5.0), (3, 5.0)], 0, 3).method == "integral"


def test_rapl_counts_packages_and_memory_and_no_part_twice(tmp_path):
    for name, label in (
        ("intel-rapl:0", "package-0"),
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:0:1", "dram"),
    ):
        zone = tmp_path / name
        zone.mkdir()
        (zone / "name").write_text(label)
        (zone / "energy_uj").write_text("2500000")
        (zone / "max_energy_range_uj").write_text("262143328850")
    rapl = open_rapl(tmp_path)
    assert rapl.sample() == {"package-0:0": 2.5, "dram:0": 2.5}
    assert open_rapl(tmp_path / "none").reason


def test_samples_that_are_missing_are_told():
    samples = tuple({"t": float(t)} for t in (0, 1, 2, 7, 8))
    summary = summarise(Trace({"interval_s": 1.0}, samples), 0, 8, 0)
    assert summary["completeness"] == pytest.approx(5 / 8)
    assert any("62%" in reason for reason in summary["reasons"])


def test_a_window_between_two_samples_misses_none():
    samples = tuple({"t": 0.4 + 0.5 * step} for step in range(5))  # of a window of 5.6 intervals
    whole = summarise(Trace({"interval_s": 0.5}, samples), 0, 2.8, 0)
    assert whole["completeness"] == 1 and not any("expected samples" in one for one in whole["reasons"])
    fewer = summarise(Trace({"interval_s": 0.5}, samples[:4]), 0, 2.8, 0)
    assert "80% of the expected samples" in fewer["reasons"]
    assert summarise(Trace({"interval_s": 0.5}, samples[:1]), 0.3, 0.45, 0)["completeness"] is None
