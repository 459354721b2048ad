"""The miner: a target is constructed and taken through its steps symbolically."""

from __future__ import annotations

import ast
from dataclasses import replace

from atlas.invariants.guards import guards
from atlas.invariants.model import NO_MEMBERS, Candidate, Members, Mined, Step, Target
from atlas.invariants.predicate import Const
from atlas.invariants.static import dormant, instances, issues, results, trees
from atlas.invariants.static.accounts import Accounts
from atlas.invariants.static.candidates import Read, of_event, unique
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.frames import Budget, Event
from atlas.invariants.static.functions import REST
from atlas.invariants.static.machine import Machine
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.state import State
from atlas.invariants.static.values import Function, Ref, UserKeywords, Value
from atlas.schema.static.modules import Scope
from atlas.schema.static.reader import Reader


def mine(
    target: Target,
    reader: Reader,
    budget: Budget | None = None,
    members: Members = NO_MEMBERS,
) -> Mined:
    """Candidates of all that construction and the steps of a target run, and what became of each site.

    `members` is what the engine said of the modules that a user may name a member of (`Mined.modules`).
    """
    found = reader.index.resolve(target.cls)
    view = reader.classifier.view(found) if found else None
    if view is None:
        return Mined(())
    m = Machine(reader, target, replace(budget) if budget else Budget(), members=members)
    state = State({}, {}, ())
    ref = state.new(Instance(view.definition, {}, user=True))
    with m.outside(Scope(view.scope.module)):
        try:
            keywords: dict[str, Value] = {REST: UserKeywords()}
            instances.construct(m, view, ref, [], keywords, view.node, state)
        except DeadError:
            pass
        for step in target.steps:
            _take(m, step, ref, view.node, state)
    return _mined(m, state, ref)


def _take(m: Machine, step: Step, ref: Ref, node: ast.AST, state: State) -> None:
    """Run one step on the instance."""
    m.depth = step.depth
    base = state.path
    try:
        if isinstance(step.call, str):
            method = m.attribute(ref, step.call, node, state)
            value = m.call(method, [], {}, node, state)
            if isinstance(method, Function):
                results.told(m, method, value, ref, state)
        else:
            trees.value_of(m, step.call, ref, node, state)
    except DeadError:
        state.path = base


def _mined(m: Machine, state: State, ref: Ref) -> Mined:
    accounts = Accounts(m)
    candidates: list[Candidate] = []
    for event in m.events:
        if event.kind == "set":
            continue
        made, found = of_event(m, event)
        candidates += [made] if made else []
        if event.kind != "implicit":
            _account(accounts, event, found)
    for site, kind in m.handled:
        accounts.add(site, kind, "translated", "caught by the engine itself")
    for event, of in issues.of(m):
        made, found = of_event(m, event)
        candidates += [issues.told(made, of)] if made and of else []
        _account(accounts, event, found)
    changes = [event for event in m.events if event.kind == "set"]
    for event, change, found in dormant.of_events(m, changes, state, ref):
        candidates += [change] if change else []
        _account(accounts, event, found)
    asked = guards(m.reader.index, _always_given(m.target))
    return Mined(unique(iter(candidates)), accounts.finished(), asked, tuple(m.modules))


def _always_given(target: Target) -> set[str]:
    """What is never anything else: rules are tried with each of the variants, too."""
    return {
        name
        for name, value in target.given.items()
        if all(variant.get(name, value) == value for variant in target.variants)
    }


def _account(accounts: Accounts, event: Event, found: Read) -> None:
    if found.when == Const(False):
        accounts.add(event.site, event.kind, "unreachable", "never true here")
    elif found.partial:
        accounts.add(event.site, event.kind, "partial", "; ".join(found.partial)[:300])
    else:
        accounts.add(event.site, event.kind, "translated")
