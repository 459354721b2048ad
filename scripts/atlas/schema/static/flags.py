"""Command-line flags, read from the code that builds a parser, and the parameters that they set."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from atlas.schema.facts import ClassFact, FieldFact, FlagFact, Limitation
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.flags_callee import inherited
from atlas.schema.static.flags_walk import FieldsOf, Walker
from atlas.schema.static.modules import Definition, Module, SourceIndex

Fields = Mapping[str, FieldFact]


@dataclass(frozen=True)
class CliFacts:
    """The flags of a parser; `deprecated` are the names in its namespace that argparse marks so."""

    flags: tuple[FlagFact, ...] = ()
    limitations: tuple[Limitation, ...] = ()
    deprecated: frozenset[str] = frozenset()


def extract_flags(
    index: SourceIndex,
    target: str,
    *,
    evaluator: Evaluator | None = None,
    owner: str | None = None,
    fields: Fields | None = None,
    fields_of: FieldsOf = lambda _qualname: {},
) -> CliFacts:
    """The flags that `target` adds to a parser, itself or through the functions it hands the parser to.

    `target` is the dotted name of a function or method; `owner` the class whose `fields` the flags set;
    `fields_of` gives the fields of another class, for flags whose arguments are made from its fields.
    """
    definition = _function(index, target)
    if definition is None:
        reason = "no such function in the sources"
        return CliFacts(limitations=(Limitation("cli_not_found", target, reason),))
    walker = Walker(index, evaluator or Evaluator(index), owner, fields or {}, fields_of)
    walker.enter(definition)
    renamed = _renamed(index, definition, owner) if owner else {}
    known = fields or {}
    found = tuple(_owned(flag, owner, known, renamed) for flag in _distinct(walker.flags))
    return CliFacts(found, tuple(walker.limitations), frozenset(walker.deprecated))


def with_help(classes: Mapping[str, ClassFact], cli: Iterable[CliFacts]) -> dict[str, ClassFact]:
    """The same classes; a field that nothing else describes has the help of its flag."""
    texts: dict[tuple[str | None, str | None], str] = {}
    for flag in (flag for parser in cli for flag in parser.flags if flag.help):
        texts.setdefault((flag.owner, flag.field), flag.help or "")

    def helped(owner: str, field: FieldFact) -> FieldFact:
        text = texts.get((owner, field.name))
        return field if field.description or text is None else replace(field, description=text)

    return {
        name: replace(fact, fields=tuple(helped(name, field) for field in fact.fields))
        for name, fact in classes.items()
    }


def _owned(flag: FlagFact, owner: str | None, fields: Fields, renamed: Mapping[str, str]) -> FlagFact:
    dest = flag.dest or ""
    name = renamed.get(dest, dest)
    return replace(flag, owner=owner, field=name) if name in fields else replace(flag, owner=owner)


def _distinct(flags: list[FlagFact]) -> Iterator[FlagFact]:
    """Flags without those that another branch of the code adds once more."""
    seen: set[str] = set()
    for flag in flags:
        names = set(flag.flags) or {flag.dest or ""}
        if not seen & names:
            seen |= names
            yield flag


def _function(index: SourceIndex, dotted: str) -> Definition | None:
    found = index.resolve(dotted)
    if found is None:
        parent, _, name = dotted.rpartition(".")
        home = index.resolve(parent) if parent else None
        found = inherited(index, home, name) if home else None
    return found if found and found.kind == "function" else None


# --- how a namespace becomes an instance --------------------------------------------------------------


def _renamed(index: SourceIndex, target: Definition, owner: str) -> dict[str, str]:
    """{name in the parsed namespace: field} from the calls `Owner(field=args.name)` beside the parser code.

    Read are the module that holds `target` and the one that defines the owner.
    """
    modules = [target.scope.module] if target.scope else []
    home = index.resolve(owner)
    if home and home.scope and home.scope.module not in modules:
        modules.append(home.scope.module)
    found: dict[str, str] = {}
    for module in modules:
        for function in ast.walk(module.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.args.args:
                pairs = _passed(function, _makes(index, module, owner))
                # `x=args.y` says more than `x=pick(args.y)`.
                for name, field, _ in sorted(pairs, key=lambda pair: not pair[2]):
                    found.setdefault(name, field)
    return found


def _makes(index: SourceIndex, module: Module, owner: str) -> Callable[[ast.Call], bool]:
    short = owner.rpartition(".")[2]

    def makes(call: ast.Call) -> bool:
        """Whether the call constructs the owner; imports inside functions are taken at their word."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
        if name == "cls":
            return module.name == owner.rpartition(".")[0]
        if name != short:
            return False
        found = index.lookup(module, short)
        return found is None or found.qualname == owner

    return makes


def _passed(
    function: ast.FunctionDef | ast.AsyncFunctionDef, makes: Callable[[ast.Call], bool]
) -> Iterator[tuple[str, str, bool]]:
    """(name read, field set, whether unchanged) of a function that makes an owner from a namespace."""
    parameters = {argument.arg for argument in function.args.args} - {"self", "cls"}
    assigned = [
        part for part in ast.walk(function) if isinstance(part, ast.Assign) and len(part.targets) == 1
    ]
    local = {each.targets[0].id: each.value for each in assigned if isinstance(each.targets[0], ast.Name)}
    calls = [part for part in ast.walk(function) if isinstance(part, ast.Call) and makes(part)]
    values = [(keyword.arg, keyword.value) for call in calls for keyword in call.keywords if keyword.arg]
    if calls:
        # `args.x = args.y` before all of `args` is taken.
        values += [
            (each.targets[0].attr, each.value)
            for each in assigned
            if isinstance(each.targets[0], ast.Attribute)
            and isinstance(each.targets[0].value, ast.Name)
            and each.targets[0].value.id in parameters
        ]
    for field, value in values:
        if isinstance(value, ast.Name) and value.id in local:
            value = local[value.id]
        names = _attributes(value, parameters)
        if field in names:
            yield field, field, True
        elif len(names) == 1:
            yield names.pop(), field, isinstance(value, ast.Attribute)


def _attributes(node: ast.expr, parameters: set[str]) -> set[str]:
    """Names read from a parameter: `args.x` and `getattr(args, "x", …)`."""
    found: set[str] = set()
    for part in ast.walk(node):
        match part:
            case ast.Attribute(value=ast.Name(id=base), attr=attr) if base in parameters:
                found.add(attr)
            case ast.Call(
                func=ast.Name(id="getattr"), args=[ast.Name(id=base), ast.Constant(value=str(attr)), *_]
            ) if base in parameters:
                found.add(attr)
    return found
