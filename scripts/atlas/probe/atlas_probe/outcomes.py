"""What the engine does with one configuration of a class."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from typing import Any

from .alarm import Alarm, TooSlow
from .calls import SELF, compiled, expanded, step
from .capture import Capture, text_of
from .changes import differences
from .frames import Frames
from .names import load
from .probe import Probe
from .shapes import Shapes, attribute, same
from .thrown import thrown

BASELINES = 3
"""Runs with nothing set: what differs between them varies by itself."""
CONSTRUCT = "construct"
NO_MEMORY = os.strerror(errno.ENOMEM)
"""What the system says, which libraries repeat in exceptions of their own."""
CPP_NO_MEMORY = "std::bad_alloc"
"""The same in C++."""
Config = Mapping[str, Any]
# The environment's variables without decoding them, which takes longer than many constructors.
VARIABLES: Mapping[Any, Any] = getattr(os.environ, "_data", {})


class Subject:
    """A class (or function) that configurations are tried on, with its steps.

    `spec` is a target of the request; its variants are counted from 1, and 0 is what it gives anyway: first
    those of what is given, then the `others`, which replace prepared objects. Prepared objects are shared by
    all configurations.
    """

    def __init__(
        self, probe: Probe, frames: Frames, capture: Capture, spec: Mapping[str, Any], variant: int
    ) -> None:
        self.probe = probe
        self.frames = frames
        self.capture = capture
        self.make = load(spec["cls"])
        given: list[dict[str, Any]] = [{}, *spec["variants"]]
        others = [{} for _ in given] + list(spec.get("others", ()))
        self.given = {**spec["given"], **(given[variant] if variant < len(given) else {})}
        self.limits = {name: spec.get(name) for name in ("limit_s", "memory_bytes")}
        self.names: tuple[str, ...] = tuple(name for name in spec["fields"])
        self.wanted = frozenset(self.names)
        prepared = {**spec["prepare"], **others[variant]}
        self.prepared: dict[str, Any] = {}
        for name, tree in prepared.items():
            self.prepared[name] = compiled(tree, self.prepared, probe.fixtures)(self.prepared)
        self.depths = (CONSTRUCT, *(one["depth"] for one in spec["steps"]))
        self.steps = [step(one["call"], prepared, probe.fixtures) for one in spec["steps"]]
        self.shapes = Shapes(probe)
        self.unset: dict[str, Any] = dict(spec["defaults"])
        """The values of fields that nobody set, as JSON."""
        self.varying: set[str] = set()
        self.ignored = frozenset(spec["ignore"])
        """What is compared with nothing: names of fields, or the last parts of dotted ones."""
        self.usual: set[tuple[str, ...]] = set()
        """Warnings that come whatever is set."""
        self.stage = 0
        """How many steps have been begun."""
        self.variables = dict(VARIABLES)

    def warm_up(self, limit: float, base: Config | None) -> None:
        """Load what is loaded late, and see what the class is and says with nothing set but `base`."""
        self.capture.install()
        finals: list[dict[str, Any]] = []
        while base is not None and len(finals) < BASELINES:
            found = self._baseline(limit, base)
            if found is None:
                break
            finals.append(found)
        # Modules have been loaded since, with caches and filters of their own.
        self.capture.install()
        if len(finals) == BASELINES:
            self.unset = self.shapes.snapshot(finals[0])
            for other in finals[1:]:
                self.varying |= differences(self.shapes, other, {}, self.unset).keys()

    def _baseline(self, limit: float, base: Config) -> dict[str, Any] | None:
        """The final values; none where the class cannot be made so."""
        self._restore_variables()
        self.capture.start()
        finals = None
        try:
            with Alarm(limit):
                finals = self._finals(*self._run(base))
        except (Exception, SystemExit, TooSlow):
            finals = None  # Something must be set: then every value is compared with what was given.
        self.usual.update(map(_kind, self.capture.taken))
        return finals

    def _run(self, config: Config, began: Callable[[int], None] = lambda _: None) -> tuple[Any, list[Any]]:
        """The instance after all steps, and what the steps returned."""
        self.stage = 0
        kwargs = {name: expanded(value, self.probe.fixtures) for name, value in self.given.items()}
        for name, value in config.items():
            kwargs[name] = expanded(value, self.probe.fixtures)
        made = self.make(**kwargs)
        results = []
        if self.steps:
            objects = {**self.prepared, SELF: made}
            for number, call in enumerate(self.steps, 1):
                self.stage = number
                began(number)
                results.append(call(objects))
        return made, results

    def _finals(self, made: Any, results: list[Any]) -> dict[str, Any]:
        """The values of the fields in the end. What a step returned knows better than the instance."""
        held = getattr(made, "__dict__", {})
        finals = {name: held[name] if name in held else attribute(made, name) for name in self.names}
        for result in results:
            finals.update(self.shapes.tree(result, self.wanted))
            if isinstance(result, dict):  # of values by their names
                finals.update((name, result[name]) for name in self.names if name in result)
        return finals

    def observe(
        self, config: Config, alarm: Alarm, began: Callable[[int], None]
    ) -> tuple[dict[str, Any], bool]:
        """The observation, and whether this process is fit for more."""
        self._restore_variables()
        self.capture.start()
        outcome, fact, fit = "ok", None, True
        changed: dict[str, Any] = {}
        try:
            with alarm:
                made, results = self._run(config, began)
            changed = self._changed(config, made, results)
            if changed:
                warned = self.capture.taken
                changed = self._confirmed(changed, config, alarm)
                self.capture.taken = warned
        except TooSlow:
            alarm.stop()
            outcome = "timeout"
        except SystemExit as error:
            outcome, fact = "exit", thrown(self.probe, self.frames, error)
        except BaseException as error:
            outcome, fact = "rejected", thrown(self.probe, self.frames, error)
            fit = not isinstance(error, (MemoryError, RecursionError))
            if lacks_memory(error):
                outcome, fact, fit = "killed", None, False  # As the system does where it has less.
        if alarm.rang:
            outcome, fact, changed = "timeout", None, {}
        observation: dict[str, Any] = {"outcome": outcome, "depth": self.depths[self.stage]}
        if fact:
            observation["thrown"] = fact
        warned = [one for one in self.capture.taken if _kind(one) not in self.usual]
        if warned:
            observation["warned"] = warned
        if changed:
            observation["changed"] = changed
        return observation, fit and outcome in ("ok", "rejected")

    def _confirmed(self, changed: dict[str, Any], config: Config, alarm: Alarm) -> dict[str, Any]:
        """The changes that are the same a second time: no port, no time, nothing random."""
        self._restore_variables()
        self.capture.start()
        try:
            with alarm:
                made, results = self._run(config)
        except Exception:
            return {}  # It depends on something else than the configuration.
        again = self._changed(config, made, results)
        return {path: value for path, value in changed.items() if path in again and same(value, again[path])}

    def _restore_variables(self) -> None:
        """What one configuration sets in the environment must not be seen by the next (or by the first)."""
        if self.variables != VARIABLES:
            os.environ.clear()
            os.environ.update({os.fsdecode(key): os.fsdecode(one) for key, one in self.variables.items()})

    def _changed(self, config: Config, made: Any, results: list[Any]) -> dict[str, Any]:
        found = differences(self.shapes, self._finals(made, results), config, self.unset)
        return {path: value for path, value in found.items() if self._counts(path)}

    def _counts(self, path: str) -> bool:
        """Whether it depends on the configuration alone."""
        return self.ignored.isdisjoint((path, path.rpartition(".")[2])) and path not in self.varying


def lacks_memory(error: BaseException) -> bool:
    """Whether memory was asked for that is not there: that is about the machine."""
    text = text_of(error)
    return isinstance(error, MemoryError) or NO_MEMORY in text or CPP_NO_MEMORY in text


def _kind(warned: Mapping[str, Any]) -> tuple[str, ...]:
    return (warned["message"], *warned["frames"])
