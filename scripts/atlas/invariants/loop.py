"""The closed loop of one target: gate what was mined, sample, learn from what is unexplained, and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from atlas.invariants.bench import Bench, find_base, seed_of
from atlas.invariants.company import in_turns, is_quiet, mixtures
from atlas.invariants.conditional import ask_variants, asked, beside_what_is_given, conditions
from atlas.invariants.corpus import Corpus, Review, context_of
from atlas.invariants.domain import one_sided
from atlas.invariants.draw import Space, sides
from atlas.invariants.exempt import exempted
from atlas.invariants.gate import (
    EACH_SIDE,
    EXAMPLES,
    FEW_EACH_SIDE,
    Trial,
    Verdict,
    observed_depth,
    run_gate,
)
from atlas.invariants.induce import induced, refined
from atlas.invariants.learn.clauses import clauses_of
from atlas.invariants.messages import checked
from atlas.invariants.model import Candidate, Config, Effect, Json, Mined, Observation, Target
from atlas.invariants.order import in_parts, refuted
from atlas.invariants.predicate import Context, Expr, Op
from atlas.invariants.predicate.expr import Field
from atlas.invariants.rules import Quarantined, rule_id
from atlas.invariants.sampling import (
    Pools,
    hints_of,
    inner_pools,
    pairwise,
    pools,
    random_configs,
    related_fields,
    univariate,
)
from atlas.invariants.shared import REQUIRED, Observed

ROUNDS = 3
REFINEMENTS = 2
PAIR_ROWS = 1000
FIRST_SHARE = 3
"""The first look may take one in so many of all configurations."""
SHARES = {(True, 0): 0.6, (False, 0): 0.8, (True, 1): 0.9, (False, 1): 0.95}
"""So much of all configurations may be used when errors (others) of a round were tried, so that every kind
has its turn."""
MOST_ACCEPTED = 400
WRONG_ANYWHERE = ("false_alarm", "fresh_counter_example", "none_accepted")


@dataclass(frozen=True)
class Settings:
    """How a target is worked on."""

    seed: str
    samples: int
    platform: str
    platform_modules: tuple[str, ...] = ()
    most_asked: int = 150_000
    """So many configurations are tried at most before the last measurement."""
    each_side: int = EACH_SIDE
    """So many are drawn on each side of a candidate's boundary; with fewer, candidates share theirs."""
    examples: int = 3
    """Of each kind of gap, so many are looked into."""


@dataclass
class Work:
    """A target in the loop."""

    bench: Bench
    settings: Settings
    mined: Mined
    context: Context
    pools: Pools = field(default_factory=dict)
    inside: Pools = field(default_factory=dict)
    """Those of the fields of objects: values for a look at what one of these decides."""
    related: tuple[frozenset[str], ...] = ()
    accepted: list[Config] = field(default_factory=list)
    """Configurations that the engine took without a word."""
    mixed: list[Config] = field(default_factory=list)
    """The same, each with many fields."""
    passed: dict[str, tuple[Candidate, Trial]] = field(default_factory=dict)
    held: dict[str, Quarantined] = field(default_factory=dict)
    observed: list[Observed] = field(default_factory=list)
    known: tuple[Candidate, ...] = ()
    """Rules that were proven before, at depths that come first."""
    before: frozenset[str] = frozenset()
    """These depths: what is rejected there was looked at before."""
    _rejecting: Corpus | None = None
    _constants: Mapping[str, Sequence[Json]] | None = None
    _clauses: tuple[Expr, ...] | None = None

    @property
    def target(self) -> Target:
        return self.bench.target

    def corpus(self) -> Corpus:
        return Corpus(self.target, [*self.known, *(candidate for candidate, _ in self.passed.values())])

    def left(self, share: float = 1.0) -> int:
        """So many configurations can still be tried."""
        return max(0, int(self.settings.most_asked * share) - self.bench.asked)

    def each_side(self, candidates: int, left: int) -> int:
        """So many on each side of a candidate's boundary as can be afforded for all of them."""
        usual = self.settings.each_side
        return usual if 2 * usual * candidates <= left else min(usual, FEW_EACH_SIDE)

    def _errors(self) -> Corpus:
        """The rules that reject, compiled anew only when there are more."""
        every = [*self.known, *(candidate for candidate, _ in self.passed.values())]
        rules = [candidate for candidate in every if candidate.severity == "error"]
        if self._rejecting is None or self._rejecting.rules != rules:
            self._rejecting = Corpus(self.target, rules)
        return self._rejecting

    def hint(self, candidates: Iterable[Candidate]) -> None:
        """Let the constants of conditions be among the values that are tried."""
        exprs = [expr for one in candidates for expr in (one.when, *one.effect.sets.values())]
        self.pools = pools(self.target, hints_of(exprs))
        self.related = related_fields(exprs)

    def constants(self) -> Mapping[str, Sequence[Json]]:
        """By field, the values that what was mined compares it with."""
        if self._constants is None:
            found = hints_of([candidate.when for candidate in self.mined.candidates])
            self._constants = {name: hints.values for name, hints in found.items()}
        return self._constants

    def clauses(self) -> tuple[Expr, ...]:
        """What the conditions that were mined test of several fields."""
        if self._clauses is None:
            self._clauses = clauses_of(candidate.when for candidate in self.mined.candidates)
        return self._clauses

    def seed(self, *purpose: object) -> int:
        return seed_of(self.settings.seed, self.target.cls, *purpose)

    def random(self, n: int, *purpose: object) -> list[Config]:
        drawn = random_configs(self.target, self.pools, n, self.seed(*purpose), related=self.related)
        return self.bench.complete(drawn)

    def around(self, candidate: Candidate, n: int, seed: int) -> tuple[list[Config], list[Config]]:
        """Both sides of a candidate's boundary."""
        company = in_turns(self.mixed, self.accepted, seed)
        space = Space(self.target, self.pools, self.context, company, self.bench.base, self._errors())
        return sides(space, candidate, n, seed, shared=n < EACH_SIDE)


