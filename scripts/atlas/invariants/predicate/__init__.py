"""The predicate language: a subset of Python expressions over JSON values, made total.

    parse(text) → Expr                          to_text(expr) → its canonical text
    normalise(expr)                             exact_text(expr) → its text as it stands
    evaluate(expr, config, context)             holds(expr, config, context) → bool
    compile_expr, compile_predicate             compile_all(exprs, context)(config) → numbers of the true ones
    undefined(expr) → when Python raises        fields_of, constants_of, opaque_of, substitute

Operators (`Op.name`): and or not == != < <= > >= in not_in + - * / // % ** & | ^ << >> neg if slice list set
dict. Functions: given raw type truth (written `bool`) raises conforms convert; len int float str abs sum
sorted unique min max round floor ceil sqrt log2 isint isnan isinf isfinite; lower upper title capitalize
casefold strip lstrip rstrip removeprefix removesuffix split replace find count join startswith endswith
isdigit isalpha isalnum isnumeric isspace isidentifier; matches(pattern, text) fullmatch(pattern, text); same
(equal as JSON: True is not 1); keys values get(container, key[, default]) (`container[key]` with two
arguments); any(… for x in …), all(…) and [… for x in … if …] are `Each`. `field('odd name')` names a field
that is no Python name, `opaque('text', fields…)` and `environment('text')` what was not translated.

`docs/invariants-language.md` says what they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas.invariants.predicate.context import NO_CONTEXT, UNDEFINED, Context
from atlas.invariants.predicate.conversion import conforms
from atlas.invariants.predicate.errors import PredicateError
from atlas.invariants.predicate.expr import (
    FALSE,
    FUNCTIONS,
    NONE,
    OPERATORS,
    TRUE,
    Const,
    Each,
    Expr,
    Field,
    Op,
    Opaque,
    Var,
)
from atlas.invariants.predicate.kleene import evaluate
from atlas.invariants.predicate.parse import parse

if TYPE_CHECKING:
    from atlas.invariants.predicate.compiling import compile_all, compile_expr, compile_predicate, holds
    from atlas.invariants.predicate.normal import normalise, to_text
    from atlas.invariants.predicate.printing import exact_text
    from atlas.invariants.predicate.undefinedness import undefined
    from atlas.invariants.predicate.walk import constants_of, every_part, fields_of, opaque_of, substitute

__all__ = [
    "FALSE",
    "FUNCTIONS",
    "NONE",
    "NO_CONTEXT",
    "OPERATORS",
    "TRUE",
    "UNDEFINED",
    "Const",
    "Context",
    "Each",
    "Expr",
    "Field",
    "Op",
    "Opaque",
    "PredicateError",
    "Var",
    "compile_all",
    "compile_expr",
    "compile_predicate",
    "conforms",
    "constants_of",
    "evaluate",
    "every_part",
    "exact_text",
    "fields_of",
    "holds",
    "normalise",
    "opaque_of",
    "parse",
    "substitute",
    "to_text",
    "undefined",
]


def __getattr__(name: str) -> Any:
    """What is not needed to read and evaluate, imported when it is first used.

    No module of this package may have the name of such a thing, as it would hide it once imported.
    """
    if name in __all__:
        from atlas.invariants.predicate import compiling, normal, printing, undefinedness, walk

        for module in (compiling, normal, printing, undefinedness, walk):
            if hasattr(module, name):
                globals()[name] = getattr(module, name)
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
