"""Every tab in light and dark, and on a phone, as axe-core sees it: nothing serious that hinders anybody."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsing import PHONE, free_port, open_tab

from assistant import Assistant, Settings
from assistant.conversation.history import Conversations
from assistant.evaluation import evaluate
from assistant.evaluation.questions import load
from assistant.evaluation.report import write_report
from assistant.ui.page.build import build
from assistant.ui.page.serving import launched
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("axe_playwright_python", reason="needs the dev extra (axe-playwright-python)")

# Gradio's own, as of 6.31.0: axe's rule -> what the element at fault begins with.
GRADIOS: dict[str, str] = {}
TABS = ("Ask", "Papers", "Add papers", "Quality", "Status")
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", **PHONE},
}
SETTLED = {  # what is there once a tab is ready
    "Ask": "#question textarea", "Papers": "#papers-results .papers-count", "Add papers": "#add-files",
    "Quality": "#quality-report svg.plot", "Status": "#status-report table",
}


@pytest.fixture(scope="module")
def address(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over the seeds, with an evaluation to show."""
    home = tmp_path_factory.mktemp("axe")
    (home / "index").symlink_to(seeds_home / "index")
    settings = Settings(home=home, _env_file=None)
    with Assistant.open(settings) as assistant, Conversations(home) as conversations:
        write_report(evaluate(assistant, load()[::12]), home / "evaluation")
        page = build(Site(assistant, conversations))
        with launched(page, host="127.0.0.1", port=free_port()) as address:
            yield address


def faults(page: Page) -> list[str]:
    """What axe calls serious or critical, but for what is listed as Gradio's."""
    # Run by the browser's debugger, which the page's content security policy does not hold back.
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 15  # it has looked
    return [
        f"{rule['id']}: {node['target']} {node['html'][:200]}"
        for rule in found["violations"] if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if rule["id"] not in GRADIOS or not node["html"].startswith(GRADIOS[rule["id"]])
    ]


@pytest.mark.parametrize("screen", SCREENS)
def test_no_tab_has_a_serious_fault(browser: Browser, address: str, screen: str) -> None:
    page = browser.new_page(**SCREENS[screen])
    page.goto(address)
    found = {}
    for tab in TABS:
        open_tab(page, tab)
        page.locator(SETTLED[tab]).first.wait_for()
        page.wait_for_timeout(500)  # until it has faded in: colours in between have less contrast
        found[tab] = faults(page)
    page.close()

    assert found == {tab: [] for tab in TABS}


@pytest.mark.parametrize("screen", SCREENS)
def test_nor_has_an_answer_with_its_paper_beside_it(browser: Browser, address: str, screen: str) -> None:
    page = browser.new_page(**SCREENS[screen])
    page.goto(address)
    for question, shown in (
        ("what is the best pizza in Rome?", "article.turn .refusal"),
        ("which methods edit GPT-J?", "article.turn table"),
        ("what is Redco?", "article.turn .mark"),
    ):
        page.locator("#question textarea").fill(question)
        page.locator("#question textarea").press("Enter")
        page.locator(shown).first.wait_for()
        page.locator("article.turn footer").last.wait_for()
    page.locator("article.turn .mark").last.click()
    page.locator("#paper aside:not([hidden])").wait_for()
    page.wait_for_timeout(500)
    found = faults(page)
    page.close()

    assert found == []
