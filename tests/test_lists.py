"""Lists and counts over the whole collection: who belongs, why, and what was left out by little."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_answers import check_contract

from assistant import Assistant, Paper, Settings
from assistant.answering.facets import facets_in
from assistant.answering.membership import alternatives_of
from assistant.answering.method_names import method_name
from assistant.answering.proof import proof_of
from assistant.query.limits import without_limit
from assistant.records import Answer, Hit, SentenceHit, answer_json
from assistant.retrieval.filters import Filters
from assistant.ui.cli import main
from assistant.ui.render import answer_text


def listed(answer: Answer) -> set[str]:
    return {item.paper_id for item in answer.items}


# -- names


@pytest.mark.parametrize("name", ["T5", "GPT-J", "LLaMA"])
def test_a_list_by_name_has_every_paper_that_mentions_it_however_many(name: str, assistant: Assistant) -> None:
    answer = assistant.ask(f"which papers mention {name}?")

    mentioning = assistant.with_name(name)
    assert len(mentioning) > 20
    assert listed(answer) == mentioning
    assert answer.text.startswith(f"{len(mentioning)} of 326 papers match; {len(mentioning)} mention {name}:")
    check_contract(answer, assistant)


@pytest.mark.parametrize(("question", "kind"), [
    ("how many papers mention MEMIT and MALMEN?", "count"), ("which papers mention MEMIT or MALMEN?", "list"),
])
def test_papers_that_mention_names_are_listed_and_not_compared(
    question: str, kind: str, assistant: Assistant
) -> None:
    answer = assistant.ask(question)

    assert answer.kind == kind and not answer.table
    assert {item.paper_id for item in answer.items} == assistant.with_name("MEMIT") | assistant.with_name("MALMEN")


def test_a_count_of_nothing_is_an_answer(assistant: Assistant) -> None:
    answer = assistant.ask("how many papers that mention GPT-NeoX are about football?")

    assert (answer.matched, answer.abstained) == (0, False)
    assert answer.text == "0 of 326 papers match; 2 mention GPT-NeoX."


@pytest.mark.parametrize("question", ["which methods edit GPT-J?", "papers on mathematical reasoning with LLaMA"])
def test_every_paper_of_a_list_mentions_the_hard_name(question: str, assistant: Assistant) -> None:
    name = "GPT-J" if "GPT-J" in question else "LLaMA"

    answer = assistant.ask(question)

    assert answer.items
    assert listed(answer) <= assistant.with_name(name)


def test_a_word_that_most_papers_have_empties_no_list_by_name(assistant: Assistant) -> None:
    assert listed(assistant.ask("which papers evaluate on SuperGLUE?")) == assistant.with_name("SuperGLUE")


# -- topics


@pytest.mark.parametrize(("text", "topic", "groups"), [
    ("T5 with images or video", ["images", "video"], [["images"], ["video"]]),
    ("legal/financial texts", ["legal", "financial", "texts"], [["legal"], ["financial", "texts"]]),
    ("medical hallucination", ["medical", "hallucination"], [["medical", "hallucination"]]),
    ("hate speech, toxic content", ["hate", "speech", "toxic", "content"], [["hate", "speech"], ["toxic", "content"]]),
    ("well, or not", ["pruning"], [["pruning"]]),
])
def test_alternatives_are_what_or_commas_and_slashes_part(
    text: str, topic: list[str], groups: list[list[str]]
) -> None:
    assert alternatives_of(text, topic) == groups


def test_one_of_two_alternatives_is_enough(assistant: Assistant) -> None:
    either = listed(assistant.ask("which papers are about mental health or customer service?"))

    for one in ("mental health", "customer service"):
        best = assistant.ask(f"which papers are about {one}?").items[0].paper_id
        assert best in either


def test_both_of_two_topics_are_needed(assistant: Assistant) -> None:
    both = assistant.ask("which papers are about hallucination in medicine?")

    assert 1 <= len(both.items) <= 6
    papers = assistant.papers([item.paper_id for item in both.items[:2]])
    assert all("medic" in paper.abstract.casefold() for paper in papers)
    assert all("hallucinat" in f"{paper.title} {paper.abstract}".casefold() for paper in papers)


@pytest.mark.parametrize("question", [
    "which papers are about football?", "papers on bird migration", "list the papers about cooking recipes",
])
def test_a_topic_that_no_paper_treats_is_refused(question: str, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert answer.abstained
    assert answer.reason == "the collection does not seem to treat this"
    assert answer.nearest
    check_contract(answer, assistant)


def test_several_alternatives_are_not_refused_because_no_paper_has_all(assistant: Assistant) -> None:
    answer = assistant.ask("papers about calibration, uncertainty estimates or abstaining from an answer")

    assert len(answer.items) >= 3


def test_strict_lists_less_and_eager_more(assistant: Assistant) -> None:
    found = {}
    for level in ("strict", "balanced", "eager"):
        settings = Settings(**{**assistant.settings.model_dump(), "refusal": level}, _env_file=None)
        other = Assistant(assistant.collection, assistant._embedder, settings)
        found[level] = listed(other.ask("which papers are about question answering?"))

    assert found["strict"] < found["balanced"] < found["eager"]


# -- exclusions and kinds of papers


def test_an_excluded_topic_is_left_out_and_the_rest_stays(assistant: Assistant) -> None:
    every = listed(assistant.ask("which papers are about machine translation?"))
    without = assistant.ask("which papers are about machine translation, not counting the medical ones?")

    assert 0 < len(without.items) < len(every)
    papers = assistant.papers(sorted(every - listed(without)))
    assert all("medic" in f"{paper.title} {paper.abstract}".casefold() for paper in papers)


@pytest.mark.parametrize(("text", "names"), [
    ("surveys on an African language", ["surveys", "African languages"]),
    ("is there a survey of pruning?", ["surveys"]),
    ("which review papers release their code?", ["surveys", "released code"]),
    ("how many papers treat Indian languages?", ["Indian languages"]),
    ("which methods put their code on GitHub?", ["released code"]),
    ("papers with a GitHub repository", ["released code"]),
    ("which of the models have GitHub links?", ["released code"]),
    ("models trained on code from GitHub", []),
    ("which models are trained on GitHub repositories?", []),
    ("agents that mend faults in a GitHub repository", []),
    ("models for survey data", []),
    ("give me an overview of LoRA", []),
    ("open-source models", []),
    ("code generation", []),
    ("which papers give code?", ["released code"]),
    ("papers on speech with code", ["released code"]),
    ("models that work with code", []),
    ("papers with code generation tasks", []),
    ("papers that don't publicly release their code", ["no released code"]),
    ("which of the surveys give no code?", ["surveys", "no released code"]),
    ("papers not on African languages", ["no African languages"]),
    ("methods without training for African languages", ["African languages"]),
])
def test_a_question_for_a_kind_of_paper_is_recognised(text: str, names: list[str]) -> None:
    assert [asked.name for asked in facets_in(text)] == names


@pytest.mark.parametrize("question", [
    "papers that do not release code", "papers without code", "which papers release no code?",
    "how many papers give no code?", "which papers don't have code?",
])
def test_papers_without_code_are_those_that_do_not_give_it(question: str, assistant: Assistant) -> None:
    giving = assistant.collection.store.papers_with_code()

    assert listed(assistant.ask(question)) == set(assistant.collection.store.paper_ids()) - giving


@pytest.mark.parametrize("question", ["papers about speech", "which methods edit facts?", "editing of GPT-J"])
def test_a_filter_adds_no_paper_to_a_list(question: str, assistant: Assistant) -> None:
    whole, filtered = assistant.ask(question), assistant.ask(question, filters=Filters(has_code=True))

    assert listed(filtered) == listed(whole) & assistant.collection.store.papers_with_code()
    assert filtered.considered == 72


def test_surveys_are_told_by_what_they_call_themselves(assistant: Assistant) -> None:
    answer = assistant.ask("how many survey papers are in the collection?")

    assert 8 <= answer.matched <= 16
    words = ("survey", "review", "overview")
    assert all(any(word in f"{item.title} {paper.abstract}".casefold() for word in words)
               for item in answer.items for paper in assistant.papers([item.paper_id]))


def test_a_group_of_languages_is_found_by_its_members(assistant: Assistant) -> None:
    answer = assistant.ask("which papers study an African language?")

    papers = assistant.papers(assistant.collection.store.paper_ids())
    on_swahili = {paper.paper_id for paper in papers if "Swahili" in paper.abstract}
    assert on_swahili and on_swahili <= listed(answer)
    assert all("Swahili" in item.quote for item in answer.items if item.paper_id in on_swahili)


@pytest.mark.parametrize("question", ["surveys on hallucination", "are there surveys of hallucination?"])
def test_a_list_plainly_asked_for_is_refused_rather_than_answered_by_loose_sentences(
    question: str, assistant: Assistant
) -> None:
    answer = assistant.ask(question)

    assert answer.abstained and not answer.citations
    assert answer.nearest and answer.reason == "no paper of the collection fits"


# -- how many are asked for


@pytest.mark.parametrize(("text", "count"), [
    ("three papers about recommendation", 3), ("top 5 papers on machine translation", 5),
    ("name three benchmarks", 3), ("please give me the two best speech models", 2),
    ("machine translation, top 4", 4), ("five most relevant abstracts on retrieval", 5),
    ("show me 3 of the papers that use LoRA", 3), ("one paper about hallucination", 1),
    ("what are the 2 main approaches to pruning?", 2),
    ("papers with two-stage training", None), ("which papers use three datasets?", None),
    ("which 7B models are Japanese?", None), ("two of those papers", None), ("at least three papers on speech", None),
    ("list 0 papers", None), ("what did one of them find?", None), ("3.5 models", None),
    ("papers on 3 languages", None), ("top-3 recommendation papers", 3), ("top 3 on recommendation", 3),
    ("papers that report top-5 accuracy", None),
])
def test_a_number_of_papers_is_told_from_other_numbers(text: str, count: int | None) -> None:
    assert without_limit(text)[0] == count


@pytest.mark.parametrize("question", [
    "three papers about recommendation", "top-3 recommendation papers", "top 3 on recommendation",
    "The top three papers about recommendation", "what are the 3 best papers on recommendation?",
])
def test_as_many_papers_are_listed_as_are_asked_for(question: str, assistant: Assistant) -> None:
    every = assistant.ask("papers about recommendation")
    three = assistant.ask(question)

    assert [item.paper_id for item in three.items] == [item.paper_id for item in every.items[:3]]
    assert three.matched == every.matched > 3
    assert f"; the best 3 of them, {every.matched - 3} more fit:\n1. " in three.text
    check_contract(three, assistant)


def test_more_than_there_are_is_all_and_a_count_has_no_limit(assistant: Assistant) -> None:
    every = assistant.ask("papers about recommendation")

    assert listed(assistant.ask("100 papers about recommendation")) == listed(every)
    assert "more fit" not in assistant.ask("how many of the top 3 papers are about recommendation?").text


# -- what each item says


SENTENCES = ("We study editing of facts.", "We use GPT-J.", "Editing GPT-J is hard.", "The end.")


def hit(scores: tuple[float, ...]) -> Hit:
    abstract = " ".join(SENTENCES)
    starts = [abstract.index(sentence) for sentence in SENTENCES]
    return Hit(
        Paper("0" * 20, None, abstract, abstract), 1.0, 1.0, 1.0, 1.0,
        sentences=tuple(
            SentenceHit(start, start + len(text), text, score)
            for start, text, score in zip(starts, SENTENCES, scores, strict=True)
        ),
    )


@pytest.mark.parametrize(("scores", "names", "topical", "proof"), [
    ((0.8, 0.2, 0.78, 0.1), ["gptj"], True, "Editing GPT-J is hard."),
    ((0.9, 0.2, 0.1, 0.1), ["gptj"], True, "We study editing of facts. We use GPT-J."),
    ((0.8, 0.2, 0.9, 0.1), [], True, "Editing GPT-J is hard."),
    ((0.8, 0.2, 0.9, 0.1), ["gptj"], False, "We use GPT-J."),
    ((0.8, 0.2, 0.9, 0.1), [], False, "We study editing of facts."),
])
def test_the_proof_shows_name_and_topic(
    scores: tuple[float, ...], names: list[str], topical: bool, proof: str
) -> None:
    found = hit(scores)

    shown = proof_of(found, names=names, topical=topical)

    assert shown.text == proof == found.paper.abstract[shown.start:shown.end]


@pytest.mark.parametrize(("before", "ours"), [
    ("Pruning lags behind in practice.", "We bring pruning to sparse models."),
    ("Pruning is a widely known way to shrink models.", "DSnoT does iterative pruning and growing."),
    ("To our knowledge, pruning has not been tried.", "To meet these challenges, we try pruning here."),
])
def test_the_proof_is_of_the_papers_own_work(before: str, ours: str) -> None:
    texts = [before, ours, "However, pruning remains hard."]
    abstract = " ".join(texts)
    sentences = tuple(
        SentenceHit(abstract.index(text), abstract.index(text) + len(text), text, score)
        for text, score in zip(texts, (0.9, 0.8, 0.9), strict=True)
    )
    found = Hit(Paper("0" * 20, None, abstract, abstract), 1.0, 1.0, 1.0, 1.0, sentences=sentences)

    assert proof_of(found, names=[], topical=True, own="DSnoT").text == ours


@pytest.mark.parametrize(("abstract", "name"), [
    ("We propose Knowledge Aware FineTuning (KAFT) to help.", "KAFT"),
    ("We introduce a new benchmark, called CompWoB, of tasks.", "CompWoB"),
    ("We introduce Codex, a language model.", "Codex"),
    ("We propose a framework that works, CoME.", None),
    ("We complete smart contracts (SCs) with a model.", None),
    ("Metrics such as mean conversation length (MCL) are introduced as proxies.", None),
    ("We propose to employ Hidden Markov Models (HMMs) here.", None),
    ("We fine-tune models on notes from MIMIC and release them.", None),
    ("Code is released at https://github.com/AlanAnsell/peft.", None),
    ("Experiments show that in-context knowledge editing (IKE) does well.", "IKE"),
    ("We introduce Broad-Minded Curriculum Planning for Refinement (BRACIR), a framework.", "BRACIR"),
    ("We propose Branch-Pruned Fine-Tuning, or BPFT, which tunes branches.", "BPFT"),
    ("We propose Gradient-Mask Tuning (GMT), a method based on gradients.", "GMT"),
    ("We propose Quick Rotation (QR) based on Givens.", "QR"),
    ("Existing entity linking (EL) is slow. We introduce an EL system.", None),
    ("We present novel KB completion models.", None),
    ("In this work we build KB models. Conventional KBs are dense.", None),
    ("We introduce a Pointwise V-Information (PVI) based tuning method.", None),
    ("We propose a metric called DS weight to filter samples.", None),
    ("Companies have developed multilingual language models (MLM) for this.", None),
    ("Many works reproduce its pipeline, namely Feedback From Users (FFU).", None),
    ("We experiment with a widely adopted approach called SLAM-ASR.", None),
    ("We design tests in two pairs, namely English-to-Arabic (EN-AR), English-to-Thai (EN-TH).", None),
])
def test_a_name_a_paper_only_mentions_is_not_its_method(abstract: str, name: str | None) -> None:
    paper = Paper("3" * 20, None, abstract, abstract)

    assert method_name(paper, papers_with=lambda keys: dict.fromkeys(keys, 1)) == name


@pytest.mark.parametrize(("title", "abstract", "name"), [
    ("Primer: Searching for Efficient Transformers", "We search.", "Primer"),
    ("LexGPT 0.1: models for law", "LexGPT models are trained.", "LexGPT 0.1"),
    ("Activation Addition: Steering", "Our Activation Addition (ActAdd) steers.", "Activation Addition"),
    ("Beyond Human Data: Scaling Self-Training", "We go beyond human data.", None),
    ("RAG vs Fine-tuning: A Case Study", "We compare both.", None),
])
def test_a_phrase_before_a_colon_is_a_name_if_the_abstract_writes_it_as_one(
    title: str, abstract: str, name: str | None
) -> None:
    paper = Paper("3" * 20, title, abstract, abstract)

    assert method_name(paper, papers_with=lambda keys: dict.fromkeys(keys, 1)) == name


# -- near misses


def test_near_misses_are_under_the_cut_and_shown_when_asked_for(assistant: Assistant) -> None:
    answer = assistant.ask("which papers make inference of language models faster?")

    assert answer.near_misses
    assert not {near.paper_id for near in answer.near_misses} & listed(answer)
    assert answer_json(answer)["near_misses"][0]["paper_id"] == answer.near_misses[0].paper_id
    title = answer.near_misses[0].title or "“"
    assert "Just under the cut:\n- " + title in answer_text(answer, near_misses=True)
    assert "Just under the cut" not in answer_text(answer)
    assert "Nothing is just under the cut." in answer_text(replace(answer, near_misses=()), near_misses=True)


def test_the_command_line_shows_near_misses(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSISTANT_HOME", str(assistant.settings.home))

    assert main(["ask", "--near-misses", "which papers make inference of language models faster?"]) == 0

    assert "Just under the cut:" in capsys.readouterr().out
