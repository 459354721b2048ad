"""What would make the verdict wrong is refused, with a word on what to do."""

from __future__ import annotations

import pytest
from snakemake.exceptions import WorkflowError

from atlas.provenance import sidecar


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-c1", "--keep-incomplete"], "--keep-incomplete would leave partial artefacts"),
        (["-c1", "--drop-metadata"], "--drop-metadata would leave new artefacts without a sidecar"),
        (
            ["-n", "--rerun-triggers", "mtime"],
            "--rerun-triggers leaves out code, input, params, software-env",
        ),
        (["-n", "--persistence-backend", "db"], "needs --persistence-backend file"),
    ],
)
def test_options_that_hide_what_is_stale_are_refused(world, arguments, words):
    status, output = world.snakemake(*arguments)
    assert status == 1 and words in output
    assert world.changed() == set()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'update("results/{engine}/{version}/perf.csv")',
            '"results/{engine}/{version}/perf.csv"',
            "as update(",
        ),
        (
            'update("results/{engine}/{version}/perf.csv")',
            'directory("results/{engine}/{version}/p")',
            "directory",
        ),
        ('shell:\n        "python -m toy.report', 'script:\n        "x.py" #', "use shell:"),
        (
            'container:\n        "docker://example.org/bench@sha256:aaaa"',
            'conda:\n        "x.yaml"',
            "use container:",
        ),
        ('warmup=CONFIG["warmup"]', "warmup=object()", "parameter warmup is a object"),
        ('warmup=CONFIG["warmup"]', 'warmup=str(Path.cwd() / "x")', "the path of this checkout"),
    ],
    ids=["without update", "directory", "script", "conda", "object", "absolute path"],
)
def test_rules_that_cannot_be_judged_are_refused(world, old, new, words):
    world.replace("rules/stages.smk", old, new)
    status, output = world.snakemake("-n")
    assert status == 1 and words in output, output


def test_a_folder_as_input_fails_the_job_and_is_named(world):
    world.replace("rules/stages.smk", '"config/rules.txt"', '"config"')
    world.replace("rules/stages.smk", "{input.rules}", "{input.rules}/rules.txt")
    status, output = world.snakemake("-c2", "results/vllm/0.9.1/corpus.json")
    assert status == 1 and "only files can be inputs, and not config" in output
    assert world.changed() == {"rules/stages.smk"}


def test_without_the_hook_the_default_target_fails_instead_of_calling_all_fresh(world):
    world.replace("rules/common.smk", "sidecar.install(", "dict(")
    status, output = world.snakemake("-n")
    assert status == 1 and "does not use the committed provenance" in output


@pytest.mark.parametrize("name", ["RECORD_FORMAT_VERSION", "names"])
def test_another_snakemake_is_refused_at_load(monkeypatch, name):
    if name == "names":
        monkeypatch.setattr(sidecar.snakemake.workflow.Workflow, "_prepare_dag", lambda self: None)
    else:
        monkeypatch.setattr(sidecar, name, 7)
    with pytest.raises(WorkflowError, match="written for Snakemake 9"):
        sidecar.install()
