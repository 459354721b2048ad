"""What is told of configurations: types, limits, rules of the class and of those it hands values to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atlas
from atlas.check.messages import SEEN_TO_FAIL
from atlas.check.model import Item, Place
from atlas.errors import InputError
from atlas.invariants.artefact import load_published
from atlas.invariants.corpus import Corpus
from atlas.invariants.effective import effective
from atlas.knowledge import load

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"


@pytest.fixture(scope="module")
def vllm():
    return load("vllm", "0.33.0", RESULTS)


def kinds(result):
    return [(one.level, one.kind, one.parameter) for one in result.findings]


def test_all_violations_are_told_at_once(vllm):
    result = vllm.check(
        {"max_num_seqs": 0, "gpu_memory_utilization": 1.5, "swap_space": 4, "max_model_lens": 3}
    )
    assert kinds(result) == [
        ("error", "rule_error", "gpu_memory_utilization"),
        ("error", "unknown_parameter", "max_model_lens"),
        ("error", "rule_error", "max_num_seqs"),
        ("error", "removed_parameter", "swap_space"),
    ]
    assert not result.accepted
    assert result.findings[1].nearest == ("max_model_len",)


def test_a_rule_of_the_class_that_takes_a_value_is_about_the_argument(vllm):
    (found,) = vllm.check({"max_num_seqs": 8, "max_num_batched_tokens": 4}).findings
    assert (found.level, found.evidence, found.depth) == ("error", "proven", "construct")
    assert found.message.startswith(
        "max_num_batched_tokens (4) must be greater than or equal to max_num_seqs (8)"
    )
    assert found.link and found.link.endswith(f"{found.file}#L{found.line}")


def test_a_rule_that_depends_on_what_is_computed_says_nothing(vllm):
    """Unset, max_num_seqs is computed before the scheduler gets it: its default there decides nothing."""
    assert vllm.check({"max_num_batched_tokens": 100}).findings == ()


def test_a_field_that_is_always_handed_over_is_not_missing(vllm):
    assert vllm.check({"max_num_seqs": 8}).findings == ()


def test_nested_objects_are_checked_with_their_places(vllm):
    from atlas.check.api import checker

    inner = {("step_interval",): Place("f", 4, 3), ("nothing",): Place("f", 5, 3)}
    item = Item("eplb_config", {"step_interval": 0, "nothing": 1}, Place("f", 3, 1), inner)
    result = checker(vllm, {"eplb_config": {}}).check_fields([item], "f")
    assert {(one.kind, one.parameter, str(one.place)) for one in result.findings} >= {
        ("rule_error", "eplb_config.step_interval", "f:4:3"),
        ("unknown_parameter", "eplb_config.nothing", "f:5:3"),
    }


def test_what_only_is_declared_is_a_warning():
    """A dataclass without checks takes anything; nobody has seen it refuse this."""
    lmdeploy = load("lmdeploy", "0.18.0", RESULTS)
    result = lmdeploy.check({"method": "x", "num_speculative_tokens": "four"}, target="SpeculativeConfig")
    assert [(one.level, one.kind, one.evidence) for one in result.findings] == [
        ("warning", "wrong_type", "declared")
    ]


def test_a_class_that_is_only_held_by_a_parameter_can_be_named(vllm):
    result = vllm.check({"max_num_seqs": 0, "nothing": 1}, target="SchedulerConfig")
    assert ("error", "rule_error", "max_num_seqs") in kinds(result)
    assert [one.level for one in result.findings if one.parameter == "nothing"] == ["warning"]


def test_where_values_are_converted_text_is_a_number(vllm):
    assert vllm.check({"max_num_seqs": "8"}).accepted
    assert not vllm.check({"max_num_seqs": "eight"}).accepted


def test_what_has_conditions_is_no_error():
    """Rules that depend on the machine or on packages."""
    transformers = load("transformers", "5.23.0", RESULTS)
    ruled = [
        rule for rule in transformers.rules() if rule.requires and rule.severity == "error" and rule.triggers
    ]
    assert ruled
    for rule in ruled:
        result = transformers.check(rule.triggers, target=rule.target)
        found = [one for one in result.findings if one.rule == rule.id]
        elsewhere = any(one.startswith(SEEN_TO_FAIL) for one in rule.requires)
        if not found:  # another rule says the same of these
            told = {one.level for one in result.findings if one.rule}
            assert told and told <= {"note", "warning"}
            continue
        assert [one.level for one in found] == ["note" if elsewhere else "warning"]
        deep = ("something is generated",) if rule.depth == "generate" else ()
        assert found[0].conditions == (*rule.requires, *deep)


def test_silent_changes_are_notes_with_the_effective_value(vllm):
    result = vllm.check({"temperature": 0.0, "top_k": 5, "top_p": 0.5}, target="SamplingParams")
    assert result.accepted
    assert result.effective == {"top_k": 0, "top_p": 1.0}
    assert {one.kind for one in result.findings} == {"rule_dormant"}


def test_what_happens_with_nothing_set_is_not_told():
    for engine in ("vllm", "sglang", "transformers", "lmdeploy"):
        knowledge = load(engine, None, RESULTS)
        for target in knowledge.targets:
            roots = [root["name"] for group in knowledge.groups for root in knowledge.schema["roots"][group]]
            if target.cls in roots and target.status == "gated":
                result = knowledge.check({}, target=target.cls)
                assert all(one.kind == "missing_parameter" for one in result.findings)


CELLS = [
    ("vllm", "SamplingParams"),
    ("sglang", "SamplingParams"),
    ("transformers", "GenerationConfig"),
    ("lmdeploy", "GenerationConfig"),
]


@pytest.mark.parametrize(("engine", "name"), CELLS)
def test_rules_hold_where_the_evaluator_of_the_stage_says_so(engine, name):
    """Witnesses, and mixtures of them: the same errors, the same effective values."""
    version = atlas.versions(engine, RESULTS)[-1]
    knowledge, published = load(engine, version, RESULTS), load_published(ROOT, f"{engine}=={version}")
    target = published.target(name)
    labelled = [
        (label, rule)
        for label, rule in published.rules(target)
        if rule.depth in ("construct", "validate", "resolve")
    ]
    corpus = Corpus(target, [rule for _, rule in labelled])
    sure = Corpus(target, [rule for _, rule in labelled if not rule.requires])  # as others may not apply
    witnesses = [one for rule in knowledge.rules(target.cls) for one in (rule.triggers, rule.passes) if one]
    configs = [*witnesses, *({**a, **b} for a, b in zip(witnesses, witnesses[7:], strict=False))]
    for config in configs:
        result = knowledge.check(config, target=target.cls)
        holding = [labelled[place] for place in corpus.holding(config)]
        errors = any(rule.severity == "error" and not rule.requires for _, rule in holding)
        declared = any(one.level == "error" and one.rule is None for one in result.findings)
        assert result.accepted == (not errors and not declared), config
        sets, stable = effective(sure, config)
        bare, _ = effective(sure, {})
        if result.accepted and stable:
            wanted = {
                field: value for field, value in sets.items() if field in config or bare.get(field) != value
            }
            assert dict(result.effective) == wanted, config


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats() | st.sampled_from(["", "auto", "8", "x"]),
    lambda one: (
        st.lists(one, max_size=2) | st.dictionaries(st.sampled_from(["mode", "level", "a"]), one, max_size=2)
    ),
    max_leaves=4,
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_json_in_any_parameter_is_answered(data):
    engine = data.draw(st.sampled_from(["vllm", "sglang", "transformers", "lmdeploy"]))
    knowledge = load(engine, None, RESULTS)
    group = data.draw(st.sampled_from(knowledge.groups))
    names = sorted({entry["name"] for entry in knowledge.schema[group]}) or ["x"]
    config = data.draw(st.dictionaries(st.sampled_from([*names, "nothing"]), json_values, max_size=5))
    result = knowledge.check(config, group=group)
    assert result.checked == len(config)


def test_the_class_is_found_from_the_keys(vllm):
    assert vllm.check({"temperature": 1.0, "top_p": 0.5}).target.endswith("SamplingParams")
    assert vllm.check({"tensor_parallel_size": 1}).target.endswith("AsyncEngineArgs")
    assert vllm.check({"beam_width": 3}, group="sampling_params").target.endswith("BeamSearchParams")
    with pytest.raises(InputError, match="did you mean `SamplingParams`"):
        vllm.check({}, target="SamplingParam")
    with pytest.raises(InputError, match="no group"):
        vllm.check({}, group="sampling")
    with pytest.raises(InputError, match="names as keys"):
        vllm.check({3: 4})


def test_atlas_is_importable_without_what_builds_artefacts():
    code = (
        "import sys, atlas; result = atlas.load('vllm', '0.33.0').check({'max_num_seqs': 0});"
        "import atlas.check.run; heavy = ('pandas', 'snakemake', 'requests', 'rich', 'jinja2', 'jsonschema',"
        " 'atlas.invariants.static', 'atlas.invariants.learn', 'atlas.schema');"
        "print(result.accepted, [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False []"
    assert atlas.versions("lmdeploy", RESULTS)[-1] == atlas.load("lmdeploy", results=RESULTS).version
    with pytest.raises(AttributeError):
        atlas.nothing  # noqa: B018


def test_values_in_messages_are_cut_short(vllm):
    result = vllm.check({"max_num_seqs": "x" * 100_000, "nothing" * 1000: "y" * 100_000})
    assert all(len(one.message) < 10_000 for one in result.findings)
    assert json.dumps([one.message for one in result.findings])


def test_what_does_not_hold_with_another_model_is_no_warning():
    result = load("sglang", "0.5.23").check({"context_length": 262144})
    found = [one for one in result.findings if one.kind == "rule_error"]
    assert found and {one.level for one in found} == {"note"}
    assert all(any(one.startswith(SEEN_TO_FAIL) for one in each.conditions) for each in found)
    assert result.accepted
