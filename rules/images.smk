"""Images stage: the project's own images, where engines are run in containers (`runtime` in config/config.yaml).

INPUTS    containers/Dockerfile.*, envs/{lock}.txt, envs/images.json
OUTPUTS   results/{engine}/{version}/image.json; the image itself is in the cache, by the same digest
"""


rule image:
    input:
        PLAN.image_inputs,
    output:
        update("results/{engine}/{version}/image.json"),
    log:
        "logs/image/{engine}/{version}.log",
    resources:
        net=1,
        mem_mb=4000,
    params:
        image=PLAN.image,
    message:
        "Building the image of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas images build --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --output {output:q} 2> >(tee {log:q} >&2)"
