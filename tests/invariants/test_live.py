"""What a session says of engines: their objections, warnings and changes, and their misbehaviour."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas.environment.prepare import Prepared
from atlas.environment.run import MARK, Runtime
from atlas.errors import InputError, RunError
from atlas.invariants import live
from atlas.invariants.live import Session
from atlas.invariants.model import FieldSpec, Step, Target

HEAD = """
import enum, functools, logging, os, signal, sys, time, warnings
from dataclasses import dataclass, field
logger = logging.getLogger("toy")
"""


def target(*names: str, defaults: dict | None = None, cls: str = "toy.Config", **more) -> Target:
    known = defaults or {}
    fields = [
        FieldSpec(name, "Any", {}, known.get(name), name in known, "value" if name in known else "unknown")
        for name in names
    ]
    steps = tuple(Step(depth, call) for depth, call in more.pop("steps", ()))
    return Target(cls, "engine_params", tuple(fields), steps=steps, **more)


@pytest.fixture
def prepared(tmp_path):
    """A toy engine, in a module of its own."""

    def make(text: str, *, timeout_s: int = 60, fixtures: dict | None = None, **modules: str) -> Prepared:
        folder = tmp_path / "engine"
        folder.mkdir(exist_ok=True)
        for name, content in {"toy": HEAD + textwrap.dedent(text), **modules}.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(content))
        cell = SimpleNamespace(packages=("toy", *modules), fixtures=fixtures or {}, version="1.0", venv=None)
        return Prepared(cell, Runtime(Path(sys.executable), (folder,)), timeout_s, folder)  # type: ignore[arg-type]

    return make


@pytest.fixture
def observe(prepared):
    """What a toy engine does with configurations of `toy.Config`."""

    def run(text: str, configs: list[dict], *names: str, **options):
        session = {name: options.pop(name) for name in ("limit_s", "workers") if name in options}
        made = {name: options.pop(name) for name in ("fixtures", "timeout_s") if name in options}
        modules = options.pop("modules", {})
        with Session(prepared(text, **made, **modules), [target(*names, **options)], **session) as engine:
            return engine.observe("toy.Config", configs)

    return run


def outcomes(observations):
    return [one.outcome for one in observations]


# What the engine says


def test_an_objection_is_told_with_its_class_message_and_place(observe):
    text = """
    class Refused(ValueError):
        pass

    @dataclass
    class Config:
        size: int = 1

        def __post_init__(self):
            check(self.size)

    def check(size):
        if size > 8:
            raise Refused(f"{size} is too large, {object()}")
    """
    fine, bad = observe(text, [{"size": 8}, {"size": 9}], "size")
    assert (fine.outcome, fine.depth, fine.thrown) == ("ok", "construct", None)
    assert (bad.outcome, bad.depth) == ("rejected", "construct")
    assert bad.thrown.type == "toy.Refused"
    assert bad.thrown.mro[:3] == ("toy.Refused", "ValueError", "Exception")
    assert bad.thrown.message == "9 is too large, <object>"
    lines = (HEAD + textwrap.dedent(text)).splitlines()
    raising = 1 + next(number for number, line in enumerate(lines) if "raise Refused" in line)
    calling = 1 + next(number for number, line in enumerate(lines) if "check(self.size)" in line)
    assert bad.thrown.frames == (f"toy.py:{raising}", f"toy.py:{calling}")


def test_an_objection_of_a_library_names_the_place_that_it_came_from(observe):
    text = """
    import json
    class Config:
        def __init__(self, text="1"):
            try:
                json.loads(text)
            except ValueError as error:
                cause = error
            else:
                return
            import fractions
            fractions.Fraction(1, 0)
    """
    (found,) = observe(text, [{"text": "{"}], "text")
    assert found.thrown.type == "ZeroDivisionError"
    assert [frame.partition(":")[0] for frame in found.thrown.frames] == ["toy.py"]


def test_collected_errors_are_told_one_by_one_with_the_place_of_each(observe):
    text = """
    class Collected(ValueError):
        def __init__(self, errors):
            super().__init__(f"{len(errors)} errors")
            self._errors = errors

        def errors(self):
            return self._errors

    def positive(value):
        if value <= 0:
            raise ValueError("not positive")

    def Config(size=1, name="a"):
        errors = []
        try:
            positive(size)
        except ValueError as error:
            errors.append({"type": "value_error", "loc": ("size",), "msg": "no", "ctx": {"error": error}})
        if not isinstance(name, str):
            errors.append({"type": "string_type", "loc": ("name", 0), "msg": "a string", "input": name})
        if errors:
            raise Collected(errors)
    """
    (found,) = observe(text, [{"size": 0, "name": 3}], "size", "name")
    size, name = found.thrown.parts
    assert (size["type"], size["loc"], size["message"], size["error"]) == (
        "value_error",
        ["size"],
        "no",
        "ValueError",
    )
    assert len(size["frames"]) == 2
    assert (name["type"], name["loc"], name["frames"]) == ("string_type", ["name", 0], [])


SAYS = """
    @functools.lru_cache(maxsize=None)
    def warning_once(message):
        logger.warning(message)

    class Config:
        def __init__(self, channel=None):
            if channel == "once":
                warning_once("once only")
            if channel == "warnings":
                warnings.warn("a warning", FutureWarning)
            if channel == "log":
                logger.error("%s of %s", "part", 2)
            if channel == "info":
                logger.info("nothing")
            if channel == "bad":
                logger.warning("%d", "x")
    """


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("once", ("logging", "WARNING", "once only")),
        ("warnings", ("warnings", "FutureWarning", "a warning")),
        ("log", ("logging", "ERROR", "part of 2")),
        ("bad", ("logging", "WARNING", "%d")),
    ],
)
def test_a_warning_is_told_each_time(observe, channel, said):
    first, quiet, again = observe(
        SAYS, [{"channel": channel}, {"channel": "info"}, {"channel": channel}], "channel"
    )
    assert [(one.channel, one.category, one.message) for one in first.warned] == [said]
    assert first == again
    assert first.warned[0].frames[0].startswith("toy.py:")
    assert quiet.warned == ()


def test_the_place_of_a_warning_is_not_the_logging_helper(observe):
    helper = "import logging\ndef warn(text):\n    logging.getLogger('x').warning(text)\n"
    text = """
    from logger import warn
    class Config:
        def __init__(self, size=0):
            if size:
                warn("large")
    """
    (found,) = observe(text, [{"size": 1}], "size", modules={"logger": helper})
    assert [frame.partition(":")[0] for frame in found.warned[0].frames] == ["toy.py"]


@pytest.mark.parametrize(
    "setting",
    ["logger.propagate = False", "logger.addHandler(logging.NullHandler())", "logging.root.handlers[:] = []"],
)
def test_handlers_do_not_matter(observe, setting):
    (found,) = observe(f"{setting}\n{textwrap.dedent(SAYS)}", [{"channel": "log"}], "channel")
    assert len(found.warned) == 1


def test_what_the_engine_keeps_to_itself_is_no_warning(observe):
    settings = (
        "logger.setLevel(logging.CRITICAL)\nwarnings.filterwarnings('ignore', category=FutureWarning)\n"
    )
    found = observe(
        settings + textwrap.dedent(SAYS), [{"channel": "log"}, {"channel": "warnings"}], "channel"
    )
    assert [one.warned for one in found] == [(), ()]


def test_a_warning_that_always_comes_is_not_a_configurations(observe):
    text = """
    class Config:
        def __init__(self, size=0):
            logger.warning("no accelerator")
            if size:
                logger.warning("large")
    """
    found = observe(text, [{}, {"size": 1}], "size")
    assert [[one.message for one in observation.warned] for observation in found] == [[], ["large"]]


# What it changes

CHANGES = """
    class Mode(enum.Enum):
        FAST = "fast"

    class Config:
        def __init__(self, size=1, ratio=1.0, names=(), mode=None, flag=False, limit=None, kinds=None):
            self.size = max(size, 1)
            self.ratio = float(ratio)
            self.names = tuple(names)
            self.mode = Mode[mode.upper()] if mode else None
            self.flag = int(flag)
            self.limit = limit if limit is not None else self.size * 2
            self.kinds = set(kinds) if kinds else None
            self.made = time.time_ns()
            self.port = time.time_ns() if self.size > 5 else None
    """
NAMES = ("size", "ratio", "names", "mode", "flag", "limit", "kinds", "made", "port")


@pytest.mark.parametrize(
    ("config", "changed"),
    [
        ({}, {}),
        ({"size": 0}, {"size": 1}),
        ({"size": 3}, {"limit": 6}),
        ({"size": 6, "limit": 1}, {}),
        ({"ratio": 2, "names": ["b", "a"], "mode": "fast"}, {}),
        ({"mode": "FAST"}, {}),
        ({"flag": True}, {"flag": 1}),
        ({"kinds": ["b", "a"]}, {}),
        ({"kinds": ["b", "b"]}, {}),
        ({"limit": float("nan")}, {}),
    ],
)
def test_a_change_is_a_value_other_than_given_or_than_unset(observe, config, changed):
    (found,) = observe(CHANGES, [config], *NAMES)
    assert found.outcome == "ok"
    assert found.changed == changed
    assert [type(value) for value in found.changed.values()] == [type(value) for value in changed.values()]


def test_a_class_that_must_be_given_something_is_compared_with_its_known_defaults(observe):
    text = """
    class Config:
        def __init__(self, size, half=0):
            self.size = size
            self.half = size // 2
    """
    (found,) = observe(text, [{"size": 4}], "size", "half", defaults={"half": 0})
    assert found.changed == {"half": 2}


def test_what_must_be_given_can_be_named_to_see_what_the_rest_is_unset(prepared):
    text = """
    class Config:
        def __init__(self, size, half=None, mode="a"):
            self.size = size
            self.half = half or size // 2
            self.mode = mode
            if mode == "b":
                self.half = 0
    """
    known = target("size", "half", "mode", defaults={"half": None, "mode": "a"})
    with Session(prepared(text), [known]) as engine:
        configs = [{"size": 8}, {"size": 8, "mode": "b"}]
        without = [one.changed for one in engine.observe("toy.Config", configs)]
        found = [one.changed for one in engine.observe("toy.Config", configs, base={"size": 8})]
    assert without == [{"half": 4}, {"half": 0}]
    assert found == [{}, {"half": 0}]


def test_what_depends_on_the_machine_is_compared_with_nothing(observe):
    text = """
    @dataclass
    class Inner:
        memory: int = 0
        level: int = 0

    @dataclass
    class Config:
        size: int = 0
        port: int = 0
        inner: Inner = field(default_factory=Inner)

        def __post_init__(self):
            self.port = self.inner.memory = self.inner.level = self.size
    """
    (found,) = observe(text, [{"size": 4}], "size", "port", "inner", ignore=frozenset({"port", "memory"}))
    assert found.changed == {"inner.level": 4}


def test_a_mapping_that_a_step_returns_holds_values_by_their_names(observe):
    text = """
    @dataclass
    class Config:
        size: int = 0
        half: int | None = None

        def resolved(self):
            return {"half": self.size // 2, "other": 1}
    """
    steps = [("resolve", "resolved")]
    (found,) = observe(text, [{"size": 4}], "size", "half", steps=steps)
    assert found.changed == {"half": 2}
    assert found.depth == "resolve"


LATE = """
    import importlib, time

    @dataclass
    class Config:
        size: int = 0

        def __post_init__(self):
            if self.size > 3:
                importlib.import_module("late")
"""


def test_what_a_module_says_while_it_is_imported_is_no_warning_of_a_configuration(observe):
    late = "import logging\nlogging.getLogger('late').warning('no accelerator here')\n"
    found = observe(LATE, [{"size": 4}, {"size": 1}], "size", modules={"late": late})
    assert [one.warned for one in found] == [(), ()]


def test_what_configurations_import_is_imported_once(prepared, tmp_path):
    log = tmp_path / "imports"
    late = f"with open({str(log)!r}, 'a') as file:\n    file.write('x')\n"
    with Session(prepared(LATE, late=late), [target("size")]) as engine:
        for size in range(4, 9):
            engine.observe("toy.Config", [{"size": size}])
    assert len(log.read_text()) == 2  # by the first child, and then for all others


def test_what_unset_fields_end_up_as_is_told(prepared):
    text = """
    class Config:
        def __init__(self, size, half=None, seed=None):
            self.size = size
            self.half = half or size // 2
            self.seed = object() if seed is None else seed
    """
    known = target("size", "half", "seed", defaults={"half": None, "seed": None})
    with Session(prepared(text), [known]) as engine:
        assert engine.unset("toy.Config", 0, {"size": 8}) == {"size": 8, "half": 4}
        assert engine.unset("toy.Config") == {"half": None, "seed": None}  # it cannot be made: as declared


NESTED = """
    @dataclass
    class Inner:
        level: int = 0
        mode: str = "a"

        def __post_init__(self):
            if self.level > 2:
                self.level = 2

    @dataclass
    class Config:
        inner: Inner = field(default_factory=Inner)
        deep: bool = False

        def __post_init__(self):
            if isinstance(self.inner, dict):
                self.inner = Inner(**self.inner)
            if self.deep:
                self.inner.mode = "deep"
    """


@pytest.mark.parametrize(
    ("config", "changed"),
    [
        ({"inner": {"level": 1}}, {}),
        ({"inner": {"level": 5}}, {"inner.level": 2}),
        ({"deep": True}, {"inner.mode": "deep"}),
        ({"deep": True, "inner": {"level": 3, "mode": "b"}}, {"inner.level": 2, "inner.mode": "deep"}),
    ],
)
def test_nested_configuration_changes_field_by_field(observe, config, changed):
    assert observe(NESTED, [config], "inner", "deep")[0].changed == changed


def test_an_engine_that_changes_what_it_is_given_does_not_spoil_the_next(observe):
    text = """
    class Config:
        def __init__(self, stop=None):
            self.stop = stop
            if stop is not None:
                stop.append("end")
    """
    found = observe(text, [{"stop": ["a"]}, {"stop": ["a"]}], "stop")
    assert [one.changed for one in found] == [{"stop": ["a", "end"]}] * 2


def test_variables_that_one_configuration_sets_are_gone_for_the_next(observe):
    text = """
    class Config:
        def __init__(self, size=0):
            if "TOY_SIZE" in os.environ or os.environ["PATH"] == "":
                raise RuntimeError("seen")
            os.environ["TOY_SIZE"] = "1"
            os.environ["PATH"] = ""
    """
    assert outcomes(observe(text, [{"size": 1}] * 3, "size", timeout_s=60)) == ["ok"] * 3


# Steps

STEPPED = """
    class Model:
        def __init__(self, sizes):
            self.sizes = sizes

        def run(self, config, times):
            if config.size > self.sizes[1]:
                raise ValueError("too large for the model")
            return [config.size] * times

    @dataclass
    class Final:
        limit: int
        path: str

    class Config:
        def __init__(self, size=1, model=None, limit=None):
            if size < 0:
                raise ValueError("negative")
            self.size, self.model, self.limit = size, model, limit

        def validate(self):
            if self.size == 0:
                raise ValueError("zero")

        def resolve(self):
            return {"final": [Final(self.limit or 2 * self.size, self.model + "/x")]}
    """
STEPS = [
    ("validate", "validate"),
    ("resolve", "resolve"),
    ("generate", {"call": "model.run", "args": [{"ref": "self"}], "kwargs": {"times": 2}}),
]
PREPARE = {
    "sizes": {"call": "toy.dict", "kwargs": {"a": 1}},
    "model": {"call": "toy.Model", "args": [[1, 5]]},
}


def test_each_step_is_a_depth_of_its_own(prepared):
    stepped = target(
        "size",
        "limit",
        "model",
        steps=STEPS,
        prepare={"model": PREPARE["model"]},
        given={"model": "{fixtures}/m"},
    )
    with Session(prepared(STEPPED, fixtures={"m/x": "{}"}), [stepped]) as engine:
        found = engine.observe(
            "toy.Config", [{"size": -1}, {"size": 0}, {"size": 2}, {"size": 9}, {"limit": 7}]
        )
    assert [(one.outcome, one.depth) for one in found] == [
        ("rejected", "construct"),
        ("rejected", "validate"),
        ("ok", "generate"),
        ("rejected", "generate"),
        ("ok", "generate"),
    ]
    assert found[2].changed == {"limit": 4}
    assert found[4].changed == {}


def test_a_variant_replaces_what_is_given(prepared):
    text = """
    class Config:
        def __init__(self, size=1, model=None):
            self.size = min(size, len(model))
    """
    two = target("size", given={"model": "abc"}, variants=({"model": "abcdef"},))
    with Session(prepared(text), [two]) as engine:
        found = [engine.observe("toy.Config", [{"size": 5}], variant)[0].changed for variant in (0, 1)]
    assert found == [{"size": 3}, {}]


def test_the_engine_is_asked_what_is_in_a_module(prepared):
    text = "class Config:\n    def __init__(self, size=1):\n        pass\n"
    with Session(prepared(text), [target("size")], modules=["json", "none.such"]) as engine:
        assert "dumps" in engine.members["json"]
        assert engine.members.keys() == {"json"}


def test_further_variants_replace_what_is_prepared(prepared):
    text = """
    class Config:
        def __init__(self, size=1, model=None):
            self.size, self.model = size, model

        def run(self, limit):
            self.size = min(self.size, limit[0], self.model)
    """
    two = target(
        "size",
        given={"model": 9},
        variants=({"model": 7},),
        prepare={
            "first": {"call": "builtins.int", "args": [5]},
            "limit": {"call": "builtins.list", "args": [[5]]},
        },
        others=({"limit": {"call": "builtins.list", "args": [[3]]}},),
        steps=[("generate", {"call": "self.run", "args": [{"ref": "limit"}]})],
    )
    with Session(prepared(text), [two]) as engine:
        found = [engine.observe("toy.Config", [{"size": 8}], variant)[0].changed for variant in (0, 1, 2)]
    assert found == [{"size": 5}, {"size": 5}, {"size": 3}]


def test_a_target_may_have_limits_of_its_own(prepared):
    text = """
    class Config:
        def __init__(self, size=1, wait=0):
            time.sleep(wait)
            self.size, self.wait, self.held = size, wait, b"x" * size
    """
    one = target("size", "wait", limit_s=0.3, memory_mb=64)
    configs = [{"wait": 0}, {"wait": 0.01}, {"wait": 60}, {"size": 1 << 20}, {"size": 1 << 28}]
    with Session(prepared(text), [one], limit_s=60) as engine:
        found = engine.observe("toy.Config", configs)
    assert outcomes(found) == ["ok", "ok", "timeout", "ok", "killed"]


def test_it_is_computing_that_is_limited_and_waiting_only_so_far(prepared):
    """Or what a busy machine makes slow would be taken for what never ends."""
    text = """
    class Config:
        def __init__(self, wait=0.0, compute=0.0):
            time.sleep(wait)
            end = time.process_time() + compute
            while time.process_time() < end:
                pass
    """
    one = target("wait", "compute", limit_s=0.4)
    configs = [{"wait": 0.8}, {"compute": 0.1}, {"compute": 0.8}, {"wait": 3.0}]
    with Session(prepared(text), [one], limit_s=60) as engine:
        found = engine.observe("toy.Config", configs)
    assert outcomes(found) == ["ok", "ok", "timeout", "timeout"]


def test_what_one_configuration_keeps_takes_no_memory_of_the_next_one(prepared):
    text = """
    KEPT = []
    class Config:
        def __init__(self, keep=0, take=0):
            KEPT.append(bytearray(keep << 20))
            self.taken = len(bytearray(take << 20))
    """
    one = target("keep", "take", memory_mb=64)
    configs = [{"keep": 40}, {"keep": 40}, {"take": 40}, {"keep": 40}, {"take": 80}, {"take": 40}]
    with Session(prepared(text), [one], limit_s=60) as engine:
        found = engine.observe("toy.Config", configs)
    assert outcomes(found) == ["ok", "ok", "ok", "ok", "killed", "ok"]


def test_what_lacks_memory_is_a_failure_of_the_probe_in_the_words_of_any_library(observe):
    text = """
    class Config:
        def __init__(self, size=1):
            if size > 1:
                raise RuntimeError("std::bad_alloc" if size > 2 else f"[enforce fail] {os.strerror(12)}")
            if size < 1:
                raise RuntimeError("enough memory")
            self.size = size
    """
    found = observe(text, [{"size": 2}, {"size": 0}, {"size": 1}, {"size": 3}], "size")
    assert outcomes(found) == ["killed", "rejected", "ok", "killed"]
    assert found[0].thrown is None


def test_the_file_that_raised_it_is_told_where_it_is_none_of_the_engines(observe):
    text = """
    import json

    class Config:
        def __init__(self, size="1"):
            if size == "":
                raise ValueError
            self.size = json.loads(size)
    """
    found = observe(text, [{"size": ""}, {"size": "x"}, {"size": 5}], "size")
    assert [one.thrown.outside for one in found] == ["", "json/decoder.py", "json/__init__.py"]


def test_what_cannot_be_prepared_says_why(prepared):
    broken = target("size", prepare={"model": {"call": "toy.Missing"}})
    with (
        Session(prepared("class Config:\n    pass"), [broken]) as engine,
        pytest.raises(RunError, match=r"could not be prepared.*Missing"),
    ):
        engine.observe("toy.Config", [{}])


# Misbehaviour: it costs the one configuration

BAD = """
    class Config:
        def __init__(self, do="nothing"):
            self.do = do
            if do == "sleep":
                time.sleep(600)
            if do == "stubborn":
                while True:
                    try:
                        time.sleep(600)
                    except BaseException:
                        pass
            if do == "stuck":
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
                time.sleep(600)
            if do == "converted":
                try:
                    time.sleep(600)
                except BaseException as error:
                    raise ValueError("failed") from None
            if do == "exit":
                sys.exit(3)
            if do == "_exit":
                os._exit(0)
            if do == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if do == "recurse":
                Config("recurse")
            if do == "memory":
                self.big = bytearray(1 << 45)
            if do == "fill":
                self.big = [bytearray(1 << 24) for _ in range(64)]
            if do == "print":
                os.write(1, b'{"outcome": "ok"}' * 100_000)
                print("x" * 1_000_000)
            if do == "close":
                os.closerange(3, 256)
            if do == "shout":
                raise ValueError("x" * 50_000_000)
    """


@pytest.mark.parametrize(
    ("what", "outcome", "error"),
    [
        ("sleep", "timeout", None),
        ("stubborn", "timeout", None),
        ("stuck", "timeout", None),
        ("converted", "timeout", None),
        ("exit", "exit", "SystemExit"),
        ("_exit", "killed", None),
        ("crash", "killed", None),
        ("recurse", "rejected", "RecursionError"),
        ("memory", "killed", None),
        ("fill", "killed", None),
        ("print", "ok", None),
        ("close", "killed", None),
        ("shout", "rejected", "ValueError"),
    ],
)
def test_misbehaviour_costs_one_configuration(observe, monkeypatch, what, outcome, error):
    monkeypatch.setattr(live, "MEMORY_BYTES", 1 << 29)
    found = observe(
        BAD,
        [{"do": "a"}, {"do": what}, {"do": "b"}],
        "do",
        limit_s=0.5 if outcome == "timeout" else 30,
    )
    assert outcomes(found) == ["ok", outcome, "ok"]
    assert [one.thrown.type if one.thrown else None for one in found] == [None, error, None]
    assert all(one.depth == "construct" for one in found)


def test_the_depth_of_a_crash_is_the_step_that_it_came_in(observe):
    text = """
    class Config:
        def __init__(self, size=0):
            self.size = size

        def resolve(self):
            if self.size:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    found = observe(text, [{"size": 1}, {"size": 0}], "size", steps=[("resolve", "resolve")])
    assert [(one.outcome, one.depth) for one in found] == [("killed", "resolve"), ("ok", "resolve")]


@pytest.mark.parametrize(
    "ending", ["os._exit(1)", "sys.exit(1)", "raise ValueError('set a size')", "time.sleep(600)"]
)
def test_a_class_that_does_not_work_with_nothing_set_is_still_observed(observe, ending):
    text = f"""
    class Config:
        def __init__(self, size=None):
            if size is None:
                {ending}
            self.size = max(size, 1)
    """
    found = observe(text, [{"size": 0}, {"size": 5}], "size", timeout_s=4)
    assert [(one.outcome, one.changed) for one in found] == [("ok", {"size": 1}), ("ok", {})]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nonesuch_module", "nonesuch_module"),
        ("raise OSError('no device')", "no device"),
        ("print('last words', flush=True)\nos._exit(4)", "last words"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended Python"),
        ("sys.exit('never mind')", "never mind"),
        ("class Other: pass", "Config"),
    ],
)
def test_an_engine_that_cannot_be_loaded_says_why(observe, text, reason):
    with pytest.raises(RunError, match=reason) as caught:
        observe(text, [{}], "size")
    assert caught.value.exit_code == 3


