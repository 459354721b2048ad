"""Documentation beside fields: strings below them, annotations, calls, comments."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.schema.static.docs.attributes import attribute_docs, literal_text


def docs_of(body: str) -> dict[str, tuple[str, str]]:
    source = "class C:\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    return {name: (doc.text, doc.origin) for name, doc in attribute_docs(node, source).items()}


CASES = {
    "string below": ('x: int = 1\n"""The\n    x."""', ("The x.", "docstring")),
    "PEP 727": ('x: Annotated[int, Doc("The x.")] = 1', ("The x.", "annotation")),
    "metadata with help": ('x: Annotated[int | None, Arg(help="The " "x.")] = 1', ("The x.", "annotation")),
    "bare text in metadata": ('x: Annotated[int, "The x."] = 1', ("The x.", "annotation")),
    "nested annotation": (
        'x: Annotated[int, Meta(description="The x.")] | None = None',
        ("The x.", "annotation"),
    ),
    "field call": ('x: int = Field(default=1, description="The x.")', ("The x.", "call")),
    "dataclass metadata": ('x: int = field(default=1, metadata={"help": "The x."})', ("The x.", "call")),
    "comment behind": ("x: int = 1  # The x.", ("The x.", "comment")),
    "comment behind, not ASCII": ('x: str = "é"  # The x.', ("The x.", "comment")),
    "comment above": ("# The\n# x.\nx: int = 1\n\ny: int = 2", ("The x.", "comment")),
    "string below beats comment": ('# Older.\nx: int = 1\n"""The x."""', ("The x.", "docstring")),
    "in the constructor": ('def __init__(self):\n    self.x = 1\n    """The x."""', ("The x.", "docstring")),
}


@pytest.mark.parametrize("body, expected", CASES.values(), ids=CASES.keys())
def test_a_field_is_documented(body: str, expected: tuple[str, str]) -> None:
    assert docs_of(body)["x"] == expected


SILENT = {
    "directive": "x: int = 1  # noqa: F821",
    "banner": "# ----------\nx: int = 1",
    "remark": "# TODO: remove\nx: int = 1",
    "heading of a group": "# Logging\nx: int = 1\ny: int = 2",
    "comment of the field before": "y: int = 1  # The y.\nx: int = 2",
    "string after a blank method": 'x: int = 1\ndef f(self): ...\n"""Text."""',
    "misplaced class docstring": 'x: int = 1\n"""Config.\n\nArgs:\n    x (`int`): The x.\n"""',
}


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT.keys())
def test_what_is_not_about_the_field_is_left(body: str) -> None:
    assert "x" not in docs_of(body)


def test_other_names_of_annotated_are_for_the_caller_to_say() -> None:
    source = 'class C:\n    x: A[int, "The x."] = 1\n'
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    assert attribute_docs(node, source) == {}
    found = attribute_docs(node, source, annotated=lambda name: ast.unparse(name) == "A")
    assert found["x"].text == "The x."


@pytest.mark.parametrize(
    "code, text",
    [
        ("'a' 'b'", "ab"),
        ("'a ' + 'b'", "a b"),
        ("f'see {name!r}.'", "see {name}."),
        ("dedent('''\n  a\n  b''')", "a b"),
        ("'%s items' % n", "%s items"),
        ("name", None),
        ("''", None),
    ],
)
def test_strings_written_in_place_are_read(code: str, text: str | None) -> None:
    assert literal_text(ast.parse(code, mode="eval").body) == text


@given(
    st.lists(
        st.sampled_from(["x: int = 1", "# c", "", "    # d", "y = 2  # é", '"""s"""', "'ü'"]), max_size=8
    )
)
def test_any_class_body_is_read(lines: list[str]) -> None:
    source = "class C:\n    pass\n" + "\n".join(f"    {line}".rstrip() for line in lines)
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    assert set(attribute_docs(node, source)) <= {"x", "y"}
