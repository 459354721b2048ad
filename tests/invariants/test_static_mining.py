"""What the static miner says besides conditions: sites, messages, what it could not translate, accounts."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from atlas.invariants.model import Candidate, FieldSpec, Step, Target
from atlas.invariants.predicate import (
    Const,
    Context,
    Field,
    Op,
    compile_expr,
    evaluate,
    exact_text,
    holds,
    to_text,
)
from atlas.invariants.static import mine
from atlas.invariants.static.dormant import _as_unset
from atlas.invariants.static.frames import Budget
from atlas.invariants.static.prepared import class_with
from atlas.invariants.static.versions import PATTERN
from atlas.schema.static.modules import SourceIndex
from atlas.schema.static.reader import Reader

from .static_world import HEAD, mined, target_of

FIRST = HEAD.count("\n") + 1
"""The line at which the sources of the tests begin."""


def one(source: str, severity: str = "error") -> Candidate:
    found = [candidate for candidate in mined(source).candidates if candidate.severity == severity]
    assert len(found) == 1, [exact_text(candidate.when) for candidate in found]
    return found[0]


def when(candidate: Candidate) -> str:
    return to_text(candidate.when)


def pydantic(source: str, **fields: str) -> list[Candidate]:
    """Candidates of a pydantic dataclass; `fields` are annotations by name."""
    head = HEAD + "from pydantic import field_validator, model_validator\n"
    head += "from pydantic.dataclasses import dataclass\n"
    text = (head + textwrap.dedent(source)).encode()
    reader = Reader.over(SourceIndex({"toy/config.py": lambda: text, "toy/__init__.py": lambda: b""}))
    specs = tuple(
        FieldSpec(name, annotation, {}, None, True, "none", annotation=annotation, converts=True)
        for name, annotation in fields.items()
    )
    return list(mine(Target("toy.config.Config", "g", specs, converts="lax"), reader).candidates)


# --- sites and messages -----------------------------------------------------------------------------------


def test_a_candidate_names_the_lines_of_its_statement() -> None:
    found = one(
        """\
        @dataclass
        class Config:
            x: Any = None

            def __post_init__(self):
                if self.x == 1:
                    raise ValueError(
                        "x"
                    )
        """
    )
    assert found.site is not None
    assert (found.site.file, found.site.line, found.site.end_line) == ("toy/config.py", FIRST + 6, FIRST + 8)
    assert found.site.function == "toy.config.Config.__post_init__"
    assert found.effect.raises == "ValueError"


def test_messages_keep_their_words_and_name_the_values_of_the_user() -> None:
    source = """
        LIMIT = 3
        class Config:
            def __init__(self, x=None, y=None):
                if x == 1:
                    raise ValueError(f"{{x}} is {x}, at most {LIMIT}; y has {len(y)}")
                if x == 2:
                    raise ValueError("x is %s and y %r" % (x, y))
                if x == 3:
                    raise ValueError("x is {}, y {name}".format(x, name=y))
                if x == 4:
                    logger.warning("x is %d of %s", x, LIMIT)
                if x == 5:
                    raise ValueError("a" + " b")
        """
    messages = {when(found): found.message for found in mined(source).candidates}
    assert messages["x == 1"] == "{{x}} is {x}, at most 3; y has {len(y)}"
    assert messages["x == 2"] == "x is {x} and y {y}"
    assert messages["x == 3"] == "x is {x}, y {y}"
    assert messages["x == 4"] == "x is {x} of 3"
    assert messages["x == 5"] == "a b"


def test_a_part_of_a_message_that_is_not_known_is_left_open() -> None:
    source = """
        import socket
        class Config:
            def __init__(self, x=None):
                if x == 1:
                    raise ValueError(f"not on {socket.gethostname()}")
        """
    assert one(source).message == "not on …"


def test_collected_messages_are_told_where_they_are_told_to_the_user() -> None:
    source = """\
        class Config:
            def __init__(self, x=None, y=None):
                issues = {}
                if x == 1:
                    issues["x"] = "x is one"
                if y:
                    issues["y"] = f"y is {y}"
                if issues:
                    logger.warning("there are issues")
        """
    found = {c.message: c for c in mined(source).candidates if c.severity == "warn"}
    assert when(found["x is one"]) == "x == 1"
    assert when(found["y is {y}"]) == "bool(y)"
    assert {c.site.line for c in found.values() if c.site} == {FIRST + 8}


# --- what is not translated -------------------------------------------------------------------------------


def test_a_clause_that_cannot_be_translated_makes_a_candidate_partial() -> None:
    source = """
        import zlib
        class Config:
            def __init__(self, x=None, y=None):
                if y == 1 and zlib.crc32(x) % 2:
                    raise ValueError("x")
        """
    found = one(source)
    assert when(found) == "y == 1"
    assert found.partial == ("zlib.crc32(x) % 2",)
    assert found.requires == ()


def test_an_alternative_that_cannot_be_translated_leaves_nothing_of_the_condition() -> None:
    source = """
        import zlib
        class Config:
            def __init__(self, x=None, y=None):
                if y and (x == 1 or zlib.crc32(x)):
                    raise ValueError("x")
                if not (x == 2 and zlib.crc32(x)):
                    raise TypeError("x")
        """
    found = {c.effect.raises: c for c in mined(source).candidates}
    assert when(found["ValueError"]) == "bool(y)"
    assert found["ValueError"].partial
    assert "TypeError" not in found  # nothing is known of it


def test_a_question_about_the_machine_is_required_and_not_a_part_of_the_condition() -> None:
    source = """
        import torch
        def is_ready():
            return torch.cuda.is_available()

        class Config:
            def __init__(self, x=None):
                if x == 1 and not is_ready():
                    raise ValueError("x")
        """
    found = one(source)
    assert when(found) == "x == 1"
    assert found.partial == ()
    assert found.requires == ("not (torch.cuda.is_available())",)


def test_a_loop_of_unknown_length_is_not_translated() -> None:
    source = """
        class Config:
            def __init__(self, x=None):
                pending = [x]
                while pending:
                    value = pending.pop()
                    if value == 2:
                        raise ValueError("two")
        """
    accounts = {account.kind: account for account in mined(source).sites}
    assert accounts["raise"].status == "partial"
    assert not [c for c in mined(source).candidates if not c.partial]


def test_an_exception_that_the_engine_catches_rejects_nothing() -> None:
    source = """
        class Config:
            def __init__(self, x=None):
                try:
                    if x == 1:
                        raise KeyError("x")
                except (KeyError, TypeError):
                    pass
        """
    found = mined(source)
    assert found.candidates == ()
    assert [(a.kind, a.status, a.reason) for a in found.sites] == [
        ("raise", "translated", "caught by the engine itself")
    ]


def test_every_site_of_what_is_reached_is_accounted_for() -> None:
    source = """
        class Config:
            def __init__(self, x=None):
                if False:
                    raise ValueError("never")
                assert x != 1
                if x == 2:
                    logger.warning("two")
                    self.x = 3
        """
    statuses = {(account.kind, account.status) for account in mined(source).sites}
    assert statuses == {
        ("raise", "unreachable"),
        ("assert", "translated"),
        ("log", "translated"),
        ("set", "translated"),
    }


def test_what_does_not_fit_into_the_budget_is_untranslated() -> None:
    source = """
        class Config:
            def __init__(self, x=None):
                if x == 1:
                    raise ValueError("x")
        """
    target, reader = target_of(source)
    found = mine(target, reader, Budget(statements=0))
    assert found.candidates == ()
    assert [(a.kind, a.status, a.reason) for a in found.sites] == [("raise", "untranslated", "budget")]


def test_a_recursion_ends() -> None:
    source = """
        def deep(x):
            if x == 1:
                raise ValueError("x")
            return deep(x - 1)

        class Config:
            def __init__(self, x=None):
                deep(x)
        """
    assert "x == 1" in [when(c) for c in mined(source).candidates]


def test_errors_that_nobody_wrote_are_those_of_evaluating() -> None:
    source = """
        class Config:
            def __init__(self, x=None):
                if x is not None and x < 1:
                    raise ValueError("x")
                self.y = x is not None and x < 2
        """
    found = [c for c in mined(source).candidates if c.effect.raises == "TypeError"]
    assert [when(c) for c in found] == ["type(x) not in ('bool', 'float', 'int') and x is not None"]
    assert found[0].message is None


def test_one_of_many_members_chooses_from_a_table_and_is_compared_by_its_value() -> None:
    source = """
        class Mode(str, Enum):
            A = "a"
            B = "b"
            C = "c"
            D = "d"
            E = "e"
            F = "f"
            G = "g"

        WAYS = {
            Mode.A: "_a", Mode.B: "_b", Mode.C: "hub/c", Mode.D: "_d", Mode.E: "_e", Mode.F: "_f",
            Mode.G: "hub/g",
        }

        @dataclass
        class Config:
            x: Any = None
            y: Any = None

            def __post_init__(self):
                mode = self._mode()
                if mode in ("a", "b") and self.y is True:
                    raise TypeError("a or b")
                if "/" in WAYS[mode]:
                    raise ValueError("on a hub")

            def _mode(self):
                if self.x == 1:
                    return Mode.A
                elif self.x == 2:
                    return Mode.B
                elif self.x == 3:
                    return Mode.C
                elif self.x == 4:
                    return Mode.D
                elif self.x == 5:
                    return Mode.E
                elif self.x == 6:
                    return Mode.F
                return Mode.G
        """
    rules = {c.effect.raises: c for c in mined(source).candidates}
    assert not any(c.partial for c in rules.values())
    holds = {name: compile_expr(rule.when) for name, rule in rules.items()}
    for x in (None, 1, 2, 3, 4, 5, 6, 7, "a"):
        assert (holds["TypeError"]({"x": x, "y": True}) is True) == (x in (1, 2))
        assert (holds["ValueError"]({"x": x, "y": False}) is True) == (x not in (1, 2, 4, 5, 6))


# --- steps and prepared objects ---------------------------------------------------------------------------


def test_a_step_may_be_a_method_of_an_object_whose_class_is_found_by_its_method() -> None:
    source = """
        @dataclass
        class Config:
            x: Any = None

        class Base:
            def generate(self, prompt, config=None, **kwargs):
                if self.ready and config.x == 1:
                    raise ValueError("x")
                if config.x == 2:
                    raise TypeError("x")

        class Model(Base):
            def generate(self, prompt, config=None):
                return super().generate(prompt, config)
        """
    target, reader = target_of(source)
    found = class_with(reader, "generate", {"config"})
    assert found is not None
    assert found.qualname == "toy.config.Base"
    call = {"call": "model.generate", "args": [{"ref": "prompt"}], "kwargs": {"config": {"ref": "self"}}}
    deep = replace(target, prepare={"model": {}}, steps=(Step("generate", call),))
    rules = {c.effect.raises: c for c in mine(deep, reader).candidates}
    assert (when(rules["TypeError"]), rules["TypeError"].depth) == ("x == 2", "generate")
    assert rules["ValueError"].requires == ("self.ready",)


def test_a_step_may_name_a_method_whose_object_is_its_first_argument() -> None:
    source = """
        import copy

        @dataclass
        class Config:
            x: Any = None

        class Heat:
            def __init__(self, x):
                if not isinstance(x, float) or not x > 0:
                    raise ValueError("x")

        class Base:
            def generate(self, prompt, config=None, criteria=None, **kwargs):
                config = copy.deepcopy(config)
                criteria = criteria if criteria is not None else []
                if kwargs.get("paged") == "yes":
                    raise KeyError("x")
                return self._made(config)

            def _made(self, config):
                if config.x is not None and config.x != 1.0:
                    return [Heat(config.x)]
        """
    target, reader = target_of(source)
    call = {
        "call": "toy.config.Base.generate",
        "args": [{"call": "copy.deepcopy", "args": [{"ref": "model"}]}, {"ref": "prompt"}],
        "kwargs": {"config": {"ref": "self"}, "criteria": {"ref": "short"}},
    }
    seed = {"call": "numpy.random.seed", "args": [0]}
    steps = (Step("generate", seed), Step("generate", call))
    deep = replace(target, prepare={"model": {}, "prompt": {}, "short": {}}, steps=steps)
    (rule,) = mine(deep, reader).candidates
    assert when(rule) == "(not x > 0 or type(x) != 'float') and x not in (None, 1.0)"
    assert (rule.depth, rule.requires, rule.partial) == ("generate", (), ())


def test_a_step_whose_function_nobody_knows_says_nothing() -> None:
    target, reader = target_of(
        """
        @dataclass
        class Config:
            x: Any = None
        """
    )
    for name in ("toy.config.Missing.run", "toy.config.run", "elsewhere.run"):
        call = {"call": name, "args": [{"ref": "self"}, {"get": "elsewhere.value"}]}
        assert mine(replace(target, steps=(Step("generate", call),)), reader).candidates == ()


# --- pydantic ---------------------------------------------------------------------------------------------


def test_a_validator_sees_only_what_was_given() -> None:
    found = pydantic(
        """
        @dataclass
        class Config:
            x: int | None = None

            @field_validator("x")
            @classmethod
            def _check(cls, value):
                if value is not None and value < 2:
                    raise ValueError("x")
                return value
        """,
        x="int | None",
    )
    assert [when(c) for c in found] == ["given(x) and x < 2"]


def test_a_validator_around_pydantics_own_may_let_none_pass() -> None:
    found = pydantic(
        """
        @dataclass
        class Config:
            x: int = None

            @field_validator("x", mode="wrap")
            @classmethod
            def _skip(cls, value, handler):
                return None if value is None else handler(value)

            @model_validator(mode="after")
            def _check(self):
                if self.x == 1:
                    raise ValueError("x")
                return self
        """,
        x="int",
    )
    assert [when(c) for c in found] == ["x == 1"]


def test_an_object_given_for_a_nested_configuration_is_checked_as_that() -> None:
    found = pydantic(
        """
        @dataclass
        class Inner:
            y: int = 3

            def __post_init__(self):
                if self.y > 5:
                    raise ValueError("y")

        @dataclass
        class Config:
            x: Inner | None = None

            def __post_init__(self):
                if self.x is not None and self.x.y == 4:
                    raise TypeError("x.y")
        """,
        x="Inner | None",
    )
    texts = {c.effect.raises: when(c) for c in found}
    assert texts["ValueError"] == "given(x.y) and x is not None and x.y > 5"
    assert texts["TypeError"] == "given(x.y) and x is not None and x.y == 4"


def test_a_value_that_becomes_a_member_of_an_enum_is_compared_by_value() -> None:
    found = pydantic(
        """
        class Kind(Enum):
            A = "a"
            B = "b"

        @dataclass
        class Config:
            x: Kind | None = None

            def __post_init__(self):
                if self.x == Kind.B:
                    raise ValueError("b")
        """,
        x="Kind | None",
    )
    assert [when(c) for c in found] == ["x == 'b'"]


# --- handlers ---------------------------------------------------------------------------------------------


def test_what_a_handler_raises_again_came_from_where_it_was_raised_first() -> None:
    found = mined(
        """\
        @dataclass
        class Config:
            x: int = 0

            def __post_init__(self):
                try:
                    if self.x > 3:
                        raise ValueError("too large")
                except BaseException:
                    self.failed = True
                    raise
                finally:
                    self.done = True
        """
    ).candidates
    (told,) = (candidate for candidate in found if candidate.message == "too large")
    assert when(told) == "x > 3"
    assert told.site is not None
    assert told.site.line == FIRST + 7
    assert {candidate.site.line for candidate in found if candidate.site} == {FIRST + 6, FIRST + 7}


def test_a_handler_that_may_do_something_else_takes_what_comes() -> None:
    found = mined(
        """\
        @dataclass
        class Config:
            x: int = 0

            def __post_init__(self):
                try:
                    if self.x > 3:
                        raise ValueError("too large")
                except ValueError:
                    if self.x < 9:
                        return
                    raise
        """
    ).candidates
    assert "not x < 9 and x > 3" in [when(candidate) for candidate in found if candidate.severity == "error"]
    assert "x > 3" not in map(when, found)


def test_what_is_missing_without_a_package_is_required_and_not_a_part_of_the_condition() -> None:
    source = """
        try:
            import ray
            reason = None
        except ImportError as error:
            ray = None
            reason = str(error)

        class Config:
            def __init__(self, backend=None):
                if backend == "ray" and ray is None:
                    raise ValueError(f"no ray: {reason}")
        """
    found = one(source)
    assert when(found) == "backend == 'ray'"
    assert found.requires == ("ray is not installed",)
    assert found.partial == ()


def test_a_member_that_is_given_by_its_name_is_no_change() -> None:
    found = pydantic(
        """
        class Kind(Enum):
            FAST = "pkg.Fast"
            SLOW = "pkg.Slow"

        @dataclass
        class Config:
            kind: Kind | None = None

            @field_validator("kind", mode="before")
            @classmethod
            def by_name(cls, value):
                return Kind[value.upper()] if isinstance(value, str) else value
        """,
        kind="Kind | None",
    )
    (change,) = (candidate for candidate in found if candidate.severity == "dormant")
    context = Context({"kind": None}, {"kind": "Kind | None"}, "lax")
    values = ("fast", "FAST", "Slow", "none", None)
    assert [value for value in values if holds(change.when, {"kind": value}, context)] == ["fast", "Slow"]
    assert evaluate(change.effect.sets["kind"], {"kind": "fast"}, context) == "pkg.Fast"


def test_what_a_statement_before_has_failed_on_is_told_once() -> None:
    found = mined(
        """
        class Config:
            def __init__(self, x=None):
                if not isinstance(x, dict):
                    raise ValueError("no object")
                names = set(x)
                if len(names) > 1:
                    raise KeyError("two")
        """
    ).candidates
    assert "type(x) != 'dict'" in map(when, found)
    assert not [one for one in found if one.effect.raises == "TypeError" and "type(x) not in" in when(one)]


def test_a_value_in_which_the_machine_has_a_say_is_one_candidate_for_each() -> None:
    found = mined(
        """
        import torch

        class Config:
            def __init__(self, backend=None, size=1):
                self.backend = backend
                if backend is None and size > 1:
                    self.backend = "nccl" if torch.cuda.is_available() else "gloo" if size == 2 else "mpi"
        """
    ).candidates
    changes = [one for one in found if one.severity == "dormant"]
    assert {(exact_text(one.effect.sets["backend"]), one.requires) for one in changes} == {
        ("'nccl'", ("torch.cuda.is_available()",)),
        ("'gloo' if size == 2 else 'mpi'", ("not (torch.cuda.is_available())",)),
    }
    context = Context({"backend": None, "size": 1})
    for change in changes:
        configs = ({"size": 2}, {"size": 5}, {}, {"size": 2, "backend": "mpi"})
        assert [holds(change.when, config, context) for config in configs] == [True, True, False, False]


VERSIONS = st.from_regex(r"\A[v ]?[0-9.!abcrdevpost+_-]{0,8}\Z") | st.sampled_from(
    [
        "1.0",
        "v2",
        "0.7.0rc1",
        "1.0.post1",
        "1!2.0",
        "2-1",
        "1.0+cpu.x",
        " 3 ",
        "1..2",
        "1.0.dev",
        "x",
        "",
        "1a2b",
    ]
)


@settings(max_examples=500, deadline=None)
@given(VERSIONS)
def test_what_is_a_version_is_what_packaging_takes(text: str) -> None:
    try:
        Version(text)
        accepted = True
    except InvalidVersion:
        accepted = False
    assert holds(Op("fullmatch", (Const(PATTERN), Const(text))), {}) is accepted


def test_a_text_that_is_no_version_is_rejected() -> None:
    found = mined(
        """
        from packaging.version import parse

        class Config:
            def __init__(self, since=None):
                if since is not None:
                    parse(since)
        """
    ).candidates
    rejected = [
        value
        for value in ("0.7", "v1rc2", "x", 3, None)
        if any(holds(one.when, {"since": value}) for one in found)
    ]
    assert rejected == ["x", 3]


OF_A_MODULE = """
    import numbers_of_another_package as other

    @dataclass
    class Config:
        kind: Any = None
        size: Any = None

        def __post_init__(self):
            if isinstance(self.kind, str):
                self.kind = getattr(other, self.kind)
            if self.size is not None and hasattr(self, "none_such"):
                getattr(other, self.size, None)
    """


def test_which_names_a_module_of_another_package_has_is_asked_of_the_engine() -> None:
    found = mined(OF_A_MODULE)
    assert found.modules == ("numbers_of_another_package",)
    assert not any(one.severity == "error" for one in found.candidates)
    members = {"numbers_of_another_package": ("Complex", "Real")}
    (rule,) = [
        one
        for one in mined(OF_A_MODULE, members=members).candidates
        if one.severity == "error" and not one.partial
    ]
    assert rule.effect.raises == "AttributeError"
    rejected = [value for value in ("Real", "Int", "", 3, None) if holds(rule.when, {"kind": value})]
    assert rejected == ["Int", ""]


def test_what_was_passed_is_the_default_where_nothing_was() -> None:
    field, default = Field(("name",)), Const("plain")
    passed = Op("==", (Op("raw", (field,)), Const("plain")))
    assert _as_unset(passed, field, default) == Const(True)
    assert _as_unset(Op("raw", (field,)), field, default) == default


def test_a_module_without_a_name_cannot_be_imported() -> None:
    source = """
        from importlib import import_module

        class Config:
            def __init__(self, path=None):
                if isinstance(path, str):
                    import_module(".".join(path.split(".")[:-1]))
        """
    (rule,) = mined(source).candidates
    assert rule.effect.raises == "ValueError"
    assert [value for value in ("a.b", "a", "", ".a", 3) if holds(rule.when, {"path": value})] == [
        "a",
        "",
        ".a",
    ]
