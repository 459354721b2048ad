"""What the sources ask of the machine on the way to a line."""

from __future__ import annotations

import textwrap

import pytest

from atlas.invariants.guards import guards
from atlas.schema.static.modules import SourceIndex

HEAD = """
import torch
from toy.platform import current_platform, is_cuda, LIMIT, _is_hip

NAMES = ["a", "b"]
"""
PLATFORM = """
def is_cuda():
    return False

def _detect():
    return False

class Platform:
    def has(self, name): ...

current_platform = Platform()
_is_hip = _detect()
LIMIT = 3
"""
CASES = {
    "nothing": ("if self.size > 3:\n    X", ()),
    "a function without arguments": ("if self.size and is_cuda():\n    X", ("is_cuda()",)),
    "a member of an object made at import": (
        "if not current_platform.has('x'):\n    X",
        ("current_platform.has('x')",),
    ),
    "a name that is computed at import": ("if self.size > 3 and _is_hip:\n    X", ("_is_hip",)),
    "what is outside of the engine": ("if torch.cuda.is_available():\n    X", ("torch.cuda.is_available()",)),
    "a constant": ("if self.size > LIMIT and self.name not in NAMES:\n    X", ()),
    "a local value of such a call": ("major = is_cuda()\nif major and self.size:\n    X", ("is_cuda()",)),
    "a call about a parameter": ("if len(self.names) > LIMIT or isinstance(size, int):\n    X", ()),
    "an earlier exit": ("if is_cuda():\n    return\nX", ("is_cuda()",)),
    "an earlier error": ("if is_cuda():\n    raise ValueError\nX", ()),
    "another branch's body": ("if is_cuda():\n    pass\nX", ()),
    "in the else": ("if is_cuda():\n    pass\nelse:\n    X", ("is_cuda()",)),
    "in a loop": (
        "for one in self.names:\n    if one and is_cuda():\n        continue\n    X",
        ("is_cuda()",),
    ),
    "what is always given": ("if self.device == 'cpu':\n    X", ("given: device",)),
    "after the line": ("X\nif is_cuda():\n    return", ()),
    "in a handler": ("try:\n    pass\nexcept ValueError:\n    if is_cuda():\n        X", ("is_cuda()",)),
}


@pytest.mark.parametrize("name", CASES)
def test_tests_about_the_machine_are_told(name):
    body, expected = CASES[name]
    function = "def check(self, size):\n" + textwrap.indent(
        body.replace("X", "raise ValueError(self.size)"), "    "
    )
    text = HEAD + "class Config:\n" + textwrap.indent(function, "    ")
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "raise ValueError(self.size)" in one)
    files = {"toy/__init__.py": "", "toy/args.py": text, "toy/platform.py": PLATFORM}
    index = SourceIndex({path: its.encode for path, its in files.items()})
    assert guards(index, {"device"})(f"toy/args.py:{line}") == expected


def test_a_line_that_is_in_no_function_asks_for_nothing():
    index = SourceIndex({"toy.py": "x = 1\n".encode})
    asked = guards(index)
    assert asked("toy.py:1") == asked("other.py:9") == asked("toy.py:x") == ()
