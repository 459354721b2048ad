"""What a job by `snakemake --profile slurm` costs, against bare `sbatch --wait` of the same command.

usage: PYTHONPATH=tests/infra:tests/cluster python benchmarks/slurm.py [JOBS]

After `make slurm`; as root, with the packages that tests/infra/README.md names.

Measures a card of the toy engine on a SLURM of this machine, JOBS (4) at a time each way, and prints seconds
a job and the ratio. The bare way does what people do by hand: it starts no Snakemake on the node.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests/cluster"


def load():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("cluster_tests", TESTS / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    jobs = int((sys.argv[1:] or ["4"])[0])
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        sys.exit("the executor for SLURM is not installed: `make slurm` first")
    tests = load()
    base = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    try:
        world = tests.worlds.fresh_copy(base / "w", empty=True)
        world.engine("toy")
        with tests.cluster(base / "c") as slurm:
            here = tests.OnCluster(world, slurm, ROOT / ".venv/bin")
            done = here.snakemake()
            assert done.returncode == 0, done.said
            card = {"command": ["{python}", "-c", "print('performance: 1 tok/s')"], "repeats": jobs}
            here.cards({"quick": card})
            begin = time.monotonic()
            done = here.snakemake("perf")
            by_snakemake = time.monotonic() - begin
            assert done.returncode == 0, done.said
            run = "atlas perf run --engine toy --version 1.0 --card quick --failing-is-a-result"
            begin = time.monotonic()
            sbatch = ["sbatch", "--wait", "-o", "/dev/null", "--mem", "300", "--wrap"]
            options = {"cwd": here.root, "env": world.environ(), "stdout": subprocess.DEVNULL}
            numbers = range(1, jobs + 1)
            commands = [f"{run} --repeat {one} --output bare/{one}.json" for one in numbers]
            bare = [subprocess.Popen([*sbatch, command], **options) for command in commands]
            codes = [one.wait() for one in bare]
            by_sbatch = time.monotonic() - begin
            assert codes == [0] * jobs, codes
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{jobs} jobs: {by_snakemake / jobs:.1f} s each by Snakemake, {by_sbatch / jobs:.1f} s by sbatch")
    print(f"ratio {by_snakemake / by_sbatch:.1f}")


if __name__ == "__main__":
    main()
