"""Engine Atlas: pinned engine versions in, verified knowledge out; only what is stale is rebuilt."""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


# Used by runs with `--sdm apptainer` only; made by `make container`. Live rules name their engine's image instead
# where engines are run in containers.
container: "containers/engine-atlas.sif"


include: "rules/common.smk"
include: "rules/source.smk"
include: "rules/images.smk"
include: "rules/environment.smk"
include: "rules/schema.smk"
include: "rules/invariants.smk"
include: "rules/knowledge.smk"
include: "rules/history.smk"
include: "rules/perf.smk"
include: "rules/report.smk"
include: "rules/cluster.smk"


rule all:
    default_target: True
    input:
        PLAN.cell_artefacts,
        PLAN.knowledge,
        PLAN.history,
        PERF.locks(),
        PLAN.sizes,
        KEPT + KEPT_TABLES,
        REPORTS,
        provenance_guard,
