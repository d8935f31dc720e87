"""The fitted weights: each entry of weights.json belongs to the features that the code extracts."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from assistant.answering.answerable import AnswerabilityFeatures
from assistant.answering.cuts import ComparisonSplitFeatures
from assistant.answering.membership import MembershipFeatures
from assistant.answering.routing import RoutingFeatures
from assistant.answering.sentences import PaperFeatures, SentenceFeatures
from assistant.checking.doubt import KINDS, DoubtFeatures
from assistant.conversation.dependence import DependenceFeatures
from assistant.weights.logistic import LogisticModel, logistic, models

ROOT = Path(__file__).resolve().parent.parent
FEATURES = {
    "routing": RoutingFeatures, "answerability": AnswerabilityFeatures, "membership": MembershipFeatures,
    "meant_paper": PaperFeatures, "answer_sentence": SentenceFeatures, "comparison_split": ComparisonSplitFeatures,
    "dependence": DependenceFeatures,
}
OF_MAPPINGS = {  # their features are put together where they are weighed
    "fact_confidence": {"answerable", "sentences"}, "list_confidence": {"f1"}, "sentence_support": {"doubt"},
}


@pytest.mark.parametrize("name", FEATURES)
def test_an_entry_names_exactly_the_features_of_its_class(name: str) -> None:
    assert models()[name].features.keys() == {field.name for field in fields(FEATURES[name])}


def test_no_entry_is_without_features_in_the_code() -> None:
    doubts = {f"doubt_{kind}" for kind in KINDS}
    weighed = {name for kind in doubts for name in models()[kind].features}

    assert models().keys() == {*FEATURES, *OF_MAPPINGS, *doubts}
    assert {name: models()[name].features.keys() for name in OF_MAPPINGS} == OF_MAPPINGS
    assert weighed == {field.name for field in fields(DoubtFeatures)} - {"absent"}


@pytest.mark.parametrize("name", ["answerability", "membership"])
def test_an_entry_with_levels_of_refusal_has_a_threshold_for_each(name: str) -> None:
    thresholds = models()[name].thresholds

    assert 1 > thresholds["strict"] > thresholds["balanced"] > thresholds["eager"] > 0


@pytest.mark.parametrize("name", models())
def test_an_entry_says_which_program_fits_it_on_what(name: str) -> None:
    python, program, *_ = models()[name].fitted["by"].split()

    assert python == "python" and (ROOT / program).is_file()
    assert models()[name].fitted["on"]


@pytest.mark.parametrize("features", [{"a": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}, {}])
def test_a_missing_or_unknown_feature_is_an_error(features: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"fitted for a, b; fit them again"):
        LogisticModel({"a": 2.0, "b": -1.0}, 0.5).score(features)


def test_a_score_is_the_bias_and_each_feature_by_its_coefficient() -> None:
    model = LogisticModel({"items": 2.0, "asked": -1.0, "told": 0.5}, 0.5)

    assert model.score({"told": 2.0, "items": 1.0, "asked": 3.0}) == 0.5
    assert model.score(RoutingFeatures(asked=3.0, items=1.0, told=2.0)) == 0.5
    assert model.probability({"told": -1.0, "items": 0.0, "asked": 0.0}) == 0.5


def test_no_log_odds_are_too_far_from_zero() -> None:
    assert 0.0 < logistic(-1e9) < logistic(-30.0) < logistic(0.0) == 0.5 < logistic(30.0) < logistic(1e9) == 1.0
