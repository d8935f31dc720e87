"""Lists with a language model: it judges every candidate in batches, and shows each with a quote that is looked up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assistant.answering.citations import Marks
from assistant.answering.items import item, line
from assistant.answering.method_names import method_name
from assistant.backends.base import Backend
from assistant.backends.counting import count_prompt, count_tokens
from assistant.backends.messages import Message, Reply
from assistant.query.parse import Question
from assistant.records import Answer, AnswerSentence, Hit, ListItem, SentenceHit
from assistant.retrieval.retriever import Retriever
from assistant.writing import prompts
from assistant.writing.calls import Calls
from assistant.writing.context import Excerpt, choose
from assistant.writing.fallback import cut_off, failure, quoted
from assistant.writing.reply import find_json

if TYPE_CHECKING:
    from assistant.writing.stream import Pieces

BATCH = 8               # papers a call
AT_ONCE = 4             # calls side by side
OF_PAPER_TOKENS = 180   # of one candidate's sentences and title
LEAST_QUOTE = 12        # characters of a quote, below which it proves nothing
CHANCE = 0.8            # of an item a model judged to fit, with a verified quote; not calibrated


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper to be judged."""

    hit: Hit
    excerpt: Excerpt


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model says of one candidate."""

    fits: bool
    proof: SentenceHit | None   # the sentence its quote stands in; None if it stands in none


def judged_list(question: Question, draft: Answer, retriever: Retriever, calls: Calls, *, most: int) -> Pieces:
    """A list answer whose members a model has judged; what it does not judge stays as quoting found it.

    Args:
        draft: the extractive answer; its items are always among the candidates.
        most: candidates at most, so that the calls are bounded.
    """
    backend = calls.backend
    found = retriever.collection.read(lambda: list(candidates(question, draft, retriever, backend, most=most)))
    if not found:
        yield from quoted(draft, "no model asked: no candidates")
        return
    batches = [found[at:at + BATCH] for at in range(0, len(found), BATCH)]
    asked = [
        prompts.judging(question.text, [(n, one.excerpt.title, one.excerpt.text) for n, one in enumerate(batch, 1)])
        for batch in batches
    ]
    trace = [_plan(asked, len(found), backend)]
    judged: dict[str, Judgement] = {}
    failures: list[str] = []
    for batch, reply in zip(batches, calls.gather(asked, schema=prompts.JUDGEMENTS, at_once=AT_ONCE), strict=True):
        if isinstance(reply, Reply):
            read = dict(read_judgements(reply.text, batch))
            judged |= read
            if len(read) < len(batch) and reply.finish == "length":
                failures.append(cut_off(backend.name))
                trace.append(f"{len(batch) - len(read)} candidates were cut off a reply")
            elif not read:
                failures.append(f"A reply of {backend.name} could not be read")
                trace.append("one reply could not be read as judgements")
            elif len(read) < len(batch):
                trace.append(f"{len(batch) - len(read)} candidates were left out of a reply")
        else:
            failures.append(failure(reply, backend.name))
            trace.append(str(reply))
    if calls.stopped:
        return
    notice = ""
    if failures:
        notice = (
            f"({failures[0]}; {len(failures)} of {len(batches)} calls failed, and those papers are listed as "
            "quoting finds them.) "
        )
    if not judged:
        text = notice + draft.text
        yield text
        yield replace(draft, text=text, trace=(*draft.trace, *trace), **_used(draft, calls))
        return
    answer = retriever.collection.read(lambda: _listed(question, draft, retriever, found, judged, trace))
    answer = replace(answer, text=notice + answer.text, backend=backend.name, **_used(draft, calls))
    yield answer.text
    yield answer


def candidates(
    question: Question, draft: Answer, retriever: Retriever, backend: Backend, *, most: int
) -> Iterator[Candidate]:
    """What is judged: the extractive answer's items first, then the best of the ranking that meet the hard names."""
    query = retriever.query(question.positive or question.text, topic=question.topic or None)
    listed = [entry.paper_id for entry in draft.items]
    named = [retriever.with_name(name.key) for name in question.hard]
    wanted = set.union(*named) if named and question.any_of else set.intersection(*named) if named else None
    among = sorted(wanted | set(listed)) if wanted is not None else None
    ranking = retriever.rank(query, candidates=max(most, 2), among=among)
    places = {paper: at for at, paper in enumerate(ranking.paper_ids())}
    first = [paper for paper in listed if paper in places]
    chosen = dict.fromkeys((*first, *places))
    for paper in list(chosen)[:most]:
        hit = ranking.hit(places[paper])
        if hit.sentences:
            context = choose([hit], budget=OF_PAPER_TOKENS, count=lambda text: count_tokens(text, backend.model))
            if context.excerpts:
                yield Candidate(hit, context.excerpts[0])


