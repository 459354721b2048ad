"""History stage: every tracked version's parameters from its sources, and what became of each.

INPUTS    results/{engine}/{version}/source.json of versions that are kept in full; of others, their pins alone
OUTPUTS   results/{engine}/{version}/history.facts.json, results/{engine}/history.json
"""


rule history_facts:
    input:
        source=PLAN.source_of,
    output:
        update("results/{engine}/{version}/history.facts.json"),
    log:
        "logs/history/{engine}/{version}.log",
    retries: 1
    resources:
        net=1,
        mem_mb=2000,
    params:
        *PLAN.code("atlas.history.command", "config/schemas/history.facts.schema.json"),
        pin=PLAN.history_spec("source", "pin"),
        packages=PLAN.history_spec("source", "packages"),
        sources=PLAN.history_spec("source", "sources"),
        surfaces=PLAN.history_spec("schema", "surfaces"),
        cli=PLAN.history_spec("schema", "cli"),
        source=source_option,
    message:
        "Reading the sources of {wildcards.engine} {wildcards.version} for its history"
    shell:
        "atlas history facts --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " {params.source} --output {output:q} 2> >(tee {log:q} >&2)"


rule history:
    input:
        PLAN.facts_of,
    output:
        update("results/{engine}/history.json"),
    log:
        "logs/history/{engine}.log",
    params:
        *PLAN.code("atlas.history.join", "config/schemas/history.schema.json"),
        serve=PLAN.serves_of,
        made_from=made_from(),
    message:
        "Joining the history of {wildcards.engine}"
    shell:
        "atlas history join --engine {wildcards.engine:q} --output {output:q} {input:q}"
        " 2> >(tee {log:q} >&2)"
