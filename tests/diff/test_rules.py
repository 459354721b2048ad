"""Changes of invariants are shown by configurations, and only where both versions were proven."""

from atlas.diff.judge import Judge

from .made import ROOT, entry, facts, kinds, only, rule

OVER_9 = rule("over-9", "n > 9", [{"n": 10}, {"n": 99}], [{"n": 9}])
OVER_5 = rule("over-5", "n > 5", [{"n": 6}, {"n": 99}], [{"n": 5}])
WARNS = rule("warns", "n == 3", [{"n": 3}], severity="warn", effect={"warns": "logging"})
SETS = rule("sets", "n == 3", [{"n": 3}], severity="dormant", effect={"sets": {"n": "4"}})


def version(*rules, entries=None, **said):
    return facts(*(entries or [entry(), entry("m")]), rules=rules, **{"proven": True, **said})


def test_a_new_error_has_a_witness_that_the_older_version_accepts():
    change = only(version(), version(OVER_9, version="2"), "invariant_added")
    assert change.evidence == "witness-confirmed"
    assert (change.witness.config, change.witness.accepted_by, change.witness.rejected_by) == (
        {"n": 10},
        "1",
        "2",
    )


def test_a_rule_that_went_is_an_error_less():
    assert kinds(version(OVER_9), version()) == ["invariant_removed"]


def test_a_bound_in_a_rule_is_tightened_or_relaxed():
    change = only(version(OVER_9), version(OVER_5, version="2"), "invariant_tightened")
    assert change.witness.config == {"n": 6}
    assert kinds(version(OVER_5), version(OVER_9)) == ["invariant_relaxed"]


def test_a_rule_in_other_words_is_no_change():
    again = rule("again", "not n <= 9", [{"n": 10}], [{"n": 9}])
    assert kinds(version(OVER_9), version(again)) == ["invariant_restated"]


def test_two_rules_that_say_what_one_said_are_no_change():
    parts = [rule("a", "n > 9 and m == 1", [{"n": 10}]), rule("b", "n > 9 and m != 1", [{"n": 10, "m": 2}])]
    assert set(kinds(version(OVER_9), version(*parts))) == {"invariant_restated"}


def test_a_rule_that_is_moved_both_ways_is_changed():
    other = rule("other", "n < 0 or n > 20", [{"n": -1}, {"n": 21}], [{"n": 0}])
    assert kinds(version(OVER_9), version(other)) == ["invariant_changed"]


def test_the_same_rule_with_another_message_is_reworded():
    said = rule("over-9", "n > 9", [{"n": 10}], message="too large")
    assert kinds(version(OVER_9), version(said)) == ["invariant_reworded"]


def test_rules_about_a_new_parameter_come_with_it():
    about_new = rule("k", "k > 9", [{"k": 10}])
    new = version(about_new, entries=[entry(), entry("k")])
    assert set(kinds(version(entries=[entry()]), new)) == {"param_added", "invariant_came_with_parameter"}
    assert set(kinds(new, version(entries=[entry()]))) == {"param_removed", "invariant_went_with_parameter"}


def test_where_the_class_was_not_proven_a_rule_is_not_gone():
    assert kinds(version(OVER_9), version(status="not_constructible")) == ["indeterminate"]
    assert kinds(version(OVER_9), facts(entry(), entry("m"))) == ["indeterminate"]


def test_where_rules_explain_too_little_nothing_is_accepted():
    assert kinds(version(OVER_9), version(trusted=0.8)) == ["indeterminate"]


def test_what_depends_on_the_machine_is_no_witness():
    some = rule("cuda", "n > 9", [{"n": 10}], requires=["cuda"])
    change = only(version(), version(some), "invariant_added")
    assert (change.evidence, change.witness) == ("conditional", None)
    lacking = rule("ray", "n > 9", [{"n": 10}], message="No module named 'ray'")
    assert only(version(), version(lacking), "invariant_added").evidence == "conditional"


def test_a_configuration_that_is_rejected_otherwise_is_no_witness():
    """What the rule says is new, but every configuration that shows it was rejected before."""
    assert kinds(version(OVER_5), version(OVER_5, OVER_9)) == ["invariant_restated"]


def test_what_was_learned_speaks_for_what_was_tried_only():
    learned = rule("learned", "n != 1", [{"n": 7}], [{"n": 1}], origins=("live",))
    assert learned.speaks_for({"n": 7}) and not learned.speaks_for({"n": 2})
    assert OVER_9.speaks_for({"n": 2})


def test_warnings_and_silent_changes_are_told():
    assert kinds(version(), version(WARNS)) == ["warning_added"]
    assert kinds(version(WARNS), version()) == ["warning_removed"]
    assert kinds(version(), version(SETS)) == ["dormant_added"]
    assert kinds(version(SETS), version()) == ["dormant_removed"]
    again = rule("again", "not n != 3", [{"n": 3}], severity="warn", effect={"warns": "logging"})
    assert kinds(version(WARNS), version(again)) == ["invariant_restated"]


def test_a_value_that_becomes_another_one_than_before_is_changed():
    other = rule("other", "n == 3", [{"n": 3}], severity="dormant", effect={"sets": {"n": "5"}})
    assert kinds(version(SETS), version(other)) == ["invariant_changed"]


def test_a_narrower_type_is_confirmed_by_rules_or_told_as_declared_only():
    old, new = [entry(type_={"enum": ["a", "b"]})], [entry(type_={"enum": ["a"]})]
    enforced = rule("enum", "n not in ('a',) and given(n)", [{"n": "x"}])
    before = rule("enum", "n not in ('a', 'b') and given(n)", [{"n": "x"}])
    change = only(version(before, entries=old), version(enforced, entries=new), "enum_value_removed")
    assert (change.evidence, change.witness.config) == ("witness-confirmed", {"n": "b"})
    change = only(version(entries=old), version(entries=new), "enum_value_removed")
    assert (change.evidence, change.detail["not_enforced_by"]) == ("live", ROOT)


def test_each_new_bound_needs_a_witness_of_its_own():
    old = [entry(type_={"type": "integer"})]
    new = [entry(type_={"type": "integer", "minimum": 0, "maximum": 9})]
    below = rule("below", "n < 0", [{"n": -1}])
    found = [
        one
        for one in _changes(version(entries=old), version(below, entries=new))
        if one.kind == "constraint_added"
    ]
    confirmed = {one.detail["limit"]: one.evidence for one in found}
    assert confirmed == {"minimum": "witness-confirmed", "maximum": "live"}


def test_values_that_must_be_given_are_part_of_a_witness():
    base = {ROOT: {"m": 7}}
    change = only(version(bases=base), version(OVER_9, bases=base), "invariant_added")
    assert change.witness.config == {"m": 7, "n": 10}


def test_an_object_is_accepted_only_if_its_own_class_takes_it():
    inner = {"type": "object", "x-python-type": "toy.args.Inner"}
    judge = Judge(version(entries=[entry("c", type_=inner), entry("c.n", owner="toy.args.Inner")]))
    assert judge.judged(ROOT, {"c": {"n": 1}}).answer == "unknown"
    assert judge.judged(ROOT, {"c": None}).answer == "accepted"
    assert judge.judged(ROOT, {"k": 1}).absent == ("k",)


def _changes(old, new):
    from atlas.diff.compare import compare

    return compare(old, new).changes
