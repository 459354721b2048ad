"""Docstrings of the styles that engines write, one construct at a time."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.schema.static.docs import DocEntry, Docs, class_docs, merge_docs, parse_docstring

GOOGLE = {
    "typed, dialect with backticks": (
        """
        Args:
            top_k (`int`, *optional*, defaults to 50):
                Number of tokens
                to keep.
        """,
        {"top_k": DocEntry("`int`", "Number of tokens to keep.", "50", True)},
    ),
    "typed on one line": (
        """
        Args:
            path (str): Where it is.
        """,
        {"path": DocEntry("str", "Where it is.")},
    ),
    "untyped with continuation": (
        """
        Args:
            tp: Tensor parallelism.
                default 1.
            dp: Data parallelism.
        """,
        {"tp": DocEntry(None, "Tensor parallelism. default 1."), "dp": DocEntry(None, "Data parallelism.")},
    ),
    "headings between entries end the entry above": (
        """
        Args:
            > Parameters that control the length of the output

            max_length (`int`, *optional*):
                Longest.

            > Parameters that control the cache

            use_cache (`bool`):
                Whether: to cache.
        """,
        {
            "max_length": DocEntry("`int`", "Longest.", None, True),
            "use_cache": DocEntry("`bool`", "Whether: to cache."),
        },
    ),
    "bullets and paragraphs inside an entry": (
        """
        Args:
            kind (`str`):
                Possible values are:

                - `"a"`: the first
                - `"b"`: the second

                Anything else fails.
            other (`int`): Next.
        """,
        {
            "kind": DocEntry(
                "`str`",
                'Possible values are:\n\n- `"a"`: the first\n- `"b"`: the second\n\nAnything else fails.',
            ),
            "other": DocEntry("`int`", "Next."),
        },
    ),
    "bracketed head over two lines": (
        """
        Args:
            weights (`Union[str,
                int]`, *optional*, defaults to `(1, 2)`): Text.
        """,
        {"weights": DocEntry("`Union[str, int]`", "Text.", "(1, 2)", True)},
    ),
    "no space before the bracket, colon before it, brackets too many": (
        """
        Args:
            early_exit(`int`, *optional*): A.
            use_mtp: (`bool`):
                B.
            bias (`dict[tuple[int], float]`, *optional*)):
                C.
        """,
        {
            "early_exit": DocEntry("`int`", "A.", None, True),
            "use_mtp": DocEntry("`bool`", "B."),
            "bias": DocEntry("`dict[tuple[int], float]`", "C.", None, True),
        },
    ),
    "an odd backtick": (
        """
        Args:
            eos (`int` or list[int]`, *optional*, defaults to `model.config.eos`): E.
        """,
        {"eos": DocEntry("`int` or list[int]`", "E.", "model.config.eos", True)},
    ),
    "starred and shared names": (
        """
        Args:
            x, y (int): Coordinates.
            **kwargs: More.
        """,
        {
            "x": DocEntry("int", "Coordinates."),
            "y": DocEntry("int", "Coordinates."),
            "kwargs": DocEntry(None, "More."),
        },
    ),
    "entries not indented": (
        """
        Args:
        a: First.
        b: Second.

        Returns:
        c: Not a parameter.
        """,
        {"a": DocEntry(None, "First."), "b": DocEntry(None, "Second.")},
    ),
    "an entry one column off": (
        """
        Args:
            a: First.
             b: Second.
        """,
        {"a": DocEntry(None, "First."), "b": DocEntry(None, "Second.")},
    ),
    "a line broken by an escape": (
        """
        Args:
            a: the suffix (e.g. `<think>
`) is left out
              of the node.
            b: Next.
        """,
        {
            "a": DocEntry(None, "the suffix (e.g. `<think> `) is left out of the node."),
            "b": DocEntry(None, "Next."),
        },
    ),
    "prose that looks like an entry": (
        """
        Args:
            url: The address, as in
                http://host:80
            Note: this is about all of them.
        """,
        {"url": DocEntry(None, "The address, as in http://host:80 Note: this is about all of them.")},
    ),
    "other sections hold no parameters": (
        """
        Returns:
            x (int): Not one.

        Attributes:
            y (int): One.
        """,
        {"y": DocEntry("int", "One.")},
    ),
    "optional without a comma": (
        """
        Args:
            a (`int` *optional*): A.
            b (`bool` defaults to `True`): B.
        """,
        {"a": DocEntry("`int`", "A.", None, True), "b": DocEntry("`bool`", "B.", "True", True)},
    ),
}


