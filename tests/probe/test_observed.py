"""What the probe says of parameters without a type: the JSON types with which their class can be made."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from atlas.environment.run import Runtime, run_probe
from atlas.probe.atlas_probe import observed
from atlas.probe.atlas_probe.probe import Probe
from atlas.schema.facts import LaneFacts
from atlas.schema.observed import JSON_TYPES

TOY = """
class Config:
    def __init__(self, size: int = 1, **kwargs):
        self.open = kwargs.pop("open", None)
        self.count = kwargs.pop("count", None)
        self.names = kwargs.pop("names", None)
        if isinstance(self.count, bool) or not isinstance(self.count, (int, type(None))):
            raise TypeError("count is no number")
        if self.names is not None:
            self.names.append("mine")

class Alone:
    def __init__(self, **kwargs):
        raise ImportError("toy_kernels is not installed")

class Leaving:
    def __init__(self, **kwargs):
        self.mode = kwargs.pop("mode", None)
        if self.mode == "a":
            raise SystemExit(3)
"""


@pytest.fixture
def ask(tmp_path):
    """The probe's facts about the toy, with the types of some of its parameters to be observed."""

    def run(*wanted: str, classes=("toy.Config",)):
        (tmp_path / "toy.py").write_text(textwrap.dedent(TOY))
        request = {
            "packages": ["toy"],
            "distribution": "toy",
            "surfaces": {"engine_params": [{"class": name} for name in classes]},
            "observe": [list(one.rsplit(".", 1)) for one in wanted],
        }
        return run_probe(Runtime(Path(sys.executable), (tmp_path,)), request, timeout_s=60)

    return run


def accepted(facts):
    return {f"{one['class']}.{one['name']}": one["accepted"] for one in facts["observed"]}


def test_a_constructor_that_looks_at_nothing_accepts_every_json_type(ask):
    facts = ask("toy.Config.open")
    assert accepted(facts) == {"toy.Config.open": list(JSON_TYPES)}
    assert facts["limitations"] == []


def test_a_constructor_that_refuses_some_values_accepts_the_others(ask):
    facts = ask("toy.Config.count", "toy.Config.names", "toy.Leaving.mode")
    assert accepted(facts) == {
        "toy.Config.count": ["null", "integer"],
        "toy.Config.names": ["null", "array"],
        "toy.Leaving.mode": [kind for kind in JSON_TYPES if kind != "string"],
    }


def test_a_class_that_cannot_be_made_alone_is_a_limitation_and_the_rest_is_observed(ask):
    facts = ask("toy.Alone.mode", "toy.Gone.mode", "toy.Config.open")
    assert list(accepted(facts)) == ["toy.Config.open"]
    assert [(one["code"], one["subject"], one["reason"]) for one in facts["limitations"]] == [
        ("type_not_observed", "toy.Alone.mode", "ImportError: toy_kernels is not installed"),
        ("type_not_observed", "toy.Gone.mode", "AttributeError: module 'toy' has no attribute 'Gone'"),
    ]


def test_a_parameter_whose_type_the_class_states_is_left_alone(ask):
    assert ask("toy.Config.size")["observed"] == []


def test_without_a_wish_nothing_is_made(ask):
    assert ask()["observed"] == []


def test_observations_are_a_part_of_the_facts_that_both_sides_know(ask):
    facts = LaneFacts.from_json({**ask("toy.Config.count"), "lane": "live"})
    assert [(one.owner, one.name, one.accepted) for one in facts.observed] == [
        ("toy.Config", "count", ("null", "integer"))
    ]
    assert LaneFacts.from_json(facts.to_json()) == facts


def test_a_constructor_that_does_not_end_is_a_limitation(monkeypatch, tmp_path):
    text = """
    class Config:
        def __init__(self, mode=None):
            while mode == "a":
                try:
                    for _ in iter(int, 1):
                        pass
                except Exception:
                    pass
    """
    (tmp_path / "toy_endless.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(observed, "SECONDS", 0.2)
    probe = Probe({"packages": ["toy_endless"]})
    assert observed.observed_facts(probe, [("toy_endless.Config", "mode")], {}) == []
    assert probe.limitations == [
        {
            "code": "type_not_observed",
            "subject": "toy_endless.Config.mode",
            "reason": "its class was not made within 0.2 s",
        }
    ]
