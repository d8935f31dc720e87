"""Words that answers of every kind begin with."""

from __future__ import annotations

from assistant.index.collection import Collection
from assistant.index.known_names import similar_names
from assistant.query.parse import MAX_QUESTION, Question


def notice(question: Question) -> str:
    """What was taken for a slip, said before an answer; empty if nothing was."""
    excluded = [name for exclusion in question.exclusions for name in exclusion.names]
    taken = [(name.surface, name.meant) for name in (*question.names, *excluded) if name.meant]
    return "".join(f"(I took “{typed}” for {meant}.) " for typed, meant in (*taken, *question.slips))


def no_such_name(question: Question, collection: Collection) -> str:
    """Return that no paper mentions the unknown names of a question; of a single one, with the names spelt like it."""
    names = " and ".join(f"“{name.surface}”" for name in question.unknown)
    similar = similar_names(question.unknown[0].key, collection) if len(question.unknown) == 1 else []
    hint = f" (similar names: {', '.join(similar)})" if similar else ""
    return f"no paper of the collection mentions {names}{hint}"


def cut_notice(question: str) -> str:
    """Return what is said before the answer to a question that is read by its beginning; empty if all of it is read."""
    return f"(I read the first {MAX_QUESTION:,} characters of the question.) " if len(question) > MAX_QUESTION else ""
