"""Where a site's files are handed in and taken out: what is kept of them, and the ingest that is begun for it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import MisuseError
from assistant.index.sqlite import StoredFile
from assistant.ui.page.adding import Adding, Job
from assistant.ui.page.shown.added import SourceRow
from assistant.ui.page.site import Site
from assistant.ui.page.uploads import Kept, Uploads, check_files, pasted_paper, safe_name

if TYPE_CHECKING:
    from ingest.report import Report


class Desk:
    """One for a page's server."""

    def __init__(self, site: Site) -> None:
        self._assistant = site.assistant
        self._uploads = Uploads(site.assistant.settings.home)
        self.adding = Adding(site.assistant.settings)
        site.ends.callback(self.adding.close)

    def rows(self) -> list[SourceRow]:
        """The files of the collection."""
        store = self._assistant.collection.store
        return self._assistant.collection.read(lambda: [
            SourceRow(file.file_id, name, file.layout, records, papers)
            for file, (name, records, papers) in zip(store.files(), store.read_from(), strict=True)
        ])

    def row(self, file_id: str | None) -> SourceRow:
        """One of them.

        Raises:
            MisuseError: there is none of this id.
        """
        found = next((row for row in self.rows() if str(row.file_id) == file_id), None)
        if found is None:
            raise MisuseError("choose a source of the list first")
        return found

    def own(self, row: SourceRow) -> int:
        """How many papers would go with it."""
        return self._assistant.collection.read(lambda: self._assistant.collection.store.papers_only_in(row.file_id))

    def add(self, paths: Sequence[Path], *, replace: bool = False) -> Job:
        """Keep uploaded files and ingest them.

        Raises:
            MisuseError: there is no file, or one that cannot be taken.
            Busy: somebody else is adding.
        """
        if not paths:
            raise MisuseError("choose a file first")
        check_files(paths)
        kept: list[Kept] = []
        notes: list[str] = []

        def words() -> list[str]:
            known: dict[str, list[str]] = {}
            for file in self._files():
                known.setdefault(file.name, []).append(file.path)
            for path in paths:
                found = self._uploads.keep(path.name, path, known, replace=replace)
                known.setdefault(found.path.name, []).append(str(found.path))
                kept.append(found)
                if found.renamed:
                    same = found.path.name == safe_name(path.name)
                    why = "some signs cannot stand in it" if same else "another source has that name"
                    notes.append(f"{found.given} is called {found.path.name} here: {why}")
            return [str(found.path) for found in kept]

        try:
            return self.adding.start(words, partial(self._tidy, kept, paths), notes=notes)
        except BaseException:  # nothing was begun
            self._tidy(kept, (), None)
            raise

    def add_paper(self, title: str, abstract: str, authors: str, year: str) -> Job:
        """One paper that was typed in; its file is named by its title.

        Raises:
            MisuseError: it has no abstract, or one too short, or its year is none.
            Busy: somebody else is adding.
        """
        from ingest.byline import read_year
        from ingest.parse import MIN_ABSTRACT_CHARACTERS

        length = len(" ".join(abstract.split()))
        if not length:
            raise MisuseError("paste the abstract first")
        if length < MIN_ABSTRACT_CHARACTERS:
            raise MisuseError(
                f"nothing was added: the abstract has {length} characters, fewer than {MIN_ABSTRACT_CHARACTERS}; paste "
                "the whole of it"
            )
        if year.strip() and read_year(year) is None:
            raise MisuseError(f"nothing was added: a year is a number such as 2021, not {year.strip()!r}")
        called = " ".join((title.strip() or abstract).split()[:8])
        return self._add_written(pasted_paper(title, abstract, authors, year), f"{safe_name(called)[:-4]}.jsonl")

    def add_text(self, text: str, name: str) -> Job:
        """The text of a whole file.

        Raises:
            MisuseError: there is none.
            Busy: somebody else is adding.
        """
        if not text.strip():
            raise MisuseError("paste some abstracts first")
        return self._add_written(text, safe_name(name.strip() or "pasted.txt"))

    def _add_written(self, text: str, name: str) -> Job:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8", errors="replace")
            return self.add([path])

    def remove(self, file_id: str | None) -> Job:
        """Take a source out.

        Raises:
            MisuseError: there is none of this id.
            Busy: somebody else is adding.
        """
        path = next((file.path for file in self._files() if str(file.file_id) == file_id), None)
        if path is None:
            raise MisuseError("choose a source of the list first")
        return self.adding.start(lambda: ["remove", path], lambda done: self._uploads.forget(path) if done else None)

    def stop(self) -> None:
        """End what is going on."""
        if job := self.adding.running():
            job.stop()

    def _files(self) -> list[StoredFile]:
        return self._assistant.collection.read(self._assistant.collection.store.files)

    def _tidy(self, kept: Sequence[Kept], uploaded: Sequence[Path], done: Report | None) -> None:
        """Delete new files that nothing was read from, and what was uploaded once it is in: else it may be again."""
        if done is not None and done.files:
            for path in uploaded:
                with contextlib.suppress(OSError):
                    path.unlink()
        known = {file.path for file in self._files()}
        for found in kept:
            if found.new and str(found.path) not in known:
                self._uploads.forget(str(found.path))
