"""The chat engine as a llama-index program uses it, and many conversations at once."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.chat_engine.types import BaseChatEngine, StreamingAgentChatResponse
from scripted_server import Asked, ScriptedServer, is_slow

from assistant import Answer, Assistant
from assistant.answering.citations import papers_of
from assistant.conversation.dialogue import Dialogue
from assistant.embedding.embedder import Embedder
from assistant.errors import MisuseError
from assistant.index.collection import Collection
from assistant.integrations.llama_index.chat_engine import ChatEngine

FIRST, SECOND = "which models was MEMIT scaled on", "How many memories can it write?"
TOGETHER = 50


def test_a_chat_answers_cites_and_remembers(assistant: Assistant) -> None:
    engine = ChatEngine(assistant)

    first, second = engine.chat(FIRST), engine.chat(SECOND)

    assert isinstance(engine, BaseChatEngine)
    assert second.answer is not None and str(second) == second.answer.text
    assert "thousands of associations" in str(second)
    assert [node.node.metadata["mark"] for node in second.source_nodes] == [
        citation.mark for citation in second.answer.citations]
    assert [(message.role, message.content) for message in engine.chat_history] == [
        (MessageRole.USER, FIRST), (MessageRole.ASSISTANT, str(first)),
        (MessageRole.USER, SECOND), (MessageRole.ASSISTANT, str(second)),
    ]
    engine.reset()
    assert engine.chat_history == []


def test_a_streamed_chat_carries_its_answer(assistant: Assistant) -> None:
    engine = ChatEngine(assistant)

    response = engine.stream_chat(FIRST)
    assert isinstance(response, StreamingAgentChatResponse) and response.answer is None
    text = "".join(response.response_gen)

    assert response.answer is not None and text == response.answer.text
    assert response.source_nodes[0].node.get_content() == response.answer.citations[0].quote
    assert len(engine.chat_history) == 2


def test_the_awaited_chat_says_the_same(assistant: Assistant) -> None:
    async def chat() -> tuple[str, str]:
        engine = ChatEngine(assistant)
        await engine.achat(FIRST)
        response = await engine.astream_chat(SECOND)
        text = "".join([piece async for piece in response.async_response_gen()])
        assert response.answer is not None and response.answer.text == text
        return text, str(await engine.achat(SECOND))

    streamed, whole = asyncio.run(chat())
    engine = ChatEngine(assistant)
    engine.chat(FIRST)

    assert streamed == whole == str(engine.chat(SECOND))


def test_a_history_from_outside_takes_the_place_of_the_own_one(assistant: Assistant) -> None:
    engine = ChatEngine(assistant)
    engine.chat("what is Redco?")

    reply = engine.chat(SECOND, chat_history=[
        ChatMessage(role=MessageRole.SYSTEM, content="Be brief."),
        ChatMessage(role=MessageRole.USER, content=FIRST),
        ChatMessage(role=MessageRole.ASSISTANT, content="On GPT-J and GPT-NeoX."),
    ])

    assert "thousands of associations" in str(reply)
    assert [message.content for message in engine.chat_history][:3] == [FIRST, "On GPT-J and GPT-NeoX.", SECOND]


def test_a_chat_that_is_left_is_not_remembered(assistant: Assistant) -> None:
    engine = ChatEngine(assistant)

    response = engine.stream_chat(FIRST)
    response.close()

    assert list(response.response_gen) in ([], [""]) and engine.chat_history == []


def test_a_question_while_another_is_being_answered_is_refused_not_mixed_in(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    stream = dialogue.stream(FIRST)
    next(stream)

    with pytest.raises(MisuseError, match="still being answered"):
        dialogue.ask(SECOND)
    stream.close()
    assert dialogue.ask(FIRST).citations and len(dialogue.turns) == 1


# Many at once.

def test_fifty_streaming_conversations_do_not_mix(assistant: Assistant, embedder: Embedder, tmp_path: Path) -> None:
    """Each asks about its own paper, then "what is its title?"; the model repeats what the prompt shows first."""
    def first_shown(asked: Asked) -> str:
        if "<conversation>" in asked.prompt:
            return "{}"
        shown = re.search(r"^\[1\] .*\n(.+?[.!?])(?:\s|$)", asked.question, re.MULTILINE)
        return f"{shown[1]} [1]" if shown else "The abstracts do not say this."

    papers = [paper for paper in assistant.papers(assistant.collection.store.paper_ids()) if paper.title][:TOGETHER]
    mistakes: list[Any] = []
    done = []
    with ScriptedServer(is_slow(first_shown, first_s=0.3)) as server:
        settings = assistant.settings.model_copy(update={
            "backend": "openai", "base_url": server.url, "model": server.model, "read_timeout": 60.0})
        with Assistant(Collection(settings), embedder, settings) as asking:
            def talk(at: int) -> None:
                title = papers[at].title or ""
                dialogue = Dialogue(asking)
                try:
                    for question in (f"What does the paper “{title}” propose?", "and why is that?"):
                        shown, answer = [], None
                        for piece in dialogue.stream(question):
                            if isinstance(piece, Answer):
                                answer = piece
                            else:
                                shown.append(piece)
                        assert answer is not None and "".join(shown) == answer.text and answer.question == question
                    if dialogue.turns[0].question != f"What does the paper “{title}” propose?":
                        mistakes.append((at, "history"))
                    if papers_of(dialogue.turns[0].answer)[:1] != (papers[at].paper_id,):
                        mistakes.append((at, title, dialogue.turns[0].answer.text))
                    if title not in dialogue.turns[0].answer.question or len(dialogue.turns) != 2:
                        mistakes.append((at, "turns"))
                    done.append(at)
                except Exception as exc:
                    mistakes.append((at, repr(exc)))

            threads = [threading.Thread(target=talk, args=(at,)) for at in range(TOGETHER)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
        prompts = [asked.prompt for asked in server.replies if "<conversation>" in asked.prompt]

    errors = [mistake for mistake in mistakes if len(mistake) == 2]
    assert errors == [] and sorted(done) == list(range(TOGETHER))
    assert len(mistakes) <= TOGETHER // 10, mistakes  # a title that retrieval reads otherwise is not mixing up
    for prompt in prompts:
        assert len({paper.title for paper in papers if f"“{paper.title}”" in prompt}) == 1


def test_the_extractive_chat_loads_no_model_library(seeds_home: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom assistant.api import Assistant\nfrom assistant.dialogue import Dialogue\n"
        "from assistant.settings import Settings\nfrom pathlib import Path\n"
        f"with Assistant.open(Settings(_env_file=None, home=Path({str(seeds_home)!r}))) as a:\n"
        "    d = Dialogue(a)\n    d.ask('what is Redco?')\n    d.ask('is its code public?')\n"
        "print([name for name in ('llama_index', 'openai', 'gradio', 'tiktoken', 'httpx') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert [name for name in ("llama_index", "openai", "gradio", "tiktoken") if name in run.stdout] == []
