"""The check of written sentences, as tables: what passes, what fails and why, what claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant import Paper
from assistant.checking.check import Checker
from assistant.checking.claims import claims_nothing
from assistant.checking.doubt import KINDS, DoubtFeatures, doubts, probability
from assistant.checking.polarity import cues, negators, opposite
from assistant.checking.quantities import agree, enumerated, quantities
from assistant.embedding.embedder import Embedder
from assistant.index.collection import Collection
from assistant.settings import Settings
from assistant.weights.logistic import models

GPT_J, TEXTS, T5, LATEST = (
    "001_eabbeabbe19b3830.txt", "002_f236ea0958816c3a.txt", "003_8b469dd44731cff1.txt", "004_7d3cd53bcf1f460f.txt",
)
PLACES = {
    "Keyformer": f"{GPT_J}:26", "MALMEN": f"{GPT_J}:14", "PolyCoder": f"{GPT_J}:30", "UMWP": f"{LATEST}:3",
    "Distilling": f"{T5}:171", "Weaver": f"{TEXTS}:310", "FIAT": f"{TEXTS}:412", "CLEAR": f"{TEXTS}:208",
    "Home": f"{TEXTS}:416", "Lawyer": f"{TEXTS}:178", "LLM2LLM": f"{TEXTS}:170", "Hypnos": f"{LATEST}:5",
}


@pytest.fixture(scope="module")
def collection(seeds_home: Path) -> Iterator[Collection]:
    opened = Collection(Settings(home=seeds_home, _env_file=None))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def checker(collection: Collection, embedder: Embedder) -> Checker:
    return Checker(embedder, collection)


def papers(collection: Collection, *names: str) -> list[Paper]:
    entries = collection.store.entries(sorted(collection.store.papers_at([PLACES[name] for name in names])))
    return [entry.paper for entry in entries.values()]


@pytest.mark.parametrize(("cited", "sentence"), [
    ("PolyCoder", "PolyCoder was trained on 249GB of code in 12 programming languages."),
    ("PolyCoder", "PolyCoder has 2.7 billion parameters."),
    ("PolyCoder", "In the C programming language, PolyCoder outperforms all models including Codex."),
    ("PolyCoder", "Codex is not open-source."),
    ("UMWP", "UMWP has 5,200 questions in five categories."),
    ("UMWP", "UMWP has about 5,000 questions."),
    ("Distilling", "A T5 with 770M parameters beats a 540B PaLM using 80% of the data."),
    ("Keyformer", "Keyformer reduces latency by 2.1 times."),
    ("Keyformer", "Keyformer was evaluated on GPT-J."),
    ("MALMEN", "MALMEN edits GPT-J (6B)."),
    ("CLEAR", "CLEAR does not assume access to a stronger LLM."),
    ("CLEAR", "CLEAR works without additional fine-tuning computations."),
    ("FIAT", "FIAT performs better than both ICL and fine-tuning."),
    ("Weaver", "Weaver Ultra surpasses GPT-4 on various writing scenarios."),
    ("Home", "The average inference time is 5–6 seconds per query."),
    ("Lawyer", "Hundreds of expert-written data outperform tens of thousands of ChatGPT-generated ones."),
    ("Hypnos", "Hypnos is a Chinese model for anesthesiology built on existing LLMs such as Llama."),
])
def test_what_the_cited_paper_says_passes(
    cited: str, sentence: str, checker: Checker, collection: Collection
) -> None:
    verdict = checker.check(sentence, papers(collection, cited))

    assert verdict.problems == ()
    assert verdict.passed and verdict.support > 0.5 and not verdict.claims_nothing


@pytest.mark.parametrize(("cited", "sentence", "kind", "seen"), [
    # a number no cited abstract has, or one that stands for something else there
    ("PolyCoder", "PolyCoder was trained on 249GB of code in 21 programming languages.", "number", "21"),
    ("PolyCoder", "PolyCoder has 2.7 million parameters.", "number", "2.7 million"),
    ("UMWP", "UMWP has 5,200 questions in six categories.", "number", "six"),
    ("Keyformer", "Keyformer reduces latency by 2.4 times.", "number", "2.4 times"),
    ("Distilling", "A T5 with 540B parameters beats a 770M PaLM using 80% of the data.", "number", "540B … 770M"),
    ("Home", "The average inference time is 5–8 seconds per query.", "number", "8"),
    ("Lawyer", "Thousands of expert-written data outperform tens of thousands of ChatGPT-generated ones.", "number",
     "Thousands"),
    # a name no cited abstract has
    ("Keyformer", "Keyformer was evaluated on LLaMA.", "name", "LLaMA"),
    ("Keyformer", "Keyformer was evaluated on GPT-2.", "name", "GPT-2"),
    ("MALMEN", "MEMIT edits thousands of facts.", "name", "MEMIT"),
    ("MALMEN", "Quillon edits thousands of facts.", "name", "Quillon"),
    # turned round
    ("CLEAR", "CLEAR assumes access to a stronger LLM.", "negation", "CLEAR assumes access to a stronger LLM."),
    ("PolyCoder", "Codex is open-source.", "negation", "Codex is open-source."),
    ("PolyCoder", "In C, PolyCoder does not outperform Codex.", "negation", "not outperform Codex."),
    ("PolyCoder", "In the C programming language, PolyCoder underperforms all models including Codex.", "direction",
     "underperforms"),
    ("FIAT", "FIAT performs worse than ICL.", "direction", "worse"),
    ("Keyformer", "Keyformer increases the KV cache size.", "direction", "increases"),
    # nothing of it
    ("Keyformer", "I think the moon is made of cheese.", "support", "I think the moon is made of cheese."),
])
def test_what_it_does_not_say_fails_and_says_where(
    cited: str, sentence: str, kind: str, seen: str, checker: Checker, collection: Collection
) -> None:
    verdict = checker.check(sentence, papers(collection, cited))

    assert not verdict.passed
    assert (kind, seen) in {(problem.kind, problem.seen) for problem in verdict.problems}
    assert all(problem.hint for problem in verdict.problems)


def test_a_wrong_paper_is_found_even_if_it_is_about_the_same(checker: Checker, collection: Collection) -> None:
    sentence = "Keyformer keeps only the key tokens in the KV cache."

    assert checker.check(sentence, papers(collection, "Keyformer")).passed
    for other in set(PLACES) - {"Keyformer"}:
        assert not checker.check(sentence, papers(collection, other)).passed


def test_two_papers_may_support_a_sentence_together(checker: Checker, collection: Collection) -> None:
    sentence = "MALMEN edits facts with a hyper-network, while Keyformer reduces inference latency by 2.1x."
    both = papers(collection, "MALMEN", "Keyformer")

    verdict = checker.check(sentence, both)

    assert verdict.passed
    assert {quote.paper_id for quote in verdict.quote} == {paper.paper_id for paper in both}
    assert not checker.check(sentence, papers(collection, "MALMEN")).passed


def test_quotes_are_the_papers_own_words(checker: Checker, collection: Collection) -> None:
    cited = papers(collection, "Weaver")
    verdict = checker.check("All Weaver sizes outperform generalist LLMs several times larger.", cited)

    assert "Weaver models of all sizes outperform generalist LLMs" in verdict.quote[0].text
    for quote in verdict.quote:
        assert cited[0].abstract[quote.start:quote.end] == quote.text


def test_a_claim_needs_a_mark_and_a_known_paper(checker: Checker, collection: Collection) -> None:
    [paper] = papers(collection, "Keyformer")
    stranger = Paper("f" * 20, None, paper.abstract, paper.abstract)

    assert checker.check("Keyformer is fast.", []).problems[0].kind == "no mark"
    assert checker.check("Keyformer is fast.", [stranger]).problems[0].kind == "unknown paper"


def test_marks_left_in_the_sentence_are_no_numbers(checker: Checker, collection: Collection) -> None:
    cited = papers(collection, "Keyformer")

    assert checker.check("Keyformer reduces inference latency by 2.1x [7].", cited).passed


@pytest.mark.parametrize("sentence", [
    "The collection does not say how many GPUs were used.", "None of the papers mentions TurboPrimer.",
    "The cited abstracts do not report training costs.", "This is not mentioned in the abstract.",
    "There is no information about energy use.", "Several papers address this question:", "In summary,", "", "…",
])
def test_some_sentences_claim_nothing(sentence: str, checker: Checker) -> None:
    verdict = checker.check(sentence, [])

    assert verdict.claims_nothing and verdict.passed and verdict.problems == ()


@pytest.mark.parametrize("sentence", [
    "Pruning hurts accuracy.", "The abstract does not say so, but T5 needs 8 GPUs.", "Several papers use GPT-4.",
    "The gain is 4.8%.", "The papers do not mention it; it is known to fail.", "Redco is a tool.",
    "The model does not hallucinate.",
])
def test_others_claim_something(sentence: str, checker: Checker) -> None:
    assert not checker.check(sentence, []).passed
    assert not claims_nothing(sentence, [])


@pytest.mark.parametrize(("text", "found"), [
    ("4.8%", [(4.8, "%")]), ("4.8 percent", [(4.8, "%")]), ("5,200 items", [(5200, "")]), ("5.2k items", [(5200, "")]),
    ("8.5 billion tokens", [(8.5e9, "")]), ("8.5B tokens", [(8.5e9, "")]), ("a 7B model", [(7e9, "")]),
    ("LLaMA-7B", [(7e9, "")]), ("2.1x", [(2.1, "x")]), ("three times", [(3, "x")]), ("threefold", [(3, "x")]),
    ("twice", [(2, "x")]), ("80–86%", [(80, "%"), (86, "%")]), ("80 to 86 percent", [(80, "%"), (86, "%")]),
    ("twenty-five papers", [(25, "")]), ("tens of thousands", [(10_000, "vague")]), ("249GB", [(249, "gb")]),
    ("-10%", [(10, "%")]), ("T5 and GPT-4 and Llama 2", []), ("one of a few", []), ("COVID-19", []),
])
def test_numbers_are_read_however_they_are_written(text: str, found: Sequence[tuple[float, str]]) -> None:
    assert [(quantity.value, quantity.unit) for quantity in quantities(text)] == found


@pytest.mark.parametrize(("said", "source", "expected"), [
    ("5,200 items", "5200 items", True), ("5.2k items", "5,200 items", True), ("four models", "4 models", True),
    ("35 times", "35x", True), ("about 5,000", "5,200", True), ("5,000", "5,200", False), ("4.8%", "4.8x", False),
    ("4.8%", "4.8", True), ("about 4.8%", "4.3%", False), ("7B", "7M", False), ("16-bit", "16GB", False),
])
def test_numbers_agree_if_they_mean_the_same(said: str, source: str, expected: bool) -> None:
    assert agree(quantities(said)[0], quantities(source)[0]) is expected


def test_a_list_has_a_length() -> None:
    assert enumerated("namely: Data Level, Base Level, Execute Level, and Service Level.") == {4}
    assert enumerated("no list here") == set()


@pytest.mark.parametrize(("a", "b", "expected"), [
    ("outperforms", "underperforms", True), ("more", "fewer", True), ("reduces", "increases", True),
    ("faster", "slower", True), ("before", "after", True), ("trustworthy", "untrustworthy", True),
    ("not sure", "sure", True), ("cuts", "reduces", False), ("better", "more", False), ("larger", "faster", False),
])
def test_opposites_are_on_two_sides_of_one_axis(a: str, b: str, expected: bool) -> None:
    [first], [second] = list(cues(a)), list(cues(b))

    assert opposite(first, second) is expected


def test_not_only_is_no_negation() -> None:
    assert [len(list(negators(text))) for text in ("not only fast", "not fast", "doesn't run", "without it")] == [
        0, 1, 1, 1
    ]


def test_every_feature_but_absence_is_weighed_once_and_only_against() -> None:
    coefficients = [pair for kind in KINDS for pair in models()[f"doubt_{kind}"].features.items()]
    clean = doubts(DoubtFeatures(0.0, 0.0, 0.0, 0.0, 0, 0, 0.0, 0.0, 0.0, 0))

    assert sorted([*(name for name, _ in coefficients), "absent"]) == sorted(DoubtFeatures.__dataclass_fields__)
    assert all(weight >= 0 for _, weight in coefficients)
    assert max(clean.values()) < 0
    assert 0.0 <= probability(1e6) < probability(0.0) < probability(-5.0) <= 1.0


ODD = st.text() | st.lists(st.sampled_from(
    ["not", "1,000", "GPT-4", "5x", "%", "without", "[1]", "…", "\ud800", "\x00", "½", "٣", "²", "n't", "-", "7B",
     "١٢%", "more", "A, B and C", "e" * 400, "一二三。", "🙂", "tens of thousands", "Llama 2"]
)).map(" ".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sentence=ODD)
def test_no_sentence_makes_it_raise(sentence: str, checker: Checker, collection: Collection) -> None:
    verdict = checker.check(sentence, papers(collection, "Keyformer", "UMWP"))

    assert verdict.passed == (not verdict.problems)
    assert 0.0 <= verdict.support <= 1.0


def test_a_sentence_longer_than_the_model_reads_is_judged_by_its_beginning(
    checker: Checker, collection: Collection
) -> None:
    verdict = checker.check("Keyformer reduces latency. " * 400, papers(collection, "Keyformer"))

    assert 0.0 <= verdict.support <= 1.0
