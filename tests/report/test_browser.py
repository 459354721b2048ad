"""The page in a real browser: searched, filtered, linked into, by keyboard, on a phone, without a script."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas.report.command import build_report
from atlas.report.history import differences
from atlas.report.model import EnginePage, Pin

from . import chromium
from .world import HOSTILE, parameter, schema, write_artefacts

NAMES = "[...document.querySelectorAll('#rows a.name')].map((name) => name.textContent)"
ALL_ROWS = "dispatchEvent(new Event('beforeprint'))"
CHANGES = """
[...document.querySelectorAll('#change-rows tr')].map((row) => [
  row.querySelector('a.name') && decodeURIComponent(row.querySelector('a.name').hash.split('/').at(-1)),
  row.querySelector('.kind').textContent,
])
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Browser]:
    executable = chromium.find()
    if executable is None:
        pytest.skip("no Chromium here: install one, or name it in ATLAS_CHROMIUM")
    with chromium.browser(executable, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(opened: chromium.Browser) -> Iterator[chromium.Browser]:
    """The browser as on a desk; a test that leaves an error or asks the network for anything fails."""
    opened.errors.clear()
    opened.requests.clear()
    opened.resize(1440, 900)
    yield opened
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith(("file:", "about:", "data:"))] == []


def type_text(browser: chromium.Browser, text: str) -> None:
    browser.evaluate("document.getElementById('text').focus()")
    browser.evaluate("document.getElementById('text').value = ''")
    browser.call("Input.insertText", text=text)


def test_a_search_finds_names_and_marks_them(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, "#toy/2.0")
    type_text(browser, "block-size")
    assert browser.evaluate(NAMES) == ["cache.block_size"]
    assert browser.evaluate("document.querySelector('#rows mark').textContent") == "block"
    assert browser.evaluate("document.getElementById('count').textContent") == "1 of 6 parameters"
    browser.wait_for("location.hash === '#toy/2.0?q=block-size'")


def test_filters_narrow_the_list_and_stand_in_the_address(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, "#toy/2.0?only=deprecated")
    assert browser.evaluate(NAMES) == ["mode"]
    browser.evaluate("document.querySelector('#only input[value=disagree]').click()")
    assert browser.evaluate(NAMES) == ["mode"]
    browser.evaluate("document.querySelector('#only input[value=static]').click()")
    assert browser.evaluate(NAMES) == []
    assert "None of the parameters match" in browser.evaluate("document.getElementById('empty').textContent")
    browser.evaluate("document.getElementById('reset').click()")
    assert len(browser.evaluate(NAMES)) == 6


def test_filters_tell_how_much_they_leave_and_are_not_offered_for_nothing(
    browser: chromium.Browser, page: Path
) -> None:
    offered = """[...document.querySelectorAll('#only label')]
      .filter((label) => label.checkVisibility()).map((label) => label.textContent.trim())"""
    browser.open(page, "#toy/1.0")
    assert browser.evaluate(offered) == ["Differs between versions 3"]
    browser.open(page, "#toy/2.0")
    assert "Deprecated 1" in browser.evaluate(offered)


def test_everything_works_by_keyboard(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, "#toy/2.0")
    browser.press("/")
    assert browser.evaluate("document.activeElement.id") == "text"
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    assert browser.evaluate("document.activeElement.textContent") == "mode"
    browser.press("Enter")
    browser.wait_for("document.getElementById('detail').open")
    assert browser.evaluate("location.hash") == "#toy/2.0/mode"
    browser.press("Escape")
    browser.wait_for("!document.getElementById('detail').open")
    assert browser.evaluate("location.hash") == "#toy/2.0"
    assert browser.evaluate("document.activeElement.textContent") == "mode"


def test_a_link_opens_a_parameter_with_its_evidence_and_history(
    browser: chromium.Browser, page: Path
) -> None:
    browser.open(page, "#toy/2.0/mode")
    detail = browser.evaluate("document.getElementById('detail').textContent")
    for said in (
        "Deprecated since 2.0. Going. Use style instead.",
        "The lanes disagree",
        "No other value is accepted.",
        "toy/args.py:7",
        "added",
    ):
        assert said in detail
    link = "document.querySelector('#detail .evidence a').href"
    assert browser.evaluate(link) == "https://example.org/v2.0/toy/args.py#L7"


def test_parameters_of_the_same_name_in_two_groups_have_links_of_their_own(
    browser: chromium.Browser, page: Path
) -> None:
    browser.open(page, "#toy/2.0/sampling_params:seed")
    assert "sampling_params" in browser.evaluate("document.querySelector('.detail-bar').textContent")


