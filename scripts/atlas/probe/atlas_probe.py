"""Runs inside an engine's environment: imports what a request names and writes what it sees, as JSON.

Standard library only, Python 3.9 or newer, one file, so that it can be sent anywhere an engine runs:

    python atlas_probe.py --request request.json --output facts.json --log engine.log

It decides nothing. Each class, function, parser or call that fails becomes a limitation beside the
others' facts; only a request that cannot be read ends it. What the engine prints goes to the log,
also from C code and child processes. The facts follow the model of atlas/schema/facts.py.
"""

from __future__ import annotations

import argparse
import ast
import collections
import collections.abc
import contextlib
import copy
import dataclasses
import enum
import fnmatch
import importlib
import importlib.metadata
import inspect
import json
import math
import os
import pathlib
import re
import sys
import tempfile
import types
import typing
from typing import Any

FORMAT_VERSION = 1
TEXT_LIMIT = 400
ITEM_LIMIT = 500
DEPTH_LIMIT = 40
MISSING = dataclasses.MISSING
ADDRESS = re.compile(r"(?: object)? at 0x[0-9a-fA-F]+")
PRIMITIVES = {bool: "bool", int: "int", float: "float", str: "str", bytes: "bytes"}
CONSTRAINTS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
ITEM_BOUNDS = {"minLength": "minItems", "maxLength": "maxItems"}
CONTAINERS = ("list", "set", "frozenset", "tuple", "dict")
JSON_SCHEMA_KEYS = (*CONSTRAINTS.values(), *ITEM_BOUNDS.values())
# Markers under which a value of another type than the annotated one is accepted as it is.
OPEN_MARKERS = {"SkipValidation", "PlainValidator"}
LISTS = {
    list,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Iterable,
    collections.abc.Collection,
    collections.deque,
}
SETS = {set: "set", frozenset: "frozenset", collections.abc.Set: "set", collections.abc.MutableSet: "set"}
DICTS = {
    dict,
    collections.OrderedDict,
    collections.defaultdict,
    collections.abc.Mapping,
    collections.abc.MutableMapping,
}
TRANSPARENT = ("ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "InitVar")


class Probe:
    """One request's state: what counts as the engine's own, what to follow, and what was missed."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.packages = tuple(request["packages"])
        self.fixtures = request.get("fixtures") or ""
        self.limitations: list[dict[str, Any]] = []
        self.roots: set[type] = set()
        self.places = sorted(_places(request), key=lambda place: -len(place[0]))
        self.lines: dict[str, dict[str, int]] = {}
        self.seen_types: dict[str, type] = {}

    def miss(self, code: str, subject: str, error: BaseException | str) -> None:
        reason = error if isinstance(error, str) else self.explain(error)
        self.limitations.append({"code": code, "subject": subject, "reason": reason})

    def explain(self, error: BaseException) -> str:
        # pydantic says what is wrong in the third line.
        text = " ".join(line.strip() for line in str(error).strip().splitlines()[:4])
        return self.scrub(f"{type(error).__name__}: {text}" if text else type(error).__name__)

    def scrub(self, text: str, limit: int = TEXT_LIMIT) -> str:
        """Text without addresses and without this machine's folders."""
        for path, placeholder in self.places:
            text = text.replace(path, placeholder)
        text = ADDRESS.sub("", text)
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def is_own(self, cls: Any) -> bool:
        """Whether a class or function is defined by the engine."""
        module = getattr(cls, "__module__", None)
        return isinstance(module, str) and module.split(".")[0] in self.packages


def _places(request: dict[str, Any]) -> list[tuple[str, str]]:
    """Folders of this machine, and what is written for them."""
    places = [(path, "<engine>") for path in request.get("overlay", ())]
    places += [(request.get("fixtures") or "", "<fixtures>"), (sys.prefix, "<environment>")]
    # A Python of the system's lies in /usr, which is no place of this machine only.
    python = "" if sys.base_prefix in ("/usr", "/usr/local") else sys.base_prefix
    places += [(python, "<python>"), (os.getcwd(), "<cwd>")]
    places += [(os.environ.get(name) or "", f"<{name.lower()}>") for name in ("TMPDIR", "HOME")]
    both = [(form, name) for path, name in places for form in {path, os.path.realpath(path) if path else ""}]
    return [(path, name) for path, name in both if len(path) > 1]


# --- names ------------------------------------------------------------------------------------


def qualname(item: Any) -> str:
    return f"{item.__module__}.{item.__qualname__}"


def load(dotted: str) -> Any:
    """The object of a dotted name: the longest importable part, then attributes."""
    parts = dotted.split(".")
    module, rest = importlib.import_module(parts[0]), parts[1:]
    while rest:
        name = f"{module.__name__}.{rest[0]}"
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # Only the absence of this very name means that an attribute follows.
            if error.name != name:
                raise
            break
        rest = rest[1:]
    found: Any = module
    for part in rest:
        found = getattr(found, part)
    return found


def expand(dotted: str) -> list[Any]:
    """What a root names: one object, or the engine's classes that match its last part."""
    parent, _, last = dotted.rpartition(".")
    if "*" not in last:
        return [load(dotted)]
    holder = load(parent)
    found = [
        value
        for name, value in sorted(vars(holder).items())
        if fnmatch.fnmatchcase(name, last) and not name.startswith("_") and inspect.isclass(value)
    ]
    # A package re-exports what its modules define; a module's imports from elsewhere are not its own.
    inside = [cls for cls in found if f"{cls.__module__}.".startswith(f"{holder.__name__}.")]
    if not inside:
        raise AttributeError(f"no class of {parent} is called {last}")
    return list({id(cls): cls for cls in inside}.values())


def text_of(item: Any) -> str:
    """A readable name for a default, a type or a factory."""
    if isinstance(item, type) or inspect.isroutine(item):
        name = getattr(item, "__qualname__", None) or getattr(item, "__name__", repr(item))
        name = str(name).replace("<locals>.", "")
        module = getattr(item, "__module__", None)
        return name if module in (None, "builtins", "typing") else f"{module}.{name}"
    return repr(item)


# --- values -----------------------------------------------------------------------------------


class NotJson(ValueError):
    """A value that JSON has no form for."""


def to_json(value: Any, depth: int = 0) -> Any:
    """A value as JSON: enum members by value, sets sorted, tuples as lists. NotJson otherwise."""
    if isinstance(value, enum.Enum):
        return to_json(value.value, depth + 1)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if depth < 12 and isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) <= ITEM_LIMIT:
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise NotJson("a mapping whose keys are not all text")
            return {str(key): to_json(item, depth + 1) for key, item in value.items()}
        items = [to_json(item, depth + 1) for item in value]
        return items if isinstance(value, (list, tuple)) else sorted(items, key=lambda item: json.dumps(item))
    raise NotJson(type(value).__name__)


