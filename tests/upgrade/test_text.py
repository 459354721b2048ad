"""Edits of texts: what is edited reads as it should, and everything else is there to the letter."""

import json
from typing import ClassVar

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atlas.check.documents import read_bytes
from atlas.errors import InputError
from atlas.upgrade.model import Edit
from atlas.upgrade.text import NotEditable, edit_text
from atlas.upgrade.values import edited
from atlas.upgrade.words import edit_words


def change(text, action, path, to=None, form="yaml", document=0):
    edit = Edit(action, ".".join(map(str, path)), tuple(path), "", to)
    value = read_bytes(text.encode(), "x", form)[document].value
    return edit_text(text, form, document, [(edit.path, edit)], edited(value, [edit]))


CASES = [
    ("a: 1\nb: 2\n", "remove", ["a"], None, "b: 2\n"),
    ("a: 1\nb: 2", "remove", ["b"], None, "a: 1\n"),
    ("a: 1  # one\n# of b\nb: 2\n", "remove", ["a"], None, "# of b\nb: 2\n"),
    ("# of a\na: 1\nb: 2\n", "remove", ["a"], None, "# of a\nb: 2\n"),
    ("a:\n  x: 1\n  # of y\n  y: 2\nb: 3\n", "remove", ["a"], None, "b: 3\n"),
    ("a:\n  x: 1\n\n  # of y\n  y: 2\nb: 3\n", "remove", ["a", "x"], None, "a:\n\n  # of y\n  y: 2\nb: 3\n"),
    ("a: |\n  x\n\n  y\nb: 3\n", "remove", ["a"], None, "b: 3\n"),
    ("a:\n- 1\n- 2\nb: 3\n", "remove", ["a"], None, "b: 3\n"),
    ("a: [1,\n  2]\nb: 3\n", "remove", ["a"], None, "b: 3\n"),
    ("a: 'x\n\n  y'\nb: 3\n", "remove", ["a"], None, "b: 3\n"),
    ("a: 1\n\n# end\n", "set", ["a"], [1, "x"], 'a: [1, "x"]\n\n# end\n'),
    ("a: 'old'  # why\n", "set", ["a"], None, "a: null  # why\n"),
    ("'a-b': 1\n", "rename", ["a-b"], "c-d", "'c-d': 1\n"),
    ("a: 1 # a: 1\nx: {a: 2}\n", "rename", ["a"], "b", "b: 1 # a: 1\nx: {a: 2}\n"),
    ("---\na: 1\n---\na: 2\nb: 1\n", "remove", ["a"], None, "---\na: 1\n---\nb: 1\n"),
    ("\ufeffa: 1\nb: 2\n", "remove", ["b"], None, "\ufeffa: 1\n"),
    ("a: 1\r\nb: 2\r\n", "remove", ["a"], None, "b: 2\r\n"),
    ("x: {a: 1, 'b': [2, 3], c: {d: 4}}  # f\n", "remove", ["x", "b"], None, "x: {a: 1, c: {d: 4}}  # f\n"),
    ("x: {a: 1, b: 2}\n", "remove", ["x", "b"], None, "x: {a: 1}\n"),
    ("x: {\n  a: 1,\n  b: 2,\n}\n", "remove", ["x", "b"], None, "x: {\n  a: 1,\n}\n"),
    ("x: {a: 1, b: 2}\n", "rename", ["x", "a"], "c", "x: {c: 1, b: 2}\n"),
    ('{"a": 1, "b": 2}\n', "set", ["a"], "x: y", '{"a": "x: y", "b": 2}\n'),
    ("a: &n 1\nb: *n\nc: *n\n", "remove", ["b"], None, "a: &n 1\nc: *n\n"),
    (
        "m: &m {a: 1}\nx:\n  <<: *m\n  b: 2\n",
        "rename",
        ["x", "b"],
        "c",
        "m: &m {a: 1}\nx:\n  <<: *m\n  c: 2\n",
    ),
]


