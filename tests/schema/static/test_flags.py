"""Flags read from code that builds parsers, one way of writing it at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from atlas.schema.facts import ClassFact, DefaultFact, FieldFact, FlagFact
from atlas.schema.static.flags import CliFacts, extract_flags, with_help
from atlas.schema.static.modules import SourceIndex

BOOL = {"k": "prim", "name": "bool"}
STR = {"k": "prim", "name": "str"}
INT = {"k": "prim", "name": "int"}

Index = Callable[..., SourceIndex]


def facts(owner: str, *fields: FieldFact) -> dict[str, FieldFact]:
    return {field.name: field for field in fields}


def field(name: str, its: dict[str, object] | None = None, **more: object) -> FieldFact:
    return FieldFact(name, "toy.config.Args", its, file="toy/config.py", **more)  # type: ignore[arg-type]


def read(index: SourceIndex, *names: str, target: str = "toy.config.Args.add_cli_args") -> CliFacts:
    fields = {name: field(name) for name in names}
    return extract_flags(index, target, owner="toy.config.Args", fields=fields)


def only(found: CliFacts) -> FlagFact:
    assert len(found.flags) == 1, found
    return found.flags[0]


def in_method(body: str) -> str:
    indented = "\n".join(f"        {line}" for line in body.strip("\n").splitlines())
    return f"import argparse\nclass Args:\n    @staticmethod\n    def add_cli_args(parser):\n{indented}\n"


def test_a_plain_flag_with_all_its_arguments(index: Index) -> None:
    body = """
parser.add_argument(
    "--model-dir", "-m", type=str, default="a", choices=["a", "b"],
    help="Where "
         "it is.")
"""
    flag = only(read(index(in_method(body)), "model_dir"))
    assert flag.flags == ("--model-dir", "-m")
    assert (flag.dest, flag.field, flag.type) == ("model_dir", "model_dir", "str")
    assert (flag.choices, flag.help) == (("a", "b"), "Where it is.")
    assert flag.default == DefaultFact("value", "a", "'a'")
    assert (flag.file, flag.line) == ("toy/config.py", 5)


WAYS = {
    "dest": ('parser.add_argument("--x-y", dest="size")', ("--x-y",), "size"),
    "first long option names the dest": ('parser.add_argument("-s", "--size")', ("-s", "--size"), "size"),
    "argument group": (
        'group = parser.add_argument_group("G")\ngroup.add_argument("--size")',
        ("--size",),
        "size",
    ),
    "positional": ('parser.add_argument("size", type=int)', (), "size"),
    "negatable switch": (
        'parser.add_argument("--size", "-s", action=argparse.BooleanOptionalAction)',
        ("--size", "--no-size", "-s"),
        "size",
    ),
    "under a condition": ('if some():\n    parser.add_argument("--size")', ("--size",), "size"),
    "in both branches": (
        'if a():\n    parser.add_argument("--size")\nelse:\n    parser.add_argument("--size", type=int)',
        ("--size",),
        "size",
    ),
    "name in a local variable": ('name = "size"\nparser.add_argument(f"--{name}")', ("--size",), "size"),
    "spread names": ('parser.add_argument(*["--size", "-s"])', ("--size", "-s"), "size"),
    "method under another name": ('add = parser.add_argument\nadd("--size")', ("--size",), "size"),
    "nested helper with options": (
        'def add(*names, **more):\n    parser.add_argument(*names, **more)\nadd("--size", "-s", type=int)',
        ("--size", "-s"),
        "size",
    ),
    "loop over constants": (
        'for name, kind in [("--size", int)]:\n    parser.add_argument(name, type=kind)',
        ("--size",),
        "size",
    ),
    "subparser": (
        'sub = parser.add_subparsers().add_parser("serve")\nsub.add_argument("--size")',
        ("--size",),
        "size",
    ),
}


@pytest.mark.parametrize("body, flags, dest", WAYS.values(), ids=WAYS.keys())
def test_a_flag_is_found(index: Index, body: str, flags: tuple[str, ...], dest: str) -> None:
    flag = only(read(index(in_method(body)), "size"))
    assert (flag.flags, flag.dest, flag.field) == (flags, dest, "size")


def test_the_parser_is_followed_into_other_functions_and_modules(index: Index) -> None:
    source = index(
        """
        from toy.helpers import Helper, common
        class Base:
            @staticmethod
            def add_cli_args(parser):
                parser.add_argument("--base")
                return parser
        class Args(Base):
            @classmethod
            def add_cli_args(cls, parser):
                parser = super().add_cli_args(parser)
                common(parser, default=7)
                Helper.level(parser.add_argument_group("more"))
                return parser
        """,
        helpers="""
        class Helper:
            @staticmethod
            def level(group, choices=("low", "high")):
                return group.add_argument("--level", choices=choices)
        def common(parser, default):
            parser.add_argument("--size", type=int, default=default)
        """,
    )
    found = read(source, "size", "level", "base")
    assert [flag.field for flag in found.flags] == ["base", "size", "level"]
    assert found.flags[1].default.value == 7
    assert found.flags[2].choices == ("low", "high")
    assert not found.limitations


TABLE = """
import argparse
def get_kwargs(cls):
    return {f.name: made(f) for f in fields(cls)}
