rule source:
    output:
        update("results/{engine}/{version}/source.json"),
    log:
        "logs/source/{engine}/{version}.log",
    params:
        *code("toy.source"),
        part=parts("pins"),
    shell:
        "python -m toy.source {wildcards.engine} {wildcards.version} {output} 2> {log}"


rule schema:
    input:
        "results/{engine}/{version}/source.json",
    output:
        schema=update("results/{engine}/{version}/schema.json"),
        names=update("results/{engine}/{version}/names.txt"),
    log:
        "logs/schema/{engine}/{version}.log",
    params:
        *code("toy.schema"),
        part=parts("surfaces"),
    shell:
        "python -m toy.schema {wildcards.engine} {input} {output.schema} {output.names} 2> {log}"


rule corpus:
    input:
        schema="results/{engine}/{version}/schema.json",
        rules="config/rules.txt",
    output:
        update("results/{engine}/{version}/corpus.json"),
    log:
        "logs/corpus/{engine}/{version}.log",
    params:
        *code("toy.corpus"),
    shell:
        "python -m toy.corpus {input.schema} {input.rules} {output} 2> {log}"


rule bench:
    input:
        "results/{engine}/{version}/corpus.json",
    output:
        update("results/{engine}/{version}/perf.csv"),
    log:
        "logs/bench/{engine}/{version}.log",
    params:
        *code("toy.bench"),
        repeats=CONFIG["repeats"],
        warmup=CONFIG["warmup"],
    container:
        "docker://example.org/bench@sha256:aaaa"
    shell:
        "python -m toy.bench {input} {params.repeats} {params.warmup} {output} 2> {log}"


rule report:
    input:
        every("perf.csv"),
    output:
        update("results/report.md"),
    log:
        "logs/report.log",
    params:
        *code("toy.report", data=["config/template.md"]),
    shell:
        "python -m toy.report {output} config/template.md {input} 2> {log}"


rule coverage:
    input:
        every("schema.json"),
    output:
        update("docs/coverage.md"),
    log:
        "logs/coverage.log",
    params:
        *code("toy.coverage"),
    shell:
        "python -m toy.coverage {output} {input} 2> {log}"
