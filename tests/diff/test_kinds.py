"""Each kind of change has a case where it is told, and a near miss where it is not."""

import pytest

from .made import BOTH, ROOT, entry, facts, kinds, only, required

INT, STR, NULL = {"type": "integer"}, {"type": "string"}, {"type": "null"}
STATIC = BOTH[:1]


def values(*listed):
    return {"enum": list(listed)}


def union(*parts):
    return {"anyOf": list(parts)}


def deprecated(message="use m", replacement=None):
    return {"since": None, "message": message, "replacement": replacement}


def flags(*every):
    return {"cli_flag": every[0], **({"cli_flags": list(every)} if len(every) > 1 else {})}


def effective(value, platform="cpu"):
    return {"value": value, "platform": platform}


def none(**changes):
    return entry(default_kind="none", default=None, **changes)


def typed(fragment, **changes):
    return entry(type_=fragment, **changes)


CONFIG = {"type": "object", "x-python-type": "toy.args.Inner"}
OPAQUE = {"x-python-type": "toy.args.Thing"}
INNER = entry("c.n", owner="toy.args.Inner")
HOLDER = typed(CONFIG, path="c")

KWARGS = entry("k", via="kwargs")

# kind, old, new, and of a near miss old and new.
CASES = [
    ("param_added", [], [entry()], [entry()], [entry()]),
    ("param_removed", [entry()], [], [], [entry()]),
    ("param_ignored", [entry(), KWARGS], [KWARGS], [entry(), KWARGS], [entry(), KWARGS]),
    ("param_heeded", [KWARGS], [entry(), KWARGS], [entry("c.k", via="kwargs"), HOLDER], [entry(), HOLDER]),
    ("param_unseen", [entry(via="kwargs")], [], [entry()], []),
    ("param_seen", [], [entry(via="kwargs")], [], [entry()]),
    ("param_added_required", [], [required()], [], [entry()]),
    ("param_removed_required", [required()], [], [entry()], []),
    ("became_required", [entry()], [required()], [required()], [required()]),
    ("became_optional", [required()], [entry()], [entry()], [entry(default=2)]),
    ("became_readonly", [entry()], [entry(readonly=True)], [entry()], [entry(private=True)]),
    ("became_settable", [entry(readonly=True)], [entry()], [entry(private=True)], [entry()]),
    (
        "type_widened",
        [typed(INT)],
        [typed(union(INT, STR))],
        [typed(union(STR, INT))],
        [typed(union(INT, STR))],
    ),
    (
        "type_narrowed",
        [typed(union(INT, STR))],
        [typed(INT)],
        [typed({"type": ["integer", "string"]})],
        [typed(union(STR, INT))],
    ),
    ("type_changed", [typed(INT)], [typed(STR)], [typed(INT)], [typed({"type": "number"})]),
    (
        "nullable_gained",
        [typed(INT)],
        [typed({"type": ["integer", "null"]})],
        [typed(INT)],
        [typed({"type": "number"})],
    ),
    (
        "nullable_lost",
        [typed(union(INT, NULL))],
        [typed(INT)],
        [typed(union(INT, NULL))],
        [typed({"type": ["null", "integer"]})],
    ),
    (
        "enum_value_added",
        [typed(values("a"))],
        [typed(values("a", "b"))],
        [typed(values("a", "b"))],
        [typed(values("b", "a"))],
    ),
    (
        "enum_value_removed",
        [typed(values("a", "b"))],
        [typed(values("a"))],
        [typed(values("a"))],
        [typed(values("a", "b"))],
    ),
    ("enum_opened", [typed(values("a"))], [typed(STR)], [typed(values("a"))], [typed(INT)]),
    (
        "enum_closed",
        [typed(STR)],
        [typed(values("a"))],
        [typed(union(values("a"), INT))],
        [typed(values("a"))],
    ),
    (
        "named_value_added",
        [typed(STR, enum=["a"], open=True)],
        [typed(STR, enum=["a", "b"], open=True)],
        [typed(STR, enum=["a", "b"], open=True)],
        [typed(STR, enum=["b", "a"], open=True)],
    ),
    (
        "named_value_removed",
        [typed(STR, enum=["a", "b"], open=True)],
        [typed(STR, enum=["a"], open=True)],
        [typed(STR, enum=["a"], open=True)],
        [typed(STR, enum=["a", "b"], open=True)],
    ),
    (
        "constraint_added",
        [typed(INT)],
        [typed({**INT, "minimum": 0})],
        [typed({**INT, "minimum": 0})],
        [typed({**INT, "exclusiveMinimum": -1})],
    ),
    (
        "constraint_removed",
        [typed({**INT, "maximum": 9})],
        [typed(INT)],
        [typed({**INT, "maximum": 9})],
        [typed({**INT, "maximum": 10})],
    ),
    (
        "constraint_tightened",
        [typed({**INT, "maximum": 1024})],
        [typed({**INT, "maximum": 512})],
        [typed({**INT, "maximum": 512})],
        [typed({**INT, "maximum": 1024})],
    ),
    (
        "constraint_relaxed",
        [typed({**INT, "minimum": 1})],
        [typed({**INT, "minimum": 0})],
        [typed({**INT, "minimum": 0})],
        [typed({**INT, "minimum": 1})],
    ),
    (
        "constraint_changed",
        [typed({**STR, "pattern": "a"})],
        [typed({**STR, "pattern": "b"})],
        [typed({**STR, "minLength": 1})],
        [typed({**STR, "minLength": 2})],
    ),
    (
        "class_changed",
        [typed(CONFIG)],
        [typed({**CONFIG, "x-python-type": "toy.args.Other"})],
        [typed(CONFIG)],
        [typed({**CONFIG, "x-python-type": "toy.moved.Inner"})],
    ),
    (
        "default_changed",
        [entry(default=False)],
        [entry(default=True)],
        [entry(default=1)],
        [entry(default=1)],
    ),
    (
        "default_became_dynamic",
        [entry(default=20)],
        [none(effective_default=effective(20))],
        [entry(default=20)],
        [none()],
    ),
    (
        "default_became_static",
        [none(effective_default=effective(20))],
        [entry(default=20)],
        [none()],
        [entry(default=20)],
    ),
    (
        "effective_default_changed",
        [none(effective_default=effective(128))],
        [none(effective_default=effective(16))],
        [none(effective_default=effective(128))],
        [none(effective_default=effective(16, "cuda"))],
    ),
    (
        "default_text_changed",
        [entry(default_text="A.x")],
        [entry(default_text="B.x")],
        [entry(default_text="A.x")],
        [entry(default_text="A.x")],
    ),
    (
        "deprecated",
        [entry()],
        [entry(deprecated=deprecated())],
        [entry(deprecated=deprecated())],
        [entry(deprecated=deprecated("m"))],
    ),
    ("undeprecated", [entry(deprecated=deprecated())], [entry()], [entry(deprecated=deprecated())], []),
    (
        "deprecation_changed",
        [entry(deprecated=deprecated("a"))],
        [entry(deprecated=deprecated("b"))],
        [entry()],
        [entry(deprecated=deprecated())],
    ),
    ("flag_added", [entry()], [entry(**flags("--n"))], [entry(**flags("--n"))], [entry(**flags("--m"))]),
    ("flag_removed", [entry(**flags("--n"))], [entry()], [entry(**flags("--n"))], [entry(**flags("--m"))]),
    (
        "flag_spelling_added",
        [entry(**flags("--n"))],
        [entry(**flags("--n", "-n"))],
        [entry(**flags("--n", "-n"))],
        [entry(**flags("-n", "--n"))],
    ),
    (
        "flag_spelling_removed",
        [entry(**flags("--n", "-n"))],
        [entry(**flags("--n"))],
        [entry(**flags("--n"))],
        [entry(**flags("--n", "-n"))],
    ),
    (
        "alias_added",
        [entry()],
        [entry(aliases=["m"])],
        [entry(aliases=["m", "k"])],
        [entry(aliases=["k", "m"])],
    ),
    ("alias_removed", [entry(aliases=["m"])], [entry()], [entry(aliases=["m"])], [entry(aliases=["m", "k"])]),
    ("env_changed", [entry(env="N")], [entry(env="M")], [entry(env="N")], [entry(env="N")]),
    (
        "doc_changed",
        [entry(description="a")],
        [entry(description="b")],
        [entry(description="a")],
        [entry(description="a", env="N")],
    ),
    ("source_moved", [entry()], [entry(evidence=[{**BOTH[0], "line": 2}, BOTH[1]])], [entry()], [entry()]),
    (
        "type_rewritten",
        [typed(union(INT, STR))],
        [typed({"type": ["integer", "string"]})],
        [typed(INT)],
        [typed(union(INT, STR))],
    ),
    ("provenance_changed", [entry(owner="toy.A")], [entry(owner="toy.B")], [entry()], [entry()]),
    ("param_renamed", [entry("old")], [entry("new", aliases=["old"])], [entry("old")], [entry("new")]),
    (
        "param_moved",
        [entry("k"), HOLDER, INNER],
        [entry("k"), entry("d", type_=CONFIG), entry("d.n", owner="toy.args.Inner")],
        [HOLDER, INNER],
        [HOLDER, entry("c.m", owner="toy.args.Inner")],
    ),
    (
        "expansion_changed",
        [HOLDER, INNER, typed(CONFIG, path="b", same_as="args:c")],
        [
            typed(CONFIG, path="c", same_as="args:b"),
            typed(CONFIG, path="b"),
            entry("b.n", owner="toy.args.Inner"),
        ],
        [HOLDER, INNER],
        [HOLDER],
    ),
    ("indeterminate", [typed({"x-unknown": "?"})], [typed(INT)], [typed(STR)], [typed(INT)]),
]


