"""The map that is shown: drawn by a child process when the collection has changed, kept in a file and in memory."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from assistant.api import Assistant
from assistant.topics.atlas import Atlas, load, state_of
from assistant.ui.page import child

FILE = "map.json"  # in the home folder, beside the index
LONGEST = 3600  # seconds a drawing may take


class Maps:
    """One for a server; asked by many pages at once."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._file: Path = assistant.settings.home / FILE
        self._lock = threading.Lock()
        self._atlas: Atlas | None = None
        self._drawing: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None  # of the drawing
        self._closed = False
        self._failed: tuple[str, str] | None = None  # state, why

    def latest(self) -> tuple[Atlas | None, str]:
        """The newest map there is, and what to say of it: "" once it shows the collection as it is now.

        One that is missing or out of date is drawn meanwhile; ask again.
        """
        state = self._assistant.collection.read(lambda: state_of(self._assistant.collection))
        with self._lock:
            if self._atlas is None or self._atlas.state != state:
                self._atlas = load(self._file) or self._atlas
            if self._atlas is not None and self._atlas.state == state:
                return self._atlas, ""
            if self._failed is not None and self._failed[0] == state:
                return self._atlas, f"The map could not be drawn: {self._failed[1]}"
            if self._drawing is None and not self._closed:
                self._drawing = threading.Thread(target=self._draw, args=(state,), name="assistant-map", daemon=True)
                self._drawing.start()
            again = "being drawn again, because the collection has changed" if self._atlas else "being drawn"
            return self._atlas, f"The map is {again} …"

    def close(self) -> None:
        """Give up the drawing, if there is one, and begin no other."""
        with self._lock:
            self._closed, drawing = True, self._drawing
            if self._process is not None:
                self._process.terminate()
        if drawing is not None:
            drawing.join()

    def atlas(self) -> Atlas | None:
        """The map last shown."""
        return self._atlas

    def _draw(self, state: str) -> None:
        problem: str | None = "it took more than an hour"
        try:
            with self._lock:
                if self._closed:
                    return
                process = self._process = child.start(
                    "assistant.topics", [str(self._file.resolve())], self._assistant.settings,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                )
            try:
                _, errors = process.communicate(timeout=LONGEST)
                problem = _told(errors, process.returncode) if process.returncode else None
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        except OSError as exc:
            problem = exc.strerror or "no process could be started"
        finally:
            with self._lock:
                self._drawing = self._process = None
                self._failed = None if problem is None else (state, problem)


def _told(errors: bytes, status: int) -> str:
    """What ``assistant.topics`` says went wrong; of anything else, such as a traceback, only that it did."""
    lines = errors.decode("utf-8", "replace").splitlines()
    said = [line.removeprefix("map: ") for line in lines if line.startswith("map: ")]
    return said[-1] if said else f"it ended early (status {status})"
