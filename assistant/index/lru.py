"""What was looked up last: one question asks several times, and the next asks for much the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most so many values by key, the newest; of one state of an index. Safe to share between threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[K, V] = {}  # oldest first
        self._state: object = None
        self._lock = threading.Lock()

    def get(self, keys: Iterable[K], make: Callable[[list[K]], Mapping[K, V]], *, state: object = None) -> dict[K, V]:
        """The values of ``keys`` that have one, in their order.

        Args:
            make: asked, once, for all that are not kept; it may leave out keys that have no value.
            state: what values depend on beside their key; with another than before, all are made anew.

        >>> Recent[str, int](2).get(["a", "b"], lambda keys: {key: len(key) for key in keys})
        {'a': 1, 'b': 1}
        """
        wanted = list(dict.fromkeys(keys))
        with self._lock:
            if state != self._state:
                self._kept, self._state = {}, state
            found = {key: self._kept[key] for key in wanted if key in self._kept}
        missing = [key for key in wanted if key not in found]
        if not missing:
            return found
        made = dict(make(missing))
        with self._lock:
            if state == self._state:
                self._kept.update(made)
                for key in list(islice(self._kept, max(len(self._kept) - self._size, 0))):
                    del self._kept[key]
        found.update(made)
        return {key: found[key] for key in wanted if key in found}
