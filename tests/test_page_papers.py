"""The Papers tab: what is found and shown of papers, the map of the collection, and both in a real browser."""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browsing import PHONE, open_tab, served, watched
from papers import ABSTRACTS, Home, write_lines, write_titled

from assistant import Assistant, Filters, Paper, Source
from assistant.embedding.embedder import Embedder
from assistant.topics import places as places_module
from assistant.topics.atlas import Atlas, draw, load, save, state_of
from assistant.topics.places import places
from assistant.topics.topics import Topic, find_topics, topic_names
from assistant.ui.page.browse import Found, PaperDetails, ResultPage, find, look_at
from assistant.ui.page.shown.links import links
from assistant.ui.page.shown.map import cited_note, legend, map_data
from assistant.ui.page.shown.paper import paper_view, results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

HOSTILE = (
    "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1))",
    "<script>alert(1)</script> $$x$$ `code` \u202eright to left",
    "W" * 3000,
)
PAPER = Paper("ab" * 10, "Quillon: Editing", "We edit. Code: https://github.com/a/b.", "raw", (Source("a.txt", 3),))


# -- the map


def clusters(count: int, each: int) -> np.ndarray:
    """(count * each, 32) unit vectors around ``count`` middles, in turn."""
    random = np.random.default_rng(1)
    middles = random.normal(size=(count, 32))
    found = np.concatenate([middles[[n % count]] + random.normal(size=(1, 32)) / 6 for n in range(count * each)])
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def apart(found: np.ndarray, count: int) -> bool:
    """Whether every point is nearer to the middle of its own cluster than to any other."""
    own = np.arange(len(found)) % count
    middles = np.stack([found[own == group].mean(axis=0) for group in range(count)])
    far = np.linalg.norm(found[:, np.newaxis] - middles, axis=2)
    return bool((far.argmin(axis=1) == own).all())


def test_what_is_alike_lies_together_within_the_frame_and_in_the_same_place_each_time() -> None:
    vectors = clusters(3, 20)
    found = places(vectors)

    assert found.shape == (60, 2) and found.min() >= 0 and found.max() <= 1
    assert apart(found, 3)
    assert np.array_equal(found, places(vectors))


def test_papers_beyond_the_landmarks_are_placed_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_module, "LANDMARKS", 60)

    found = places(clusters(3, 50))

    assert found.shape == (150, 2) and apart(found, 3)


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_a_few_papers_have_places_too(count: int) -> None:
    found = places(clusters(1, count) if count else np.zeros((0, 32), np.float32))

    assert found.shape == (count, 2) and np.isfinite(found).all()


def test_topics_are_named_by_the_words_that_set_them_apart() -> None:
    texts = ["We study sparse attention in models", "Sparse attention for long models", "sparse attention and models"]
    texts += ["Editing GPT-J in models", "GPT-J editing of models", "editing facts of GPT-J models"]

    assert topic_names([0, 0, 0, 1, 1, 1], texts) == ["sparse attention", "editing · GPT-J"]


def test_the_largest_topic_comes_first_and_its_name_stands_among_its_papers() -> None:
    found = np.array([[0.1, 0.1]] * 8 + [[0.9, 0.9]] * 4, np.float32)

    groups, topics = find_topics(found, ["pruning weights"] * 8 + ["robots grasping"] * 4)

    assert groups.tolist() == [0] * 8 + [1] * 4
    assert [(topic.papers, round(topic.x, 1), round(topic.y, 1)) for topic in topics] == [(8, 0.1, 0.1), (4, 0.9, 0.9)]


def test_a_map_is_kept_in_a_file_and_belongs_to_one_state_of_the_collection(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))
    with home.open() as collection:
        atlas = draw(collection)
        save(atlas, tmp_path / "map.json")

        assert load(tmp_path / "map.json") == atlas
        assert atlas.state == state_of(collection)
        assert list(atlas.paper_ids) == collection.store.paper_ids()
        assert sum(topic.papers for topic in atlas.topics) == atlas.papers == 6
    home.ingest(write_titled(tmp_path / "six.txt", range(5)))
    with home.open() as collection:
        assert state_of(collection) != atlas.state
    (tmp_path / "map.json").write_text("{")
    assert load(tmp_path / "map.json") is load(tmp_path / "none.json") is None


