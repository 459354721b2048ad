"""Asking a history: by path, flag, alias or name; at a version; and what cannot be answered."""

import json

import pytest

from atlas.errors import InputError, IntegrityError
from atlas.history.history import History, load_history
from atlas.history.words import differences, summary

from .made import facts, history, param

IDLE = {"code": "flag_without_parameter", "lane": "merge", "reason": "sets nothing", "fields": ["--x"]}


@pytest.fixture
def made():
    old = facts(
        "1.0",
        param("seed", cli_flag="--seed", cli_flags=["--seed", "--random-seed"]),
        param("inner", "Inner", None),
        param("inner.size", owner="toy.args.Inner"),
        param("size", aliases=["capacity"]),
        param(
            "gone", cli_flag="--gone", deprecated={"since": None, "message": "Use seed.", "replacement": None}
        ),
    )
    new = facts(
        "2.0",
        param("seed", cli_flag="--seed"),
        param("inner", "Inner", None),
        param("inner.size", owner="toy.args.Inner"),
        param("size"),
    )
    return history(old, new)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("seed", "seed"),
        ("--seed", "seed"),
        ("--random-seed", "seed"),
        ("capacity", "size"),
        ("size", "size"),
        ("inner.size", "inner.size"),
        ("--gone", "gone"),
    ],
)
def test_a_parameter_is_found_by_all_it_was_ever_called(made, asked, path):
    assert made.key(asked) == ("engine_params", path)


def test_the_others_that_answer_to_a_name_come_after(made):
    assert made.find("size") == [("engine_params", "size"), ("engine_params", "inner.size")]


def test_unknown_names_give_the_nearest(made):
    with pytest.raises(InputError, match="did you mean `seed`"):
        made.key("sed")
    with pytest.raises(InputError, match=r"has no group `more` \(known: engine_params\)"):
        made.key("seed", "more")
    with pytest.raises(InputError, match=r"1\.5 is not tracked; the nearest tracked are 1\.0 and 2\.0"):
        made.at("seed", "1.5")


def test_what_is_gone_says_what_it_was_and_what_was_advised(made):
    gone = made.removed_in("gone")
    assert gone.advice == "Use seed."
    assert gone.facts["cli_flag"] == "--gone"
    assert made.renamed_to("gone") is None
    assert made.renamed_to("seed") is None


def test_around_a_version_without_it_is_what_came_before_and_after():
    made = history(
        facts("1.0", param("x", cli_flag="--x")),
        facts("2.0", param("k"), limitations=[IDLE]),
        facts("3.0", param("k")),
        facts("4.0", param("x")),
    )
    found = made.around("x", "3.0")
    assert (found.last.until, found.gone.since, found.first_after.since) == ("1.0", "2.0", "4.0")
    assert found.flags_until == "2.0"
    assert found.gone.flags_left == ("--x",)
    assert made.around("x", "2.0").flags_until is None
    assert made.around("k", "1.0").last is None


def test_changes_are_told_in_words():
    old = {"display": "Literal['a', 'b']", "enum": ["a", "b"], "default_kind": "value", "default": "a"}
    new = {"display": "Literal['b', 'c']", "enum": ["b", "c"], "default_kind": "value", "default": "b"}
    assert differences(old, new) == ['values +"c", −"a"', 'default "a" → "b"']
    assert differences(old, {**old, "default_text": "A.a"}) == []
    assert differences(old, {**old, "constraints": {"minimum": 1}}) == ["limits none → ≥ 1"]
    assert differences({**old, "cli_flag": "--x"}, old) == ["flags --x → none"]
    assert differences({"display": "int"}, {"display": "str"}) == ["type int → str"]
    required = {"display": "int", "default_kind": "required", "cli_flag": "--x"}
    assert summary(required) == "int, required, --x"
    assert differences(required, {**required, "default_kind": "none"}) == ["default required → None"]


def test_a_history_that_is_not_there_is_none_and_a_broken_one_is_told(tmp_path):
    (tmp_path / "toy").mkdir()
    assert load_history("toy", tmp_path) is None
    file = tmp_path / "toy/history.json"
    for content in ("{", "[]", "{}", '{"engine": "toy", "versions": 3}'):
        file.write_text(content)
        with pytest.raises(IntegrityError, match=r"history\.json"):
            load_history("toy", tmp_path)


def test_spans_that_make_no_sense_are_an_integrity_error():
    document = {
        "engine": "toy",
        "versions": ["1.0"],
        "parameters": {"g": {"x": [{"since": "9", "is": "present"}]}},
    }
    with pytest.raises(IntegrityError, match="makes no sense at g:x"):
        History(json.loads(json.dumps(document))).timeline("x")
