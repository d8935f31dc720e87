"""Long questions: cut where nothing is gained by more, said so, and read in time linear in what is left."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

import assistant.answering
import assistant.conversation
import assistant.query
import assistant.retrieval
import assistant.text
from assistant import Assistant
from assistant.answering.facets import FACETS
from assistant.conversation.dialogue import Dialogue
from assistant.query.parse import MAX_QUESTION, MAX_SIGNS, looked_at

CUT = "(I read the first 2,000 characters of the question.) "
TIMES = 8      # longer
FACTOR = 40    # by which the time may grow: linear gives 8, quadratic 64
LEAST_S = 2e-5  # of the shorter text; below it the clock tells nothing
LEAST_OF_MODEL_S = 5e-3  # the same of a call to the model

# These read the words of abstracts and replies, or are asked whether they match one whole word.
_NOT_OF_QUESTIONS = (
    "citations", "sentences", "method_names", "prompt_injection", "code_links", "_SIZE", "_NUMBERED", "_INTRODUCES",
)


def patterns_that_see_questions() -> Iterator[tuple[str, re.Pattern[str]]]:
    modules: list[str] = []
    for package in (assistant.answering, assistant.conversation, assistant.query, assistant.retrieval, assistant.text):
        modules += [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    for module in modules:
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, re.Pattern) and not any(part in f"{module}.{name}" for part in _NOT_OF_QUESTIONS):
                yield f"{module}.{name}", value
    for facet in FACETS:
        yield f"facet {facet.name}", facet.asked


def repeated(pattern: re.Pattern[str]) -> set[str]:
    """What to repeat: the pattern's own words, alone, with signs, and one after the other; and what is in any text."""
    said = sorted({word for word in re.findall(r"(?<!\\)[a-z]{2,}", pattern.pattern)})[:40]
    return {
        "a ", ", ", "a, ", "- ", "(", "1 ", "1", "x", "'", ". ", "? ", "the ", "A-", "is it ", "and, ", "why is a ",
        *(f"{word} " for word in said), *(f", {word}, " for word in said),
        *(f"{one} {other} " for one, other in pairwise(said)),
    }


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of three tries."""
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize(("name", "pattern"), sorted(dict(patterns_that_see_questions()).items()))
def test_every_pattern_takes_time_linear_in_the_question(name: str, pattern: re.Pattern[str]) -> None:
    def taken(text: str) -> float:
        return max(seconds(lambda: (list(pattern.finditer(text)), pattern.match(text))), LEAST_S)

    for unit in repeated(pattern):
        # By doubling, so that one that explodes is found out before it takes for ever.
        lengths = [MAX_QUESTION // 2 ** power for power in range(5, -1, -1)]
        times = [taken(looked_at((unit * lengths[0])[:lengths[0] - 2] + " !"))]
        for length in lengths[1:]:
            times.append(taken(looked_at((unit * length)[:length - 2] + " !")))
            assert times[-1] <= FACTOR * times[-2], f"{name} explodes: {unit!r}"
        assert times[-1] <= FACTOR * times[lengths.index(MAX_QUESTION // TIMES)], f"{name} is not linear: {unit!r}"


@pytest.mark.parametrize("unit", ["between ", "LoRA, ", "GPT/", "and ", "(a) ", "qvx ", "Zyx4 ", "é́ ", "模型"])
def test_a_question_eight_times_as_long_takes_no_more_than_linearly_longer(unit: str, assistant: Assistant) -> None:
    short, long = (unit * (length // len(unit)) for length in (MAX_QUESTION // TIMES, MAX_QUESTION))

    taken = [seconds(lambda text=text: assistant.understand(text)) for text in (short, long)]  # type: ignore[misc]

    assert taken[1] <= FACTOR * max(taken[0], LEAST_OF_MODEL_S)


@pytest.mark.parametrize("question", [
    "between " * 1200, "x" * 100_000, "which papers mention GPT-J? " + "and so on " * 900, "什么是" * 3000,
    "🙂" * 9000, "e" + "\u0301" * 9000, '"' * 9000, "a-" * 4500, "(" * 5000, " ".join(f"W{i}x" for i in range(2000)),
])
def test_a_long_question_is_read_by_its_beginning_and_that_is_said(question: str, assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    dialogue.ask("what is MEMIT?")

    for answer in (assistant.ask(question), dialogue.ask(question)):
        assert answer.text.startswith(CUT)
        assert len(answer.question) <= MAX_QUESTION
    assert assistant.understand(question) == assistant.understand(question[:MAX_QUESTION])


def test_a_question_that_is_read_whole_says_nothing_of_it(assistant: Assistant) -> None:
    pieces = list(assistant.stream("what is MEMIT? " + "x" * 3000))

    assert "".join(str(piece) for piece in pieces[:-1]) == pieces[-1].text  # type: ignore[union-attr]
    assert CUT not in assistant.ask("what is MEMIT?").text


def test_runs_of_signs_and_spaces_are_cut() -> None:
    assert looked_at("what  is\n\tit" + "?" * 50) == "what is it" + "?" * MAX_SIGNS
