"""Schema stage: every parameter of an engine, read in two lanes, compared and merged.

INPUTS    results/{engine}/{version}/source.json, environment.json (where the engine can be run)
OUTPUTS   results/{engine}/{version}/schema.discovered.json, config.schema.json
"""


rule schema:
    input:
        source="results/{engine}/{version}/source.json",
        environment=PLAN.environment_of,
    output:
        schema=update("results/{engine}/{version}/schema.discovered.json"),
        config_schema=update("results/{engine}/{version}/config.schema.json"),
    log:
        "logs/schema/{engine}/{version}.log",
    container:
        PLAN.container
    resources:
        gpu=PLAN.gpus,
        mem_mb=4000,
    params:
        *PLAN.code(
            "atlas.schema.command", "config/schemas/schema.discovered.schema.json"
        ),
        packages=PLAN.spec("schema", "packages"),
        surfaces=PLAN.spec("schema", "surfaces"),
        cli=PLAN.spec("schema", "cli"),
        fixtures=PLAN.spec("schema", "fixtures"),
        resolve=PLAN.spec("schema", "resolve"),
        environment=environment_option,
    message:
        "Reading the parameters of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas schema --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --source {input.source:q} {params.environment}"
        " --output {output.schema:q} --config-schema {output.config_schema:q}"
        " 2> >(tee {log:q} >&2)"