def safe_repr(probe: Probe, value: Any) -> str:
    try:
        return probe.scrub(text_of(value))
    except Exception as error:
        return f"<{type(value).__name__}: repr failed with {type(error).__name__}>"


def default_of(probe: Probe, value: Any) -> dict[str, Any]:
    """A default that is there as a value."""
    if value is None:
        return {"kind": "none", "text": "None"}
    text = str(value) if isinstance(value, enum.Enum) and not isinstance(value, str) else None
    if isinstance(value, enum.Enum):
        text = f"{type(value).__name__}.{value.name}"
    try:
        plain = to_json(value)
    except (NotJson, RecursionError):
        return {"kind": "computed", "text": safe_repr(probe, value)}
    if mentions_machine(probe, plain):
        return {"kind": "computed", "text": safe_repr(probe, value)}
    return {"kind": "value", "value": plain, "text": text or safe_repr(probe, value)}


def factory_of(probe: Probe, factory: Any, subject: str) -> dict[str, Any]:
    """A default made anew each time: the factory's name, and what it makes where that is always the same."""
    fact = {"kind": "factory", "text": safe_repr(probe, factory)}
    try:
        made, again = to_json(factory()), to_json(factory())
        if made == again and not mentions_machine(probe, made):
            fact["value"] = made
    except (NotJson, RecursionError):
        pass  # The name of the factory is the fact: what it makes is an object.
    except Exception as error:
        probe.miss("factory_failed", subject, error)
    return fact


def mentions_machine(probe: Probe, value: Any) -> bool:
    text = json.dumps(value)
    return any(path in text for path, _ in probe.places)


# --- types ------------------------------------------------------------------------------------


def type_expr(probe: Probe, hint: Any, depth: int = 0) -> dict[str, Any]:
    """A typing object as a TypeExpr."""
    if depth > DEPTH_LIMIT:
        return {"k": "unknown", "text": "…"}
    if isinstance(hint, str):
        return {"k": "unknown", "text": probe.scrub(hint)}
    if isinstance(hint, typing.ForwardRef):
        return {"k": "unknown", "text": hint.__forward_arg__}
    if hint is None or hint is type(None):
        return {"k": "none"}
    if hint is Any or hint is object:
        return {"k": "any"}
    if isinstance(hint, typing.TypeVar):
        return _type_var(probe, hint, depth)
    if isinstance(hint, dataclasses.InitVar):
        return type_expr(probe, hint.type, depth + 1)
    if hasattr(hint, "__supertype__"):
        return type_expr(probe, hint.__supertype__, depth + 1)
    if type(hint).__name__ == "TypeAliasType":
        return type_expr(probe, hint.__value__, depth + 1)
    origin = typing.get_origin(hint)
    if origin is None:
        return _plain_type(probe, hint)
    return _generic(probe, hint, origin, typing.get_args(hint), depth + 1)


def _type_var(probe: Probe, hint: Any, depth: int) -> dict[str, Any]:
    if hint.__bound__ is not None:
        return type_expr(probe, hint.__bound__, depth + 1)
    if hint.__constraints__:
        return union([type_expr(probe, one, depth + 1) for one in hint.__constraints__])
    return {"k": "any"}


def _plain_type(probe: Probe, hint: Any) -> dict[str, Any]:
    """A type without parameters."""
    if hint in (collections.abc.Callable, typing.Callable) or hint is types.FunctionType:
        return {"k": "callable"}
    if not isinstance(hint, type):
        name = getattr(hint, "_name", None)
        return {"k": "any"} if name in ("Any", "Self") else {"k": "opaque", "name": safe_repr(probe, hint)}
    if hint in PRIMITIVES:
        return {"k": "prim", "name": PRIMITIVES[hint]}
    if hint in LISTS or hint in SETS or hint in DICTS or hint is tuple:
        return _generic(probe, hint, hint, (), 0)
    if hint is os.PathLike or issubclass(hint, pathlib.PurePath):
        return {"k": "path"}
    name = text_of(hint)
    if issubclass(hint, enum.Enum):
        return {"k": "enum", "name": name, "members": _members(hint)}
    if probe.is_own(hint) and (hint in probe.roots or kind_of(hint) not in ("plain", "named_tuple")):
        probe.seen_types[name] = hint
        return {"k": "class", "name": name}
    return {"k": "opaque", "name": name}


def _members(cls: Any) -> dict[str, Any]:
    members = {}
    for name, member in cls.__members__.items():
        try:
            members[name] = to_json(member)
        except NotJson:
            members[name] = name
    return members


