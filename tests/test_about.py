"""Questions about the collection or the assistant: answered from what is kept, honest where it is not."""

from __future__ import annotations

import pytest

from assistant import Assistant
from assistant.answering.about import is_about


@pytest.mark.parametrize(("question", "said"), [
    ("how many papers do you know?", "326 paper abstracts (20 without a title), read from 5 files"),
    ("How many abstracts have no title?", "20 of 326 papers have no title."),
    ("which files did you read?", "002_f236ea0958816c3a.txt (221 papers)"),
    ("how many papers are in each file?", "000_60c0806cc8dd5fb6.txt (11 papers)"),
    ("what topics are covered?", "T5 (48)"), ("What is this collection about?", "machine translation"),
    ("what are these papers about?", "speech recognition"), ("give me an overview", "code generation"),
    ("Could I have an overview of the whole collection?", "medical domain"),
    ("what's inside this collection, roughly?", "editing"),
    ("which themes do the abstracts deal with", "instruction tuning"), ("what's your corpus about?", "T5 (48)"),
    ("summarise this library for me", "continual learning"), ("what areas of research do you cover?", "ASR"),
    ("what's the longest abstract?", "The longest abstract has 1,918 characters"),
    ("which abstract is the shortest", "the shortest 505"),
    ("how many papers give code?", "72 of 326 abstracts give code"),
    ("were any duplicates merged?", "7 records repeated an abstract exactly and 1 nearly"),
    ("which embedding model do you use?", "all-MiniLM-L6-v2"),
    ("are you ChatGPT?", "without a language model"),
    ("what can you do?", "I answer questions about 326 paper abstracts"),
    ("hello", "I answer questions about 326 paper abstracts"),
    ("when was it last read?", "is not kept"),
    ("how many citations do the papers have?", "no authors, dates, venues, citation counts or full texts"),
    ("do you have the full papers?", "no authors, dates, venues, citation counts or full texts"),
])
def test_what_is_kept_is_told_without_citations(question: str, said: str, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert (answer.kind, answer.citations, answer.items) == ("collection", (), ())
    assert said in answer.text


@pytest.mark.parametrize("question", [
    "which papers give code?", "how many papers give code for editing?", "how many papers give no code?",
    "how many papers mention GPT-J?",
    "what is Redco?", "which embedding models are compared?", "papers about code", "what is the weather today?",
    "how long are the answers of chatbots?", "give me an overview of instruction tuning", "overview of model editing",
    "what topics does LLaMA-Adapter cover?",
])
def test_a_question_with_another_subject_is_searched(question: str, assistant: Assistant) -> None:
    understood = assistant.understand(question)

    assert not assistant.collection.read(lambda: is_about(understood, assistant.retriever()))
