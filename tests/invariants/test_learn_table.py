"""How many configurations learning needs, as a table: precision and recall on configurations it never saw."""

from __future__ import annotations

from atlas.invariants.corpus import context_of
from atlas.invariants.learn import learn, signatures
from atlas.invariants.predicate import compile_expr
from atlas.invariants.predicate.expr import Op

from .test_learn_gaps import CONDITIONS, ENGINE, FRESH, POOLS, holds
from .toy_engine import OK, observe, rejected, sampled

SIZES = (250, 1000, 4000)
FRESH_CONFIGS = sampled(FRESH, 2000, seed=9)


def measured(name, size):
    """Precision and recall of what is learned from so many configurations, and why if it is nothing."""
    truth = holds(name)
    observed = observe(sampled(POOLS, size, seed=3), lambda config: rejected("no") if truth(config) else OK)
    learned = learn(ENGINE, (), observed, signatures(rejected("no"))[0])
    says = compile_expr(Op("or", tuple(each.when for each in learned.candidates)), context_of(ENGINE))
    told = [(says(config) is True, truth(config)) for config in FRESH_CONFIGS]
    hits = sum(said and true for said, true in told)
    alarms = sum(said and not true for said, true in told)
    misses = sum(true and not said for said, true in told)
    precision = hits / (hits + alarms) if hits + alarms else 1.0
    return precision, hits / (hits + misses), learned.reason


def test_more_configurations_make_learned_conditions_exact():
    table = {name: [measured(name, size) for size in SIZES] for name in CONDITIONS}
    print(f"\n{'condition':24}" + "".join(f"{f'{size} configurations':>24}" for size in SIZES))
    for name, row in table.items():
        print(f"{name:24}" + "".join(f"{precision:15.3f} {recall:8.3f}" for precision, recall, _ in row))
    assert all(row[-1][:2] == (1.0, 1.0) for row in table.values())
    few = [each for row in table.values() for each in row[:1]]
    assert sum(precision == 1.0 for precision, *_ in few) >= len(few) - 2
