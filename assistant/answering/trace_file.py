"""A line of JSON about each answer, for whoever runs the assistant; no words of questions unless asked for."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.errors import StorageError
from assistant.records import Answer

_writing = threading.Lock()  # lines of two threads do not mix


def log_answer(answer: Answer, path: Path, *, with_text: bool) -> None:
    """Add a line to a file, which only its owner may read.

    Raises:
        StorageError: it cannot be written.
    """
    entry: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "kind": answer.kind, "backend": answer.backend,
        "abstained": answer.abstained, "confidence": round(answer.confidence, 3), "considered": answer.considered,
        "matched": answer.matched, "citations": len(answer.citations),
        "unchecked": sum(not sentence.checked for sentence in answer.sentences), "timings": answer.timings,
        "tokens": answer.tokens, "cost": answer.cost,
    }
    if with_text:
        entry |= {"id": answer.id, "question": answer.question, "text": answer.text, "trace": list(answer.trace)}
    line = json.dumps(entry, ensure_ascii=False) + "\n"
    try:
        with _writing, open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", buffering=0) as file:
            file.write(line.encode("utf-8", "replace"))
    except OSError as exc:
        raise StorageError(
            f"the trace file {path.name!r} cannot be written ({exc.strerror}); set ASSISTANT_TRACE_FILE to another"
        ) from exc
