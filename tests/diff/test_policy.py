"""Impacts are data: defaults, a user's own, and waivers that expire."""

from datetime import date

import pytest

from atlas.diff.compare import compare
from atlas.diff.kinds import MIRROR
from atlas.diff.policy import LEVELS, judge, load_policy
from atlas.errors import InputError

from .made import entry, facts, rule

TODAY = date(2027, 1, 31)
GONE = compare(facts(entry()), facts())
CHANGED = compare(facts(entry()), facts(entry(default=2)))


def policy(tmp_path, text):
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    return load_policy(file)


def test_every_kind_has_an_impact():
    assert set(load_policy().impacts) == set(MIRROR)


def test_a_default_that_changed_is_behaviour_and_a_removal_breaks():
    default = load_policy()
    assert judge(CHANGED, default, TODAY).worst == "behavioural"
    assert judge(GONE, default, TODAY).worst == "breaking"


def test_a_claim_without_a_witness_is_a_risk():
    narrower = [entry(type_={"enum": ["a", "b"]})], [entry(type_={"enum": ["a"]})]
    unproven = compare(facts(*narrower[0]), facts(*narrower[1]))
    assert judge(unproven, load_policy(), TODAY).worst == "risky"
    rules = [rule("e", "n != 'a' and given(n)", [{"n": "x"}])]
    proven = compare(facts(*narrower[0], proven=True), facts(*narrower[1], rules=rules))
    assert judge(proven, load_policy(), TODAY).worst == "breaking"


def test_what_is_not_known_blocks_an_all_clear(tmp_path):
    unknown = compare(facts(entry(type_={"x-unknown": "?"})), facts(entry()))
    report = judge(unknown, load_policy(), TODAY)
    assert report.worst == "indeterminate" and report.failing("notice") and not report.failing("risky")


def test_a_users_file_overrides_kinds_and_single_changes(tmp_path):
    assert judge(GONE, policy(tmp_path, "impacts: {param_removed: notice}"), TODAY).worst == "notice"
    single = "overrides: [{id: 'param_removed:toy:args:*', impact: cosmetic}]"
    assert judge(GONE, policy(tmp_path, single), TODAY).worst == "cosmetic"
    assert judge(GONE, policy(tmp_path, ""), TODAY).worst == "breaking"


WAIVER = "waivers:\n- {id: 'param_removed:toy:args:n', reason: not used here, expires: 2027-01-31}\n"


def test_a_waiver_holds_until_its_last_day(tmp_path):
    waived = judge(GONE, policy(tmp_path, WAIVER), TODAY)
    assert waived.judged[0].waiver.reason == "not used here" and not waived.failing("cosmetic")
    expired = judge(GONE, policy(tmp_path, WAIVER), date(2027, 2, 1))
    assert expired.judged[0].expired and expired.failing("breaking")


def test_a_waiver_of_nothing_is_named(tmp_path):
    assert [one.id for one in judge(CHANGED, policy(tmp_path, WAIVER), TODAY).unused] == [
        "param_removed:toy:args:n"
    ]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("impacts: {param_removd: notice}", ":1:11", "`param_removed`"),
        ("impacts: {param_removed: awful}", ":1:11", "breaking"),
        ("\nwaivers:\n- {id: x, expires: 2027-01-31}", ":3:3", "reason"),
        ("waivers: [{id: x, reason: y, expires: 2027-02-31}]", ":1:", "no date"),
        ("waivers: [{id: x, reason: y, expires: soon}]", ":1:", "2027-01-31"),
        ("impact: {}", ":1:1", "`impacts`"),
        ("[1]", ":1:1", "not object"),
    ],
)
def test_a_policy_that_is_not_valid_is_told_with_its_place(tmp_path, text, where, words):
    with pytest.raises(InputError) as error:
        policy(tmp_path, text)
    assert where in error.value.where and words in str(error.value)


def test_levels_are_ordered_worst_first():
    assert LEVELS[0] == "breaking" and LEVELS[-1] == "cosmetic"
