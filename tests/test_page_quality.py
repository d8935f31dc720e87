"""What the Quality and Status tabs show: the last evaluation, the collection, and who could write answers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import open_tab, served, watched
from evaluated import QUESTIONS, write_jsonl
from papers import Home

from assistant import Assistant, Settings
from assistant.backends.messages import Status
from assistant.backends.table import statuses
from assistant.embedding.embedder import Embedder
from assistant.evaluation import evaluate
from assistant.evaluation.evaluation import Evaluation
from assistant.evaluation.questions import load
from assistant.evaluation.report import write_report
from assistant.index.collection import Collection
from assistant.ui.page.shown.quality import LastReport, report_html
from assistant.ui.page.shown.status import backends_html, card_of, collection_html, embedder_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def assistant(six: Home, embedder: Embedder) -> Iterator[Assistant]:
    with Assistant(Collection(six.settings), embedder, six.settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def evaluation(assistant: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Real answers to the questions written by hand."""
    questions = write_jsonl(tmp_path_factory.mktemp("questions") / "mine.jsonl", QUESTIONS)
    return evaluate(assistant, load(questions), questions="mine.jsonl")


# -- quality


def test_without_an_evaluation_it_says_the_command(tmp_path: Path) -> None:
    shown = LastReport(tmp_path / "evaluation").html(papers=6)

    assert "No evaluation yet" in shown
    assert "<code>assistant eval</code>" in shown


def test_the_last_evaluation_is_shown_with_verdict_table_bars_and_plots(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    write_report(evaluation, tmp_path)

    shown = LastReport(tmp_path).html(papers=6)

    assert "<h2>Evaluation on mine.jsonl</h2>" in shown
    assert re.search(r'<p class="verdict">On the half .+\.</p>', shown)
    for part in ("By kind of question", "Risk and coverage", "Reliability", "Latency", 'class="whisker"', "off-topic"):
        assert part in shown
    assert "class=\"note warn\"" not in shown
    assert "what is Quillon?" not in shown  # questions stay in the report
    assert str(tmp_path) not in shown


def test_a_new_evaluation_takes_the_place_of_the_old(evaluation: Evaluation, tmp_path: Path) -> None:
    last = LastReport(tmp_path)
    write_report(evaluation, tmp_path)
    before = last.html(papers=6)
    write_report(replace(evaluation, questions="other.jsonl"), tmp_path)
    os.utime(tmp_path / "report.json", ns=(1, 1))

    assert "mine.jsonl" in before
    assert "Evaluation on other.jsonl" in last.html(papers=6)


def test_an_evaluation_of_another_collection_says_so(evaluation: Evaluation) -> None:
    assert "Measured over 6 papers; the collection that is open has 1,234." in report_html(evaluation, papers=1234)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": 99}', b"\xff", b"[" * 100_000])
def test_a_damaged_report_is_told_and_not_traced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "report.json").write_bytes(content)

    shown = LastReport(tmp_path).html(papers=6)

    assert "The last evaluation cannot be shown" in shown
    assert str(tmp_path) not in shown


def test_what_a_report_says_is_text(evaluation: Evaluation, tmp_path: Path) -> None:
    about = {**evaluation.about, HOSTILE: HOSTILE}
    write_report(replace(evaluation, questions=HOSTILE, about=about, finished=HOSTILE), tmp_path)

    shown = LastReport(tmp_path).html(papers=6)

    assert "<img" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown


# -- status


def test_the_card_says_what_is_in_the_index_and_how_it_was_made(six: Home, embedder: Embedder) -> None:
    with six.open() as collection:
        card = card_of(collection)

    shown = collection_html(card) + embedder_html(card)
    assert (card.papers, card.untitled, card.files, card.generation) == (6, 0, ("six.txt",), six.generation())
    assert (card.dimensions, card.embedder) == (384, f"{embedder.name} {embedder.precision}")
    assert card.size == sum(path.stat().st_size for path in six.index.rglob("*") if path.is_file())
    for said in ("<dd>6</dd>", "<li>six.txt</li>", "384 dimensions", card.embedder):
        assert said in shown
    assert str(six.index.parent) not in shown


def test_a_file_of_a_hostile_name_and_a_thousand_files_are_shown_well(six: Home) -> None:
    with six.open() as collection:
        card = replace(card_of(collection), files=(HOSTILE, *map(str, range(1000))), papers=12345, untitled=2)

    shown = collection_html(card)

    assert "<img" not in shown and "&lt;img" in shown
    assert "12,345, 2 without a title" in shown
    assert shown.count("<li>") == 101 and "… and 901 more" in shown


def test_each_backend_is_ready_or_says_what_is_missing_and_no_key() -> None:
    settings = Settings(backend="openai", api_key="sk-hunter2", base_url="http://127.0.0.1:9/v1", _env_file=None)

    shown = backends_html(statuses(settings), in_use=settings.backend)

    for name in ("extractive", "openai", "ollama", "llamacpp", "cascade"):
        assert f'<th scope="row">{name}' in shown
    assert "openai <small>in use</small>" in shown
    assert "hunter2" not in shown
    assert '<span class="ready">ready</span></td><td>quotes the papers; needs no model' in shown
    assert "<img" not in backends_html([Status("x", False, HOSTILE)], in_use="x")


# -- in a browser


def test_both_tabs_fill_when_looked_at_and_can_be_asked_again(
    browser: Browser, six: Home, embedder: Embedder, evaluation: Evaluation
) -> None:
    with served(six.settings, embedder) as address, watched(browser, address) as context:
        view = context.new_page()
        view.goto(address)
        open_tab(view, "Quality")
        view.get_by_text("No evaluation yet").wait_for()
        write_report(evaluation, six.settings.home / "evaluation")
        open_tab(view, "Status")
        view.locator("#status-report dd").first.wait_for()
        before = view.locator("#status-report .note").inner_text()  # it says the time to the second
        view.wait_for_function(
            "before => { document.querySelector('#status-refresh').click();"
            " return document.querySelector('#status-report .note').innerText !== before; }", arg=before, polling=200,
        )
        open_tab(view, "Quality")
        view.get_by_text("Evaluation on mine.jsonl").wait_for()
        assert view.locator("#quality-report svg.plot").count() == 3