def _generic(probe: Probe, hint: Any, origin: Any, args: tuple[Any, ...], depth: int) -> dict[str, Any]:
    def item(index: int = 0) -> dict[str, Any]:
        return type_expr(probe, args[index], depth) if len(args) > index else {"k": "any"}

    if origin is typing.Literal or getattr(origin, "_name", None) == "Literal":
        return {"k": "literal", "values": [_literal_value(value) for value in args]}
    if origin is typing.Union or type(hint).__name__ == "UnionType":
        return union([type_expr(probe, one, depth) for one in args])
    if hasattr(hint, "__metadata__"):
        return _annotated(probe, hint, depth)
    if origin in LISTS:
        return {"k": "list", "item": item()}
    if origin in SETS:
        return {"k": SETS[origin], "item": item()}
    if origin in DICTS:
        return {"k": "dict", "key": item(0), "value": item(1)}
    if origin is collections.Counter:
        return {"k": "dict", "key": item(0), "value": {"k": "prim", "name": "int"}}
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return {"k": "tuple", "item": item()}
        if not args and hint in (tuple, typing.Tuple):
            return {"k": "tuple", "item": {"k": "any"}}
        return {"k": "tuple", "items": [type_expr(probe, one, depth) for one in args if one != ()]}
    if origin is collections.abc.Callable:
        return {"k": "callable"}
    if origin is os.PathLike:
        return {"k": "path"}
    if getattr(origin, "_name", None) in TRANSPARENT:
        return item()
    if origin is type:
        return {"k": "opaque", "name": f"type[{text_of(args[0])}]" if args else "type"}
    return _plain_type(probe, origin)


def _literal_value(value: Any) -> Any:
    try:
        return to_json(value)
    except NotJson:
        return repr(value)


def union(members: list[dict[str, Any]]) -> dict[str, Any]:
    """Members flattened and without repeats, in order."""
    flat: list[dict[str, Any]] = []
    for member in members:
        for one in member["of"] if member["k"] == "union" else [member]:
            if all(repr(one) != repr(other) for other in flat):
                flat.append(one)
    return flat[0] if len(flat) == 1 else {"k": "union", "of": flat}


def _annotated(probe: Probe, hint: Any, depth: int) -> dict[str, Any]:
    base = type_expr(probe, typing.get_args(hint)[0], depth)
    constraints, is_open = constraints_of(hint.__metadata__, base)
    if not constraints and not is_open:
        return base
    return {"k": "annotated", "base": base, "constraints": constraints, "open": is_open}


