"""The optional cross-encoder: a tiny random BERT made here puts the top in its order; what is not there is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from papers import Home, write_titled

from assistant import Assistant, AssistantError, Settings
from assistant.index.collection import Collection
from assistant.retrieval.cross_encoder import CrossEncoderReranker, open_reranker

INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
with_extra = pytest.mark.skipif(not INSTALLED, reason="the extra rerank (sentence-transformers) is not installed")
WORDS = "[PAD] [UNK] [CLS] [SEP] the a of in and on is to whisper speech dataset robot layer editing protein".split()
QUESTION = "which dataset holds whispered speech?"


def write_model(folder: Path, *, labels: int = 1, seed: int = 0) -> Path:
    """A random one-layer BERT that reads two texts and gives ``labels`` numbers."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=128, num_labels=labels, initializer_range=1.0,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=128, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(folder)
    return folder


def settings_with(home: Home, model: Path | str) -> Settings:
    return Settings(home=home.settings.home, reranker=str(model), _env_file=None)


@with_extra
def test_the_top_of_the_ranking_takes_the_order_of_its_probabilities(home: Home, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    home.ingest(write_titled(tmp_path / "papers.txt", range(6)))
    folder = write_model(tmp_path / "model")
    with Assistant(Collection(home.settings), home.embedder, home.settings) as assistant:
        retriever = assistant.retriever()
        plain = retriever.rank(retriever.query(QUESTION))
        again = CrossEncoderReranker(folder, top=4).rerank(plain)

    logits = CrossEncoder(str(folder), local_files_only=True).predict(
        [(QUESTION, f"{entry.paper.title}\n{entry.paper.abstract}") for entry in plain.entries[:4]],
        activation_fn=lambda logit: logit,
    )
    chances = 1 / (1 + np.exp(-logits.astype(np.float64)))
    best_first = np.argsort(-chances)
    assert again.paper_ids() == [plain.paper_ids()[place] for place in [*best_first, 4, 5]]
    assert best_first.tolist() != [0, 1, 2, 3]  # else this would show nothing
    floor = float(plain.score[4])
    assert again.score[:4] == pytest.approx(floor + (1 - floor) * chances[best_first], abs=1e-5)
    assert again.score[4:].tolist() == plain.score[4:].tolist()
    assert np.all(np.diff(again.score) <= 0) and again.score.min() >= 0 and again.score.max() <= 1
    for place, paper in enumerate(again.paper_ids()):
        before = plain.paper_ids().index(paper)
        assert again.hit(place).sentences == plain.hit(before).sentences
        assert (again.support[place], again.similarity[place], again.lexical[place]) == (
            plain.support[before], plain.similarity[before], plain.lexical[before]
        )


@with_extra
def test_a_ranking_shorter_than_the_top_and_an_empty_one_are_no_trouble(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "papers.txt", range(2)))
    reranker = CrossEncoderReranker(write_model(tmp_path / "model"))
    with Assistant(Collection(home.settings), home.embedder, home.settings) as assistant:
        retriever = assistant.retriever()
        query = retriever.query(QUESTION)
        both, none = reranker.rerank(retriever.rank(query)), reranker.rerank(retriever.rank(query, among=[]))

    assert (len(both), len(none)) == (2, 0)


@with_extra
def test_the_setting_puts_search_and_answers_in_its_order(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "papers.txt", range(6)))
    orders = set()
    for seed in range(3):
        settings = settings_with(home, write_model(tmp_path / f"model{seed}", seed=seed))
        with Assistant(Collection(settings), home.embedder, settings) as assistant:
            orders.add(tuple(hit.paper.title for hit in assistant.search(QUESTION)))
            assert assistant.ask(QUESTION).text

    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset(next(iter(orders)))}


@with_extra
@pytest.mark.parametrize(("labels", "reason"), [
    (3, "^the model in 'model' has 3 outputs; a cross-encoder that ranks has one$"),
    (None, r"^the cross-encoder in 'model' cannot be loaded \("),
])
def test_a_model_that_cannot_rank_is_refused(tmp_path: Path, labels: int | None, reason: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    if labels is not None:
        write_model(folder, labels=labels)

    with pytest.raises(AssistantError, match=reason) as refused:
        open_reranker(str(folder))

    assert str(tmp_path) not in str(refused.value)


@pytest.mark.skipif(INSTALLED, reason="the extra rerank is installed")
def test_without_the_extra_the_message_is_the_command_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match=(
        r"^ASSISTANT_RERANKER needs the package sentence_transformers; install it with: "
        r"pip install -c constraints\.txt '\.\[rerank\]', or unset the setting$"
    )):
        open_reranker(str(tmp_path))


@pytest.mark.parametrize(("name", "shown", "fetch"), [
    ("cross-encoder/ms-marco-nowhere", "'cross-encoder/ms-marco-nowhere'",
     "; fetch it once with: hf download cross-encoder/ms-marco-nowhere"),
    ("/no/such/folder", "'folder'", ""), ("../model", "'../model'", ""),
])
def test_what_is_neither_a_folder_nor_downloaded_is_refused_and_not_fetched(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, shown: str, fetch: str
) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", connect)
    home.ingest(write_titled(tmp_path / "papers.txt", range(2)))
    settings = settings_with(home, name)

    with pytest.raises(AssistantError) as refused:
        Assistant(Collection(settings), home.embedder, settings)

    assert str(refused.value) == (
        f"ASSISTANT_RERANKER: {shown} is no folder and no model that was downloaded before, and nothing is "
        f"downloaded unasked{fetch}, or name a folder"
    )
