"""Versions of packages in texts, as `packaging` reads them (PEP 440)."""

from __future__ import annotations

from atlas.invariants.predicate import Const, Op, Opaque
from atlas.invariants.static.call import Call
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.terms import kind_of, not_, type_in
from atlas.invariants.static.values import Value

PATTERN = (
    r"(?i)\s*+v?+(?:[0-9]++!)?+[0-9]++(?:\.[0-9]++)*+"
    r"(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?+[0-9]*+)?+"
    r"(?:-[0-9]++|[-_.]?(?:post|rev|r)[-_.]?+[0-9]*+)?+"
    r"(?:[-_.]?dev[-_.]?+[0-9]*+)?+"
    r"(?:\+[a-z0-9]++(?:[-_.][a-z0-9]++)*+)?+\s*+"
)


def version(call: Call) -> Value | None:
    """`packaging.version.parse(text)`: it fails for what is no version; nothing else is known of it."""
    its = lowered(call.given[0], call.state) if len(call.given) == 1 and not call.keywords else None
    if its is None or isinstance(its, Opaque | Const):
        return None
    no_version = not_(Op("fullmatch", (Const(PATTERN), its)))
    no_text = not_(type_in(its, ("str",))) if kind_of(its) != "str" else None
    if no_text is not None and call.m.target.converts == "none":
        call.m.fails("TypeError", no_text, call.node, call.state)
    call.m.fails("InvalidVersion", no_version, call.node, call.state)
    return None
