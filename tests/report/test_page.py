"""The page as a file: the same bytes, nothing loaded, nothing executed, everything in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from atlas.errors import InputError
from atlas.report.command import build_report, report_project
from atlas.report.embed import embedded
from atlas.report.model import FACTS, LANES, EnginePage, Pin, Proof, Stale
from atlas.report.page import render
from atlas.report.rules import load_rules

from .world import HOSTILE, PINS, UNHEALTHY, parameter, schema, versions, write_artefacts

Artefacts = tuple[list[Path], list[Path]]


class Elements(HTMLParser):
    """All elements, and the text of scripts, styles and the whole page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._open = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data
        else:
            self.text += data


def unpacked(data: dict[str, Any]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Facts and evidence by engine, version, group and path, read as the page's script reads them."""
    found = {}
    for engine in data["engines"]:
        for name, group, path, variants, evidence in engine["parameters"]:
            for cell, number, seen in zip(engine["versions"], variants, evidence, strict=True):
                if number:
                    indexes = engine["variants"][number - 1]
                    facts = {fact: data["pool"][at] for fact, at in zip(FACTS, indexes, strict=False) if at}
                    facts["id"] = data["pool"][name]
                    facts["evidence"] = [
                        (LANES[seen[at]], data["pool"][seen[at + 1]], seen[at + 2])
                        for at in range(0, len(seen), 3)
                    ]
                    key = (engine["name"], cell["version"], engine["groups"][group], data["pool"][path])
                    found[key] = facts
    return found


@pytest.mark.parametrize("document", versions(), ids=lambda document: document["version"])
def test_the_world_is_written_in_the_published_format(document: dict[str, Any]) -> None:
    published = Path(__file__).parents[2] / "config/schemas/schema.discovered.schema.json"
    Draft202012Validator(json.loads(published.read_text(encoding="utf-8"))).validate(document)


def test_the_same_artefacts_give_the_same_bytes_in_whatever_order(
    artefacts: Artefacts, rule_folders: list[Path], page: Path
) -> None:
    schemas, sources = artefacts
    again = page.with_name("again.html")
    build_report(schemas[::-1], sources, again, pins=reversed(PINS), rule_folders=rule_folders)
    assert again.read_bytes() == page.read_bytes()


def test_no_path_and_no_host_is_in_the_page(page: Path, artefacts: Artefacts) -> None:
    text = page.read_text(encoding="utf-8")
    assert str(artefacts[0][0].parents[2]) not in text
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)


def test_the_page_loads_nothing(page: Path) -> None:
    elements = Elements(page)
    loading = [
        (tag, name, value)
        for tag, attributes in elements.found
        for name, value in attributes.items()
        if name in ("src", "srcset", "action", "poster", "data") or (tag == "link" and name == "href")
    ]
    assert [value[:5] for _, _, value in loading if value] == ["data:"]
    assert "url(" not in elements.inside["style"][0] and "@import" not in elements.inside["style"][0]


