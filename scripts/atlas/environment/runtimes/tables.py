"""`atlas environments` and `atlas doctor`, printed: as tables, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from atlas.engines.load import load_cell
from atlas.environment.runtimes.commands import moved
from atlas.environment.runtimes.disk import text
from atlas.environment.runtimes.doctor import examine_host
from atlas.environment.runtimes.hosts import Needs, gpus_here, needs, runtimes_here, takes
from atlas.environment.runtimes.verdict import PASS, judge
from atlas.errors import InputError

FORMAT_VERSION = 1


def print_environments(
    root: Path, engine: str | None, version: str | None, *, offline: bool, probe: bool, as_json: bool
) -> int:
    """Returns 1 where a tag stands for something else than is locked, or a verdict is not `pass`."""
    wanted = [one for one in needs(root) if engine in (None, one.engine) and version in (None, one.version)]
    if not wanted:
        raise InputError(
            "no version in full is called so", hint="see `atlas ls engines` and `atlas ls versions`"
        )
    found: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "runtimes": [asdict(one) for one in runtimes_here()],
        "gpus": [asdict(one) for one in gpus_here()],
        "engines": [asdict(one) for one in wanted],
        "moved": None if offline else [asdict(one) for one in moved(root)],
        "verdicts": [asdict(one) for one in _verdicts(root, wanted)] if probe else None,
    }
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        _print(found, wanted)
    changed = any(one["now"] for one in found["moved"] or ())
    return int(changed or any(one["verdict"] != PASS for one in found["verdicts"] or ()))


def _verdicts(root: Path, wanted: Iterable[Needs]) -> Iterable[Any]:
    for one in wanted:
        if one.runtime != "none":
            source = root / "results" / one.engine / one.version / "source.json"
            yield judge(load_cell(root, one.engine, one.version), source)


def _print(found: dict[str, Any], wanted: Iterable[Needs]) -> None:
    console = Console(highlight=False)
    runtimes = _table("runtime", "", "images in", "free", "GPUs of")
    for one in found["runtimes"]:
        state = (one["version"] or "works") if one["reason"] is None else one["reason"].partition("\n")[0]
        runtimes.add_row(one["name"], state, one["images"], text(one["free_bytes"]), ", ".join(one["gpus"]))
    console.print(runtimes)
    for one in found["gpus"]:
        console.print(f"GPUs: {len(one['devices'])} of {one['vendor']}, {one['driver'] or 'no driver told'}")
    engines = _table("engine", "version", "in", "image or lock", "here", "GPU", "")
    for need in wanted:
        image = f"{need.image} {(need.digest or '')[:19]}" if need.image else ""
        here = ", ".join(filter(None, ["yes" if need.present else "no", takes(need)]))
        reason = (need.reason or "").partition("\n")[0]
        engines.add_row(need.engine, need.version, need.runtime, image, here, need.gpu, reason)
    console.print(engines)
    for one in found["moved"] or ():
        now = f"stands for {one['now'][:19]}… now" if one["now"] else f"cannot be looked up: {one['reason']}"
        console.print(f"{one['name']}: locked as {one['locked'][:19]}…, {now}")
    for one in found["verdicts"] or ():
        told = one["reason"] or "; ".join(f"{name}: {said}" for name, said in one["misses"].items())
        console.print(f"{one['engine']} {one['version']}: {one['verdict']}" + (f": {told}" if told else ""))


def print_findings(root: Path, *, as_json: bool) -> int:
    """Returns 1 where something is missing."""
    findings = examine_host(root)
    if as_json:
        print(
            json.dumps(
                {"format_version": FORMAT_VERSION, "findings": [asdict(one) for one in findings]}, indent=1
            )
        )
    else:
        console = Console(highlight=False)
        for one in findings:
            console.print(f"{one.level:8}{one.subject}: {one.what}", markup=False, soft_wrap=True)
            if one.remedy and one.level != "ok":
                console.print(f"        → {one.remedy}", markup=False, soft_wrap=True)
    return int(any(one.level == "missing" for one in findings))


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table
