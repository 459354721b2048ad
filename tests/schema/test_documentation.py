"""docs/schema.md lists every code and every key that a schema may hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atlas.validation import schema

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "schema.md").read_text(encoding="utf-8")
CODE = re.compile(r"""(?:Limitation\(|miss\(|_limit\(|"code":)\s*"([a-z_]+)\"""")


def codes() -> list[str]:
    folders = ("schema", "probe", "environment")
    files = [file for folder in folders for file in (PROJECT / "scripts" / "atlas" / folder).rglob("*.py")]
    found = {code for file in files for code in CODE.findall(file.read_text(encoding="utf-8"))}
    return sorted(found - {"code"})


@pytest.mark.parametrize("code", codes())
def test_a_code_is_documented(code: str) -> None:
    assert f"`{code}`" in PAGE


def test_codes_are_found_at_all() -> None:
    assert {"root_not_found", "type_unresolved", "source_not_parsed", "stub"} <= set(codes())


PLAIN = {"path", "name", "root", "owner", "description", "aliases", "env", "applies_to"}
"""Keys that say themselves what they are."""


@pytest.mark.parametrize(
    "key", sorted(set(schema("schema.discovered")["$defs"]["parameter"]["properties"]) - PLAIN)
)
def test_a_key_of_a_parameter_is_documented(key: str) -> None:
    assert f"`{key}`" in PAGE or f"`{key}:" in PAGE
