"""A random two-layer BERT folder of a few kilobytes, and the same arithmetic in plain numpy.

The forward pass is written from the paper (Devlin et al. 2019, doi:10.18653/v1/N19-1423) one token list at
a time, with no batching, masking or fusion, so that it shares nothing with the graph it checks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import erf, sqrt
from pathlib import Path
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

DIMENSION, HEADS, INNER, LAYERS, WINDOW = 12, 3, 20, 2, 16
EPSILON = 1e-5
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "graph", "##s", "learn", "to", "rank", "well", ".")


def random_tensors(seed: int = 7, *, prefix: str = "", positions: int = WINDOW) -> dict[str, Any]:
    """Tensors under the names of Hugging Face's BertModel, float32."""
    random = np.random.default_rng(seed)
    d, tensors = DIMENSION, {}

    def add(name: str, *shape: int) -> None:
        tensors[prefix + name] = random.normal(0, 0.5, shape).astype(np.float32)

    add("embeddings.word_embeddings.weight", len(VOCABULARY), d)
    add("embeddings.position_embeddings.weight", positions, d)
    add("embeddings.token_type_embeddings.weight", 2, d)
    add("embeddings.LayerNorm.weight", d)
    add("embeddings.LayerNorm.bias", d)
    for i in range(LAYERS):
        shapes = {"attention.self.query": (d, d), "attention.self.key": (d, d), "attention.self.value": (d, d),
                  "attention.output.dense": (d, d), "intermediate.dense": (INNER, d), "output.dense": (d, INNER)}
        for name, shape in shapes.items():
            add(f"encoder.layer.{i}.{name}.weight", *shape)
            add(f"encoder.layer.{i}.{name}.bias", shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            add(f"encoder.layer.{i}.{name}.weight", d)
            add(f"encoder.layer.{i}.{name}.bias", d)
    return tensors


def write_folder(folder: Path, tensors: dict[str, Any], *, pooling: str = "mean", **config: object) -> Path:
    """A sentence-transformers folder; ``config`` overrides entries of ``config.json``."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    (folder / "1_Pooling").mkdir(parents=True)
    save_file(tensors, folder / "model.safetensors")
    _write_json(folder / "config.json", {
        "model_type": "bert", "hidden_size": DIMENSION, "num_hidden_layers": LAYERS, "hidden_act": "gelu",
        "num_attention_heads": HEADS, "max_position_embeddings": WINDOW, "layer_norm_eps": EPSILON} | config)
    _write_json(folder / "modules.json", [
        {"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}])
    flags = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens", "max": "pooling_mode_max_tokens"}
    _write_json(folder / "1_Pooling" / "config.json", {flag: name == pooling for name, flag in flags.items()})

    vocabulary = {word: i for i, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(4)  # as published files do: it must be switched off
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def forward(tensors: dict[str, Any], token_ids: Sequence[int]) -> Floats:
    """Last hidden states (s, d) of one sequence, specials included, in float64."""
    w = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def linear(x: Floats, name: str) -> Floats:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def normalise(x: Floats, name: str) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][list(token_ids)]
    x = x + w["embeddings.position_embeddings.weight"][:len(token_ids)]
    x = normalise(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        query, key, value = (np.split(linear(x, f"{layer}attention.self.{part}"), HEADS, axis=1)
                             for part in ("query", "key", "value"))
        heads = []
        for q, k, v in zip(query, key, value, strict=True):
            weight = np.exp(q @ k.T / sqrt(DIMENSION / HEADS))
            heads.append(weight / weight.sum(-1, keepdims=True) @ v)
        x = normalise(x + linear(np.concatenate(heads, 1), f"{layer}attention.output.dense"),
                      f"{layer}attention.output.LayerNorm")
        inner = linear(x, f"{layer}intermediate.dense")
        inner = inner * (1 + np.vectorize(erf)(inner / sqrt(2))) / 2
        x = normalise(x + linear(inner, f"{layer}output.dense"), f"{layer}output.LayerNorm")
    return x


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
