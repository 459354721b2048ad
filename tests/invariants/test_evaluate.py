"""`atlas invariants evaluate` and `measure`: JSON lines in, answers out; rules beside the engine."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.errors import InputError, UnavailableError
from atlas.invariants import evaluate as evaluating
from atlas.invariants import measure as measuring
from atlas.invariants.artefact import Published
from atlas.invariants.evaluate import evaluate
from atlas.invariants.model import Mined
from atlas.invariants.publish import documents, dump_yaml

from .test_artefacts import origin
from .toy_bench import Toy, proved

ENGINE = """
@dataclass
class Config:
    size: int = 1
    mode: str = "fast"
    rate: float = 1.0
    model: int = 64
    limit: int | None = None

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size must be at least 1, but is {self.size}")
        if self.size > self.model:
            raise ValueError("more than the model takes")
        if self.mode == "slow" and self.rate > 0:
            logger.warning("no rate where mode is %s", self.mode)
            self.rate = 0.0

    def validate(self):
        if self.limit is not None and self.limit < self.size:
            raise ValueError(f"limit {self.limit} is below size {self.size}")
"""


@pytest.fixture(scope="module")
def toy():
    return Toy(ENGINE)


@pytest.fixture(scope="module")
def published(toy):
    """The artefact of the toy, as it is read back from its text."""
    target = toy.target(steps=[("validate", "validate")], given={"model": 64}, variants=({"model": 128},))
    mined = toy.mined(target)
    longer = toy.rule("size > 64", "more than the model")
    found = proved(toy, target, mined=Mined((longer, *mined.candidates), mined.sites))
    document = yaml.safe_load(dump_yaml(documents(origin(), [found])[0]))
    cell = SimpleNamespace(engine="toy", version="1.0", venv=object(), invariants=SimpleNamespace(limit_s=1))
    return Published(cell, {}, document, (target,))  # type: ignore[arg-type]


@pytest.fixture
def run(monkeypatch, published, tmp_path):
    """The exit code and the answers about lines."""
    monkeypatch.setattr(evaluating, "load_published", lambda root, pin: published)

    def answers(text: str, rules: str = "all", depth: str = "resolve", target: str = "Config"):
        out = io.StringIO()
        lines = io.StringIO(text)
        code = evaluate(tmp_path, "toy==1.0", target, rules=rules, depth=depth, lines=lines, out=out)
        return code, [json.loads(line) for line in out.getvalue().splitlines()]

    return answers


def test_what_is_rejected_is_told_with_the_rule_and_the_users_values(run):
    code, (bad, fine) = run('{"size": 0}\n{"size": 5}\n')
    assert code == 0
    (rule,) = bad["rules"]
    assert (bad["verdict"], rule["severity"], rule["depth"]) == ("rejected", "error", "construct")
    assert rule["message"] == "size must be at least 1, but is 0"
    assert rule["effect"] == {"raises": "ValueError"}
    assert rule["source"].startswith("toy.py:")
    assert rule["id"].startswith("Config.size.")
    assert (fine["verdict"], fine["rules"], fine["effective"], fine["stable"]) == ("accepted", [], {}, True)


def test_what_is_changed_is_told_with_what_it_becomes(run):
    _, (found,) = run('{"mode": "slow"}')
    assert found["verdict"] == "accepted"
    assert found["effective"] == {"rate": 0.0}
    assert {rule["severity"] for rule in found["rules"]} == {"warn", "dormant"}
    assert {tuple(rule["effective"].items()) for rule in found["rules"] if "effective" in rule} == {
        (("rate", 0.0),)
    }
    messages = {rule["severity"]: rule["message"] for rule in found["rules"]}
    assert messages["warn"] == "no rate where mode is slow"
    assert messages["dormant"] == "mode is changed"


def test_only_plain_errors_leave_out_what_warns_changes_or_depends_on_more(run):
    lines = '{"mode": "slow"}\n{"size": 65}\n{"size": 0}\n'
    _, every = run(lines)
    _, errors = run(lines, rules="error")
    assert [len(one["rules"]) for one in every] == [2, 1, 1]
    assert every[1]["rules"][0]["requires"] == ["given: as proven, not any model"]
    assert [len(one["rules"]) for one in errors] == [0, 0, 1]
    assert [one["verdict"] for one in errors] == ["accepted", "accepted", "rejected"]


def test_rules_that_hold_deeper_are_left_out(run):
    line = '{"size": 5, "limit": 2}'
    assert run(line, depth="construct")[1][0]["verdict"] == "accepted"
    _, (found,) = run(line, depth="validate")
    assert (found["verdict"], found["rules"][0]["depth"]) == ("rejected", "validate")
    assert found["rules"][0]["message"] == "limit 2 is below size 5"


@pytest.mark.parametrize("line", ["{", "[1]", "3", "null", '"x"', '{"size": 1} {}', "[" * 100_000])
def test_a_line_that_is_no_configuration_is_told_and_the_rest_goes_on(run, line):
    code, answers = run(f'{{"size": 0}}\n\n{line}\n{{"size": 2}}\n')
    assert code == 4
    assert [one.get("verdict") for one in answers] == ["rejected", None, "accepted"]
    assert answers[1]["line"] == 3
    assert answers[1]["error"]


def test_no_lines_are_no_failure(run):
    assert run("") == (0, [])


def test_an_unknown_target_is_told_with_the_nearest_name(run):
    with pytest.raises(InputError, match="Config"):
        run("{}", target="Confg")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["size", "mode", "rate", "limit", "model", "unknown", ""])


@settings(max_examples=60, deadline=None)
@given(config=st.dictionaries(names, json_values, max_size=5))
def test_any_json_has_an_answer(published, config):
    corpus = evaluating.Corpus(
        published.targets[0], [rule for _, rule in published.rules(published.targets[0])]
    )
    labels = [label for label, _ in published.rules(published.targets[0])]
    answer = evaluating.judged(corpus, labels, json.loads(json.dumps(config)))
    assert answer["verdict"] in ("accepted", "rejected")
    assert json.loads(json.dumps(answer)) is not None


# Rules beside the engine


@pytest.fixture
def measure(monkeypatch, published, toy, tmp_path):
    monkeypatch.setattr(measuring, "load_published", lambda root, pin: published)
    monkeypatch.setattr(measuring, "prepare", lambda *_: None)
    monkeypatch.setattr(measuring.SourceTree, "load", lambda *_: None)
    monkeypatch.setattr(measuring, "Session", lambda *_, **__: nullcontext(toy))

    def rows(names=(), n=500, seed=7, depth="resolve"):
        return measuring.measure(tmp_path, "toy==1.0", names, n=n, seed=seed, depth=depth, workers=1)

    return rows


def test_right_rules_reject_nothing_that_the_engine_takes_and_find_all_it_rejects(measure):
    (row,) = measure(n=2000)
    tally = row.tally
    assert (tally.n, tally.false_rejections, tally.crashes, tally.false_notices) == (2000, 0, 0, 0)
    assert tally.rejections_found == tally.rejected > 30
    assert tally.changes_found == tally.changes > 0
    assert row.states_found == row.states > 0
    assert measure(n=2000, seed=8)[0].tally != tally
    assert measure(n=2000)[0].tally == tally


def test_a_wrong_rule_shows(measure, published):
    rules = published.document["rules"]
    (size,) = [one for one in rules if one["when"] == "size < 1"]
    before = size["when"]
    try:
        size["when"] = "size < 3"
        assert measure()[0].tally.false_rejections > 0
        size["when"] = "size < -1"
        (row,) = measure()
        assert row.tally.false_rejections == 0
        assert row.tally.rejections_found < row.tally.rejected
    finally:
        size["when"] = before


def test_the_table_sums_up_and_aligns(measure):
    (row,) = measure(n=200)
    cells = measuring.table([row, row])
    assert [line[0] for line in cells] == ["target", "Config", "Config", "all"]
    assert cells[3][2] == "400"
    assert cells[1][5] == "100.0 %"
    lines = measuring.text(cells).splitlines()
    assert len({len(line) for line in lines}) == 1
    (as_json, _) = measuring.as_json([row, row])
    assert as_json["error_recall"] == 1.0
    assert json.dumps(as_json)


def test_without_an_environment_there_is_nothing_to_measure(measure, published):
    published.cell.venv, before = None, published.cell.venv
    try:
        with pytest.raises(UnavailableError):
            measure()
    finally:
        published.cell.venv = before
