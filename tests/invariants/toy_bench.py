"""An engine of a few lines of Python, executed in this process: quick, and all that it does is known.

It is an `Engine` as the bench asks one. Frames are `toy.py:line`, as the probe tells them.
"""

from __future__ import annotations

import copy
import json
import logging
import sys
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from types import ModuleType
from typing import Any
from unittest.mock import patch

from atlas.invariants.bench import Bench
from atlas.invariants.command import prove
from atlas.invariants.corpus import Corpus
from atlas.invariants.gate import Verdict, run_gate
from atlas.invariants.loop import Settings, Work, begin
from atlas.invariants.model import (
    Candidate,
    Config,
    Effect,
    FieldSpec,
    Mined,
    Observation,
    Site,
    Step,
    Target,
    Thrown,
    Warned,
)
from atlas.invariants.predicate import parse
from atlas.invariants.publish import Proven
from atlas.invariants.static import mine
from atlas.schema.static.modules import SourceIndex
from atlas.schema.static.reader import Reader

HEAD = """\
from __future__ import annotations
import logging, sys, warnings
from dataclasses import dataclass, field
logger = logging.getLogger("toy")
"""
FILE = "toy.py"
KINDS = {
    "int": "integer", "float": "number", "str": "string", "bool": "boolean",
    "list": "array", "dict": "object", "None": "null",
}  # fmt: skip


class Hang(BaseException):
    """Stands for a constructor that does not come back."""


class Kill(BaseException):
    """Stands for the end of the process."""


