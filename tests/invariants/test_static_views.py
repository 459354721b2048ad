"""Engines that keep what they decide apart from what was given: views, declarations, hooks by name."""

from __future__ import annotations

from dataclasses import replace

from atlas.invariants.model import Candidate, FieldSpec, Step
from atlas.invariants.predicate import to_text
from atlas.invariants.static import mine
from atlas.invariants.static.frames import Budget

from .static_world import mined, target_of

ENGINE = """
import functools

HOOKS: dict = {}
OVERRIDES = {"A": {"mode": "big"}, "B": {"level": 3}}


class View:
    __slots__ = ("_owner",)

    def __init__(self, owner):
        object.__setattr__(self, "_owner", owner)

    def __getattr__(self, name):
        owner = object.__getattribute__(self, "_owner")
        for _source, declared in reversed(getattr(owner, "_declared", None) or ()):
            if name in declared:
                return declared[name]
        return getattr(owner, name)

    def __setattr__(self, name, value):
        raise AttributeError("read-only")


@functools.cache
def names(cls):
    return frozenset(one.name for one in dataclasses.fields(cls))


def declare(owner, source, **values):
    unknown = sorted(set(values) - names(type(owner)))
    if unknown:
        raise AttributeError(f"{source}: {unknown}")
    owner._declared.append((source, dict(values)))


def run_hook(step, owner):
    for one in HOOKS.get(step.__name__, ()):
        one(owner)
    step(owner)


def overrides(kind):
    out = []
    const = OVERRIDES.get(kind)
    if const:
        out.append(("table", dict(const)))
    return out


def resolve_mode(owner):
    view = View(owner)
    changes = {}
    if view.mode is None:
        changes["mode"] = "small"
    if changes:
        declare(owner, resolve_mode.__qualname__, **changes)


def check_level(owner):
    view = View(owner)
    if view.mode == "small" and view.level > 2:
        raise ValueError("too high")


@dataclass
class Config:
    mode: Any = None
    level: Any = 1

    def resolve(self):
        self._declared = []
        run_hook(resolve_mode, self)
        self._declared.extend(overrides(os_kind()))
        run_hook(check_level, self)

    def resolved(self):
        view = View(self)
        return {one.name: getattr(view, one.name) for one in dataclasses.fields(type(self))}


def os_kind():
    import platform
    return platform.system()
"""
STEPS = (Step("resolve", "resolve"), Step("resolve", "resolved"))


def of(severity: str) -> list[Candidate]:
    return [one for one in mined(ENGINE, steps=STEPS).candidates if one.severity == severity]


def test_a_check_of_a_view_sees_what_was_declared_before() -> None:
    texts = {to_text(one.when) for one in of("error") if not one.partial and one.message == "too high"}
    assert texts == {"level > 2 and mode in (None, 'small')"}


def test_what_is_no_field_cannot_be_declared_and_nothing_else_is_an_error() -> None:
    assert {one.message for one in of("error") if one.effect.raises == "AttributeError"} == set()


def test_a_dict_that_a_step_returns_says_what_the_fields_became() -> None:
    found = [one for one in of("dormant") if "mode" in one.effect.sets]
    shown = [(to_text(one.when), to_text(one.effect.sets["mode"])) for one in found if not one.partial]
    assert shown == [("given(mode) and mode is None", "'small'")]


def test_a_class_that_is_made_again_by_a_call_has_the_fields_that_are_known_of_it() -> None:
    source = """
    import msgspec

    class Config:
        x: Any = None

        def check(self):
            if issubclass(type(self), msgspec.Struct) and self.x == 3:
                raise ValueError("no")

    Config = msgspec.defstruct("Config", [("x", int, 1)], namespace=dict(vars(Config)))
    """
    target, reader = target_of(source)
    fields = (FieldSpec("x", "int", {}, 1, True, "value"),)
    steps = (Step("validate", "check"),)
    found = mine(replace(target, fields=fields, steps=steps), reader).candidates
    assert [to_text(one.when) for one in found] == ["x == 3"]


def test_keyword_arguments_that_are_given_sometimes_leave_defaults_and_dicts_as_they_are() -> None:
    source = """
    def check(level=1, **rest):
        if level > 5:
            raise ValueError("level")
        if rest.get("mode", "none") == "bad":
            raise ValueError("mode")

    @dataclass
    class Config:
        x: Any = None
        y: Any = None

        def __post_init__(self):
            more = {}
            if self.x is not None:
                more["level"] = 9
            if self.y == 1:
                more["mode"] = "bad"
            check(**more)
    """
    texts = {one.message: to_text(one.when) for one in mined(source).candidates if one.severity == "error"}
    assert texts["level"] == "x is not None"
    assert "y == 1" in texts["mode"]


def test_a_call_that_takes_long_is_not_executed_over_and_over_with_the_same_arguments() -> None:
    body = "\n".join(f"        self.a{at} = {at}" for at in range(250))
    source = f"""
@dataclass
class Config:
    x: Any = None

    def __post_init__(self):
        self.work(); self.work(); self.work(); self.work(); self.work(); self.work()
        if self.x == 1:
            raise ValueError("x")

    def work(self):
{body}
"""
    target, reader = target_of(source)
    found = mine(target, reader, Budget(statements=900)).candidates
    assert [to_text(one.when) for one in found] == ["x == 1"]
