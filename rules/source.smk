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
        *stage_code("atlas.source.command"),
        pin=spec("source", "pin"),
        packages=spec("source", "packages"),
        sources=spec("source", "sources"),
        local_tree=tree_of_cell,
    message:
        "Fetching the sources of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas source --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --output {output:q} 2> >(tee {log:q} >&2)"
