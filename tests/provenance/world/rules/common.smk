import json
import shlex
from functools import partial
from pathlib import Path

import yaml

from atlas.canonical import digest
from atlas.provenance import sidecar
from atlas.provenance.codeprint import code as _code
from atlas.provenance.lastgood import available

sidecar.install(roots=("results/",), shared=("docs/",))
code = partial(_code, base=Path(workflow.basedir))
shell.prefix(f"export PYTHONPATH={shlex.quote(str(Path(workflow.basedir, 'scripts')))}; ")

CONFIG = json.loads(Path(workflow.basedir, "config/config.json").read_text())
ENGINES = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted(Path(workflow.basedir, "engine_versions").glob("*.yaml"))
}
VERSIONS = [(engine, version) for engine, spec in ENGINES.items() for version in spec["library"]["versions"]]
STAGES = ("source.json", "schema.json", "corpus.json", "perf.csv")
CELLS = [f"results/{engine}/{version}/{name}" for engine, version in VERSIONS for name in STAGES]


wildcard_constraints:
    engine="[a-z]+",
    version="[0-9.]+",


def parts(*names):
    """Digests of the parts of an engine's file that a stage uses."""

    def digests(wildcards):
        spec = ENGINES[wildcards.engine]
        return {name: digest(spec[name][wildcards.version])[7:23] for name in names}

    return digests


def every(name):
    def paths(wildcards):
        return available(f"results/{engine}/{version}/{name}" for engine, version in VERSIONS)

    return paths


def provenance_in_use(wildcards):
    return sidecar.require(workflow)
