"""What the user gets when there is no model, or it fails: the papers' own words, and a notice that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.backends.messages import BackendError, Kind
from assistant.records import Answer

if TYPE_CHECKING:
    from assistant.writing.stream import Pieces

INSTEAD = "These are the papers' own words:"
OURS = (Kind.NOT_SET_UP, Kind.NOT_ANSWERING, Kind.BUSY)  # kinds of errors in which no server has a word


def cut_off(name: str) -> str:
    """What to tell a user about a reply that is longer than what a model may write, or than what is read of it."""
    return f"The reply of {name} was cut before its end"


def failure(error: BackendError | None, name: str) -> str:
    """What to tell a user about a failure; never a server's own words."""
    if error is None:
        return f"What {name} wrote is not borne out by the papers"
    if error.kind in OURS:
        return f"No answer from {name}: {error}"
    return f"No answer from {name}: {error.kind.value}" if error.kind is not Kind.CUT_STREAM else (
        f"The reply of {name} broke off"
    )


def quoted(draft: Answer, why: str) -> Pieces:
    """The extractive answer as it is."""
    yield draft.text
    yield replace(draft, trace=(*draft.trace, why))


def not_available(draft: Answer, name: str, error: BackendError) -> Pieces:
    """The extractive answer with a notice that no model could be asked."""
    text = f"({failure(error, name)}. {INSTEAD}) {draft.text}"
    yield text
    yield replace(draft, text=text, trace=(*draft.trace, str(error)))
