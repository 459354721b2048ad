"""Jobs on a cluster: where they go, and what becomes of them. Does nothing without config/cluster.yaml.

INPUTS    config/cluster.yaml, which profiles/slurm names
OUTPUTS   if asked for: measured/cluster/nodes.json, the nodes as they are, of which later jobs avoid the bad ones,
          and measured/cluster/images.json, what images each node has;
          of measurements that the cluster ended, measured/{engine}/{version}/perf/{hardware}/{card}/{repeat}.failed.json
"""

from atlas.cluster import workflow as cluster
from atlas.cluster.settings import place_of


# Looks at them anew with `-f`; what it found holds for a day.
rule preflight:
    output:
        update("measured/cluster/nodes.json"),
    log:
        "logs/preflight.log",
    params:
        settings=place_of(workflow),
    message:
        "Looking at the nodes of the cluster"
    shell:
        "atlas cluster preflight --settings {params.settings:q} --output {output:q} --failing-is-a-result"
        " 2> >(tee {log:q} >&2)"


# A job of as many nodes as `rules: {distribute: {nodes: …}}` says; it builds, pushes and pulls there.
rule distribute:
    output:
        update("measured/cluster/images.json"),
    log:
        "logs/distribute.log",
    resources:
        mem_mb=4000,
    params:
        registry=f"--registry {SITE.registry}" if SITE and SITE.registry else "",
    message:
        "Having images where jobs need them"
    shell:
        "atlas cluster images {params.registry} --output {output:q} 2> >(tee {log:q} >&2)"


localrules:
    preflight,


WATCH = None
if SITE:
    cluster.place(workflow, SITE, "measure", PERF.chosen)
    WATCH = cluster.prepare(workflow)


onerror:
    cluster.finish(workflow, WATCH)
