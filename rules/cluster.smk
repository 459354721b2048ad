"""Jobs on a cluster: where they go, and what becomes of them. Does nothing without config/cluster.yaml.

INPUTS    config/cluster.yaml, which profiles/slurm names
OUTPUTS   none; of measurements that the cluster ended, measured/{engine}/{version}/perf/{hardware}/{card}/{repeat}.failed.json
"""

from atlas.cluster import workflow as cluster

WATCH = None
if SITE:
    cluster.place(workflow, SITE, "measure", PERF.chosen)
    WATCH = cluster.prepare(workflow)


onerror:
    cluster.finish(workflow, WATCH)
