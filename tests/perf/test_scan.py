"""What a log says: the corpus is told apart without a mistake, and a card can have it otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.perf.patterns import DEFAULT, rules
from atlas.perf.scan import scan_lines, scan_log

DATA = Path(__file__).parent / "data"
BAD = (DATA / "bad.txt").read_text().splitlines()
GOOD = (DATA / "benign.txt").read_text().splitlines()


def is_bad(line, **options):
    return bool(list(scan_lines([line], rules(**options))))


def test_the_corpus_is_large_enough_and_without_doubles():
    assert len(set(BAD)) == len(BAD) >= 40
    assert len(set(GOOD)) == len(GOOD) >= 40
    assert len(DEFAULT) == 13


def test_precision_and_recall_are_one_on_the_corpus():
    missed = [line for line in BAD if not is_bad(line)]
    false_alarms = [line for line in GOOD if is_bad(line)]
    assert (missed, false_alarms) == ([], [])


@pytest.mark.parametrize("text", [text for _, text in DEFAULT])
def test_every_text_that_madengine_knows_is_found_alone(text):
    assert is_bad(f"worker 0: {text}")


@pytest.mark.parametrize(
    ("line", "category"),
    [
        ("CUDA out of memory. Tried to allocate", "oom"),
        ("Segmentation fault", "crash"),
        ("NVRM: Xid (PCI:0000:3b:00): 79", "device"),
        ("x:1:2 [0] NCCL WARN Connection refused", "collective"),
        ("Engine core proc EngineCore_0 died unexpectedly", "engine"),
        ("write: No space left on device", "disk_full"),
    ],
)
def test_a_finding_has_a_category(line, category):
    assert next(scan_lines([line], rules())).category == category


def test_a_finding_has_line_and_excerpt_without_escapes(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"fine\n\x1b[31mRuntimeError: broken\x1b[0m\xff\n")
    (finding,) = scan_log(log, rules())
    assert (finding.line, finding.excerpt) == (2, "RuntimeError: broken�")


def test_patterns_of_a_card_replace_all_others_and_its_benign_ones_are_added():
    assert not is_bad("RuntimeError: x", replaced=("my error",))
    assert is_bad("this is my error", replaced=("my error",))
    assert not is_bad("RuntimeError: known", benign=("known",))
    assert not is_bad("FutureWarning: my error", replaced=("my error",), benign=("else",))
    assert rules(scan=False) is None


def test_texts_of_a_card_are_no_expressions():
    assert not is_bad("abc", replaced=("a.c",))


@given(st.lists(st.text(max_size=200), max_size=20))
@settings(deadline=None)
def test_any_text_can_be_scanned_and_findings_are_in_order(lines):
    found = list(scan_lines(lines, rules()))
    assert [one.line for one in found] == sorted({one.line for one in found})


def test_a_line_of_a_megabyte_takes_no_time():
    import time

    start = time.process_time()
    for line in ("a" * 1_000_000, "x=" * 500_000, "ValueError " * 90_000, "( " * 500_000):
        is_bad(line)
    assert time.process_time() - start < 2
