"""Which first-party files a rule's code consists of, and a digest of what each of them does.

The unit is an entry module: it and all modules it imports, directly or not, at module level or
inside functions. A Python file counts as its syntax tree without comments, docstrings and
positions, so that documenting or formatting code makes nothing stale; any other file counts as
its bytes. Digests are the same on every Python from 3.9 on (`ast.dump` is not).
"""

from __future__ import annotations

import ast
import gc
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.errors import InputError

DIGITS = 8
"""Hex digits of a digest, as many as git shows: enough to tell two versions of one file apart."""


@dataclass(frozen=True)
class Parsed:
    """One file: its digest, and the names it imports (absolute, or relative as (level, name))."""

    digest: str
    imports: tuple[tuple[int, str], ...]


_parsed: dict[Path, tuple[tuple[int, int], Parsed]] = {}
"""By path, with the mtime and size they hold for. In memory: nothing on disk may go stale."""


def code(entry: str, data: Sequence[str] = (), *, base: Path) -> list[str]:
    """`path@digest` of each file that module `entry` consists of, sorted by path.

    `base` is the project; modules are looked up in base/scripts, and their paths are given
    relative to it. `data` names further files that the code reads, relative to `base`; they may
    be globs, and each has to match something.
    """
    scripts = base / "scripts"
    with _no_collector():
        files = closure(entry, scripts) | set(_matches(data, base))
        prints = {_shown(file, scripts, base): parse(file).digest for file in files}
    return [f"{path}@{digest}" for path, digest in sorted(prints.items())]


@contextmanager
def _no_collector() -> Iterator[None]:
    """Syntax trees make garbage collection run often and find nothing: a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def closure(entry: str, scripts: Path) -> set[Path]:
    """The files that run when module `entry` is imported and used, packages' __init__ included."""
    packages = {child.stem for child in scripts.iterdir() if not child.name.startswith(".")}
    known: dict[str, list[Path]] = {}
    """Files that run when a module is imported: those of its packages, then its own."""

    def files(module: str) -> list[Path]:
        if module not in known:
            parent = module.rpartition(".")[0]
            own = _module_file(module, scripts)
            known[module] = [*(files(parent) if parent else []), *([own] if own else [])]
        return known[module]

    if not _module_file(entry, scripts):
        raise InputError(f"there is no module {entry} in {scripts.name}/", hint="see code(…) in rules/")
    seen: set[Path] = set()
    queue = list(files(entry))
    while queue:
        file = queue.pop()
        if file in seen:
            continue
        seen.add(file)
        for level, name in parse(file).imports:
            module = _absolute(level, name, file, scripts)
            if module.partition(".")[0] in packages:
                queue += files(module)
    return seen


def parse(file: Path) -> Parsed:
    """Digest and imports of one file."""
    stat = file.stat()
    state = (stat.st_mtime_ns, stat.st_size)
    known = _parsed.get(file)
    if known is None or known[0] != state:
        known = _parsed[file] = (state, _parse(file))
    return known[1]


def _parse(file: Path) -> Parsed:
    content = file.read_bytes()
    if file.suffix != ".py":
        return Parsed(_short(content), ())
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        # Being edited: what depends on it is stale, and its own command will say what is wrong.
        return Parsed(_short(content), ())
    dynamic = b"import_module" in content or b"__import__" in content
    imports = [*_imports(tree.body), *(_dynamic_imports(tree) if dynamic else [])]
    return Parsed(_short(canonical(tree)), tuple(sorted(set(imports))))


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def _matches(patterns: Iterable[str], base: Path) -> Iterator[Path]:
    for pattern in patterns:
        found = [path for path in base.glob(pattern) if path.is_file()]
        if not found:
            raise InputError(f"code(…) names {pattern}, and there is no such file", where=str(base))
        yield from found


def _shown(file: Path, scripts: Path, base: Path) -> str:
    return file.relative_to(scripts if file.is_relative_to(scripts) else base).as_posix()


def _module_file(name: str, scripts: Path) -> Path | None:
    path = scripts.joinpath(*name.split("."))
    for candidate in (path / "__init__.py", path.with_name(path.name + ".py")):
        if candidate.is_file():
            return candidate
    return None


def _absolute(level: int, name: str, file: Path, scripts: Path) -> str:
    if not level:
        return name
    package = file.relative_to(scripts).parent.parts
    return ".".join([*package[: len(package) - level + 1], *([name] if name else [])])


def _imports(body: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Import statements at any depth, but those for type checkers only, which do not run."""
    queue = list(body)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield node.level, module
            # Each name may be a module of the package.
            yield from ((node.level, f"{module}.{alias.name}".lstrip(".")) for alias in node.names)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            queue.extend(node.orelse)
        else:
            for name in ("body", "orelse", "handlers", "finalbody", "cases"):
                below = getattr(node, name, None)
                if isinstance(below, list):
                    queue.extend(below)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _dynamic_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """`import_module("a.b")`, where the name is written out."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and call.args:
            function, first = call.func, call.args[0]
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
            if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield 0, str(first.value)


_IGNORED = {"ctx", "type_comment", "kind", "type_ignores"}
_fields: dict[type, tuple[str, ...]] = {}


def canonical(tree: ast.AST) -> bytes:
    """What a syntax tree means, as bytes: fields by name, empty ones and no-op statements left out.

    Empty fields are left out because new Pythons add fields. Strings are not written with `repr`,
    which escapes differently as Unicode grows.
    """
    out: list[str] = []
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind is str:
            out.append(f"{len(node)}:{node}")
        elif kind is list:
            out.append(f"[{len(node)}")
            stack.extend(reversed(node))
        elif isinstance(node, ast.AST):
            out.append(kind.__name__)
            _push_fields(node, out, stack)
        else:
            out.append(repr(node))
    return "\0".join(out).encode("utf-8", "surrogatepass")


def _push_fields(node: ast.AST, out: list[str], stack: list[Any]) -> None:
    kind = node.__class__
    names = _fields.get(kind)
    if names is None:
        names = _fields[kind] = tuple(sorted(set(node._fields) - _IGNORED))
    for name in names:
        value = getattr(node, name, None)
        if value.__class__ is list:
            if value and isinstance(value[0], ast.stmt):
                value = [statement for statement in value if not _does_nothing(statement)]
            elif kind is ast.JoinedStr:
                value = [part for part in value if not _is_empty(part)]
            elif kind is ast.Delete:
                value = _flat(value)
            if not value:
                continue
        elif value is None or (name == "format_spec" and all(map(_is_empty, value.values))):
            continue
        out.append(name)
        stack.append(value)


def _does_nothing(statement: ast.stmt) -> bool:
    """Docstrings, strings under attributes, `...`, `pass`."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def _is_empty(part: ast.expr) -> bool:
    """Python 3.12 ends the format of `f"{x:{n}}"` with an empty string."""
    return isinstance(part, ast.Constant) and part.value == ""


def _flat(targets: list[ast.expr]) -> list[ast.expr]:
    """Formatters write `del (a, b)` as `del a, b`."""
    if len(targets) == 1 and isinstance(targets[0], ast.Tuple):
        return targets[0].elts
    return targets
