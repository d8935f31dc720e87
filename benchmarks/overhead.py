"""What this program adds to a language model's own time: per turn, and from a sentence's last word to its being shown.

    python benchmarks/overhead.py [QUESTIONS]

The processor's time is about what the wall clock would say on an idle machine. The model is a server on a loopback
socket that repeats the first sentence of the best paper at once.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from scripted_server import Asked, ScriptedServer, says

from assistant import Answer, Assistant
from assistant.evaluation.measures import FACTS
from assistant.evaluation.questions import load_questions
from assistant.settings import load_settings


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    questions = [q.question for q in load_questions() if q.split == "choose" and q.kind in FACTS][:count]
    written: list[float] = []

    def repeat(asked: Asked) -> str:
        shown = re.search(r"^\[1\] .*\n(.+?[.!?])(?:\s|$)", asked.question, re.MULTILINE)
        written.append(time.perf_counter())
        return f"{shown[1] if shown else 'Nothing.'} [1]"

    ours, first, processor = [], [], []
    with ScriptedServer(says(repeat)) as server:
        settings = load_settings().model_copy(update={
            "backend": "openai", "base_url": server.url, "model": server.model, "api_key": None})
        with Assistant.open(settings) as assistant:
            assistant.ask(questions[0])  # what loads when first used
            for question in questions:
                written.clear()
                began, spent = time.perf_counter(), time.process_time()
                for piece in assistant.stream(question):
                    if isinstance(piece, Answer):
                        ours.append((time.perf_counter() - began) * 1000 - piece.timings.get("model", 0.0))
                        processor.append((time.process_time() - spent) * 1000)
                    elif written and len(first) < len(ours) + 1:
                        first.append((time.perf_counter() - written[0]) * 1000)
    for name, values in (
        ("our side of a turn", ours), ("processor time of a turn, all threads", processor),
        ("first sentence shown after it was written", first),
    ):
        half, most = np.percentile(values, (50, 95))
        print(f"{name}: p50 {half:.0f} ms, p95 {most:.0f} ms, n={len(values)}")


if __name__ == "__main__":
    main()
