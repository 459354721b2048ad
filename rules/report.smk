"""Report stage: what people look at, made from the committed artefacts alone.

INPUTS    results/*/*/source.json, environment.json, schema.discovered.json, invariants.*,
          results/perf.overview.json where there is one
OUTPUTS   results/report/index.html, docs/coverage.md
"""


rule coverage:
    input:
        available(PLAN.schemas),
    output:
        update("docs/coverage.md"),
    log:
        "logs/coverage.log",
    params:
        *PLAN.code("atlas.schema.coverage"),
        floors=digest(config["coverage_floors"]),
        made_from=made_from(),
    message:
        "Comparing the lanes of all cells"
    shell:
        "atlas coverage --output {output:q} {input:q} 2> >(tee {log:q} >&2)"


rule report:
    input:
        available(PLAN.cell_artefacts + KEPT_TABLES[-1:]),
    output:
        update("results/report/index.html"),
    log:
        "logs/report.log",
    params:
        *PLAN.code("atlas.report.command", "scripts/atlas/report/page/*"),
        made_from=made_from(),
        cells=[f"{engine} {version}" for engine, version in sorted(PLAN.cells)],
        current=[f"{one.name} {one.current_version}" for one in PLAN.engines],
        source_urls=digest([cell.source_url for _, cell in sorted(PLAN.cells.items())]),
    message:
        "Making the report"
    shell:
        "atlas report --output {output:q} 2> >(tee {log:q} >&2)"
