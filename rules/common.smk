"""What every stage shares: the engines, their cells, and the names of artefacts.

Engines are read once, at load. A YAML that cannot be used makes the cells of that engine stale,
with the error as the reason, and hides no other engine.
"""

import functools
import json
from pathlib import Path

from atlas.canonical import digest
from atlas.engines import load_all
from atlas.provenance import sidecar
from atlas.provenance.codeprint import code
from atlas.provenance.lastgood import available, made_from
from atlas.source.localtree import tree_digest

sidecar.install(["results/"], shared=["docs/", "envs/"])

ENGINES, BROKEN = load_all(Path(workflow.basedir))
CELLS = {(e.name, version): e.cell(version) for e in ENGINES for version in e.versions}
BROKEN_CELLS = {(b.name, version): b.error for b in BROKEN for version in b.versions}


wildcard_constraints:
    engine="[a-z][a-z0-9_]*",
    version=r"[0-9A-Za-z.+!]+",


def artefact(cell, name):
    return f"results/{cell[0]}/{cell[1]}/{name}"


def source_record(cell):
    """The committed source.json of a cell; empty where there is none that can be read."""
    try:
        return dict(json.loads(Path(artefact(cell, "source.json")).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


@functools.cache
def local_tree(cell):
    """The digest of the local tree that a cell is read from; the one on record where it isn't here."""
    trees = [source.path for source in CELLS[cell].sources if source.kind == "path"]
    origin = source_record(cell).get("origin") or {}
    if not trees or origin.get("kind") in ("wheel", "sdist"):
        return "none"
    found = [
        tree_digest(tree, CELLS[cell].root, CELLS[cell].packages) for tree in trees
    ]
    return next(filter(None, found), origin.get("digest", "none"))


def known_unavailable(cell):
    """Whether the committed source.json says that there is no source, for the pin as it is now."""
    record = source_record(cell)
    return (
        record.get("status") == "unavailable"
        and record.get("spec_digest") == digest(CELLS[cell].source_spec())
        and local_tree(cell) == "none"
    )


def published(cell):
    """A cell whose source is not known to be unavailable has a schema."""
    return cell in BROKEN_CELLS or not known_unavailable(cell)


def has_environment(cell):
    return cell in CELLS and CELLS[cell].venv is not None


def spec(stage, part):
    """A params function: the digest of one part of the engine's YAML, as far as `stage` uses it."""

    def of_cell(wildcards):
        cell = (wildcards.engine, wildcards.version)
        if cell in BROKEN_CELLS:
            return f"not valid: {BROKEN_CELLS[cell]}"
        return CELLS[cell].params(stage)[part]

    return of_cell


def artefacts(name, condition=None):
    """The artefact `name` of every cell (for which `condition` holds)."""
    cells = sorted(set(CELLS) | set(BROKEN_CELLS))
    return [
        artefact(cell, name) for cell in cells if condition is None or condition(cell)
    ]


def stage_code(entry, *data):
    """Digests of the code that a stage runs: the entry module and all that it imports."""
    return code(entry, data, base=Path(workflow.basedir))


def tree_of_cell(wildcards):
    cell = (wildcards.engine, wildcards.version)
    return local_tree(cell) if cell in CELLS else "none"


def lock_of_cell(wildcards):
    cell = (wildcards.engine, wildcards.version)
    return CELLS[cell].venv.requirements if has_environment(cell) else []


def lock_dependencies(wildcards):
    return LOCKS[wildcards.lock]


def environment_of_cell(wildcards):
    cell = (wildcards.engine, wildcards.version)
    return artefact(cell, "environment.json") if has_environment(cell) else []


def environment_option(wildcards, input):
    """`schema` is asked about an environment only where there is one."""
    return f"--environment {input.environment}" if input.environment else ""


LOCKS = {
    Path(cell.venv.requirements).stem: [
        *cell.venv.dependencies,
        *(f"not {x}" for x in cell.venv.exclude),
    ]
    for cell in CELLS.values()
    if cell.venv
}
SCHEMAS = artefacts("schema.discovered.json", published)
CELL_ARTEFACTS = [
    *artefacts("source.json"),
    *artefacts("environment.json", has_environment),
    *SCHEMAS,
]
REPORTS = ["docs/coverage.md", "results/report/index.html"]


def provenance_guard(wildcards):
    """No inputs; fails if the committed provenance is not in use."""
    return sidecar.require(workflow)
