"""Hand-made lanes for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from atlas.engines.model import Surface
from atlas.schema.assemble import Assembled, assemble
from atlas.schema.facts import ClassFact, DefaultFact, FieldFact, LaneFacts, TypeExpr, prim
from atlas.schema.merge import Merged, merge_lanes
from atlas.schema.publish import Origin, document

INT, FLOAT, STR, BOOL = map(prim, ("int", "float", "str", "bool"))
NULL = DefaultFact("none", None, "None")
REQUIRED = DefaultFact("required")


def value(found: Any, text: str | None = None) -> DefaultFact:
    return DefaultFact("value", found, repr(found) if text is None else text)


def field(name: str, type_: TypeExpr | None = INT, default: DefaultFact = NULL, **more: Any) -> FieldFact:
    return FieldFact(
        name=name,
        owner=more.pop("owner", ""),
        type=type_,
        default=default,
        file="pkg/args.py",
        line=7,
        **more,
    )


def klass(qualname: str, *fields: FieldFact, kind: str = "dataclass", **more: Any) -> ClassFact:
    owned = tuple(one if one.owner else replace(one, owner=qualname) for one in fields)
    return ClassFact(qualname, kind, fields=owned, file="pkg/args.py", line=1, **more)


def lane(name: Any, *classes: ClassFact, **more: Any) -> LaneFacts:
    return LaneFacts(name, {one.qualname: one for one in classes}, **more)


def surfaces(**groups: list[str]) -> dict[str, tuple[Surface, ...]]:
    """Groups of class targets; `f()` is a function."""
    return {
        group: tuple(
            Surface("function", target[:-2]) if target.endswith("()") else Surface("class", target)
            for target in targets
        )
        for group, targets in groups.items()
    }


def assembled(merged: Merged, **groups: list[str]) -> Assembled:
    return assemble(merged, surfaces(**groups))


def published(
    static: LaneFacts | None, live: LaneFacts | None = None, engine: str = "toy", **groups: list[str]
) -> dict[str, Any]:
    """schema.discovered.json of hand-made lanes."""
    merged = merge_lanes(static, live)
    source = {"kind": "wheel", "ref": "toy-1.0-py3-none-any.whl", "digest": "sha256:" + "a" * 64}
    environment = {"kind": "venv", "digest": "sha256:" + "b" * 64, "platform": "linux-x86_64"}
    origin = Origin(
        engine, "1.0", (source,), environment if live else None, {"pkg/args.py": "sha256:" + "c" * 64}
    )
    return document(origin, merged, assemble(merged, surfaces(**groups)))


def by_path(schema: dict[str, Any], group: str) -> dict[str, dict[str, Any]]:
    return {one["path"]: one for one in schema[group]}
