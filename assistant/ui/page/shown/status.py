"""Collection and language models → what the Status tab shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.backends.messages import Status
from assistant.index.collection import Collection
from assistant.ui.page.shown.escape import text

MOST_FILES = 100  # named; a collection may have thousands


@dataclass(frozen=True, slots=True)
class CollectionCard:
    """What is in the index, and how it was made."""

    papers: int
    untitled: int
    files: tuple[str, ...]   # by their own names, in the order of ingest
    chunks: int
    chunk_tokens: int        # of the longest chunk allowed
    embedder: str            # name and precision
    dimensions: int          # of a chunk's vector
    token_dimensions: int    # bytes kept of each word piece
    generation: int          # how many times it was written to
    size: int                # bytes on disk


def card_of(collection: Collection) -> CollectionCard:
    """The newest state of a collection."""
    def read() -> CollectionCard:
        card, store = collection.card, collection.store
        return CollectionCard(
            papers=store.count(), untitled=store.count_untitled(), files=tuple(file.name for file in store.files()),
            chunks=int(card["chunks"]), chunk_tokens=int(card["chunk_tokens"]), embedder=card["embedder"],
            dimensions=int(card["dimension"]), token_dimensions=collection.basis.rank,
            generation=collection.generation, size=size_of(collection.folder),
        )

    return collection.read(read)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; those that go while it counts do not."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def collection_html(card: CollectionCard) -> str:
    """The collection, a row for each fact."""
    titles = f", {card.untitled:,} without a title" if card.untitled else ""
    rows = {
        "Papers": f"{card.papers:,}{titles}",
        "Files": f"{len(card.files):,}",
        "Generation": f"{card.generation:,}; one more with each change",
        "On disk": _bytes(card.size),
    }
    names = "".join(f"<li>{text(name)}</li>" for name in card.files[:MOST_FILES])
    if len(card.files) > MOST_FILES:
        names += f"<li>… and {len(card.files) - MOST_FILES:,} more</li>"
    files = f"<details><summary>Files it was read from</summary><ul>{names}</ul></details>" if names else ""
    return f"<section><h2>Collection</h2>{_facts(rows)}{files}</section>"


def embedder_html(card: CollectionCard) -> str:
    """The model that turns text into vectors. The page would not have opened without it."""
    rows = {
        "Model": text(card.embedder),
        "State": _sign(ready=True),
        "Vectors": f"{card.dimensions} dimensions; {card.token_dimensions} bytes of each word piece",
        "Chunks": f"{card.chunks:,}, of at most {card.chunk_tokens} word pieces",
    }
    return f"<section><h2>Embedder</h2>{_facts(rows)}</section>"


def backends_html(statuses: Sequence[Status], *, in_use: str) -> str:
    """Who could write answers, and what is missing where one is not ready."""
    rows = "".join(
        f'<tr><th scope="row">{text(status.name)}'
        f"{' <small>in use</small>' if status.name == in_use else ''}</th>"
        f"<td>{_sign(ready=status.ready)}</td><td>{text(status.detail)}</td></tr>"
        for status in statuses
    )
    return (
        "<section><h2>Who writes answers</h2><table><thead><tr>"
        '<th scope="col">Backend</th><th scope="col">State</th><th scope="col">What it uses, or what is missing</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _facts(rows: dict[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows.items()) + "</dl>"


def _sign(*, ready: bool) -> str:
    return f'<span class="{"ready" if ready else "missing"}">{"ready" if ready else "not ready"}</span>'


def _bytes(size: int) -> str:
    """A size as people say it.

    >>> _bytes(39_800_000), _bytes(5_200_000_000), _bytes(900)
    ('39.8 MB', '5.2 GB', '0.9 kB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 1e3:.1f} kB"
