"""Measures, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evaluated import case, cites, paper

from assistant.evaluation.bootstrap import difference, estimate, estimate_of
from assistant.evaluation.case import Case
from assistant.evaluation.measures import DEFINED, MEASURES
from assistant.evaluation.measures.answers import longest_common_subsequence, rouge_l, sentence_overlap
from assistant.evaluation.measures.calibration import ece, reliability
from assistant.evaluation.measures.judge import cohen_kappa
from assistant.evaluation.measures.refusal import aurc, auroc, risk_coverage
from assistant.evaluation.measures.support import supports
from assistant.evaluation.measures.verdict import outcome, verdict

MEMIT = paper("p", "We develop MEMIT. It edits GPT-J (6B) and GPT-NeoX (20B) at scale.", "Mass-Editing Memory")
OTHER = paper("o", "Bread rises when yeast ferments sugar in warm dough.")


def value(name: str, of: Case) -> float | None:
    return MEASURES[name](of)


def test_every_measure_says_what_it_is() -> None:
    for name, found in DEFINED.items():
        assert len(found.definition) > 30, name
    without = {name for name, found in DEFINED.items() if not found.source}
    assert without == {
        "right", "count right", "all papers cited", "evidence quoted", "quote exactness", "refused", "false refusal",
        "sentence precision", "sentence recall", "first citation", "confidence", "words", "prompt tokens", "cost",
    }


def test_a_fact_is_answered_by_an_accepted_string_and_a_right_paper() -> None:
    said = [("We develop MEMIT.", (1,))]
    right = case(answers=["memit"], said=said, citations=[cites(1, MEMIT, "We develop MEMIT.")], papers=[MEMIT])
    elsewhere = case(answers=["memit"], said=said, citations=[cites(1, OTHER, "Bread")], papers=[OTHER])
    other_words = case(answers=["ROME"], said=said, citations=[cites(1, MEMIT, "We develop MEMIT.")], papers=[MEMIT])
    refused = case(answers=["memit"], said=said, abstained=True)

    assert [value("fact answered", each) for each in (right, elsewhere, other_words, refused)] == [1, 0, 0, 0]
    assert [value("answer string", each) for each in (right, elsewhere, other_words, refused)] == [1, 1, 0, 0]
    assert [value("first citation", each) for each in (right, elsewhere, other_words, refused)] == [1, 0, 1, 0]
    assert [verdict(each) for each in (right, elsewhere, other_words, refused)] == [
        "right", "wrong", "right paper, other words", "refused by mistake",
    ]
    assert value("fact answered", case("list")) is None


def test_borderline_papers_of_a_list_count_neither_way() -> None:
    found = case("list", gold=["a", "b", "c", "d"], borderline=["x"], listed=["a", "x", "b", "y"])

    assert value("list precision", found) == pytest.approx(2 / 3)
    assert value("list recall", found) == 0.5
    assert value("list F1", found) == pytest.approx(4 / 7)
    assert verdict(found) == "in part"


def test_an_empty_list_is_right_where_nothing_belongs_and_worth_nothing_elsewhere() -> None:
    assert value("list F1", case("list", gold=[])) == 1
    assert value("list F1", case("list", gold=[], listed=["a"])) == 0
    assert value("list F1", case("list", gold=["a"])) == 0
    assert value("list F1", case("list", gold=["a"], abstained=True)) == 0


def test_a_count_may_hold_the_borderline_papers() -> None:
    counts = [case("count", gold=["a", "b"], borderline=["x"], matched=matched) for matched in (1, 2, 3, 4)]

    assert [value("count right", each) for each in counts] == [0, 1, 1, 0]


def test_citation_recall_and_precision_are_alces_with_a_rule() -> None:
    found = case(
        said=[
            ("We develop MEMIT.", (1,)),                      # word for word
            ("MEMIT scales to GPT-NeoX edits.", (1, 2)),      # a paraphrase; the second is not needed
            ("MEMIT edits LLaMA at scale.", (1,)),            # a name that is not there
            ("It is fast.", ()),                              # uncited
        ],
        citations=[cites(1, MEMIT, "We develop MEMIT."), cites(2, OTHER, "Bread")], papers=[MEMIT, OTHER],
    )

    assert value("citation recall", found) == 2 / 4
    assert value("citation precision", found) == 2 / 4  # of four citations, the first two marks 1 are needed


@pytest.mark.parametrize(("statement", "borne_out"), [
    ("It edits GPT- J (6B)", True), ("MEMIT edits GPT-J", True), ("MEMIT edits at 30B scale", False),
    ("Yeast makes bread rise", False), ("", False),
])
def test_support_needs_every_name_and_number(statement: str, borne_out: bool) -> None:
    assert supports(statement, [MEMIT.abstract]) is borne_out


def test_a_quote_is_exact_to_the_character() -> None:
    exact, shifted = cites(1, MEMIT, "It edits"), cites(2, MEMIT, "It edit s")

    assert value("quote exactness", case(citations=[exact, shifted], papers=[MEMIT])) == 0.5
    assert value("quote exactness", case(citations=[exact], papers=[])) == 0
    assert value("quote exactness", case()) is None


def test_evidence_is_quoted_if_its_letters_are() -> None:
    found = case(evidence=("We develop Memit", "Not there."), citations=[cites(1, MEMIT, "We develop MEMIT.")])

    assert value("evidence quoted", found) == 0.5


def test_every_paper_of_a_comparison_must_be_cited() -> None:
    one = case("compare", gold=["p", "o"], citations=[cites(1, MEMIT, "We")])
    both = case("compare", gold=["p", "o"], citations=[cites(1, MEMIT, "We"), cites(2, OTHER, "Bread")])

    assert [value("all papers cited", each) for each in (one, both)] == [0, 1]


def test_search_is_measured_without_borderline_papers() -> None:
    found = case("list", gold=["a", "b"], borderline=["x"], ranking=["x", "y", "a", "z", "b"])

    assert value("RR", found) == 1 / 2
    assert value("R@1", found) == 0
    assert value("R@5", found) == 1
    assert value("AP", found) == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert value("nDCG@10", found) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert value("RR", case("unanswerable", gold=[])) is None
    assert value("RR", case("fact", ranking=["p"], turn=2, conversation="c")) is None


def test_what_a_refused_answer_was_worth_shows_in_what_it_points_at() -> None:
    found = case(answers=["MEMIT"], abstained=True, nearest=[("p", "We develop MEMIT.")])
    elsewhere = case(answers=["MEMIT"], abstained=True, nearest=[("o", "MEMIT"), ("p", "other words")])
    unanswerable = case("unanswerable", gold=[], abstained=True, nearest=[("p", "We develop MEMIT.")])

    assert [outcome(each) for each in (found, elsewhere, unanswerable)] == [1, 0, 0]
    assert [verdict(each) for each in (found, unanswerable)] == ["refused by mistake", "right"]


def test_a_passage_is_right_if_a_sentence_a_person_chose_is_quoted() -> None:
    spans = (("We develop MEMIT.", "It edits."),)
    chosen = case("passage", spans=spans, references=("MEMIT edits.",), said=[("We develop MEMIT.", (1,))],
                  citations=[cites(1, MEMIT, "We develop MEMIT.")])
    beside = case("passage", spans=spans, references=("MEMIT edits.",), said=[("at scale.", (1,))],
                  citations=[cites(1, MEMIT, "at scale.")])

    assert [verdict(each) for each in (chosen, beside)] == ["right", "right paper, other words"]
    assert [outcome(each) for each in (chosen, beside)] == [1, 0]
    assert value("right", chosen) == value("ROUGE-L", chosen) == pytest.approx(0.4)
    assert [value("sentence recall", each) for each in (chosen, beside)] == [0.5, 0]


def test_rouge_l_by_hand() -> None:
    assert longest_common_subsequence("a b c d".split(), "b d a c".split()) == 2
    assert rouge_l("The cat sat!", "the CAT lay, down") == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    assert rouge_l("", "x") == rouge_l("x", "–") == 0


def test_the_person_whose_sentences_fit_best_counts() -> None:
    quoted = ["First one.", "Second two.", "Third."]

    assert sentence_overlap(quoted, [["Nothing."], ["first one", "Second two. And more.", "Fourth."]]) == (2 / 3, 2 / 3)
    assert sentence_overlap([], [["x"]]) == (0, 0)


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([0.9, 0.4, 0.4, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])) == (1 + 1 + 0.5 + 1) / 4
    assert math.isnan(auroc(np.array([0.5]), np.array([1.0])))


def test_risk_and_coverage_by_hand() -> None:
    coverage, risk = risk_coverage(np.array([0.9, 0.1, 0.5]), np.array([1.0, 0.0, 0.5]))

    assert coverage.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk.tolist() == pytest.approx([0, 0.25, 0.5])
    assert aurc(np.array([0.9, 0.1, 0.5]), np.array([1.0, 0.0, 0.5])) == pytest.approx(0.25)
    # Among equals the order is not known: each has their mean.
    assert risk_coverage(np.array([0.5, 0.5]), np.array([1.0, 0.0]))[1].tolist() == [0.5, 0.5]


def test_calibration_by_hand() -> None:
    sure, right = np.array([0.95, 0.85, 0.85, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])

    assert [(found.count, found.confidence, found.outcome) for found in reliability(sure, right)] == [
        (1, pytest.approx(0.1), 0), (2, pytest.approx(0.85), 0.5), (1, pytest.approx(0.95), 1),
    ]
    assert ece(sure, right) == pytest.approx((0.1 + 2 * 0.35 + 0.05) / 4)


def test_kappa_by_hand() -> None:
    assert cohen_kappa([True, True, False, False], [True, False, False, False]) == pytest.approx(0.5)
    assert cohen_kappa([True], [True]) == 1


def test_an_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    found = estimate([0.0, 1.0, 1.0, 1.0])

    assert (found.mean, found.n) == (0.75, 4)
    assert 0.25 <= found.low < 0.75 < found.high <= 1
    assert found == estimate([0.0, 1.0, 1.0, 1.0])
    assert estimate([1.0]) == estimate_of(lambda column: float(column.mean()), [1.0])


def test_pairing_makes_the_interval_of_a_difference_narrow() -> None:
    before = [0.0, 1.0] * 50
    after = [value + 0.1 for value in before]

    found = difference(before, after)

    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