def test_an_engine_that_is_never_loaded_is_given_up(observe):
    with pytest.raises(RunError, match="not loaded within 1 s"):
        observe("time.sleep(600)", [{}], "size", timeout_s=1)


def test_a_missing_class_does_not_keep_others_from_being_observed(prepared):
    targets = [target("size"), target("size", cls="toy.Missing")]
    with Session(prepared("@dataclass\nclass Config:\n    size: int = 0"), targets) as engine:
        assert outcomes(engine.observe("toy.Config", [{"size": 1}])) == ["ok"]
        assert list(engine.missing) == ["toy.Missing"]
        with pytest.raises(RunError, match=r"no toy\.Missing"):
            engine.observe("toy.Missing", [{}])
        with pytest.raises(InputError):
            engine.observe("toy.Unknown", [{}])


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_nothing_is_left_running(prepared, tmp_path):
    text = """
    import subprocess
    class Config:
        def __init__(self, size=0):
            subprocess.Popen(["sleep", "600"], start_new_session=True)
    """
    with Session(prepared(text), [target("size")], workers=2) as engine:
        engine.observe("toy.Config", [{"size": 1}] * 3)
        mark = f"{MARK}={engine._engine.running.mark}".encode()
        assert running(mark)
    assert not running(mark)


def running(mark: bytes) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes():
                found.append(entry.name)
    return found


