"""Why a paper is not in a list: the condition it fails, said with its figure and the paper's own words."""

from __future__ import annotations

import re

import pytest

from assistant import Assistant
from assistant.answering.absence import Asked, absence_asked
from assistant.conversation.dialogue import Dialogue


@pytest.mark.parametrize(("text", "asked"), [
    ("Why is EasyEdit not in the list of methods that edit T5?", Asked("EasyEdit", "which methods edit T5?")),
    ("why isn't MEMIT listed among papers about editing?", Asked("MEMIT", "which papers about editing?")),
    ("why is Bllossom missing from the list of the Korean models", Asked("Bllossom", "which Korean models?")),
    ("why is EasyEdit not in it?", Asked("EasyEdit", None)),
    ("and why isn't EasyEdit in the list?", Asked("EasyEdit", None)),
    ("why not MEMIT?", Asked("MEMIT", None)), ("why is ReCode in it?", Asked("ReCode", None)),
    ("why is MEMIT on the list?", Asked("MEMIT", None)),
    ("Why did you leave out the second?", Asked("the second", None)),
    ("why is MEMIT in the list of methods that edit GPT-J?", Asked("MEMIT", "which methods edit GPT-J?")),
    ("why is accuracy higher in GPT-J?", None), ("why is dropout included in the loss?", None),
    ("Why is RLHF not stable?", None), ("Why does NV-Embed keep the causal mask?", None), ("what is MEMIT?", None),
    ("why is the model not in production?", None),
])
def test_the_question_after_a_missing_paper_is_read(text: str, asked: Asked | None) -> None:
    assert absence_asked(text) == asked


@pytest.mark.parametrize(("question", "reason"), [
    ("why is LoRAMoE not in the list of methods that edit GPT-J?", r"do not mention GPT-J"),
    ("why is Sabiá not in the list of methods that edit GPT-J?", r"put at 0\.\d\d, and the list starts at 0\.20"),
    ("why is MEMIT not in the list of papers that mention GPT-J but not MEMIT?", r"the question excludes it: “MEMIT"),
    ("why is MEMIT not in the list of papers that mention GPT-J?", r"is in the list: it meets all conditions"),
    ("why is Zork not in the list of papers about editing?", r"called or mentions “Zork”"),
])
def test_the_failing_condition_is_said(question: str, reason: str, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert (answer.kind, answer.question) == ("absence", question)
    assert re.search(reason, answer.text)
    assert all(found.quote in answer.text for found in answer.citations)


def test_a_paper_that_is_said_to_be_missing_is_not_listed(assistant: Assistant) -> None:
    question = "which methods edit GPT-J?"
    listed = {item.paper_id for item in assistant.ask(question).items}

    for paper_id in sorted(assistant.with_name("GPT-J")):
        assert ("is in the list" in assistant.explain_absence(question, paper_id).text) == (paper_id in listed)


@pytest.mark.parametrize(("question", "said"), [
    ("why is SPDF not in it?", r"SPDF.* is not in the list because the probability .* put at 0\.\d\d"),
    ("why is SPDF missing?", r"SPDF.* is not in the list because"),
    ("why isn't MEMIT in the list?", r"^Mass-Editing Memory in a Transformer is not in the list because"),
    ("why is D-Pruner in it?", r"is in the list: it meets all conditions; the probability .* put at 0\.\d\d"),
    ("why is the first on the list?", r"^{first} is in the list: it meets all conditions"),
])
def test_the_last_list_of_a_conversation_is_meant(question: str, said: str, assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    listed = dialogue.ask("which papers prune models?")
    dialogue.ask("why is SPDF not in it?")

    answer = dialogue.ask(question)

    assert (answer.kind, answer.question) == ("absence", question)
    assert re.search(said.replace("{first}", re.escape(listed.items[0].title or "")), answer.text)


def test_a_paper_taken_out_of_a_list_is_not_said_to_be_in_it(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    dialogue.ask("which methods edit GPT-J?")
    dialogue.ask("remove EasyEdit")

    text = dialogue.ask("why is EasyEdit not in it?").text

    assert "is not in the list because the list was narrowed to others" in text
