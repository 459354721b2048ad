"""Environment stage: what the live lane runs in, and whether it is healthy.

INPUTS    results/{engine}/{version}/source.json (the engine's own files are laid over), envs/{lock}.txt
OUTPUTS   envs/{lock}.txt (made anew only when an engine's `dependencies` change),
          envs/{lock}.size.json (what that takes; made anew only when the lock changes),
          results/{engine}/{version}/environment.json
"""

from atlas.cluster.settings import site_of

# What needs a GPU and cannot be run where jobs run stays as it was, with the reason.
sidecar.skip(PLAN.unfit(), elsewhere=site_of(workflow) is not None)


rule lock:
    output:
        update("envs/{lock}.txt"),
    log:
        "logs/lock/{lock}.log",
    resources:
        net=1,
    params:
        dependencies=PLAN.dependencies_of,
    message:
        "Locking the dependencies in envs/{wildcards.lock}.txt"
    shell:
        "atlas lock {wildcards.lock:q} 2> >(tee {log:q} >&2)"


# Without its code: a lock's packages take what they take.
rule sizes:
    input:
        "envs/{lock}.txt",
    output:
        update("envs/{lock}.size.json"),
    log:
        "logs/sizes/{lock}.log",
    wildcard_constraints:
        lock="|".join(PLAN.sized) or "none",
    retries: 1
    resources:
        net=1,
    params:
        made_for=PLAN.made_for,
    message:
        "Adding up what the packages in envs/{wildcards.lock}.txt take"
    shell:
        "atlas sizes {wildcards.lock:q} --output {output:q} 2> >(tee {log:q} >&2)"


rule environment:
    input:
        source="results/{engine}/{version}/source.json",
        lock=PLAN.lock_of,
        image=PLAN.image_of,
    output:
        update("results/{engine}/{version}/environment.json"),
    log:
        "logs/environment/{engine}/{version}.log",
    container:
        PLAN.container
    resources:
        gpu=PLAN.gpus,
        net=1,
        mem_mb=4000,
    params:
        *PLAN.code("atlas.environment.command"),
        pin=PLAN.spec("environment", "pin"),
        venv=PLAN.spec("environment", "venv"),
        landmarks=PLAN.spec("environment", "landmarks"),
        image=PLAN.image,
    message:
        "Building the environment of {wildcards.engine} {wildcards.version}"
    shell:
        "atlas environment --engine {wildcards.engine:q} --version {wildcards.version:q}"
        " --source {input.source:q} --output {output:q} 2> >(tee {log:q} >&2)"
