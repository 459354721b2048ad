"""A toy engine made of source texts, read by the static lane."""

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from atlas.schema.facts import ClassFact, LaneFacts
from atlas.schema.static.lane import Root, extract
from atlas.schema.static.modules import SourceIndex


def index_of(sources: dict[str, str]) -> SourceIndex:
    """An index over `{path: text}`; a bare text is the module `toy.config`."""
    files = {path: textwrap.dedent(text).encode() for path, text in sources.items()}
    files.setdefault("toy/__init__.py", b"")
    return SourceIndex({path: (lambda text=text: text) for path, text in files.items()})


@pytest.fixture
def index() -> Callable[..., SourceIndex]:
    return lambda text="", **more: index_of({"toy/config.py": text, **_paths(more)})


@pytest.fixture
def lane() -> Callable[..., LaneFacts]:
    """All facts of a toy engine: `lane(text, "toy.config.Config", more__module="…")`."""

    def read(text: str, *targets: str, **more: Any) -> LaneFacts:
        options = {
            name: more.pop(name) for name in ("assembled_from", "include_kwargs", "nested") if name in more
        }
        roots = [
            Root("function" if target.rpartition(".")[2][0].islower() else "class", target, **options)
            for target in targets or ("toy.config.Config",)
        ]
        return extract(index_of({"toy/config.py": text, **_paths(more)}), roots)

    return read


@pytest.fixture
def config(lane: Callable[..., LaneFacts]) -> Callable[..., ClassFact]:
    """The first class found."""
    return lambda text, *targets, **more: next(iter(lane(text, *targets, **more).classes.values()))


@pytest.fixture
def fields(config: Callable[..., ClassFact]) -> Callable[..., dict[str, dict[str, Any]]]:
    """The fields of the first class found, by name, as JSON."""
    return lambda text, *targets, **more: {
        field.name: field.to_json() for field in config(text, *targets, **more).fields
    }


def _paths(more: dict[str, str]) -> dict[str, str]:
    """`sub__module="…"` is toy/sub/module.py; `init__` stands for `__init__`."""
    return {
        f"toy/{name.replace('__', '/').replace('INIT', '__init__')}.py": text for name, text in more.items()
    }
