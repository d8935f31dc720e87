"""The reader: a tagger of the words of a question, and classifiers of its form and of what a fact asks for.

All three are linear models over what the embedder gives for a question anyway, trained on the annotated questions of
``forms.jsonl``. The reader of the default model comes with the program; that of another model is trained when it is
first used, which takes some seconds, and kept in the user's cache. Same model, same questions: same reader.
"""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.embedding.cache import default_cache_dir, seal, unseal, write_atomically
from assistant.query import chain
from assistant.query.features import Token, form_signs, form_vector, token_signs, token_vectors, tokenise
from assistant.query.forms import FORMS, KINDS, TAGS, WANTS, Form, load_forms, with_lower_case
from assistant.query.linear import Doubles, Linear, cross_entropy, fit, softmax

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder, Encoding

SHIPPED = Path(__file__).parent / "readers"
VERSION = 1  # raise it with any change to the features or the fit

SURELY_ASKING = 0.75  # chance below which a content word counts as subject: one missing costs more than one too many

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A question read: ``tags`` and ``forms`` are what is most probable, the chances are 0–1."""

    tokens: tuple[Token, ...]
    tags: tuple[str, ...]              # of `TAGS`, one a token
    chances: Doubles                   # (t, 4) of each tag of each token
    forms: tuple[tuple[str, float], ...]  # of `KINDS`, most probable first
    wants: tuple[str, float]           # of `WANTS`: what it asks for if it asks for a fact

    @property
    def has_subject(self) -> bool:
        """Whether a content word is read as a topic or a name."""
        pairs = zip(self.tokens, self.tags, strict=True)
        return any(tag in ("topic", "name") and token.is_content for token, tag in pairs)

    def is_subject(self, place: int) -> bool:
        """Whether a token says what the question is about; where in doubt, a content word does."""
        token = self.tokens[place]
        return self.tags[place] != "asking" or (token.is_content and bool(self.chances[place, 0] < SURELY_ASKING))

    def chance(self, tag: str, start: int, end: int) -> float:
        """The mean chance of a tag over the words of a stretch of text; 0 without words."""
        rows = [
            i for i, token in enumerate(self.tokens)
            if token.start < end and start < token.end and any(c.isalnum() for c in token.text)
        ]
        return float(self.chances[rows, TAGS.index(tag)].mean()) if rows else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """The trained models."""

    tagger: Linear
    steps: Doubles  # (4, 4) score of a tag after a tag
    forms: Linear
    wants: Linear

    def read(self, text: str, embedder: Embedder) -> Reading:
        """Read a text that has a letter or digit; of one too long for the model, the beginning that fits."""
        offsets = embedder.token_offsets(text)
        room = embedder.window - embedder.specials
        if len(offsets) > room:
            text = text[:int(offsets[room - 1][1])]
        return self.read_encoded(text, embedder.encode_one(text))

    def read_encoded(self, text: str, encoding: Encoding) -> Reading:
        """The same by a text's encoding."""
        tokens = tokenise(text)
        vectors = token_vectors(tokens, encoding.offsets, encoding.vectors)
        scores = self.tagger.scores(vectors, token_signs(text, tokens, encoding.offsets))
        tags = tuple(TAGS[tag] for tag in chain.best(scores, self.steps))
        whole, signs = form_vector(vectors, encoding.pooled, tags)[np.newaxis], [form_signs(tokens, tags)]
        forms = softmax(self.forms.scores(whole, signs))[0]
        wants = softmax(self.wants.scores(whole, signs))[0]
        by_chance = sorted(zip(KINDS, forms.tolist(), strict=True), key=lambda form: -form[1])
        return Reading(
            tuple(tokens), tags, chain.posterior(scores, self.steps), tuple(by_chance),
            (WANTS[int(wants.argmax())], float(wants.max())),
        )

    def to_bytes(self) -> bytes:
        """As an .npz file. Weights are rounded to 16 bits: more than their training knows."""
        arrays = {"steps": self.steps.astype(np.float32)}
        for name, model in (("tagger", self.tagger), ("forms", self.forms), ("wants", self.wants)):
            arrays |= {
                f"{name}.centre": model.centre, f"{name}.scale": model.scale, f"{name}.bias": model.bias,
                f"{name}.of_vectors": model.of_vectors.astype(np.float16),
                f"{name}.of_signs": model.of_signs.astype(np.float16),
                f"{name}.signs": np.frombuffer("\n".join(model.vocabulary).encode(), np.uint8),
            }
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Reader:
        """What `to_bytes` gave.

        Raises:
            ValueError, LookupError, OSError, zipfile.BadZipFile: it is damaged.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            def model(name: str) -> Linear:
                signs = stored[f"{name}.signs"].tobytes().decode().split("\n")
                return Linear(
                    stored[f"{name}.centre"], stored[f"{name}.scale"], {sign: row for row, sign in enumerate(signs)},
                    stored[f"{name}.of_vectors"].astype(np.float32), stored[f"{name}.of_signs"].astype(np.float32),
                    stored[f"{name}.bias"],
                )

            return cls(model("tagger"), stored["steps"].astype(np.float64), model("forms"), model("wants"))


COARSE = frozenset(["five"])  # sources whose subjects are annotated as whole clauses: they teach kinds, not tags


def train(forms: Sequence[Form], encodings: Sequence[Encoding]) -> Reader:
    """Fit a reader to annotated questions and their encodings.

    The classifiers see the annotated tags, not the tagger's: cross-file, that is no worse.
    """
    tokens = [tokenise(form.text) for form in forms]
    tags = [form.tags(found) for form, found in zip(forms, tokens, strict=True)]
    vectors = [
        token_vectors(found, encoding.offsets, encoding.vectors)
        for found, encoding in zip(tokens, encodings, strict=True)
    ]
    fine = [i for i, form in enumerate(forms) if form.source not in COARSE]
    signs = [shown for i in fine for shown in token_signs(forms[i].text, tokens[i], encodings[i].offsets)]
    tagger, steps = fit(
        np.concatenate([vectors[i] for i in fine]), signs, chain.loss([tags[i] for i in fine], len(TAGS)),
        classes=len(TAGS), extra=len(TAGS) ** 2,
    )
    named = [[TAGS[tag] for tag in row] for row in tags]
    wholes = np.stack([
        form_vector(found, encoding.pooled, row)
        for found, encoding, row in zip(vectors, encodings, named, strict=True)
    ])
    bones = [form_signs(found, row) for found, row in zip(tokens, named, strict=True)]
    kinds = np.array([KINDS.index(form.kind) for form in forms])
    by_form, _ = fit(wholes, bones, cross_entropy(kinds, len(KINDS)), classes=len(KINDS))
    facts = [i for i, form in enumerate(forms) if form.kind == "fact"]
    asked = np.array([WANTS.index(forms[i].wants) for i in facts])
    wants, _ = fit(wholes[facts], [bones[i] for i in facts], cross_entropy(asked, len(WANTS)), classes=len(WANTS))
    return Reader(tagger, steps.reshape(len(TAGS), len(TAGS)), by_form, wants)


def open_reader(embedder: Embedder, *, cache_dir: Path | None = None) -> Reader:
    """The reader of a model: shipped, kept from before, or trained now."""
    shipped = SHIPPED / f"{embedder.model}.npz"
    if shipped.exists():
        return Reader.from_bytes(shipped.read_bytes())
    questions = hashlib.sha256(FORMS.read_bytes()).hexdigest()[:8]
    kept = (cache_dir or default_cache_dir()) / f"reader-{embedder.fingerprint}-{questions}-{VERSION}.npz"
    try:
        data = unseal(kept.read_bytes())
        if data is not None:
            return Reader.from_bytes(data)
    except (OSError, ValueError, LookupError, zipfile.BadZipFile):
        pass  # not kept, or by another version of numpy: train it
    _log.info("training the question reader for %s, once", embedder.name)
    forms = with_lower_case(load_forms())
    data = train(forms, list(embedder.encode(form.text for form in forms))).to_bytes()
    write_atomically(kept, seal(data))
    return Reader.from_bytes(data)
