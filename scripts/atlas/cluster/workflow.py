"""A cluster's settings, made true in a workflow: the one module here that knows Snakemake's inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snakemake.logging import logger
from snakemake.resources import Resources

from atlas.cluster.placement import (
    check_cards,
    local_rules,
    of_card,
    per_job,
    requested,
)
from atlas.cluster.settings import Site, check_rules
from atlas.cluster.steps import step_shell
from atlas.cluster.watch import Watch, leave_none, record_failures, wait_gone
from atlas.errors import AtlasError
from atlas.perf.cards import Card, load_cards
from atlas.progress import say

SHIMS = "scripts/slurm"
LOCAL = "preflight"
"""The rule that itself asks for nodes."""


def place(workflow: Any, site: Site, measuring: str, cards: Callable[[], list[Card]]) -> None:
    """Give every rule the resources that its jobs ask SLURM for; InputError where they cannot be right.

    `measuring` is the rule whose jobs run `cards`, each by what it needs.
    """
    rules = {rule.name: rule for rule in workflow.rules if not rule.norun}
    try:
        chosen, known = cards(), {card.name: card for card in load_cards(Path(workflow.basedir))}
    except AtlasError:  # who asks for a measurement is told
        chosen, known = [], {}
    if workflow.is_main_process:
        check_rules(site, rules)
        check_cards(site, measuring, chosen)
    gone = Card("", "", (), "")

    def card_of(wildcards: Any) -> Card:
        """There are records of cards that are no more."""
        return known.get(wildcards.card, gone)

    own = {name: _plain(rule.resources) for name, rule in rules.items()}
    small = local_rules(site, [(name, one) for name, one in own.items() if name != measuring])
    workflow.localrules(*small)
    overwritten = workflow.resource_settings._parsed_overwrite_resources
    wanted: dict[str, Any]
    for name, rule in rules.items():
        if name == measuring:
            keys = of_card(site, name, gone)
            wanted = {key: per_job(site, name, card_of, key) for key in keys}
            if own_allocation(workflow):
                wanted["shell_exec"] = lambda wildcards, rule=name: step_shell(
                    Path(workflow.basedir), of_card(site, rule, card_of(wildcards))
                )
        else:
            gpus = int(own[name].get("gpu", 0))
            wanted = requested(site.jobs(name, gpu=bool(gpus)), gpus, own[name])
            if own_allocation(workflow) and name not in (*small, LOCAL):
                wanted["shell_exec"] = step_shell(Path(workflow.basedir), wanted)
            wanted = {key: one for key, one in wanted.items() if one is not None or key in own[name]}
        rule.resources.update(Resources.from_mapping(wanted))
        rule.resources.update(overwritten.get(name, {}))


def own_allocation(workflow: Any) -> bool:
    """Whether jobs are to run on the nodes of the allocation that this process is in.

    Which executor it is, Snakemake does not say yet; only those that submit have a limit of jobs.
    """
    submits = workflow.resource_settings.nodes is not None
    return workflow.is_main_process and not submits and os.environ.get("SLURM_JOB_ID", "").isdigit()


def _plain(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The resources of a rule that are known before its jobs are; what is computed of a job is left out."""
    found = {name: one for name, one in resources.items() if not one.is_evaluable()}
    return {name: one.value for name, one in found.items() if one.value is not None}


def prepare(workflow: Any) -> Watch | None:
    """Put our programs before SLURM's, and listen to what becomes of jobs; in the main process alone."""
    if not workflow.is_main_process:
        return None
    shims = str(Path(workflow.basedir, SHIMS))
    parts = os.environ.get("PATH", "").split(os.pathsep)
    if shims not in parts:
        os.environ["PATH"] = os.pathsep.join([shims, *parts])
    if "SLURM_CONF" in os.environ:
        os.environ["ATLAS_SLURM_CONF"] = os.environ["SLURM_CONF"]
    watch = Watch()
    logger.addHandler(watch)
    return watch


def finish(workflow: Any, watch: Watch | None) -> None:
    """After a run that has failed or was ended: records of what the cluster ended, and no job left."""
    if watch is None:
        return
    left = leave_none(watch.run)
    if left:
        say(f"cancelled what was still in the queue: {' '.join(left)}")
    if watch.run and watch.running:
        wait_gone(watch.run)
    root = Path(workflow.basedir)
    for path in record_failures(root, watch.interrupted()):
        say(f"recorded a failure: {path.relative_to(root)}")
