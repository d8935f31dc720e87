"""The answerer that lets a language model write, and shows of it what the papers bear out.

``extractive answer + hits → context → model → sentences → check → Answer``. The extractive answer is there first: it
says what kind of answer is due, and it is what the user gets when the model fails.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from assistant.answering.items import gives_list
from assistant.answering.routing import is_by_name
from assistant.backends.counting import count_prompt, count_tokens
from assistant.backends.messages import BackendError, Message
from assistant.query.parse import Question
from assistant.records import Answer, Hit
from assistant.retrieval.retriever import Retriever
from assistant.writing import prompts
from assistant.writing.calls import Calls
from assistant.writing.context import PAPERS, Context, choose
from assistant.writing.fallback import quoted
from assistant.writing.gate import Gate, Judged
from assistant.writing.judging import judged_list
from assistant.writing.reply import Reader, Written, read_reply
from assistant.writing.shown import Shown

if TYPE_CHECKING:
    from assistant.checking.check import Checker
    from assistant.writing.stream import Pieces

NOTHING_NEAR = 0.2      # cosine of the best paper below which a model is not asked, unless a name is known
MOST_FAILED = 12        # in one reply, after which the call ends
MOST_READ = 40          # sentences of one reply, whatever becomes of them
LEAST_BUDGET = 200      # tokens of excerpts, however long the question is

Unsupported = Literal["drop", "flag", "repair"]


@dataclass(frozen=True, slots=True)
class Task:
    """One question, ready to be answered."""

    question: Question
    original: str        # as the user put it; searched too where it differs
    draft: Answer        # what quoting gives
    settled: str = ""    # why a model has nothing to add to it, where that is known


class Generative:
    """Answers with a language model, through one retriever. Every sentence is checked before it is shown.

    Args:
        prompt_tokens: longest prompt of a question that is not about a list.
        unsupported: what becomes of sentences the papers do not bear out: dropped, shown with a flag, or asked for
            once more and then dropped.
        candidates: papers each first-stage ranker proposes.
    """

    def __init__(
        self, retriever: Retriever, checker: Checker, *, prompt_tokens: int, unsupported: Unsupported, candidates: int,
        list_candidates: int,
    ) -> None:
        self._retriever = retriever
        self._checker = checker
        self._prompt_tokens = prompt_tokens
        self._unsupported = unsupported
        self._candidates = candidates
        self._list_candidates = list_candidates

    def write(self, task: Task, calls: Calls) -> Pieces:
        """Pieces of the text, each checked, then the answer; never raises for what the model does.

        After ``calls.stop`` it ends without an answer.
        """
        why_not = settled(task)
        if why_not:
            yield from quoted(task.draft, f"no model asked: {why_not}")
        elif task.draft.kind in ("list", "count") or gives_list(task.draft):
            yield from judged_list(
                task.question, task.draft, self._retriever, calls, most=self._list_candidates,
            )
        else:
            yield from self._prose(task, calls)

    def context(self, task: Task, model: str) -> tuple[Context, list[Hit]]:
        """What the model gets to read, and the hits it is from."""
        texts = dict.fromkeys((task.question.corrected, task.original))
        found: list[list[Hit]] = []
        for text in texts:
            query = self._retriever.query(text, names=task.question.keys)
            found.append(self._retriever.search(query, limit=PAPERS, candidates=self._candidates))
        hits = list({hit.paper.paper_id: hit for hit in _in_turn(found)}.values())
        frame = count_prompt(prompts.answering(task.question.text, ()), model)
        budget = max(self._prompt_tokens - frame, LEAST_BUDGET)
        return choose(hits, budget=budget, count=lambda text: count_tokens(text, model)), hits

    def _prose(self, task: Task, calls: Calls) -> Pieces:
        context, hits = self._retriever.collection.read(lambda: self.context(task, calls.backend.model))
        near = bool(task.question.keys) or max((hit.similarity for hit in hits), default=0.0) >= NOTHING_NEAR
        if not context.excerpts or not near:
            yield from quoted(task.draft, "no model asked: nothing in the collection is near")
            return
        asked = prompts.answering(task.question.text, context.shown)
        size = count_prompt(asked, calls.backend.model)
        shown = Shown(task.draft, [
            f"{calls.backend.name}: {len(context.excerpts)} papers, prompt of {size} tokens",
        ])
        gate = Gate(self._checker, context, self._retriever.collection)
        failed: list[Judged] = []
        error: BackendError | None = None
        reply: list[str] = []
        cut = False
        try:
            with closing(_sentences(calls, asked, reply)) as sentences:
                for number, written in enumerate(sentences):
                    cut = shown.full or len(failed) >= MOST_FAILED or number >= MOST_READ
                    if cut:
                        break
                    found = gate.judge(written)
                    yield from shown.take(found, flag=self._unsupported == "flag")
                    if found.problem:
                        failed.append(found)
            cut = cut or calls.cut
            if calls.stopped:
                return
            if failed and self._unsupported == "repair":
                yield from self._repaired(shown, gate, asked, "".join(reply), failed, calls)
        except BackendError as exc:
            error = exc
        if calls.stopped:
            return
        if error is not None or (not shown.borne_out and (cut or failed or not shown.held)):
            yield from shown.fall_back(error, calls, cut=cut and not failed)
        elif not shown.borne_out:
            yield from shown.refuse(hits, calls)
        else:
            if cut:
                yield from shown.end_here(calls)
            yield shown.answer(calls)

    def _repaired(
        self, shown: Shown, gate: Gate, asked: Sequence[Message], reply: str, failed: Sequence[Judged], calls: Calls
    ) -> Iterator[str]:
        again = prompts.repairing(asked, reply, [(found.text, found.problem or "") for found in failed])
        try:
            repaired = calls.complete(again).text
        except BackendError as error:  # what has passed stands
            shown.trace.append(f"repair failed: {error}")
            return
        for written in islice(read_reply(repaired), MOST_READ):
            found = gate.judge(written)
            shown.trace.append(f"repair: {'still ' + found.problem if found.problem else 'passed'}")
            if not found.problem and not found.claims_nothing:
                yield from shown.take(found, flag=False)


def settled(task: Task) -> str:
    """Why a model has nothing to add to the extractive answer; empty if it may have."""
    question = task.question
    if task.settled:
        return task.settled
    if question.kind in ("empty", "collection"):
        return f"the question is of the kind {question.kind}"
    if question.wants_metadata:
        return "abstracts do not give what is asked for"
    if question.unknown:
        return "a name that no paper mentions"
    if gives_list(task.draft) and is_by_name(question) and not question.exclusions:
        return "names decide the list, and they are matched exactly"
    return ""


def _sentences(calls: Calls, asked: Sequence[Message], reply: list[str]) -> Generator[Written]:
    """The sentences of a reply as they are written; its pieces are added to ``reply``."""
    reader = Reader()
    with closing(calls.stream(asked)) as pieces:
        for piece in pieces:
            reply.append(piece)
            yield from reader.push(piece)
    if not calls.stopped:
        yield from reader.end(cut=calls.cut)


def _in_turn(rankings: Sequence[Sequence[Hit]]) -> Iterator[Hit]:
    """The first of each, the second of each, and so on."""
    for rank in range(max(map(len, rankings), default=0)):
        for ranking in rankings:
            if rank < len(ranking):
                yield ranking[rank]
