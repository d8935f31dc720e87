"""One open page: whose it is, its conversation and its settings. Nothing of it is shared with another page."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from assistant.conversation.dialogue import Dialogue
from assistant.conversation.history import Feedback
from assistant.errors import AssistantError, MisuseError
from assistant.records import Turn
from assistant.ui.page.entries import Entry, Halted, Pending
from assistant.ui.page.failures import BROKEN, log
from assistant.ui.page.own_settings import changed

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.records import Paper
    from assistant.settings import Settings
    from assistant.ui.page.site import Site
    from assistant.writing.stream import AnswerStream

_BROWSER = re.compile(r"[0-9a-f]{32}")
STOPPED = "Stopped."


def owner_of(username: str | None, browser: object) -> str:
    """Whose conversations a page shows: the login's, else those of the random id that the browser keeps.

    An id that no browser made is replaced by one that nobody else has.
    """
    if username:
        return f"user:{username}"
    known = isinstance(browser, str) and _BROWSER.fullmatch(browser)
    return f"browser:{browser if known else secrets.token_hex(16)}"


class Session:
    """What one page holds on the server. A question is answered at a time."""

    def __init__(self, site: Site, owner: str, *, saving: bool = True) -> None:
        self.owner = owner
        self.saving = saving
        self.trace = False                       # whether answers show how they were made
        self.settings: Settings = site.settings
        self.feedback: dict[int, Feedback] = {}  # number of a turn, from 1
        self._site = site
        self._own: Assistant | None = None       # where its settings are not those of the site
        self._stream: AnswerStream | None = None  # of the question that is being answered
        self.begin()

    @property
    def assistant(self) -> Assistant:
        """Who answers, under this session's settings."""
        return self._own or self._site.assistant

    @property
    def turns(self) -> list[Turn]:
        """What was asked and answered."""
        return self._dialogue.turns

    @property
    def conversation(self) -> str | None:
        """The id it is saved under, once it is."""
        return self._recorder.id if self._recorder else None

    @property
    def idle(self) -> bool:
        """Whether no question is being answered."""
        return not self._asking.locked()

    def begin(self) -> None:
        """Start a new conversation."""
        self._open((), None)

    def resume(self, conversation: str) -> None:
        """Go on with a saved one.

        Raises:
            MisuseError: this owner has none of that id.
        """
        turns = self._site.conversations.turns(conversation, owner=self.owner)
        kept = self._site.conversations.export(conversation, owner=self.owner)
        self._open(turns, kept["id"])
        self.feedback = {
            number: Feedback(**turn["feedback"]) for number, turn in enumerate(kept["turns"], 1) if turn["feedback"]
        }

    def ask(self, question: str, *, instead: int | None = None) -> Iterator[Entry]:
        """Answer a question; gives what there is to show of it, the last being whole.

        Args:
            instead: number of the turn that it replaces, with all that followed.
        """
        dialogue, asking = self._dialogue, self._asking
        if not asking.acquire(blocking=False):
            raise MisuseError("the question before this one is still being answered; stop it first")
        try:
            if instead is not None:
                self._forget(instead)
            stream = self._stream = dialogue.stream(question)
            entry: Entry = Pending(question)
            yield entry
            for entry in self._answered(question, dialogue, stream):
                if isinstance(entry, Pending):
                    yield entry
        finally:
            if asking is self._asking:  # else the stream is of another conversation's question
                self._stream = None
            asking.release()
        # Now, so that the next question can be asked once this is seen; not if another conversation has been opened.
        if dialogue is self._dialogue:
            yield entry

    def _answered(self, question: str, dialogue: Dialogue, stream: AnswerStream) -> Iterator[Entry]:
        said = ""
        try:
            with stream:
                for piece in stream:
                    if isinstance(piece, str):
                        said += piece
                        yield Pending(question, said)
            yield dialogue.turns[-1] if _whole(stream) else Halted(question, said, STOPPED, failed=False)
        except AssistantError as exc:
            yield Halted(question, said, str(exc), failed=True)
        except Exception as exc:
            log(exc, "while answering on the page")
            yield Halted(question, said, f"{BROKEN}. Please try again.", failed=True)

    def stop(self) -> None:
        """Close the answer that is being written, from any thread; the call to a model ends with it."""
        if stream := self._stream:
            stream.close()

    def rate(self, number: int, feedback: Feedback) -> None:
        """Keep what the user thinks of a turn beside it.

        Raises:
            MisuseError: there is no such turn, or the conversation is not saved.
        """
        if self.conversation is None:
            raise MisuseError("this conversation is not saved, so there is nowhere to keep what you think of it")
        self._site.conversations.rate(self.conversation, number, feedback, owner=self.owner)
        self.feedback[number] = feedback

    def use(self, changes: Mapping[str, Any]) -> None:
        """Answer under other settings from the next question on; see `own_settings.changed`.

        Raises:
            MisuseError: a value cannot be, or a question is being answered under those of now.
        """
        settings = changed(self._site.settings, changes, typed_addresses=self._site.typed_addresses)
        if not self._asking.acquire(blocking=False):
            raise MisuseError("a question is being answered; stop it or wait for its end, then change the settings")
        try:
            own = self._site.assistant.with_settings(settings)
            self._let_go()
            self._own, self.settings = own, settings
            self._dialogue = Dialogue(own, turns=self.turns, remember=self._recorder)
        finally:
            self._asking.release()

    def readiness(self) -> str:
        """Whether those settings can answer; asks the model's server."""
        if self.settings.backend == "extractive":
            return "answers are quotes"
        from assistant.backends.table import statuses

        found = next(status for status in statuses(self.settings) if status.name == self.settings.backend)
        return f"{found.name} is {'ready' if found.ready else 'not ready'}: {found.detail}"

    def cited_papers(self) -> dict[str, Paper]:
        """The papers that the conversation cites, by id."""
        ids = {found.paper_id for turn in self.turns for found in turn.answer.citations}
        return {paper.paper_id: paper for paper in self.assistant.papers(sorted(ids))}

    def close(self) -> None:
        """Stop, and let go of a model of its own."""
        self.stop()
        self._let_go()

    def _open(self, turns: tuple[Turn, ...], conversation: str | None) -> None:
        self.stop()
        self._asking = threading.Lock()
        kept = self._site.conversations
        self._recorder = kept.recorder(owner=self.owner, conversation=conversation) if self.saving else None
        self._dialogue = Dialogue(self.assistant, turns=turns, remember=self._recorder)
        self.feedback = {}

    def _forget(self, number: int) -> None:
        """Take back a turn and all after it."""
        if self.conversation is not None:
            self._site.conversations.cut(self.conversation, number, owner=self.owner)
        del self.turns[max(0, number - 1):]
        self.feedback = {turn: said for turn, said in self.feedback.items() if turn < number}

    def _let_go(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None


class Sessions:
    """Those of all open pages, by the hash that names a page; each lives as long as somebody holds it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: WeakValueDictionary[tuple[str, str | None], Session] = WeakValueDictionary()  # by page and login
        self._lock = threading.Lock()

    def enter(self, page: str, *, username: str | None, told: object) -> Session:
        """The session of a page. One that the server does not know goes on with the conversation it is said to have.

        Args:
            told: what the browser says: ``owner``, its random id, and ``conversation``.
        """
        said = told if isinstance(told, dict) else {}
        with self._lock:
            found = self._known.get((page, username))
            if found is None:
                found = self._known[page, username] = Session(self._site, owner_of(username, said.get("owner")))
                if said.get("conversation"):
                    with contextlib.suppress(MisuseError):  # it was deleted meanwhile
                        found.resume(str(said["conversation"]))
            return found

    def leave(self, page: str, *, username: str | None) -> None:
        """Stop what is being written for a page that was closed: a model would be waited for in vain."""
        with self._lock:
            found = self._known.get((page, username))
        if found is not None:
            found.stop()


def _whole(stream: AnswerStream) -> bool:
    with contextlib.suppress(RuntimeError):
        return bool(stream.answer)
    return False
