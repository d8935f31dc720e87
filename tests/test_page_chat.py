"""The Ask tab in a real browser, over real collections: what it shows, does, keeps apart, and never does."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsing import PHONE, served, watched
from papers import ABSTRACTS, TITLES, Home, write_lines
from scripted_server import ScriptedServer, is_slow

from assistant import Settings
from assistant.embedding.embedder import Embedder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Locator, Page

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1)) ![x](http://203.0.113.1/x.png)",
    "<img src=http://203.0.113.1/x.png>",
    "<script>alert(1)</script>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>body { display: none }</style>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<svg/onload=alert(1)> <!-- gone",
    "\" onmouseover=\"alert(1)\" x='",
    "&lt;b&gt;bold&lt;/b&gt; **bold** `code` $$x^2$$",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} {{#each value}}",
    "https://203.0.113.1/page <details open ontoggle=alert(1)>",
    "\u202egnp.x\u202c שלום עולם مرحبا",
    "W" * 10_000,
)
Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def few(six: Home, embedder: Embedder) -> Iterator[str]:
    """The page over six papers; gives its address."""
    with served(six.settings, embedder) as address:
        yield address


@pytest.fixture(scope="module")
def seeds(seeds_home: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over the seeds, its conversations elsewhere; gives its address."""
    with served(Settings(home=seeds_home, _env_file=None), embedder, kept=tmp_path_factory.mktemp("kept")) as address:
        yield address


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens an address in a context of its own."""
    with contextlib.ExitStack() as contexts:
        def open_page(address: str, **options: Any) -> Page:
            page = contexts.enter_context(watched(browser, address, **options)).new_page()
            page.goto(address)
            page.locator(".beginning, .turn").first.wait_for()
            return page

        yield open_page


def box(page: Page) -> Locator:
    return page.locator("#question textarea")


def ask(page: Page, question: str) -> Locator:
    """Ask, wait for the whole answer, and give its turn."""
    turns = page.locator("#conversation article")
    number = turns.count()
    box(page).fill(question)
    box(page).press("Enter")
    turns.nth(number).locator("footer").wait_for()
    return turns.nth(number)


def questions(page: Page) -> list[str]:
    return page.locator("#conversation h2").all_inner_texts()


def test_an_answer_is_quoted_and_its_mark_opens_the_abstract_at_the_quote(visit: Visit, few: str) -> None:
    page = visit(few)
    turn = ask(page, "what does Quillon keep?")
    quote = ABSTRACTS[0].partition(". ")[2]

    sentence = turn.locator(".sentence", has_text="Quillon keeps 97% of the original accuracy on unrelated prompts.")
    assert sentence.locator(".check .sr").text_content() == "checked"
    mark = turn.locator(".prose button.mark").first
    mark.hover()
    assert quote in page.locator("#hint").inner_text()
    mark.focus()
    page.keyboard.press("Enter")
    panel = page.locator("#paper .panel")
    panel.locator("mark").wait_for()
    assert quote in panel.locator("mark").inner_text()
    assert panel.locator(".abstract").inner_text() == ABSTRACTS[0]
    assert panel.locator("h2").inner_text() == TITLES[0]
    assert "six.txt:2" in panel.inner_text()
    assert re.search(r"Relevance\s+0\.\d\d, number 1 for this question", panel.inner_text())
    assert panel.locator("mark").evaluate(
        "mark => { const a = mark.getBoundingClientRect(), b = mark.closest('.paper').getBoundingClientRect();"
        "return a.top >= b.top && a.bottom <= b.bottom }"
    )
    page.keyboard.press("Escape")
    assert panel.is_hidden()
    assert mark.evaluate("mark => document.activeElement === mark")


def test_follow_ups_are_read_in_the_light_of_what_was_said(visit: Visit, seeds: str) -> None:
    page = visit(seeds)
    ask(page, "which methods edit GPT-J?")

    turn = ask(page, "and which of those release code?")

    assert "of the 9 papers just cited match" in turn.inner_text()


def test_an_example_is_asked_by_a_click(visit: Visit, few: str) -> None:
    page = visit(few)
    assert page.locator(".example").all_inner_texts() == [
        "what is Quillon?", "compare Quillon and Lanternfish", "how many papers do you know?",
    ]

    page.get_by_role("button", name="how many papers do you know?").click()
    page.locator("#conversation footer").wait_for()

    assert "I answer questions about a collection of 6 paper abstracts" in page.locator(".said").inner_text()


def test_a_list_is_a_table_that_sorts_steps_and_exports(visit: Visit, seeds: str, tmp_path: Path) -> None:
    page = visit(seeds)
    turn = ask(page, "how many papers mention T5?")
    rows = turn.locator("tbody tr:visible")

    assert re.search(r"^\d+ of 326 papers match", turn.locator(".said").inner_text())
    assert "Looked at 326 papers." in turn.inner_text()
    total = int(turn.locator(".said").inner_text().split()[0])
    assert rows.count() == 25
    turn.get_by_role("button", name=f"Show all {total}").click()
    assert rows.count() == total
    turn.get_by_role("button", name="Title").click()
    titles = turn.locator("td.title > bdi").all_inner_texts()
    assert titles[0].casefold() < titles[10].casefold() < titles[-1].casefold()
    turn.get_by_role("button", name="Title").click()
    assert turn.locator("td.title > bdi").all_inner_texts()[0] == titles[-1]
    assert turn.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"

    turn.locator("button.mark").first.click()
    page.locator("#paper .where", has_text=f"1 of {total}").wait_for()
    page.get_by_role("button", name="Next mark").click()
    page.locator("#paper .where", has_text=f"2 of {total}").wait_for()
    shown = turn.locator("td.title > bdi").nth(1).inner_text()
    page.locator("#paper h2", has_text=shown).wait_for()

    begins_with = {"CSV": "mark,name,title,quote", "BibTeX": "@misc{", "Markdown": "## how many papers"}
    for form in ("CSV", *begins_with):  # the same twice, too
        with page.expect_download() as arriving:
            turn.get_by_role("button", name=f"{form} of this answer").click()
        path = tmp_path / form
        arriving.value.save_as(path)
        assert path.read_text("utf-8").startswith(begins_with[form])
    assert (tmp_path / "CSV").read_bytes().count(b"\r\n") == total + 1


def test_things_compared_stand_side_by_side(visit: Visit, seeds: str) -> None:
    turn = ask(visit(seeds), "compare LoRAMoE and Mixture-of-LoRAs")

    assert turn.locator("table.compared thead th").all_inner_texts() == ["LoRAMoE", "Mixture-of-LoRAs"]
    assert turn.locator("table.compared tbody tr").nth(1).locator("td .sentence").count() == 4


def test_a_refusal_looks_like_one_and_a_correction_is_said(visit: Visit, seeds: str) -> None:
    page = visit(seeds)
    refused = ask(page, "who wrote MEMIT?").locator(".refusal")

    assert refused.locator(".verdict").inner_text() == "Not answered. Abstracts do not give authors, dates or venues."
    assert refused.locator(".near li").count() == 3
    refused.locator(".opener").first.click()
    page.locator("#paper mark", has_text="We develop MEMIT").wait_for()
    corrected = ask(page, "what is Rdeco?")
    assert corrected.locator(".notice").inner_text() == "I took “Rdeco” for Redco."


def test_the_whole_conversation_and_an_answer_can_be_taken_along(visit: Visit, few: str, tmp_path: Path) -> None:
    page = visit(few)
    turn = ask(page, "what is Quillon?")
    ask(page, "what is Foldaway?")

    turn.get_by_role("button", name="Copy this answer").click()
    page.locator("#told.shown").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("what is Quillon?\n\nWe introduce Quillon, a method")
    assert "[1]" in copied
    turn.get_by_role("button", name="Copy citation").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.startsWith('Quillon: Editing One'))")
    for form, count in (("CSV", "Quillon"), ("Markdown", "## what is Foldaway?"), ("BibTeX", "@misc{foldaway")):
        with page.expect_download() as arriving:
            page.locator("#history").get_by_role("button", name=form).click()
        arriving.value.save_as(tmp_path / form)
        assert count in (tmp_path / form).read_text("utf-8")


def test_a_reload_keeps_the_conversation_and_another_browser_never_sees_it(visit: Visit, few: str) -> None:
    one, other = visit(few), visit(few)

    ask(one, "what is Quillon?")
    ask(other, "what is Magpie?")
    ask(one, "what is Foldaway?")
    one.reload()
    one.locator("#conversation article").nth(1).wait_for()

    assert questions(one) == ["what is Quillon?", "what is Foldaway?"]
    assert one.locator("#history .saved li").count() == 1
    assert one.locator(".beginning").count() == 0
    assert questions(other) == ["what is Magpie?"]
    assert other.locator("#history .saved").inner_text().startswith("what is Magpie?")
    ask(one, "how much memory does it save?")
    assert len(questions(one)) == 3


def test_conversations_are_searched_renamed_resumed_and_deleted(visit: Visit, few: str) -> None:
    page = visit(few)
    ask(page, "what is Quillon?")
    page.get_by_role("button", name="New conversation").click()
    page.locator(".beginning").wait_for()
    ask(page, "what is Hushcorpus?")
    saved = page.locator("#history .saved li")
    page.wait_for_function("document.querySelectorAll('#history .saved li').length === 2")

    page.get_by_label("Search conversations").fill("whispering")
    page.wait_for_function("document.querySelectorAll('#history .saved li').length === 1")
    assert saved.first.locator("bdi").inner_text() == "what is Hushcorpus?"
    page.get_by_label("Search conversations").fill("")
    page.wait_for_function("document.querySelectorAll('#history .saved li').length === 2")
    saved.nth(1).locator(".resume").click()
    page.locator("#conversation h2", has_text="Quillon").wait_for()
    with page.expect_download():  # the first click: nothing may move as the list loses the focus
        page.get_by_role("group", name="Export this conversation").get_by_role("button", name="Markdown").click()
    page.once("dialog", lambda dialog: dialog.accept("Editing <b>"))
    saved.nth(1).hover()
    page.get_by_role("button", name="Rename what is Quillon?").click()
    page.locator("#history .saved bdi", has_text="Editing <b>").wait_for()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete Editing <b>").click()
    page.locator(".beginning").wait_for()
    assert saved.locator("bdi").all_inner_texts() == ["what is Hushcorpus?"]


def test_a_conversation_that_is_not_to_be_saved_is_not(visit: Visit, few: str) -> None:
    page = visit(few)
    page.get_by_label("Do not save").check()
    page.locator("#history .none").wait_for()

    turn = ask(page, "what is Quillon?")

    assert turn.locator(".thumbs").count() == 0
    page.once("dialog", lambda dialog: dialog.dismiss())  # saved from now on: this one would be gone
    page.get_by_label("Do not save").click()
    assert page.get_by_label("Do not save").is_checked() and questions(page) == ["what is Quillon?"]
    page.reload()
    page.locator(".beginning").wait_for()
    assert page.locator("#history .none").inner_text() == "None saved yet."


def test_what_a_user_thinks_is_kept_beside_the_answer(visit: Visit, few: str) -> None:
    page = visit(few)
    turn = ask(page, "what is Quillon?")

    wrong = turn.get_by_role("button", name="Wrong")
    wrong.evaluate("wrong => { document.body.style.paddingTop = '60vh'; wrong.scrollIntoView({ block: 'end' }) }")
    wrong.click()
    page.locator("#told.shown").wait_for()
    page.wait_for_function("""() => {
      const [word, bar] = [".comment input", "#question"].map(chosen => document.querySelector(chosen));
      return word.getBoundingClientRect().bottom <= bar.getBoundingClientRect().top;
    }""")
    page.evaluate("document.getElementById('told').remove()")
    turn.locator(".comment input").fill("too short")
    page.keyboard.press("Enter")
    page.locator("#told.shown").wait_for()
    page.reload()

    turn.locator(".comment input").wait_for()
    assert turn.locator(".comment input").input_value() == "too short"
    assert turn.get_by_role("button", name="Wrong").get_attribute("aria-pressed") == "true"


def test_a_question_can_be_edited_and_asked_again_and_takes_none_after_it_away_unasked(visit: Visit, few: str) -> None:
    page = visit(few)
    asked = ["what is Quillon?", "what is Foldaway?", "what is Hushcorpus?"]
    first, *_ = [ask(page, question) for question in asked]
    said: list[str] = []

    def refuse(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    first.get_by_role("button", name="Retry", exact=True).click()
    assert (said, questions(page)) == (["This removes the 2 questions after it."], asked)
    first.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Edit the question").fill("what is Magpie?")
    page.once("dialog", lambda dialog: dialog.accept())
    page.keyboard.press("Enter")
    page.locator("#conversation h2", has_text="Magpie").wait_for()
    first.locator("footer").wait_for()
    assert questions(page) == ["what is Magpie?"]
    first.evaluate("turn => { turn.old = true }")
    first.get_by_role("button", name="Retry", exact=True).click()
    page.wait_for_function("!document.querySelector('#conversation article').old")
    first.locator("footer").wait_for()
    assert questions(page) == ["what is Magpie?"]
    page.reload()
    first.locator("footer").wait_for()
    assert questions(page) == ["what is Magpie?"]


def use_model(page: Page, server: ScriptedServer) -> None:
    """Have a model write this session's answers."""
    page.get_by_role("button", name="Settings of this session").click()
    page.get_by_label("Who writes answers").click()
    page.get_by_role("option", name="OpenAI-compatible server").click()
    page.get_by_label("Model", exact=True).fill(server.model)
    page.get_by_label("Address of its server").fill(server.url)
    page.get_by_label("Key").fill("sk-typed-here")
    page.get_by_role("button", name="Use these").click()
    page.locator("#told", has_text="openai is ready").wait_for()


