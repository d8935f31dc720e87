"""What a model gets to read: the sentences that matter, within a budget of tokens, each paper under a fixed mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.answering.citations import shorten
from assistant.records import Hit, Paper, SentenceHit
from assistant.text.prompt_injection import is_order

# Set on the `choose` half and further development questions by benchmarks/context.py.
PAPERS = 8            # that sentences are taken from
OF_PAPER = 1.2        # weight of a paper's score beside that of its sentence
TITLE_CHARS = 80
HEAD_TOKENS = 6       # mark and line ends around a paper


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of one paper."""

    mark: int
    paper: Paper
    sentences: tuple[SentenceHit, ...]  # in reading order

    @property
    def title(self) -> str | None:
        """The title, shortened; None where there is none, or where it is an order to the reader."""
        title = self.paper.title
        return None if title is None or is_order(title) else shorten(title, TITLE_CHARS)

    @property
    def text(self) -> str:
        """The sentences; what is left out between them is shown as an ellipsis."""
        parts = []
        end = None
        for sentence in self.sentences:
            if end is not None and self.paper.abstract[end:sentence.start].strip():
                parts.append("…")
            parts.append(sentence.text)
            end = sentence.end
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Context:
    """Excerpts, best evidence first; their marks are 1, 2, 3 …"""

    excerpts: tuple[Excerpt, ...]

    def paper(self, mark: int) -> Paper | None:
        """The paper under a mark."""
        return self.excerpts[mark - 1].paper if 1 <= mark <= len(self.excerpts) else None

    def best_sentence(self, paper_id: str) -> SentenceHit:
        """The sentence of a paper that meets the question best."""
        excerpt = next(excerpt for excerpt in self.excerpts if excerpt.paper.paper_id == paper_id)
        return max(excerpt.sentences, key=lambda sentence: sentence.score)

    @property
    def shown(self) -> list[tuple[int, str | None, str]]:
        """(mark, title, sentences) of each, as `assistant.writing.prompts` takes them."""
        return [(excerpt.mark, excerpt.title, excerpt.text) for excerpt in self.excerpts]


def choose(hits: Sequence[Hit], *, budget: int, count: Callable[[str], int]) -> Context:
    """The best sentences of the best papers that fit.

    Args:
        hits: best first; a paper that comes twice counts by its first.
        budget: tokens, of sentences and titles together.
        count: tokens of a text.
    """
    unique = list({hit.paper.paper_id: hit for hit in reversed(hits)}.values())[::-1][:PAPERS]
    ranked = sorted(
        ((sentence.score + OF_PAPER * hit.score, at, sentence) for at, hit in enumerate(unique)
         for sentence in hit.sentences),
        key=lambda found: (-found[0], found[1], found[2].start),
    )
    chosen: dict[int, list[SentenceHit]] = {}  # position of the paper -> sentences, papers by their best one
    left = budget
    for _, at, sentence in ranked:
        title = shorten(unique[at].paper.title or "", TITLE_CHARS)
        cost = count(sentence.text) + 1 + (0 if at in chosen else count(title) + HEAD_TOKENS)
        if cost <= left:
            left -= cost
            chosen.setdefault(at, []).append(sentence)
    return Context(tuple(
        Excerpt(mark, unique[at].paper, tuple(sorted(sentences, key=lambda sentence: sentence.start)))
        for mark, (at, sentences) in enumerate(chosen.items(), 1)
    ))
