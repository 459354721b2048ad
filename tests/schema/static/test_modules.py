"""From a dotted name to its definition, through imports, re-exports and lazily made members."""

from typing import Any

import pytest

from atlas.schema.static.modules import Scope, SourceIndex

HOME = "class Config: ...\ndef make(): ...\nLIMIT = 5\n"


def resolved(found: SourceIndex, dotted: str) -> str | None:
    definition = found.resolve(dotted)
    return found.follow(definition).qualname if definition else None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from toy.home import Config", "Config"),
        ("from .home import Config as Settings", "Settings"),
        ("from . import home\nConfig = home.Config", "Config"),
        ("import toy.home as h\nConfig = h.Config", "Config"),
        ("import toy.home\nConfig = toy.home.Config", "Config"),
        ("from toy.home import *", "Config"),
        ("from .sub import Config", "Config"),
        ("from .sub.deep import Config", "Config"),
        (
            "try:\n    from fast import Nope\nexcept ImportError:\n    Nope = None\nfrom .home import Config",
            "Config",
        ),
        ("if True:\n    from .home import Config", "Config"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .home import Config", "Config"),
        (
            "import typing\nif not typing.TYPE_CHECKING:\n    x = 1\nelse:\n    from .home import Config",
            "Config",
        ),
        ("from .home import Config\nfrom .loop import Config as Other", "Other"),
    ],
)
def test_a_name_leads_to_where_it_is_defined(text: str, name: str, index: Any) -> None:
    found = index(
        text,
        home=HOME,
        sub__INIT="from .deep import *",
        sub__deep="from ..home import Config\n",
        loop="from .config import Config\n",
    )

    assert resolved(found, f"toy.config.{name}") == "toy.home.Config"


def test_a_module_level_getattr_finds_its_members_in_its_table(index: Any) -> None:
    lazy = """
        _where = {"Config": "toy.home", "make": ".home:make", "Other": ("toy.other", "Other")}
        def __getattr__(name):
            ...
    """
    found = index(lazy, home=HOME, other="class Other: ...")

    assert resolved(found, "toy.config.Config") == "toy.home.Config"
    assert resolved(found, "toy.config.make") == "toy.home.make"
    assert resolved(found, "toy.config.Other") == "toy.other.Other"


def test_an_import_structure_leads_to_the_submodule_that_it_names(index: Any) -> None:
    package = """
        import sys
        _import_structure = {"home": ["Config"], "inner": []}
        sys.modules[__name__] = _LazyModule(__name__, _import_structure)
    """
    found = index("", pkg__INIT=package, pkg__home=HOME, pkg__inner="class Unlisted: ...")

    assert resolved(found, "toy.pkg.Config") == "toy.pkg.home.Config"
    assert resolved(found, "toy.pkg.Unlisted") == "toy.pkg.inner.Unlisted", "the only class of that name"


def test_a_name_outside_the_sources_keeps_its_dotted_name(index: Any) -> None:
    found = index("import torch\nfrom torch import nn as layers\nD = torch.dtype\nL = layers.Linear")

    assert resolved(found, "toy.config.D") == "torch.dtype"
    assert resolved(found, "toy.config.L") == "torch.nn.Linear"
    assert resolved(found, "toy.config.Missing") is None


def test_a_placeholder_for_run_time_leaves_the_name_soft(index: Any) -> None:
    found = index(
        """
        from typing import TYPE_CHECKING, Any
        if TYPE_CHECKING:
            from toy.home import Config
            import toy.home as later
        else:
            Config = Any
            later = LazyLoader("later", globals(), "toy.home")
        """,
        home=HOME,
    )
    module = found.module("toy.config")

    assert found.lookup(module, "Config").soft
    assert not found.lookup(module, "later").soft


def test_nested_classes_methods_and_class_attributes_are_found(index: Any) -> None:
    found = index("class Outer:\n    class Inner:\n        def run(self): ...\n    limit = 3")

    assert resolved(found, "toy.config.Outer.Inner") == "toy.config.Outer.Inner"
    assert found.resolve("toy.config.Outer.Inner.run").kind == "function"
    assert found.resolve("toy.config.Outer.limit").kind == "value"


def test_a_class_made_over_by_a_later_call_is_still_its_class_statement(index: Any) -> None:
    found = index("class Config:\n    x: int = 1\nConfig = rebuild('Config', Config)")

    assert found.resolve("toy.config.Config").kind == "class"


def test_a_glob_matches_classes_that_a_module_binds_in_order(index: Any) -> None:
    found = index("class B_Config: ...\nclass Other: ...\nclass A_Config: ...\nX_Config = 1")

    names = [one.qualname for one in found.matching("toy.config.*Config")]

    assert names == ["toy.config.B_Config", "toy.config.A_Config"]


def test_a_module_glob_does_not_cross_a_dot(index: Any) -> None:
    found = index("", fields__a="", fields__b="", fields__deep__c="")

    assert found.modules_matching("toy.fields.*") == ["toy.fields.a", "toy.fields.b"]


def test_a_file_that_does_not_parse_is_left_out_and_said(index: Any) -> None:
    found = index("from toy.bad import Thing\nfrom toy.home import Config", bad="def broken(:\n", home=HOME)

    assert resolved(found, "toy.config.Config") == "toy.home.Config"
    assert resolved(found, "toy.config.Thing") == "toy.bad.Thing"
    (limitation,) = found.limitations
    assert (limitation.code, limitation.file, limitation.line) == ("source_not_parsed", "toy/bad.py", 1)


def test_only_files_that_are_reached_are_read() -> None:
    def unread() -> bytes:
        raise AssertionError("read")

    found = SourceIndex(
        {"toy/__init__.py": b"from .a import X".strip, "toy/a.py": b"X = 1".strip, "toy/b.py": unread}
    )

    assert found.resolve("toy.X") is not None
    assert found.reached() == ["toy/__init__.py", "toy/a.py"]


def test_a_name_imported_in_a_function_serves_annotations_only(index: Any) -> None:
    found = index("def f():\n    from torch import Tensor\n")
    scope = Scope(found.module("toy.config"))

    assert found.name(scope, "Tensor") is None
    assert found.name(scope.typed(), "Tensor").qualname == "torch.Tensor"
