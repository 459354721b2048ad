"""Finding an engine in a command line or an image: which, in what version, and the words that are its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from atlas.check.given import Token
from atlas.check.model import Json
from atlas.errors import InputError
from atlas.knowledge.library import engines, load

_PYTHON = re.compile(r"python(\d+(\.\d+)?)?$")
_SHELLS = ("sh", "bash", "dash", "zsh", "ash")
_OPERATORS = frozenset({"&&", "||", ";", "|", "&", ">", ">>", "<", "2>", "2>&1", "(", ")", "\n"})
_DEFAULT = re.compile(r"\$\{\w+:?-([^{}]*)\}")
"""`${TAG:-v1.2}`: what counts where nothing is set."""
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+(?:(?:a|b|rc)\d+|\.post\d+|\.dev\d+)*)")


_REMARK = re.compile(r"""('[^']*'|"(?:[^"\\]|\\.)*"|\\.)|(?:^|(?<=\s))#[^\n]*""", re.M | re.S)
"""What is kept because it is quoted; or a remark, up to the end of its line."""
MAX_COMMAND, MAX_WORDS = 200_000, 5_000
"""Characters and words; a system takes fewer characters."""


class Start(NamedTuple):
    """How an engine is started: its name, the words after the command, and the tag of its image, if any."""

    engine: str
    words: tuple[Token, ...]
    tag: str | None = None


def serves(results: Path, only: str | None = None) -> dict[str, list[Mapping[str, Json]]]:
    """What is known of how engines are started, by their names; of the newest version that says so."""
    found: dict[str, list[Mapping[str, Json]]] = {}
    for name in [only] if only else engines(results):
        serve = load(name, None, results).serve
        if serve:
            found.setdefault(name, []).append(serve)
    return found


def find_start(tokens: Sequence[Token], known: Mapping[str, Sequence[Mapping[str, Json]]]) -> Start | None:
    """The engine that a command line starts: by its command, or by its image (`docker run IMAGE ARGS`)."""
    tokens = unwrapped(tokens)
    texts = [token.text for token in tokens]
    for engine, entries in known.items():
        for entry in entries:
            for command in entry.get("commands", ()):
                words = command.split()
                for place in range(len(texts) - len(words) + 1):
                    if all(is_word(a, b) for a, b in zip(texts[place:], words, strict=False)):
                        return Start(engine, own(tokens[place + len(words) :]), _tag(texts[:place], entry))
    for place, text in enumerate(texts):
        for engine, entries in known.items():
            if any(is_image(text, entry) for entry in entries):
                return Start(engine, own(tokens[place + 1 :]), tag_of(text))
    return None


def _tag(texts: Sequence[str], entry: Mapping[str, Json]) -> str | None:
    return next((tag_of(text) for text in texts if is_image(text, entry)), None)


def unwrapped(tokens: Sequence[Token]) -> Sequence[Token]:
    """The words inside of `sh -c "…"`."""
    for place in range(len(tokens) - 1):
        name = tokens[place].text.rpartition("/")[2]
        if name in _SHELLS:
            for at in range(place + 1, len(tokens) - 1):
                if re.fullmatch(r"-[a-z]*c[a-z]*", tokens[at].text):
                    return split(tokens[at + 1])
                if not tokens[at].text.startswith("-"):
                    break
    return tokens


def split(token: Token, *, script: bool = True) -> list[Token]:
    """A command in one text, as a shell takes it apart; InputError where it would not.

    In a script a new line is another command; in the one command of a container it is a blank.
    """
    if len(token.text) > MAX_COMMAND:
        raise InputError(f"the command is longer than {MAX_COMMAND // 1000} kB", where=str(token.place))
    text = re.sub(r"\\\r?\n", " ", _REMARK.sub(r"\1", token.text) if script else token.text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>\n" if script else "|&;<>")
    lexer.whitespace = " \t\r" if script else " \t\r\n"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = [Token(word, token.place) for word in islice(lexer, MAX_WORDS + 1)]
    except ValueError as error:
        raise InputError(
            f"the command cannot be taken apart: {str(error).lower()}", where=str(token.place)
        ) from error
    if len(words) > MAX_WORDS:
        raise InputError(f"the command has more than {MAX_WORDS:,} words", where=str(token.place))
    return words


def own(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The words up to where the shell begins something else."""
    for place, token in enumerate(tokens):
        if token.text in _OPERATORS:
            return tuple(tokens[:place])
    return tuple(tokens)


def is_word(word: str, wanted: str) -> bool:
    """Whether a word of a command line is that of a command, in any folder; `python` is any Python."""
    name = word.rpartition("/")[2]
    if wanted == "python":
        return _PYTHON.match(name) is not None
    return wanted in (name, word)


def is_image(text: str, entry: Mapping[str, Json]) -> bool:
    """Whether a reference to an image is one of the engine's, on any registry."""
    if text.startswith("-"):
        return False
    name, _ = _parts(text)
    parts = name.split("/")
    every = ["/".join(parts[place:]) for place in range(len(parts))]
    return any(fnmatchcase(one, pattern) for one in every for pattern in entry.get("images", ()))


def tag_of(text: str) -> str | None:
    return _parts(text)[1]


def _parts(text: str) -> tuple[str, str | None]:
    text = _DEFAULT.sub(r"\1", text.partition("@")[0])
    head, colon, tag = text.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (text, None)


def version_of(tag: str | None) -> str | None:
    """The version that a tag such as `v0.11.0-cu128` stands for, if it is one."""
    match = _VERSION.match(tag or "")
    return match[1] if match else None
