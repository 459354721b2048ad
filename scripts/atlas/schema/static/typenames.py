"""Names outside the engine that have a meaning as types."""

from __future__ import annotations

from collections.abc import Mapping

from atlas.schema import facts
from atlas.schema.facts import Json, TypeExpr

_TYPING_HOMES = ("typing_extensions.", "collections.abc.", "collections.")
_PYDANTIC_HOMES = ("pydantic.types.", "pydantic.functional_validators.", "pydantic.v1.", "pydantic.networks.")
_COLLECTIONS = {"defaultdict": "DefaultDict", "OrderedDict": "OrderedDict", "deque": "Deque"}


def canonical(dotted: str) -> str:
    """One name for the same thing: `typing.X`, `pydantic.X`, `builtins.x`."""
    for home in _TYPING_HOMES:
        if dotted.startswith(home):
            name = dotted.removeprefix(home)
            # collections.abc.Set is what typing calls AbstractSet.
            name = "AbstractSet" if (home, name) == ("collections.abc.", "Set") else name
            return f"typing.{_COLLECTIONS.get(name, name)}"
    for home in _PYDANTIC_HOMES:
        if dotted.startswith(home):
            return f"pydantic.{dotted.removeprefix(home)}"
    return dotted


LISTS = {
    "builtins.list",
    *(
        f"typing.{name}"
        for name in (
            "List",
            "Sequence",
            "MutableSequence",
            "Iterable",
            "Collection",
            "Deque",
            "Iterator",
            "Generator",
            "Container",
            "Reversible",
        )
    ),
}
SETS = {
    "builtins.set": "set",
    "typing.Set": "set",
    "typing.AbstractSet": "set",
    "typing.MutableSet": "set",
    "builtins.frozenset": "frozenset",
    "typing.FrozenSet": "frozenset",
}
MAPPINGS = {
    "builtins.dict",
    *(
        f"typing.{name}"
        for name in (
            "Dict",
            "Mapping",
            "MutableMapping",
            "DefaultDict",
            "OrderedDict",
            "ChainMap",
        )
    ),
    "types.MappingProxyType",
}
# Wrappers that leave the type as it is.
SAME = {
    "typing.ClassVar",
    "typing.Final",
    "typing.Required",
    "typing.NotRequired",
    "typing.ReadOnly",
    "typing.Unpack",
    "dataclasses.InitVar",
    "pydantic.SkipValidation",
    "pydantic.InstanceOf",
    "pydantic.SerializeAsAny",
    "pydantic.Strict",
    "pydantic.Json",
    "pydantic.OnErrorOmit",
}
NAMED: Mapping[str, TypeExpr] = {
    **{f"builtins.{name}": facts.prim(name) for name in ("int", "float", "str", "bool", "bytes")},
    "builtins.bytearray": facts.prim("bytes"),
    "builtins.None": facts.NONE,
    "types.NoneType": facts.NONE,
    "builtins.object": facts.ANY,
    "builtins.callable": facts.CALLABLE,
    "builtins.any": facts.ANY,
    "typing.Any": facts.ANY,
    "typing.Text": facts.prim("str"),
    "typing.AnyStr": facts.union([facts.prim("str"), facts.prim("bytes")]),
    "typing.LiteralString": facts.prim("str"),
    "typing.ByteString": facts.prim("bytes"),
    "typing.Hashable": facts.ANY,
    "typing.Callable": facts.CALLABLE,
    "typing.Optional": facts.ANY,
    "typing.Type": facts.opaque("type"),
    "builtins.type": facts.opaque("type"),
    "pathlib.Path": facts.PATH,
    "pathlib.PurePath": facts.PATH,
    "pathlib.PosixPath": facts.PATH,
    "os.PathLike": facts.PATH,
    "numbers.Number": facts.union([facts.prim("int"), facts.prim("float")]),
    "numbers.Real": facts.union([facts.prim("int"), facts.prim("float")]),
    "numbers.Integral": facts.prim("int"),
    "pydantic.StrictInt": facts.prim("int"),
    "pydantic.StrictFloat": facts.prim("float"),
    "pydantic.StrictStr": facts.prim("str"),
    "pydantic.StrictBool": facts.prim("bool"),
    "pydantic.StrictBytes": facts.prim("bytes"),
    "pydantic.FilePath": facts.PATH,
    "pydantic.DirectoryPath": facts.PATH,
    "pydantic.NewPath": facts.PATH,
    "pydantic.FiniteFloat": facts.prim("float"),
    "pydantic.JsonValue": facts.ANY,
    "pydantic.ByteSize": facts.prim("int"),
    "pydantic.ImportString": facts.ANY,
    "pydantic.Json": facts.ANY,
}
CONSTRAINED: Mapping[str, tuple[TypeExpr, dict[str, Json]]] = {
    f"pydantic.{prefix}{name}": (facts.prim(base), {bound: 0})
    for name, base in (("Int", "int"), ("Float", "float"))
    for prefix, bound in (
        ("Positive", "exclusiveMinimum"),
        ("NonNegative", "minimum"),
        ("Negative", "exclusiveMaximum"),
        ("NonPositive", "maximum"),
    )
}
