"""A toy engine of one module, mined by the static miner and executed by Python itself."""

from __future__ import annotations

import itertools
import logging
import sys
import textwrap
import types
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from atlas.invariants.corpus import context_of
from atlas.invariants.model import (
    NO_MEMBERS,
    Candidate,
    Config,
    FieldSpec,
    Json,
    Members,
    Mined,
    Step,
    Target,
)
from atlas.invariants.outcomes import same
from atlas.invariants.predicate import UNDEFINED, compile_expr
from atlas.invariants.static import mine
from atlas.schema.static import classes
from atlas.schema.static.modules import SourceIndex
from atlas.schema.static.reader import Reader

VALUES: tuple[Json, ...] = (
    None, True, False, -1, 0, 1, 2, 7, 0.5, 1.0, "", "a", "ab", "auto", "{}", '{"k": 2}', "[",
    [], [1, 2], ["a", ""], {}, {"k": 1},
)  # fmt: skip
HEAD = """
import dataclasses, logging, math, re, warnings
from dataclasses import dataclass, field, InitVar
from enum import Enum
from typing import Any
logger = logging.getLogger(__name__)
"""


@dataclass(frozen=True)
class Outcome:
    """What Python did: the exception's name, or the attributes and how many warnings there were."""

    raised: str | None
    attributes: dict[str, Any]
    warned: int = 0


def target_of(source: str, *, cls: str = "Config", steps: Sequence[Step] = ()) -> tuple[Target, Reader]:
    text = (HEAD + textwrap.dedent(source)).encode()
    reader = Reader.over(SourceIndex({"toy/__init__.py": lambda: b"", "toy/config.py": lambda: text}))
    found = reader.index.resolve(f"toy.config.{cls}")
    view = reader.classifier.view(found) if found else None
    assert view is not None
    facts = classes.of_class(view, reader).fields
    specs = tuple(
        FieldSpec(
            name=one.name,
            display="Any",
            type={},
            default=one.default.value,
            has_default=one.default.kind in ("value", "none"),
            default_kind=one.default.kind,
            annotation=one.annotation,
        )
        for one in facts
        if one.init
    )
    return Target(f"toy.config.{cls}", "sampling_params", specs, steps=tuple(steps)), reader


def mined(
    source: str, *, cls: str = "Config", steps: Sequence[Step] = (), members: Members = NO_MEMBERS
) -> Mined:
    target, reader = target_of(source, cls=cls, steps=steps)
    return mine(target, reader, members=members)


def configs(target: Target, values: Sequence[Json] = VALUES, fields: int = 2) -> Iterator[Config]:
    """All combinations of values of the first fields, and each field left out."""
    names = [one.name for one in target.fields][:fields]
    for row in itertools.product((..., *values), repeat=len(names)):
        yield {name: value for name, value in zip(names, row, strict=True) if value is not ...}


class Python:
    """The oracle: the same source, executed."""

    def __init__(self, source: str, cls: str = "Config") -> None:
        module = types.ModuleType("toy_source")
        sys.modules["toy_source"] = module  # dataclasses look their module up
        self.space: dict[str, Any] = vars(module)
        exec(compile(HEAD + textwrap.dedent(source), "toy/config.py", "exec"), self.space)
        self.cls = self.space[cls]

    def does(self, config: Config, calls: Sequence[str] = ()) -> Outcome:
        seen: list[Any] = []
        catch = logging.Handler()
        catch.emit = seen.append  # type: ignore[method-assign]
        logger = self.space["logger"]
        logger.addHandler(catch)
        logger.propagate = False
        try:
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                made = self.cls(**config)
                for call in calls:
                    getattr(made, call)()
        except Exception as error:
            return Outcome(type(error).__name__, {})
        finally:
            logger.removeHandler(catch)
        return Outcome(None, vars(made), len(found) + len(seen))


def disagreements(
    source: str, *, cls: str = "Config", steps: Sequence[str] = (), fields: int = 2
) -> list[str]:
    """Where exact candidates say something else than Python does."""
    target, reader = target_of(source, cls=cls, steps=[Step("validate", one) for one in steps])
    found = [one for one in mine(target, reader).candidates if not one.partial and not one.requires]
    python = Python(source, cls)
    context = context_of(target)
    rules = [(one, compile_expr(one.when, context)) for one in found]
    base = python.does({}, steps)
    out = []
    for config in configs(target, fields=fields):
        outcome = python.does(config, steps)
        holding = [one for one, rule in rules if rule(config) is True]
        out += _compared(config, outcome, base, holding, target)
        if len(out) > 5:
            break
    return out


def _compared(
    config: Config, outcome: Outcome, base: Outcome, holding: list[Candidate], target: Target
) -> Iterator[str]:
    errors = [one for one in holding if one.severity == "error"]
    if bool(errors) != (outcome.raised is not None):
        told = [one.site.line for one in errors if one.site]
        yield f"{config}: Python {outcome.raised or 'accepts'}, rules of lines {told}"
        return
    if outcome.raised is not None:
        return
    warned = any(one.severity == "warn" for one in holding)
    if warned != bool(outcome.warned):
        yield f"{config}: Python warns {outcome.warned} times, the rules {'do' if warned else 'do not'}"
    changed = {name: expr for one in holding for name, expr in one.effect.sets.items()}
    context = context_of(target)
    for spec in target.fields:
        if spec.name not in outcome.attributes:
            continue
        given = config[spec.name] if spec.name in config else base.attributes.get(spec.name, spec.default)
        final = outcome.attributes[spec.name]
        differs = not same(given, final)
        if differs != (spec.name in changed):
            yield f"{config}: {spec.name} becomes {final!r}, the rules {changed}"
        elif differs:
            value = compile_expr(changed[spec.name], context)(config)
            if value is UNDEFINED or not same(value, final):
                yield f"{config}: {spec.name} becomes {final!r}, by the rules {value!r}"
