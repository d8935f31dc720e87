"""Conversations, turn by turn: how well follow-ups are answered alone, and read in the light of what was said.

    python benchmarks/conversations.py [MORE.jsonl …]

Scores the conversations of the ``choose`` half, and those of further files, with the extractive answerer.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from assistant import Assistant
from assistant.conversation.dialogue import Dialogue
from assistant.evaluation.case import Case, Gold
from assistant.evaluation.measures import FACTS, LISTS
from assistant.evaluation.measures.verdict import goodness
from assistant.evaluation.questions import EvalQuestion, load_conversations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("-v", action="store_true", help="print every turn")
    arguments = parser.parse_args()
    talks = [talk for talk in load_conversations() if talk.turns[0].split == "choose"]
    talks += [talk for file in arguments.files for talk in load_conversations(file)]
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with Assistant.open() as assistant:
        for talk in talks:
            dialogue = Dialogue(assistant)
            for number, turn in enumerate(talk.turns):
                reading = dialogue.read(turn.question)
                alone, together = assistant.ask(turn.question), dialogue.ask(turn.question)
                gold = Gold(
                    dict.fromkeys(assistant.paper_ids(turn.papers), 1), frozenset(assistant.paper_ids(turn.borderline))
                )
                values = goodness(Case(turn, gold, alone)), goodness(Case(turn, gold, together))
                scores["first turn" if number == 0 else "later turn"].append(values)
                if number:
                    scores[f"later: {group(turn)}"].append(values)
                if arguments.v:
                    print(f"{turn.id} {values[0]:.2f} {values[1]:.2f} {reading.kind:6} | {turn.question} | "
                          f"{dialogue.turns[-1].searched} | {dialogue.turns[-1].answer.text[:100]!r}")
    print(f"{'':22} alone  in the conversation")
    for name, found in sorted(scores.items()):
        before, after = (fmean(column) for column in zip(*found, strict=True))
        print(f"{name:22} {before:.3f}  {after:.3f}  n={len(found)}")


def group(turn: EvalQuestion) -> str:
    """The kind of a turn as far as it is scored differently."""
    return "fact" if turn.kind in FACTS else "list" if turn.kind in LISTS else turn.kind


if __name__ == "__main__":
    main()