def test_the_map_draws_only_papers_that_are_there() -> None:
    atlas = Atlas("7", 2, ("p", "q"), (0.1, 0.2), (0.3, 0.4), (0, 0), (Topic("a · b · c", 2, 0.1, 0.2),))

    found = json.loads(map_data(atlas, {"q": None}))

    assert (found["ids"], found["titles"], found["x"], found["state"]) == (["q"], ["(untitled)"], [0.2], "7")
    assert 'href="#topic/0">a · b</a> <span>2</span>' in legend(atlas, "")
    assert 'href="#topic/">a · b</a>' in legend(atlas, "", chosen=0)
    assert "being drawn" in legend(None, "The map is being drawn …")


# -- lists and papers as HTML


def test_a_row_has_title_sentence_place_year_authors_and_a_sign_for_code() -> None:
    paper = Paper("ab" * 10, "T", "One. Two.", "", (Source("a.txt", 3),), year=2021, authors=("A", "B", "C", "D"))

    shown = results(ResultPage((Found(paper, True, 5, 9),), 20, 50, 50), "Papers 21–21")

    assert '<ol start="21">' in shown
    assert f'<a href="#paper/{"ab" * 10}/5/9" dir="auto">T</a>' in shown
    for words in ("Two.</p>", "a.txt:3", ">2021<", ">code<", "A, B, C and 1 more"):
        assert words in shown
    assert "One." not in shown


def test_the_sentence_asked_for_is_marked_and_addresses_are_links() -> None:
    shown = paper_view(PaperDetails(PAPER, True, ("Quillon", "LLM", "Language"), ((PAPER, 0.5),)), 0, 8)

    assert "<mark>We edit.</mark> Code: " in shown
    assert 'href="https://github.com/a/b" target="_blank"' in shown and ">https://github.com/a/b</a>.</p>" in shown
    assert "<dd>Quillon, LLM</dd>" in shown
    assert "similarity 0.50" in shown and "@misc{" in shown
    assert "<mark>" not in paper_view(PaperDetails(PAPER, True, (), ()), 5, 900)


def test_only_addresses_of_the_web_are_links() -> None:
    assert links("javascript:alert(1) data:text/html,x ftp://a.b //c.d HTTPS://E.org/f") == ["HTTPS://E.org/f"]


@pytest.mark.parametrize("words", HOSTILE)
def test_what_a_paper_says_is_escaped_everywhere(words: str) -> None:
    abstract = f"{words} http://x.y/'onclick='alert(1) end."
    paper = Paper("ab" * 10, words, abstract, words, (Source(words, 1),), (), 2020, (words,))
    found = Found(paper, False, 0, len(words))
    details = PaperDetails(paper, False, (words,), ((paper, 0.1),))

    for shown in (
        results(ResultPage((found,), 0, 1, 1), words), results(ResultPage((), 0, 0, 0, "", words), ""),
        paper_view(details, 0, 9), cited_note([paper]),
    ):
        assert "<img" not in shown and "<script" not in shown and "'alert" not in shown and "\u202e" not in shown
        assert html.unescape(shown).count(words[:20]) > 0 or "\u202e" in words


# -- looking up


def test_without_words_all_papers_are_browsed_by_title_a_page_at_a_time(assistant: Assistant) -> None:
    first, last = find(assistant, "", Filters()), find(assistant, " ", Filters(), page=99)

    titles = [found.paper.title for found in first.found]
    assert (first.total, first.first, len(titles)) == (326, 0, 20)
    assert titles == sorted(titles, key=lambda title: str(title).lower())
    assert (last.first, len(last.found)) == (320, 6) and all(found.paper.title is None for found in last.found)
    assert all(found.paper.abstract[found.start:found.end].strip() for found in (*first.found, *last.found))


def test_words_find_the_best_papers_with_their_best_sentence(assistant: Assistant) -> None:
    found = find(assistant, "what is Redco?", Filters()).found[0]

    assert found.paper.title is not None and found.paper.title.startswith("Redco")
    assert "Redco" in found.paper.abstract[found.start:found.end]


def test_filters_and_topics_narrow_both(assistant: Assistant) -> None:
    edited = find(assistant, "", Filters(names=("GPT-J",), has_code=True))
    among = frozenset([edited.found[0].paper.paper_id])

    assert 1 < edited.total < 36 and all(found.has_code for found in edited.found)
    assert [found.paper.paper_id for found in find(assistant, "", Filters(), among=among).found] == sorted(among)
    assert [found.paper.paper_id for found in find(assistant, "model", Filters(has_code=True), among=among).found] == (
        sorted(among)
    )
    assert find(assistant, "", Filters(names=("Turbosaurus",))).problem == (
        "no paper mentions Turbosaurus; assistant names lists the known names"
    )


