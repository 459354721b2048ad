"""Invariants stage: what an engine rejects, warns about or changes; mined, proven on the engine, or held back.

INPUTS    results/{engine}/{version}/source.json, environment.json, schema.discovered.json
OUTPUTS   results/{engine}/{version}/invariants.yaml, invariants.quarantine.yaml, invariants.coverage.json
"""


rule invariants:
    input:
        source="results/{engine}/{version}/source.json",
        environment=PLAN.environment_of,
        schema="results/{engine}/{version}/schema.discovered.json",
    output:
        rules=update("results/{engine}/{version}/invariants.yaml"),
        quarantine=update("results/{engine}/{version}/invariants.quarantine.yaml"),
        coverage=update("results/{engine}/{version}/invariants.coverage.json"),
    log:
        "logs/invariants/{engine}/{version}.log",
    container:
        PLAN.container
    threads: 1
    resources:
        gpu=PLAN.gpus,
        mem_mb=6000,
    params:
        *PLAN.code("atlas.invariants.command", "config/schemas/invariants*.schema.json"),
        packages=PLAN.spec("invariants", "packages"),
        fixtures=PLAN.spec("invariants", "fixtures"),
        invariants=PLAN.spec("invariants", "invariants"),
        environment=environment_option,
    message:
        "Proving the invariants of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas invariants build --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --source {input.source:q} {params.environment} --schema {input.schema:q}"
        " --workers {threads} --output {output.rules:q} --quarantine {output.quarantine:q}"
        " --coverage {output.coverage:q} 2> >(tee {log:q} >&2)"
