"""A BERT encoder as an ONNX graph of ONNX Runtime's fused operators; no PyTorch anywhere.

The graph file holds no weights: 9 kB instead of 90 MB, made in a blink, and kept in the cache only to
spare the next start ``import onnx``. The weights are handed to the session as arrays mapped from
``model.safetensors``; only the three projections of each attention must be joined in memory.

In int8 the matrices of every layer are rounded at each start, which takes 20 ms, one scale a column, and
activations within the run, one scale a matrix. Such a scale depends on every row: a run is one text, so that
its vectors depend on nothing else.

Operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.cache import seal, unseal, write_atomically
from assistant.embedding.model_folder import Architecture, Floats
from assistant.errors import EmbedderError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

Precision = Literal["int8", "fp32"]
Bytes = NDArray[np.int8]

GRAPH_VERSION = 3  # raise it with any change to the nodes
_FUSED = "com.microsoft"
_OPSET, _IR_VERSION = 17, 8  # old enough for every supported ONNX Runtime
_MATRICES = {"qkv", "mixed", "wide", "narrow"}
# Processors without VNNI add two products of an unsigned and a signed byte in 16 bits, and saturate without a word.
# 2 * 255 * 64 = 32640 fits, 2 * 255 * 127 would not: 7 bits, then every processor computes the same.
INT8_LARGEST = 64


@dataclass(frozen=True, slots=True)
class Encoder:
    """A running graph, and the arrays it reads, which must live as long as it does."""

    session: InferenceSession
    weights: tuple[Any, ...]
    vocabulary: int  # token ids are below this

    def run(self, token_ids: Sequence[int]) -> Floats:
        """Last hidden states (s, d) of one text of s tokens, by the calling thread alone; threads may call at once."""
        states: Floats = self.session.run(["states"], {"token_ids": np.array([token_ids], np.int32)})[0][0]
        return states


def open_encoder(weights_path: Path, tensors: Mapping[str, Floats], architecture: Architecture, *,
                 precision: Precision, cache_dir: Path) -> Encoder:
    """Build or recall the graph, and start it on the CPU.

    Raises:
        EmbedderError: tensors are missing or have shapes that do not fit ``config.json``.
    """
    # From 1.29 on the Linux builds report to their maker, and `disable_telemetry_events` does not stop that.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as ort

    weights: dict[str, Floats | Bytes] = dict(graph_weights(tensors, architecture))
    if precision == "int8":
        weights = quantise(weights)
    # ONNX Runtime checks that the named file exists inside the folder; a Hugging Face cache holds links
    real = weights_path.resolve()
    shapes = {name: array.shape for name, array in weights.items()}
    graph = _cached_graph(architecture, shapes, real.name, precision, cache_dir)

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # it is fused already
    options.intra_op_num_threads = 1  # two texts on two threads are faster than one text on two
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # patterns are kept per shape, and shapes hardly repeat
    options.log_severity_level = 3
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(real.parent))
    ort.disable_telemetry_events()
    try:
        values = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in weights.items()}
        for name, value in values.items():
            options.add_initializer(name, value)
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's exceptions share no base of their own
        raise EmbedderError(f"ONNX Runtime {ort.__version__} cannot run {weights_path.parent}: {exc}") from exc
    return Encoder(session, (weights, values), vocabulary=len(weights["words"]))


def graph_weights(tensors: Mapping[str, Floats], architecture: Architecture) -> dict[str, Floats]:
    """The arrays of the graph by the names of its inputs, from tensors named as Hugging Face names them.

    Raises:
        EmbedderError: one is missing or misshapen.
    """
    anchor = "embeddings.word_embeddings.weight"
    prefix = next((name.removesuffix(anchor) for name in tensors if name.endswith(anchor)), "")
    d = architecture.dimension

    def take(name: str, *shape: int) -> Floats:
        array = tensors.get(prefix + name)
        if array is not None and len(array.shape) == len(shape) \
                and all(want in (-1, got) for want, got in zip(shape, array.shape, strict=True)):
            return array
        seen = "is missing" if array is None else f"has shape {array.shape}"
        raise EmbedderError(f"model.safetensors does not fit config.json: {prefix}{name} {seen}, "
                            f"expected {shape} (-1: any)")

    skipped = architecture.positions_skipped
    positions = take("embeddings.position_embeddings.weight", architecture.window + skipped, d)[skipped:]
    weights = {
        "words": take(anchor, -1, d),
        # one segment only, so its vector is part of every position's
        "positions": positions + take("embeddings.token_type_embeddings.weight", -1, d)[0],
        "embedded.scale": take("embeddings.LayerNorm.weight", d),
        "embedded.shift": take("embeddings.LayerNorm.bias", d),
    }
    for i in range(architecture.layers):
        layer = f"encoder.layer.{i}."
        parts = [f"{layer}attention.self.{part}." for part in ("query", "key", "value")]
        weights[f"{i}.qkv"] = np.ascontiguousarray(np.concatenate([take(p + "weight", d, d) for p in parts]).T)
        weights[f"{i}.qkv.bias"] = np.concatenate([take(p + "bias", d) for p in parts])
        inner = len(take(layer + "intermediate.dense.bias", -1))
        for short, name, rows, columns in (("mixed", "attention.output.", d, d), ("wide", "intermediate.", inner, d),
                                           ("narrow", "output.", d, inner)):
            weights[f"{i}.{short}"] = take(f"{layer}{name}dense.weight", rows, columns)
            weights[f"{i}.{short}.bias"] = take(f"{layer}{name}dense.bias", rows)
            if short != "wide":
                weights[f"{i}.{short}.scale"] = take(f"{layer}{name}LayerNorm.weight", d)
                weights[f"{i}.{short}.shift"] = take(f"{layer}{name}LayerNorm.bias", d)
    return weights


def quantise(weights: Mapping[str, Floats | Bytes]) -> dict[str, Floats | Bytes]:
    """The matrices as (in, out) bytes within ±64, each with the (out,) steps of its columns as ``NAME.steps``."""
    quantised = dict(weights)
    for name, matrix in weights.items():
        if name.partition(".")[2] in _MATRICES:
            axis = 0 if name.endswith("qkv") else 1  # the others lie as PyTorch stores them, (out, in)
            steps = np.maximum(matrix.max(axis), -matrix.min(axis)) / np.float32(INT8_LARGEST)
            steps = np.maximum(steps, np.float32(1e-12))  # a column of zeros
            rounded = np.rint(matrix * np.expand_dims(1 / steps, axis)).astype(np.int8)
            quantised[name] = np.ascontiguousarray(rounded if axis == 0 else rounded.T)
            quantised[f"{name}.steps"] = steps
    return quantised


def build_graph(architecture: Architecture, shapes: Mapping[str, Sequence[int]], weights_name: str,
                precision: Precision) -> bytes:
    """The serialised graph ``token_ids`` (1, s) -> ``states`` (1, s, d), without weights."""
    from onnx import TensorProto, helper

    nodes = []

    def node(operator: str, inputs: Sequence[str], output: str, domain: str = _FUSED, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def attend(x: str, name: str, output: str) -> str:
        if precision == "fp32":
            return node("Attention", [x, name, f"{name}.bias"], output, num_heads=architecture.heads)
        parts = [f"{name}.bytes", f"{name}.step", f"{name}.zero"]
        nodes.append(helper.make_node("DynamicQuantizeLinear", [x], parts))
        return node("QAttention", [parts[0], name, f"{name}.bias", parts[1], f"{name}.steps", "", parts[2]], output,
                    num_heads=architecture.heads)

    def multiply(x: str, name: str, output: str) -> str:
        if precision == "fp32":  # transB: the weights lie as PyTorch stores them, (out, in)
            return node("FusedMatMul", [x, name], output, transB=1)
        return node("DynamicQuantizeMatMul", [x, name, f"{name}.steps"], output)

    def add_and_normalise(branch: str, trunk: str, name: str, output: str) -> str:
        # not SkipLayerNormalization, which on the CPU takes six times as long as these three together
        branch = node("Add", [branch, f"{name}.bias"], f"{name}.biased", "")
        added = node("Add", [branch, trunk], f"{name}.added", "")
        return node("LayerNormalization", [added, f"{name}.scale", f"{name}.shift"], output, "",
                    epsilon=architecture.epsilon)

    # inputs left empty: segments, and (at the end) masks; the second output is for them
    nodes.append(helper.make_node(
        "EmbedLayerNormalization", ["token_ids", "", "words", "positions", "", "embedded.scale", "embedded.shift"],
        ["embedded", ""], domain=_FUSED, epsilon=architecture.epsilon))
    trunk = "embedded"
    for i in range(architecture.layers):
        heard = attend(trunk, f"{i}.qkv", f"{i}.heard")
        heard = multiply(heard, f"{i}.mixed", f"{i}.heard.out")
        trunk = add_and_normalise(heard, trunk, f"{i}.mixed", f"{i}.middle")
        wide = multiply(trunk, f"{i}.wide", f"{i}.wide.out")
        wide = node(architecture.activation, [wide, f"{i}.wide.bias"], f"{i}.active")
        narrow = multiply(wide, f"{i}.narrow", f"{i}.narrow.out")
        last = i == architecture.layers - 1
        trunk = add_and_normalise(narrow, trunk, f"{i}.narrow", "states" if last else f"{i}.states")

    placeholders = []
    for name, shape in shapes.items():
        rounded = f"{name}.steps" in shapes
        tensor = TensorProto(name=name, data_type=TensorProto.INT8 if rounded else TensorProto.FLOAT, dims=shape,
                             data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value=weights_name)
        placeholders.append(tensor)
    graph = helper.make_graph(
        nodes, "bert",
        [helper.make_tensor_value_info("token_ids", TensorProto.INT32, [1, "s"])],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, "s", architecture.dimension])],
        placeholders)
    model = helper.make_model(graph, ir_version=_IR_VERSION, opset_imports=[
        helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)])
    serialised: bytes = model.SerializeToString()
    return serialised


def _cached_graph(architecture: Architecture, shapes: Mapping[str, Sequence[int]], weights_name: str,
                  precision: Precision, cache_dir: Path) -> bytes:
    """The graph from the cache if it is there and whole, else built and kept."""
    identity = repr((GRAPH_VERSION, astuple(architecture), sorted(shapes.items()), weights_name, precision))
    path = cache_dir / f"bert-{hashlib.sha256(identity.encode()).hexdigest()[:20]}.onnx.sealed"
    try:
        graph = unseal(path.read_bytes())
    except OSError:
        graph = None
    if graph is None:
        graph = build_graph(architecture, shapes, weights_name, precision)
        write_atomically(path, seal(graph))
    return graph
