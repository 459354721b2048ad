"""Results as madengine's users print them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.perf.results import multiple_results, number, performance_lines


def values(*lines):
    return [(one.value, one.metric, one.unit) for one in performance_lines(lines)]


@pytest.mark.parametrize(
    ("line", "value", "metric", "unit"),
    [
        ("performance: 12.5 tokens_per_second", 12.5, "tokens_per_second", ""),
        ("performance: 12.5/s tokens", 12.5, "tokens", "s"),
        ("performance: 12.5, tokens_per_second", 12.5, "tokens_per_second", ""),
        ("performance: -1.5e-3/gpu, loss", -0.0015, "loss", "gpu"),
        ("INFO performance:   7 samples_per_second done", 7.0, "samples_per_second", ""),
        ("performance: 5. tok/s", 5.0, "tok/s", ""),
    ],
)
def test_all_documented_forms_are_read(line, value, metric, unit):
    assert values(line) == [(value, metric, unit)]


@pytest.mark.parametrize("line", ["Performance: 5 tok/s", "performance: 5", "my.performance: 5 x", "x"])
def test_other_lines_are_none(line):
    assert values(line) == []


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "1,234.5", "twelve", "0x10", "1_0"])
def test_what_is_no_finite_number_is_no_value_and_has_a_reason(text):
    (one,) = performance_lines([f"performance: {text} tok/s"])
    assert one.value is None
    assert text[:3] in one.reason


def test_all_lines_count_and_not_the_first_alone():
    assert values("performance: 1 a", "x", "performance: 2 b") == [(1, "a", ""), (2, "b", "")]


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_a_number_survives(value):
    assert values(f"performance: {value!r} m") == [(value, "m", "")]


@given(st.text(max_size=30))
@settings(deadline=None)
def test_a_number_is_finite_or_there_is_a_reason(text):
    value, reason = number(text)
    assert (value is None) == bool(reason)
    assert value is None or math.isfinite(value)


def test_a_csv_of_results_keeps_its_other_columns_as_text(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(" model , performance,metric ,isl,git\nm1,1.5,tok/s,007,12345e7\nm2,2,tok/s,8,x\n")
    first, second = multiple_results(path)
    assert (first.name, first.value, first.metric) == ("m1", 1.5, "tok/s")
    assert first.extra == {"isl": "007", "git": "12345e7"}
    assert second.value == 2


def test_a_bad_row_of_a_csv_spoils_no_other(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("model,performance,metric\nm1,,tok/s\nm2,nan,tok/s\nm3,3,tok/s\nm4,4\nm5,5,\n")
    assert [one.value for one in multiple_results(path)] == [None, None, 3, None, None]
    assert all(one.reason for one in multiple_results(path) if one.value is None)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "was not written"),
        (b"", "lacks the column `model`"),
        (b"model,performance\na,1\n", "lacks the column `metric`"),
        (b"model,performance,metric\n", "has no rows"),
        (b"\xff\xfe,performance,metric\n", "cannot be read"),
        (b"model,model,performance,metric\na,b,1,c\n", "has a column twice"),
    ],
)
def test_a_file_that_is_no_table_of_results_says_so(tmp_path, content, what):
    path = tmp_path / "r.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=what):
        multiple_results(path)
