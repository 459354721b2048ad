"""Sentences that say a parameter is deprecated, told from those that say it of something else."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from atlas.schema.facts import DeprecationFact
from atlas.schema.static.docs.model import fold

_KIND = (
    r"(?:command[- ]line\s+|keyword\s+|cli\s+|config(?:uration)?\s+)?"
    r"(?:options?|parameters?|arguments?|args?|flags?|fields?|settings?|attributes?|propert(?:y|ies)|kwargs?|keywords?"
    r"|variables?|knobs?|features?)"
)
_QUOTE = r"[`'\"*“”‘’]*"
_NAME = rf"{_QUOTE}-{{0,2}}[A-Za-z_][\w.-]*{_QUOTE}(?:\s*\([^)]*\))?"
_NAMES = rf"(?P<names>{_NAME}(?:\s*(?:,\s*and\s|,\s*or\s|,|\band\b|\bor\b|/)\s*{_NAME})*)"
_IS = r"(?:is|are|was|were|has\s+been|have\s+been)\s+(?:now\s+|also\s+|being\s+|officially\s+)?"
_GONE = (
    r"(?:will\s+be|is\s+going\s+to\s+be|is\s+scheduled\s+to\s+be|has\s+been|is)\s+removed\s+in\s+"
    r"(?:a\s+future|the\s+next|v?\d|version)"
)
_VERDICT = rf"\s+(?:{_IS}(?:deprecated|obsolete)\b|{_GONE})"

_LABEL = re.compile(
    r"^(?:[-•]\s+)?[*_]{0,2}(?:note|warning|caution|important|attention)[*_]{0,2}\s*[:!]\s*", re.I
)
# A mark opens the text: `[DEPRECATED] …`, `(Deprecated) …`, `Deprecated: …`, `Deprecated in 5.13`.
_MARK = re.compile(
    r"^[\[(*_`<~\s]*deprecated[\])*_`>]*"
    r"(?:\s*$|\s*[:.,;!\])–—]|\s+-|\s+(?:in|since|as\s+of|from|and|due|because|when|if)\b"
    rf"|\s+(?:alias|spelling|synonym|name)\b|\s+[(]|\s+use\b|\s+(?:\w+\s+){{0,3}}{_KIND}\b(?!\s+(?:for|of|to)\b)"
    r"|(?<=[\])*])\s)",
    re.I,
)
# Later in a text only an unmistakable one counts.
_INNER_MARK = re.compile(
    r"^[\[(*_`]*deprecated[\])*_`]*(?:\s*[:!]|\s+(?:in|since|as\s+of)\s+(?:version\s+)?v?\d|\s*$|(?<=[\])])\s)",
    re.I,
)
_DIRECTIVE = re.compile(r"\.\.\s+deprecated::\s*(?P<since>v?\d[\w.]*)?", re.I)
_SUBJECT = re.compile(rf"^(?P<article>the|this|these|both|all)?\s*{_NAMES}(?:\s+{_KIND})?{_VERDICT}", re.I)
_KIND_ONLY = re.compile(rf"^(?:this|the|these)\s+{_KIND}{_VERDICT}", re.I)
_PASSING = re.compile(
    rf"^(?:passing|using|setting|specifying|providing|supplying)\s+(?:the\s+)?(?P<names>{_QUOTE}-{{0,2}}[A-Za-z_][\w-]*{_QUOTE})"
    rf"(?![=\w'])[^.;]{{0,80}}?\s(?:is|are|has\s+been)\s+(?:now\s+)?deprecated\b",
    re.I,
)
_SINCE = re.compile(
    r"deprecated[\])*_`]*,?\s+(?:in|since|as\s+of|from)\s+(?:[A-Za-z]+\s+)?v?(\d+(?:\.\d+)+(?:\.?(?:post|rc|dev|a|b)\d+)?)",
    re.I,
)
_TOKEN = (
    r"(?:(?::\w+)*:?`{1,2}~?(?P<a>[^`]+)`{1,2}|\"(?P<b>[^\"]+)\"|'(?P<c>[\w.=-]+)'|(?P<d>--[\w.{},-]*[\w}](?:=[^\s,;)]+)?(?:\s<[\w-]+>)?)"
    r"|(?P<e>[A-Za-z_]\w*(?:\.\w+)+(?:=\w+)?|\w*_\w+(?:=\w+)?|[A-Za-z]\w+(?=\s+instead)))"
)
_REPLACEMENTS = [
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?:use|set|switch\s+to|specify|try)\s+(?:the\s+|a\s+)?{_TOKEN}",
        rf"\bin\s+favou?r\s+of\s+(?:the\s+)?{_TOKEN}",
        rf"\b(?:replaced|superseded)\s+(?:by|with)\s+(?:the\s+)?{_TOKEN}",
        rf"\b(?:renamed|moved)\s+(?:to|into)\s+(?:the\s+)?{_TOKEN}",
        rf"\b(?:alias|spelling|synonym|name)\s+(?:of|for)\s+(?:the\s+)?{_TOKEN}",
        rf"\bnow\s+{_TOKEN}\s+is\s+used\b",
        rf"\b(?:pass|put)\s+(?:it|them)\s+(?:in|to|via|through|as)\s+(?:the\s+)?{_TOKEN}",
    )
]
_ABBREVIATION = re.compile(r"(?:\b(?:i\.e|e\.g|etc|vs|cf|approx)\.|\bv\.)$", re.I)
_CONTINUES = re.compile(
    r"\b(?:removed?|instead|use|replaced?|no\s+effect|ignored|please|favou?r|renamed|moved|pass\s+it|will\s+be)\b",
    re.I,
)


def deprecation_in(text: str, names: Collection[str]) -> DeprecationFact | None:
    """What a text says about the deprecation of the parameter that it documents.

    `names` are the names that the text may call it by. Text about values, about other parameters
    (`Replaces the deprecated --x`) or about the future (`will be deprecated when …`) does not count.
    """
    own = {_plain(name) for name in names}
    if directive := _DIRECTIVE.search(text):
        return _fact(fold(text[directive.end() :]) or None, own, directive["since"])
    sentences = _sentences(fold(text))
    for index, sentence in enumerate(sentences):
        bare = _LABEL.sub("", sentence)
        mark = (_MARK if index == 0 else _INNER_MARK).match(bare)
        if mark or says_deprecated(bare, own):
            return _fact(_message(sentences[index:]), own)
    return None


def says_deprecated(sentence: str, names: Collection[str]) -> bool:
    """Whether a sentence has one of the names, or `this option`, as the subject of `is deprecated`."""
    if _KIND_ONLY.match(sentence):
        return True
    return bool(subjects(sentence) & {_plain(name) for name in names})


def subjects(text: str) -> set[str]:
    """What a text says is deprecated: a and b in "The `a` and `b` arguments are deprecated"."""
    found: set[str] = set()
    for sentence in _sentences(fold(text)):
        match = _SUBJECT.match(_LABEL.sub("", sentence)) or _PASSING.match(sentence)
        if match:
            listed = re.sub(r"\([^)]*\)", "", match["names"])
            found |= {_plain(part) for part in re.split(r",|/|\s+(?:and|or)\s+|\s+", listed)}
    return found - {""}


def merged(facts: Sequence[DeprecationFact | None]) -> DeprecationFact | None:
    """One fact from several sources, best first; a message of a word or two gives way to a sentence."""
    known = [fact for fact in facts if fact is not None]
    if not known:
        return None
    messages = [fact.message for fact in known if fact.message]
    telling = [message for message in messages if len(message.split()) > 2]
    return DeprecationFact(
        since=next((fact.since for fact in known if fact.since), None),
        message=next(iter([*telling, *messages]), None),
        replacement=next((fact.replacement for fact in known if fact.replacement), None),
    )


def stated(message: str | None, names: Collection[str]) -> DeprecationFact:
    """The fact behind a message that is known to be about the parameter."""
    return _fact(fold(message) if message else None, {_plain(name) for name in names})


def _fact(message: str | None, own: set[str], since: str | None = None) -> DeprecationFact:
    if message is None:
        return DeprecationFact(since=since)
    found = _SINCE.search(message)
    return DeprecationFact(
        since=since or (found[1] if found else None),
        message=message,
        replacement=_replacement(message, own),
    )


def _replacement(message: str, own: set[str]) -> str | None:
    for pattern in _REPLACEMENTS:
        for match in pattern.finditer(message):
            token = next(group for group in match.group("a", "b", "c", "d", "e") if group)
            token = token.strip().rstrip(".,;:")
            if token and _plain(token) not in own:
                return token
    return None


def _message(sentences: Sequence[str]) -> str:
    taken = [sentences[0]]
    for sentence in sentences[1:3]:
        if not _CONTINUES.search(sentence):
            break
        taken.append(sentence)
    return re.sub(r"\s*\bTODO\b.*$", "", " ".join(taken)).strip()


def _sentences(text: str) -> list[str]:
    parts: list[str] = []
    for part in re.split(r"(?<=[.!?])\s+", text):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return [part for part in parts if part]


def _plain(name: str) -> str:
    """A name without dashes, quotes and `self.`, as it would be written in code."""
    bare = name.strip("`'\"*“”‘’ .,").lstrip("-").replace("-", "_")
    return bare.removeprefix("self.")
