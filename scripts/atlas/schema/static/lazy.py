"""Where a package that imports its members on demand says that they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from atlas.schema.static.sources import Module


def named_homes(module: Module, name: str) -> Iterator[str]:
    """Modules that a lazily importing package names for `name`.

    Such tables are dict literals: `{"Name": "pkg.mod"}`, `{"Name": ".mod:Name"}`, `{"Name": ("pkg.mod", …)}`
    or `{"submodule": ["Name", …]}`.
    """
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                continue
            texts = _strings(value)
            if key.value == name and texts:
                yield from _candidates(module, texts[0].partition(":")[0])
            elif name in texts:
                yield from _candidates(module, key.value)


def _strings(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return [one.value for one in elements if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _candidates(module: Module, target: str) -> Iterator[str]:
    relative = target.lstrip(".")
    base = module.name if module.is_package else module.name.rpartition(".")[0]
    yield target
    yield f"{base}.{relative}"
