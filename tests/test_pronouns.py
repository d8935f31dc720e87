"""Words that stand for something said before, and words that look like it."""

from __future__ import annotations

import pytest

from assistant.followup.leaning import Signs, leaning
from assistant.followup.pronouns import pronoun_of


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


def test_a_short_question_leans_on_what_was_said_and_a_full_one_does_not() -> None:
    short = Signs(words=1, content=0.5, missed=0.4, gap=0.0, listing=0.0, given=1.0, past=0.0)
    full = Signs(words=5, content=3.0, missed=0.7, gap=0.3, listing=0.9, given=0.0, past=0.0)

    assert leaning(short) > 0.95
    assert leaning(full) < 0.01
