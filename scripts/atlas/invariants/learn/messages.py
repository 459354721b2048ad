"""A message's template, learned from several messages of one signature."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from atlas.invariants.model import Config, Json

ANYTHING = "…"
MOST_MESSAGES = 40

_QUOTED = r"""'(?:[^'\\\n]|\\.)*'(?!\w)|"(?:[^"\\\n]|\\.)*\""""
_NUMBER = r"[-+]?\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?"
_LISTED = re.compile(r":\s+((?:[\w./-]+,\s+){2,}[\w./-]+)")
_TOKEN = rf"{_QUOTED}|{_NUMBER}|\w+|\s+|(?s:.)"


def template(said: Sequence[tuple[Config, str]], defaults: Mapping[str, Json]) -> str | None:
    """The common text; `{field}` where a field's value stands, `…` where something else varies.

    What was given by the one configuration that said it is never kept as text. Literal braces are doubled.
    """
    if not said:
        return None
    chosen = _spread(sorted(said, key=lambda each: (each[1], repr(sorted(each[0].items())))))
    configs = [{**defaults, **config} for config, _ in chosen]
    tokens = [_tokens(text, config) for (_, text), config in zip(chosen, configs, strict=True)]
    common = tokens[0]
    for other in tokens[1:]:
        common = _common(common, other)
    gaps = [_gaps(common, each) for each in tokens]
    given = [config for config, _ in chosen]
    out: list[str] = []
    for place in range(len(common) + 1):
        pieces = [each[place] for each in gaps]
        if any(pieces):
            out.append(_slot(pieces, configs))
        if place < len(common):
            out.append(_kept(common[place], given) or _named(common[place], "".join(out), configs))
    return re.sub(f"{ANYTHING}(?:{ANYTHING})+", ANYTHING, "".join(out))


def constants_in(text: str) -> list[Json]:
    """The numbers and the texts that a template keeps: what the condition may compare with.

    Texts are quoted, or words after a colon with commas between them, at least three.
    """
    plain = re.sub(r"\{\w+\}", " ", text)
    strings = [quoted[1:-1] for quoted in re.findall(_QUOTED, plain)]
    strings += [word.rstrip(".") for listed in _LISTED.findall(plain) for word in re.split(r",\s+", listed)]
    numbers = re.findall(rf"(?<![\w.]){_NUMBER}(?![\w.]*\w)", re.sub(_QUOTED, " ", plain))
    return [*filter(str.strip, strings), *(_number(each) for each in numbers)]


def _number(text: str) -> float:
    return float(text) if re.search(r"[.eE]", text) else int(text)


def _spread(said: Sequence[tuple[Config, str]]) -> Sequence[tuple[Config, str]]:
    distinct = list({text: (config, text) for config, text in said}.values())
    if len(distinct) == 1:
        return said[:: max(1, len(said) // MOST_MESSAGES)]
    return distinct[:: max(1, len(distinct) // MOST_MESSAGES)]


def _common(first: list[str], second: list[str]) -> list[str]:
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [token for block in blocks for token in first[block.a : block.a + block.size]]


def _gaps(common: Sequence[str], tokens: Sequence[str]) -> list[str]:
    """What stands before each common token, and after the last."""
    found: list[str] = []
    start = 0
    for token in common:
        place = tokens.index(token, start)
        found.append("".join(tokens[start:place]))
        start = place + 1
    return [*found, "".join(tokens[start:])]


def _tokens(text: str, config: Config) -> list[str]:
    """Words, numbers, quoted strings and signs; a list, an object or a string of the user's is one token."""
    long = {str(value) for value in config.values() if isinstance(value, list | dict | str)}
    whole = [re.escape(each) for each in sorted(long, key=lambda each: (-len(each), each)) if len(each) > 1]
    return re.findall("|".join([*(rf"(?<!\w){each}(?!\w)" for each in whole), _TOKEN]), text)


def _slot(pieces: Sequence[str], configs: Sequence[Config]) -> str:
    """What stands for a varying piece: the field whose value it is everywhere, else anything."""
    for name in sorted(set.intersection(*(set(config) for config in configs))):
        values = [config[name] for config in configs]
        if all(map(_says, pieces, values)):
            quoted = all(
                isinstance(value, str) and piece[:1] in "'\""
                for piece, value in zip(pieces, values, strict=True)
            )
            return f"{pieces[0][0]}{{{name}}}{pieces[0][0]}" if quoted else f"{{{name}}}"
    return ANYTHING


def _says(piece: str, value: Json) -> bool:
    return bool(piece) and piece in (str(value), repr(value), f'"{value}"')


def _kept(token: str, given: Sequence[Config]) -> str | None:
    """For a common token, the field of which every configuration gave just this value."""
    if token.isspace():
        return None
    for name in sorted(set.intersection(*(set(config) for config in given))):
        values = [config[name] for config in given]
        if all(_says(token, value) for value in values):
            return _slot([token] * len(given), [{name: value} for value in values])
    return None


def _named(token: str, before: str, configs: Sequence[Config]) -> str:
    """A common token; the field's value where the field is named just before."""
    name = re.search(r"(\w+)\W{1,4}$", before)
    if name and all(name[1] in config and _says(token, config[name[1]]) for config in configs):
        return f"{{{name[1]}}}"
    return token.replace("{", "{{").replace("}", "}}")
