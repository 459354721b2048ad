"""Perf stage: runs of workload cards on this machine, one record each, and the tables made of all records.

INPUTS    results/{engine}/{version}/source.json, environment.json, or envs/{lock}.txt where an engine is
          measured in an environment of its own; config/workloads/*.yaml
OUTPUTS   measured/{engine}/{version}/perf/{hardware}/{card}/{repeat}.json (a record, of failures too; hardware in
          containers is such as cpu-x@docker),
          measured/perf.csv, perf.latest.csv, samples.parquet, telemetry.parquet, perf.overview.json, perf.html;
          of hardware that config/config.yaml names, results/{engine}/{version}/perf/…, results/perf.csv,
          perf.latest.csv and perf.overview.json

`snakemake perf` measures on the machine at hand, one run at a time, into measured/, which is not committed.
`--config cards=…` chooses cards, `--config confirm=1` makes as many runs again, that confirm what the first
ones have shown, and `--config retry=failed` runs again what has failed. The default target
copies what was measured on hardware that the project keeps; a record is a fact of the past, and never stale.
"""

from snakemake.logging import logger
from snakemake.settings.types import ExecMode

from atlas.cluster.settings import site_of
from atlas.perf.listing import not_here
from atlas.perf.overview import kept_failures
from atlas.perf.plan import PerfPlan

SITE = site_of(workflow)
KEPT = PerfPlan(Path(workflow.basedir)).kept()
KEPT_TABLES = [
    f"results/perf.{name}" for name in ("csv", "latest.csv", "overview.json") if KEPT
]
PERF = PerfPlan(
    Path(workflow.basedir),
    tuple(str(config.get("cards", "all")).split()),
    confirm=bool(config.get("confirm")),
    site=SITE,
)

if workflow.exec_mode == ExecMode.DEFAULT:
    for one in [*PERF.elsewhere(), *not_here(PERF)]:
        logger.info(f"not measured here: {one}")
    for one in PERF.beside():
        logger.info(f"measured here: {one}")
    for failed in PERF.failed():
        logger.warning(
            f"failed, and run again only with --config retry=failed: {failed}"
        )
    for failed in kept_failures(Path(workflow.basedir)):
        logger.warning(f"failed, and kept: {failed}")


wildcard_constraints:
    hardware="(cpu|gpu)-[a-z0-9-]+(@[a-z]+)?",
    card="[a-z0-9._-]+(:[a-z0-9_]+=[^/]+)?",
    repeat="[0-9]+",


rule perf:
    input:
        "measured/perf.csv",
        "measured/perf.html",


rule measure:
    input:
        PERF.needs,
    output:
        update("measured/{engine}/{version}/perf/{hardware}/{card}/{repeat}.json"),
    log:
        "logs/measure/{engine}/{version}/{hardware}/{card}/{repeat}.log",
    wildcard_constraints:
        hardware="|".join(PERF.places) or "none",
    # As many as there are: nothing runs beside what is measured.
    threads: 1024
    params:
        code=PLAN.code("atlas.perf.run", "config/schemas/perf.record.schema.json"),
        card=PERF.card_of,
        perf=PERF.spec_of,
        runtime=PERF.runtime_of,
    message:
        "Measuring {wildcards.card} on {wildcards.engine} {wildcards.version}, run {wildcards.repeat}"
    shell:
        "atlas perf run --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --card {wildcards.card:q} --repeat {wildcards.repeat:q} --hardware {wildcards.hardware:q}"
        " --output {output:q} --failing-is-a-result 2> >(tee {log:q} >&2)"


rule perf_csv:
    input:
        PERF.inputs(workflow, retry=config.get("retry")),
    output:
        csv=update("measured/perf.csv"),
        latest=update("measured/perf.latest.csv"),
        overview=update("measured/perf.overview.json"),
    log:
        "logs/perf_csv.log",
    params:
        code=PLAN.code("atlas.perf.aggregate"),
    message:
        "Gathering the records of all runs"
    shell:
        "atlas perf aggregate --output {output.csv:q} --latest {output.latest:q}"
        " --overview {output.overview:q} --samples measured --broken-is-a-result 2> >(tee {log:q} >&2)"


rule perf_page:
    input:
        "measured/perf.overview.json",
    output:
        update("measured/perf.html"),
    log:
        "logs/perf_page.log",
    params:
        code=PLAN.code("atlas.report.page", "scripts/atlas/report/page/*"),
    message:
        "Making the page of what was measured"
    shell:
        "atlas perf page --output {output:q} {input:q} 2> >(tee {log:q} >&2)"


rule keep:
    output:
        update("results/{engine}/{version}/perf/{hardware}/{card}/{repeat}.json"),
    log:
        "logs/keep/{engine}/{version}/{hardware}/{card}/{repeat}.log",
    message:
        "Keeping run {wildcards.repeat} of {wildcards.card} on {wildcards.engine} {wildcards.version}"
    shell:
        "atlas perf keep --output {output:q} 2> >(tee {log:q} >&2)"


rule kept_csv:
    input:
        KEPT,
    output:
        csv=update("results/perf.csv"),
        latest=update("results/perf.latest.csv"),
        overview=update("results/perf.overview.json"),
    log:
        "logs/kept_csv.log",
    params:
        *PLAN.code("atlas.perf.aggregate"),
    message:
        "Gathering the records that the project keeps"
    shell:
        "atlas perf aggregate --kept --output {output.csv:q} --latest {output.latest:q}"
        " --overview {output.overview:q} 2> >(tee {log:q} >&2)"
