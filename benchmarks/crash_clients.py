"""A crowd at one page: clients that ask as a browser does, by the page's own requests, one question after another."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

import httpx
from crash_stage import Corpus, Options, Probe, Tally, made, progress

PATIENCE_S = 120


@dataclass
class Crowd:
    """What the clients met."""

    taken: list[float] = field(default_factory=list)  # seconds from asking to the whole answer
    errors: Counter[str] = field(default_factory=Counter)
    answers: dict[str, set[str]] = field(default_factory=dict)  # question -> texts


def clients(options: Options, count: int, seconds: int) -> Tally:
    """Serve an index, and ask it for ``seconds``."""
    tally = Tally("clients")
    corpus = Corpus.draw(options.tree / "seeds", options.papers, random.Random(options.seed))
    home, files = options.work / "served", options.work / "served files"
    corpus.write(files, "a")
    probe = Probe(options)
    made(probe, home, files)
    probe.close()
    questions = corpus.request()["questions"]
    with served(options, home, tally) as address:
        crowd = asyncio.run(ask_together(address, questions, count, seconds))
    for question, texts in crowd.answers.items():
        if len(texts) > 1:
            crowd.errors[f"{len(texts)} different answers to {question!r}"] += 1
    taken = sorted(crowd.taken)
    tally.tables.append((["clients", "seconds", "answers", "errors", "p50 s", "p95 s", "longest s"], [[
        str(count), str(seconds), str(len(taken)), str(sum(crowd.errors.values())),
        f"{median(taken):.2f}" if taken else "–", f"{quantiles(taken, n=20)[18]:.2f}" if len(taken) > 1 else "–",
        f"{taken[-1]:.2f}" if taken else "–",
    ]]))
    tally.failures += [f"{n} times: {message}" for message, n in crowd.errors.most_common()]
    if not taken:
        tally.failures.append("no client had an answer")
    return tally


@contextmanager
def served(options: Options, home: Any, tally: Tally) -> Iterator[str]:
    """The page in a process of its own; what it prints on standard error is a failure."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        options.command("assistant", "serve", "--port", str(port)), cwd=options.work, env=options.environment(home),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    if "the page is at" not in first:
        raise SystemExit(f"the page cannot be served: {process.communicate()[1]}")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is not None:
            tally.failures.append(f"the server ended by itself with {process.returncode}")
        process.send_signal(signal.SIGTERM)
        try:
            errors = process.communicate(timeout=PATIENCE_S)[1].strip()
        except subprocess.TimeoutExpired:
            process.kill()
            errors = "it did not end when it was told to; " + process.communicate()[1].strip()
        if errors or process.returncode:
            tally.failures.append(f"the server ended with {process.returncode} and wrote: {errors[-1000:]}")


async def ask_together(address: str, questions: list[str], count: int, seconds: int) -> Crowd:
    """All clients at once, until the time is over and each has its last answer."""
    crowd = Crowd()
    ends = time.perf_counter() + seconds
    with progress("seconds", seconds) as advance:
        async def ticks() -> None:
            for _ in range(seconds):
                await asyncio.sleep(1)
                advance()

        await asyncio.gather(ticks(), *(
            client(address, questions[number % len(questions):] + questions[:number % len(questions)], ends, crowd)
            for number in range(count)
        ))
    return crowd


async def client(address: str, questions: Sequence[str], ends: float, crowd: Crowd) -> None:
    """Open the page, and ask until the time is over, each question in a conversation of its own."""
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=PATIENCE_S) as http:
        number = 0
        while time.perf_counter() < ends:
            question = questions[number % len(questions)]
            number += 1
            try:
                began = time.perf_counter()
                if number == 1:
                    (await http.get("/")).raise_for_status()
                    call = asking((await http.get("/config")).raise_for_status().json())
                    began = time.perf_counter()
                html = await ask(http, call, f"{id(http):x}{number}", question)
                crowd.taken.append(time.perf_counter() - began)
                crowd.answers.setdefault(question, set()).add(html)
            except (httpx.HTTPError, ValueError, LookupError) as exc:
                crowd.errors[f"{type(exc).__name__}: {str(exc)[:200]}"] += 1
                await asyncio.sleep(1)


def asking(config: dict[str, Any]) -> int:
    """The number of what the page calls when a question is entered."""
    box = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "question")
    return next(int(entry["id"]) for entry in config["dependencies"] if [box, "submit"] in entry["targets"])


async def ask(http: httpx.AsyncClient, call: int, session: str, question: str) -> str:
    """The text of the answer as the page shows it.

    Raises:
        ValueError: the page shows that it failed, or no answer.
    """
    request = {"data": [question, None], "event_data": None, "fn_index": call, "trigger_id": None,
               "session_hash": session}
    (await http.post("/gradio_api/queue/join", json=request)).raise_for_status()
    async with http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        stream.raise_for_status()
        async for line in stream.aiter_lines():
            if not line.startswith("data: "):
                continue
            message = json.loads(line.removeprefix("data: "))
            if message["msg"] == "process_completed":
                break
        else:
            raise ValueError("the stream ended without an answer")
    if not message["success"]:
        raise ValueError(f"the page failed: {message['output']}")
    values = message["output"]["data"]
    shown = next((value["html"] for value in values if isinstance(value, dict) and "html" in value), "")
    if "notice failed" in shown or 'class="said' not in shown:
        raise ValueError(f"the page shows no answer: {re.sub('<[^>]*>', ' ', shown)[:200]}")
    return re.sub(r"<footer.*?</footer>|<[^>]*>", "", shown, flags=re.DOTALL)  # the footer has times
