"""The real engine, asked what it does with configurations: thousands a second, in an isolated process."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from atlas.environment.prepare import Prepared
from atlas.environment.run import EngineProcess, failure, scratch_folder
from atlas.errors import InputError, RunError
from atlas.invariants.connection import Link
from atlas.invariants.model import Config, Json, Members, Observation, Target, Thrown, Warned

CHUNK = 500
"""Configurations that one child goes through. Fixed: what a child saw before must not depend on anything."""
MEMORY_BYTES = 4 << 30
"""What a configuration may make the engine take on top of what it has."""
KEPT = 6
"""Targets whose processes are kept for the next question."""
PATIENCE_S = 60.0
Key = tuple[int, int, str]
"""A target and a variant of it by their numbers, and what it is given when nothing is set."""


class Session:
    """An engine that is loaded once and asked many times; nothing of it is left running on exit.

    Answers do not depend on the number of workers, nor on what was asked before. `limit_s` is for one
    configuration; one that hangs, ends the process or crashes it is a failed observation of its own.
    """

    def __init__(
        self,
        prepared: Prepared,
        targets: Sequence[Target],
        *,
        limit_s: float = 10.0,
        workers: int = 1,
        modules: Sequence[str] = (),
    ) -> None:
        self._prepared = prepared
        self._targets = tuple(targets)
        self._numbers = {target.cls: number for number, target in enumerate(self._targets)}
        self._limit_s = limit_s
        self._workers = workers
        self._stack = contextlib.ExitStack()
        self._subjects: dict[Key, _Subject] = {}
        self._modules: dict[int, list[str]] = {}
        """By target, what its configurations were seen to import: loaded before the next are asked about."""
        self.missing: dict[str, str] = {}
        """Targets that the engine does not have, and why."""
        self.members: Members = dict.fromkeys(modules, ())
        """The names of all that is in each of `modules`."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            cell, runtime = self._prepared.cell, self._prepared.runtime
            scratch = stack.enter_context(scratch_folder(runtime, self._request(), dict(cell.fixtures)))
            ours, theirs = socket.socketpair()
            stack.callback(ours.close)
            with theirs:
                command = ["--serve", str(theirs.fileno())]
                self._engine = stack.enter_context(
                    EngineProcess(runtime, scratch, command, (theirs.fileno(),))
                )
            self._control = Link(ours, self._suffix())
            self._hello()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._subjects):
            self._close(key)
        self._stack.close()

    def observe(
        self, target: str, configs: Sequence[Config], variant: int = 0, base: Config | None = None
    ) -> list[Observation]:
        """What the engine does with each of a target's configurations, in their order.

        `variant` 0 is what the target gives and prepares anyway; its variants are counted from 1, those of
        what is prepared last. `base` holds values
        for fields that must be given (the configurations have them too): what the engine makes of all
        others when they are unset is seen with these.
        """
        if target not in self._numbers:
            raise InputError(f"no target `{target}`")
        if target in self.missing:
            raise RunError(f"the engine has no {target}: {self.missing[target]}")
        key = (self._numbers[target], variant, json.dumps(dict(base or {}), sort_keys=True))
        chunks = [configs[start : start + CHUNK] for start in range(0, len(configs), CHUNK)]
        try:
            limit_s = self._targets[key[0]].limit_s or self._limit_s
            answers = list(self._ask(self._subject(key), chunks, limit_s))
        except (OSError, EOFError, ValueError) as error:
            self._close(key)
            raise self._failed(f"the engine gave no answer about {target}: {_reason(error)}") from error
        found = [_observation(answer) for answer in answers]
        self._load(key[0], [name for answer in answers for name in answer.get("modules", ())])
        return found

    def _load(self, target: int, modules: Iterable[str]) -> None:
        """Import once what every child would import anew: the same for any number of workers."""
        known = self._modules.setdefault(target, [])
        new = [name for name in dict.fromkeys(modules) if name not in known]
        if new:
            known += new
            for key in [key for key in self._subjects if key[0] == target]:
                self._close(key)

    def unset(self, target: str, variant: int = 0, base: Config | None = None) -> Mapping[str, Json]:
        """What a target's fields end up as with nothing set but `base`, where they have a JSON form."""
        key = (self._numbers[target], variant, json.dumps(dict(base or {}), sort_keys=True))
        return self._subject(key).unset

    def _ask(self, subject: _Subject, chunks: Sequence[Sequence[Config]], limit_s: float) -> Iterator[Json]:
        """The answers about all chunks; each goes to whichever worker is free."""
        patience = 2 * limit_s + PATIENCE_S
        free: queue.SimpleQueue[Link] = queue.SimpleQueue()
        for link in subject.workers(min(self._workers, len(chunks)), PATIENCE_S):
            free.put(link)

        def ask(chunk: Sequence[Config]) -> list[Json]:
            link = free.get()
            try:
                return link.ask(chunk, patience)
            finally:
                free.put(link)

        with ThreadPoolExecutor(self._workers) as pool:
            return iter([answer for answers in pool.map(ask, chunks) for answer in answers])

    def _request(self) -> dict[str, Json]:
        cell = self._prepared.cell
        return {
            "packages": list(cell.packages),
            "targets": [_target(target) for target in self._targets],
            "modules": list(self.members),
            "limit_s": self._limit_s,
            "start_s": self._prepared.timeout_s,
            "memory_bytes": MEMORY_BYTES,
        }

    def _suffix(self) -> tuple[str, str]:
        """What the engine says its version is, and what it is."""
        cell = self._prepared.cell
        suffix = cell.venv.overlay.version_suffix if cell.venv else ""
        return (cell.version + suffix if suffix else "", cell.version)

    def _hello(self) -> None:
        """Wait until the engine is loaded."""
        timeout_s = self._prepared.timeout_s
        try:
            self._control.read(timeout_s)
            loaded = self._control.read(timeout_s)
        except TimeoutError as error:
            raise self._failed(f"the engine was not loaded within {timeout_s:g} s") from error
        except (OSError, EOFError, ValueError) as error:
            raise self._failed("the engine ended Python while it was loaded") from error
        self.missing = {
            self._targets[int(number)].cls: reason for number, reason in loaded["missing"].items()
        }
        self.members = {name: tuple(names) for name, names in loaded["members"].items()}
        if self._targets and len(self.missing) == len(self._numbers):
            cls, reason = next(iter(self.missing.items()))
            raise self._failed(f"the engine has no {cls}: {reason}")

    def _subject(self, key: Key) -> _Subject:
        """The process that has what a target needs; those that were not asked for long are ended."""
        found = self._subjects.pop(key, None) or self._open(key)
        self._subjects[key] = found
        while len(self._subjects) > KEPT:
            self._close(next(iter(self._subjects)))
        return found

    def _open(self, key: Key) -> _Subject:
        """Where the engine does not survive the target with nothing set, do without that."""
        try:
            return self._begin(key, baseline=True)
        except (OSError, EOFError):
            return self._begin(key, baseline=False)

    def _begin(self, key: Key, *, baseline: bool) -> _Subject:
        target, variant, base = key
        message = {
            "target": target,
            "variant": variant,
            "baseline": json.loads(base) if baseline else None,
            "modules": self._modules.get(target, []),
        }
        control = self._control.sub_link(message, PATIENCE_S)
        try:
            answer = control.read(2 * self._prepared.timeout_s + PATIENCE_S)
        except (OSError, EOFError):
            control.close()
            self._engine.kill(control.process)
            raise
        if "failed" in answer:
            control.close()
            raise self._failed(f"{self._targets[key[0]].cls} could not be prepared: {answer['failed']}")
        return _Subject(control, answer["unset"])

    def _close(self, key: Key) -> None:
        subject = self._subjects.pop(key, None)
        if subject:
            subject.close()

    def _failed(self, what: str) -> RunError:
        return failure(what, self._engine.log(), None)


