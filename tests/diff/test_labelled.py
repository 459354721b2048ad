"""What `atlas diff` says of real releases against changes that were read out of their sources by hand.

What was labelled is no choice of ours: of all files (or classes) that hold parameters, the first by a hash of
their names. In these, every change is labelled, and everything that is told about them counts.
"""

import hashlib
from pathlib import Path

import pytest
import yaml

from .made import tracked, tracked_diff

FILES = sorted((Path(__file__).parent / "labelled").glob("*.yaml"))
NOT_LABELLED = {
    "flag_added", "flag_removed", "flag_spelling_added", "flag_spelling_removed", "effective_default_changed",
    "doc_changed", "source_moved", "type_rewritten", "provenance_changed", "default_text_changed",
    "expansion_changed",
}  # fmt: skip


NESTED = "transformers.generation.configuration_utils.ContinuousBatchingConfig"
"""A class of the sample that is listed inside of another root."""


def place(entry, of: str) -> str:
    """What the sample is taken of: the file that declares a parameter, or the class that has it."""
    if of == "files":
        return next(one["file"] for one in entry["evidence"] if one.get("file"))
    return NESTED if entry["owner"] == NESTED else entry["root"]


def sampled(label, versions) -> set[str]:
    """The first of them, by a hash that no one chose."""
    of, first = label["sample"]["of"], label["sample"]["first"]
    if of == "files":
        names = {place(entry, of) for facts in versions for entry in facts.entries.values()}
    else:
        names = {
            root["name"] for facts in versions for roots in facts.schema["roots"].values() for root in roots
        }
    salt = f"{label['engine']} {label['old']} {label['new']}"
    ordered = sorted(names, key=lambda name: hashlib.sha256(f"{salt} {name}".encode()).hexdigest())
    return set(ordered[:first])


def told(label) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Claims about the sample, and what was called not known."""
    versions = [tracked(label["engine"], label[side]) for side in ("old", "new")]
    names = sampled(label, versions)
    claims, unknown = set(), set()
    for change in tracked_diff(label["engine"], label["old"], label["new"]).changes:
        if change.aspect == "rule" or change.kind in NOT_LABELLED:
            continue
        group, _, path = change.subject.partition(":")
        entries = [entry for facts in versions if (entry := facts.entries.get((group, path)))]
        if any(place(entry, label["sample"]["of"]) in names for entry in entries):
            (unknown if change.kind == "indeterminate" else claims).add((change.kind, change.subject))
    return claims, unknown


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_claims_are_what_was_read_in_the_sources(file):
    label = yaml.safe_load(file.read_text())
    wanted = {(kind, subject) for kind, subjects in label["changes"].items() for subject in subjects}
    claims, unknown = told(label)
    right = claims & wanted
    precision, recall = len(right) / len(claims), len(right) / len(wanted)
    report = (
        f"false: {sorted(claims - wanted)}, missed: {sorted(wanted - claims)}, unknown: {sorted(unknown)}"
    )
    assert precision == 1, report
    assert recall >= 0.98, report
    assert {subject for _, subject in unknown} == set(label["not_known"]), report


def test_there_are_three_pairs_of_two_engines():
    labels = [yaml.safe_load(file.read_text()) for file in FILES]
    assert len(labels) >= 3 and len({one["engine"] for one in labels}) >= 2


def test_no_rename_is_claimed_that_is_none():
    """None of the labelled pairs has one; a rename that is told would be a false merge."""
    for file in FILES:
        label = yaml.safe_load(file.read_text())
        diff = tracked_diff(label["engine"], label["old"], label["new"])
        found = {one.kind for one in diff.changes}
        assert "param_renamed" not in label["changes"] and "param_renamed" not in found
