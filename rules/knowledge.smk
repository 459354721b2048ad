"""Knowledge stage: what the command line needs of a version, in a form that is read in milliseconds.

INPUTS    results/{engine}/{version}/schema.discovered.json, config.schema.json, invariants.yaml
OUTPUTS   results/{engine}/{version}/knowledge.json, cli.schema.json (where the command line takes a file of flags)
"""


rule knowledge:
    input:
        schema="results/{engine}/{version}/schema.discovered.json",
        config_schema="results/{engine}/{version}/config.schema.json",
        invariants="results/{engine}/{version}/invariants.yaml",
    output:
        update("results/{engine}/{version}/knowledge.json"),
    log:
        "logs/knowledge/{engine}/{version}.log",
    params:
        *PLAN.code("atlas.knowledge.build", "config/schemas/knowledge.schema.json"),
        surfaces=PLAN.spec("schema", "surfaces"),
        invariants=PLAN.spec("invariants", "invariants"),
        serve=PLAN.serve_of,
    message:
        "Gathering what is known of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas knowledge --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --schema {input.schema:q} --config-schema {input.config_schema:q}"
        " --invariants {input.invariants:q} --output {output:q} 2> >(tee {log:q} >&2)"


rule cli_schema:
    input:
        schema="results/{engine}/{version}/schema.discovered.json",
        config_schema="results/{engine}/{version}/config.schema.json",
    output:
        update("results/{engine}/{version}/cli.schema.json"),
    log:
        "logs/cli_schema/{engine}/{version}.log",
    params:
        *PLAN.code("atlas.knowledge.cli_schema"),
        serve=PLAN.serve_of,
    message:
        "Writing the schema of flags of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas cli-schema --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --schema {input.schema:q} --config-schema {input.config_schema:q}"
        " --output {output:q} 2> >(tee {log:q} >&2)"
