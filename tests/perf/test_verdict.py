"""Verdicts on noise, and on changes that are there: the simulations that the policy was chosen by."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.perf.stats import change_interval, mann_whitney, quantile
from atlas.perf.verdict import Policy, Side, Verdict, _moved, judge

RUNS = 5


def noisy(source, mean, cv, count=RUNS):
    """The medians of runs, each a process of its own, that differ by `cv`."""
    return tuple(source.gauss(mean, cv * mean) for _ in range(count))


def confirmed(baseline, now, policy=Policy()):  # noqa: B008
    """What judge() tests, without the intervals that it also tells."""
    first = _moved(baseline.screen, now.screen, mann_whitney(baseline.screen, now.screen), policy)
    if not first:
        return 0
    return (
        first
        if first * _moved(baseline.confirm, now.confirm, mann_whitney(*_fresh(baseline, now)), policy) > 0
        else 0
    )


def _fresh(baseline, now):
    return baseline.confirm, now.confirm


def sides(source, change, cv):
    before = Side(noisy(source, 100, cv), noisy(source, 100, cv))
    return before, Side(noisy(source, 100 * (1 + change), cv), noisy(source, 100 * (1 + change), cv))


@pytest.mark.parametrize("cv", [0.005, 0.01, 0.02, 0.03])
def test_at_most_one_false_regression_in_five_reports_of_two_hundred_unchanged_series(cv):
    source = random.Random(f"unchanged {cv}")
    false = sum(confirmed(*sides(source, 0, cv)) < 0 for _ in range(5 * 200))
    assert false <= 1


def test_a_loss_of_five_percent_at_one_percent_of_noise_is_found_95_times_in_100():
    source = random.Random("five percent")
    found = sum(confirmed(*sides(source, -0.05, 0.01)) < 0 for _ in range(1000))
    assert found >= 950


def test_a_loss_of_ten_percent_at_three_percent_of_noise_is_found_nine_times_in_ten():
    source = random.Random("ten percent")
    assert sum(confirmed(*sides(source, -0.10, 0.03)) < 0 for _ in range(1000)) >= 900


def test_requests_of_one_run_taken_for_runs_would_be_wrong_most_of_the_time():
    """Why the run is the unit: 30 requests a side, at 1 % between runs, and nothing has changed."""
    source, alarms = random.Random("pseudo"), 0
    for _ in range(100):
        one, two = noisy(source, 100, 0.01, 2)
        alarms += mann_whitney(*([source.gauss(m, 0.5) for _ in range(30)] for m in (one, two))) < 0.05
    assert alarms > 50


def test_judge_decides_as_the_simulations_do():
    source = random.Random("judge")
    kinds = {1: "improvement", -1: "regression"}
    for change, cv in itertools.product((0, -0.05, 0.06), (0.005, 0.02)):
        for _ in range(6):
            pair = sides(source, change, cv)
            kind = judge(*pair, better="higher").kind
            assert (kind in kinds.values()) == bool(confirmed(*pair))
            assert kind == kinds.get(confirmed(*pair), kind)


@pytest.mark.parametrize(("runs", "least"), [(3, 0.1), (4, 2 / 70), (5, 2 / 252), (6, 2 / 924)])
def test_the_smallest_p_values_are_exact(runs, least):
    assert mann_whitney(range(runs), range(10, 10 + runs)) == pytest.approx(least)


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=5), st.lists(st.integers(0, 4), min_size=2, max_size=5)
)
@settings(deadline=None)
def test_the_test_is_that_of_all_arrangements_ties_or_not(one, two):
    pooled = [*one, *two]

    def u(left, right):
        return sum((a > b) + (a == b) / 2 for a in left for b in right)

    middle = len(one) * len(two) / 2
    seen = abs(u(one, two) - middle)
    picks = list(itertools.combinations(range(len(pooled)), len(one)))
    far = 0
    for pick in picks:
        left = [pooled[i] for i in pick]
        right = [pooled[i] for i in range(len(pooled)) if i not in pick]
        far += abs(u(left, right) - middle) >= seen - 1e-9
    assert mann_whitney(one, two) == pytest.approx(far / len(picks))
    assert mann_whitney(one, two) == mann_whitney(two, one)


def test_many_runs_are_judged_by_the_normal_approximation():
    source = random.Random(1)
    one, two = noisy(source, 100, 0.01, 30), noisy(source, 102, 0.01, 30)
    assert mann_whitney(one, two) < 0.001
    assert mann_whitney(one, one) > 0.9


FLAT, LOW = (100.0, 100.2, 99.9, 100.1, 100.0), (90.0, 90.2, 89.9, 90.1, 90.0)


@pytest.mark.parametrize(
    ("baseline", "now", "kind"),
    [
        (Side(FLAT, FLAT), Side(LOW, LOW), "regression"),
        (Side(LOW, LOW), Side(FLAT, FLAT), "improvement"),
        (Side(FLAT), Side(LOW), "suspected_regression"),
        (Side(FLAT, FLAT), Side(LOW, FLAT), "inconclusive"),
        (Side(FLAT, FLAT), Side(FLAT, FLAT), "unchanged"),
        (Side(FLAT[:3]), Side(LOW[:3]), "insufficient_data"),
        (Side((80, 120, 100, 90, 110)), Side((85, 118, 99, 92, 125)), "inconclusive"),
        (Side((0.0,) * 5), Side(FLAT), "inconclusive"),
    ],
)
def test_every_kind_of_verdict_has_its_case(baseline, now, kind):
    assert judge(baseline, now, better="higher").kind == kind


def test_for_latency_more_is_worse():
    assert judge(Side(LOW, LOW), Side(FLAT, FLAT), better="lower").kind == "regression"


def test_sides_that_differ_are_incomparable_however_they_look():
    verdict = judge(Side(FLAT, FLAT), Side(LOW, LOW), better="higher", differing=["hardware_key"])
    assert (verdict.kind, verdict.change) == ("incomparable", None)
    assert "hardware_key" in verdict.why


def test_a_canary_that_moves_makes_it_the_environment():
    moved = judge(Side(FLAT, FLAT), Side(LOW, LOW), better="higher")
    still = judge(Side(FLAT, FLAT), Side(FLAT, FLAT), better="higher")
    pair = Side(FLAT, FLAT), Side(LOW, LOW)
    assert judge(*pair, better="higher", canary=moved).kind == "environment_shift"
    assert judge(*pair, better="higher", canary=still).kind == "regression"


def test_an_inconclusive_verdict_says_what_would_have_been_found():
    verdict = judge(Side((80, 120, 100, 90, 110)), Side((85, 118, 99, 92, 125)), better="higher")
    assert verdict.detectable > 0.1
    assert "would be found" in verdict.why


def test_the_interval_holds_the_change_about_as_often_as_it_says():
    source, inside = random.Random("interval"), 0
    for _ in range(100):
        low, high = change_interval(noisy(source, 100, 0.02, 10), noisy(source, 95, 0.02, 10))
        inside += low <= -0.05 <= high
    assert inside >= 88


def test_the_same_runs_give_the_same_verdict():
    pair = Side(FLAT, FLAT), Side(LOW, LOW)
    assert judge(*pair, better="higher") == judge(*pair, better="higher")
    assert isinstance(judge(*pair, better="higher"), Verdict)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 1))
@settings(deadline=None)
def test_a_quantile_is_between_the_extremes(values, share):
    assert min(values) - 1e-6 <= quantile(values, share) <= max(values) + 1e-6
