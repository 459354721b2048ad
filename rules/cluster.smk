"""Jobs on a cluster: where they go, and what becomes of them. Does nothing without config/cluster.yaml.

INPUTS    config/cluster.yaml, which profiles/slurm names
OUTPUTS   measured/cluster/nodes.json, if asked for: the nodes as they are, of which later jobs avoid the bad ones;
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


localrules:
    preflight,


WATCH = None
if SITE:
    cluster.place(workflow, SITE, "measure", PERF.chosen)
    WATCH = cluster.prepare(workflow)


onerror:
    cluster.finish(workflow, WATCH)
