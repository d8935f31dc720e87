"""The chat engine for programs made with llama-index: a `BaseChatEngine` that retrieves, answers, cites, remembers.

Only this file of the chat imports llama-index; `assistant.conversation.dialogue.Dialogue` is the same without it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.schema import NodeWithScore, TextNode

from assistant.conversation.dialogue import Dialogue
from assistant.records import Answer, Turn

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.writing.stream import AnswerStream, AsyncAnswerStream

REREAD = 3   # of a history given from outside, the newest turns whose papers are looked up again


@dataclass
class ChatAnswer(AgentChatResponse):
    """A reply with the whole `Answer`; ``source_nodes`` are its citations."""

    answer: Answer | None = None


@dataclass
class StreamedChatAnswer(StreamingAgentChatResponse):
    """A reply that is being written; ``answer`` is there once it has been read to its end."""

    answer: Answer | None = None
    stream: AnswerStream | AsyncAnswerStream | None = None

    def close(self) -> None:
        """Stop the call to the model; what was not read is not remembered."""
        from assistant.writing.stream import AnswerStream

        if isinstance(self.stream, AnswerStream):
            self.stream.close()

    async def aclose(self) -> None:
        """The same for `ChatEngine.astream_chat`."""
        if self.stream is not None and not hasattr(self.stream, "__next__"):
            await self.stream.aclose()


class ChatEngine(BaseChatEngine):
    """One conversation over an open `Assistant`, which stays the caller's to close.

    Messages give the questions only: rewriting a follow-up needs what was cited before, which the engine remembers.
    A ``chat_history`` given with a message takes the place of what it remembers.
    """

    def __init__(self, assistant: Assistant, *, dialogue: Dialogue | None = None) -> None:
        self._assistant = assistant
        self.dialogue = dialogue or Dialogue(assistant)

    def reset(self) -> None:
        """Forget the conversation."""
        self.dialogue.reset()

    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> ChatAnswer:
        """The reply to a message."""
        self._recall(chat_history)
        return _whole(self.dialogue.ask(message))

    def stream_chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> StreamedChatAnswer:
        """The reply sentence by sentence, each checked before: read ``response_gen``."""
        self._recall(chat_history)
        stream = self.dialogue.stream(message)
        response = StreamedChatAnswer(is_writing_to_memory=False, stream=stream)

        def pieces() -> Iterator[ChatResponse]:
            with stream:
                for piece in stream:
                    if isinstance(piece, Answer):
                        _finish(response, piece)
                    else:
                        yield _piece(piece)

        response.chat_stream = pieces()  # type: ignore[assignment]  # llama-index asks for a generator, and only iterates
        return response

    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> ChatAnswer:
        """`chat`, awaited."""
        self._recall(chat_history)
        return _whole(await self.dialogue.aask(message))

    async def astream_chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> StreamedChatAnswer:
        """`stream_chat`, awaited: read ``async_response_gen()``."""
        self._recall(chat_history)
        stream = self.dialogue.astream(message)
        response = StreamedChatAnswer(is_writing_to_memory=False, stream=stream)

        async def pieces() -> AsyncIterator[ChatResponse]:
            async with stream:
                async for piece in stream:
                    if isinstance(piece, Answer):
                        _finish(response, piece)
                    else:
                        yield _piece(piece)

        response.achat_stream = pieces()  # type: ignore[assignment]
        return response

    @property
    def chat_history(self) -> list[ChatMessage]:
        """Questions and answers in turn."""
        return [message for turn in self.dialogue.turns for message in (
            ChatMessage(role=MessageRole.USER, content=turn.question),
            ChatMessage(role=MessageRole.ASSISTANT, content=turn.answer.text),
        )]

    def _recall(self, history: list[ChatMessage] | None) -> None:
        """Put a history from outside in place of the own one; of turns not known, the papers are looked up again."""
        if history is None:
            return
        known = {(turn.question, turn.answer.text): turn for turn in self.dialogue.turns}
        pairs = list(_pairs(history))
        turns = []
        for age, (question, reply) in zip(range(len(pairs) - 1, -1, -1), pairs, strict=True):
            turn = known.get((question, reply))
            if turn is None:
                unknown = Answer("", question, "fact", "", abstained=True)
                found = self._assistant.quote(question) if age < REREAD else unknown
                turn = Turn(question, question, replace(found, text=reply or found.text))
            turns.append(turn)
        self.dialogue.turns[:] = turns


def _pairs(history: Sequence[ChatMessage]) -> Iterator[tuple[str, str]]:
    """(question, reply) of each turn; a question without a reply has an empty one."""
    question: str | None = None
    for message in history:
        if message.role == MessageRole.USER:
            if question is not None:
                yield question, ""
            question = message.content or ""
        elif message.role == MessageRole.ASSISTANT and question is not None:
            yield question, message.content or ""
            question = None
    if question is not None:
        yield question, ""


def _whole(answer: Answer) -> ChatAnswer:
    return ChatAnswer(response=answer.text, source_nodes=_nodes(answer), answer=answer)


def _finish(response: StreamedChatAnswer, answer: Answer) -> None:
    response.answer = answer
    response.source_nodes = _nodes(answer)
    response.is_done = True


def _piece(text: str) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=text)


def _nodes(answer: Answer) -> list[NodeWithScore]:
    """The citations as llama-index knows sources: the quote is the text, its paper and place the metadata."""
    return [
        NodeWithScore(node=TextNode(text=found.quote, metadata={
            "mark": found.mark, "paper_id": found.paper_id, "title": found.title,
            "start": found.start, "end": found.end,
            "sources": [{"file": source.file, "line": source.line} for source in found.sources],
        }))
        for found in answer.citations
    ]
