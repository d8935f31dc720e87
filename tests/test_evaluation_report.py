"""The report in a real browser: what it shows, how it filters, and that foreign text stays text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from evaluated import case

from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.compare import compare
from assistant.evaluation.evaluation import Evaluation
from assistant.evaluation.measures.calibration import Bin
from assistant.evaluation.report import write_comparison, write_report
from assistant.evaluation.report.headline import headline
from assistant.evaluation.report.plots import (
    difference_bar,
    interval_bar,
    latency_plot,
    reliability_plot,
    risk_coverage_plot,
)
from assistant.evaluation.report.questions import highlighted
from assistant.evaluation.result import GoldPaper, Result
from assistant.evaluation.run import plain_answer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = (
    "<script>document.title='owned'</script>", "<img src=x onerror=document.title='owned'>",
    "</style><style>body{display:none}</style>", "</details></div><h1>owned</h1>", "\" onmouseover=\"alert(1)",
    "<svg/onload=alert(1)>", "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>x</a>", "<img src=http://203.0.113.1/x.png>", "| a | table |\n| --- | --- |",
    "a\ud800b", "a\x00b", "&lt;b&gt;",
)


def result(
    number: int, text: str, *, verdict: str = "wrong", right: float = 0.0, half: str = "choose", kind: str = "fact",
    elapsed_ms: float = 10.0,
) -> Result:
    """A result with one text everywhere that text can come from outside."""
    answer = plain_answer(case(said=[(text, ())], nearest=[("n", text)]).answer)
    return Result(
        f"q{number}", half, kind, text, "", 0, text, (GoldPaper("p", text, text),), (text,), (text,), (), answer,
        ("p",), verdict, right, {"right": right, "fact answered": right, "false refusal": 0.0}, None, elapsed_ms,
    )


def evaluation(*results: Result) -> Evaluation:
    return Evaluation({"backend": "<b>x</b>", "papers": 6}, "mine <i>x</i>", results, 1.0, "2026-01-02T03:04:05")


def visit(browser: Browser, path: Path, **options: object) -> tuple[Page, list[str]]:
    """Open a file; returns the page, and all it asked for or complained of beyond that file."""
    page = browser.new_page(**options)  # type: ignore[arg-type]
    noticed: list[str] = []
    page.on("request", lambda request: noticed.append(request.url) if request.url != path.as_uri() else None)
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("console", lambda said: noticed.append(said.text))
    page.on("dialog", lambda dialog: (noticed.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    return page, noticed


def test_hostile_text_is_shown_as_text_and_nothing_is_fetched(browser: Browser, tmp_path: Path) -> None:
    path = write_report(evaluation(*(result(n, text) for n, text in enumerate(HOSTILE))), tmp_path)

    page, noticed = visit(browser, path)
    for row in page.locator("#questions > details > summary").all():
        row.click()

    assert noticed == []
    assert page.title() == "Evaluation: mine <i>x</i>"
    assert page.locator("#questions > details").count() == len(HOSTILE)
    assert page.locator("main img, main iframe, main a, main script, main style, main b + script").count() == 0
    assert page.locator("h1").all_inner_texts() == ["Evaluation on mine <i>x</i>"]
    shown = page.locator(".asked").all_inner_texts()
    assert shown[0] == HOSTILE[0]
    assert shown[3] == HOSTILE[3]


def test_even_unescaped_text_could_not_run_or_fetch(browser: Browser, tmp_path: Path) -> None:
    path = write_report(evaluation(result(1, "innocent")), tmp_path)
    path.write_text(path.read_text("utf-8").replace("innocent", "".join(HOSTILE[:2])), "utf-8")

    page, noticed = visit(browser, path)

    assert page.title() != "owned"
    assert any("Content Security Policy" in said for said in noticed)


def test_failures_come_first_and_filters_narrow(browser: Browser, tmp_path: Path) -> None:
    path = write_report(evaluation(
        result(1, "alpha", verdict="right", right=1.0), result(2, "beta", verdict="wrong"),
        result(3, "gamma", verdict="wrong", half="report"),
        result(4, "delta", verdict="in part", right=0.5, kind="list"),
    ), tmp_path)
    page, noticed = visit(browser, path)

    def shown() -> list[str]:
        return page.locator("#questions > details:not([hidden]) .asked").all_inner_texts()

    assert shown() == ["beta", "gamma", "delta", "alpha"]
    page.locator("select[name=half]").select_option("report")
    assert shown() == ["gamma"]
    page.locator("select[name=half]").select_option("")
    page.locator("select[name=kind]").select_option("list")
    assert shown() == ["delta"]
    page.locator("select[name=kind]").select_option("")
    page.locator("button[value=right]").click()
    assert shown() == ["alpha"]
    page.locator("button[value=wrong]").click()
    assert shown() == ["beta", "gamma", "alpha"]
    page.locator("#search").fill("ALPHA")
    assert shown() == ["alpha"]
    assert page.locator("#shown").inner_text() == "1 of 4 shown"
    assert noticed == []


def test_of_a_reserved_set_the_report_half_shows_on_demand(browser: Browser, tmp_path: Path) -> None:
    both = evaluation(result(1, "alpha"), result(2, "beta", half="report"))
    page, _ = visit(browser, write_report(both, tmp_path, reserved=True))

    assert page.locator("#questions > details:not([hidden]) .asked").all_inner_texts() == ["alpha"]
    told = (tmp_path / "report.md").read_text("utf-8")
    wrong = told.partition("## What went wrong of the choose half: 1 questions")[2]
    assert "alpha" in wrong and "beta" not in wrong


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 360)])
def test_it_fits_the_screen_and_can_be_read(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    path = write_report(evaluation(*(result(n, "a question " * 20) for n in range(5))), tmp_path, missed=["x"])
    page, _ = visit(browser, path, viewport={"width": width, "height": 800}, color_scheme=scheme)

    page.locator("#questions > details > summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in ("body", ".facts", ".floor", ".badge", ".tile span"):
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector


CONTRAST = """selector => {
  const element = document.querySelector(selector);
  const luminance = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  let ground = element;
  const clear = e => getComputedStyle(e).backgroundColor === "rgba(0, 0, 0, 0)";
  while (clear(ground) && ground.parentElement) ground = ground.parentElement;
  const pair = [luminance(getComputedStyle(element).color), luminance(getComputedStyle(ground).backgroundColor)];
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""


def test_a_comparison_shows_what_changed_side_by_side(browser: Browser, tmp_path: Path) -> None:
    before = evaluation(result(1, "alpha"), result(2, "beta", verdict="right", right=1.0), result(3, "gamma"))
    after = evaluation(result(1, "alpha", verdict="right", right=1.0), result(2, "beta"), result(3, "gamma"),
                       result(4, "delta"))

    page, noticed = visit(browser, write_comparison(compare(before, after), tmp_path))

    assert noticed == []
    assert page.locator(".asked").all_inner_texts() == ["beta", "alpha"]  # what was lost, first
    page.locator("#questions summary").first.click()
    assert page.locator(".sides").first.inner_text().count("beta") >= 2
    assert "Left out, being in one only: 0 before, 1 after." in page.locator(".verdict").inner_text()


def test_the_verdict_is_one_sentence_of_the_half_nothing_was_tuned_on() -> None:
    both = evaluation(
        result(1, "a", right=1.0), result(2, "b", half="report"), result(3, "c", half="report", right=1.0)
    )

    assert headline(both) == (
        "On the half nothing was tuned on: 50\u00a0% of 2 facts answered, with the right paper, 0\u00a0% of what it "
        "says refused by mistake."
    )
    one = evaluation(result(1, "a", right=1.0))
    assert headline(one).startswith("On the half open to tuning: 100\u00a0% of 1 facts")


def test_accepted_strings_are_marked_in_escaped_text() -> None:
    assert highlighted("<b> It edits GPT-J.", ["gpt-j", "it"]) == (
        "&lt;b&gt; <mark>It</mark> ed<mark>it</mark>s <mark>GPT-J</mark>."
    )


def test_plots_are_well_formed_and_say_what_they_show() -> None:
    figures = {"report": Estimate(0.5, 0.4, 0.6, 10), "choose": Estimate(1.0, 1.0, 1.0, 3)}
    plots = [
        interval_bar(figures, "a <b>"), difference_bar(Estimate(-0.9, -1.0, 0.1, 4), "x", reach=0.3, verdict="worse"),
        risk_coverage_plot({"report": ([0.5, 1.0], [0.0, 0.25])}),
        reliability_plot({"report": [Bin(0.0, 0.1, 3, 0.05, 0.0)]}),
        latency_plot([12.0], p50=12.0, p95=12.0), latency_plot([1.0, 3.0, 1000.0], p50=3.0, p95=900.0),
    ]
    titles = [ElementTree.fromstring(plot)[0].text for plot in plots]

    assert titles[0] == "a <b>: report 0.50 [0.40, 0.60]; choose 1.00 [1.00, 1.00]"
    assert titles[1] == "x: -0.900 [-1.000, +0.100]"
    assert titles[4] == "Histogram of latency: p50 12 ms, p95 12 ms"
    # Coverage 1 is at the right edge, risk 0 at the bottom.
    line = ElementTree.fromstring(plots[2]).find("polyline")
    assert line is not None and line.get("points") == "198.0,220.0 350.0,167.5"


def test_a_folder_that_cannot_be_made_is_an_error_with_advice(tmp_path: Path) -> None:
    from assistant.errors import AssistantError

    (tmp_path / "file").write_text("")

    with pytest.raises(AssistantError, match="name a folder with --out"):
        write_report(evaluation(result(1, "a")), tmp_path / "file" / "out")
