"""From versions to spans: present, absent, unseen, unread; what is renamed, and what only may be."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.history.renamed import renamed
from atlas.history.spans import all_spans

from .made import ROOT, facts, history, param

KEY = ("engine_params", "x")


def states(made, path="x", group="engine_params"):
    return [(one.since, one.until, one.state) for one in made.timeline((group, path))]


def test_added_and_removed_are_between_tracked_versions():
    made = history(facts("1.0", param("k")), facts("2.0", param("k"), param("x")), facts("3.0", param("k")))
    assert states(made) == [("1.0", "1.0", "absent"), ("2.0", "2.0", "present"), ("3.0", "3.0", "absent")]
    assert str(made.first_seen("x")) == "first seen in 2.0 (not in 1.0)"
    assert str(made.removed_in("x")) == "removed between 2.0 and 3.0"
    assert str(made.first_seen("k")) == "in 1.0 already, the oldest tracked"
    assert made.removed_in("k") is None


def test_what_came_back_is_not_removed():
    made = history(facts("1.0", param("x")), facts("2.0", param("k")), facts("3.0", param("x")))
    assert [state for *_, state in states(made)] == ["present", "absent", "present"]
    assert made.removed_in("x") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"default": 1},
        {"display": "str"},
        {"cli_flag": "--x"},
        {"constraints": {"minimum": 1}},
        {"deprecated": {"since": None, "message": "no", "replacement": None}},
        {"enum": [0, 1], "open": True},
        {"owner": "toy.args.Other"},
        {"default": 0.0},
        {"default": False},
    ],
    ids=str,
)
def test_a_fact_that_changes_begins_a_span(changed):
    made = history(facts("1.0", param("x")), facts("2.0", param("x", **changed)), facts("3.0", param("x")))
    old, new, again = made.timeline(KEY)
    assert (old.since, new.since, again.since) == ("1.0", "2.0", "3.0")
    assert repr(old.facts) != repr(new.facts)
    assert dict(again.facts) == dict(old.facts)


def test_lines_descriptions_and_modules_begin_none():
    moved = {"type": "object", "x-python-type": "toy.moved.Inner"}
    made = history(
        facts("1.0", param("x", "Inner", None)),
        facts(
            "2.0", param("x", "Inner", None, line=9, description="More.", type=moved, owner="toy.new.Args")
        ),
    )
    assert states(made) == [("1.0", "2.0", "present")]


def test_a_class_that_was_not_found_is_not_removed():
    lost = {"code": "root_not_found", "lane": "merge", "reason": "no lane found it", "fields": [ROOT]}
    others = {"more": [{"target": "toy.B", "name": "toy.B", "kind": "dataclass", "prefix": ""}]}
    made = history(
        facts("1.0", param("x")),
        facts(
            "2.0", limitations=[lost], roots={"engine_params": [], **others}, more=[param("b", root="toy.B")]
        ),
    )
    assert [state for *_, state in states(made)] == ["present", "unread"]
    assert "Args" in made.timeline(KEY)[1].why
    assert made.removed_in("x") is None


def test_a_surface_that_a_version_lacks_is_not_read_there():
    other = {"more": [{"target": "toy.B", "name": "toy.B", "kind": "dataclass", "prefix": ""}]}
    made = history(
        facts("1.0", roots=other, more=[param("b", root="toy.B", owner="toy.B")]),
        facts("2.0", param("x")),
    )
    assert states(made)[0] == ("1.0", "1.0", "unread")
    seen = made.first_seen("x")
    assert (seen.version, seen.not_in, seen.unread) == ("2.0", None, "1.0")
    assert "not known of 1.0" in str(seen)


def test_what_a_type_that_could_not_be_read_holds_is_not_removed():
    inner = param("c.x", owner="toy.args.Inner")
    made = history(facts("1.0", param("c", "Inner", None), inner), facts("2.0", param("c", "unknown", None)))
    assert [state for *_, state in states(made, "c.x")] == ["present", "unread"]


def test_names_taken_out_of_kwargs_are_unseen_and_declared_ones_are_absent():
    made = history(
        facts("1.0", param("x", via="kwargs"), param("y", via="signature")), facts("2.0", param("k"))
    )
    assert [state for *_, state in states(made)] == ["present", "unseen"]
    assert [state for *_, state in states(made, "y")] == ["present", "absent"]
    assert made.removed_in("x").certain is False
    assert "may still take it" in str(made.removed_in("x"))
    assert made.removed_in("y").certain is True


def test_only_documentation_removes_nothing():
    made = history(facts("1.0", param("x", via="docstring")), facts("2.0", param("k")))
    assert states(made)[1][2] == "unread"


def test_a_class_that_is_listed_elsewhere_is_still_there():
    inner = {"owner": "toy.args.Inner"}
    made = history(
        facts(
            "1.0",
            param("a", "Inner", None),
            param("a.x", **inner),
            param("b", "Inner", None, same_as="engine_params:a"),
        ),
        facts(
            "2.0",
            param("a", "Inner", None, same_as="engine_params:b"),
            param("b", "Inner", None),
            param("b.x", **inner),
        ),
    )
    assert states(made, "a.x") == [("1.0", "2.0", "present")]
    assert states(made, "b.x") == [("1.0", "2.0", "present")]


def rename(old, new):
    found = renamed(facts("1.0", *old), facts("2.0", *new)).get(KEY)
    return found and (found.path, found.maybe)


def test_an_alias_a_shared_flag_and_a_deprecation_are_evidence():
    assert rename([param("x")], [param("y", aliases=["x"])]) == ("y", False)
    assert rename([param("x", cli_flag="--x")], [param("y", cli_flag="--y", cli_flags=["--y", "--x"])]) == (
        "y",
        False,
    )
    said = {"since": None, "message": "Use y instead.", "replacement": "y"}
    assert rename([param("x", deprecated=said)], [param("y")]) == ("y", False)


def test_a_deprecation_names_also_what_was_there_before():
    said = {"since": None, "message": "Use y instead.", "replacement": "y"}
    assert rename([param("x", deprecated=said), param("y")], [param("y")]) == ("y", False)
    assert rename([param("x"), param("y")], [param("y")]) is None


def test_likeness_is_only_maybe_and_one_for_one():
    old, new = param("x", "bool", False), param("y", "bool", False)
    assert rename([old], [new]) is None  # nothing alike but the type
    long = ("engine_params", "max_batch_size")

    def maybe(old, new):
        found = renamed(facts("1.0", *old), facts("2.0", *new)).get(long)
        return found and (found.path, found.maybe)

    assert maybe([param("max_batch_size")], [param("max_batch_sizes")]) == ("max_batch_sizes", True)
    assert maybe([param("max_batch_size")], [param("max_batch_sizes"), param("max_batch_size_")]) is None
    assert maybe([param("max_batch_size"), param("max_batch_siz")], [param("max_batch_sizes")]) is None
    assert maybe([param("max_batch_size")], [param("max_batch_sizes", default=1)]) is None
    assert maybe([param("max_batch_size")], [param("max_batch_sizes", owner="toy.args.Inner")]) is None


def test_opposites_are_no_renames():
    old, new = param("disable_log_requests", "bool", False), param("enable_log_requests", "bool", False)
    assert renamed(facts("1.0", old), facts("2.0", new)) == {}


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(0, 2), st.booleans()), min_size=1, max_size=7))
def test_spans_tell_each_version_as_it_was(pattern):
    """`None`: without it; else its default, declared or taken out of **kwargs."""
    versions = [
        facts(
            f"{number}.0",
            param("k"),
            *([] if value is None else [param("x", default=value, **({"via": "kwargs"} if loose else {}))]),
        )
        for number, (value, loose) in enumerate(pattern, 1)
    ]
    made = history(*versions)
    if ("engine_params", "x") not in made.keys:
        assert all(value is None for value, _ in pattern)
        return
    spans = made.timeline(KEY)
    assert [spans[0].since, spans[-1].until] == [made.versions[0], made.versions[-1]]
    for before, after in itertools.pairwise(spans):
        assert made.versions.index(before.until) + 1 == made.versions.index(after.since)
    for version, (value, _) in zip(made.versions, pattern, strict=True):
        span = made.at(KEY, version)
        assert span.present == (value is not None)
        assert span.facts.get("default") == value
    present = [
        version for version, (value, _) in zip(made.versions, pattern, strict=True) if value is not None
    ]
    assert made.first_seen(KEY).version == present[0]
    gone = made.removed_in(KEY)
    assert (gone is None) == (pattern[-1][0] is not None)
    assert gone is None or gone.last == present[-1]


def test_parameters_are_in_the_order_of_groups_and_paths():
    more = {"more": [{"target": "toy.B", "name": "toy.B", "kind": "dataclass", "prefix": ""}]}
    roots = {"engine_params": [{"target": ROOT, "name": ROOT, "kind": "dataclass", "prefix": ""}], **more}
    made = facts("1.0", param("b"), param("a"), roots=roots, more=[param("a", root="toy.B")])
    assert list(all_spans([made])) == [("engine_params", "a"), ("engine_params", "b"), ("more", "a")]
