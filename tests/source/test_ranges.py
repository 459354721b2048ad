"""Spans are coalesced without losing a byte, and a sparse file never invents one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.source.ranges import Missing, SparseFile, coalesce

spans = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 100)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=40,
)


@given(spans, st.integers(0, 50), st.integers(1, 500))
def test_coalescing_covers_all_wanted_bytes(wanted: list[tuple[int, int]], gap: int, longest: int) -> None:
    merged = coalesce(wanted, gap, longest)
    covered = {n for start, end in merged for n in range(start, end)}
    assert {n for start, end in wanted for n in range(start, end)} <= covered


@given(spans, st.integers(0, 50), st.integers(1, 500))
def test_coalesced_spans_are_sorted_disjoint_and_split_no_wanted_span(
    wanted: list[tuple[int, int]], gap: int, longest: int
) -> None:
    merged = coalesce(wanted, gap, longest)
    assert all(first[1] <= second[0] for first, second in pairwise(merged))
    for span in wanted:
        assert span[0] == span[1] or any(s <= span[0] and span[1] <= e for s, e in merged)


@given(spans, st.integers(0, 50))
def test_coalescing_adds_no_more_than_a_gap_between_neighbours(
    wanted: list[tuple[int, int]], gap: int
) -> None:
    needed = {n for start, end in wanted for n in range(start, end)}
    for start, end in coalesce(wanted, gap, 10**9):
        idle = [n for n in range(start, end) if n not in needed]
        runs = "".join("." if n in set(idle) else "#" for n in range(start, end)).split("#")
        assert max(map(len, runs), default=0) <= gap
        assert start in needed and end - 1 in needed


def test_spans_far_apart_stay_apart_and_near_ones_join() -> None:
    assert coalesce([(0, 10), (12, 20), (100, 110)], gap=5) == [(0, 20), (100, 110)]


def test_no_request_grows_beyond_the_longest() -> None:
    assert coalesce([(0, 10), (10, 20), (20, 30)], gap=5, longest=20) == [(0, 20), (20, 30)]


@given(st.binary(min_size=1, max_size=60), spans.filter(bool), st.integers(0, 70), st.integers(0, 70))
def test_a_sparse_file_reads_like_the_file_or_says_what_is_missing(
    content: bytes, held: list[tuple[int, int]], at: int, length: int
) -> None:
    file = SparseFile(len(content))
    known = set()
    for start, end in held:
        start, end = start % len(content), min(end, len(content))
        file.add(start, content[start:end])
        known |= set(range(start, min(end, start + len(file.chunks[start]))))
    known = {n for s, chunk in file.chunks.items() for n in range(s, s + len(chunk))}
    file.seek(at)
    asked = set(range(at, min(at + length, len(content))))
    if asked <= known:
        assert file.read(length) == content[at : at + length]
    else:
        with pytest.raises(Missing) as missing:
            file.read(length)
        start, end = missing.value.span
        assert start == min(asked - known)
        assert set(range(start, end)) <= asked - known