def test_similar_papers_are_near_and_not_the_paper_itself(assistant: Assistant) -> None:
    redco = find(assistant, "Redco", Filters()).found[0].paper.paper_id

    details = look_at(assistant, redco)

    assert details is not None and redco not in [paper.paper_id for paper, _ in details.similar]
    cosines = [cosine for _, cosine in details.similar]
    assert len(cosines) == 6 and cosines == sorted(cosines, reverse=True) and cosines[0] > 0.4
    assert look_at(assistant, "0" * 20) is None


# -- in a browser


@pytest.fixture(scope="module")
def address(seeds_home: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over the seeds and three hostile papers, one of them with authors and a year."""
    folder = tmp_path_factory.mktemp("papers")
    shutil.copytree(seeds_home, folder / "home")
    home = Home(folder / "home", embedder)
    home.ingest(write_lines(folder / "hostile.jsonl", [
        json.dumps({"title": words, "abstract": f"{words} {ABSTRACTS[n]}", "authors": "Mallory, Eve", "year": 2020 + n})
        for n, words in enumerate(HOSTILE)
    ]))
    with served(home.settings, embedder) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The Papers tab."""
    with watched(browser, address, **getattr(request, "param", {})) as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: pytest.fail(f"ran: {dialog.message}"))
        page.goto(address)
        page.locator("#question textarea").wait_for()
        open_tab(page, "Papers")
        page.locator("#papers-results li").first.wait_for()
        yield page


def titles(page: Page) -> list[str]:
    return page.locator("#papers-results .papers-title a").all_inner_texts()


def search(page: Page, words: str) -> None:
    field = page.locator("#papers-query").locator("textarea, input").first
    field.fill(words)
    field.press("Enter")


def count(page: Page) -> Locator:
    return page.locator("#papers-results .papers-count")


def drawn_map(page: Page) -> Locator:
    """The map, once it shows all papers."""
    canvas = page.locator("#map-frame canvas[data-papers='329']")
    canvas.wait_for(timeout=60_000)
    return canvas


def point_at(canvas: Locator, paper: str) -> dict[str, float]:
    """Where a paper is on the canvas, for the mouse."""
    canvas.scroll_into_view_if_needed()
    x, y = canvas.evaluate("(canvas, paper) => canvas.placeOf(paper)", paper)
    box = canvas.bounding_box()
    assert box is not None
    return {"x": x - box["x"], "y": y - box["y"]}


def test_one_browses_searches_filters_and_reads(page: Page) -> None:
    assert count(page).inner_text() == "All 329 papers, by title"
    page.locator("#papers-next").click()
    page.get_by_text("Papers 21–40 of 329, by title").wait_for()

    search(page, "what is Redco?")
    page.get_by_text("Papers 1–20 of the nearest 200, best first").wait_for()
    assert titles(page)[0].startswith("Redco")

    page.locator("#papers-results a").first.click()
    page.locator("#paper-view h3", has_text="Redco").wait_for()
    assert "Redco" in page.locator("#paper-view mark").inner_text()
    assert page.locator("#papers-results a[aria-current]").inner_text().startswith("Redco")
    page.locator("#paper-view .paper-similar a").first.click()
    page.locator("#paper-view h3:not(:has-text('Redco'))").wait_for()

    page.locator("#papers-filters button").first.click()
    page.get_by_label("Mentions the name").fill("GPT-J")
    page.get_by_label("Mentions the name").press("Enter")
    page.get_by_text("mentions GPT-J").wait_for()
    page.get_by_role("radio", name="Gives code", exact=True).check()
    page.get_by_text("gives code; mentions GPT-J").wait_for()
    page.get_by_label("Author").fill("Mallory")
    page.get_by_label("Author").press("Enter")
    page.get_by_text("Nothing found: no paper meets all conditions at once").wait_for()
    page.get_by_label("Author").fill("")
    page.get_by_label("Mentions the name").fill("")
    page.get_by_role("radio", name="Any", exact=True).check()
    page.get_by_label("From year").fill("2021")
    page.get_by_label("From year").press("Enter")
    page.get_by_text("from 2021 on").wait_for()
    page.get_by_label("From year").fill("x")
    page.get_by_role("button", name="Apply filters").click()
    page.get_by_text("a year is a number such as 2021, not 'x'").wait_for()
    page.locator("#papers-clear").click()
    page.get_by_text("All 329 papers, by title").wait_for()