def read_judgements(text: str, batch: Sequence[Candidate]) -> Iterator[tuple[str, Judgement]]:
    """(paper_id, judgement) of each candidate a reply judges; the first one counts, what cannot be read is skipped."""
    seen: set[int] = set()
    for entry in _entries(text):
        number, fits, quote = entry.get("id"), entry.get("fits"), entry.get("quote")
        if isinstance(number, str) and number.strip(" []").isdigit():
            number = int(number.strip(" []"))
        if isinstance(fits, str):
            fits = fits.strip().casefold() in ("true", "yes")
        if not isinstance(number, int) or not isinstance(fits, bool) or not 1 <= number <= len(batch) or number in seen:
            continue
        seen.add(number)
        hit = batch[number - 1].hit
        yield hit.paper.paper_id, Judgement(fits, find_quote(quote, hit) if isinstance(quote, str) else None)


def find_quote(quote: str, hit: Hit) -> SentenceHit | None:
    """The sentence of a paper that a quote stands in, word for word; None if it stands in none.

    Case, blanks, quotation marks and a cut beginning or end do not matter; words, numbers and their order do.
    """
    wanted = _normal(quote)
    if len(wanted) < LEAST_QUOTE:
        return None
    for sentence in hit.sentences:
        there = _normal(sentence.text)
        if wanted in there or (there in wanted and wanted in _normal(hit.paper.abstract)):
            return sentence
    return None


def _listed(
    question: Question, draft: Answer, retriever: Retriever, found: Sequence[Candidate],
    judged: dict[str, Judgement], trace: list[str],
) -> Answer:
    by_quoting = {entry.paper_id: entry for entry in draft.items}
    marks, items, unproven = Marks(), [], 0
    citations = {citation.mark: citation for citation in draft.citations}
    for one in found:
        paper = one.hit.paper
        verdict = judged.get(paper.paper_id)
        quoted = by_quoting.get(paper.paper_id)
        if verdict is not None and not verdict.fits:
            continue
        if verdict is not None and verdict.proof is not None:
            name = quoted.name if quoted else method_name(
                paper, papers_with=retriever.collection.store.name_counts)
            items.append(item(one.hit, marks, proof=verdict.proof, name=name))
        elif quoted is not None:  # not judged, or judged to fit by a quote that is none
            items.append(replace(quoted, mark=marks.add(citations[quoted.mark])))
        elif verdict is not None:
            unproven += 1
    if unproven:
        trace.append(f"{unproven} judged to fit without a verbatim quote: left out")
    considered = max(draft.considered, len(found))
    return list_answer(question, draft, items, marks, considered=considered, confidence=CHANCE, trace=trace)


def list_answer(
    question: Question, draft: Answer, items: Sequence[ListItem], marks: Marks, *, considered: int, confidence: float,
    trace: Sequence[str],
) -> Answer:
    """These items as an answer."""
    head = f"{len(items)} of {considered} papers {'matches' if len(items) == 1 else 'match'}" + (":" if items else ".")
    none = "no paper of the collection fits"
    refused = not items and not question.hard
    text = f"I cannot answer that: {none}." if refused else "\n".join(
        [head, *(f"{number}. {line(entry)}" for number, entry in enumerate(items, 1))]
    )
    return replace(
        draft, text=text, kind=draft.kind if draft.kind == "count" else "list", items=tuple(items),
        sentences=tuple(AnswerSentence(entry.quote, (entry.mark,), checked=True) for entry in items),
        citations=marks.citations(), considered=considered, matched=len(items), abstained=refused,
        reason=none if refused else None, nearest=draft.nearest if refused else (), confidence=confidence,
        trace=(*draft.trace, *trace),
    )


def _plan(asked: Sequence[Sequence[Message]], count: int, backend: Backend) -> str:
    """What will be asked, said before it is."""
    prompt = sum(count_prompt(messages, backend.model) for messages in asked)
    replies = len(asked) * backend.max_tokens
    cost = getattr(backend, "prices", None) and backend.prices.cost(prompt, replies)  # type: ignore[attr-defined]
    return (
        f"{backend.name}: {count} candidates in {len(asked)} calls, {min(AT_ONCE, len(asked))} at once, {prompt:,} "
        f"tokens to read and at most {replies:,} to write" + (f", at most {cost:.4f}" if cost is not None else "")
    )


def _used(draft: Answer, calls: Calls) -> dict[str, Any]:
    return {
        "tokens": calls.tokens, "cost": calls.cost,
        "timings": {**draft.timings, "model": round(calls.waited_s * 1000, 1)},
    }


def _entries(text: str) -> Iterator[dict[str, Any]]:
    """The judgements in a reply: of a list, of an object with a list, or of what is whole in a broken one."""
    found = find_json(text)
    if isinstance(found, dict) and "id" not in found:
        found = next((value for value in found.values() if isinstance(value, list)), None)
    if not isinstance(found, list):
        found = [find_json(part) for part in re.findall(r"\{[^{}]*\}", text)]
    yield from (entry for entry in found if isinstance(entry, dict))


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    text = text.translate({ord(c): "" for c in "\"“”„«»'‘’`…"}).replace("...", "")
    return " ".join(text.split()).strip(" .,;:")