def begin(
    bench: Bench,
    settings: Settings,
    mined: Mined,
    candidates: Sequence[Candidate],
    known: Sequence[Candidate] = (),
    before: Iterable[str] = (),
) -> Work | None:
    """The first look: values for what must be given, and what the engine does to simple configurations.

    None where no configuration is accepted. `known` are the rules of depths that were proven `before`.
    """
    work = Work(
        bench, settings, mined, context_of(bench.target), known=tuple(known), before=frozenset(before)
    )
    work.inside = inner_pools(bench.target)
    work.hint([*mined.candidates, *candidates, *known])
    base = find_base(bench, {name: pool.valid for name, pool in work.pools.items()})
    if base is None:
        return None
    bench.begin_with(base)
    first = bench.complete(
        [
            *univariate(work.target, work.pools),
            *pairwise(work.target, work.pools, work.related, rows=PAIR_ROWS),
        ]
    )
    most = max(1, settings.most_asked // FIRST_SHARE)
    first = first[:: -(-len(first) // most)]
    look(work, [*first, *work.random(settings.samples // 2, "mining")])
    work.mixed = mixtures(bench, work.pools, work.observed, work.seed("company"))
    return work


def look(work: Work, configs: Sequence[Config]) -> list[Observed]:
    """Ask, remember, and keep some of what was accepted without a word."""
    found = [one for one in work.bench.observed(configs) if not _was_seen(work, one[1])]
    work.observed += found
    quiet = [config for config, observation in found if is_quiet(observation)]
    room = MOST_ACCEPTED - len(work.accepted)
    work.accepted += quiet[:: max(1, len(quiet) // max(1, room))][:room] if room > 0 else []
    return found


def _was_seen(work: Work, observation: Observation) -> bool:
    return observation.outcome == "rejected" and observation.depth in work.before


def run(work: Work, candidates: Sequence[Candidate], say: Callable[[str], None]) -> None:
    """Gate, sample, learn; until nothing is left to explain that can be learned, or rounds are over."""
    queue = list(candidates)
    review = work.corpus().review(work.observed)
    for number in range(ROUNDS):
        for part in in_parts(queue, review.gaps):
            try_all(work, part, number)
        if number:
            look(work, work.random(work.settings.samples // 2, "round", number))
        review = work.corpus().review(work.observed)
        wrong = withdraw(work, review)
        review = work.corpus().review(work.observed)
        queue = [*wrong, *induced(work, review.gaps, number)]
        queue = [one for one in queue if rule_id(one) not in work.passed and not was_judged(work, one)]
        say(f"{work.target.cls}: round {number + 1}, {len(work.passed)} rules, {len(queue)} to try")
        if not queue or work.left() < 2 * FEW_EACH_SIDE:
            break
    for part in in_parts(not_tried(work), review.gaps):
        try_all(work, part, ROUNDS)


def was_judged(work: Work, candidate: Candidate) -> bool:
    """Whether a condition was tried, and found wrong for this statement too.

    Several statements may reject under one condition: what never came to one of them may come to another.
    """
    held = work.held.get(rule_id(candidate))
    if held is None or held.reason == "not_tried":
        return False
    return held.reason in WRONG_ANYWHERE or _place(held.candidate) == _place(candidate)


def _place(candidate: Candidate) -> str:
    return candidate.site.start if candidate.site else ""


def not_tried(work: Work) -> list[Candidate]:
    """Those whose turn did not come."""
    return [one.candidate for one in work.held.values() if one.reason == "not_tried"]


def try_all(work: Work, queue: Sequence[Candidate], number: int) -> None:
    """The gate, and again for what could be refined by its counter-examples."""
    seen: dict[tuple[str, str], Candidate] = {}
    for candidate in queue:
        seen.setdefault((rule_id(candidate), _place(candidate)), candidate)
    for verdict in refuted(work, list(seen.values())):
        hold(work, verdict)
        del seen[rule_id(verdict.trial.candidate), _place(verdict.trial.candidate)]
    todo = list(seen.values())
    errors = any(one.severity == "error" for one in todo)
    share = SHARES.get((errors, number), 1.0)
    for attempt in range(REFINEMENTS + 1):
        left = work.left(share)
        each_side = work.each_side(len(todo), left)
        room = left // (2 * each_side)
        for candidate in todo[room:]:
            work.held[rule_id(candidate)] = Quarantined(candidate, "not_tried")
        todo = todo[:room]
        if not todo:
            return
        before = len(work.passed)
        seed = work.seed("gate", number, attempt)
        verdicts = run_gate(
            work.target,
            todo,
            work.around,
            work.bench.ask,
            seed=seed,
            known=work.corpus(),
            each_side=each_side,
        )
        todo = []
        ask_variants(work.bench, [one.trial for one in verdicts if one.passed])
        around = exempted(work, verdicts, work.left(share)) if attempt < REFINEMENTS else {}
        for verdict in verdicts:
            if verdict.passed and not _one_sided(work, verdict.trial):
                accept(work, verdict.trial)
                continue
            if verdict.passed:
                verdict = Verdict(verdict.trial, "none_accepted")
            near = around.get(rule_id(verdict.trial.candidate), ())
            better = refined(work, verdict, near) if attempt < REFINEMENTS else None
            if _incomplete_notice(verdict):
                accept(work, verdict.trial)
            else:
                hold(work, verdict)
            if better is not None and _is_new(work, better):
                todo.append(better)
        if len(work.passed) > before:  # what rejects first is known now, and kept away from
            hidden = (one.trial.candidate for one in verdicts if one.reason == "never_at_its_site")
            todo += [one for one in hidden if one.severity == "error"]


def _one_sided(work: Work, trial: Trial) -> str:
    known = (*trial.clean, *work.observed)
    return one_sided(work.target, trial.candidate, trial.confirmed, known)


def _is_new(work: Work, better: Candidate) -> bool:
    """Whether it was not tried before; what was held for being partial only is tried as what it then is."""
    held = work.held.get(rule_id(better))
    return held is None or (bool(held.candidate.partial) and not better.partial)


def _incomplete_notice(verdict: Verdict) -> bool:
    """A warning or change told rightly, of a site that says more: the rest is a gap, and is listed."""
    trial = verdict.trial
    return verdict.reason == "miss" and trial.candidate.severity != "error" and trial.judged >= REQUIRED


def accept(work: Work, trial: Trial) -> None:
    """Ship it, with what it was seen to require and the depth at which it was seen."""
    requires = conditions(work.bench, trial, work.settings.platform, work.settings.platform_modules)
    requires = tuple(dict.fromkeys((*requires, *asked(work.mined, work.target, trial))))
    requires += beside_what_is_given(work.target, trial.candidate)
    told = checked(work.target, trial.candidate, trial.confirmed)
    candidate = replace(told, requires=requires, depth=observed_depth(trial))
    work.passed[rule_id(trial.candidate)] = (candidate, trial)
    for tried in (trial.candidate, candidate):
        work.held.pop(rule_id(tried), None)


def hold(work: Work, verdict: Verdict) -> None:
    """Quarantine, with the configurations that speak against it; not what is proven of another statement."""
    trial = verdict.trial
    if rule_id(trial.candidate) in work.passed:
        return
    examples = trial.alarms or trial.misses
    smallest = sorted(examples, key=lambda one: (len(one[0]), repr(sorted(one[0].items()))))
    counts = {
        "confirmed": len(trial.confirmed),
        "alarms": len(trial.alarms),
        "clean": len(trial.clean),
        "misses": len(trial.misses),
        "unjudged": trial.unjudged,
    }
    reason = verdict.reason
    if reason == "too_few_trues" and not trial.confirmed and not trial.unjudged:
        reason = "unsatisfiable"
    held = Quarantined(trial.candidate, reason, tuple(smallest[:EXAMPLES]), counts)
    work.held[rule_id(trial.candidate)] = held


def withdraw(work: Work, review: Review) -> list[Candidate]:
    """Take back rules that a fresh sample refutes; what they may become."""
    names = list(work.passed)
    verdicts = []
    for place, examples in sorted(review.wrong.items()):
        if place >= len(work.known):
            _, trial = work.passed.pop(names[place - len(work.known)])
            verdicts.append(Verdict(replace(trial, alarms=tuple(examples)), "fresh_counter_example"))
    around = exempted(work, verdicts, work.left())
    better = []
    for verdict in verdicts:
        found = refined(work, verdict, around.get(rule_id(verdict.trial.candidate), ()))
        hold(work, verdict)
        if found is not None:
            better.append(found)
    return better


def missing(target: Target) -> list[Candidate]:
    """What must be given and is not."""
    return [
        Candidate(
            target.cls,
            "error",
            "construct",
            Op("not", (Op("given", (Field((spec.name,)),)),)),
            Effect(raises="TypeError"),
            "lifted",
            message=f"{spec.name} must be given",
        )
        for spec in target.fields
        if spec.default_kind == "required"
    ]
