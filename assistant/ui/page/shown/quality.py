"""The last evaluation → what the Quality tab shows."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import AssistantError
from assistant.ui.page.shown.escape import text

if TYPE_CHECKING:
    from assistant.evaluation.evaluation import Evaluation

NONE_YET = (
    "<h2>No evaluation yet</h2>"
    "<p>This command asks several hundred questions with known answers, which takes some minutes, and measures what "
    "comes back:</p><pre><code>assistant eval</code></pre>"
    "<p>Those are about the papers in <code>seeds/</code>. Questions of yours, about your collection, are better:</p>"
    "<pre><code>assistant eval --questions mine.jsonl</code></pre>"
    "<p>What it finds is shown here once it is done.</p>"
)


class LastReport:
    """The ``report.json`` that ``assistant eval`` leaves in a folder, as HTML; made anew when the file changes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "report.json"
        self._lock = threading.Lock()  # its intervals take a second: once for all who look
        self._read: tuple[int, int, int] | None = None  # of what file, and for how many papers
        self._html = ""

    def html(self, *, papers: int) -> str:
        """What to show.

        Args:
            papers: in the collection that is open; an evaluation of another says so.
        """
        from assistant.evaluation.evaluation import read_evaluation  # only where somebody looks

        with self._lock:
            try:
                found = self._path.stat()
            except OSError:
                return NONE_YET
            if (found.st_mtime_ns, found.st_size, papers) != self._read:
                try:
                    self._html = report_html(read_evaluation(self._path), papers=papers)
                except AssistantError as exc:
                    return f"<h2>The last evaluation cannot be shown</h2><p>{text(exc)}</p>"
                self._read = (found.st_mtime_ns, found.st_size, papers)
            return self._html


def report_html(evaluation: Evaluation, *, papers: int) -> str:
    """Verdict, figures and plots, as in the report's own page, and where the rest is."""
    from assistant.evaluation.report.evaluation_page import overview

    over = evaluation.about.get("papers")
    other = "" if over in (None, papers) else (
        f'<p class="note warn">Measured over {text(over)} papers; the collection that is open has {papers:,}.</p>'
    )
    return (
        f"<h2>Evaluation on {text(evaluation.questions)}</h2>{other}{''.join(overview(evaluation))}"
        '<p class="note">Every question with its answer is in <code>evaluation/report.html</code> of the folder that '
        "<code>ASSISTANT_HOME</code> names.</p>"
    )
