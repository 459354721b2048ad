"""One question of learning: which predicate tells the wanted configurations from the unwanted ones?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from atlas.invariants.learn.atoms import Atom
from atlas.invariants.learn.clauses import about, clause_atoms
from atlas.invariants.learn.known import Known
from atlas.invariants.learn.messages import template
from atlas.invariants.learn.pairs import pair_atoms, triple_atoms
from atlas.invariants.learn.relevance import atoms_of, columns_of
from atlas.invariants.learn.search import Found, reduced, smallest
from atlas.invariants.learn.signature import Signature, candidate, message_of, signatures
from atlas.invariants.learn.table import indices, key_of, rows
from atlas.invariants.model import DEPTHS, Candidate, Config, Observation, Target
from atlas.invariants.outcomes import compiled
from atlas.invariants.predicate import Context, fields_of, normalise
from atlas.invariants.predicate.expr import Expr, Op

MOST_PREVENTING = 4

Observed: TypeAlias = tuple[Config, Observation]


@dataclass(frozen=True)
class Learned:
    """What was learned of one signature.

    `reason` says why nothing (or not everything) was; `left` are the configurations that no candidate
    explains, around which more should be tried. `support` is the number of distinct configurations.
    """

    candidates: tuple[Candidate, ...] = ()
    reason: str = ""
    support: int = 0
    left: tuple[Config, ...] = ()


@dataclass(frozen=True)
class Question:
    """Configurations, and which (sets of rows) are wanted and unwanted; of the rest nothing is known.

    `clauses` are tests of the engine's own that may be parts of the answer.
    """

    configs: Sequence[Config]
    wanted: int
    unwanted: int
    context: Context
    known: Mapping[str, Known]
    clauses: Sequence[Expr] = ()

    def limited(self, mask: int) -> Question:
        """The same about some rows only."""
        return replace(self, wanted=self.wanted & mask, unwanted=self.unwanted & mask)

    def part(self, numbers: Sequence[int]) -> Question:
        """The same about a selection of the rows, numbered anew."""
        return replace(
            self,
            configs=[self.configs[number] for number in numbers],
            wanted=rows(bool(self.wanted >> number & 1) for number in numbers),
            unwanted=rows(bool(self.unwanted >> number & 1) for number in numbers),
        )


def by_signature(observed: Sequence[Observed], names: Collection[str]) -> dict[Signature, list[int]]:
    """Everything that happened, with the rows in which it did."""
    groups: dict[Signature, list[int]] = {}
    for row, (_, observation) in enumerate(observed):
        for signature in signatures(observation, names):
            groups.setdefault(signature, []).append(row)
    return groups


def answers(
    question: Question, names: Sequence[str], *, least: int, triples: bool = False, extra: Sequence[Atom] = ()
) -> tuple[Found | None, list[Atom]]:
    """The smallest predicate over these fields, and the atoms that it was chosen from."""
    columns = columns_of(question.configs, names, question.context, question.wanted)
    atoms = [*extra, *atoms_of(columns, question.known, question.wanted, question.unwanted)]
    atoms += pair_atoms(columns)
    for clause in about(question.clauses, names):
        where = rows_where(clause, question.configs, question.context)
        atoms += clause_atoms(clause, where, question.wanted | question.unwanted)
    if triples:
        atoms += triple_atoms(columns)
    useful = reduced(atoms, question.wanted, question.unwanted)
    if not useful or not question.unwanted:
        return None, useful
    return smallest(useful, question.wanted, question.unwanted, least), useful


def preventing(question: Question, names: Sequence[str]) -> list[str]:
    """Fields that are set where nothing happened though all that the wanted rows have in common holds."""
    columns = columns_of(question.configs, names, question.context, question.wanted)
    hard = question.unwanted
    for atom in atoms_of(columns, question.known, question.wanted, question.unwanted):
        if not question.wanted & ~atom.mask:
            hard &= atom.mask
    ours, theirs = indices(hard), indices(question.unwanted)
    often = Counter(name for row in theirs for name in question.configs[row])
    here = Counter(name for row in ours for name in question.configs[row] if name not in names)
    share = {name: here[name] / len(ours) - often[name] / len(theirs) for name in here}
    return sorted(share, key=lambda name: (-share[name], name))[:MOST_PREVENTING]


def rows_where(
    expr: Expr, configs: Sequence[Config], context: Context, giving: Mapping[str, Sequence[int]] | None = None
) -> int:
    """The rows in which a predicate holds; it is evaluated once for all that agree in its fields.

    `giving` are the rows that give each field, where that is known: in all others it is as with no field.
    """
    holds = compiled(expr, context)
    names = sorted({field.path[0] for field in fields_of(expr)})
    known: dict[object, bool] = {}

    def there(config: Config) -> bool:
        key = tuple(key_of(config, name) for name in names)
        if key not in known:
            known[key] = holds(config) is True
        return known[key]

    if giving is None:
        return rows([there(config) for config in configs])
    flags = [holds({}) is True] * len(configs)
    for row in {row for name in names for row in giving.get(name, ())}:
        flags[row] = there(configs[row])
    return rows(flags)


def rows_giving(configs: Sequence[Config]) -> dict[str, list[int]]:
    """By field, the rows that give it."""
    found: dict[str, list[int]] = {}
    for row, config in enumerate(configs):
        for name in config:
            found.setdefault(name, []).append(row)
    return found


def agrees(expr: Expr, question: Question) -> bool:
    """Whether a predicate holds in no unwanted row, as the language evaluates it."""
    return not rows_where(expr, question.configs, question.context) & question.unwanted


def disjuncts(found: Found) -> list[Expr]:
    """One predicate for each set of fields that the parts are about."""
    groups: dict[tuple[object, ...], list[Expr]] = {}
    for part in found.parts:
        expr = part.expr()
        groups.setdefault(fields_of(expr), []).append(expr)
    merged = [Op("or", tuple(group)) if len(group) > 1 else group[0] for group in groups.values()]
    return [normalise(each) for each in merged]


def said(target: Target, signature: Signature, observed: Sequence[Observed], matching: int) -> str | None:
    """The template of what the engine says in these rows."""
    names = frozenset(spec.name for spec in target.fields)
    matched = [observed[row] for row in indices(matching)]
    texts = [(config, text) for config, seen in matched if (text := message_of(seen, signature, names))]
    return template(texts, target.defaults())


def rule(
    target: Target, signature: Signature, when: Expr, observed: Sequence[Observed], matching: int
) -> Candidate:
    """The candidate, with the depth and the message that the matching rows show."""
    depth = min((observed[row][1].depth for row in indices(matching)), key=DEPTHS.index)
    message = said(target, signature, observed, matching)
    return candidate(target.cls, signature, depth, when, message)


def distinct(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Each candidate once."""
    kept: list[Candidate] = []
    for each in candidates:
        if each not in kept:
            kept.append(each)
    return tuple(kept)
