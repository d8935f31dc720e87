"""Fit the basis of token vectors that ships with the default model, to the token vectors of ``seeds/``.

    python benchmarks/basis.py    # writes assistant/bases/<model>.npz
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.embedding.embedder import open_embedder
from assistant.index.token_vectors import Basis
from ingest.clean import clean_abstract
from ingest.parse import read_records

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    embedder = open_embedder(precision="fp32")
    texts = [
        clean_abstract(record.text, record.title)
        for path in sorted((ROOT / "seeds").glob("*.txt")) for record in read_records(path).records
    ]
    fitting = [text for text in texts if len(embedder.token_offsets(text)) + embedder.specials <= embedder.window]
    basis = Basis.fit(np.concatenate([encoding.vectors for encoding in embedder.encode(fitting)]))
    basis.save(ROOT / "assistant" / "bases" / f"{embedder.model}.npz")


if __name__ == "__main__":
    main()
