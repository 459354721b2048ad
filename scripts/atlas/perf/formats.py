"""What other tools' result files look like, as data: which file it is, and what each of its numbers is.

An engine's own benchmarks are in `perf.formats` of its YAML, other tools in config/perf_formats.yaml.
A number is found by its path in the file (`prefill.latency.p50`); what the tool writes where it measured
nothing, and what is no finite number, has no value here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from atlas.perf.engine import perf_engines, yaml_of
from atlas.validation import check
from atlas.yamlfile import Document, load_yaml

FILE = "config/perf_formats.yaml"
Format = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One run of another tool. `failed` is the kind and reason of its failure."""

    results: tuple[dict[str, Any], ...]
    settings: Mapping[str, Any]
    failed: tuple[str, str] | None = None
    name: str = ""
    machine: str | None = None
    seconds: float | None = None
    requests: tuple[int, int] | None = None
    """How many succeeded and failed, where the file says that."""


def load_formats(root: Path) -> dict[str, Format]:
    """All formats by name; InputError with file and line for what is wrong with one."""
    document = load_yaml(root / FILE, FILE)
    check(document, "perf.formats")
    found: dict[str, Format] = dict(document.value["formats"])
    for engine in perf_engines(root):
        name = yaml_of(engine, root)
        document = load_yaml(root / name, name)
        places = {at[1:]: place for at, place in document.positions.items() if at[:1] == ("perf",)}
        formats = document.value["perf"].get("formats")
        if formats:
            check(Document(name, {"format_version": 1, "formats": formats}, places), "perf.formats")
            found |= formats
    return found


def fits(form: Format, content: Any) -> bool:
    """Whether a file's content, or the first of several, has all that tells the format."""
    one = content[0] if form.get("each") and isinstance(content, list) and content else content
    if not isinstance(one, dict):
        return False
    paths = flat(one)
    return all(path in paths for path in form["told_by"]) and not any(
        path in paths for path in form.get("not_told_by", ())
    )


def runs_of(form: Format, content: Any) -> list[Run]:
    """The runs in a file. ValueError where it is not as the format says."""
    if not form.get("each"):
        return [_run(form, content)]
    items = content if isinstance(content, list) else [content]
    return (
        _merged([_run(form, one) for one in items]) if form.get("merge") else [_run(form, o) for o in items]
    )


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """All values by their paths; a list of plain values is one value, and empty objects are none."""
    below: Iterator[tuple[str, Any]]
    if isinstance(value, dict) and value:
        below = ((str(key), one) for key, one in value.items())
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        below = ((str(number), one) for number, one in enumerate(value))
    else:
        return {path: value}
    found: dict[str, Any] = {path: value} if path else {}
    for key, one in below:
        found |= flat(one, f"{path}.{key}" if path else key)
    return found


def _run(form: Format, content: Any) -> Run:
    if not isinstance(content, dict):
        raise ValueError("not an object")
    paths = flat(content)
    count = _count(form, paths)
    results = [one for rule in form["values"] for one in _values(form, rule, paths, count)]
    failed = requests = None
    if "succeeded" in form:
        good, bad = _whole(paths, form["succeeded"]), _whole(paths, form["failed"], absent=0)
        requests = good, bad
        if not good:
            results = [{**one, "value": None, "reason": "all requests failed"} for one in results]
        if bad or not good:
            failed = ("engine_error", f"{bad or 'all'} of {good + bad or 'no'} requests failed")
    plain = (str, int, float, type(None))
    settings = {
        path: value
        for path, value in paths.items()
        if isinstance(value, plain) and any(re.fullmatch(one, path) for one in form.get("settings", ()))
    }
    seconds = paths.get(form.get("seconds", ""))
    name = paths.get(form.get("name", ""))
    return Run(
        tuple(results),
        settings,
        failed,
        name=name if isinstance(name, str) else "",
        seconds=seconds if _finite(seconds) else None,
        requests=requests,
    )


def _count(form: Format, paths: Mapping[str, Any]) -> int | None:
    """How many samples the numbers are of: a number in the file, or the length of a list."""
    if "count" in form:
        return _whole(paths, form["count"])
    if "count_of" in form:
        found = paths.get(form["count_of"])
        if not isinstance(found, list):
            raise ValueError(f"{form['count_of']} is no list")
        return len(found)
    return None


def _whole(paths: Mapping[str, Any], path: str, absent: int | None = None) -> int:
    found = paths.get(path, absent)
    if not _finite(found) or found != int(found) or found < 0:
        raise ValueError(f"{path} is no whole number")
    return int(found)


def _values(
    form: Format, rule: Mapping[str, Any], paths: Mapping[str, Any], count: int | None
) -> Iterator[dict[str, Any]]:
    for path, value in paths.items():
        found = re.fullmatch(rule["at"], path)
        if not found or isinstance(value, dict):
            continue
        metric = paths.get(rule["metric_at"]) if "metric_at" in rule else found.expand(rule["metric"])
        statistic = found.expand(rule.get("statistic", "value"))
        n = count
        if isinstance(value, list):
            numbers = [one for one in value if _finite(one)]
            n = len(value)
            statistic = "p50" if n > 1 else statistic
            value = median(numbers) if numbers and len(numbers) == n else None
        unit, scale, reason = _unit(form, rule, found, paths)
        known = _finite(value) and reason is None
        yield {
            "name": found.expand(rule.get("name", "")),
            "metric": str(metric) if metric else "performance",
            "value": value * scale if known else None,
            "unit": unit,
            "statistic": {"median": "p50"}.get(statistic, statistic),
            "n": n,
            "reason": None if known else reason or "no finite number",
        }


def _unit(
    form: Format, rule: Mapping[str, Any], found: re.Match[str], paths: Mapping[str, Any]
) -> tuple[str, float, str | None]:
    """The unit, what a number is multiplied by, and why neither is known."""
    if "unit_at" not in rule:
        return rule.get("unit", ""), rule.get("scale", 1), None
    word = paths.get(found.expand(rule["unit_at"]))
    known = form.get("units", {}).get(str(word))
    if known is None:
        return "", 1, f"its unit `{str(word)[:20]}` is not known"
    return known["unit"], known.get("scale", 1), None


def _merged(runs: list[Run]) -> list[Run]:
    """One run of those with the same settings that come one after the other and share no metric."""
    found: list[Run] = []
    for run in runs:
        if found and found[-1].settings == run.settings and not _metrics(found[-1]) & _metrics(run):
            before = found.pop()
            found.append(Run((*before.results, *run.results), run.settings, name=run.name))
        else:
            found.append(run)
    return found


def _metrics(run: Run) -> set[tuple[str, str, str]]:
    return {(one["name"], one["metric"], one["statistic"]) for one in run.results}


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
