"""What a class says about all of its fields at once: unknown names, aliases, environment, init."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from atlas.schema.static.calls import short
from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.values import Member, Reference, Unknown

_EXTRA = ("allow", "forbid", "ignore")
_VALIDATORS = ("validator", "field_validator", "root_validator", "model_validator")


@dataclass(frozen=True)
class Settings:
    """`init`: whether the class has a constructor of its fields; `total`: of a TypedDict."""

    init: bool = True
    total: bool = True
    rename: Callable[[str], str | None] | None = None
    strip_private: bool = False
    env_prefix: str | None = None

    def aliases(self, name: str) -> list[str]:
        found = self.rename(name) if self.rename else None
        if self.strip_private and name.startswith("_"):
            found = name.lstrip("_")
        return [found] if found and found != name else []

    def env(self, name: str) -> str | None:
        return None if self.env_prefix is None else f"{self.env_prefix}{name}".upper()


def of(view: ClassView, reader: Reader) -> Settings:
    keywords = dict(_class_keywords(view, reader))
    config = model_config(view, reader)
    settings_base = any(short(name) == "BaseSettings" for name in view.outside)
    prefix = config.get("env_prefix", "") if settings_base else None
    return Settings(
        init=keywords.get("init") is not False,
        total=keywords.get("total") is not False,
        rename=_renamer(keywords.get("rename") or config.get("alias_generator")),
        strip_private=view.family == "attrs",
        env_prefix=prefix if isinstance(prefix, str) else None,
    )


def _class_keywords(view: ClassView, reader: Reader) -> Iterator[tuple[str, Any]]:
    """Keywords of class statements along the bases, then those of the decorator's calls."""
    for base in reversed(view.mro):
        if isinstance(base.node, ast.ClassDef) and base.scope:
            for keyword in base.node.keywords:
                if keyword.arg and keyword.arg != "metaclass":
                    yield keyword.arg, reader.evaluator.evaluate(keyword.value, base.scope)
    for call, scope in reversed(view.decorator.calls if view.decorator else ()):
        for keyword in call.keywords:
            if keyword.arg:
                yield keyword.arg, reader.evaluator.evaluate(keyword.value, scope)


def model_config(view: ClassView, reader: Reader) -> dict[str, Any]:
    """pydantic settings along the bases: `model_config`, `class Config`, class keywords, `config=`."""
    found: dict[str, Any] = {}
    for call, scope in reversed(view.decorator.calls if view.decorator else ()):
        if short(ast.unparse(call.func)) == "ConfigDict":
            found.update(_mapping(call, scope, reader))
        for keyword in call.keywords:
            if keyword.arg == "config":
                found.update(_mapping(keyword.value, scope, reader))
    for base in reversed(view.mro):
        if not isinstance(base.node, ast.ClassDef) or not base.scope:
            continue
        scope = base.scope.inside(base.node)
        for statement in base.node.body:
            target = _target(statement)
            if target in ("model_config", "__pydantic_config__"):
                assert isinstance(statement, ast.Assign | ast.AnnAssign)
                if statement.value is not None:
                    found.update(_mapping(statement.value, scope, reader))
            elif isinstance(statement, ast.ClassDef) and statement.name == "Config":
                for inner in statement.body:
                    name = _target(inner)
                    if name and isinstance(inner, ast.Assign):
                        found[name] = _setting(inner.value, scope, reader)
        for keyword in base.node.keywords:
            if keyword.arg == "extra":
                found["extra"] = _setting(keyword.value, base.scope, reader)
    return found


def _target(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return None


def _mapping(node: ast.expr, scope: Scope, reader: Reader) -> dict[str, Any]:
    """`ConfigDict(a=1)`, `{"a": 1}` or a name for one."""
    if isinstance(node, ast.Name | ast.Attribute):
        target = reader.index.expression(node, scope)
        if target and target.kind == "value" and isinstance(target.node, ast.expr) and target.scope:
            return _mapping(target.node, target.scope, reader)
        return {}
    if isinstance(node, ast.Call):
        out: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg:
                out[keyword.arg] = _setting(keyword.value, scope, reader)
            else:
                out.update(_mapping(keyword.value, scope, reader))
        return out
    if isinstance(node, ast.Dict):
        return {
            key.value: _setting(value, scope, reader)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
    return {}


def _setting(node: ast.expr, scope: Scope, reader: Reader) -> Any:
    value = reader.evaluator.evaluate(node, scope)
    return ast.unparse(node) if isinstance(value, Unknown | Reference) else value


def extra(view: ClassView, reader: Reader) -> str | None:
    """What the constructor does with names it does not know."""
    if view.family in ("pydantic", "pydantic_dataclass"):
        value = model_config(view, reader).get("extra")
        value = value.value if isinstance(value, Member) else value
        text = short(str(value)) if value is not None else ""
        return text if text in _EXTRA else "ignore"
    if view.family == "msgspec":
        return (
            "forbid" if dict(_class_keywords(view, reader)).get("forbid_unknown_fields") is True else "ignore"
        )
    return "forbid" if view.family in ("dataclass", "attrs", "named_tuple") else None


def validators(view: ClassView, reader: Reader) -> list[str]:
    """Names of the functions that check a class's values: after construction, per field, of the whole."""
    ranked: dict[str, int] = {}
    for base in reversed(view.mro):
        if not isinstance(base.node, ast.ClassDef) or not base.scope:
            continue
        for statement in base.node.body:
            if isinstance(statement, ast.FunctionDef):
                rank = _validator_rank(statement, base.scope, reader)
                if rank is not None:
                    ranked[statement.name] = rank
    return sorted(ranked, key=lambda name: ranked[name])


def _validator_rank(node: ast.FunctionDef, scope: Scope, reader: Reader) -> int | None:
    if node.name == "__post_init__":
        return -1
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = reader.index.expression(call, scope)
        name = short(target.qualname if target else ast.unparse(call))
        if name in _VALIDATORS:
            return _VALIDATORS.index(name)
    return None


def _renamer(rule: Any) -> Callable[[str], str | None] | None:
    """A renaming rule: msgspec's by name, a mapping, or pydantic's alias generators."""
    if isinstance(rule, dict):
        return lambda name: rule.get(name)
    text = rule.text if isinstance(rule, Unknown | Reference) else rule
    return _RULES.get(short(text)) if isinstance(text, str) else None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


_RULES: dict[str, Callable[[str], str | None]] = {
    "camel": _camel,
    "to_camel": _camel,
    "pascal": lambda name: "".join(part.capitalize() for part in name.split("_")),
    "to_pascal": lambda name: "".join(part.capitalize() for part in name.split("_")),
    "kebab": lambda name: name.replace("_", "-"),
    "lower": str.lower,
    "upper": str.upper,
}
