"""Which library a class is made with, and what its constructor is."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from typing import Any


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


def takes_kwargs(cls: Any) -> bool:
    """Whether the constructor takes names that it does not declare."""
    try:
        return has_var_keyword(inspect.signature(cls.__init__))
    except (TypeError, ValueError):
        return False


def has_var_keyword(signature: inspect.Signature) -> bool:
    return any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
