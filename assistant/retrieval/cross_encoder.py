"""A cross-encoder as a reranker: it reads question and paper together, so it is better and slower; off by default.

The only file that knows sentence-transformers, which comes with the extra ``rerank`` (and PyTorch). Source: Nogueira
and Cho, "Passage Re-ranking with BERT", 2019, arXiv:1901.04085.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.errors import RerankerError
from assistant.retrieval.retriever import Floats, Ranking

if TYPE_CHECKING:
    from assistant.index.sqlite import Entry

TOP = 30  # papers that are read together with the question
INSTALL = "pip install -c constraints.txt '.[rerank]'"


class CrossEncoderReranker:
    """Puts the top of a ranking in the order of a cross-encoder's probabilities."""

    def __init__(self, folder: Path, *, top: int = TOP) -> None:
        """Load the model from its folder; nothing is downloaded.

        Raises:
            RerankerError: sentence-transformers is not installed, or the folder has no cross-encoder with one output.
        """
        try:
            from sentence_transformers import CrossEncoder
            from torch import nn
            from transformers.utils.logging import disable_progress_bar
        except ImportError as exc:
            raise RerankerError(
                f"ASSISTANT_RERANKER needs the package {exc.name}; install it with: {INSTALL}, or unset the setting"
            ) from exc
        disable_progress_bar()
        try:
            # A sigmoid whatever the model's own settings say: some models give logits by default.
            self._model: Any = CrossEncoder(str(folder), local_files_only=True, activation_fn=nn.Sigmoid())
            outputs = int(self._model.num_labels)
        except Exception as exc:  # torch, safetensors, tokenizers and json each raise their own
            reason = f"{type(exc).__name__}: {exc}".splitlines()[0].replace(str(folder), folder.name)[:200]
            raise RerankerError(f"the cross-encoder in {folder.name!r} cannot be loaded ({reason})") from exc
        if outputs != 1:
            raise RerankerError(
                f"the model in {folder.name!r} has {outputs} outputs; a cross-encoder that ranks has one"
            )
        self._top = top

    def rerank(self, ranking: Ranking) -> Ranking:
        """The best ``top`` papers by descending probability of being relevant, ties as they were; the rest follow.

        The new ``score`` of those at the top lies between that of the first paper below them (0 if there is none) and
        1, in proportion to the probability, so that the whole stays within 0–1 and descending.
        """
        count = min(self._top, len(ranking))
        if count == 0:
            return ranking
        chances = self.probabilities(ranking.query.text, ranking.entries[:count])
        floor = float(ranking.score[count]) if len(ranking) > count else 0.0
        order = [*np.argsort(-chances, kind="stable").tolist(), *range(count, len(ranking))]
        score = ranking.score.copy()
        score[:count] = floor + (1.0 - floor) * chances[order[:count]]
        return replace(
            ranking, entries=tuple(ranking.entries[place] for place in order),
            matches=tuple(ranking.matches[place] for place in order), score=score, support=ranking.support[order],
            similarity=ranking.similarity[order], lexical=ranking.lexical[order],
        )

    def probabilities(self, question: str, entries: tuple[Entry, ...]) -> Floats:
        """(p,) P(relevant) of each paper, 0–1; what does not fit the model's window is not read."""
        texts = [f"{entry.paper.title}\n{entry.paper.abstract}" if entry.paper.title else entry.paper.abstract
                 for entry in entries]
        found: Floats = np.asarray(
            self._model.predict([(question, text) for text in texts], show_progress_bar=False), dtype=np.float32
        )
        return found.reshape(len(texts))


def open_reranker(name: str) -> CrossEncoderReranker:
    """The cross-encoder in a folder, or one of the Hugging Face hub that was downloaded before.

    Raises:
        RerankerError: it is neither, or cannot be loaded; see `CrossEncoderReranker`.
    """
    folder = Path(name).expanduser()
    return CrossEncoderReranker(folder if folder.is_dir() else _cached(name))


def _cached(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as exc:
        shown = Path(name).name if Path(name).is_absolute() else name
        fetch = "" if isinstance(exc, HFValidationError) else f"; fetch it once with: hf download {shown}"
        raise RerankerError(
            f"ASSISTANT_RERANKER: {shown!r} is no folder and no model that was downloaded before, and nothing is "
            f"downloaded unasked{fetch}, or name a folder"
        ) from exc
