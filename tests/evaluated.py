"""Questions about the six papers written by hand, and cases made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant import Answer, Citation, ListItem, Nearest, Paper, Source
from assistant.evaluation.case import Case, Gold
from assistant.evaluation.questions import EvalQuestion
from assistant.records import AnswerSentence

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"id": "f1", "kind": "definition", "style": "name", "question": "what is Quillon?", "papers": ["six.txt:2"],
     "answers": ["a method that rewrites single layers"],
     "evidence": ["We introduce Quillon, a method that rewrites single layers of GPT-J without retraining."]},
    {"id": "f2", "kind": "fact", "style": "number", "question": "How much accuracy does Quillon keep?",
     "papers": ["six.txt:2"], "answers": ["97%"]},
    {"id": "f3", "kind": "fact", "question": "how many hours of whispering are in Hushcorpus", "papers": ["six.txt:10"],
     "answers": ["ninety hours"]},
    {"id": "f4", "kind": "fact", "question": "does Magpie use video", "papers": ["six.txt:8"],
     "answers": ["words that are nowhere"]},
    {"id": "l1", "kind": "list", "question": "which papers mention GPT-J?", "papers": ["six.txt:2"]},
    {"id": "l2", "kind": "count", "question": "how many papers mention BM25?", "papers": ["six.txt:6"],
     "borderline": ["six.txt:4"]},
    {"id": "m1", "kind": "compare", "question": "compare Quillon and Magpie", "papers": ["six.txt:2", "six.txt:8"]},
    {"id": "u1", "kind": "unanswerable", "style": "off-topic", "question": "what is the best pizza in Rome?"},
    {"id": "u2", "kind": "unanswerable", "style": "made-up-name", "question": "what is TurboQuillon-9?"},
    {"id": "c1", "turns": [
        {"kind": "fact", "question": "what does Graupel downscale?", "papers": ["six.txt:12"],
         "answers": ["radar fields"]},
        {"kind": "fact", "question": "and on how many accelerators?", "papers": ["six.txt:12"],
         "answers": ["single accelerator"]},
    ]},
)


def write_jsonl(path: Path, objects: Sequence[Mapping[str, Any]]) -> Path:
    """One object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in objects), "utf-8")
    return path


def settled(report: Path) -> dict[str, Any]:
    """A report.json without what may differ from run to run."""
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    del found["timings"]
    return found


def paper(paper_id: str, abstract: str, title: str | None = None) -> Paper:
    return Paper(paper_id, title, abstract, abstract, (Source("a.txt", 1),))


def cites(mark: int, of: Paper, quote: str) -> Citation:
    start = max(0, of.abstract.find(quote))
    return Citation(mark, of.paper_id, of.title, of.sources, quote, start, start + len(quote), None)


def case(
    kind: str = "fact", *, gold: Sequence[str] = ("p",), borderline: Sequence[str] = (), answers: Sequence[str] = (),
    said: Sequence[tuple[str, tuple[int, ...]]] = (), citations: Sequence[Citation] = (), papers: Sequence[Paper] = (),
    listed: Sequence[str] = (), matched: int = 0, abstained: bool = False, nearest: Sequence[tuple[str, str]] = (),
    ranking: Sequence[str] = (), confidence: float = 0.5, grades: Mapping[str, int] | None = None, **question: Any,
) -> Case:
    """A case by its parts; the text of the answer is its sentences."""
    answer = Answer(
        "1", "?", kind, " ".join(text for text, _ in said),
        tuple(AnswerSentence(text, marks, True) for text, marks in said), tuple(citations),
        tuple(ListItem(each, None, None, 1, "q", 0, 1, ()) for each in listed), matched=matched, abstained=abstained,
        nearest=tuple(Nearest(each, None, quote, (), 0.5) for each, quote in nearest), confidence=confidence,
    )
    asked = EvalQuestion("q", kind, "?", papers=tuple(gold), answers=tuple(answers), **question)
    right = Gold(grades or dict.fromkeys(gold, 1), frozenset(borderline))
    return Case(asked, right, answer, tuple(ranking), {each.paper_id: each for each in papers})