def test_a_link_to_a_name_that_is_gone_searches_for_it(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, "#toy/2.0/widt")
    assert browser.evaluate(NAMES) == ["width"]


def test_hostile_text_is_shown_and_not_run(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, "#toy/2.0/cache.block_size")
    shown = browser.evaluate("document.querySelector('#detail .description').textContent")
    assert shown == HOSTILE.replace("`", "")
    assert browser.evaluate("typeof window.pwned") == "undefined"


def test_the_page_finds_the_same_differences_as_the_pipeline(
    browser: chromium.Browser, page: Path, pages: tuple[EnginePage, ...]
) -> None:
    [toy] = [engine for engine in pages if engine.pin.engine == "toy"]
    for old, new in itertools.permutations(toy.cells, 2):
        browser.open(page, f"#toy/{old.version}...{new.version}")
        browser.evaluate(ALL_ROWS)
        found: dict[str, list[str]] = {}
        name = ""
        for link, kind in browser.evaluate(CHANGES):
            name = link or name
            found.setdefault(name, []).append(kind)
        assert found == {change.id: list(change.kinds) for change in differences(old, new)}


def test_thousands_of_parameters_are_rendered_as_one_scrolls(
    browser: chromium.Browser, tmp_path: Path
) -> None:
    many = schema("1.0", engine_params=[parameter(f"parameter_{i:04}") for i in range(3000)])
    schemas, _ = write_artefacts(tmp_path, [many])
    build_report(schemas, [], tmp_path / "index.html", pins=[Pin("toy", "toy", "1.0", ("1.0",))])
    browser.open(tmp_path / "index.html", "#toy")
    assert 20 < len(browser.evaluate(NAMES)) < 300
    type_text(browser, "2999")
    assert browser.evaluate(NAMES) == ["parameter_2999"]
    type_text(browser, "parameter")
    first = len(browser.evaluate(NAMES))
    browser.evaluate("scrollTo(0, document.body.scrollHeight)")
    browser.wait_for(f"{NAMES}.length > {first}")


RULES = "[...document.querySelectorAll('#rule-rows tr[data-id]')].map((row) => row.dataset.id)"


def test_rules_are_searched_and_filtered_and_link_to_their_source(
    browser: chromium.Browser, page: Path
) -> None:
    browser.open(page, "#toy/2.0")
    browser.evaluate("document.getElementById('tab-rules').click()")
    browser.wait_for("location.hash === '#toy/2.0?view=rules'")
    browser.wait_for(f"{RULES}.length === 3")
    assert browser.evaluate("document.getElementById('table').hidden")
    said = browser.evaluate("document.getElementById('cell-facts').textContent")
    assert "4,321 configurations" in said
    assert "97.5 % of the rejections told, 0 false rejections" in said
    type_text(browser, "mode old")
    assert browser.evaluate(RULES) == ["Args.mode.00000002"]
    assert "mode becomes 'new'" in browser.evaluate("document.getElementById('rule-rows').textContent")
    browser.evaluate("document.getElementById('reset').click()")
    browser.evaluate("document.querySelector('#kinds input[value=conditional]').click()")
    assert browser.evaluate(RULES) == ["Cache.size.00000003"]
    browser.wait_for("location.hash === '#toy/2.0?view=rules&kinds=conditional'")
    browser.open(page, "#toy/2.0?view=rules&q=seed")
    link = browser.evaluate("document.querySelector('#rule-rows a').href")
    assert link == "https://example.org/v2.0/toy/args.py#L9"
    assert browser.evaluate("window.pwned") is None
    browser.evaluate("document.getElementById('tab-parameters').click()")
    browser.wait_for(f"{NAMES}.length === 6")
    assert browser.evaluate("document.getElementById('rules').hidden")


def test_a_version_without_rules_says_so(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, "#toy/1.0?view=rules")
    assert "No rule was tried on the engine" in browser.evaluate("document.body.textContent")
    assert browser.evaluate("document.getElementById('rules').hidden")


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "#toy/2.0",
        "#toy/2.0/mode",
        "#toy/1.0...2.0",
        "#all",
        "#stub",
        "#toy/2.0?q=seed",
        "#toy/2.0?view=rules",
    ],
)
def test_a_phone_shows_every_view_without_scrolling_sideways(
    browser: chromium.Browser, page: Path, fragment: str
) -> None:
    browser.resize(390, 844)
    browser.open(page, fragment)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_a_script_the_matrix_and_a_note_are_there(browser: chromium.Browser, page: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        shown = "document.querySelector('{}').checkVisibility()"
        assert browser.evaluate(shown.format(".matrix"))
        assert browser.evaluate(shown.format("noscript .note"))
        assert not browser.evaluate(shown.format("#engines"))
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
