"""What every stage shares: the plan of all cells (scripts/atlas/workflow.py), and provenance."""

import sys
from pathlib import Path

from atlas.canonical import digest
from atlas.provenance import sidecar
from atlas.provenance.lastgood import available, made_from
from atlas.workflow import Plan, environment_option, source_option

sidecar.install(["results/"], shared=["docs/", "envs/"])

# The commands of this environment, also where it is not activated; the project's container has its own, and
# those of engines are helped out.
shell.prefix(
    f'if [[ -v APPTAINER_CONTAINER ]]; then PATH="$PATH:{workflow.basedir}/containers/bin"; '
    f'else PATH="{Path(sys.executable).parent}:$PATH"; fi; '
)

PLAN = Plan.load(Path(workflow.basedir))
REPORTS = ["docs/coverage.md", "results/report/index.html"]


wildcard_constraints:
    engine="[a-z][a-z0-9_]*",
    version=r"[0-9A-Za-z.+!]+",
    lock="|".join(PLAN.locks) or "none",


def provenance_guard(wildcards):
    """No inputs; fails if the committed provenance is not in use."""
    return sidecar.require(workflow)
