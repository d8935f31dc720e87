"""What a language model gets to read of a fact question: how long the prompt is, and whether the evidence is in it.

    python benchmarks/context.py [MORE.jsonl …]

Over the ``choose`` half and further files. "Found" are the questions whose paper is among those an answer may
draw on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from assistant import Assistant
from assistant.backends.counting import count_prompt
from assistant.evaluation.measures import FACTS
from assistant.evaluation.questions import load_questions
from assistant.writing import prompts
from assistant.writing.generative import Generative, Task
from assistant.writing.table import open_answerer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("-v", action="store_true", help="print the questions whose evidence is missing")
    arguments = parser.parse_args()
    questions = [question for question in load_questions() if question.split == "choose"]
    questions += [question for file in arguments.files for question in load_questions(file)]
    sizes, found, inside = [], [], []
    with Assistant.open() as assistant:
        retriever = assistant.retriever()
        settings = assistant.settings.model_copy(update={"backend": "openai"})
        writer = open_answerer(settings, retriever, assistant._embedder)
        assert isinstance(writer, Generative)
        for question in questions:
            if question.kind not in FACTS:
                continue
            task = Task(assistant.understand(question.question), question.question, assistant.quote(question.question))
            context, hits = assistant.collection.read(lambda task=task: writer.context(task, ""))
            gold = assistant.paper_ids(question.papers)
            texts = [_plain(excerpt.text) for excerpt in context.excerpts if excerpt.paper.paper_id in gold]
            evidence = [_plain(sentence) for sentence in question.evidence]
            sizes.append(count_prompt(prompts.answering(question.question, context.shown)))
            found.append(any(hit.paper.paper_id in gold for hit in hits[:assistant.settings.top_k]))
            inside.append(any(sentence in text for sentence in evidence for text in texts))
            if arguments.v and not inside[-1]:
                print(f"{question.id} found={found[-1]} | {question.question}")
    was_found, is_inside = np.array(found), np.array(inside)
    print(f"{len(sizes)} fact questions; prompt tokens: median {np.median(sizes):.0f}, longest {max(sizes)}")
    print(f"paper found: {was_found.mean():.3f}")
    print(f"evidence in the prompt: {is_inside[was_found].mean():.3f} of those found, {is_inside.mean():.3f} of all")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


if __name__ == "__main__":
    main()