class _Subject:
    """A target's process, and the workers that it has forked."""

    def __init__(self, control: Link, unset: Mapping[str, Json]) -> None:
        self._control = control
        self.unset = unset
        self._workers: list[Link] = []

    def workers(self, number: int, patience_s: float) -> list[Link]:
        while len(self._workers) < number:
            self._workers.append(self._control.sub_link({}, patience_s))
        return self._workers[:number]

    def close(self) -> None:
        for link in (*self._workers, self._control):
            link.close()


def _target(target: Target) -> dict[str, Json]:
    return {
        "cls": target.cls,
        "given": dict(target.given),
        "variants": [dict(variant) for variant in target.variants],
        "prepare": dict(target.prepare),
        "others": [dict(other) for other in target.others],
        "limit_s": target.limit_s,
        "memory_bytes": target.memory_mb * (1 << 20) if target.memory_mb else None,
        "steps": [{"depth": step.depth, "call": step.call} for step in target.steps],
        "fields": [spec.name for spec in target.fields],
        "defaults": target.defaults(),
        "ignore": sorted(target.ignore),
    }


def _observation(answer: Mapping[str, Any]) -> Observation:
    error = answer.get("thrown")
    return Observation(
        outcome=answer["outcome"],
        depth=answer["depth"],
        thrown=_thrown(error) if error else None,
        warned=tuple(
            Warned(one["channel"], one["category"], one["message"], tuple(one["frames"]))
            for one in answer.get("warned", ())
        ),
        changed=answer.get("changed", {}),
    )


def _thrown(error: Mapping[str, Any]) -> Thrown:
    return Thrown(
        error["type"],
        tuple(error["mro"]),
        error["message"],
        tuple(error["frames"]),
        tuple(error["parts"]),
        error.get("outside", ""),
    )


def _reason(error: BaseException) -> str:
    return "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
