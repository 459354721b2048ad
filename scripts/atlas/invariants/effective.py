"""What a configuration becomes: dormant rules applied until nothing changes any more."""

from __future__ import annotations

from collections.abc import Mapping

from atlas.invariants.corpus import Corpus
from atlas.invariants.model import Config, Json, Observation
from atlas.invariants.outcomes import compiled, same
from atlas.invariants.predicate import UNDEFINED

MOST_ROUNDS = 12


def effective(corpus: Corpus, config: Config) -> tuple[dict[str, Json], bool]:
    """The fields that change with what they become, and whether that is a fixpoint.

    All rules that hold are applied at once, to the configuration as the round before left it.
    """
    state = dict(config)
    for _ in range(MOST_ROUNDS):
        new = {**state, **_changes(corpus, state)}
        if same(new, state):
            return _changed(corpus, config, state), True
        state = new
    return _changed(corpus, config, state), False


def _changed(corpus: Corpus, config: Config, state: Mapping[str, Json]) -> dict[str, Json]:
    """The fields that are not as they were given, or as they are when unset."""
    before = {**corpus.target.ends, **config}
    return {
        name: value for name, value in state.items() if not (name in before and same(before[name], value))
    }


def _changes(corpus: Corpus, state: Mapping[str, Json]) -> dict[str, Json]:
    changes: dict[str, Json] = {}
    for place in corpus.holding(state):
        rule = corpus.rules[place]
        if rule.severity == "dormant":
            for name, expr in rule.effect.sets.items():
                value = compiled(expr, corpus.context)(state)
                if value is not UNDEFINED:
                    changes.setdefault(name, value)
    return changes


def agrees(corpus: Corpus, config: Config, observation: Observation) -> bool:
    """Whether the fixpoint is the state that the engine ended in."""
    found, stable = effective(corpus, config)
    return stable and same(found, dict(observation.changed))