def test_a_model_streams_and_stop_hangs_up(visit: Visit, few: str) -> None:
    page, other = visit(few), visit(few)
    written = "Quillon keeps 97% of the original accuracy on unrelated prompts [1]. " * 40
    with ScriptedServer(is_slow(written, first_s=0.1, between_s=0.15)) as server:
        use_model(page, server)
        box(page).fill("what does Quillon keep?")
        box(page).press("Enter")
        said = page.locator("#conversation .said[aria-busy=true] .prose")
        said.wait_for()
        assert "Quillon keeps 97%" in said.inner_text()
        page.get_by_role("button", name="Stop").click()
        page.locator(".notice.stopped").wait_for()
        asked = [request for request in server.requests if request.path.endswith("/chat/completions")]
        assert asked[-1].headers["authorization"] == "Bearer sk-typed-here"
        assert asked[-1].hung_up.wait(10)
        page.locator("#question .submit-button").wait_for()

        before = len(server.requests)
        assert "quoted" in ask(other, "what is Quillon?").locator("footer").inner_text()
        assert len(server.requests) == before


def test_without_its_model_the_papers_own_words_are_shown_with_a_notice(visit: Visit, few: str) -> None:
    page = visit(few)
    with ScriptedServer(is_slow("Quillon [1].", first_s=0)) as server:
        use_model(page, server)

    turn = ask(page, "what does Quillon keep?")

    assert "No answer from openai: unreachable" in turn.locator(".notice").inner_text()
    assert "Quillon keeps 97%" in turn.locator(".prose").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(visit: Visit, few: str, scheme: str) -> None:
    page = visit(few, color_scheme=scheme)
    turn = ask(page, "what is Quillon?")
    turn.locator("button.mark").first.click()
    page.locator("#paper mark").wait_for()

    for place in (".said .sentence", "#paper .abstract", "#paper mark", "footer .facts", "button.mark.open", ".place"):
        contrast = page.locator(place).first.evaluate(CONTRAST)
        assert contrast >= 4.5, (place, contrast)
    bright = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (bright == "rgb(255, 255, 255)") == (scheme == "light")