class Toy:
    """The engine of one module's text. `modules` are files that it imports."""

    def __init__(self, text: str, **modules: str) -> None:
        self.texts = {FILE: HEAD + textwrap.dedent(text)}
        self.texts |= {f"{name}.py": textwrap.dedent(one) for name, one in modules.items()}
        self.asked = 0
        self.targets: dict[str, Target] = {}
        self._names = _executed(self.texts)
        self._unset: dict[tuple[str, int, str], dict[str, Any]] = {}

    def target(self, name: str = "Config", *, steps: Sequence[tuple[str, str]] = (), **more: Any) -> Target:
        """The class as a target, with the fields of its annotations."""
        specs = tuple(
            spec for spec in map(_spec, fields(self._names[name])) if spec.name not in more.get("given", {})
        )
        made = tuple(Step(depth, call) for depth, call in steps)  # type: ignore[arg-type]
        found = Target(f"toy.{name}", "engine_params", specs, steps=made, **more)
        self.targets[found.cls] = found
        return found

    def mined(self, target: Target) -> Mined:
        index = SourceIndex({file: text.encode for file, text in self.texts.items()})
        return mine(target, Reader.over(index))

    def line(self, part: str, file: str = FILE) -> int:
        """Where a piece of text stands."""
        return 1 + next(n for n, line in enumerate(self.texts[file].splitlines()) if part in line)

    def site(self, part: str, file: str = FILE) -> Site:
        return Site(file, self.line(part, file), self.line(part, file))

    def rule(self, when: str, part: str, severity: str = "error", **more: Any) -> Candidate:
        """A candidate about the statement that a piece of text stands in."""
        effect = {"error": Effect(raises="ValueError"), "warn": Effect(warns="logging")}.get(severity)
        sets = {name: parse(text) for name, text in more.pop("sets", {}).items()}
        return Candidate(
            target=more.pop("target", "toy.Config"),
            severity=severity,  # type: ignore[arg-type]
            depth=more.pop("depth", "construct"),
            when=parse(when),
            effect=effect or Effect(sets=sets),
            origin=more.pop("origin", "static"),
            site=self.site(part) if part else None,
            **more,
        )

    # What asks the engine

    def observe(
        self,
        target: str,
        configs: Sequence[Config],
        variant: int = 0,
        *,
        base: Mapping[str, Any] | None = None,
    ) -> list[Observation]:
        its = self.targets[target]
        self.asked += len(configs)
        given = {**its.given, **([{}, *its.variants][variant])}
        unset = self.unset(target, variant, base)
        return [self._one(its, given, config, unset) for config in configs]

    def unset(
        self, target: str, variant: int = 0, base: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        its = self.targets[target]
        given = {**its.given, **([{}, *its.variants][variant])}
        key = (target, variant, json.dumps(dict(base or {})))
        if key not in self._unset:
            self._unset[key] = {}
            ran = self._run(its, {**given, **(base or {})})
            self._unset[key] = ran[1] if isinstance(ran, tuple) else its.defaults()
        return self._unset[key]

    def _one(
        self, its: Target, given: Mapping[str, Any], config: Config, unset: Mapping[str, Any]
    ) -> Observation:
        ran = self._run(its, copy.deepcopy({**given, **config}))
        if isinstance(ran, Observation):
            return ran
        warned, final = ran
        before = {**unset, **config}
        changed = {
            name: value
            for name, value in final.items()
            if name not in before or json.dumps(value) != json.dumps(before[name])
        }
        depth = its.steps[-1].depth if its.steps else "construct"
        return Observation("ok", depth, warned=tuple(warned), changed=changed)

    def _run(self, its: Target, config: Config) -> Observation | tuple[list[Warned], dict[str, Any]]:
        depth = "construct"
        with _listening() as warned:
            try:
                made = self._names[its.cls.rpartition(".")[2]](**config)
                for step in its.steps:
                    depth = step.depth
                    getattr(made, step.call)()
            except Hang:
                return Observation("timeout", depth)  # type: ignore[arg-type]
            except Kill:
                return Observation("killed", depth)  # type: ignore[arg-type]
            except SystemExit as error:
                return Observation("exit", depth, _thrown(error))  # type: ignore[arg-type]
            except Exception as error:
                return Observation("rejected", depth, _thrown(error), tuple(warned))  # type: ignore[arg-type]
        held = vars(made)
        return warned, {spec.name: copy.deepcopy(held[spec.name]) for spec in its.fields}


def _executed(texts: Mapping[str, str]) -> dict[str, Any]:
    """The names of the module, which finds the others (in alphabetical order) by importing them."""
    modules = {file.removesuffix(".py"): ModuleType(file.removesuffix(".py")) for file in texts}
    with patch.dict(sys.modules, modules):
        for file in sorted(texts, key=lambda one: (one == FILE, one)):
            names = vars(modules[file.removesuffix(".py")])
            names.update(Hang=Hang, Kill=Kill)
            exec(compile(texts[file], file, "exec"), names)  # the test's own text
    return vars(modules["toy"])


def _spec(one: Any) -> FieldSpec:
    required = one.default is MISSING and one.default_factory is MISSING
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    kind = "required" if required else "none" if default is None else "value"
    fragment = one.metadata.get("type") or _fragment(one.type)
    return FieldSpec(
        one.name, one.type, fragment, None if required else default, not required, kind, one.type
    )


def _fragment(annotation: str) -> dict[str, Any]:
    """The JSON Schema of a type, as the schema artefact has it."""
    kinds = [KINDS[name.partition("[")[0].strip()] for name in annotation.split("|")]
    return {"type": kinds[0]} if len(kinds) == 1 else {"anyOf": [{"type": kind} for kind in kinds]}


def _thrown(error: BaseException) -> Thrown:
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    own = tuple(frame for frame in reversed(frames) if not frame.startswith(("/", "<")))
    mro = tuple(cls.__name__ for cls in type(error).__mro__)
    return Thrown(type(error).__name__, mro, str(error), own)


def _stack() -> tuple[str, ...]:
    frame, found = sys._getframe(2), []
    while frame:
        found.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(one for one in found if not one.startswith(("/", "<")))


class _listening(logging.Handler):
    """Takes down what is logged and warned about."""

    def __init__(self) -> None:
        super().__init__()
        self.warned: list[Warned] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.warned.append(Warned("logging", record.levelname, record.getMessage(), _stack()))

    def __enter__(self) -> list[Warned]:
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("always")
        warnings.showwarning = self._show  # type: ignore[assignment]
        logger = logging.getLogger("toy")
        logger.addHandler(self)
        logger.propagate = False
        return self.warned

    def _show(self, message: Warning | str, category: type[Warning], *_: object) -> None:
        self.warned.append(Warned("warnings", category.__name__, str(message), _stack()))

    def __exit__(self, *_: object) -> None:
        logging.getLogger("toy").removeHandler(self)
        self._warnings.__exit__(None, None, None)


def proved(
    toy: Toy,
    target: Target,
    *,
    mined: Mined | None = None,
    samples: int = 400,
    platform_modules: tuple[str, ...] = (),
) -> Proven:
    """The target through the whole loop."""
    settings = Settings("1", samples, "linux", platform_modules)
    return prove(Bench(target, toy), toy.mined(target) if mined is None else mined, settings)


def judged(
    toy: Toy, target: Target, *candidates: Candidate, known: Sequence[Candidate] = ()
) -> list[Verdict]:
    """What the gate says of candidates."""
    work = begun(toy, target, candidates)
    corpus = Corpus(target, known)
    return run_gate(target, candidates, work.around, work.bench.ask, seed=1, known=corpus)


def begun(toy: Toy, target: Target, candidates: Sequence[Candidate], samples: int = 400) -> Work:
    """The loop, before its first round."""
    work = begin(Bench(target, toy), Settings("1", samples, "linux"), Mined(()), candidates)
    assert work is not None
    return work


def refuted(toy: Toy, target: Target, rules: Sequence[Candidate], configs: Sequence[Config]) -> list[Config]:
    """The configurations in which the rules that reject and the engine disagree."""
    corpus = Corpus(target, rules)
    seen = toy.observe(target.cls, configs)
    return [
        config
        for config, observation in zip(configs, seen, strict=True)
        if corpus.rejects(config) != (observation.outcome == "rejected")
    ]
