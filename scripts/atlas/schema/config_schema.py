"""config.schema.json: a plain JSON Schema of an engine's config file, for editors and validators.

It holds the parameters of the first group of surfaces. Roots that share a file (no path prefix) give
its properties; where every root stands for itself, a file is one of them. Nested classes are `$defs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atlas.schema.assemble import Assembled, Parameter, Root
from atlas.schema.facts import DefaultFact
from atlas.schema.fragments import Schema
from atlas.schema.merge import Merged, MergedClass, MergedField
from atlas.schema.paragraphs import unwrapped
from atlas.schema.parameters import admitting, default_json, deprecated_json, effective_json, flags_json
from atlas.schema.type_questions import short
from atlas.schema.types import to_json_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
STRICT_KINDS = ("dataclass", "attrs", "msgspec", "named_tuple")
"""Classes whose constructor refuses a name it does not know."""
NOTES = ("default", "description", "deprecated", "x-deprecated", "x-cli-flag", "x-env", "x-effective-default")
"""What a property says about itself, apart from which values it takes."""


@dataclass
class _Definitions:
    """Nested classes, each defined when it is first referred to."""

    classes: Mapping[str, MergedClass]
    schemas: dict[str, Schema] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def ref(self, qualname: str) -> Schema | None:
        found = self.classes.get(qualname)
        if found is None or not found.fields:
            return None
        if qualname not in self.names:
            name = short(qualname)
            self.names[qualname] = qualname if name in self.names.values() else name
            self.schemas[self.names[qualname]] = {}
            self.schemas[self.names[qualname]] = class_schema(found, self)
        return {"$ref": f"#/$defs/{self.names[qualname]}"}


def config_schema(engine: str, version: str, merged: Merged, assembled: Assembled) -> Schema:
    """The JSON Schema of one engine version's config file."""
    group = next(iter(assembled.groups))
    roots = [root for root in assembled.roots if root.group == group]
    shared = [root for root in roots if not root.prefix]
    definitions = _Definitions(merged.classes)
    schema: Schema = {
        "$schema": DIALECT,
        "title": f"{engine} {version} configuration",
        "type": "object",
    }
    if shared:
        schema |= _file(shared, assembled.groups[group], definitions)
    else:
        schema["anyOf"] = [definitions.ref(root.qualname) or {} for root in roots]
    schema["$defs"] = dict(sorted(definitions.schemas.items()))
    _admit_defaults(schema)
    return schema


def _file(roots: list[Root], parameters: tuple[Parameter, ...], definitions: _Definitions) -> Schema:
    """The properties of roots that share a file; unknown keys pass unless a root forbids them."""
    properties: dict[str, Schema] = {}
    mine = {root.qualname for root in roots}
    for one in parameters:
        if one.root in mine and one.path == one.merged.fact.name and _settable(one.merged):
            properties[one.path] = property_schema(one.merged, definitions, one)
            for alias in one.merged.fact.aliases:
                properties.setdefault(alias, {"$ref": f"#/properties/{one.path}"})
    schema: Schema = {"properties": properties}
    if all(definitions.classes[root.qualname].fact.extra == "forbid" for root in roots):
        schema["additionalProperties"] = False
    return schema


def class_schema(found: MergedClass, definitions: _Definitions) -> Schema:
    """A nested class given as a mapping of its fields."""
    settable = [one for one in found.fields if _settable(one)]
    schema: Schema = {"type": "object"}
    if found.fact.doc:
        schema["description"] = found.fact.doc.strip().partition("\n\n")[0]
    schema["properties"] = {one.fact.name: property_schema(one, definitions) for one in settable}
    for one in settable:
        for alias in one.fact.aliases:
            schema["properties"].setdefault(alias, {"$ref": _pointer(definitions, found, one)})
    required = [
        one.fact.name for one in settable if one.fact.default.kind == "required" and not one.fact.aliases
    ]
    if required:
        schema["required"] = required
    if found.fact.extra == "forbid" or (found.fact.extra is None and found.fact.kind in STRICT_KINDS):
        schema["additionalProperties"] = False
    return schema


def _pointer(definitions: _Definitions, found: MergedClass, one: MergedField) -> str:
    return f"#/$defs/{definitions.names[found.fact.qualname]}/properties/{one.fact.name}"


def property_schema(
    one: MergedField, definitions: _Definitions, parameter: Parameter | None = None
) -> Schema:
    """A field's type, with its documentation in the words of JSON Schema."""
    fact = one.fact
    flags = flags_json(parameter.flags if parameter else ())
    optional: dict[str, Any] = {
        "description": fact.description and unwrapped(fact.description),
        "deprecated": fact.deprecated is not None,
        "x-deprecated": deprecated_json(fact.deprecated),
        "x-cli-flag": flags["cli_flags"] or flags["cli_flag"],
        "x-env": fact.env,
        "x-effective-default": effective_json(parameter.effective if parameter else None),
    }
    return {
        **to_json_schema(fact.type, fact.constraints, definitions.ref),
        **default_json(fact.default),
        **{key: value for key, value in optional.items() if value},
    }


def _settable(one: MergedField) -> bool:
    return one.fact.init and not one.fact.private


def _admit_defaults(schema: Schema) -> None:
    """Widen each property that would refuse the engine's own default."""
    for place in (schema, *schema["$defs"].values()):
        for name, found in place.get("properties", {}).items():
            if "default" in found:
                notes = {key: value for key, value in found.items() if key in NOTES}
                bare = {key: value for key, value in found.items() if key not in NOTES}
                default = DefaultFact("value", found["default"])
                place["properties"][name] = {**admitting(bare, default, schema["$defs"]), **notes}
