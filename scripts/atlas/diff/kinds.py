"""The kinds of change: what each is called, what it is seen from the other side, and what it says.

A kind is a fact. How bad it is, the policy says (`atlas.diff.policy`, `config/diff_policy.yaml`).
"""

from __future__ import annotations

from collections.abc import Iterable

PAIRS = (
    ("param_added", "param_removed"),
    ("param_added_required", "param_removed_required"),
    ("param_heeded", "param_ignored"),
    ("param_seen", "param_unseen"),
    ("became_required", "became_optional"),
    ("became_readonly", "became_settable"),
    ("type_widened", "type_narrowed"),
    ("nullable_gained", "nullable_lost"),
    ("enum_value_added", "enum_value_removed"),
    ("enum_opened", "enum_closed"),
    ("named_value_added", "named_value_removed"),
    ("constraint_added", "constraint_removed"),
    ("constraint_tightened", "constraint_relaxed"),
    ("default_became_dynamic", "default_became_static"),
    ("deprecated", "undeprecated"),
    ("flag_added", "flag_removed"),
    ("flag_spelling_added", "flag_spelling_removed"),
    ("alias_added", "alias_removed"),
    ("invariant_added", "invariant_removed"),
    ("invariant_tightened", "invariant_relaxed"),
    ("invariant_came_with_parameter", "invariant_went_with_parameter"),
    ("warning_added", "warning_removed"),
    ("dormant_added", "dormant_removed"),
)
"""Each kind and what it is when the versions change places."""

ALONE = (
    "param_renamed",
    "param_moved",
    "type_changed",
    "class_changed",
    "constraint_changed",
    "default_changed",
    "effective_default_changed",
    "default_text_changed",
    "deprecation_changed",
    "env_changed",
    "invariant_changed",
    "invariant_restated",
    "invariant_reworded",
    "expansion_changed",
    "doc_changed",
    "source_moved",
    "type_rewritten",
    "provenance_changed",
    "indeterminate",
)
"""Kinds that are the same from either side."""

MIRROR = {
    **dict(PAIRS),
    **{other: one for one, other in PAIRS},
    **{kind: kind for kind in ALONE},
}


def every_kind() -> Iterable[str]:
    return MIRROR
