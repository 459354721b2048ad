"""Report stage: what people look at, made from the committed artefacts alone.

INPUTS    results/*/*/source.json, environment.json, schema.discovered.json
OUTPUTS   results/report/index.html, docs/coverage.md
"""


rule coverage:
    input:
        available(SCHEMAS),
    output:
        update("docs/coverage.md"),
    log:
        "logs/coverage.log",
    params:
        *stage_code("atlas.schema.coverage"),
        floors=digest(config["coverage_floors"]),
        made_from=made_from(),
    message:
        "Comparing the lanes of all cells"
    shell:
        "atlas coverage --output {output:q} {input:q} 2> >(tee {log:q} >&2)"


rule report:
    input:
        available(CELL_ARTEFACTS),
    output:
        update("results/report/index.html"),
    log:
        "logs/report.log",
    params:
        *stage_code("atlas.report.command", "scripts/atlas/report/page/*"),
        made_from=made_from(),
        cells=[f"{engine} {version}" for engine, version in sorted(CELLS)],
        current=[f"{engine.name} {engine.current_version}" for engine in ENGINES],
        source_urls=digest([CELLS[cell].source_url for cell in sorted(CELLS)]),
    message:
        "Making the report"
    shell:
        "atlas report --output {output:q} 2> >(tee {log:q} >&2)"
