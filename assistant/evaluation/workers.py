"""Questions asked by several processes at once: each opens the index for itself and encodes on one thread."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING

from assistant.errors import AssistantError
from assistant.evaluation.case import Subject
from assistant.evaluation.measures.judge import Judge
from assistant.evaluation.questions import Item
from assistant.evaluation.result import Result
from assistant.evaluation.run import Ask, examine

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.settings import Settings

Made = Callable[["Assistant"], Subject]  # a class, or a partial of one: another process must be able to call it
WORTH_IT = 100  # questions; opening an index in two processes takes as long as asking fifty
PROCESSES = 2

_subject: Subject | None = None  # of a worker process


def worth_it(settings: Settings, items: Sequence[Item]) -> bool:
    """Whether several processes are faster; a language model's limits hold for one process."""
    from assistant.embedding.embedder import cores

    return settings.model_backend is None and len(items) >= WORTH_IT and cores() >= PROCESSES


@contextlib.contextmanager
def workers(settings: Settings, made: Made) -> Iterator[Ask]:
    """Processes that ask; what is yielded takes questions and conversations to the results of each, in order.

    A judge goes to these processes: it is a function of a module, say, and no lambda.

    Args:
        settings: of an index that is there.
        made: what is asked, of an assistant.
    Raises:
        AssistantError: a process ended before it was done.
    """
    pool = ProcessPoolExecutor(
        PROCESSES, multiprocessing.get_context("spawn"), _open, (settings.model_copy(update={"threads": 1}), made)
    )
    try:
        yield lambda items, judge: pool.map(partial(_examine, judge=judge), items)
    except BrokenProcessPool as exc:
        raise AssistantError(
            "a process that asks questions was killed, perhaps for want of memory; the same command goes on"
        ) from exc
    finally:
        pool.shutdown(cancel_futures=True)


def _open(settings: Settings, made: Made) -> None:
    global _subject
    from assistant.api import Assistant

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the first one decides
    _subject = made(Assistant.open(settings))


def _examine(item: Item, *, judge: Judge | None) -> list[Result]:
    assert _subject is not None
    return examine(_subject, [item], judge=judge)
