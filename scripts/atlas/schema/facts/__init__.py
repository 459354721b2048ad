"""The model of what a lane saw: classes, fields, flags, resolved values, and what it could not see.

Both lanes, static and live, produce a `LaneFacts`; everything here is plain JSON once `to_json`ed.
"""

from atlas.schema.facts.fields import (
    CLASS_KINDS,
    CONSTRAINT_KEYS,
    DEFAULT_KINDS,
    ClassFact,
    DefaultFact,
    DeprecationFact,
    FieldFact,
)
from atlas.schema.facts.flags import FlagFact
from atlas.schema.facts.lanes import EffectiveFact, Lane, LaneFacts, Limitation, ObservedFact
from atlas.schema.facts.types import (
    ANY,
    CALLABLE,
    NONE,
    PATH,
    Json,
    TypeExpr,
    annotated,
    class_of,
    dict_of,
    enum,
    literal,
    opaque,
    prim,
    sequence,
    tuple_all,
    tuple_of,
    union,
    unknown,
)

__all__ = [
    "ANY",
    "CALLABLE",
    "CLASS_KINDS",
    "CONSTRAINT_KEYS",
    "DEFAULT_KINDS",
    "NONE",
    "PATH",
    "ClassFact",
    "DefaultFact",
    "DeprecationFact",
    "EffectiveFact",
    "FieldFact",
    "FlagFact",
    "Json",
    "Lane",
    "LaneFacts",
    "Limitation",
    "ObservedFact",
    "TypeExpr",
    "annotated",
    "class_of",
    "dict_of",
    "enum",
    "literal",
    "opaque",
    "prim",
    "sequence",
    "tuple_all",
    "tuple_of",
    "union",
    "unknown",
]
