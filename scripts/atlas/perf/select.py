"""Which cards are meant: `tag`, `scope/tag`, a name, `all`, `name:param=value`; a leading `-` takes away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from atlas.errors import InputError
from atlas.perf.cards import Card
from atlas.validation import nearest


@dataclass(frozen=True)
class Choice:
    """A card, whether it is chosen, and why (not)."""

    card: Card
    chosen: bool
    reason: str


def select(cards: Sequence[Card], words: Iterable[str]) -> list[Choice]:
    """Every card with its verdict, in their order; what is set by `:param=value` is set in the card.

    Words may hold several terms, joined by commas. A later `-term` takes away what earlier ones chose; if
    all terms do, it is from all cards. InputError where a term means no card.
    """
    terms = [term.strip() for word in words for term in word.split(",") if term.strip()]
    if all(term.startswith("-") for term in terms):
        terms = ["all", *terms]
    choices = {card.name: Choice(card, False, "nothing selects it") for card in cards}
    for term in terms:
        away, term = term.startswith("-"), term.removeprefix("-")
        subject, *settings = term.split(":")
        for card in _meant(cards, subject):
            now = choices[card.name].card
            if away:
                choices[card.name] = Choice(now, False, f"taken away by `-{term}`")
            else:
                choices[card.name] = Choice(_set(now, subject, settings), True, f"`{term}`")
        if away and settings:
            raise InputError(f"`-{term}` takes away, and can set nothing")
    return list(choices.values())


def chosen(cards: Sequence[Card], words: Iterable[str]) -> list[Card]:
    return [choice.card for choice in select(cards, words) if choice.chosen]


def _meant(cards: Sequence[Card], subject: str) -> list[Card]:
    scope, slash, tag = subject.partition("/")
    if "/" in tag:
        raise InputError(f"`{subject}` has more than one /", hint="write scope/tag")
    if slash:
        found = [card for card in cards if card.scope == scope and (tag in (card.name, "all", *card.tags))]
        known = sorted({f"{card.scope}/{word}" for card in cards for word in (card.name, *card.tags)})
    else:
        found = [card for card in cards if subject in (card.name, "all", *card.tags)]
        known = sorted({word for card in cards for word in (card.name, *card.tags)})
    if not found:
        what = f"no card has the name or tag `{subject}`{nearest(subject, known)}"
        raise InputError(what, hint="`atlas cards` lists them")
    return found


def _set(card: Card, subject: str, settings: Sequence[str]) -> Card:
    if settings and subject.rpartition("/")[2] != card.name:
        raise InputError(f"`{subject}:{settings[0]}`: only a card that is named can be set otherwise")
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f"`{setting}` is not param=value")
        if "/" in setting:
            what = f"`{setting}` cannot be set on the fly, as a record's folder is named after it"
            raise InputError(what, hint=f"write a card of its own, beside {card.where}")
        card = card.with_parameter(name, _value(text))
    return replace(card, name=":".join([card.name, *settings])) if settings else card


def _value(text: str) -> Any:
    """A number, true, false or null as YAML has them; anything else is text."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if value is None or isinstance(value, bool | int | float) else text
