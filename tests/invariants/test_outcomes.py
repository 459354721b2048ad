"""Whether what a rule promises is what the engine did: errors that name other places than the user wrote."""

from __future__ import annotations

from dataclasses import replace

from atlas.invariants.learn.signature import candidate, signatures
from atlas.invariants.model import Observation, Thrown
from atlas.invariants.outcomes import at_own_site
from atlas.invariants.predicate import parse


def rejected(*places, kind="literal_error"):
    parts = tuple({"type": kind, "loc": [place], "message": "no", "frames": []} for place in places)
    return Observation(
        "rejected", "resolve", Thrown("ValidationError", ("ValidationError",), "no", (), parts)
    )


def test_an_error_that_names_the_field_of_another_class_is_known_by_the_place_that_it_names():
    seen = rejected("cache_dtype")
    (signature,) = signatures(seen, ["kv_cache_dtype"])
    learned = candidate("engine.Args", signature, "resolve", parse("kv_cache_dtype == 2"))
    assert at_own_site(learned, seen)
    assert not at_own_site(learned, rejected("dtype"))
    assert not at_own_site(replace(learned, key=None), seen)


def test_one_of_several_errors_is_enough():
    (signature, _) = signatures(rejected("method", "tokens"), ["spec_method"])
    learned = candidate("engine.Args", signature, "resolve", parse("spec_method == ''"))
    assert at_own_site(learned, rejected("tokens", "method"))
    assert not at_own_site(learned, rejected("tokens"))