# The same whatever the workers and the order of questions

STATEFUL = """
    COUNT = 0
    @dataclass
    class Config:
        size: int = 0
        count: int = 0

        def __post_init__(self):
            global COUNT
            COUNT += 1
            self.count = COUNT
            if self.size % 97 == 5:
                raise ValueError(f"{self.size} {COUNT}")
            if self.size % 211 == 7:
                os._exit(1)
    """


def test_answers_do_not_depend_on_workers_or_on_earlier_questions(prepared, monkeypatch):
    monkeypatch.setattr(live, "CHUNK", 50)
    configs = [{"size": number} for number in range(620)]
    found = []
    for workers in (1, 3):
        with Session(prepared(STATEFUL), [target("size", "count")], workers=workers) as engine:
            found.append(engine.observe("toy.Config", configs))
            found.append(engine.observe("toy.Config", configs))
    assert found[0] == found[1] == found[2] == found[3]
    assert outcomes(found[0]).count("killed") == 3


def test_processes_of_targets_not_asked_for_long_are_ended_and_begun_again(prepared, monkeypatch):
    monkeypatch.setattr(live, "KEPT", 1)
    text = "@dataclass\nclass Config:\n    size: int = 0\n@dataclass\nclass Other:\n    size: int = 0\n"
    with Session(prepared(text), [target("size"), target("size", cls="toy.Other")]) as engine:
        for name in ("toy.Config", "toy.Other", "toy.Config"):
            assert outcomes(engine.observe(name, [{"size": 1}])) == ["ok"]
        assert len(engine._subjects) == 1


def test_a_session_whose_engine_is_gone_says_so(prepared):
    with Session(prepared("@dataclass\nclass Config:\n    size: int = 0"), [target("size")]) as engine:
        os.kill(engine._engine.running.process.pid, 9)
        engine._engine.running.process.wait()
        with pytest.raises(RunError, match="no answer"):
            engine.observe("toy.Config", [{"size": 1}])
