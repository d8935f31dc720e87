"""What an evaluation has done so far, so that one stopped in the middle can go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from assistant.errors import AssistantError
from assistant.evaluation.result import Result

NAME = "unfinished.jsonl"


class Journal:
    """A file of results, each written when it is there. The first line says of which run."""

    def __init__(self, folder: Path, run: str) -> None:
        """Go on with the run that ``folder`` has, if it is this one; another is set aside as ``.old``.

        Args:
            run: a hash of all that results depend on: questions, papers, settings, code.
        """
        self.path = folder / NAME
        self.set_aside = False             # whether there was another run
        self.done: dict[str, Result] = {}  # id -> result
        self._header = json.dumps({"run": run}).encode() + b"\n"
        self._whole = 0                    # bytes up to the last whole line
        self._file: BinaryIO | None = None
        data = self.path.read_bytes() if self.path.is_file() else b""
        if data.startswith(self._header):
            self._whole = data.rfind(b"\n") + 1  # a process killed while writing leaves part of a line
            for line in data[len(self._header):self._whole].splitlines():
                entry: dict[str, Any] = json.loads(line)
                result = Result.from_json(entry["result"], entry["elapsed_ms"])
                self.done[result.id] = result
        elif data.count(b"\n") > 1:
            self.path.replace(self.path.with_suffix(".old"))
            self.set_aside = True

    def add(self, result: Result) -> None:
        """Keep a result, at once.

        Raises:
            AssistantError: the folder cannot be written to.
        """
        try:
            file = self._file or self._begin()
            entry = {"result": result.to_json(), "elapsed_ms": result.elapsed_ms}
            file.write(json.dumps(entry).encode() + b"\n")
            file.flush()
        except OSError as exc:
            raise AssistantError(f"{NAME} cannot be written ({exc.strerror}); name another folder with --out") from exc
        self.done[result.id] = result

    def _begin(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("r+b" if self._whole else "wb")
        if self._whole:
            self._file.truncate(self._whole)
            self._file.seek(self._whole)
        else:
            self._file.write(self._header)
        return self._file

    def close(self) -> None:
        """Keep the file for later."""
        if self._file is not None:
            self._file.close()
            self._file = None
