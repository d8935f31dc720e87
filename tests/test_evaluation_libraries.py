"""Our measures against those of the field's own libraries, on many random cases."""

from __future__ import annotations

import random

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, R, nDCG
from rouge_score.rouge_scorer import RougeScorer
from sklearn.calibration import calibration_curve
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from assistant.evaluation.measures.answers import rouge_l
from assistant.evaluation.measures.calibration import ece, reliability
from assistant.evaluation.measures.judge import cohen_kappa
from assistant.evaluation.measures.refusal import auroc
from assistant.evaluation.measures.retrieval import average_precision, ndcg, recall_at, reciprocal_rank


@pytest.mark.parametrize("seed", range(20))
def test_retrieval_is_as_trec_eval_has_it(seed: int) -> None:
    chance = random.Random(seed)
    papers = [f"d{number}" for number in range(60)]
    ranking = chance.sample(papers, chance.randint(1, 60))
    grades = {paper: chance.randint(1, 3) for paper in chance.sample(papers, chance.randint(1, 25))}

    theirs = ir_measures.calc_aggregate(
        [nDCG @ 10, R @ 5, R @ 20, RR, AP], {"q": grades},
        {"q": {paper: float(-rank) for rank, paper in enumerate(ranking)}},
    )

    assert ndcg(ranking, grades, k=10) == pytest.approx(theirs[nDCG @ 10])
    assert recall_at(ranking, grades, k=5) == pytest.approx(theirs[R @ 5])
    assert recall_at(ranking, grades, k=20) == pytest.approx(theirs[R @ 20])
    assert reciprocal_rank(ranking, grades) == pytest.approx(theirs[RR])
    assert average_precision(ranking, grades) == pytest.approx(theirs[AP])


@pytest.mark.parametrize("seed", range(20))
def test_auroc_is_as_scikit_learn_has_it(seed: int) -> None:
    chance = np.random.default_rng(seed)
    confidence = chance.integers(0, 12, 80) / 11  # many ties
    answerable = np.r_[1.0, 0.0, chance.integers(0, 2, 78)]

    assert auroc(confidence, answerable) == pytest.approx(roc_auc_score(answerable, confidence))


@pytest.mark.parametrize("seed", range(20))
def test_calibration_is_as_scikit_learn_has_it(seed: int) -> None:
    chance = np.random.default_rng(seed)
    confidence = np.r_[0.0, 0.1, 0.3, 1.0, chance.random(60)]  # edges of bins among them
    right = chance.integers(0, 2, 64).astype(float)

    bins = reliability(confidence, right)
    outcome, sure = calibration_curve(right, confidence, n_bins=10)

    assert [found.outcome for found in bins] == pytest.approx(outcome.tolist())
    assert [found.confidence for found in bins] == pytest.approx(sure.tolist())
    counts = np.array([found.count for found in bins])
    assert ece(confidence, right) == pytest.approx(float((np.abs(outcome - sure) * counts).sum() / 64))


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_as_scikit_learn_has_it(seed: int) -> None:
    chance = random.Random(seed)
    a, b = ([True, False, *(chance.random() < 0.6 for _ in range(30))] for _ in range(2))

    assert cohen_kappa(a, b) == pytest.approx(cohen_kappa_score(a, b))


@pytest.mark.parametrize("seed", range(20))
def test_rouge_l_is_as_rouge_score_has_it(seed: int) -> None:
    chance = random.Random(seed)
    words = ["the", "Model", "GPT-J", "edits", "97%", "of", "naïve", "layers,", "(6B)", "don't"]
    text, reference = (" ".join(chance.choices(words, k=chance.randint(1, 40))) for _ in range(2))

    theirs = RougeScorer(["rougeL"], use_stemmer=False).score(reference, text)["rougeL"].fmeasure

    assert rouge_l(text, reference) == pytest.approx(theirs)
