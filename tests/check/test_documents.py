"""Users' files: what is in them and where it stands, and that nothing in them can do harm."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.check.documents import MAX_BYTES, read_bytes, read_file
from atlas.check.json_text import JsonError, read_json
from atlas.errors import InputError

keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | keys,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 1, "\t"]))
@settings(max_examples=150, deadline=None)
def test_json_is_read_as_json_reads_it(value, indent):
    text = json.dumps(value, indent=indent)
    read, marks = read_json(text, 100, 100_000)
    assert read == value or value != value
    for path, position in marks.items():
        part = value
        for step in path[:-1]:
            part = part[step]
        if path and isinstance(part, dict):
            assert json.JSONDecoder().raw_decode(text, position)[0] == path[-1]


@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \\u\n', max_size=40))
@settings(max_examples=300, deadline=None)
def test_what_is_no_json_is_refused_as_json_refuses_it(text):
    try:
        expected = json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError, RecursionError):
        expected = JsonError
    try:
        read = read_json(text, 100, 1000)[0]
    except JsonError:
        read = JsonError
    if read is JsonError and expected is not JsonError:  # it is stricter: keys given twice, 1e999
        assert text.count('"') >= 4 or "e" in text.lower()
    else:
        assert read is JsonError or read == expected


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused_in_one_line(content):
    for form in ("yaml", "json", "toml", None):
        try:
            read_bytes(content, "x", form)
        except InputError as error:
            assert error.where
            assert "\n" not in error.what


def test_every_key_knows_its_line_and_column():
    (document,) = read_bytes(b"a: 1\nb:\n  c:\n  - d: 2\n    e: 3\n", "x.yaml")
    assert document.value == {"a": 1, "b": {"c": [{"d": 2, "e": 3}]}}
    assert str(document.place(("b", "c", 0, "e"))) == "x.yaml:5:5"
    assert str(document.place(("b", "c", 0, "gone"))) == "x.yaml:4:5"
    (document,) = read_bytes(b'{\n "a": 1,\n "b": {"c": [1, 22]}}', "x.json")
    assert str(document.place(("b", "c", 1))) == "x.json:3:17"
    (document,) = read_bytes(b"\n max_num_seqs = 3\n[other]\nx = 1\n", "x", "toml")
    assert str(document.place(("max_num_seqs",))) == "x:2:2"


def test_documents_dates_merges_and_keys_are_as_json_has_them():
    first, second = read_bytes(b"a: 2020-01-01\n1: x\n---\nb: &b {c: 1, d: 2}\ne: {<<: *b, d: 3}\n", "x")
    assert first.value == {"a": "2020-01-01", "1": "x"}
    assert second.value["e"] == {"c": 1, "d": 3}


NESTED = b"[" * 100_000
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 10))
    for name in range(ord("b"), ord("j"))
)
MERGES = b"a: &a {x: 1}\n" + b"".join(
    b"%c: &%c {<<: [%s], y%d: 1}\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 10), name)
    for name in range(ord("b"), ord("z"))
)


@pytest.mark.parametrize(("content", "form", "says"), [
    (NESTED, "yaml", "nested more than 100 deep"),
    (NESTED, "json", "nested more than 100 deep"),
    (b"a = " + NESTED, "toml", "nested too deeply|not valid TOML"),
    (b'{"a":' * 100_000, "json", "nested more than 100 deep"),
    (b"- " * 100_000, "yaml", "nested more than 100 deep"),
    (b"&a [*a]", "yaml", "nested more than 100 deep"),
    (BOMB, "yaml", "aliases count each time"),
    (MERGES, "yaml", "more than 200000 values|nested"),
    (b"a: 1\na: 2\n", "yaml", "`a` stands twice"),
    (b'{"a": 1, "a": 2}', "json", "`a` stands twice"),
    (b"a = 1\na = 2\n", "toml", "not valid TOML"),
    (b"? [1, 2]\n: 3\n", "yaml", "a key must be text"),
    (b"? {a: 1}\n: 3\n", "yaml", "a key must be text"),
    (b"a: !!python/object/apply:os.system [id]\n", "yaml", "is not a JSON value"),
    (b"a: !!set {b}\n", "yaml", "is not a JSON value"),
    (b"a: caf\xe9\n", "yaml", "is not UTF-8"),
    (b"\x00", "yaml", "not valid YAML"),
    (b"a: " + b"9" * 5000, "yaml", "cannot be read"),
    (b'{"a": ' + b"9" * 5000 + b"}", "json", "too many digits"),
    (b"a: .inf\n", "yaml", "not a finite number"),
    (b'{"a": NaN}', "json", "cannot be read"),
    (b'{"a": 1e999}', "json", "too large"),
    (b"a: [1\n", "yaml", "not valid YAML"),
    (b'{"a": 1', "json", "`,` is missing"),
    (b"x" * (MAX_BYTES + 1), None, "larger than 4 MB"),
])  # fmt: skip
def test_what_is_hostile_is_refused_in_little_time(content, form, says):
    started = time.process_time()
    with pytest.raises(InputError, match=says) as error:
        read_bytes(content, "x", form)
    assert time.process_time() - started < 5
    assert error.value.exit_code == 4
    assert str(error.value).startswith("x")


def test_of_a_large_file_only_so_much_is_read(tmp_path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(InputError, match="larger than 4 MB"):
        read_file(path)


def test_what_is_no_file_is_told(tmp_path):
    for path, says in (
        (tmp_path, "is a folder"),
        (tmp_path / "none.yaml", "No such file"),
        (tmp_path / "a\0b", "null"),
    ):
        with pytest.raises(InputError, match=says):
            read_file(path)