def test_the_policy_allows_only_the_style_and_script_inside(page: Path) -> None:
    elements = Elements(page)
    [policy] = [
        attributes["content"] or ""
        for tag, attributes in elements.found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind, text in (("style", elements.inside["style"][0]), ("script", elements.inside["script"][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


def test_hostile_text_stays_text(page: Path) -> None:
    elements = Elements(page)
    kinds = [attributes.get("type") for tag, attributes in elements.found if tag == "script"]
    assert kinds == ["application/json", "module"]
    assert "<" not in elements.inside["script"][0]
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert HOSTILE in json.loads(elements.inside["script"][0])["pool"]
    assert "only a <stub>" in elements.text and "<script>window.pwned" in elements.text


def test_every_parameter_of_every_version_is_in_the_page(page: Path, pages: tuple[EnginePage, ...]) -> None:
    found = unpacked(json.loads(Elements(page).inside["script"][0]))
    expected = {
        (cell.engine, cell.version, one.group, one.path): {
            **one.facts,
            "id": one.id,
            "evidence": [(seen.lane, seen.file, seen.line) for seen in one.evidence],
        }
        for engine in pages
        for cell in engine.cells
        for one in cell.parameters
    }
    assert found == expected
    assert len(found) == sum(len(document[group]) for document in versions() for group in document["roots"])


def test_a_path_that_two_groups_have_is_named_with_its_group(pages: tuple[EnginePage, ...]) -> None:
    [toy] = [engine for engine in pages if engine.pin.engine == "toy"]
    names = {one.id for one in toy.cells[-1].parameters}
    assert {"engine_params:seed", "sampling_params:seed", "width"} <= names


def test_the_matrix_tells_what_is_known_without_a_script(page: Path) -> None:
    text = " ".join(Elements(page).text.split())
    assert "2.0 current" in text
    assert "source unavailable sdist: only a <stub>" in text
    assert "+1 −0 ~4 added, removed and changed since 1.5" in text
    assert "needs JavaScript" in text
    assert "Nothing was stale when this was built; make stale tells the present state." in text


def test_the_matrix_counts_rules_and_what_they_tell(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert 'href="#toy/2.0?view=rules"' in text
    assert "1 for rejections, 0 for warnings, 1 for changed values, 1 that require more" in text
    assert "of a fresh sample of 600 configurations; 0 rejected that the engine accepts" in text
    assert ">97.5 %<" in text
    assert 'href="#toy/1.0?view=rules"' not in text


def test_a_share_is_never_rounded_up_to_all() -> None:
    proof = Proof(1, 0, 0, 0, 0, 0, 0, 0, 0.9999)
    assert proof.told == "99.9 %"
    assert replace(proof, recall=1.0).told == "100 %"
    assert replace(proof, recall=None).told == "–"


def test_a_corpus_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "invariants.yaml").write_text("rules: [")
    (tmp_path / "invariants.coverage.json").write_text("{}")
    with pytest.raises(InputError) as failure:
        load_rules([tmp_path])
    assert failure.value.where == str(tmp_path / "invariants.yaml")


def test_a_version_with_static_facts_only_says_why(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count(f'title="{UNHEALTHY}">why<') == 1
    assert json.dumps(UNHEALTHY) in text


def test_a_version_without_artefacts_is_shown_as_not_built(tmp_path: Path) -> None:
    pin = Pin("toy", "toy", "9.0", ("9.0",))
    build_report([], [], tmp_path / "index.html", pins=[pin])
    assert "Its schema has not been built yet." in Elements(tmp_path / "index.html").text


ENGINE = """
format_version: 1
engine: toy
library: {name: toy-engine, current_version: "2.0", versions: ["1.0", "1.5"]}
packages: [toy]
sources: [{kind: wheel}]
surfaces: {engine_params: [{class: toy.Args}]}
"""


def test_a_project_gives_the_page_of_what_its_engines_track(tmp_path: Path) -> None:
    (tmp_path / "engine_versions").mkdir()
    (tmp_path / "engine_versions" / "toy.yaml").write_text(ENGINE)
    write_artefacts(tmp_path / "results", versions()[1:])
    report_project(tmp_path, tmp_path / "index.html")
    text = " ".join(Elements(tmp_path / "index.html").text.split())
    assert "2.0 current" in text and "1.0 not built Its schema has not been built yet." in text
    assert "stub" not in text.split("How to read it")[0]


def test_an_engine_that_cannot_be_read_is_not_left_out_in_silence(tmp_path: Path) -> None:
    (tmp_path / "engine_versions").mkdir()
    (tmp_path / "engine_versions" / "toy.yaml").write_text(ENGINE.replace("packages", "package"))
    with pytest.raises(InputError, match="package"):
        report_project(tmp_path, tmp_path / "index.html")


def test_what_is_stale_stands_in_a_table(pages: tuple[EnginePage, ...], tmp_path: Path) -> None:
    stale = [Stale("results/toy/2.0/schema.discovered.json", "code changed: <b>")]
    (tmp_path / "index.html").write_text(render(pages, stale), encoding="utf-8")
    elements = Elements(tmp_path / "index.html")
    assert "results/toy/2.0/schema.discovered.json" in elements.text
    assert "code changed: <b>" in elements.text
    assert "Nothing was stale" not in elements.text


def test_a_broken_artefact_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "schema.discovered.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(str(broken))):
        build_report([broken], [], tmp_path / "index.html", pins=PINS)
    assert not (tmp_path / "index.html").exists()


def test_facts_that_do_not_change_cost_next_to_nothing(tmp_path: Path) -> None:
    def size(count: int) -> int:
        names = [f"1.{minor}" for minor in range(count)]
        documents = [
            schema(
                name, engine_params=[parameter(f"p{i}", description=f"Text {i}. " * 20) for i in range(300)]
            )
            for name in names
        ]
        schemas, _ = write_artefacts(tmp_path, documents)
        build_report(schemas, [], tmp_path / "x", pins=[Pin("toy", "toy", names[0], tuple(names))])
        return (tmp_path / "x").stat().st_size

    one, nine = size(1), size(9)
    assert nine < 1.6 * one


def test_embedding_is_valid_json_without_angle_brackets(pages: tuple[EnginePage, ...]) -> None:
    text = embedded(pages)
    assert "<" not in text
    assert json.loads(text)["facts"] == list(FACTS)