CONTRAST = """element => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = element;
  const clear = e => /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(e).backgroundColor);
  while (ground.parentElement && clear(ground)) ground = ground.parentElement;
  const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(ground).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_at_phone_width_nothing_sticks_out_and_the_paper_is_a_drawer(visit: Visit, seeds: str) -> None:
    page = visit(seeds, **PHONE)
    for question in ("which methods edit GPT-J?", "compare LoRAMoE and Mixture-of-LoRAs", "who wrote MEMIT?"):
        ask(page, question)
        assert page.evaluate("document.documentElement.scrollWidth") == 390

    page.locator("button.mark").first.click()
    page.locator("#paper mark").wait_for()
    page.wait_for_function("""() => { // title and quote both fit, so both are shown
      const [paper, title, quote] = ["#paper .paper", "#paper h2", "#paper mark"].map(
        chosen => document.querySelector(chosen).getBoundingClientRect());
      return title.top >= paper.top && quote.bottom <= Math.min(paper.bottom, innerHeight);
    }""")
    assert page.locator("#paper .panel").bounding_box()["width"] == 390  # type: ignore[index]
    page.get_by_role("button", name="Close the paper").click()
    assert page.locator("#history").is_hidden()
    page.get_by_role("button", name="Conversations and settings").click()
    assert page.locator("#history").is_visible()


def test_hostile_text_in_a_question_is_text(visit: Visit, few: str) -> None:
    page = visit(few)
    page.on("dialog", lambda dialog: pytest.fail(f"ran: {dialog.message}"))

    for text in HOSTILE:
        ask(page, text[:9_000])
    page.reload()
    page.locator("#conversation article").nth(len(HOSTILE) - 1).wait_for()

    assert questions(page)[:12] == [text for text in HOSTILE[:12]]
    assert tags(page) <= OURS
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_text_in_a_paper_is_text(visit: Visit, embedder: Embedder, tmp_path: Path) -> None:
    lines = []
    for number in range(6):
        evil = " ".join(HOSTILE[number::6])
        first, rest = ABSTRACTS[number].split(". ", 1)
        lines.append(json.dumps({"title": f"{TITLES[number]} {evil}", "abstract": f"{first} {evil}. {rest} {evil}."}))
    home = Home(tmp_path / "home", embedder)
    home.ingest(write_lines(tmp_path / "<img src=x onerror=alert(1)>.jsonl", lines))
    with served(home.settings, embedder) as address:
        page = visit(address)
        page.on("dialog", lambda dialog: pytest.fail(f"ran: {dialog.message}"))
        for question in (*(f"what is {title.split(':')[0]}?" for title in TITLES), "which papers mention BM25?",
                         "compare Quillon and Foldaway", "who wrote Magpie?"):
            turn = ask(page, question)
            turn.locator("button.mark, button.opener").first.click()
            page.locator("#paper .abstract").wait_for()
            page.locator("#paper .panel").get_by_role("button", name="Close").click()
        assert tags(page) <= OURS
        assert page.locator("#paper a, #conversation a").evaluate_all(
            "all => all.every(a => /^https?:$/.test(a.protocol))"
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


OURS = set(
    """ARTICLE H2 H3 DIV P SPAN BDI BUTTON OL UL LI Q FOOTER TABLE THEAD TBODY TR TH TD STRONG DETAILS SUMMARY MARK
    DL DT DD A INPUT""".split()
)


def tags(page: Page) -> set[str]:
    """Every kind of element in the conversation, the open paper and the list of conversations."""
    return set(page.locator("#conversation .turns, #paper .paper, #history .list").evaluate_all(
        "all => all.flatMap(e => [...e.querySelectorAll('*')]).map(e => e.tagName)"
    ))


def test_a_blank_question_does_nothing_and_half_a_character_breaks_nothing(visit: Visit, few: str) -> None:
    page = visit(few)
    box(page).fill("   ")
    box(page).press("Enter")
    page.evaluate(
        "question => chat.trigger('ask', { question })", "what is Quillon?" + "".join(map(chr, (0x202E, 0x0, 0xD83D)))
    )
    page.wait_for_function("document.querySelectorAll('#conversation footer').length > 0")
    assert questions(page) == ["what is Quillon??"]