@pytest.mark.parametrize("text, expected", GOOGLE.values(), ids=GOOGLE.keys())
def test_google_style(text: str, expected: dict[str, DocEntry]) -> None:
    assert dict(parse_docstring(text).params) == expected


OTHERS = {
    "numpy": (
        """
        Do it.

        Parameters
        ----------
        parser : ArgumentParser
        fields : list of str, optional
            Names to take.
            All, if None.
        a, b : int

        Returns
        -------
        out : int
            Not one.
        """,
        {
            "parser": DocEntry("ArgumentParser", ""),
            "fields": DocEntry("list of str", "Names to take. All, if None.", None, True),
            "a": DocEntry("int", ""),
            "b": DocEntry("int", ""),
        },
    ),
    "sphinx": (
        """
        Do it.

        :param int x: The x,
            on two lines.
        :param y: The y.
        :type y: str, optional
        :returns: nothing

        More text.
        """,
        {"x": DocEntry("int", "The x, on two lines."), "y": DocEntry("str", "The y.", None, True)},
    ),
    "mixed": (
        """
        Args:
            a: From Google.

        :param b: From Sphinx.
        """,
        {"a": DocEntry(None, "From Google."), "b": DocEntry(None, "From Sphinx.")},
    ),
}


@pytest.mark.parametrize("text, expected", OTHERS.values(), ids=OTHERS.keys())
def test_other_styles(text: str, expected: dict[str, DocEntry]) -> None:
    assert dict(parse_docstring(text).params) == expected


def test_the_summary_is_the_first_paragraph_on_one_line() -> None:
    assert parse_docstring("One thing,\n    well done.\n\n    More.").summary == "One thing, well done."


def test_a_constructor_documents_what_its_class_leaves_out() -> None:
    tree = ast.parse(
        textwrap.dedent('''
        class C:
            """Summary.

            Args:
                a (`int`): From the class.
            """

            def __init__(self, a, b):
                """
                Args:
                    a (`str`): From the constructor.
                    b (`str`): Only here.
                """
        ''')
    )
    assert isinstance(tree.body[0], ast.ClassDef)
    params = class_docs(tree.body[0]).params
    assert params["a"] == DocEntry("`int`", "From the class.")
    assert params["b"].text == "Only here."


def test_a_docstring_below_the_first_fields_is_still_the_classes() -> None:
    tree = ast.parse(
        'class C:\n    a: int\n    """Config.\n\n    Args:\n        a (`int`): The a.\n    """\n'
    )
    assert isinstance(tree.body[0], ast.ClassDef)
    assert class_docs(tree.body[0]).params["a"].text == "The a."


def test_a_nearer_docstring_wins_and_a_farther_one_fills_in() -> None:
    near = Docs("", {"a": DocEntry(None, "near"), "b": DocEntry("int", "")})
    far = Docs("far", {"a": DocEntry("str", "far", "1", True), "b": DocEntry("str", "far b")})
    merged = merge_docs([near, far])
    assert merged.summary == "far"
    assert merged.params["a"] == DocEntry("str", "near", "1", True)
    assert merged.params["b"] == DocEntry("int", "far b")


LINES = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            [
                "Args:",
                "    a (`int`, *optional*):",
                "  b: x",
                "Parameters",
                "-----",
                ":param c: y",
                "(",
                "`",
                "\tq",
            ]
        ),
    ),
    max_size=12,
)


@given(LINES)
def test_any_text_parses(lines: list[str]) -> None:
    for name, entry in parse_docstring("\n".join(lines)).params.items():
        assert name.isidentifier()
        assert entry.text == " ".join(entry.text.split())
