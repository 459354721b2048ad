"""When the proven rules say which values a parameter takes, and not the list that is declared."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from atlas.check.names import is_decided

ENTRY = {"owner": "toy.Args", "name": "mode", "joins": "toy.Config.kind"}


def knowledge(when, *, target="toy.Args", fields=("mode",), severity="error", proven=True):
    rule = SimpleNamespace(when=when, fields=fields, severity=severity, proven=proven)
    return SimpleNamespace(rules=lambda cls: (rule,) if cls == target else ())


@pytest.mark.parametrize(("when", "decided"), [
    ("mode not in ('a', 'b')", True),
    ("type(raw(mode)) == 'str' and upper(raw(mode)) not in ('A', 'B')", True),
    ("type(mode) not in ('null', 'str')", False),
    ("type(raw(mode)) not in ('null', 'str') or len(mode) > 3", False),
    ("type(raw(mode)) not in ('null', 'str') or mode not in ('a', 'b')", True),
])  # fmt: skip
def test_a_rule_about_values_decides_and_one_about_types_does_not(when, decided):
    assert is_decided(knowledge(when), ENTRY) is decided


def test_only_proven_errors_about_the_parameter_or_what_it_becomes_decide():
    when = "mode not in ('a', 'b')"
    assert not is_decided(knowledge(when, proven=False), ENTRY)
    assert not is_decided(knowledge(when, severity="warn"), ENTRY)
    assert not is_decided(knowledge(when, fields=("mode", "size")), ENTRY)
    assert is_decided(knowledge("kind not in ('a',)", target="toy.Config", fields=("kind",)), ENTRY)
