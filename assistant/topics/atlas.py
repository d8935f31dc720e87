"""The map of one state of a collection: made once, kept in a file beside the index."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.topics.places import Floats, places
from assistant.topics.topics import Topic, find_topics, group_neighbours, topic_names

if TYPE_CHECKING:
    from assistant.index.collection import Collection

MAP_PAPERS = 20_000  # that are drawn; of more the first by id, which are any: ids are hashes
TOPIC_PAPERS = 1000  # that topics are found among without a map: more take longer than a question may
BATCH = 1000
FORMAT = 1  # of the file


@dataclass(frozen=True, slots=True)
class Atlas:
    """Where each paper is, and what lies around it."""

    state: str                    # of the collection it was made of; see `state_of`
    papers: int                   # of the collection
    paper_ids: tuple[str, ...]    # those on the map
    x: tuple[float, ...]          # 0–1
    y: tuple[float, ...]
    topic: tuple[int, ...]        # of each paper, a position in `topics`
    topics: tuple[Topic, ...]     # largest first

    def members(self, topic: int) -> frozenset[str]:
        """Ids of the papers of a topic; none of one that is not there."""
        return frozenset(paper for paper, own in zip(self.paper_ids, self.topic, strict=True) if own == topic)


def state_of(collection: Collection) -> str:
    """What changes whenever the collection's papers do, and is another's for another index."""
    card = collection.store.card()
    return "-".join([str(FORMAT), *(card.get(key, "") for key in ("generation", "build", "papers", "token_rows"))])


def draw(collection: Collection) -> Atlas:
    """Lay out the collection as it is now: seconds for thousands of papers."""
    return collection.read(lambda: _draw(collection))


def topics(collection: Collection) -> list[tuple[str, int]]:
    """Return (name, papers) of the groups of like papers, largest first, of at most `TOPIC_PAPERS`. Makes no map.

    Call it inside `Collection.read`.
    """
    ids = collection.store.paper_ids()[:TOPIC_PAPERS]
    if not ids:
        return []
    vectors, texts = _read(collection, ids)
    groups = group_neighbours(vectors).tolist()
    return [(name, groups.count(group)) for group, name in enumerate(topic_names(groups, texts))]


def _read(collection: Collection, ids: Sequence[str]) -> tuple[Floats, list[str]]:
    """(n, d) unit vectors and the texts of papers."""
    vectors: list[Floats] = []
    texts: list[str] = []
    for start in range(0, len(ids), BATCH):
        entries = collection.store.entries(ids[start:start + BATCH])
        chunks = [chunk for entry in entries.values() for chunk in entry.chunk_ids()]
        stored = collection.vectors.vectors(chunks)
        for paper in ids[start:start + BATCH]:
            mean = np.mean([stored[chunk] for chunk in entries[paper].chunk_ids()], axis=0)
            vectors.append(mean / (np.linalg.norm(mean) or 1.0))
            texts.append(f"{entries[paper].paper.title or ''}\n{entries[paper].paper.abstract}")
    return np.stack(vectors).astype(np.float32), texts


def _draw(collection: Collection) -> Atlas:
    state, ids = state_of(collection), collection.store.paper_ids()[:MAP_PAPERS]
    if not ids:
        return Atlas(state, 0, (), (), (), (), ())
    vectors, texts = _read(collection, ids)
    found = places(vectors)
    groups, named = find_topics(found, texts)
    x, y = (tuple(round(float(value), 4) for value in axis) for axis in found.T)
    return Atlas(state, collection.store.count(), tuple(ids), x, y, tuple(groups.tolist()), named)


def save(atlas: Atlas, path: Path) -> None:
    """Write a map, all of it or nothing."""
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_text(json.dumps(asdict(atlas), ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, path)


def load(path: Path) -> Atlas | None:
    """Read a map; None if there is none, or none that can be read: it is soon made again."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        topics = tuple(Topic(**topic) for topic in found.pop("topics"))
        ids, x, y, topic = (tuple(found[key]) for key in ("paper_ids", "x", "y", "topic"))
        return Atlas(str(found["state"]), int(found["papers"]), ids, x, y, topic, topics)
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None
