"""The trained reader: the annotated questions, the fit, and the asset that comes with the program."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from tiny_bert import random_tensors, write_folder

from assistant.embedding.embedder import Embedder, open_embedder
from assistant.query import chain
from assistant.query import tagger as reader_module
from assistant.query.forms import TAGS, Form, load_forms
from assistant.query.linear import cross_entropy, fit, minimise, softmax
from assistant.query.tagger import SHIPPED, Reader, open_reader, train


def test_l_bfgs_finds_the_lowest_point_of_a_bowl() -> None:
    bowl, lowest = np.diag([1.0, 10.0, 100.0]), np.array([3.0, -2.0, 1.0])

    found = minimise(lambda x: (float((x - lowest) @ bowl @ (x - lowest)) / 2, bowl @ (x - lowest)), np.zeros(3))

    assert found == pytest.approx(lowest, abs=1e-3)


def test_the_chain_counts_every_row_of_tags() -> None:
    scores, steps = np.random.default_rng(0).normal(size=(4, 3)), np.random.default_rng(1).normal(size=(3, 3))
    rows = list(itertools.product(range(3), repeat=4))
    totals = np.array([
        sum(scores[i, tag] for i, tag in enumerate(row)) + sum(steps[a, b] for a, b in itertools.pairwise(row))
        for row in rows
    ])
    chances = softmax(totals)

    loss, _ = chain.loss([list(rows[5])], 3)(np.concatenate([scores.ravel(), steps.ravel()]))

    assert chain.best(scores, steps) == list(rows[int(totals.argmax())])
    assert loss == pytest.approx(-np.log(chances[5]))
    assert chain.posterior(scores, steps)[2, 1] == pytest.approx(
        sum(chance for row, chance in zip(rows, chances, strict=True) if row[2] == 1)
    )


def test_the_slope_of_the_chains_loss_is_its_rise() -> None:
    loss = chain.loss([[0, 2, 1], [1]], 3)
    at = np.random.default_rng(0).normal(size=4 * 3 + 9)
    _, slope = loss(at)

    rises = [(loss(at + 1e-6 * unit)[0] - loss(at - 1e-6 * unit)[0]) / 2e-6 for unit in np.eye(len(at))]

    assert slope == pytest.approx(rises, abs=1e-5)


def test_signs_and_vectors_tell_classes_apart() -> None:
    vectors = np.array([[0.0], [0.0], [1.0], [1.0]], np.float32)
    gold = np.array([0, 0, 1, 1])

    model, _ = fit(vectors, [["a"], ["a"], ["b"], ["b"]], cross_entropy(gold, 2), classes=2)

    assert model.scores(vectors, [["a"], ["never seen"], ["b"], []]).argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_every_annotated_span_stands_in_its_question() -> None:
    forms = load_forms()

    assert len(forms) > 1500
    assert all(form.text[a:b].strip() for form in forms for _, a, b in form.spans)


def test_a_damaged_form_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "forms.jsonl"
    path.write_text('{"q": "who?", "kind": "riddle", "wants": "", "join": "and", "spans": [], "source": "x"}\n')

    with pytest.raises(ValueError, match="line 1"):
        load_forms(path)


@pytest.fixture(scope="module")
def trained(embedder: Embedder) -> Reader:
    """Trained here and now on two sources of questions, as `benchmarks/reader.py` does for all but one."""
    forms = [form for form in load_forms() if form.source in ("one", "two")]
    return train(forms, list(embedder.encode(form.text for form in forms)))


def test_a_reader_reads_questions_of_someone_it_has_never_met(trained: Reader, embedder: Embedder) -> None:
    others = [form for form in load_forms() if form.source == "three"]
    readings = [
        trained.read_encoded(form.text, encoding)
        for form, encoding in zip(others, embedder.encode(form.text for form in others), strict=True)
    ]

    kinds = [form.kind == reading.forms[0][0] for form, reading in zip(others, readings, strict=True)]
    tags = [
        TAGS[gold] == tag for form, reading in zip(others, readings, strict=True)
        for gold, tag in zip(form.tags(reading.tokens), reading.tags, strict=True)
    ]

    assert np.mean(kinds) >= 0.85
    assert np.mean(tags) >= 0.87


def test_training_twice_gives_the_same_bytes_and_bytes_give_the_same_reader(embedder: Embedder) -> None:
    forms = load_forms()[::20]
    encodings = list(embedder.encode(form.text for form in forms))
    first, second = train(forms, encodings), train(forms, encodings)
    again = Reader.from_bytes(first.to_bytes())

    assert all(
        np.array_equal(a, b) for a, b in (
            (first.tagger.of_signs, second.tagger.of_signs), (first.forms.of_vectors, second.forms.of_vectors),
        )
    )
    reading, reread = (model.read(forms[0].text, embedder) for model in (first, again))
    assert reading.tags == reread.tags
    assert reading.chances == pytest.approx(reread.chances, abs=0.01)


def test_the_default_model_comes_with_a_reader_of_all_the_forms(embedder: Embedder) -> None:
    assert (SHIPPED / f"{embedder.model}.npz").exists()
    forms = load_forms()
    reader = open_reader(embedder)
    kinds = [
        reader.read_encoded(form.text, encoding).forms[0][0] == form.kind
        for form, encoding in zip(forms, embedder.encode(form.text for form in forms), strict=True)
    ]
    assert np.mean(kinds) >= 0.98  # that they are these forms: of ones it has not seen it reads nine in ten


def test_questions_held_back_from_training_are_read(embedder: Embedder) -> None:
    """Overviews, numbers of papers, and for whom it is asked: of other words than those the reader learnt from."""
    held = load_forms(Path(__file__).parent / "data" / "held_back_forms.jsonl")
    assert not {form.text for form in held} & {form.text for form in load_forms()}
    reader = open_reader(embedder)
    readings = [
        reader.read_encoded(form.text, encoding)
        for form, encoding in zip(held, embedder.encode(form.text for form in held), strict=True)
    ]

    kinds = [form.kind == reading.forms[0][0] for form, reading in zip(held, readings, strict=True)]
    tags = [
        TAGS[gold] == tag for form, reading in zip(held, readings, strict=True)
        for gold, tag in zip(form.tags(reading.tokens), reading.tags, strict=True)
    ]

    assert np.mean(kinds) >= 0.95
    assert np.mean(tags) >= 0.90


def test_another_model_gets_its_own_reader_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = open_embedder(write_folder(tmp_path / "model", random_tensors()), cache_dir=tmp_path)
    few = [form for form in load_forms() if len(form.text) < 30][:60]
    times = []

    def load() -> list[Form]:
        times.append(len(few))
        return few

    monkeypatch.setattr(reader_module, "load_forms", load)
    first = open_reader(embedder, cache_dir=tmp_path)
    second = open_reader(embedder, cache_dir=tmp_path)

    assert times == [len(few)]
    assert first.read("who?", embedder).tags == second.read("who?", embedder).tags