def made(f):
    return {"action": argparse.BooleanOptionalAction}
class Config: ...
class Args:
    @staticmethod
    def add_cli_args(parser):
        table = get_kwargs(Config)
        group = parser.add_argument_group("Config")
        group.add_argument("--size", "-s", **table["size"])
        group.add_argument("--fast-mode", **table["fast"])
        group.add_argument("--kind", **{**table["kind"], "default": None})
"""


def test_arguments_made_from_the_fields_of_another_class(index: Index) -> None:
    config = facts(
        "toy.config.Config",
        field("size", INT, default=DefaultFact("value", 4, "4"), description="The size."),
        field("fast", BOOL),
        field("kind", {"k": "literal", "values": ["a", "b"]}, default=DefaultFact("value", "a", "'a'")),
    )
    own = facts("toy.config.Args", field("size"), field("fast_mode"), field("kind"))
    found = extract_flags(
        index(TABLE),
        "toy.config.Args.add_cli_args",
        owner="toy.config.Args",
        fields=own,
        fields_of=lambda name: config if name == "toy.config.Config" else {},
    )
    size, fast, kind = found.flags
    assert (size.flags, size.help, size.default.value) == (("--size", "-s"), "The size.", 4)
    assert (fast.flags, fast.field) == (("--fast-mode", "--no-fast-mode"), "fast_mode")
    assert (kind.choices, kind.default.kind) == (("a", "b"), "none")


def test_arguments_that_code_sets_in_the_table_win(index: Index) -> None:
    source = TABLE.replace(
        "        group =",
        '        table["size"]["type"] = parse\n'
        '        table["kind"]["choices"].remove(HIDDEN)\n        group =',
    )
    config = facts(
        "toy.config.Config", field("size", INT), field("kind", {"k": "literal", "values": ["a", "b"]})
    )
    found = extract_flags(index(source), "toy.config.Args.add_cli_args", fields_of=lambda _name: config)
    size, _, kind = found.flags
    assert (size.type, kind.choices) == ("parse", None)


def test_a_type_that_is_not_enforced_gives_no_choices(index: Index) -> None:
    base = {"k": "literal", "values": ["a", "b"]}
    loose = {"k": "annotated", "base": base, "constraints": {}, "open": True}
    config = facts("toy.config.Config", field("kind", loose))
    found = extract_flags(index(TABLE), "toy.config.Args.add_cli_args", fields_of=lambda _name: config)
    assert found.flags[2].choices is None


LOOP = """
from dataclasses import fields
class Args:
    @classmethod
    def add_cli_args(cls, parser):
        for f in fields(Args):
            parser.add_argument(f"--{f.name.replace('_', '-')}", type=f.type)
