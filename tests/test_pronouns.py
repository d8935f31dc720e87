"""Words that stand for something said before, and words that look like it."""

from __future__ import annotations

import pytest

from assistant.conversation.pronouns import pronoun_of


@pytest.mark.parametrize(("question", "own", "pronoun"), [
    ("how does it work?", [], "it"),
    ("which models did they tune?", [], "they"),
    ("how many datasets came with it?", [], "it"),
    ("what do the authors conclude?", [], "the authors"),
    ("does that help?", [], "does that"),
    ("Is EasyEdit slower when it is larger?", ["EasyEdit"], None),
    ("Which methods edit facts, and how do they work?", [], None),
    ("papers with robots in them", [], None),
    ("Prompts with emotional content, does that help?", [], None),
    ("corpora that are free", [], None),
    ("is it possible to edit facts without training?", [], None),
])
def test_a_pronoun_stands_for_something_said_before_unless_the_question_has_it(
    question: str, own: list[str], pronoun: str | None
) -> None:
    found = pronoun_of(question, own)

    assert (found.group() if found else None) == pronoun