@pytest.mark.parametrize(("text", "action", "path", "to", "after"), CASES, ids=range(len(CASES)))
def test_yaml_is_edited_by_its_lines(text, action, path, to, after):
    assert change(text, action, path, to, document=text.count("---\n") // 2) == after


JSON_CASES = [
    ('{"a": 1, "b": 2}', "remove", ["a"], None, '{"b": 2}'),
    ('{"a": 1, "b": 2}', "remove", ["b"], None, '{"a": 1}'),
    ('{ "a": 1 }', "remove", ["a"], None, "{ }"),
    ('{"a": {"x": "},", "y": [1]}, "b": 2}', "remove", ["a", "x"], None, '{"a": {"y": [1]}, "b": 2}'),
    ('{"a": {"x": "},"}, "b": 2}', "remove", ["a"], None, '{"b": 2}'),
    ('{"a" : 1}', "rename", ["a"], 'b"', '{"b\\"" : 1}'),
    ('{"a": [1, 2] , "b": 1}', "set", ["a"], None, '{"a": null , "b": 1}'),
]


@pytest.mark.parametrize(("text", "action", "path", "to", "after"), JSON_CASES, ids=range(len(JSON_CASES)))
def test_json_is_edited_where_it_is(text, action, path, to, after):
    assert change(text, action, path, to, form="json") == after


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: &x 1\nb: *x\n", ["a"]),
        ("x: &x\n  a: 1\n  b: 2\ny: *x\n", ["y", "a"]),
        ("x: &x\n  a: 1\n  b: 2\ny: *x\n", ["x", "a"]),
        ("m: &m {a: 1}\nx:\n  <<: *m\n  b: 2\n", ["x", "a"]),
        ("x: {a: 1,  # one\n  b: 2}\n", ["x", "a"]),
        ("x: {a: 1}\n", ["x", "a"]),
        ("x:\n  a: 1\n", ["x", "a"]),
        ("- a: 1\n  b: 2\n", [0, "a"]),
    ],
)
def test_what_is_not_safe_is_refused(text, path):
    with pytest.raises(NotEditable):
        change(text, "remove", path)


def test_a_value_that_stands_elsewhere_is_not_set():
    with pytest.raises(NotEditable):
        change("a: &n 1\nb: *n\n", "set", ["b"], 2)


def test_a_text_that_would_not_say_what_it_should_is_refused():
    edit = Edit("remove", "a", ("a",), "")
    with pytest.raises(NotEditable, match="should"):
        edit_text("a: 1\nb: 2\n", "yaml", 0, [(("a",), edit)], {"b": 3})


names = st.sampled_from(["a", "b", "max-num-seqs", "c_d", "'q'"])
scalars = st.sampled_from(
    [
        "1",
        "true",
        "x y",
        "'# no comment'",
        "[1, 2]",
        "{k: v}",
        "{k: v, 'l-m': [1, {n: 2}], \"o\": 3}",
        "|\n{pad}  text\n{pad}\n{pad}  more",
        '"two\n{pad}  lines"',
    ]
)
remarks = st.sampled_from(["", "  # why", "  # a: 1"])
between = st.sampled_from(["", "\n", "{pad}# about the next\n", "\n{pad}# apart\n\n"])


@st.composite
def texts(draw, depth=0):
    """A block mapping with comments anywhere."""
    pad = "  " * depth
    out = []
    for name in draw(st.lists(names, min_size=2, max_size=4, unique=True)):
        out.append(draw(between).replace("{pad}", pad))
        if depth < 2 and draw(st.booleans()):
            out.append(f"{pad}{name}:{draw(remarks)}\n{draw(texts(depth + 1))}")
        else:
            value = draw(scalars).replace("{pad}", pad)
            out.append(f"{pad}{name}: {value}{'' if chr(10) in value else draw(remarks)}\n")
    return "".join(out)


def paths(value, path=()):
    for key, inner in value.items():
        yield (*path, key)
        if isinstance(inner, dict):
            yield from paths(inner, (*path, key))


def remarks_of(text):
    bare = text.replace("'# no comment'", "")
    return [line[line.index("#") :] for line in bare.splitlines() if "#" in line]


def edit_any(data, text):
    """Some edit of a text: its path, its kind, and what the text becomes, or None where that is refused."""
    value = read_bytes(text.encode(), "x", "yaml")[0].value
    path = data.draw(st.sampled_from(list(paths(value))))
    action = data.draw(st.sampled_from(["remove", "rename", "set"]))
    to = {"remove": None, "rename": "new-name", "set": 7}[action]
    try:
        return path, action, change(text, action, path, to), edited(value, [Edit(action, "", path, "", to)])
    except NotEditable:
        return path, action, None, None


