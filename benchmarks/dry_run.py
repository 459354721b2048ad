"""CPU seconds of `snakemake -n` when nothing is stale: committed sidecars against stock Snakemake.

    python benchmarks/dry_run.py [--cells 333] [--repeats 5]

Builds a workflow of three artefacts a cell twice, once with each way of keeping provenance, and then
asks both in turn, so that what else the machine does falls on both. Floor: 10 % over stock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR = 0.10

SNAKEFILE = """
import os
from pathlib import Path

if "SIDECARS" in os.environ:
    from atlas.provenance import sidecar
    sidecar.install(["results/"], shared=[])

CELLS = [f"engine{n % 10}/{n}" for n in range(int(Path("cells").read_text()))]

rule all:
    input:
        "results/report.txt",

rule source:
    output:
        update("results/{cell}/source.json"),
    params:
        pin=lambda wildcards: f"pin of {wildcards.cell}",
        code=[f"engine/module_{n}.py@{n:08x}" for n in range(30)],
    wildcard_constraints:
        cell="engine[0-9]+/[0-9]+",
    shell:
        "printf '%5000d' 1 > {output}"

rule environment:
    input:
        "results/{cell}/source.json",
    output:
        update("results/{cell}/environment.json"),
    wildcard_constraints:
        cell="engine[0-9]+/[0-9]+",
    shell:
        "printf '%500d' 2 > {output}"

rule schema:
    input:
        "results/{cell}/source.json",
        "results/{cell}/environment.json",
    output:
        update("results/{cell}/schema.json"),
    params:
        code=[f"engine/module_{n}.py@{n:08x}" for n in range(40)],
    wildcard_constraints:
        cell="engine[0-9]+/[0-9]+",
    shell:
        "printf '%200000d' 3 > {output}"

rule report:
    input:
        expand("results/{cell}/schema.json", cell=CELLS),
    output:
        update("results/report.txt"),
    shell:
        "echo done > {output}"
"""


def run(folder: Path, *arguments: str) -> tuple[float, str]:
    """CPU seconds and output of Snakemake, jobs included."""
    env = {**os.environ, **({"SIDECARS": "1"} if folder.name == "sidecars" else {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(output)
    return usage.ru_utime + usage.ru_stime, output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=333)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, name) for name in ("stock", "sidecars")]
        for folder in folders:
            folder.mkdir()
            (folder / "Snakefile").write_text(SNAKEFILE)
            (folder / "cells").write_text(str(options.cells))
            start = time.monotonic()
            run(folder, "--cores", "2", "--quiet", "all")
            print(f"{folder.name}: built in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        seconds: dict[str, list[float]] = {folder.name: [] for folder in folders}
        for turn in range(options.repeats):
            for folder in folders if turn % 2 else reversed(folders):
                used, output = run(folder, "-n")
                assert "Nothing to be done" in output, output
                seconds[folder.name].append(used)
        sizes = [path.stat().st_size for path in Path(scratch, "sidecars", "results").rglob("*.prov.json")]
    pairs = zip(seconds["stock"], seconds["sidecars"], strict=True)
    overhead = statistics.median(ours / stock - 1 for stock, ours in pairs)
    print(f"snakemake -n, nothing stale, {3 * options.cells + 1} artefacts, {options.repeats} pairs")
    print(f"{'':12}{'median CPU s':>14}{'least':>8}{'most':>8}")
    for name, values in seconds.items():
        print(f"{name:12}{statistics.median(values):14.2f}{min(values):8.2f}{max(values):8.2f}")
    print(
        f"overhead {overhead:+.1%} (floor {FLOOR:+.0%}); median sidecar {statistics.median(sizes):.0f} bytes"
    )
    return 0 if overhead <= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
