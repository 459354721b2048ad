"""A rule's code is all it imports, and counts by what it means."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.provenance import codeprint
from atlas.provenance.codeprint import code


def write(base, **files):
    """Modules by dotted name, with __ for a dot."""
    for name, text in files.items():
        path = base / "scripts" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for folder in path.relative_to(base / "scripts").parents[:-1]:
            (base / "scripts" / folder / "__init__.py").touch()


def paths(base, entry="p.main", **options):
    return [entry.partition("@")[0] for entry in code(entry, base=base, **options)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import p.a", "a"),
        ("import p.a as x, json", "a"),
        ("from p import a", "a"),
        ("from p.a import thing", "a"),
        ("from . import a", "a"),
        ("from .a import thing", "a"),
        ("from .sub import b", "sub/__init__ sub/b"),
        ("from .sub.b import thing", "sub/__init__ sub/b"),
        ("def late():\n    from p import a", "a"),
        ("if True:\n    try:\n        import p.a\n    except ImportError: pass", "a"),
        ("import importlib\nimportlib.import_module('p.a')", "a"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p import a", ""),
        (
            "import typing\nif typing.TYPE_CHECKING:\n    from p import a\nelse:\n    from p.sub import b",
            "sub/__init__ sub/b",
        ),
        ("import json, os.path, yaml", ""),
        ("from p import missing", ""),
        ("from p import c", "a c sub/__init__ sub/b"),
    ],
)
def test_imports_are_followed(tmp_path, text, found):
    write(
        tmp_path, p__main=text, p__a="thing = 1", p__sub__b="from ..a import thing", p__c="from .sub import b"
    )
    expected = {f"p/{name}.py" for name in ["__init__", "main", *found.split()]}
    if "sub/b" in found:
        expected.add("p/a.py")
    assert set(paths(tmp_path)) == expected


def test_modules_that_import_each_other_are_followed_once(tmp_path):
    write(tmp_path, p__main="from p import a", p__a="from p import main")
    assert paths(tmp_path) == ["p/__init__.py", "p/a.py", "p/main.py"]


def test_a_package_may_be_the_entry(tmp_path):
    write(tmp_path, p__sub__b="x = 1")
    (tmp_path / "scripts/p/sub/__init__.py").write_text("from .b import x")
    assert paths(tmp_path, "p.sub") == ["p/__init__.py", "p/sub/__init__.py", "p/sub/b.py"]


def test_data_files_count_by_their_bytes_and_globs_by_what_they_match(tmp_path):
    write(tmp_path, p__main="")
    for name in ("config/a.json", "config/b.json", "scripts/p/page.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    found = code("p.main", ["config/*.json", "scripts/p/page.html"], base=tmp_path)
    assert [entry.partition("@")[0] for entry in found] == [
        "config/a.json",
        "config/b.json",
        "p/__init__.py",
        "p/main.py",
        "p/page.html",
    ]
    (tmp_path / "config/a.json").write_text("1 ")
    assert len(set(found) - set(code("p.main", ["config/*.json"], base=tmp_path))) == 2


@pytest.mark.parametrize("arguments", [("p.other",), ("p.main", ["config/none.json"])])
def test_a_name_that_does_not_exist_is_an_error(tmp_path, arguments):
    write(tmp_path, p__main="")
    with pytest.raises(InputError):
        code(*arguments, base=tmp_path)


BASE = '''
"""Module."""
import os


def f(x, *, y=1):
    """Function."""
    del x, y
    return {"a": [1, 2.0, 3j, b"x", None, ...], 'b': f"{x!r:>{y}} {y=}"}


class C:
    a: int = 1
'''
SAME = {
    "comment": BASE + "# comment\n",
    "blank lines": BASE.replace("\n", "\n\n"),
    "docstrings": BASE.replace('"""Module."""', "").replace('"""Function."""', '"""Other."""'),
    "attribute docstring": BASE + '    """What a is."""\n',
    "quotes": BASE.replace("'", '"'),
    "parentheses": BASE.replace("return {", "return ({").replace('{y=}"}', '{y=}"})'),
    "trailing comma": BASE.replace('{y=}"}', '{y=}",\n    }'),
    "del in parentheses": BASE.replace("del x, y", "del (x, y)"),
    "pass": BASE + "    pass\n",
    "string prefix": BASE.replace('{"a"', '{u"a"'),
}
OTHER = {
    "constant": BASE.replace("y=1", "y=2"),
    "type of a constant": BASE.replace("y=1", "y=1.0"),
    "bool for int": BASE.replace("y=1", "y=True"),
    "name": BASE.replace("class C", "class D"),
    "annotation": BASE.replace("a: int", "a: float"),
    "order": BASE.replace("[1, 2.0", "[2.0, 1"),
    "async": BASE.replace("def f", "async def f"),
    "ellipsis for its name": BASE.replace("...]", '"Ellipsis"]'),
    "None for its name": BASE.replace("None,", '"None",'),
    "string": BASE.replace('"a"', '"b"'),
    "bytes": BASE.replace('b"x"', '"x"'),
    "f-string": BASE.replace("!r", "!s"),
    "keyword": BASE.replace("*, y", "y"),
}


def digest(tmp_path, text):
    path = tmp_path / "x.py"
    path.write_text(text)
    codeprint._parsed.clear()
    return codeprint.parse(path).digest


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_has_the_same_digest(tmp_path, name):
    assert SAME[name] != BASE
    assert digest(tmp_path, SAME[name]) == digest(tmp_path, BASE)


@pytest.mark.parametrize("name", OTHER)
def test_what_means_something_else_has_another_digest(tmp_path, name):
    assert OTHER[name] != BASE
    assert digest(tmp_path, OTHER[name]) != digest(tmp_path, BASE)


def test_the_formatter_changes_no_digest(tmp_path):
    ruff = shutil.which("ruff", path=Path(sys.executable).parent) or shutil.which("ruff")
    if not ruff:
        pytest.skip("ruff is not installed")
    ugly = "x = {  'a':1,'b' :(2)}\ndef f( a,b = 2 ):\n  '''d'''\n  return ( a  if a else\n   b )\n"
    ugly += "class A(): pass\n"
    ugly += "assert (x , 'implicit' 'concatenation'); y = 0XFF + 1E5\n"
    before = digest(tmp_path, ugly)
    subprocess.run([ruff, "format", "-q", "--isolated", "x.py"], cwd=tmp_path, check=True)
    assert (tmp_path / "x.py").read_text() != ugly
    codeprint._parsed.clear()
    assert codeprint.parse(tmp_path / "x.py").digest == before


@given(st.text())
def test_strings_count_exactly(text):
    import ast

    trees = [
        ast.Module([ast.Assign([ast.Name("x")], ast.Constant(value))], []) for value in (text, text + "\0")
    ]
    assert codeprint.canonical(trees[0]) != codeprint.canonical(trees[1])
    assert codeprint.canonical(trees[0]) == codeprint.canonical(trees[0])


def test_a_file_that_does_not_parse_counts_by_its_bytes(tmp_path):
    assert digest(tmp_path, "def f(:") != digest(tmp_path, "def f(:  ")


def test_an_edit_is_seen_in_the_same_process(tmp_path):
    write(tmp_path, p__main="x = 1")
    before = code("p.main", base=tmp_path)
    write(tmp_path, p__main="x = 222")
    assert code("p.main", base=tmp_path) != before


def interpreter(version):
    """An installed Python of this version: on PATH, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip() == version:
            return str(candidate)
    return None


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_digests_are_the_same_on_every_python(tmp_path, version):
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} is installed")
    texts = {
        "base": BASE,
        "formats": "f'{x:{n}}' f'{x:{n}.{m}}' f'{x:}' f'{{}}' f'a{x}b' 'c'\nf'{x!r:^{w}}' f'{x = }'\n",
        "strings": "'\\ud800', '\\x00', '\u00e9\U0001f600\U0001fae8\u0378', b'\\xff', r'\\d'\n",
        "numbers": "0xFF, 1_000, 1e400, -0.0, 1j, 10**400, True, None, ...\n",
        "classes": "@d(1)\nclass C(B, metaclass=M):\n    async def f(s, /, *b, c=1, **d) -> int: await x\n",
        "flow": "try:\n    pass\nexcept (A, B) as e:\n    raise\nelse:\n    x\nfinally:\n    y\n",
        "contexts": "with a as b, c: z\nwith (a): z\nasync def f():\n    async with a: z\n",
        "comprehensions": "[x async for x in y if z], {k: v for k, v in q}, lambda *a, b=1: (yield)\n",
        "slices": "x[1:2, ::3, ...], x[a, b], (y := 1), *z\nglobal g\ndel (a, b), c\n",
    }
    (tmp_path / "scripts" / "p").mkdir(parents=True)
    for name, text in texts.items():
        (tmp_path / "scripts/p" / f"{name}.py").write_text(text)
    (tmp_path / "scripts/p/main.py").write_text("".join(f"from . import {name}\n" for name in texts))
    program = (
        "import json, pathlib, sys; from atlas.provenance.codeprint import code;"
        "print(json.dumps(code('p.main', base=pathlib.Path(sys.argv[1]))))"
    )
    source = Path(codeprint.__file__).parents[2]
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program, str(tmp_path)],
        env={"PYTHONPATH": str(source), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == code("p.main", base=tmp_path)