@settings(max_examples=300, deadline=None)
@given(texts(), st.data())
def test_any_edit_reads_as_it_should_and_leaves_the_rest_alone(text, data):
    _, action, after, wanted = edit_any(data, text)
    assume(after is not None)
    assert yaml.safe_load(after) == wanted
    before, lines = text.splitlines(), after.splitlines()
    if action == "remove" and len(before) > len(lines):
        start = next(
            place for place, line in enumerate(before) if place >= len(lines) or lines[place] != line
        )
        size = len(before) - len(lines)
        assert before[:start] + before[start + size :] == lines
        assert size == 1 or all(line.strip() for line in (before[start], before[start + size - 1]))
    else:
        assert len(before) == len(lines)
        assert sum(one != other for one, other in zip(before, lines, strict=True)) <= 1
        assert remarks_of(text) == remarks_of(after)


@settings(max_examples=200, deadline=None)
@given(texts(), st.data())
def test_line_ends_of_windows_stay_and_make_no_difference(text, data):
    path, action, after, _ = edit_any(data, text)
    assume(after is not None)
    to = {"remove": None, "rename": "new-name", "set": 7}[action]
    assert change(text.replace("\n", "\r\n"), action, path, to) == after.replace("\n", "\r\n")


@settings(max_examples=300, deadline=None)
@given(texts(), st.lists(st.sampled_from(["*one", "*two", "{<<: *two, k: *one}"]), min_size=1), st.data())
def test_an_edit_never_reaches_other_places_by_an_anchor(text, uses, data):
    more = "".join(f"use{number}: {use}  # of {use[1:]}\n" for number, use in enumerate(uses))
    whole = f"anchored: &one 1\nmapped: &two {{p: 1, q: [2]}}\n{text}{more}"
    _, action, after, wanted = edit_any(data, whole)
    assume(after is not None)
    assert yaml.safe_load(after) == wanted
    changed = [
        one for one, other in zip(whole.splitlines(), after.splitlines(), strict=False) if one != other
    ]
    assert action == "remove" or len(changed) == 1


@settings(max_examples=100, deadline=None)
@given(texts(), st.data())
def test_a_name_that_stands_twice_is_refused_before_anything_is_edited(text, data):
    name = data.draw(
        st.sampled_from([line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()])
    )
    with pytest.raises(InputError, match="twice"):
        change(f"{text}{name}: again\n", "set", [name], 7)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=3)),
        lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3),
        max_leaves=6,
    ).filter(lambda value: isinstance(value, dict) and value),
    st.sampled_from([None, 1, 3]),
    st.data(),
)
def test_any_member_of_json_can_be_removed(value, indent, data):
    text = json.dumps(value, indent=indent)
    path = data.draw(st.sampled_from(list(paths(value))))
    assert json.loads(change(text, "remove", path, form="json")) == edited(
        value, [Edit("remove", "", path, "")]
    )


class Names:
    """As far as words are concerned: which flags there are, and which take no value."""

    flags: ClassVar = {
        "--on": ({"type": {"type": "boolean"}}, False),
        "--n": ({"type": {"type": "integer"}}, False),
    }


WORDS = [
    ("--n 1 --on x", "remove", "--n", None, "--on x"),
    ("--n=1 --on", "remove", "--n", None, "--on"),
    ("--n -1 --on", "remove", "--n", None, "--on"),
    ("--on --n 1", "remove", "--on", None, "--n 1"),
    ("--n_x 1 2 --on", "remove", "--n-x", None, "--on"),
    ("--n 1", "rename", "--n", "--m", "--m 1"),
    ("--n=1", "rename", "--n", "--m", "--m=1"),
    ("--n=1 x", "set", "--n", 2, "--n=2 x"),
    ("--n 1 --on", "set", "--n", "a", "--n a --on"),
    ("n --on", "remove", "n", None, "n --on"),
]


@pytest.mark.parametrize(("words", "action", "name", "to", "after"), WORDS, ids=range(len(WORDS)))
def test_words_of_a_command_line_are_edited(words, action, name, to, after):
    edit = Edit(action, name, (name,), "", to)
    assert " ".join(edit_words(words.split(), [edit], Names())) == after
