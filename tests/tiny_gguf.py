"""A language model of a few thousand random weights as a GGUF file: enough for llama.cpp to load and run for real.

Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

WORDS = (
    "the a model edits facts in layers and we show that it learns from data with less memory than before method trains "
    "large language models on many tasks results improve over strong baselines by"
).split()
WIDTH, HEADS, HIDDEN, WINDOW = 32, 2, 64, 2048
UINT32, INT32, FLOAT32, STRING, ARRAY = 4, 5, 6, 8, 9
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6   # kinds of token
TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{{ message['role'] + ': ' + message['content'] + '\n' }}{% endfor %}assistant:"
)


def write_tiny_gguf(path: Path, *, seed: int = 0) -> Path:
    """Write a model whose likeliest next token is always one of WORDS; the same seed gives the same file.

    Its chat template, like some, knows no system role.
    """
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *(f"▁{word}" for word in WORDS)]
    kinds = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * len(WORDS)]
    random = np.random.default_rng(seed)

    def weights(*shape: int) -> npt.NDArray[np.float32]:
        return random.standard_normal(shape).astype(np.float32) * 0.5

    output = weights(len(tokens), WIDTH)
    output[:-len(WORDS)] = 0   # logit 0: some word always beats it
    tensors = {
        "token_embd.weight": weights(len(tokens), WIDTH), "output_norm.weight": np.ones(WIDTH, np.float32),
        "output.weight": output,
        "blk.0.attn_norm.weight": np.ones(WIDTH, np.float32), "blk.0.ffn_norm.weight": np.ones(WIDTH, np.float32),
        **{f"blk.0.attn_{part}.weight": weights(WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate.weight": weights(HIDDEN, WIDTH), "blk.0.ffn_up.weight": weights(HIDDEN, WIDTH),
        "blk.0.ffn_down.weight": weights(WIDTH, HIDDEN),
    }
    facts = [
        _text("general.architecture", "llama"), _text("general.name", "tiny"),
        _number("llama.context_length", WINDOW), _number("llama.embedding_length", WIDTH),
        _number("llama.block_count", 1), _number("llama.feed_forward_length", HIDDEN),
        _number("llama.attention.head_count", HEADS), _number("llama.rope.dimension_count", WIDTH // HEADS),
        _key("llama.attention.layer_norm_rms_epsilon", FLOAT32) + struct.pack("<f", 1e-5),
        _text("tokenizer.ggml.model", "llama"),
        _array("tokenizer.ggml.tokens", STRING, [_string(token) for token in tokens]),
        _array("tokenizer.ggml.scores", FLOAT32, [struct.pack("<f", -float(at)) for at in range(len(tokens))]),
        _array("tokenizer.ggml.token_type", INT32, [struct.pack("<i", kind) for kind in kinds]),
        _number("tokenizer.ggml.bos_token_id", 1), _number("tokenizer.ggml.eos_token_id", 2),
        _text("tokenizer.chat_template", TEMPLATE),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(facts)) + b"".join(facts)
    data = bytearray()
    for name, tensor in tensors.items():
        sizes = tensor.shape[::-1]   # innermost first
        head += _string(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, 0, len(data))
        data += _aligned(tensor.tobytes())
    path.write_bytes(_aligned(head) + data)
    return path


def _aligned(block: bytes) -> bytes:
    return block + b"\0" * (-len(block) % 32)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _key(name: str, kind: int) -> bytes:
    return _string(name) + struct.pack("<I", kind)


def _text(name: str, text: str) -> bytes:
    return _key(name, STRING) + _string(text)


def _number(name: str, value: int) -> bytes:
    return _key(name, UINT32) + struct.pack("<I", value)


def _array(name: str, kind: int, items: list[bytes]) -> bytes:
    return _key(name, ARRAY) + struct.pack("<IQ", kind, len(items)) + b"".join(items)
