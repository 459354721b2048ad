"""invariants.yaml, its quarantine and its coverage: valid, whole, the same every time, and readable again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.invariants import publish
from atlas.invariants.command import unverified
from atlas.invariants.model import Mined, SiteAccount
from atlas.invariants.predicate import parse
from atlas.invariants.publish import FORMATS, Origin, Proven, documents, dump_yaml, write
from atlas.invariants.rules import Quarantined, Rule, candidate_of, rule_id, rule_json
from atlas.validation import check
from atlas.yamlfile import Document

from .toy_bench import Toy, proved

ENGINE = """
@dataclass
class Config:
    size: int = 1
    mode: str = "fast"
    rate: float = 1.0
    stop: list[str] | None = None

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size must be at least 1:\\nit is {self.size} – too “small”")
        if self.mode in ("no", "~", "1e3", "slow # not", "null") and self.rate > 0:
            logger.warning("such modes have no rate")
            self.rate = 0.0
        if self.rate == 13:
            sys.exit("unlucky")
        if sum(map(ord, str(self.stop) + str(self.size))) % 11 == 3:
            raise ValueError("an odd stop")
"""
ENVIRONMENT = {"kind": "venv", "digest": "sha256:" + "0" * 64, "platform": "linux"}


def origin(environment=ENVIRONMENT, spans=None):
    sources = [{"kind": "wheel", "ref": "toy-1.0.whl", "digest": "sha256:" + "1" * 64}]
    return Origin("toy", "1.0", sources, environment, {"toy.Config": "dataclass"}, spans or {}, "1")


@pytest.fixture(scope="module")
def toy():
    return Toy(ENGINE)


@pytest.fixture(scope="module")
def target(toy):
    return toy.target()


@pytest.fixture(scope="module")
def found(toy, target):
    mined = toy.mined(target)
    wrong = (toy.rule("size < 4", "size must"), toy.rule("mode == 'no'", "have no rate", "warn"))
    return proved(toy, target, mined=Mined((*mined.candidates, *wrong), mined.sites))


@pytest.fixture
def outputs(tmp_path):
    names = ("invariants.yaml", "invariants.quarantine.yaml", "invariants.coverage.json")
    return [tmp_path / name for name in names]


def test_all_three_are_valid_and_hold_what_was_proven(toy, found):
    site = toy.site("size must")
    where = f"{site.file}:{site.line}-{site.line}"
    corpus, quarantine, coverage = documents(origin(spans={where: "a" * 64}), [found])
    for name, document in zip(FORMATS, (corpus, quarantine, coverage), strict=True):
        check(Document(name, json.loads(json.dumps(document)), {}), name)
    assert corpus["status"] == "gated"
    assert corpus["gate"]["configs"] == found.asked
    assert {one["severity"] for one in corpus["rules"]} == {"error", "warn", "dormant"}
    (size,) = [one for one in corpus["rules"] if one["when"] == "size < 1"]
    assert size["evidence"]["span_sha256"] == "a" * 64
    assert size["evidence"]["false_rejections"] == 0
    assert size["evidence"]["n_triggered"] + size["evidence"]["n_clean"] >= 200
    assert size["witness"]["triggers"]
    assert size["witness"]["passes"]
    assert {one["reason"] for one in quarantine["candidates"]} >= {"false_alarm"}
    assert any(one["counter_examples"] for one in quarantine["candidates"] if "counter_examples" in one)
    (covered,) = coverage["targets"]
    assert covered["gaps"]
    assert coverage["totals"]["rules"] == len(corpus["rules"])
    assert coverage["totals"]["sample"]["false_rejections"] == 0
    assert all(one["status"] in ("covered", "quarantined", "untranslated") for one in covered["sites"])
    assert {one["line"]: one["status"] for one in covered["sites"]}[site.line] == "covered"


def test_every_site_has_an_account(toy, target, found):
    _, _, coverage = documents(origin(), [found])
    lines = {one["line"] for one in coverage["targets"][0]["sites"]}
    assert {account.site.line for account in toy.mined(target).sites} <= lines


def test_what_was_learned_at_a_line_of_a_statement_covers_the_statement(toy, target):
    rule = toy.rule("size < 1", "size must", origin="live")
    whole = SiteAccount(
        "toy.Config", replace(rule.site, line=rule.site.line - 1, function="f"), "raise", "partial"
    )
    elsewhere = SiteAccount("toy.Config", toy.site("odd stop"), "raise", "partial", "unknown")
    proven = Proven(target, "gated", rules=(Rule(rule),), sites=(whole, elsewhere))
    first, second = documents(origin(), [proven])[2]["targets"][0]["sites"]
    assert (first["status"], first["rules"]) == ("covered", [rule_id(rule)])
    assert (second["status"], second["reason"]) == ("untranslated", "unknown")


def test_rules_of_a_class_without_environment_are_unverified_and_never_errors(toy, target):
    corpus, quarantine, coverage = documents(origin(None), [unverified(target, toy.mined(target))])
    for name, document in zip(FORMATS, (corpus, quarantine, coverage), strict=True):
        check(Document(name, json.loads(json.dumps(document)), {}), name)
    assert (corpus["status"], corpus["gate"], corpus["rules"]) == ("unverified", None, [])
    assert corpus["unverified"]
    assert {one["severity"] for one in corpus["unverified"]} == {"warn", "dormant"}
    assert coverage["totals"]["rules"] == 0


def test_an_unverified_error_or_an_error_without_evidence_is_not_valid(toy, target):
    rule = Rule(toy.rule("size < 1", "size must"))
    for proven in (Proven(target, "unverified", unverified=(rule,)), Proven(target, "gated", rules=(rule,))):
        with pytest.raises(InputError):
            written_to([Path("a.yaml"), Path("b.yaml"), Path("c.json")], documents(origin(), [proven]))


def written_to(paths, found):
    write(paths, found)
    return [path.read_bytes() for path in paths]


def test_writing_again_gives_the_same_bytes_and_reading_gives_the_same_documents(found, outputs):
    made = documents(origin(), [found])
    first = written_to(outputs, made)
    assert written_to(outputs, documents(origin(), [found])) == first
    read = [yaml.safe_load(first[0]), yaml.safe_load(first[1]), json.loads(first[2])]
    assert read == json.loads(json.dumps(made))
    assert all(b"\r" not in one and b"&id" not in one for one in first)


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_where_one_is_not_valid_none_is_written(found, outputs, bad):
    before = written_to(outputs, documents(origin(), [found]))
    made = [dict(one) for one in documents(origin(), [replace(found, rules=())])]
    made[bad]["unheard_of"] = True
    with pytest.raises(InputError):
        write(outputs, made)
    assert [path.read_bytes() for path in outputs] == before


@pytest.mark.parametrize("existing", [True, False])
def test_where_one_cannot_be_written_none_is_changed(found, outputs, monkeypatch, existing):
    before = written_to(outputs, documents(origin(), [found])) if existing else [None] * 3
    real = publish.write_atomic

    def fails(path, content):
        if path == outputs[2] and isinstance(content, str):
            raise OSError("the disk is full")
        real(path, content)

    monkeypatch.setattr(publish, "write_atomic", fails)
    with pytest.raises(OSError, match="disk is full"):
        write(outputs, documents(origin(), [replace(found, rules=())]))
    assert [path.read_bytes() if path.exists() else None for path in outputs] == before


PRINT = """
import sys
from tests.invariants.test_artefacts import ENGINE, documents, dump_yaml, origin
from tests.invariants.toy_bench import Toy, proved
toy = Toy(ENGINE)
found = proved(toy, toy.target(), samples=100)
sys.stdout.write("\\n---\\n".join(map(dump_yaml, documents(origin(), [found]))))
"""


def test_the_hash_seed_changes_nothing():
    root = Path(__file__).resolve().parents[2]
    texts = set()
    for seed in ("0", "77"):
        done = subprocess.run(
            [sys.executable, "-c", PRINT],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        )
        texts.add(done.stdout)
    assert len(texts) == 1
    assert "size < 1" in texts.pop()


# Text

ODD = ["1e3", "no", "~", "null", "2026-01-01", "0x1f", "1_000", "a: b", "# x", "", " ", "two\nlines\n", "\tb",
       "“ü”", "\u2028", "\x85", "x" * 300, "'", '"', "{a}", "- a", "!!str",
       "\u0007", "é\n\n e", "😀"]  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=repr)
def test_odd_text_comes_back_as_it_was(text):
    value = {"key": text, text: [text, {text: None}]}
    assert yaml.safe_load(dump_yaml(value)) == value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("abc1~", max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(json_values)
def test_whatever_is_dumped_comes_back_with_its_types(value):
    back = yaml.safe_load(dump_yaml({"value": value}))["value"]
    assert json.dumps(back) == json.dumps(value)


# Rules


def test_a_rule_comes_back_from_its_entry(found):
    for rule in found.rules:
        entry = yaml.safe_load(dump_yaml(rule_json(rule)))
        back = candidate_of(entry)
        assert back == replace(rule.candidate, refined=False)
        assert back.effect.sets == rule.candidate.effect.sets
        assert rule_id(back) == rule.id == entry["id"]


def test_an_id_depends_on_what_a_rule_says_and_on_nothing_else(toy):
    rule = toy.rule("size < 1", "size must")
    for other in (
        replace(rule, site=toy.site("odd stop")),
        replace(rule, message="another"),
        replace(rule, origin="live"),
        replace(rule, depth="validate"),
        replace(rule, when=parse("1 > size")),
        replace(rule, when=parse("size < 1 and size < 3")),
        replace(rule, requires=("platform: linux",)),
    ):
        assert rule_id(other) == rule_id(rule)
    for other in (
        replace(rule, when=parse("size < 2")),
        replace(rule, when=parse("size < 1.0")),
        replace(rule, severity="warn"),
        replace(rule, target="toy.Other"),
        replace(rule, effect=toy.rule("size < 1", "size must", "dormant", sets={"size": "1"}).effect),
    ):
        assert rule_id(other) != rule_id(rule)


@pytest.mark.parametrize(
    "when", ["size < 1", "True", "field('a b') > 1 and field('é') is None", "x['y'] == 'z'"]
)
def test_ids_are_readable_and_valid(toy, target, when):
    rule = Quarantined(toy.rule(when, "size must"), "false_alarm")
    document = documents(origin(), [Proven(target, "gated", quarantined=(rule,))])[1]
    check(Document("q", document, {}), FORMATS[1])
    assert rule.id.startswith("Config.")
    assert rule.id == rule.id.strip(".-")


def test_rules_are_ordered_whatever_the_order_they_were_found_in(found):
    turned = replace(
        found,
        rules=tuple(reversed(found.rules)),
        quarantined=tuple(reversed(found.quarantined)),
    )
    assert documents(origin(), [turned])[:2] == documents(origin(), [found])[:2]
