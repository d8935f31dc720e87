"""Conversations that were saved: one SQLite file beside the index, so that rebuilding an index loses none.

Every conversation has an owner, and nobody reads, changes or deletes another's.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from assistant.answering.citations import shorten
from assistant.closing import Closing
from assistant.errors import MisuseError, StorageError
from assistant.records import SCHEMA, Answer, Turn

FILE = "conversations.sqlite"
_ANSWER = TypeAdapter(Answer)  # reads every field of an answer back, whatever it comes to have
LOCAL = "local"        # the owner where there is no login
TITLE_CHARS = 60
_TABLES = """
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS of_owner ON conversations (owner, updated);
CREATE TABLE IF NOT EXISTS turns (
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    question TEXT NOT NULL, searched TEXT NOT NULL, answer TEXT NOT NULL, asked TEXT NOT NULL,
    PRIMARY KEY (conversation, number)
) STRICT;
CREATE TABLE IF NOT EXISTS feedback (
    conversation TEXT NOT NULL, number INTEGER NOT NULL, useful INTEGER NOT NULL, comment TEXT NOT NULL,
    given TEXT NOT NULL, PRIMARY KEY (conversation, number),
    FOREIGN KEY (conversation, number) REFERENCES turns (conversation, number) ON DELETE CASCADE
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """A conversation in a list."""

    id: str
    title: str    # the first question, unless it was renamed
    turns: int
    created: str  # ISO 8601, UTC
    updated: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a user thinks of an answer."""

    useful: bool
    comment: str = ""


class Conversations(Closing):
    """The conversations kept in one home folder. Safe to use from many threads, and from several processes."""

    def __init__(self, home: Path) -> None:
        """Open them, or begin.

        Raises:
            StorageError: the file cannot be made, or is no database.
        """
        path = home / FILE
        self._lock = threading.Lock()
        try:
            home.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # private: SQLite would let others read it
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            self._db.execute("PRAGMA foreign_keys=ON")
            self._db.execute("PRAGMA secure_delete=ON")  # what is deleted is gone from the file
            self._db.executescript(_TABLES)
        except (OSError, sqlite3.Error) as exc:
            raise StorageError(
                f"conversations cannot be kept in {FILE} ({exc}); move that file away, or set ASSISTANT_HOME to a "
                "folder you can write to"
            ) from exc

    def recorder(self, *, owner: str = LOCAL, conversation: str | None = None) -> Recorder:
        """What saves the turns of a conversation: an old one, or a new one that begins with its first turn."""
        return Recorder(self, owner, self.find(conversation, owner=owner) if conversation is not None else None)

    def find(self, conversation: str, *, owner: str = LOCAL) -> str:
        """The id that begins so; "" is the newest.

        Raises:
            MisuseError: there is none, or several begin so.
        """
        rows = self._rows(
            "SELECT id FROM conversations WHERE owner = ? AND substr(id, 1, ?) = ? ORDER BY updated DESC, id LIMIT 2",
            owner, len(conversation), conversation,
        )
        if not rows:
            raise MisuseError(
                f"there is no conversation {conversation!r}; assistant conversations lists them" if conversation
                else "no conversation has been saved yet; assistant chat begins one"
            )
        if conversation and len(rows) > 1:
            raise MisuseError(f"several conversations begin with {conversation!r}; give more of the id")
        return str(rows[0][0])

    def saved(self, *, owner: str = LOCAL, words: str = "", limit: int = 50) -> list[Saved]:
        """Newest first; with ``words``, those that have them all in title, questions or answers."""
        sql = (
            "SELECT c.id, c.title, (SELECT count(*) FROM turns t WHERE t.conversation = c.id), c.created, c.updated "
            "FROM conversations c WHERE c.owner = ?"
        )
        values: list[object] = [owner]
        for word in words.split():
            sql += (
                " AND (instr(lower(c.title), ?) OR EXISTS (SELECT 1 FROM turns t WHERE t.conversation = c.id AND "
                "instr(lower(t.question || ' ' || json_extract(t.answer, '$.text')), ?)))"
            )
            values += [word.lower()] * 2
        rows = self._rows(f"{sql} ORDER BY c.updated DESC, c.id LIMIT ?", *values, limit)
        return [Saved(*row) for row in rows]

    def turns(self, conversation: str, *, owner: str = LOCAL) -> tuple[Turn, ...]:
        """What was asked and answered, in order; for `assistant.conversation.dialogue.Dialogue`.

        Raises:
            MisuseError: see `find`.
        """
        rows = self._rows(
            "SELECT question, searched, answer FROM turns WHERE conversation = ? ORDER BY number",
            self.find(conversation, owner=owner),
        )
        return tuple(Turn(question, searched, _ANSWER.validate_json(answer)) for question, searched, answer in rows)

    def rename(self, conversation: str, title: str, *, owner: str = LOCAL) -> None:
        """Give it another title."""
        if not title.strip():
            raise MisuseError("a title has at least one letter")
        found = self.find(conversation, owner=owner)
        with self._changing():
            self._db.execute(
                "UPDATE conversations SET title = ? WHERE id = ?", (shorten(title.strip(), TITLE_CHARS), found)
            )

    def delete(self, conversation: str, *, owner: str = LOCAL) -> None:
        """Delete it with all turns and feedback."""
        found = self.find(conversation, owner=owner)
        with self._changing():
            self._db.execute("DELETE FROM conversations WHERE id = ?", (found,))

    def cut(self, conversation: str, number: int, *, owner: str = LOCAL) -> None:
        """Delete a turn, counted from 1, and all after it, with their feedback."""
        found = self.find(conversation, owner=owner)
        with self._changing():
            self._db.execute("DELETE FROM turns WHERE conversation = ? AND number >= ?", (found, number))

    def rate(self, conversation: str, number: int, feedback: Feedback, *, owner: str = LOCAL) -> None:
        """Keep what a user thinks of a turn, counted from 1; the newest opinion counts.

        Raises:
            MisuseError: the conversation has no such turn.
        """
        found = self.find(conversation, owner=owner)
        try:
            with self._changing():
                self._db.execute(
                    "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?)",
                    (found, number, feedback.useful, feedback.comment, _now()),
                )
        except sqlite3.IntegrityError:
            raise MisuseError(f"the conversation has no turn {number}") from None

    def export(self, conversation: str, *, owner: str = LOCAL) -> dict[str, Any]:
        """All that is kept of it: whole answers under ``turns``, feedback with them."""
        found = self.find(conversation, owner=owner)
        title, created, updated = self._rows(
            "SELECT title, created, updated FROM conversations WHERE id = ?", found
        )[0]
        rows = self._rows(
            "SELECT t.question, t.searched, t.asked, t.answer, f.useful, f.comment FROM turns t LEFT JOIN feedback f "
            "ON f.conversation = t.conversation AND f.number = t.number WHERE t.conversation = ? ORDER BY t.number",
            found,
        )
        return {"schema": SCHEMA, "id": found, "title": title, "created": created, "updated": updated, "turns": [
            {
                "question": question, "searched": searched, "asked": asked, "answer": json.loads(answer),
                "feedback": None if useful is None else {"useful": bool(useful), "comment": comment},
            }
            for question, searched, asked, answer, useful, comment in rows
        ]}

    def rated(self) -> Iterator[tuple[str, int, Turn, Feedback]]:
        """Every turn that somebody thinks something of: conversation, number, turn and opinion, oldest first.

        Of all owners, but without saying whose: for whoever keeps the collection.
        """
        rows = self._rows(
            "SELECT f.conversation, f.number, t.question, t.searched, t.answer, f.useful, f.comment FROM feedback f "
            "JOIN turns t ON t.conversation = f.conversation AND t.number = f.number ORDER BY f.given, f.conversation"
        )
        for conversation, number, question, searched, answer, useful, comment in rows:
            turn = Turn(question, searched, _ANSWER.validate_json(answer))
            yield conversation, number, turn, Feedback(bool(useful), comment)

    def add(self, conversation: str | None, turn: Turn, *, owner: str) -> str:
        """Save a turn; without a conversation, begin one. Gives its id."""
        now = _now()
        answer = json.dumps(asdict(turn.answer), ensure_ascii=False)
        with self._changing():
            if conversation is None:
                conversation = secrets.token_hex(6)
                self._db.execute(
                    "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
                    (conversation, owner, shorten(_clean(turn.question), TITLE_CHARS), now, now),
                )
            elif not self._db.execute(
                "UPDATE conversations SET updated = ? WHERE id = ? AND owner = ?", (now, conversation, owner)
            ).rowcount:
                raise MisuseError("this conversation has been deleted; begin a new one")
            self._db.execute(
                "INSERT INTO turns SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ? FROM turns "
                "WHERE conversation = ?",
                (conversation, _clean(turn.question), _clean(turn.searched), _clean(answer), now, conversation),
            )
        return conversation

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self._lock, _told():
            return self._db.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock, _told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


class Recorder:
    """Saves turn after turn of one conversation; pass it to `conversation.dialogue.Dialogue` as ``remember``."""

    def __init__(self, conversations: Conversations, owner: str, conversation: str | None) -> None:
        self.id = conversation   # None until the first turn
        self._conversations = conversations
        self._owner = owner

    def __call__(self, turn: Turn) -> None:
        """Save a turn."""
        self.id = self._conversations.add(self.id, turn, owner=self._owner)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as exc:
        raise StorageError(f"{FILE} cannot be used ({exc}); move that file away to begin anew") from exc


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _clean(text: str) -> str:
    """The text without halves of characters, which SQLite cannot keep."""
    return text.encode("utf-8", "replace").decode()
