"""Words that answers of every kind begin with."""

from __future__ import annotations

from assistant.query.parse import MAX_QUESTION, Question


def notice(question: Question) -> str:
    """What was taken for a slip, said before an answer; empty if nothing was."""
    excluded = [name for exclusion in question.exclusions for name in exclusion.names]
    taken = [(name.surface, name.meant) for name in (*question.names, *excluded) if name.meant]
    return "".join(f"(I took “{typed}” for {meant}.) " for typed, meant in (*taken, *question.slips))


def cut_notice(question: str) -> str:
    """Return what is said before the answer to a question that is read by its beginning; empty if all of it is read."""
    return f"(I read the first {MAX_QUESTION:,} characters of the question.) " if len(question) > MAX_QUESTION else ""
