"""The changes of one file after another, written together: a write of one record costs as much as of a hundred."""

from __future__ import annotations

from collections.abc import Callable

from ingest.difference import Difference, KnownFiles
from ingest.report import Report
from ingest.upsert import Changes, Insert, Writer

BATCH = 128  # records written at once: what a kill can lose

Progress = Callable[[str, int, int], None]  # file name, records done, records to do


class Batches:
    """Changes that wait until there are enough of them. Whoever makes one calls `write` at the end."""

    def __init__(self, writer: Writer, files: KnownFiles, report: Report, progress: Progress) -> None:
        self._writer = writer
        self._files = files
        self._report = report
        self._progress = progress
        self._inserts: list[Insert] = []
        self._replaces: list[bool] = []  # of each insert, whether its place held another text
        self._moves: list[tuple[int, str, int | None]] = []
        self._deletes: list[int] = []
        self._steps: list[tuple[str, int, int]] = []

    def add(self, name: str, changed: Difference) -> None:
        """Queue what changed in a file, and write whenever there is enough.

        Its old records go with or after its last new one, so that a crash leaves too much rather than too little.
        """
        done, total = changed.unchanged, changed.unchanged + len(changed.inserts)
        self._progress(name, done, total)
        for insert in changed.inserts:
            self._inserts.append(insert)
            self._replaces.append(insert.key in changed.replaced)
            done += 1
            if len(self._inserts) == BATCH and done < total:
                self._steps.append((name, done, total))
                self.write()
        self._moves += changed.moves
        self._deletes += changed.deletes
        if changed.inserts:
            self._steps.append((name, done, total))
        if len(self._inserts) + len(self._moves) + len(self._deletes) >= BATCH:
            self.write()

    def write(self) -> None:
        """Write what waits."""
        self._files.write()
        changes = Changes(self._inserts, self._moves, self._deletes)
        if changes:
            outcome = self._writer.apply(changes)
            self._report.embedded += outcome.embedded
            for replaces, new in zip(self._replaces, outcome.new, strict=True):
                self._report.updated += replaces
                self._report.added += new and not replaces
                self._report.merged += not new and not replaces
        for step in self._steps:
            self._progress(*step)
        self._inserts, self._replaces, self._moves, self._deletes, self._steps = [], [], [], [], []
