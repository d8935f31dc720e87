"""What the page shows of an answer: plain functions from values to escaped HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from assistant import Answer, Citation, ListItem, Nearest, Source
from assistant.conversation.history import Feedback, Saved
from assistant.records import AnswerSentence, Compared, Paper, Turn
from assistant.ui.page.entries import Halted, Pending
from assistant.ui.page.shown.answer import beginning, body, conversation, entry_html, turn_html
from assistant.ui.page.shown.cited import cited
from assistant.ui.page.shown.escape import link, text
from assistant.ui.page.shown.prose import prose, written
from assistant.ui.page.shown.saved import saved_list
from assistant.ui.page.shown.tables import AT_FIRST, LONGEST

EVIL = "<img src=x onerror=alert(1)> \" ' & </article> <!-- \ud800"
SOURCE = (Source("a.txt", 3),)


def citation(mark: int, quote: str = "Quote.", paper: str = "p", **more: str) -> Citation:
    return Citation(mark, paper, more.get("title", f"Paper {paper}"), SOURCE, quote, 0, len(quote), more.get("url"))


class Words(HTMLParser):
    """The text of some HTML, and its tags; fails where they do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words, self.tags, self._open = "", [], []  # type: ignore[var-annotated]
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_each_sentence_has_its_sign_and_its_marks() -> None:
    shown = prose(
        "A is. [1] B is. C may be. [2]",
        (AnswerSentence("A is.", (1,), True), AnswerSentence("B is.", (), False),
         AnswerSentence("C may be.", (2,), False)),
        (citation(1), citation(2)),
    )

    assert re.findall(r"A is\.</bdi><span class=\"(check[^\"]*)\"", shown) == ["check"]
    assert re.findall(r"C may be\.</bdi><span class=\"(check[^\"]*)\"", shown) == ["check not"]
    assert [tag[1]["data-mark"] for tag in Words(shown).tags if tag[0] == "button"] == ["1", "2"]
    assert Words(shown).words == "A is.checked1 B is. C may be.not checked2"


def test_a_notice_before_an_answer_is_a_paragraph_of_its_own() -> None:
    shown = prose("(I took “Primr” for Primer.) (No answer from openai (gone).) It saves.", (), ())

    assert re.findall(r'<p class="notice" role="note">(.*?)</p>', shown) == [
        "I took “Primr” for Primer.", "No answer from openai (gone).",
    ]
    assert shown.endswith("<p>It saves.</p>")


def test_what_is_being_written_is_text() -> None:
    assert written("A <b> [12]") == 'A &lt;b&gt; <span class="mark">12</span>'


def listed(count: int) -> Answer:
    items = tuple(
        ListItem(f"p{n}", f"M{n}", f"Title {n}", n, f"Quote {n}.", 0, 8, SOURCE) for n in range(1, count + 1)
    )
    return Answer(
        "1", "which?", "list", f"{count} of 999 papers match:\n1. M1 …", items=items, considered=999, matched=count,
        citations=tuple(citation(n, f"Quote {n}.", f"p{n}") for n in range(1, count + 1)),
        near_misses=(Nearest("q", "Near", "Nearly.", SOURCE, 0.4),),
    )


def test_a_list_is_a_table_with_what_was_looked_at_and_what_just_missed() -> None:
    shown = Words(body(listed(2)))

    assert [tag for tag, _ in shown.tags].count("tr") == 3
    assert "2 of 999 papers match" in shown.words
    assert "Looked at 999 papers." in shown.words
    assert "Just under the cut: 1 paper" in shown.words
    assert "Show all" not in shown.words


@pytest.mark.parametrize(("count", "rows", "more"), [
    (AT_FIRST + 1, AT_FIRST + 1, f"Show all {AT_FIRST + 1}"),
    (LONGEST + 7, LONGEST, f"Show all {LONGEST} An export has all {LONGEST + 7}."),
])
def test_a_long_list_is_folded_and_a_very_long_one_is_cut_and_says_so(count: int, rows: int, more: str) -> None:
    shown = Words(body(listed(count)))
    lines = [attributes for tag, attributes in shown.tags if tag == "tr"][1:]

    assert len(lines) == rows
    assert ["hidden" in line for line in lines] == [number >= AT_FIRST for number in range(rows)]
    assert more in shown.words