@pytest.mark.parametrize(
    ("kind", "old", "new", "near_old", "near_new"), CASES, ids=[case[0] for case in CASES]
)
def test_a_kind_is_told_and_its_near_miss_is_not(kind, old, new, near_old, near_new):
    assert kind in kinds(facts(*old), facts(*new, version="2"))
    assert kind not in kinds(facts(*near_old), facts(*near_new, version="2"))


def test_every_kind_has_a_case():
    from atlas.diff.kinds import MIRROR

    of_rules = {kind for kind in MIRROR if kind.startswith(("invariant_", "warning_", "dormant_"))}
    assert {case[0] for case in CASES} == set(MIRROR) - of_rules


SAME_TYPES = [
    (union(INT, NULL), {"type": ["null", "integer"]}),
    (
        {"type": "object", "additionalProperties": union(INT, STR)},
        {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
    ),
    (values("a", "b"), values("b", "a")),
    ({**INT, "minimum": 1}, {**INT, "exclusiveMinimum": 0}),
    (union(values("a"), STR), STR),
    (union(INT, {"type": "number"}), {"type": "number"}),
    ({"type": "boolean"}, values(True, False)),
]


@pytest.mark.parametrize(("one", "other"), SAME_TYPES, ids=range(len(SAME_TYPES)))
def test_a_type_in_other_words_is_the_same_type(one, other):
    assert kinds(facts(typed(one)), facts(typed(other))) == ["type_rewritten"]


FAILED_ELSEWHERE = [
    ("a value more is no break", typed(values("a")), typed(values("a", "b")), {"enum_value_added"}),
    ("integer is int", typed(INT, annotation="integer"), typed(INT, annotation="int"), {"type_rewritten"}),
    ("unknown to int is not known", typed({"x-unknown": ""}), typed(INT), {"indeterminate"}),
    ("int to Any takes more", typed(INT), typed({}), {"type_widened", "nullable_gained"}),
    (
        "a flipped default",
        typed({"type": "boolean"}, default=False),
        typed({"type": "boolean"}, default=True),
        {"default_changed"},
    ),
    (
        "a bound that is tightened",
        typed({**INT, "maximum": 9}),
        typed({**INT, "maximum": 8}),
        {"constraint_tightened"},
    ),
    ("a bound that is new", typed(INT), typed({**INT, "maximum": 8}), {"constraint_added"}),
    ("a deprecation", entry(), entry(deprecated=deprecated()), {"deprecated"}),
    (
        "a union inside",
        typed({"type": "object", "additionalProperties": union(INT, STR)}),
        typed({"type": "object", "additionalProperties": union(INT, STR, {"type": "boolean"})}),
        {"type_widened"},
    ),
    (
        "a union inside that lost one",
        typed({"type": "array", "items": union(INT, STR)}),
        typed({"type": "array", "items": INT}),
        {"type_narrowed"},
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [case[1:] for case in FAILED_ELSEWHERE],
    ids=[case[0] for case in FAILED_ELSEWHERE],
)
def test_what_comparing_texts_gets_wrong(old, new, expected):
    assert set(kinds(facts(old), facts(new))) == expected


# What is not read is not gone.


def test_a_parameter_of_a_class_that_could_not_be_read_is_not_removed():
    limit = {"code": "source_not_parsed", "lane": "static", "reason": "a syntax error", "fields": [ROOT]}
    change = only(facts(entry()), facts(limitations=[limit]), "indeterminate")
    assert "could not be read" in change.reason
    elsewhere = {**limit, "fields": ["toy.other.Class"]}
    assert kinds(facts(entry()), facts(limitations=[elsewhere])) == ["param_removed"]


def test_what_only_the_live_lane_saw_is_not_removed_where_that_did_not_run():
    seen_live = entry(evidence=BOTH[1:])
    assert kinds(facts(seen_live), facts(seen=["static"])) == ["indeterminate"]
    assert kinds(facts(seen_live), facts()) == ["param_removed"]


def test_a_name_of_a_mapping_whose_names_are_not_listed_is_not_removed():
    old = facts(HOLDER, INNER)
    assert "param_removed" not in kinds(old, facts(typed({"type": "object"}, path="c")))
    assert "param_removed" not in kinds(old, facts(typed(OPAQUE, path="c")))
    assert "param_removed" in kinds(old, facts(HOLDER, entry("c.other", owner="toy.args.Inner")))


def test_an_item_of_a_mapping_that_could_not_be_read_is_not_removed():
    items = {"type": "object", "additionalProperties": CONFIG}
    old = facts(typed(items, path="c"), entry("c.*.n", owner="toy.args.Inner"))
    assert "param_removed" not in kinds(old, facts(typed(OPAQUE, path="c")))
    assert "param_removed" in kinds(old, facts(typed(items, path="c"), entry("c.*.m")))


def test_a_name_that_only_documentation_had_is_not_removed():
    assert kinds(facts(entry(via="docstring")), facts()) == ["indeterminate"]
    assert kinds(facts(entry()), facts()) == ["param_removed"]


def test_a_name_that_a_class_still_takes_is_ignored_and_one_that_a_function_hands_on_may_be_refused():
    old, new = facts(entry(), KWARGS), facts(KWARGS)
    change = only(old, new, "param_ignored")
    assert change.reason.startswith(f"{new.version}: `Args` takes further names")
    assert only(new, old, "param_heeded").reason == change.reason
    new.schema["roots"]["args"][0]["kind"] = "function"
    assert "hands them on" in only(old, new, "param_unseen").reason


def test_further_names_of_a_class_inside_say_nothing_of_the_one_around_it():
    inner = entry("c.k", owner="toy.args.Inner", via="kwargs")
    assert kinds(facts(HOLDER, inner, entry()), facts(HOLDER, inner)) == ["param_removed"]
    assert kinds(facts(HOLDER, inner, INNER), facts(HOLDER, inner)) == ["param_ignored"]


def test_a_surface_that_was_not_read_has_no_removed_parameters():
    old, new = facts(entry()), facts()
    new.schema["roots"]["args"][0]["name"] = "toy.args.Another"
    assert kinds(old, new) == ["indeterminate"]


def test_a_type_that_was_observed_in_one_version_only_is_not_compared():
    observed = [BOTH[0], {**BOTH[1], "observed": ["integer"]}]
    old = typed(INT, annotation=None, evidence=observed)
    assert "indeterminate" in kinds(facts(old), facts(typed(STR)))
    assert "type_changed" in kinds(facts(old), facts(typed(STR, annotation=None, evidence=observed)))


def test_lanes_that_contradict_one_another_decide_nothing_against_one_lane():
    torn = entry(disagreement=[{"fact": "default", "static": 1, "live": 2}], default=2)
    assert "indeterminate" in kinds(facts(torn), facts(entry(default=1, evidence=STATIC)))
    assert "default_changed" in kinds(facts(entry(default=2)), facts(entry(default=1, evidence=STATIC)))


def test_effective_defaults_of_other_platforms_are_not_compared():
    old, new = none(effective_default=effective(1)), none(effective_default=effective(2, "cuda"))
    assert kinds(facts(old), facts(new)) == ["indeterminate"]


def test_true_is_not_one_and_a_changed_default_is_told():
    assert kinds(facts(entry(default=True)), facts(entry(default=1))) == ["default_changed"]


# Renames.

DEPRECATED = entry("old", deprecated=deprecated("use `new` instead", "new"))
RENAMES = [
    ("an alias", entry("old"), entry("new", aliases=["old"]), True),
    ("a deprecation that names it", DEPRECATED, entry("new"), True),
    ("both stand for one field", entry("old", joins="toy.C.f"), entry("new", joins="toy.moved.C.f"), True),
    ("a flag that stays", entry("old", **flags("--old")), entry("new", **flags("--new", "--old")), True),
    ("likeness", entry("max_num_sequences"), entry("max_num_sequence"), False),
    ("a formula", entry("old", deprecated=deprecated("use new (new = 1/old)", "new")), entry("new"), False),
    ("a value with it", entry("old", deprecated=deprecated("use --new 0", "--new 0")), entry("new"), False),
    ("another type", DEPRECATED, typed(STR, path="new"), False),
]


@pytest.mark.parametrize(
    ("old", "new", "is_one"), [case[1:] for case in RENAMES], ids=[case[0] for case in RENAMES]
)
def test_a_rename_needs_evidence(old, new, is_one):
    found = kinds(facts(old), facts(new))
    assert ("param_renamed" in found) == is_one
    assert ({"param_added", "param_removed"} <= set(found)) != is_one


def test_likeness_is_told_and_merges_nothing():
    old, new = facts(entry("max_num_sequences")), facts(entry("max_num_sequence"))
    assert only(old, new, "param_removed").detail["maybe_renamed_to"] == ["max_num_sequence"]
    assert only(old, new, "param_added").detail["maybe_renamed_from"] == ["max_num_sequences"]


def test_two_candidates_for_one_name_are_no_rename():
    old = facts(entry("old"))
    new = facts(entry("a", aliases=["old"]), entry("b", aliases=["old"]))
    assert "param_renamed" not in kinds(old, new)


def test_what_a_renamed_parameter_is_besides_is_told_too():
    old, new = facts(entry("old")), facts(entry("new", aliases=["old"], default=2))
    assert only(old, new, "default_changed").renamed_to == "args:new"


def test_a_denial_that_the_parser_takes_unlisted_is_not_gone():
    old = facts(entry("enable_x", **flags("--enable-x", "--no-enable-x")))
    new = entry("enable_x", **flags("--enable-x", "--disable-x"))
    assert "flag_spelling_removed" in kinds(old, facts(new))
    assert "flag_spelling_removed" not in kinds(old, facts(new, negations=["args"]))
