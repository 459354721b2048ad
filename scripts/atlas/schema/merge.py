"""Two lanes into one set of classes: every field with its evidence, and what the lanes differ about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from atlas.schema.compare import (
    Verdict,
    compare_constraints,
    compare_defaults,
    compare_listed,
    compare_text,
    compare_types,
    merge_deprecation,
)
from atlas.schema.facts import (
    ClassFact,
    EffectiveFact,
    FieldFact,
    FlagFact,
    Json,
    LaneFacts,
    Limitation,
)
from atlas.schema.observed import observed_type

FACTS = ("default", "type", "bounds", "enum")


@dataclass(frozen=True)
class Evidence:
    """Where a lane saw a parameter; `file` is a path inside the engine's sources."""

    lane: str
    file: str | None
    line: int | None


@dataclass(frozen=True)
class Disagreement:
    fact: str
    static: Json
    live: Json


@dataclass(frozen=True)
class MergedField:
    """One field of one class. `agreed` tells, per fact that both lanes know, whether they agree.

    `observed`: the JSON types that its constructor takes, where the type is known by that alone.
    """

    fact: FieldFact
    evidence: tuple[Evidence, ...]
    disagreements: tuple[Disagreement, ...] = ()
    agreed: Mapping[str, bool] | None = None
    static_only: str | None = None
    observed: tuple[str, ...] = ()

    def lanes(self) -> frozenset[str]:
        return frozenset(one.lane for one in self.evidence)


@dataclass(frozen=True)
class MergedClass:
    fact: ClassFact
    lanes: frozenset[str]
    fields: tuple[MergedField, ...]


@dataclass(frozen=True)
class Merged:
    """All that is known of one engine version. `limitations` are (lane, limitation)."""

    lanes: tuple[str, ...]
    classes: Mapping[str, MergedClass]
    flags: Sequence[FlagFact]
    effective: Sequence[EffectiveFact]
    limitations: Sequence[tuple[str, Limitation]]


def merge_lanes(static: LaneFacts | None, live: LaneFacts | None) -> Merged:
    """The classes of both lanes by their qualnames; either lane may be missing."""
    present = [lane for lane in (static, live) if lane is not None]
    names = dict.fromkeys(name for lane in present for name in lane.classes)
    return Merged(
        lanes=tuple(lane.lane for lane in present),
        classes={
            name: _merge_class(static.classes.get(name) if static else None, live, name) for name in names
        },
        flags=_merge_flags(static.flags if static else (), live.flags if live else ()),
        effective=[fact for lane in present for fact in lane.effective],
        limitations=[(lane.lane, one) for lane in present for one in lane.limitations],
    )


def _merge_class(static: ClassFact | None, live_facts: LaneFacts | None, name: str) -> MergedClass:
    live = live_facts.classes.get(name) if live_facts else None
    mine = {field.name: field for field in static.fields} if static else {}
    theirs = {field.name: field for field in live.fields} if live else {}
    fields = []
    for field in dict.fromkeys([*mine, *theirs]):
        one, other = mine.get(field), theirs.get(field)
        if one and other:
            fields.append(merge_field(one, other))
        elif one:
            code = why_static_only(one, name, live_facts) if live_facts else None
            fields.append(MergedField(one, (_evidence("static", one),), static_only=code))
        elif other:
            fields.append(MergedField(other, (_evidence("live", other),)))
    lanes = frozenset(lane for lane, fact in (("static", static), ("live", live)) if fact)
    taken = {one.name: one.accepted for one in live_facts.observed if one.owner == name} if live_facts else {}
    fields = [_with_observed(one, taken.get(one.fact.name, ())) for one in fields]
    return MergedClass(_class_fact(static, live), lanes, tuple(fields))


def _with_observed(one: MergedField, accepted: tuple[str, ...]) -> MergedField:
    """The field; where no lane found a type for it, of the type that its constructor was seen to take."""
    if one.fact.type is not None or not one.fact.init or not accepted:
        return one
    return replace(one, fact=replace(one.fact, type=observed_type(accepted)), observed=accepted)


def _class_fact(static: ClassFact | None, live: ClassFact | None) -> ClassFact:
    """The static class, with what only an import tells (kind, extra) from the live one."""
    if static is None or live is None:
        found = static or live
        assert found is not None
        return found
    return replace(
        static,
        kind=live.kind,
        extra=live.extra or static.extra,
        validators=static.validators or live.validators,
        doc=static.doc or live.doc,
    )


def merge_field(static: FieldFact, live: FieldFact) -> MergedField:
    """One field from two lanes; the rules are those of `atlas.schema.compare`."""
    verdicts: dict[str, Verdict[Json]] = {
        "default": compare_defaults(static.default, live.default),
        "type": compare_types(static.type, live.type),
        "bounds": compare_constraints(static, live),
        "settable": Verdict(live.init, static.init == live.init, static.init, live.init),
    }
    listed = compare_listed(static.type, live.type)
    agreed = {name: v.agrees for name, v in verdicts.items() if name in FACTS and v.agrees is not None}
    if listed is not None:
        agreed["enum"] = listed
    fact = replace(
        static,
        type=verdicts["type"].chosen,
        annotation=compare_text(static.annotation, live.annotation),
        default=verdicts["default"].chosen,
        description=compare_text(static.description, live.description),
        constraints=verdicts["bounds"].chosen,
        deprecated=merge_deprecation(static.deprecated, live.deprecated),
        aliases=tuple(sorted({*static.aliases, *live.aliases})),
        env=static.env or live.env,
        init=verdicts["settable"].chosen,
        private=static.private or live.private,
        joins=static.joins or live.joins,
        file=static.file or live.file,
        line=static.line if static.file else live.line,
    )
    return MergedField(
        fact=fact,
        evidence=(_evidence("static", static), _evidence("live", live)),
        disagreements=tuple(
            Disagreement(name, verdict.static, verdict.live)
            for name, verdict in verdicts.items()
            if verdict.agrees is False
        ),
        agreed=agreed,
    )


def why_static_only(field: FieldFact, class_name: str, live: LaneFacts) -> str:
    """A code for why the live lane has no such field (docs/schema.md lists them)."""
    if class_name not in live.classes:
        return next((one.code for one in live.limitations if one.subject == class_name), "class_not_live")
    if field.via in ("kwargs", "docstring"):
        return field.via
    return "init_attribute" if field.via == "init_attr" else "unexplained"


def _evidence(lane: str, field: FieldFact) -> Evidence:
    return Evidence(lane, field.file, field.line)


def _merge_flags(static: Sequence[FlagFact], live: Sequence[FlagFact]) -> list[FlagFact]:
    """The live parser's flags, with the parameter and place that the source tells; then static-only ones."""
    written = {flag: fact for fact in static for flag in fact.flags}
    merged, used = [], set()
    for fact in live:
        source = next((written[flag] for flag in fact.flags if flag in written), None)
        if source is not None:
            used.add(id(source))
            fact = replace(
                fact,
                owner=fact.owner or source.owner,
                field=fact.field or source.field,
                help=source.help or fact.help,
                file=source.file or fact.file,
                line=source.line if source.file else fact.line,
            )
        merged.append(fact)
    return merged + [fact for fact in static if id(fact) not in used]