def constraints_of(metadata: Any, base: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Bounds from annotation metadata of any library, by their common attribute names; and openness."""
    found: dict[str, Any] = {}
    is_open = False
    for item in metadata or ():
        is_open = is_open or _name_of_marker(item) in OPEN_MARKERS
        for attribute, key in CONSTRAINTS.items():
            value = _attribute(item, attribute)
            value = getattr(value, "pattern", value)
            if isinstance(value, (int, float, str)) and not isinstance(value, bool) and value == value:
                found[key] = value
        nested, also_open = constraints_of(_attribute(item, "metadata"), base)
        found.update(nested)
        is_open = is_open or also_open
    sized = any(one["k"] in CONTAINERS for one in base.get("of", [base]))
    return {ITEM_BOUNDS.get(key, key) if sized else key: value for key, value in found.items()}, is_open


def _name_of_marker(item: Any) -> str:
    return item.__name__ if isinstance(item, type) else type(item).__name__


def _attribute(item: Any, name: str) -> Any:
    """An attribute of annotation metadata; none of a plain text, whose methods are no metadata."""
    if isinstance(item, (str, bytes, int, float, type)):
        return None
    value = getattr(item, name, None)
    if name == "metadata":
        return value if isinstance(value, (list, tuple)) else None
    return value


def description_of(metadata: Any) -> str | None:
    """Documentation held in annotation metadata: plain text, Doc, Meta, or an argument's help."""
    for item in metadata or ():
        if isinstance(item, str):
            return inspect.cleandoc(item) or None
        for name in ("documentation", "description", "help", "doc"):
            value = _attribute(item, name)
            if isinstance(value, str) and value.strip():
                return inspect.cleandoc(value)
    return None


class Hint:
    """A field's type as found: the expression, what was hoisted from it, and the text as written."""

    def __init__(self, probe: Probe, raw: Any, owner: Any, subject: str) -> None:
        self.annotation = _annotation_text(probe, raw)
        resolved = _resolved(probe, raw, owner, subject)
        self.metadata = tuple(getattr(resolved, "__metadata__", ()))
        self.type: dict[str, Any] | None
        self.constraints: dict[str, Any] = {}
        if resolved is inspect.Parameter.empty:
            self.type = None
            return
        try:
            self.type = type_expr(probe, resolved)
        except Exception as error:
            probe.miss("type_failed", subject, error)
            self.type = {"k": "unknown", "text": self.annotation or ""}
        self.hoist()

    def hoist(self) -> None:
        """Constraints of the whole field belong to the field, not to its type."""
        if self.type and self.type["k"] == "annotated":
            self.constraints.update(self.type["constraints"])
            self.type = dict(self.type, constraints={}) if self.type["open"] else self.type["base"]

    def add_metadata(self, metadata: Any) -> None:
        """Bounds that a library took out of the annotation."""
        base = self.type or {"k": "any"}
        inner = base["base"] if base["k"] == "annotated" else base
        constraints, is_open = constraints_of(metadata, inner)
        self.constraints.update(constraints)
        if is_open and base["k"] != "annotated":
            self.type = {"k": "annotated", "base": base, "constraints": {}, "open": True}


def _resolved(probe: Probe, raw: Any, owner: Any, subject: str) -> Any:
    """An annotation with its names looked up where its owner was defined; else its text."""
    if raw is inspect.Parameter.empty:
        return raw
    module = sys.modules.get(getattr(owner, "__module__", None) or "")
    scope = vars(module) if module else {}
    local = dict(vars(owner)) if isinstance(owner, type) else {}
    holder = types.SimpleNamespace(__annotations__={"it": raw})
    # A field may share its name with its type (`quantization: quantization`): the module goes first.
    for names in (scope, {**local, **scope}):
        try:
            return typing.get_type_hints(holder, names, names, include_extras=True)["it"]
        except Exception as error:
            failure = error
    if isinstance(raw, str):
        probe.miss("type_unresolved", subject, failure)
        return raw
    return raw


def _annotation_text(probe: Probe, raw: Any) -> str | None:
    if raw is inspect.Parameter.empty:
        return None
    if isinstance(raw, str):
        return probe.scrub(raw)
    if isinstance(raw, type) and not typing.get_args(raw):
        return raw.__name__ if raw.__module__ in ("builtins", "typing") else qualname(raw)
    return probe.scrub(repr(raw).replace("typing.", "").replace("NoneType", "None"))


# --- classes ----------------------------------------------------------------------------------


def kind_of(cls: Any) -> str:
    """Which kind of configuration class this is; `plain` when none is known."""
    has_pydantic = isinstance(getattr(cls, "__pydantic_fields__", None), dict)
    if "__required_keys__" in vars(cls) and issubclass(cls, dict):
        return "typed_dict"
    if hasattr(cls, "__struct_fields__") and hasattr(cls, "__struct_config__"):
        return "msgspec"
    if dataclasses.is_dataclass(cls) and (has_pydantic or not has_written_init(cls)):
        return "pydantic_dataclass" if has_pydantic else "dataclass"
    if has_pydantic or hasattr(cls, "model_fields"):
        return "pydantic"
    if hasattr(cls, "__attrs_attrs__"):
        return "attrs"
    return "named_tuple" if issubclass(cls, tuple) and hasattr(cls, "_fields") else "plain"


def maker_of(cls: Any) -> Any:
    """The class whose constructor is used."""
    return next((base for base in cls.__mro__ if "__init__" in vars(base)), object)


def has_written_init(cls: Any) -> bool:
    """Whether a dataclass has a constructor of its own, and its fields are not what it takes."""
    maker = maker_of(cls)
    code = getattr(inspect.unwrap(vars(maker)["__init__"]), "__code__", None)
    module = sys.modules.get(maker.__module__)
    return code is not None and code.co_filename == getattr(module, "__file__", None)


def class_fact(probe: Probe, cls: Any) -> dict[str, Any]:
    kind = kind_of(cls)
    read = {
        "dataclass": dataclass_fields,
        "pydantic_dataclass": dataclass_fields,
        "pydantic": pydantic_fields,
        "msgspec": msgspec_fields,
        "attrs": attrs_fields,
        "typed_dict": typed_dict_fields,
        "named_tuple": named_tuple_fields,
        "plain": plain_fields,
    }[kind]
    fields = list(read(probe, cls))
    if kind in ("pydantic", "pydantic_dataclass"):
        add_json_schema(cls, fields)
    return {
        "qualname": qualname(cls),
        "kind": kind,
        "bases": [text_of(base) for base in cls.__bases__ if base is not object],
        "doc": _class_doc(probe, cls),
        "extra": _extra(cls, kind),
        "validators": _validators(cls),
        "fields": fields,
        "file": file_of(probe, cls),
        "line": line_of(probe, cls, cls.__qualname__),
    }


def _class_doc(probe: Probe, cls: Any) -> str | None:
    doc = vars(cls).get("__doc__")
    # A dataclass without a docstring gets its signature for one.
    if not isinstance(doc, str) or doc.startswith(f"{cls.__name__}("):
        return None
    return probe.scrub(inspect.cleandoc(doc), 20_000) or None


def _extra(cls: Any, kind: str) -> str | None:
    """What the class does with names that it does not know, where it says so."""
    if kind in ("pydantic", "pydantic_dataclass"):
        config = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
        return config.get("extra") or "ignore"
    if kind == "msgspec":
        return "forbid" if cls.__struct_config__.forbid_unknown_fields else "ignore"
    if kind == "plain":
        return "allow" if takes_kwargs(cls) else "forbid"
    return "forbid" if kind in ("dataclass", "attrs") else None


def _validators(cls: Any) -> list[str]:
    found = ["__post_init__"] if inspect.isfunction(getattr(cls, "__post_init__", None)) else []
    decorators = getattr(cls, "__pydantic_decorators__", None)
    for group in ("validators", "field_validators", "root_validators", "model_validators"):
        found += list(getattr(decorators, group, None) or {})
    return found


def field_fact(
    probe: Probe, name: str, owner: Any, default: dict[str, Any], hint: Hint | None, **more: Any
) -> dict[str, Any]:
    metadata_text = description_of(hint.metadata) if hint else None
    fact: dict[str, Any] = {
        "name": name,
        "owner": qualname(owner),
        "type": hint.type if hint else None,
        "annotation": hint.annotation if hint else None,
        "default": default,
        "description": metadata_text,
        "constraints": hint.constraints if hint else {},
        "deprecated": None,
        "aliases": [],
        "env": None,
        "init": True,
        "private": name.startswith("_"),
        "via": "field",
        "joins": None,
        "file": file_of(probe, owner),
        "line": line_of(probe, owner, f"{owner.__qualname__}.{name}"),
    }
    fact.update({key: value for key, value in more.items() if value is not None})
    return fact


def owner_of(cls: Any, name: str) -> Any:
    """The nearest class that annotates a field; the class itself where none does (made by code)."""
    for base in cls.__mro__:
        if name in own_annotations(base):
            return base
    return cls


def own_annotations(cls: Any) -> dict[str, Any]:
    """The annotations in a class's own body."""
    if sys.version_info >= (3, 14):
        lazy = importlib.import_module("annotationlib")
        return dict(lazy.get_annotations(cls, format=lazy.Format.FORWARDREF))
    return dict(vars(cls).get("__annotations__") or {})


def raw_annotation(owner: Any, name: str, otherwise: Any) -> Any:
    return own_annotations(owner).get(name, otherwise)


def dataclass_fields(probe: Probe, cls: Any) -> typing.Iterator[dict[str, Any]]:
    described = getattr(cls, "__pydantic_fields__", None) or {}
    for field in cls.__dataclass_fields__.values():
        if getattr(field, "_field_type", None) is getattr(dataclasses, "_FIELD_CLASSVAR", MISSING):
            continue
        owner = owner_of(cls, field.name)
        subject = f"{qualname(cls)}.{field.name}"
        hint = Hint(probe, raw_annotation(owner, field.name, field.type), owner, subject)
        info = described.get(field.name)
        if info is None and type(field.default).__name__ == "FieldInfo":
            info = field.default
        more = pydantic_extras(hint, info) if info is not None else {}
        if field.default_factory is not MISSING:
            default = factory_of(probe, field.default_factory, subject)
        elif info is not None and _is_set(info):
            default = _pydantic_default(probe, info, subject)
        elif field.default is not MISSING and type(field.default).__name__ != "FieldInfo":
            default = default_of(probe, field.default)
        else:
            # A field outside the constructor and without a default is set by code at run time.
            default = {"kind": "required" if field.init else "computed", "text": None}
        if not more.get("description"):
            more["description"] = description_of(
                [getattr(field, "doc", None) or "", field.metadata.get("help") or ""]
            )
        init = field.init and getattr(info, "init", None) is not False
        yield field_fact(probe, field.name, owner, default, hint, init=init, **more)


def _is_set(info: Any) -> bool:
    return info.default_factory is not None or not _is_undefined(info.default)


def _is_undefined(value: Any) -> bool:
    return type(value).__name__ == "PydanticUndefinedType" or value is Ellipsis


def _pydantic_default(probe: Probe, info: Any, subject: str) -> dict[str, Any]:
    if info.default_factory is not None:
        if getattr(info, "default_factory_takes_validated_data", False):
            return {"kind": "computed", "text": safe_repr(probe, info.default_factory)}
        return factory_of(probe, info.default_factory, subject)
    if _is_undefined(info.default):
        return {"kind": "required", "text": None}
    return default_of(probe, info.default)


def pydantic_extras(hint: Hint, info: Any) -> dict[str, Any]:
    """What a pydantic FieldInfo adds to a field: bounds, description, aliases, deprecation."""
    hint.add_metadata(getattr(info, "metadata", ()))
    aliases: list[str] = []
    for alias in (getattr(info, "alias", None), getattr(info, "validation_alias", None)):
        for one in getattr(alias, "choices", None) or [alias]:
            if isinstance(one, str) and one not in aliases:
                aliases.append(one)
    more: dict[str, Any] = {"aliases": aliases, "deprecated": _deprecated(getattr(info, "deprecated", None))}
    description = getattr(info, "description", None)
    if isinstance(description, str) and description.strip():
        more["description"] = inspect.cleandoc(description)
    return more


def _deprecated(marker: Any) -> dict[str, Any] | None:
    if not marker:
        return None
    message = marker if isinstance(marker, str) else getattr(marker, "message", None)
    return {"since": None, "message": message, "replacement": None}


def pydantic_fields(probe: Probe, cls: Any) -> typing.Iterator[dict[str, Any]]:
    fields = getattr(cls, "__pydantic_fields__", None) or cls.model_fields
    for name, info in fields.items():
        owner = owner_of(cls, name)
        subject = f"{qualname(cls)}.{name}"
        hint = Hint(probe, raw_annotation(owner, name, info.annotation), owner, subject)
        default = _pydantic_default(probe, info, subject)
        yield field_fact(probe, name, owner, default, hint, **pydantic_extras(hint, info))
    for name, private in (getattr(cls, "__private_attributes__", None) or {}).items():
        owner = owner_of(cls, name)
        hint = Hint(
            probe, raw_annotation(owner, name, inspect.Parameter.empty), owner, f"{qualname(cls)}.{name}"
        )
        default = _pydantic_default(probe, private, f"{qualname(cls)}.{name}")
        if default["kind"] == "required":
            default = {"kind": "computed", "text": None}
        yield field_fact(probe, name, owner, default, hint, init=False)


def msgspec_fields(probe: Probe, cls: Any) -> typing.Iterator[dict[str, Any]]:
    names, encoded = cls.__struct_fields__, cls.__struct_encode_fields__
    padding = len(names) - len(cls.__struct_defaults__)
    for index, name in enumerate(names):
        owner = owner_of(cls, name)
        subject = f"{qualname(cls)}.{name}"
        hint = Hint(probe, raw_annotation(owner, name, inspect.Parameter.empty), owner, subject)
        default: dict[str, Any] = {"kind": "required", "text": None}
        if index >= padding:
            value = cls.__struct_defaults__[index - padding]
            if type(value).__name__ == "Factory" and hasattr(value, "factory"):
                default = factory_of(probe, value.factory, subject)
            elif repr(value) != "NODEFAULT":
                default = default_of(probe, value)
        aliases = [encoded[index]] if encoded[index] != name else []
        yield field_fact(probe, name, owner, default, hint, aliases=aliases)


def attrs_fields(probe: Probe, cls: Any) -> typing.Iterator[dict[str, Any]]:
    for attribute in cls.__attrs_attrs__:
        owner = owner_of(cls, attribute.name)
        subject = f"{qualname(cls)}.{attribute.name}"
        raw = attribute.type if attribute.type is not None else inspect.Parameter.empty
        hint = Hint(probe, raw_annotation(owner, attribute.name, raw), owner, subject)
        value = attribute.default
        if repr(value) == "NOTHING":
            default: dict[str, Any] = {"kind": "required" if attribute.init else "computed", "text": None}
        elif hasattr(value, "factory") and hasattr(value, "takes_self"):
            known = not value.takes_self
            default = (
                factory_of(probe, value.factory, subject) if known else {"kind": "computed", "text": None}
            )
        else:
            default = default_of(probe, value)
        alias = getattr(attribute, "alias", None)
        aliases = [alias] if alias and alias != attribute.name else []
        yield field_fact(probe, attribute.name, owner, default, hint, init=attribute.init, aliases=aliases)


def typed_dict_fields(probe: Probe, cls: Any) -> typing.Iterator[dict[str, Any]]:
    for name, raw in own_annotations(cls).items():
        hint = Hint(probe, raw, cls, f"{qualname(cls)}.{name}")
        kind = "required" if name in cls.__required_keys__ else "unknown"
        yield field_fact(probe, name, cls, {"kind": kind, "text": None}, hint)


def named_tuple_fields(probe: Probe, cls: Any) -> typing.Iterator[dict[str, Any]]:
    for name in cls._fields:
        raw = raw_annotation(cls, name, inspect.Parameter.empty)
        hint = Hint(probe, raw, cls, f"{qualname(cls)}.{name}")
        defaults = cls._field_defaults
        default = (
            default_of(probe, defaults[name]) if name in defaults else {"kind": "required", "text": None}
        )
        yield field_fact(probe, name, cls, default, hint)


def add_json_schema(cls: Any, fields: list[dict[str, Any]]) -> None:
    """Bounds that only pydantic's own JSON Schema shows (constraints inside its core schema)."""
    pydantic = sys.modules.get("pydantic")
    try:
        schema_module = importlib.import_module("pydantic.json_schema")

        class Lenient(schema_module.GenerateJsonSchema):  # type: ignore[name-defined, misc]
            """A type without a JSON form leaves the rest of the class readable."""

            def handle_invalid_for_json_schema(self, *_: Any) -> dict[str, Any]:
                return {}

            def emit_warning(self, kind: Any, detail: str) -> None:
                """Defaults without a JSON form are read elsewhere."""

        schema = pydantic.TypeAdapter(cls).json_schema(schema_generator=Lenient)  # type: ignore[union-attr]
    except Exception:
        return  # The bounds in the metadata have been read; this is a second source of the same.
    properties = schema.get("properties", {})
    for fact in fields:
        found = properties.get(fact["name"], {})
        branches = [branch for branch in found.get("anyOf", [found]) if branch.get("type") != "null"]
        if len(branches) == 1:
            for key in JSON_SCHEMA_KEYS:
                if key in branches[0]:
                    fact["constraints"].setdefault(key, branches[0][key])


# --- plain classes and functions ---------------------------------------------------------------


def takes_kwargs(cls: Any) -> bool:
    try:
        parameters = inspect.signature(cls.__init__).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def signature_fields(probe: Probe, function: Any, owner: Any, skip_first: bool) -> list[dict[str, Any]]:
    """The named parameters of a signature."""
    plain = inspect.unwrap(function)
    facts = []
    for index, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or (skip_first and index == 0):
            continue
        subject = f"{qualname(owner)}.{parameter.name}"
        hint = Hint(probe, parameter.annotation, plain, subject)
        if parameter.default is parameter.empty:
            default: dict[str, Any] = {"kind": "required", "text": None}
        else:
            default = default_of(probe, parameter.default)
        line = line_of(probe, plain, f"{plain.__qualname__}.{parameter.name}")
        facts.append(field_fact(probe, parameter.name, owner, default, hint, via="signature", line=line))
    return facts


def plain_fields(probe: Probe, cls: Any) -> list[dict[str, Any]]:
    """The constructor's parameters, then the attributes that a default instance has besides."""
    facts: list[dict[str, Any]] = []
    maker = maker_of(cls)
    if maker is not object:
        try:
            facts = signature_fields(probe, vars(maker)["__init__"], maker, skip_first=True)
        except (TypeError, ValueError) as error:
            probe.miss("signature_unavailable", qualname(cls), error)
    if any(fact["default"]["kind"] == "required" for fact in facts):
        return facts
    try:
        attributes = dict(vars(cls()))
    except Exception as error:
        probe.miss("construct_failed", qualname(cls), error)
        return facts
    named = {fact["name"] for fact in facts}
    for name, value in attributes.items():
        if name not in named:
            settable = takes_kwargs(cls) and is_settable(cls, name)
            default = default_of(probe, value)
            facts.append(field_fact(probe, name, maker, default, None, via="init_attr", init=settable))
    return facts


def is_settable(cls: Any, name: str) -> bool:
    """Whether the constructor takes an attribute's value as a keyword: tried with values of many types."""
    refused = 0
    candidates: list[Any] = ["atlas", 7, 0.5, True, [7], {"atlas": 7}]
    for value in candidates:
        try:
            if vars(cls(**{name: copy.copy(value)})).get(name) == value:
                return True
        except Exception:
            refused += 1  # A value that is refused was looked at, so the keyword exists.
    return refused == len(candidates)


def function_fact(probe: Probe, dotted: str) -> dict[str, Any]:
    """A function's parameters; for a method, its class's name is a part of its own."""
    function = load(dotted)
    holder = None
    with contextlib.suppress(ImportError, AttributeError):
        holder = load(dotted.rpartition(".")[0])
    raw = (
        inspect.getattr_static(holder, dotted.rpartition(".")[2], None) if isinstance(holder, type) else None
    )
    bound_already = isinstance(raw, (classmethod, staticmethod))
    plain = inspect.unwrap(getattr(function, "__func__", function))
    parameters = inspect.signature(function).parameters.values()
    return {
        "qualname": qualname(plain),
        "kind": "function",
        "bases": [],
        "doc": probe.scrub(inspect.cleandoc(plain.__doc__ or ""), 60_000) or None,
        "extra": "allow" if any(p.kind is p.VAR_KEYWORD for p in parameters) else "forbid",
        "validators": [],
        "fields": signature_fields(probe, function, plain, skip_first=raw is not None and not bound_already),
        "file": file_of(probe, plain),
        "line": line_of(probe, plain, plain.__qualname__),
    }


# --- files and lines ---------------------------------------------------------------------------


def file_of(probe: Probe, item: Any) -> str | None:
    """The engine's file that defines something, relative to the folder its package lies in."""
    path = getattr(sys.modules.get(item.__module__), "__file__", None)
    if not path or not probe.is_own(item):
        return None
    parts = pathlib.PurePath(path).parts
    root = item.__module__.split(".")[0]
    return "/".join(parts[len(parts) - parts[::-1].index(root) - 1 :]) if root in parts else None


def line_of(probe: Probe, item: Any, name: str) -> int | None:
    """The line of `Class`, `Class.field`, `function` or `function.parameter` in its module's source."""
    path = getattr(sys.modules.get(item.__module__), "__file__", None)
    if not path or not path.endswith(".py"):
        return None
    if path not in probe.lines:
        try:
            with open(path, encoding="utf-8") as file:
                tree = ast.parse(file.read())
            probe.lines[path] = dict(reversed(list(_lines(tree, ""))))
        except (OSError, SyntaxError, ValueError):
            probe.lines[path] = {}
    return probe.lines[path].get(name)


def _lines(node: Any, prefix: str) -> typing.Iterator[tuple[str, int]]:
    for child in getattr(node, "body", []):
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child.lineno
            yield from _lines(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name, child.lineno
            for argument in [*child.args.posonlyargs, *child.args.args, *child.args.kwonlyargs]:
                yield f"{prefix}{child.name}.{argument.arg}", argument.lineno
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            yield prefix + child.target.id, child.lineno
        elif isinstance(child, (ast.If, ast.Try)):
            yield from _lines(child, prefix)


# --- the command line --------------------------------------------------------------------------


def flag_facts(probe: Probe, spec: dict[str, Any], classes: dict[str, Any]) -> list[dict[str, Any]]:
    """The actions of a parser after the engine has filled it.

    It is filled twice: a default that is another one each time (a new identifier) is not a value.
    """
    owner = load(spec["class"]) if spec.get("class") else None
    fact = classes.get(qualname(owner)) if owner is not None else None
    if owner is not None and fact is None:
        fact = class_fact(probe, owner)
    names = {field["name"]: field["owner"] for field in (fact or {}).get("fields", ())}
    flags, again = [
        [_flag(probe, action, owner, names) for action in filled_actions(spec, owner)] for _ in range(2)
    ]
    for index, flag in enumerate(flags):
        if flag["default"] != again[index]["default"]:
            flag["default"] = {"kind": "computed", "text": None}
    return flags


def filled_actions(spec: dict[str, Any], owner: Any) -> list[Any]:
    """What a new parser holds after the engine has filled it, but for help and version."""
    parser = load(spec.get("parser") or "argparse.ArgumentParser")()
    filled = (getattr(owner, spec["method"]) if owner is not None else load(spec["method"]))(parser)
    parser = filled if isinstance(filled, argparse.ArgumentParser) else parser
    return [a for a in parser._actions if type(a).__name__ not in ("_HelpAction", "_VersionAction")]


def _flag(probe: Probe, action: Any, owner: Any, names: dict[str, str]) -> dict[str, Any]:
    choices = None
    if action.choices is not None:
        shown = [_choice(probe, one) for one in action.choices]
        choices = sorted(shown, key=str) if isinstance(action.choices, (set, frozenset)) else shown
    default = {"kind": "unknown", "text": "SUPPRESS"}
    if action.default is not argparse.SUPPRESS:
        default = default_of(probe, action.default)
    return {
        "flags": list(action.option_strings),
        "dest": action.dest,
        "owner": names.get(action.dest) or (qualname(owner) if owner is not None else None),
        "field": action.dest if action.dest in names else None,
        "action": type(action).__name__.lstrip("_"),
        "type": None if action.type is None else safe_repr(probe, action.type),
        "choices": choices,
        "default": default,
        "help": probe.scrub(inspect.cleandoc(action.help), 20_000) if _is_text(action.help) else None,
        "file": None,
        "line": None,
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != argparse.SUPPRESS and bool(value.strip())


def _choice(probe: Probe, value: Any) -> Any:
    try:
        return to_json(value)
    except NotJson:
        return safe_repr(probe, value)


# --- resolved values ---------------------------------------------------------------------------

Values = typing.Dict[typing.Tuple[str, str], Any]


def effective_facts(probe: Probe, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """What a call makes of parameters that nobody set.

    The call is made twice, or once for each of `variants` (other keyword values, such as another
    model): a value that is not the same each time is no default, and is named in a limitation.
    """
    ignored = set(spec.get("ignore") or ())
    subject = f"{spec['class']}.{spec['call']}" if spec.get("result") != "defaults_of" else spec["call"]
    runs = [_resolve(probe, spec, variant) for variant in spec.get("variants") or [{}, {}]]
    first, others = runs[0], runs[1:]
    varying = sorted(
        f"{owner}.{name}"
        for (owner, name), value in first.items()
        if any((owner, name) not in other or other[owner, name] != value for other in others)
    )
    if varying:
        shown = ", ".join(one for one in varying if one.rpartition(".")[2] not in ignored)
        if shown:
            probe.limitations.append(
                {"code": "varies", "subject": subject, "reason": f"not the same each time: {shown}"}
            )
    dropped = set(varying)
    return [
        {"owner": owner, "name": name, "value": value, "from": "resolve", "platform": "cpu"}
        for (owner, name), value in first.items()
        if f"{owner}.{name}" not in dropped and name not in ignored and f"{owner}.{name}" not in ignored
    ]


def _resolve(probe: Probe, spec: dict[str, Any], variant: dict[str, Any]) -> Values:
    found: Values = {}
    if spec.get("result") == "defaults_of":
        cls = load(spec["class"])
        for name, value in load(spec["call"])().items():
            _note(probe, found, (qualname(owner_of(cls, name)), name), value)
        return found
    kwargs = _expanded({**(spec.get("kwargs") or {}), **variant}, probe.fixtures)
    made = load(spec["class"])(**kwargs)
    result = getattr(made, spec["call"])() if spec.get("call") else None
    given = {(qualname(owner_of(type(made), name)), name) for name in kwargs}
    clashes: set[tuple[str, str]] = set()
    for item in (made, result):
        _walk(probe, item, found, clashes, set(), 0)
    return {key: value for key, value in found.items() if key not in given and key not in clashes}


def _expanded(value: Any, fixtures: str) -> Any:
    if isinstance(value, str):
        return value.replace("{fixtures}", fixtures)
    if isinstance(value, dict):
        return {key: _expanded(item, fixtures) for key, item in value.items()}
    return [_expanded(item, fixtures) for item in value] if isinstance(value, list) else value


def _note(probe: Probe, found: Values, key: tuple[str, str], value: Any) -> bool:
    """Keep a value that JSON can say and that names nothing of this machine."""
    try:
        plain = to_json(value)
    except (NotJson, RecursionError):
        # dtypes and devices are written as the engine writes them.
        if type(value).__module__.split(".")[0] != "torch" or type(value).__name__ not in ("dtype", "device"):
            return False
        plain = str(value).replace("torch.", "")
    if mentions_machine(probe, plain):
        return False
    if key in found and found[key] != plain:
        return True
    found[key] = plain
    return False


def _walk(probe: Probe, item: Any, found: Values, clashes: set[Any], seen: set[int], depth: int) -> None:
    """Every field of every configuration object in a tree; an owner seen with two values is a clash."""
    if depth > 12 or id(item) in seen:
        return
    seen.add(id(item))
    if isinstance(item, (list, tuple)) and len(item) <= ITEM_LIMIT:
        for one in item:
            _walk(probe, one, found, clashes, seen, depth + 1)
    elif isinstance(item, dict) and len(item) <= ITEM_LIMIT:
        for one in item.values():
            _walk(probe, one, found, clashes, seen, depth + 1)
    elif probe.is_own(type(item)) and (kind_of(type(item)) != "plain" or type(item) in probe.roots):
        cls = type(item)
        for name in field_names(cls, item):
            value = getattr(item, name, MISSING)
            key = (qualname(owner_of(cls, name)), name)
            if value is not MISSING and _note(probe, found, key, value):
                clashes.add(key)
            _walk(probe, value, found, clashes, seen, depth + 1)


def field_names(cls: Any, item: Any) -> list[str]:
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    for attribute in ("__struct_fields__", "__pydantic_fields__", "_fields"):
        if hasattr(cls, attribute):
            return list(getattr(cls, attribute))
    return list(vars(item)) if hasattr(item, "__dict__") else []


# --- the whole ---------------------------------------------------------------------------------


def landmark_verdicts(probe: Probe, names: list[str]) -> dict[str, str]:
    verdicts = {}
    for name in names:
        try:
            load(name)
            verdicts[name] = "ok"
        except (Exception, SystemExit) as error:
            verdicts[name] = probe.explain(error)
    return verdicts


def reported_version(distribution: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return str(importlib.metadata.version(distribution))
    return None


def root_objects(probe: Probe) -> list[tuple[dict[str, Any], list[Any]]]:
    """Each surface's root with what it names; a class that is a root counts as configuration everywhere."""
    found: list[tuple[dict[str, Any], list[Any]]] = []
    for group in probe.request.get("surfaces", {}).values():
        for root in group:
            target = root.get("class") or root["function"]
            try:
                objects = expand(target) if root.get("class") else [load(target)]
            except (Exception, SystemExit) as error:
                code = "not_found" if isinstance(error, AttributeError) else "import_failed"
                probe.miss(code, target, error)
                continue
            found.append((root, objects))
            probe.roots.update(item for item in objects if isinstance(item, type))
    return found


def class_facts(probe: Probe) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """All roots, and the configuration classes that their types lead to; and which root names which."""
    classes: dict[str, Any] = {}
    roots: dict[str, list[str]] = {}
    queue: list[tuple[Any, bool]] = []
    for root, objects in root_objects(probe):
        target = root.get("class") or root["function"]
        nested = root.get("nested", True)
        if root.get("class"):
            queue += [(cls, nested) for cls in objects]
            roots[target] = [qualname(cls) for cls in objects]
            continue
        probe.seen_types = {}
        try:
            fact = function_fact(probe, target)
        except (Exception, SystemExit) as error:
            probe.miss("signature_unavailable", target, error)
            continue
        classes[fact["qualname"]] = fact
        roots[target] = [fact["qualname"]]
        queue += [(cls, True) for cls in probe.seen_types.values()] if nested else []
    while queue:
        cls, nested = queue.pop(0)
        if qualname(cls) in classes:
            continue
        probe.seen_types = {}
        try:
            classes[qualname(cls)] = class_fact(probe, cls)
        except (Exception, SystemExit) as error:
            probe.miss("class_unreadable", qualname(cls), error)
            continue
        queue += [(one, True) for one in probe.seen_types.values()] if nested else []
    return classes, roots


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The facts that a request asks for."""
    probe = Probe(request)
    landmarks = landmark_verdicts(probe, list(request.get("landmarks", ())))
    facts: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "python": "{}.{}".format(*sys.version_info[:2]),
        "version": reported_version(request["distribution"]),
        "landmarks": landmarks,
    }
    classes, facts["roots"] = class_facts(probe)
    facts["classes"], facts["flags"], facts["effective"] = classes, [], []
    for spec in request.get("cli", ()):
        try:
            facts["flags"] += flag_facts(probe, spec, classes)
        except (Exception, SystemExit) as error:
            probe.miss("cli_failed", f"{spec.get('class') or ''}.{spec['method']}".lstrip("."), error)
    for spec in request.get("resolve", ()):
        try:
            facts["effective"] += effective_facts(probe, spec)
        except (Exception, SystemExit) as error:
            probe.miss(
                "resolve_failed", f"{spec.get('class') or ''}.{spec.get('call') or ''}".strip("."), error
            )
    facts["limitations"] = probe.limitations
    return facts


def silence(log: str) -> None:
    """Send descriptors 1 and 2, and so what C code and children print, to the log."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def write(path: str, facts: dict[str, Any]) -> None:
    """The whole file or none of it."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(facts, file, ensure_ascii=True, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        description="Read an engine's configuration from inside its environment."
    )
    parser.add_argument("--request", help="a JSON file (default: standard input)")
    parser.add_argument("--output", required=True, help="where the facts go")
    parser.add_argument("--log", help="where the engine's output goes (default: where it goes anyway)")
    options = parser.parse_args(arguments)
    if options.request:
        with open(options.request, encoding="utf-8") as file:
            request = json.load(file)
    else:
        request = json.load(sys.stdin)
    if options.log:
        silence(options.log)
    # The engine must not find this file's folder on its path, nor this program's arguments.
    sys.path[:] = [
        entry
        for entry in sys.path
        if os.path.realpath(entry or ".") != os.path.dirname(os.path.realpath(__file__))
    ]
    sys.argv[1:] = []
    write(options.output, answer(request))
    sys.stdout.flush()
    sys.stderr.flush()
    # Exit handlers and threads that the engine left behind must not hold up or change the outcome.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
