"""Files into the index and out of it while others ask: one ingest at a time, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.errors import AssistantError
from assistant.settings import Settings
from assistant.ui.page import child
from assistant.ui.page.failures import log

if TYPE_CHECKING:
    from ingest.report import Report


class Busy(AssistantError):
    """Somebody else's files are going in."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far an ingest is."""

    file: str = ""
    done: int = 0   # records
    total: int = 0


class Job:
    """One run of the ``ingest`` command. A page may leave; it goes on."""

    def __init__(
        self, words: Sequence[str], settings: Settings, *, notes: Sequence[str] = (),
        after: Callable[[Report | None], None] | None = None,
    ) -> None:
        """Start it; ``after`` is called when it has ended, with its report if it gave one."""
        self.notes = notes
        self.step = Step()
        self.report: Report | None = None
        self.problem: str | None = None   # why it could not be done, or not wholly
        self.stopped = False
        self.ended = threading.Event()
        self._after = after
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # no pipe: a long report fills it before anybody reads
        self._process = child.start(
            "ingest.cli", ["--json", "--progress", *words], settings, stdout=self._output, stderr=subprocess.PIPE
        )
        threading.Thread(target=self._follow, name="assistant-ingest", daemon=True).start()

    def stop(self) -> None:
        """End it at once; what was finished is kept, and the next ingest tidies up."""
        self.stopped = True
        self._process.terminate()

    def _follow(self) -> None:
        try:
            with self._output, self._process:  # which waits for its end
                said = self._heard()
                code = self._process.wait()
                self._output.seek(0)
                self.report = read_report(self._output.read())
            if self.report is None and self.stopped:
                self.problem = "stopped; what was finished is kept, add the same again to go on"
            elif self.report is None:
                self.problem = "; ".join(said) or f"the ingest ended early (status {code}); what was finished is kept"
            if self._after is not None:
                self._after(self.report)
        except Exception as exc:
            log(exc, "at the end of an ingest")
        finally:
            self.ended.set()  # whatever happened, or nobody could add again

    def _heard(self) -> list[str]:
        """Keep its progress; gives what else it said, once it has ended."""
        assert self._process.stderr is not None
        said: list[str] = []
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").strip()
            step = _step(line)
            if step is not None:
                self.step = step
            elif line.startswith("ingest: "):
                said.append(line.removeprefix("ingest: "))
        return said


class Adding:
    """The one place of a server where files are added; who comes second is told to wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._job: Job | None = None

    def close(self) -> None:
        """Stop the job, if there is one, and wait for its end."""
        with self._lock:  # one may just be beginning
            job = self.running()
        if job is not None:
            job.stop()
            job.ended.wait()

    def running(self) -> Job | None:
        """The job, if there is one that has not ended."""
        return self._job if self._job is not None and not self._job.ended.is_set() else None

    def latest(self) -> Job | None:
        """The job that was begun last, whether or not it has ended."""
        return self._job

    def start(
        self, words: Callable[[], Sequence[str]], after: Callable[[Report | None], None] | None = None, *,
        notes: list[str] | None = None,
    ) -> Job:
        """Begin one; ``words`` makes ready what is given to the command, while nobody else does.

        Args:
            notes: what there is to say besides the report.

        Raises:
            Busy: another has not ended.
        """
        with self._lock:
            if self.running() is not None:
                raise Busy("someone else is adding or removing papers just now; try again when that has ended")
            self._job = Job(words(), self._settings, notes=notes or [], after=after)
            return self._job


def read_report(output: bytes) -> Report | None:
    """The report that ``ingest --json`` printed; None if it printed none."""
    from ingest.files import Skip
    from ingest.report import Report

    try:
        found: dict[str, Any] = json.loads(output)
        return Report(**{**found, "skipped": [Skip(**skip) for skip in found["skipped"]]})
    except (ValueError, TypeError, KeyError):
        return None


def _step(line: str) -> Step | None:
    try:
        return Step(**json.loads(line))
    except (ValueError, TypeError):
        return None
