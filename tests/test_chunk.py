"""Where sentences end, and how they are packed into windows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.records import Chunk, Paper
from ingest.chunk import chunk, chunk_text, heading
from ingest.clean import clean_abstract, clean_title
from ingest.parse import read_records
from ingest.sentences import split_sentences

SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))


def pieces(text: str) -> NDArray[Any]:
    """A stand-in for word pieces: up to five letters, or one other sign."""
    spans = [found.span() for found in re.finditer(r"\w{1,5}|[^\w\s]", text)]
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def paper(abstract: str, title: str | None = None) -> Paper:
    return Paper("p", title, abstract, abstract)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def check(source: Paper, chunks: tuple[Chunk, ...], max_tokens: int) -> None:
    """What holds for every cut: exact text, in order, nothing lost, nothing twice, every window fits."""
    head = heading(source.title, token_offsets=pieces, max_tokens=max_tokens)
    end = 0
    for position, part in enumerate(chunks):
        assert (part.chunk_id, part.paper_id, part.position) == (f"p:{position}", "p", position)
        assert part.text == source.abstract[part.start:part.end]
        assert part.text.strip() == part.text != ""
        assert source.abstract[end:part.start].strip() == ""
        assert len(pieces(chunk_text(part, head))) <= max_tokens
        end = part.end
    assert source.abstract[end:].strip() == ""


@pytest.mark.parametrize("text", [
    "We edit facts.| It works.",
    "We test models (e.g. GPT-J), i.e. T5 vs. BERT, cf. Fig. 3 and Eq. 2.| Both win.",
    "Few-shot learning (Brown et al. 2020) which does not adapt is cheap, as Meng et al. show.| It is so.",
    "This follows Meng et al.| We extend it.",
    "It has 1.5 billion weights and v2.0.1 of GPT-3.5.| We use it.",
    "It surpasses GPT-J.| We release code.| See https://github.com/a.b/c.| The end is near.",
    "Is it real?| We think so!| Why... not?",
    "We mask, crop, etc. with care.| We add T5, BERT, etc.| Building on this, we go on.",
    "There are two: (1) a fast one; (2) a slow one (2 ms).| Both help.",
    "Our findings: 1) One is small. |2) Two is large.",
    'They ask "What is X? Who knows?" and stop.| "It works."| We agree.',
    "We ran it (see Sec. 2. We did it twice.) and stopped.| Done here.",
    "The result of J. Smith stands.| mT5 is better.| k-NN is worse.",
    "The U.S. Army paid.| We thank the U.S.| The rest is ours.",
    "It takes 10 ms.| We gain 5 p.p. further.| It ranks No. 1 of all.",
    "1. Introduction to it.| 2. Results of it.",
    "Yes. It does work.| It took 2 h. No.",
    "我们提出一种方法，效果很好。|它很快，而且不需要训练！",
    "", "   ", "no full stop at all",
])
def test_sentences_end_where_a_reader_ends_them(text: str) -> None:
    assert sentences(text.replace("|", "")) == [part.strip() for part in text.split("|") if part.strip()]


def test_the_sentences_of_the_seeds_are_whole() -> None:
    records = [record for seed in SEEDS for record in read_records(seed).records]
    abstracts = [clean_abstract(record.text, record.title) for record in records]

    found = [sentence for abstract in abstracts for sentence in sentences(abstract)]

    assert len(found) == 2793
    assert min(map(len, found)) == 26
    assert [sentence for sentence in found if not re.match(r"[\"'(]*[A-Z0-9]", sentence)] == []


BITS = ["A", "b", ".", ". ", "? ", "(", ")", '"', " ", "e.g. ", "3.5", "。", "\n", "…", "é"]


@given(st.lists(st.sampled_from(BITS), max_size=40).map("".join))
def test_sentences_cover_everything_but_space_in_order(text: str) -> None:
    end = 0
    for start, stop in split_sentences(text):
        assert start < stop
        assert text[end:start].strip() == ""
        assert text[start:stop] == text[start:stop].strip()
        end = stop
    assert text[end:].strip() == ""


def test_an_abstract_that_fits_is_one_chunk() -> None:
    text = "We edit facts. It works."

    assert chunk(paper(text), token_offsets=pieces, max_tokens=8) == (Chunk("p:0", "p", 0, 0, 24, text),)


def test_sentences_are_packed_whole_and_evenly() -> None:
    # Four sentences of 4 pieces: filled from the left they would be 3 + 1.
    text = "One two six. One two six. One two six. One two six."

    chunks = chunk(paper(text), token_offsets=pieces, max_tokens=12)

    assert [(part.start, part.end) for part in chunks] == [(0, 25), (26, 51)]


def test_the_title_takes_its_room_in_the_first_chunk() -> None:
    text = "One two six. One two six. One two six."
    titled = paper(text, "Some short title")

    chunks = chunk(titled, token_offsets=pieces, max_tokens=12)

    assert [part.text for part in chunks] == ["One two six.", "One two six. One two six."]
    assert chunk_text(chunks[0], titled.title or "") == "Some short title\nOne two six."
    assert chunk_text(chunks[1], titled.title or "") == "One two six. One two six."


def test_a_title_longer_than_half_the_window_is_cut_at_a_word() -> None:
    title = "One two three four five six"

    assert heading(title, token_offsets=pieces, max_tokens=12) == title
    assert heading(title, token_offsets=pieces, max_tokens=9) == "One two three four"
    assert heading("Incomprehensibilities", token_offsets=pieces, max_tokens=4) == "Incomprehe"
    assert heading(None, token_offsets=pieces, max_tokens=8) == ""
    source = paper("One two six. One two six.", title)
    check(source, chunk(source, token_offsets=pieces, max_tokens=8), 8)


def test_a_long_sentence_is_cut_between_words() -> None:
    source = paper("one two three four five six seven eight nine ten.")

    chunks = chunk(source, token_offsets=pieces, max_tokens=8)

    assert [part.text for part in chunks] == ["one two three four five six", "seven eight nine ten."]


def test_a_word_longer_than_the_window_is_cut_inside() -> None:
    source = paper("We saw " + "a" * 5000 + " once. It was long.")

    chunks = chunk(source, token_offsets=pieces, max_tokens=100)

    check(source, chunks, 100)
    assert len(chunks) == 11


def test_pieces_that_multiply_out_of_context_still_fit() -> None:
    def greedy(text: str) -> NDArray[Any]:  # a text that does not begin with a capital costs one more
        spans = pieces(text)
        extra = spans[:1] if text[:1].islower() else spans[:0]
        return np.concatenate((extra, spans))

    source = paper("One two three four five six seven eight nine ten eleven twelve.")
    chunks = chunk(source, token_offsets=greedy, max_tokens=8)

    assert all(len(greedy(part.text)) <= 8 for part in chunks)
    check(source, chunks, 8)


def test_an_empty_abstract_has_no_chunk_and_a_tiny_window_is_refused() -> None:
    assert chunk(paper(""), token_offsets=pieces, max_tokens=8) == ()
    with pytest.raises(ValueError, match="max_tokens is 7; a window needs at least 8"):
        chunk(paper("One."), token_offsets=pieces, max_tokens=7)


@pytest.mark.parametrize(("max_tokens", "count"), [(16, 9103), (64, 2721), (254, 680), (10_000, 334)])
def test_the_seeds_are_chunked_without_loss(max_tokens: int, count: int) -> None:
    papers = [paper(clean_abstract(record.text, record.title), clean_title(record.title or "") or None)
              for seed in SEEDS for record in read_records(seed).records]

    cut = [chunk(source, token_offsets=pieces, max_tokens=max_tokens) for source in papers]

    for source, chunks in zip(papers, cut, strict=True):
        check(source, chunks, max_tokens)
    assert sum(map(len, cut)) == count


@given(st.text(alphabet=st.sampled_from("aB. é(\u4e2d"), max_size=300), st.integers(8, 40),
       st.one_of(st.none(), st.text(alphabet="ab c", max_size=60).map(str.strip)))
def test_any_text_is_chunked_without_loss(text: str, max_tokens: int, title: str | None) -> None:
    source = paper(" ".join(text.split()), title)

    check(source, chunk(source, token_offsets=pieces, max_tokens=max_tokens), max_tokens)
