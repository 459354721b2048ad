"""Source stage: from a pin to the engine's Python sources, without installing the engine.

INPUTS    none but the pin; the package index, a wheel folder or a local tree
OUTPUTS   results/{engine}/{version}/source.json
"""


rule source:
    output:
        update("results/{engine}/{version}/source.json"),
    log:
        "logs/source/{engine}/{version}.log",
    retries: 1
    resources:
        net=1,
    params:
        *PLAN.code("atlas.source.command"),
        pin=PLAN.spec("source", "pin"),
        packages=PLAN.spec("source", "packages"),
        sources=PLAN.spec("source", "sources"),
        local_tree=PLAN.tree_of,
    message:
        "Fetching the sources of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas source --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --output {output:q} 2> >(tee {log:q} >&2)"