def test_a_point_of_the_map_opens_its_paper_and_a_topic_lists_its_papers(page: Page) -> None:
    search(page, "what is Redco?")
    page.get_by_text("best first").wait_for()
    paper = page.locator("#papers-results a").first.get_attribute("href").split("/")[1]  # type: ignore[union-attr]
    canvas = drawn_map(page)
    for _ in range(6):  # until no other point is near
        page.locator("#map-frame").get_by_role("button", name="Zoom in").click()
    middle = canvas.evaluate(
        "(canvas, paper) => { const box = canvas.getBoundingClientRect(), [x, y] = canvas.placeOf(paper);"
        " return [x - box.left - box.width / 2, y - box.top - box.height / 2]; }", paper,
    )
    box = canvas.bounding_box()
    assert box is not None
    start = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    steps = int(max(abs(middle[0]) / box["width"], abs(middle[1]) / box["height"]) * 3) + 1
    for _ in range(steps):  # dragging, a third of the map at most each time
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(start[0] - middle[0] / steps, start[1] - middle[1] / steps, steps=4)
        page.mouse.up()
    canvas.hover(position=point_at(canvas, paper))
    assert page.locator("#map-frame .map-tip").inner_text().startswith("Redco")
    canvas.click(position=point_at(canvas, paper))
    page.locator("#paper-view h3", has_text="Redco").wait_for()
    page.wait_for_function("""() => { // the map is still there, and the paper below it
      const place = chosen => document.querySelector(chosen).getBoundingClientRect();
      const map = place("#map-frame canvas"), title = place("#paper-view h3");
      return map.top >= 0 && title.top >= map.bottom && title.bottom <= innerHeight;
    }""")

    search(page, "")
    topic = page.locator("#map-legend a.topic").first
    topic.click()
    page.get_by_text(f"by title: topic {topic.get_attribute('title')}").wait_for()
    assert int(count(page).inner_text().split()[1]) == int(page.locator("#map-legend li span").first.inner_text())
    page.locator("#map-legend a.chosen").click()
    page.get_by_text("All 329 papers, by title").wait_for()


def test_the_papers_of_the_last_answer_are_lit_up(page: Page) -> None:
    drawn_map(page)
    open_tab(page, "Ask")
    page.locator("#question textarea").fill("what is Redco?")
    page.locator("#question textarea").press("Enter")
    page.locator("#conversation footer").wait_for()
    open_tab(page, "Papers")

    page.locator("#map-frame canvas[data-lit]:not([data-lit='0'])").wait_for()
    page.locator("#map-cited summary").click()
    page.locator("#map-cited a", has_text="Redco").first.click()
    page.locator("#paper-view h3", has_text="Redco").wait_for()
    open_tab(page, "Ask")
    page.get_by_role("button", name="New conversation").click()
    page.locator(".beginning").wait_for()
    open_tab(page, "Papers")
    page.locator("#map-frame canvas[data-lit='0']").wait_for()


def test_hostile_papers_are_text(page: Page) -> None:
    search(page, "<img src=x onerror=alert(1)>")
    for n, words in enumerate(HOSTILE):
        page.locator("#papers-query").locator("textarea, input").first.fill("")
        search(page, ABSTRACTS[n])
        row = page.locator("#papers-results li", has_text=words[:12]).first
        row.locator("a").click()
        page.locator("#paper-view h3", has_text=words[:12]).wait_for()
        assert "Mallory, Eve" in page.locator("#paper-view dl").inner_text()
    assert page.locator("#papers img, #papers script, #papers [onerror], #papers a[href^='javascript']").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("page", [PHONE, {"color_scheme": "dark"}], indirect=True, ids=["phone", "dark"])
def test_it_fits_a_phone_and_the_dark(page: Page) -> None:
    drawn_map(page)
    page.locator("#papers-results a").nth(1).click()
    page.locator("#paper-view .paper").wait_for()

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    ink, ground = (
        page.locator("#map-frame canvas").evaluate(f"canvas => getComputedStyle(canvas).{name}")
        for name in ("color", "backgroundColor")
    )
    light = [sum(int(part) for part in colour[4:-1].split(",")[:3]) for colour in (ink, ground)]
    assert (light[0] > light[1]) == page.evaluate("document.body.classList.contains('dark')")


def test_the_keyboard_reaches_papers_and_the_map(page: Page) -> None:
    link = page.locator("#papers-results a").first
    link.focus()
    page.keyboard.press("Enter")
    page.locator("#paper-view .paper").wait_for()
    canvas = drawn_map(page)
    paper = link.get_attribute("href").split("/")[1]  # type: ignore[union-attr]
    before = canvas.evaluate("(canvas, paper) => canvas.placeOf(paper)", paper)
    canvas.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")

    assert canvas.evaluate("(canvas, paper) => canvas.placeOf(paper)", paper) != before
