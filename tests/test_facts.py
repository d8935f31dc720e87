"""Questions of fact over the seeds: what is quoted first, what is refused and why, how sure the answer is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from assistant import Assistant
from assistant.answering import confidence
from assistant.answering.asked import asked
from assistant.answering.facts import together
from assistant.answering.narrowing import Scope
from assistant.answering.sentences import MAX_OF_PAPER, MAX_PAPERS, Candidate
from assistant.evaluation.questions import load_questions
from assistant.query.parse import Question
from assistant.records import Hit, Paper, SentenceHit
from assistant.ui.render import answer_text


@pytest.mark.parametrize(("text", "trait"), [
    ("How many questions are in UMWP?", "number"), ("What is URIAL?", "definition"),
    ("define DEMix layer", "definition"), ("A model learned it. Can it use it?", "yes_no"),
    ("Does CodeRanker run the programs?", "yes_no"), ("Why does RADAR fail?", "reason"),
    ("where is the code of Redco?", "address"), ("is the code for Okapi public?", "address"),
])
def test_what_is_asked_for_is_told_by_the_words_of_asking(text: str, trait: str) -> None:
    assert getattr(asked(Question(text, "fact")), trait)


@pytest.mark.parametrize("text", ["How is GPT-J edited?", "Is it A or B?", "Which is why?", "Can you explain it?"])
def test_a_question_of_another_form_is_no_yes_no_question(text: str) -> None:
    assert not asked(Question(text, "fact")).yes_no


@pytest.mark.parametrize(("text", "shown"), [
    ("It has 5200 questions.", True), ("It has five categories.", True), ("GPT-4 and Llama-3 are used.", False),
])
def test_a_version_in_a_name_is_no_number(text: str, shown: bool) -> None:
    assert asked(Question("How many questions are there?", "fact")).shown_in(text) is shown


@pytest.mark.parametrize(("question", "figure"), [
    ("How many questions are in UMWP?", "5200"),
    ("What percentage of HumanEval does Codex solve with 100 samples?", "70.2%"),
])
def test_a_number_question_shows_the_number(question: str, figure: str, assistant: Assistant) -> None:
    assert figure in assistant.ask(question).text


def test_a_question_for_code_gives_the_whole_address(assistant: Assistant) -> None:
    answer = assistant.ask("where is the code of DataTune?")

    assert "https://github.com/neulab/prompt2model" in answer.text


@pytest.mark.parametrize(("question", "words"), [
    ("what is TruthfulQA?", "We propose a benchmark to measure whether a language model is truthful"),
    ("What is Spectron?", "We present Spectron, a novel approach"),
    ("what is UL2?", "This paper presents a unified framework for pre-training models"),
    ("what is Weaver?", "This work introduces Weaver, our first family of large language models"),
    ("what is instruction tuning?", "Instruction tuning refers to the process of further training LLMs"),
    ("what is model editing?", "Model editing aims to precisely alter the behaviors"),
    ("what is catastrophic forgetting?", "Pre-trained LLMs, when tailored for specific needs"),
])
def test_a_definition_begins_with_what_says_what_the_thing_is(
    question: str, words: str, assistant: Assistant
) -> None:
    assert assistant.ask(question).sentences[0].text.startswith(words)


def test_a_sentence_with_an_address_does_not_say_what_a_thing_is(assistant: Assistant) -> None:
    told = assistant.ask("what is MEMIT?")

    assert told.sentences[0].text.startswith("We develop MEMIT, a method")
    assert not any("http" in sentence.text for sentence in told.sentences[:-1])


def test_a_yes_no_question_starts_with_what_decides_it(assistant: Assistant) -> None:
    answer = assistant.ask("Does CodeRanker have to execute the sampled programs to judge them?")

    assert answer.text.startswith(("Yes — ", "No — ", "The paper says: ", "The papers say: "))


def test_the_best_passage_of_a_paper_stands_first_and_is_in_reading_order() -> None:
    def hit(paper_id: str) -> Hit:
        sentences = tuple(SentenceHit(10 * at, 10 * at + 9, "", 1.0, ()) for at in range(10))
        return Hit(Paper(paper_id, None, "", "", ()), 1.0, 1.0, 1.0, 1.0, sentences=sentences)

    one, other = hit("p"), hit("q")
    chosen = [Candidate(of, of.sentences[at], 0.5) for of, at in ((one, 5), (other, 2), (one, 9), (one, 4), (one, 1))]

    def order(*, first_leads: bool) -> list[tuple[str, int]]:
        return [(item.hit.paper.paper_id, item.sentence.start) for item in together(chosen, first_leads=first_leads)]

    assert order(first_leads=False) == [("p", 40), ("p", 50), ("p", 90), ("p", 10), ("q", 20)]
    assert order(first_leads=True) == [("p", 50), ("p", 90), ("p", 40), ("p", 10), ("q", 20)]


def test_where_a_list_or_a_fact_may_be_meant_both_are_given(assistant: Assistant) -> None:
    told = assistant.ask("is there a language model for anaesthesiology?")
    sentences, _, listed = told.text.partition("\n\n")

    assert told.kind == "fact" and sentences.startswith("The paper says: ")
    assert listed.startswith("1 of 326 papers matches:\n1. Hypnos: “")
    assert [citation.mark for citation in told.citations] == list(range(1, len(told.citations) + 1))
    proof = {citation.mark: citation.quote for citation in told.citations}[told.items[0].mark]
    assert listed.endswith(f"“{proof}” [{told.items[0].mark}]")
    assert all(sentence.text in sentences for sentence in told.sentences[:-1])
    assert told.trace[-1].startswith("as a list or as a fact: ")
    assert [item.mark for item in assistant.ask("any papers dealing with Vietnamese?").items] == [1]


def test_papers_below_a_fact_run_on_in_marks_and_every_paper_cited_has_its_title(assistant: Assistant) -> None:
    told = assistant.ask("does anything use MEMIT?")
    first, second = told.items

    assert told.kind == "fact" and [first.mark, second.mark] == [2, 3]
    assert [citation.mark for citation in told.citations] == [1, 2, 3]
    assert answer_text(replace(told, items=(second,))).splitlines()[-2].startswith(f"[1][2] {first.title}, 001_")


def test_papers_cut_down_to_those_spoken_of_are_a_list(assistant: Assistant) -> None:
    question = "is there a language model for anaesthesiology?"
    told = assistant.ask(question)
    papers = (*assistant.with_name("AlphaEdit"), told.items[0].paper_id)

    cut = assistant.ask(question, scope=Scope(papers, only=True))

    assert (told.kind, cut.kind) == ("fact", "list")
    assert cut.text.startswith("1 of the 2 papers just cited matches:\n1. Hypnos: “") and cut.items == told.items


def test_what_a_common_abbreviation_is_short_for_comes_first_and_a_method_is_told_by_its_own_paper(
    assistant: Assistant
) -> None:
    common, own = assistant.ask("What is LoRA?"), assistant.ask("What is MEMIT?")

    assert "low-rank adaptation (lora)" in common.sentences[0].text.casefold() and common.sentences[0].marks == (1,)
    assert len(common.sentences) <= MAX_OF_PAPER
    assert own.citations[0].title == "Mass-Editing Memory in a Transformer"


def test_a_yes_no_question_asks_for_no_figure() -> None:
    text = "Is 27% of the memory saved?"

    assert not asked(Question(text, "fact", form="yesno")).number
    assert asked(Question(text, "fact", form="number")).number


def test_a_false_premise_is_met_with_what_the_nearest_abstract_says(assistant: Assistant) -> None:
    answer = assistant.ask("Why do the largest models of TruthfulQA tell the truth most often?")

    assert answer.abstained and answer.citations == ()
    assert answer.nearest and answer.nearest[0].quote in answer.text


def test_no_answer_quotes_more_than_its_limits(assistant: Assistant) -> None:
    for question in [q for q in load_questions() if q.kind == "fact" and q.split == "choose"][::4]:
        answer = assistant.ask(question.question)
        if answer.kind != "fact":
            continue
        told = answer.sentences[:len(answer.sentences) - len(answer.items)]
        papers = [
            citation.paper_id for sentence in told for citation in answer.citations
            if citation.mark in sentence.marks
        ]
        assert len(set(papers)) <= MAX_PAPERS
        assert all(papers.count(paper) <= MAX_OF_PAPER for paper in papers)


def test_only_what_was_quoted_counts_as_checked(assistant: Assistant) -> None:
    quoted = assistant.ask("What is Redco?")
    refused = assistant.ask("how long should I boil an egg?")

    assert all(sentence.checked and sentence.marks for sentence in quoted.sentences)
    assert not any(sentence.checked for sentence in refused.sentences)


def test_confidence_in_a_clear_answer_is_above_that_in_an_off_topic_one(assistant: Assistant) -> None:
    assert assistant.ask("What is Redco?").confidence > 0.6
    assert assistant.ask("how long should I boil an egg?").confidence < 0.2


def test_confidence_grows_with_both_of_its_grounds() -> None:
    grid = [[confidence.of_fact(likely, []) for likely in (0.1, 0.5, 0.9)]]

    assert all(math.isfinite(value) and 0 < value < 1 for row in grid for value in row)
    assert grid[0] == sorted(grid[0])


@pytest.mark.parametrize(("question", "namesake"), [
    ("what is the best pizza in Rome?", True), ("where does Falcon nest?", True),
    ("what is ROME?", False), ("how many parameters does Weaver Ultra have?", False),
])
def test_a_paper_that_shares_only_a_name_does_not_answer(question: str, namesake: bool, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert (answer.abstained and answer.reason == "the collection does not seem to treat this") == namesake