def test_a_comparison_has_a_column_for_each_thing_and_its_figures() -> None:
    answer = Answer(
        "1", "A or B?", "compare", "(I took “a” for A.) A: A does. [1]\nB: B does 9%. [2]",
        sentences=(AnswerSentence("A does.", (1,), True), AnswerSentence("B does 9%.", (2,), True)),
        citations=(citation(1, paper="p"), citation(2, paper="q")),
        table=(Compared("A", "p", "Paper p", (1,), ()), Compared("B", "q", "Paper q", (2,), ("9%",))),
    )

    rows = re.findall(r"<tr>(.*?)</tr>", body(answer))
    assert [Words(row).words for row in rows] == [
        "AB", "PaperPaper pa.txt:3Paper qa.txt:3", "SaysA does.checked1B does 9%.checked2", "Figures–9%",
    ]
    assert "I took “a” for A." in body(answer)


def test_a_refusal_says_why_and_what_came_nearest() -> None:
    answer = Answer(
        "1", "who?", "fact", "I cannot answer that: abstracts do not say.", abstained=True,
        reason="abstracts do not say", nearest=(Nearest("p", None, "Primer is small.", SOURCE, -0.2),),
    )

    shown = Words(body(answer))
    assert shown.words == (
        "Not answered. Abstracts do not say.Nearest in the collection(untitled) Primer is small. Primer is small. "
        "a.txt:3 similarity 0.00"
    )
    assert 'class="said refusal"' in body(answer)


def test_foreign_text_is_text_wherever_it_stands() -> None:
    near = Nearest(EVIL, EVIL, EVIL, (Source(EVIL, 1),), 0.5)
    found = replace(citation(1, EVIL, EVIL, title=EVIL, url="javascript:alert(1)"), sources=near.sources)
    item = ListItem(EVIL, EVIL, EVIL, 1, EVIL, 0, 3, near.sources)
    plain = Answer(
        EVIL, EVIL, "fact", f"({EVIL}) {EVIL} [1]", citations=(found,), nearest=(near,), backend=EVIL, trace=(EVIL,),
        sentences=(AnswerSentence(EVIL, (1,), True),),
    )
    turns = [
        Turn(EVIL, EVIL, answer) for answer in (
            plain, replace(plain, items=(item,), near_misses=(near,)), replace(plain, abstained=True, reason=EVIL),
            replace(plain, table=(Compared(EVIL, EVIL, EVIL, (1,), (EVIL,)),)),
        )
    ]
    paper = Paper(EVIL, EVIL, EVIL, EVIL, near.sources, authors=(EVIL,))
    pieces = [
        conversation(turns, rated=True, feedback={1: Feedback(True, EVIL)}, trace=True), cited(paper, 2, 9),
        entry_html(Pending(EVIL, EVIL), 1), entry_html(Halted(EVIL, EVIL, EVIL, failed=True), 1), beginning(3, [EVIL]),
        saved_list([Saved(EVIL, EVIL, 1, "2026", "2026")], current=None),
    ]

    for shown in map(Words, pieces):
        assert {tag for tag, _ in shown.tags}.isdisjoint({"img", "script", "a", "svg"})
        assert not any(name.startswith("on") for _, attributes in shown.tags for name in attributes)
        assert "<img src=x onerror=alert(1)>" in shown.words
        assert "\ud800" not in shown.words


def test_only_addresses_of_the_web_are_links() -> None:
    assert link("https://a.org/b?c=1&d", "code") == (
        '<a href="https://a.org/b?c=1&amp;d" target="_blank" rel="noopener noreferrer nofollow">code</a>'
    )
    for address in ("javascript:alert(1)", "data:text/html,x", "//a.org", "https://a.org/ x", 'https://a"x', None):
        assert link(address, "<code>") == "&lt;code&gt;"


def test_what_turns_the_direction_of_text_is_left_out() -> None:
    assert text("a\u202eb\x00c\u2066d\n") == "abcd\n"


def test_a_paper_is_shown_with_the_quoted_words_marked_and_its_links() -> None:
    paper = Paper("p", "T", "One. Two at https://a.org/b. Three.", "", SOURCE, authors=("Ann",), year=2020)

    shown = cited(paper, 5, 28, relevance=0.5, rank=2)
    assert '<mark tabindex="-1">Two at https://a.org/b.</mark> Three.' in shown
    assert "Ann, 2020" in shown
    assert 'href="https://a.org/b"' in shown
    assert "0.50, number 2 for this question" in shown
    assert "<mark" not in cited(paper, 5, 999)
    assert "<mark" not in cited(paper, -1, 3)


def test_what_was_thought_of_an_answer_is_shown_where_it_can_be_kept() -> None:
    turn = Turn("q", "q", Answer("1", "q", "fact", "A."))

    pressed = re.findall(r'aria-pressed="(\w+)"', turn_html(turn, 1, rated=True, feedback=Feedback(False, "no")))
    assert pressed == ["false", "true"]
    assert "aria-pressed" not in turn_html(turn, 1)
