"""Quotes, marks and offsets hold for any text, whatever its characters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assistant import Paper, Source
from assistant.answering.citations import is_verbatim, quoted, with_marks

TEXTS = st.text(min_size=1, max_size=60).filter(lambda text: text.strip())
EDITING = Paper("0" * 20, "Editing", "We edit facts. It works. It is fast.", "", (Source("a.txt", 3),))
PLACES = {"first": (0, 14), "second": (15, 24), "third": (25, 36)}


@st.composite
def shown(draw: st.DrawFn) -> list[tuple[Paper, int, int]]:
    """Spans of a few papers of random text, in any order, with repeats."""
    papers = [
        Paper(f"{number:020x}", None, text, text, (Source("a.txt", number + 1),))
        for number, text in enumerate(draw(st.lists(TEXTS, min_size=1, max_size=4)))
    ]
    places = []
    for _ in range(draw(st.integers(1, 6))):
        paper = draw(st.sampled_from(papers))
        start = draw(st.integers(0, len(paper.abstract) - 1))
        places.append((paper, start, draw(st.integers(start + 1, len(paper.abstract)))))
    return places


@given(shown())
def test_every_quote_stands_at_its_offsets_and_holds_its_sentences(places: list[tuple[Paper, int, int]]) -> None:
    sentences, citations = quoted(places)

    papers = {paper.paper_id: paper for paper, _, _ in places}
    by_mark = {citation.mark: citation for citation in citations}
    assert all(is_verbatim(citation, papers[citation.paper_id]) for citation in citations)
    for sentence, (paper, start, end) in zip(sentences, places, strict=True):
        (mark,) = sentence.marks
        cited = by_mark[mark]
        assert sentence.text == paper.abstract[start:end]
        assert cited.paper_id == paper.paper_id and cited.start <= start < end <= cited.end


@given(shown())
def test_marks_are_numbered_in_order_of_appearance_and_only_cited_sources_are_listed(
    places: list[tuple[Paper, int, int]]
) -> None:
    sentences, citations = quoted(places)

    first_seen = list(dict.fromkeys(mark for sentence in sentences for mark in sentence.marks))
    assert first_seen == [citation.mark for citation in citations] == list(range(1, len(citations) + 1))


@given(shown())
def test_the_text_has_every_sentence_in_order_each_followed_by_its_mark(places: list[tuple[Paper, int, int]]) -> None:
    sentences, _ = quoted(places)

    assume(not any("[" in sentence.text for sentence in sentences))
    rest = with_marks(sentences)
    for sentence in sentences:
        assert rest.startswith(sentence.text)
        rest = rest.removeprefix(sentence.text).removeprefix(f" [{sentence.marks[0]}]").removeprefix(" ")
    assert rest == ""


def test_neighbours_shown_one_after_the_other_share_one_mark() -> None:
    sentences, citations = quoted([(EDITING, *PLACES["first"]), (EDITING, *PLACES["second"])])

    assert with_marks(sentences) == "We edit facts. It works. [1]"
    assert [(citation.start, citation.end, citation.quote) for citation in citations] == [
        (0, 24, "We edit facts. It works.")
    ]


@pytest.mark.parametrize("order", [("first", "third"), ("second", "first"), ("third", "second")])
def test_sentences_apart_or_out_of_order_have_marks_of_their_own(order: tuple[str, str]) -> None:
    sentences, citations = quoted([(EDITING, *PLACES[name]) for name in order])

    assert [sentence.marks for sentence in sentences] == [(1,), (2,)]
    assert len(citations) == 2


def test_neighbouring_offsets_of_different_papers_are_not_merged() -> None:
    other = replace(EDITING, paper_id="1" * 20)

    assert len(quoted([(EDITING, *PLACES["first"]), (other, *PLACES["second"])])[1]) == 2
