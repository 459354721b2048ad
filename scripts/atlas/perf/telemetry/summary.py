"""What a trace says of the window that was measured: power, energy, memory, and how sound that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from atlas.perf.telemetry.energy import Energy, energy_of
from atlas.perf.telemetry.started import Trace

ENOUGH = 0.95
"""The share of expected samples from which on a trace is whole."""


def summarise(
    trace: Trace, start: float | None, end: float | None, gpus: int, visible: str | None = None
) -> dict[str, Any]:
    """Of the window between two monotonic times. `gpus` is how many devices the run may use.

    `visible` are the devices that a scheduler gave it, by number or UUID, as `CUDA_VISIBLE_DEVICES` has them.
    Nothing that is not known is 0. `valid` is about energy: null where nothing tells it.
    """
    reasons = list(trace.reasons)
    window = _window(trace, start, end)
    if window is None:
        return {**_NOTHING, "reasons": [*reasons, "no window was measured"]}
    devices = _devices(trace.head.get("gpus") or {}, visible)[:gpus]
    if gpus and len(devices) < gpus:
        reasons.append(trace.head.get("gpus_absent") or f"{len(devices)} of {gpus} GPUs were seen")
    begin, finish = window
    energies = {one: _gpu_energy(trace, one, begin, finish) for one in devices}
    for name, span in ((trace.head.get("rapl") or {}).get("ranges_j") or {}).items():
        counter = trace.series("rapl", "", name)
        energies[name] = energy_of(counter, [], begin, finish, range_j=span)
    reasons += [f"{name}: {reason}" for name, one in energies.items() for reason in one.reasons]
    if not energies:
        absent = trace.head.get("rapl_absent") or "not sampled"
        reasons.append(f"no sensor of energy: {absent}")
    known = [one.joules for one in energies.values() if one.joules is not None]
    whole = bool(energies) and len(known) == len(energies)
    joules = math.fsum(known) if whole else None
    powers = [trace.series("gpus", device, "power_w") for device in devices]
    found = _count(trace, begin, finish)
    if found["completeness"] is not None and found["completeness"] < ENOUGH:
        reasons.append(f"{found['completeness']:.0%} of the expected samples")
    return {
        "window": [round(begin, 6), round(finish, 6)],
        "devices": devices,
        "energy_j": joules,
        "energy_parts": {name: {"joules": e.joules, "method": e.method} for name, e in energies.items()},
        "power_avg_w": joules / (finish - begin) if joules is not None else None,
        "power_peak_w": _peak_of_sum(powers, begin, finish),
        "vram_peak_bytes": _sum([_peak(trace, "gpus", d, "vram_used_bytes", begin, finish) for d in devices]),
        "rss_peak_bytes": _peak(trace, "host", "", "rss_bytes", begin, finish),
        "cpu_utilisation": _mean(trace, "host", "", "cpu_utilisation", begin, finish),
        "gpu_utilisation": _mean_of([_mean(trace, "gpus", d, "utilisation", begin, finish) for d in devices]),
        "temperature_max_c": _largest(
            [_peak(trace, "gpus", d, "temperature_c", begin, finish) for d in devices]
        ),
        "throttled": _throttled(trace, devices, begin, finish),
        **found,
        "errors": trace.errors,
        "valid": whole if energies else None,
        "reasons": reasons,
    }


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(
        ("window", "energy_j", "power_avg_w", "power_peak_w", "vram_peak_bytes", "rss_peak_bytes", "valid")
    ),
    "devices": [],
}


def _devices(traits: Mapping[str, Mapping[str, Any]], visible: str | None) -> list[str]:
    """The devices that the run may use, in its order; all where nobody chose any."""
    if visible is None:
        return list(traits)
    numbers = {str(one.get("index")): device for device, one in traits.items()}
    found: list[str] = []
    for word in visible.split(","):
        name = word.strip()
        named = (device for device in traits if name and device.startswith(name))
        device = numbers.get(name) or next(named, None)
        if device is None:  # as CUDA reads it: what follows a device that is not there does not count
            break
        found.append(device)
    return found


def _window(trace: Trace, start: float | None, end: float | None) -> tuple[float, float] | None:
    """The window that was measured; of a run that did not come so far, all that was sampled."""
    times = [sample["t"] for sample in trace.samples]
    if start is not None and end is not None:
        return start, end
    return (times[0], times[-1]) if len(times) > 1 else None


def _gpu_energy(trace: Trace, device: str, start: float, end: float) -> Energy:
    counter = trace.series("gpus", device, "energy_j")
    return energy_of(counter, trace.series("gpus", device, "power_w"), start, end)


def _count(trace: Trace, start: float, end: float) -> dict[str, Any]:
    inside = [sample for sample in trace.samples if start <= sample["t"] <= end]
    expected = int((end - start) / trace.interval)  # so many there are, however the window lies to them
    share = min(1.0, len(inside) / expected) if expected else None
    return {"samples": len(inside), "completeness": round(share, 4) if share is not None else None}


def _values(trace: Trace, kind: str, device: str, name: str, start: float, end: float) -> list[float]:
    return [v for t, v in trace.series(kind, device, name) if v is not None and start <= t <= end]


def _peak(trace: Trace, kind: str, device: str, name: str, start: float, end: float) -> float | None:
    return max(_values(trace, kind, device, name, start, end), default=None)


def _mean(trace: Trace, kind: str, device: str, name: str, start: float, end: float) -> float | None:
    values = _values(trace, kind, device, name, start, end)
    return math.fsum(values) / len(values) if values else None


def _mean_of(values: list[float | None]) -> float | None:
    total = _sum(values)
    return total / len(values) if total is not None else None


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def _largest(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _peak_of_sum(series: list[list[tuple[float, float | None]]], start: float, end: float) -> float | None:
    """The highest power of all devices together, of samples that all of them are in."""
    rows = [row for row in zip(*series, strict=False) if start <= row[0][0] <= end]
    return _largest([_sum([value for _, value in row]) for row in rows]) if series else None


def _throttled(trace: Trace, devices: list[str], start: float, end: float) -> float | None:
    """The share of samples in which a device held back; idling (1) is no reason to."""
    values = [int(v) & ~1 for d in devices for v in _values(trace, "gpus", d, "throttle_reasons", start, end)]
    return sum(map(bool, values)) / len(values) if values else None