"""


def test_a_loop_over_fields_gives_each_field_its_flag(index: Index) -> None:
    own = facts("toy.config.Args", field("model_dir", STR), field("fast", BOOL))
    found = extract_flags(index(LOOP), "toy.config.Args.add_cli_args", owner="toy.config.Args", fields=own)
    assert [(flag.flags, flag.field, flag.action) for flag in found.flags] == [
        (("--model-dir",), "model_dir", None),
        (("--fast",), "fast", "store_true"),
    ]


def test_marks_in_annotations_name_and_hide_flags(index: Index) -> None:
    source = LOOP.replace("from dataclasses", "KINDS = ['x', 'y']\nfrom dataclasses", 1)
    own = facts(
        "toy.config.Args",
        field("size", INT, annotation='A[int, Arg(help="S.", cli_name="--tensor-size", aliases=["--ts"])]'),
        field("kind", STR, annotation='A[str, Arg(help="K.", choices=KINDS)]'),
        field("text", STR, annotation='A[str, "T."]'),
        field("inner", STR, annotation='A[str, Arg(help="I.", no_cli=True)]'),
        field("unmarked", STR, annotation="str"),
    )
    found = extract_flags(index(source), "toy.config.Args.add_cli_args", owner="toy.config.Args", fields=own)
    assert [(flag.flags, flag.dest) for flag in found.flags] == [
        (("--tensor-size", "--ts"), "size"),
        (("--kind",), "kind"),
        (("--text",), "text"),
    ]
    assert found.flags[1].choices == ("x", "y")


def test_names_change_between_the_command_line_and_the_class(index: Index) -> None:
    source = index(
        """
        class Args: ...
        def add(parser):
            parser.add_argument("--block-length", type=int)
            parser.add_argument("--no-stats", action="store_true")
            parser.add_argument("--device")
            parser.add_argument("--port")
        def serve(args):
            device = pick(args.device) if args.device else "cpu"
            return Args(block_size=args.block_length, stats=not args.no_stats, device_type=device)
        """
    )
    found = read(source, "block_size", "stats", "device_type", target="toy.config.add")
    assert [flag.field for flag in found.flags] == ["block_size", "stats", "device_type", None]


def test_a_namespace_that_is_changed_before_it_is_taken_whole(index: Index) -> None:
    source = index(
        """
        class Args:
            @staticmethod
            def add_cli_args(parser):
                parser.add_argument("--tensor-size", "--ts")
            @classmethod
            def from_cli_args(cls, args):
                args.ts = args.tensor_size
                return cls(**{name: getattr(args, name) for name in names})
        """
    )
    assert only(read(source, "ts")).field == "ts"


def test_a_value_passed_as_it_is_says_more_than_one_computed_from_it(index: Index) -> None:
    source = index(
        """
        class Args: ...
        def add(parser):
            parser.add_argument("--device")
        def serve(args):
            return Args(batch=largest(args.device), device_type=args.device)
        """
    )
    assert only(read(source, "batch", "device_type", target="toy.config.add")).field == "device_type"


def test_a_list_that_code_changes_is_no_known_set_of_choices(index: Index) -> None:
    body = 'kinds = ["a"]\nkinds.append(more())\nparser.add_argument("--size", choices=kinds)'
    assert only(read(index(in_method(body)), "size")).choices is None


def test_a_name_that_depends_on_the_run_is_reported(index: Index) -> None:
    found = read(index(in_method("parser.add_argument(name_from_somewhere())")))
    assert not found.flags
    assert [limitation.code for limitation in found.limitations] == ["flag_not_read"]


def test_a_parser_handed_to_unknown_code_is_reported(index: Index) -> None:
    found = read(index(in_method("platform().extend(parser)")))
    assert [limitation.code for limitation in found.limitations] == ["cli_call_not_followed"]


def test_a_missing_function_is_reported(index: Index) -> None:
    found = read(index("x = 1"), target="toy.config.Args.nothing")
    assert [limitation.code for limitation in found.limitations] == ["cli_not_found"]


def test_functions_that_hand_the_parser_to_each_other_end(index: Index) -> None:
    source = index(
        "def a(parser):\n    b(parser)\n    parser.add_argument('--x')\ndef b(parser):\n    a(parser)\n"
    )
    assert only(read(source, target="toy.config.a")).flags == ("--x",)


def test_argparse_marks_are_kept(index: Index) -> None:
    found = read(index(in_method('parser.add_argument("--size", deprecated=True)')), "size")
    assert found.deprecated == {"size"}


def test_help_describes_only_what_nothing_else_describes() -> None:
    owner = "toy.config.Args"
    fact = ClassFact(
        owner, "dataclass", fields=(field("a", description="From the field."), field("b"), field("c"))
    )
    flags = tuple(FlagFact((f"--{n}",), n, owner, n, help=f"Help of {n}.") for n in "ab")
    found = with_help({owner: fact}, [CliFacts(flags)])[owner]
    assert [each.description for each in found.fields] == ["From the field.", "Help of b.", None]
