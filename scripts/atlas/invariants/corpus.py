"""A target's rules, applied to configurations: which hold, and what of an outcome they do not explain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from atlas.invariants.model import Candidate, Config, Json, Observation, Target, Warned
from atlas.invariants.outcomes import changes_nothing, compiled, happened, matches_warning, sets_field
from atlas.invariants.predicate import Context, fields_of


def context_of(target: Target) -> Context:
    """What unset fields are, and how values of other types are taken."""
    types = target.types()
    return Context(target.defaults(), types, "lax" if types else "none")


@dataclass(frozen=True)
class Gap:
    """Something the engine did to a configuration that no rule explains."""

    config: Config
    observation: Observation
    rejected: bool = False
    warned: Warned | None = None
    changed: str | None = None


@dataclass
class Tally:
    """How rules and engine agree on a sample. Counts are configurations, or single warnings and changes."""

    n: int = 0
    accepted: int = 0
    rejected: int = 0
    rejections_found: int = 0
    false_rejections: int = 0
    warnings: int = 0
    warnings_found: int = 0
    changes: int = 0
    changes_found: int = 0
    false_notices: int = 0
    unjudged: int = 0
    crashes: int = 0

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Review:
    """What a sample showed: the tally, the gaps, and wrong rules with their counter-examples."""

    tally: Tally
    gaps: list[Gap] = field(default_factory=list)
    wrong: dict[int, list[tuple[Config, Observation]]] = field(default_factory=dict)


class Corpus:
    """Rules of one target, compiled once."""

    def __init__(self, target: Target, rules: Iterable[Candidate]) -> None:
        self.target = target
        self.context = context_of(target)
        self.rules: list[Candidate] = []
        self._holds: list[Callable[[Config], Json]] = []
        self._about: dict[str, list[int]] = {}
        """By field, the rules that read it: the others are as they are when nothing is set."""
        self._always: list[int] = []
        self.extend(rules)

    def extend(self, rules: Iterable[Candidate]) -> None:
        for rule in rules:
            place = len(self.rules)
            holds = compiled(rule.when, self.context)
            self.rules.append(rule)
            self._holds.append(holds)
            if holds({}) is True:
                self._always.append(place)
                continue
            for name in {one.path[0] for one in fields_of(rule.when)}:
                self._about.setdefault(name, []).append(place)

    def holding(self, config: Config) -> list[int]:
        """The rules that hold, by their place; not those by which nothing changes."""
        places = set(self._always)
        for name in config:
            places.update(self._about.get(name, ()))
        return [
            place
            for place in sorted(places)
            if self._holds[place](config) is True and not self._idle(self.rules[place], config)
        ]

    def _idle(self, rule: Candidate, config: Config) -> bool:
        """Whether all that it changes is so anyway."""
        return rule.severity == "dormant" and all(
            changes_nothing(rule, name, config, self.context, self.target.ends) for name in rule.effect.sets
        )

    def rejects(self, config: Config) -> bool:
        return any(self.rules[place].severity == "error" for place in self.holding(config))

    def review(self, observed: Sequence[tuple[Config, Observation]]) -> Review:
        """Compare what the rules say with what the engine did."""
        review = Review(Tally(n=len(observed)))
        for config, observation in observed:
            try:
                holding = self.holding(config)
            except Exception:  # the language is total: this is counted, and the count must be 0
                review.tally.crashes += 1
                continue
            if observation.outcome == "rejected":
                self._rejected(review, config, observation, holding)
            elif observation.outcome == "ok":
                self._accepted(review, config, observation, holding)
            else:
                review.tally.unjudged += 1
        return review

    def _rejected(self, review: Review, config: Config, observation: Observation, holding: list[int]) -> None:
        review.tally.rejected += 1
        if any(self.rules[place].severity == "error" for place in holding):
            review.tally.rejections_found += 1
        else:
            review.gaps.append(Gap(config, observation, rejected=True))

    def _accepted(self, review: Review, config: Config, observation: Observation, holding: list[int]) -> None:
        tally = review.tally
        tally.accepted += 1
        errors = [place for place in holding if self.rules[place].severity == "error"]
        if errors:
            tally.false_rejections += 1
        notices = [(place, self.rules[place]) for place in holding if self.rules[place].severity != "error"]
        wrong = [place for place, rule in notices if not self._true(rule, config, observation)]
        tally.false_notices += len(wrong)
        for place in (*errors, *wrong):
            review.wrong.setdefault(place, []).append((config, observation))
        for warned in observation.warned:
            tally.warnings += 1
            if any(rule.severity == "warn" and matches_warning(rule, warned) for _, rule in notices):
                tally.warnings_found += 1
            else:
                review.gaps.append(Gap(config, observation, warned=warned))
        for name in observation.changed:
            tally.changes += 1
            if any(self._sets(rule, name, config, observation) for _, rule in notices):
                tally.changes_found += 1
            else:
                review.gaps.append(Gap(config, observation, changed=name))

    def _true(self, rule: Candidate, config: Config, observation: Observation) -> bool:
        if rule.severity == "warn":
            return any(matches_warning(rule, warned) for warned in observation.warned)
        return happened(rule, config, observation, self.context, self.target.ends) is not False

    def _sets(self, rule: Candidate, name: str, config: Config, observation: Observation) -> bool:
        return name in rule.effect.sets and sets_field(rule, name, config, observation.changed, self.context)
