"""How far the lanes agree, counted per group and root when they are merged."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.schema.assemble import Assembled, Parameter
from atlas.schema.compare import bounds
from atlas.schema.facts import FieldFact, Json
from atlas.schema.merge import FACTS
from atlas.schema.type_questions import is_unknown


def coverage_counts(parameters: Sequence[Parameter]) -> dict[str, int]:
    """How many parameters have each kind of fact."""
    return {
        "n": len(parameters),
        "typed": sum(not is_unknown(one.merged.fact.type) for one in parameters),
        "defaulted": sum(one.merged.fact.default.kind != "unknown" for one in parameters),
        "bounded": sum(bool(bounds(one.merged.fact)) for one in parameters),
        "described": sum(is_described(one) for one in parameters),
        "live": sum("live" in one.merged.lanes() for one in parameters),
        "static": sum("static" in one.merged.lanes() for one in parameters),
    }


def is_described(one: Parameter) -> bool:
    return bool(one.merged.fact.description and one.merged.fact.description.strip())


def lane_rows(assembled: Assembled) -> list[dict[str, Json]]:
    """A row of counts for each class of each root, in the order in which they were reached."""
    members: dict[tuple[str, str, str], list[Parameter]] = {}
    for root in assembled.roots:
        for one in assembled.groups[root.group]:
            if one.root == root.qualname and not root.same_as:
                members.setdefault((root.group, root.qualname, one.owner), []).append(one)
    return [_row(*key, parameters) for key, parameters in members.items()]


def _row(group: str, root: str, owner: str, parameters: Sequence[Parameter]) -> dict[str, Json]:
    settable = [one for one in parameters if one.merged.fact.init]
    unknown = [one for one in settable if is_unknown(one.merged.fact.type)]
    static_only: dict[str, list[str]] = {}
    for one in parameters:
        if one.merged.static_only:
            static_only.setdefault(one.merged.static_only, []).append(one.path)
    return {
        "group": group,
        "root": root,
        "class": owner,
        **coverage_counts(parameters),
        "settable": {"n": len(settable), "typed": len(settable) - len(unknown)},
        "both": sum(one.merged.lanes() == {"static", "live"} for one in parameters),
        "effective": sum(one.effective is not None for one in parameters),
        **{fact: _agreement(fact, parameters) for fact in FACTS},
        "static_only": dict(sorted(static_only.items())),
        "live_only": [one.path for one in parameters if one.merged.lanes() == {"live"}],
        "unknown_types": [one.path for one in unknown],
        "unwritten_types": [one.path for one in unknown if _unwritten(one.merged.fact)],
    }


def _unwritten(fact: FieldFact) -> bool:
    """Whether the engine nowhere says of which type a parameter is: a name taken out of **kwargs."""
    return is_unknown(fact.type) and not fact.annotation and fact.via in ("kwargs", "init_attr")


def _agreement(fact: str, parameters: Sequence[Parameter]) -> dict[str, Json]:
    """How often both lanes knew a fact, how often they agreed, and where they did not."""
    verdicts = [
        (one.path, one.merged.agreed[fact])
        for one in parameters
        if one.merged.agreed and fact in one.merged.agreed
    ]
    differ = [path for path, agrees in verdicts if not agrees]
    return {"compared": len(verdicts), "equal": len(verdicts) - len(differ), "differ": differ}
