"""A conversation: each question is read in the light of the turns before it, and remembered with its answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from assistant.answering.method_names import method_name
from assistant.answering.own_names import own_paper
from assistant.conversation import Reading, Turn, read_followup
from assistant.conversation.dependence import extract_features, leaning
from assistant.errors import MisuseError
from assistant.query.parse import looked_at
from assistant.records import Answer, AnswerSentence, Paper, id_of
from assistant.text.names import find_names, name_key
from assistant.writing.stream import AnswerStream, AsyncAnswerStream, Brake, Pieces

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.backends.caps import SessionCap
    from assistant.retrieval.filters import Filters

COMPLETE = ("alone", "absence", "missing")  # kinds of readings that a model has nothing to put into words of
LONGEST_REWRITE = 500  # characters
PAPERS_ASKED = 0.5     # P(a list is asked for) from which a question with a name of its own stands alone


class Dialogue:
    """One conversation with an assistant, of one user. A question waits for the answer before it to be read or closed.

    Args:
        turns: what was said before.
        remember: called with each further turn once it is answered, to save it.
        cap: what the conversation may use of a language model; default: as the settings say.
    """

    def __init__(
        self, assistant: Assistant, *, turns: Sequence[Turn] = (), remember: Callable[[Turn], None] | None = None,
        cap: SessionCap | None = None,
    ) -> None:
        self.turns: list[Turn] = list(turns)
        self._assistant = assistant
        self._remember = remember
        self._cap = cap
        self._asking = threading.Lock()
        if cap is None and assistant.settings.model_backend is not None:
            from assistant.backends.caps import SessionCap

            self._cap = SessionCap.of(assistant.settings)

    def ask(self, question: str, *, answer_id: str | None = None, filters: Filters | None = None) -> Answer:
        """The answer to the next question; see `Assistant.ask`."""
        with self.stream(question, answer_id=answer_id, filters=filters) as stream:
            for _ in stream:
                pass
            return stream.answer

    def stream(self, question: str, *, answer_id: str | None = None, filters: Filters | None = None) -> AnswerStream:
        """The same piece by piece; see `Assistant.stream`. A turn that is stopped is not remembered."""
        return AnswerStream(lambda brake: self._pieces(question, answer_id, filters, brake))

    async def aask(self, question: str, *, answer_id: str | None = None, filters: Filters | None = None) -> Answer:
        """`ask`, awaited."""
        async with self.astream(question, answer_id=answer_id, filters=filters) as stream:
            async for _ in stream:
                pass
            return stream.answer

    def astream(
        self, question: str, *, answer_id: str | None = None, filters: Filters | None = None
    ) -> AsyncAnswerStream:
        """`stream`, awaited."""
        return AsyncAnswerStream(lambda: self.stream(question, answer_id=answer_id, filters=filters))

    def reset(self) -> None:
        """Forget what was said."""
        self.turns.clear()

    def read(self, question: str) -> Reading:
        """How a question hangs together with the turns before it, told without a language model.

        Raises:
            MisuseError: the question is no text.
        """
        return read_followup(looked_at(question), self.turns, Known(self._assistant))

    def _pieces(self, question: str, answer_id: str | None, filters: Filters | None, brake: Brake) -> Pieces:
        if not self._asking.acquire(blocking=False):
            raise MisuseError(
                "the question before this one is still being answered; read its answer to the end, or close it"
            )
        try:
            reading = self.read(question)
            if reading.kind not in COMPLETE and self._assistant.settings.model_backend is not None:
                reading = self._reworded(question, reading, brake)
            for piece in self._said(question, reading, answer_id, filters, brake):
                if isinstance(piece, Answer):
                    if reading.why:
                        piece = replace(piece, trace=(f"follow-up: {reading.why}", *piece.trace))
                    turn = Turn(question, reading.text, piece)
                    self.turns.append(turn)
                    if self._remember is not None:
                        self._remember(turn)
                yield piece
        finally:
            self._asking.release()

    def _said(
        self, question: str, reading: Reading, answer_id: str | None, filters: Filters | None, brake: Brake
    ) -> Pieces:
        if reading.kind == "missing":
            return _missing(question, answer_id, reading)
        if reading.kind == "absence":
            return self._explained(question, reading, answer_id, filters)
        return self._assistant.pieces(
            reading.text, answer_id=answer_id, filters=filters, scope=reading.scope, original=question, cap=self._cap,
            brake=brake,
        )

    def _explained(self, question: str, reading: Reading, answer_id: str | None, filters: Filters | None) -> Pieces:
        """Why the last list has a paper or has not."""
        answer = self._assistant.explain_absence(
            reading.text, reading.paper, answer_id=answer_id or id_of(question), filters=filters,
            shown=reading.scope.paper_ids if reading.scope else None,
        )
        yield answer.text
        yield replace(answer, question=question)

    def _reworded(self, question: str, reading: Reading, brake: Brake) -> Reading:
        """The same with the model's words, where it gives some that add nothing of its own."""
        if reading.kind == "which" or (reading.scope and reading.scope.sides):
            return reading  # complete but for what it refers to, which the scope says
        text = self._assistant.rewrite(question, self.turns, self._cap, brake)
        if text is None or not self._only_known(text, question, reading):
            return reading
        return replace(reading, text=text, why=f"{reading.why}; put into words by the model")

    def _only_known(self, text: str, question: str, reading: Reading) -> bool:
        """Whether the names and numbers of a rewritten question come from the conversation."""
        if not text.strip() or len(text) > LONGEST_REWRITE:
            return False
        said = "\n".join([question, reading.text, *(
            part for turn in self.turns for part in (turn.question, turn.searched, turn.answer.text)
        )])
        known = {name.key for name in find_names(said)}
        numbers = set(re.findall(r"\d+", said))
        return {name.key for name in find_names(text)} <= known and set(re.findall(r"\d+", text)) <= numbers


def _missing(question: str, answer_id: str | None, reading: Reading) -> Pieces:
    """What is said of a question about something that was not listed."""
    text = f"I cannot answer that: {reading.why}."
    yield text
    yield Answer(
        answer_id or id_of(question), question, "fact", text, (AnswerSentence(text, (), checked=True),),
        abstained=True, reason=reading.why,
    )


class Known:
    """What the collection of an assistant knows, for `spoken.Knowledge`; it is kept while one question is read."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.names = cache(self._names)
        self.owner = cache(self._owner)
        self.paper = cache(self._paper)

    def _names(self, text: str) -> tuple[str, ...]:
        common = self._assistant.collection.store.is_common_noun
        return tuple(name.surface for name in self._assistant.understand(text).names if not common(name.key))

    def _owner(self, name: str) -> str | None:
        return self._assistant.collection.read(lambda: own_paper(self._assistant.retriever(), name))

    def _paper(self, paper_id: str) -> Paper | None:
        return next(iter(self._assistant.papers([paper_id])), None)

    def name_of(self, paper_id: str) -> str | None:
        paper = self.paper(paper_id)
        if paper is None:
            return None
        name = method_name(paper, papers_with=self._assistant.collection.store.name_counts)
        return name if name and name_key(name) else None

    def leaning(self, question: str, paper_ids: Sequence[str]) -> float:
        asked = self._assistant.understand(question)
        if asked.names and asked.listing >= PAPERS_ASKED:
            return 0.0
        return self._assistant.collection.read(
            lambda: leaning(extract_features(asked, paper_ids, self._assistant.retriever()))
        )
