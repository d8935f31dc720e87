"""What users thought of answers, as lines for the question set of `assistant.evaluation`."""

from __future__ import annotations

from typing import Any

from assistant.answering.citations import places
from assistant.answering.items import gives_list
from assistant.conversation.history import Feedback
from assistant.evaluation.questions import FACTS, LISTS, UNANSWERABLE
from assistant.records import Turn


def as_question(conversation: str, number: int, turn: Turn, feedback: Feedback) -> dict[str, Any]:
    """A rated turn in the form of a question set's line, as far as it is known.

    A good answer tells which papers are right and what was said. A wrong one tells neither: ``papers`` is left to a
    person, and ``assistant eval`` refuses the line until then. What was thought of it stands in ``feedback``, which the
    evaluation passes over.
    """
    answer = turn.answer
    line: dict[str, Any] = {
        "id": f"{conversation}-{number}", "kind": _kind(turn, feedback), "question": turn.searched, "style": "feedback",
    }
    if feedback.useful and not answer.abstained:
        first = {found.paper_id: found for found in reversed(answer.citations)}
        line["papers"] = [places(first[paper].sources[:1]) for paper in
                          dict.fromkeys(found.paper_id for found in answer.citations)]
        if line["kind"] in FACTS:
            line["evidence"] = [found.quote for found in answer.citations]
            line["answers"] = [sentence.text for sentence in answer.sentences[:1]]
    line["feedback"] = {"useful": feedback.useful, "comment": feedback.comment, "said": answer.text}
    return line


def _kind(turn: Turn, feedback: Feedback) -> str:
    kind = turn.answer.kind
    if turn.answer.abstained:
        return UNANSWERABLE if feedback.useful else "fact"
    return kind if kind in (*LISTS, "compare") else "list" if gives_list(turn.answer) else "fact"
