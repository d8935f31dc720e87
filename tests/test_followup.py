"""What a question refers back to; and conversations, whose turns are read in the light of those before."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from scripted_server import Asked, ScriptedServer, says

from assistant import Assistant
from assistant.answering.citations import papers_of
from assistant.conversation.dependence import DependenceFeatures, leaning
from assistant.conversation.dialogue import Dialogue
from assistant.embedding.embedder import Embedder
from assistant.evaluation.questions import load_questions
from assistant.index.collection import Collection
from assistant.records import Turn
from assistant.writing.rewriting import conversation


@pytest.fixture(scope="module")
def said(assistant: Assistant) -> Callable[[str], Turn]:
    """A first turn."""
    answers: dict[str, Turn] = {}

    def turn(question: str) -> Turn:
        if question not in answers:
            answers[question] = Turn(question, question, assistant.ask(question))
        return answers[question]
    return turn


FACT = "which models was MEMIT scaled on"
LIST = "which methods edit GPT-J?"
TOPIC = "Papers on hate speech"
SAVING = "How much latency does Keyformer cut?"
OTHER = "How much accuracy does AlphaEdit gain?"


@pytest.mark.parametrize("first", [FACT, LIST, TOPIC])
@pytest.mark.parametrize("question", [
    "what is Redco?",
    "Which papers use T5 for speech?",
    "how much memory does LOMO need?",
    "Which methods edit facts, and how do they work?",
    "What is EasyEdit and which models does it support?",
    "Is it possible to edit facts without training?",
    "Are there papers about law?",
    "is there a survey of continual learning?",
    "why do multimodal models stumble over small things in a picture?",
    "can a network tell how its own subword units are spelled?",
    "Does Bit-cipher rely on backpropagation for its word representations?",
    "What does it cost in dollars to run BLOOM on Petals for an hour?",
    "papers with robots in them",
    "corpora that are free",
    "How does IKE do compared with gradient-based editing?",
    "compare LoRAMoE and Mixture-of-LoRAs",
    "And SpeechT5, how does it bring the two modalities into one space?",
    "ok, different topic: web automation agents",
    "how many papers do you know?",
    "which languages do you speak?",
    "how big is the index?",
    "What causes tides?",
    "What can be integrated into fine-tuning on generation tasks so that the model generalises better?",
    "Prompts with emotional content, does that help?",
    "instruction tuning done in many languages at once",
    "the first question is what LoRA does to T5",
])
def test_a_question_that_stands_alone_is_left_alone(
    first: str, question: str, assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    reading = Dialogue(assistant, turns=[said(first)]).read(question)

    assert (reading.kind, reading.text, reading.scope) == ("alone", question, None)


@pytest.mark.parametrize(("first", "question", "kind", "text"), [
    (FACT, "How many memories can it write?", "about", "How many memories can MEMIT write?"),
    (FACT, "who wrote it?", "about", "who wrote MEMIT?"),
    (FACT, "is its code public?", "about", "is MEMIT's code public?"),
    (FACT, "which base models did they tune?", "about", "which base models did MEMIT tune?"),
    (FACT, "what do the authors conclude?", "about", "what do the authors conclude (MEMIT)?"),
    (FACT, "how does it compare with EasyEdit?", "about", "how does MEMIT compare with EasyEdit?"),
    (FACT, "compare it with EasyEdit", "about", "compare MEMIT with EasyEdit"),
    (FACT, "and on code?", "again", "which models was MEMIT scaled on code?"),
    (FACT, "and how fast is the best one?", "about", "how fast is the best one (MEMIT)?"),
    (LIST, "which of those release code?", "which", "which papers release code?"),
    (LIST, "and which of them is about unlearning?", "which", "and which papers is about unlearning?"),
    (LIST, "how many of these mention Llama?", "which", "how many papers mention Llama?"),
    (SAVING, "And throughput?", "about", "throughput (Keyformer)?"),
    (SAVING, "on which models?", "about", "on which models (Keyformer)?"),
    (SAVING, "how does it decide which tokens to keep?", "about", "how does Keyformer decide which tokens to keep?"),
    (SAVING, "how many tests came with it?", "about", "how many tests came with Keyformer?"),
    (SAVING, "does the accuracy drop?", "about", "does the accuracy drop (Keyformer)?"),
    (SAVING, "how much memory bandwidth does that save?", "about", "how much memory bandwidth does Keyformer save?"),
    (SAVING, "why?", "about", "why (latency keyformer cut)?"),
    (SAVING, "and LLM2LLM?", "again", "How much latency does LLM2LLM cut?"),
    (SAVING, "and in LLM2LLM?", "again", "How much latency does LLM2LLM cut?"),
    (SAVING, "what about CoME, what datasets was it run on?", "about", "what datasets was CoME run on?"),
    (SAVING, "no, I meant CoME. What is that?", "about", "What is CoME?"),
    (SAVING, "who else does that?", "about", "which other papers deal with latency cut?"),
    (TOPIC, "and misinformation?", "again", "Papers on misinformation?"),
    ("Papers that involve Portuguese", "and Russian?", "again", "Papers that involve Russian?"),
    ("which papers mention GPT-J?", "what about T5?", "again", "which papers mention T5?"),
])
def test_a_follow_up_is_put_into_words_of_its_own(
    first: str, question: str, kind: str, text: str, assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    reading = Dialogue(assistant, turns=[said(first)]).read(question)

    assert (reading.kind, reading.text) == (kind, text)


@pytest.mark.parametrize("first", ["what is ROME?", "what is the best pizza in Rome?"])
def test_a_list_that_names_its_own_subject_is_of_all_papers(first: str, assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    dialogue.ask(first)

    assert dialogue.ask(LIST).matched == assistant.ask(LIST).matched > 5


def test_which_of_those_release_code_gives_exactly_those_that_do(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    before = dialogue.ask(LIST)

    answer = dialogue.ask("which of those release code?")

    with_code = assistant.collection.store.papers_with_code()
    assert [item.paper_id for item in answer.items] == [paper for paper in papers_of(before) if paper in with_code]
    assert 0 < answer.matched < before.matched
    assert answer.text.startswith(f"{answer.matched} of the {before.matched} papers just cited match")


def test_which_of_those_narrows_to_the_papers_just_cited(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    before = dialogue.ask("list the papers that use LLMs for recommendation")

    answer = dialogue.ask("Which of them is about making the model forget a user's data?")

    assert [item.name for item in answer.items] == ["E2URec"]
    assert set(papers_of(answer)) <= set(papers_of(before))


def test_an_ordinal_picks_one_of_those_cited(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    before = dialogue.ask(LIST)

    answer = dialogue.ask("what does the second one do?")

    assert papers_of(answer)[0] == papers_of(before)[1]


@pytest.mark.parametrize(("question", "text", "places"), [
    ("compare the two", "compare Keyformer and AlphaEdit", (0, 1)),
    ("How do these two save time?", "How do Keyformer and AlphaEdit save time?", (0, 1)),
    ("differences between both?", "differences between Keyformer and AlphaEdit?", (0, 1)),
    ("does the former need training?", "does Keyformer need training?", (0,)),
    ("and the latter, is it public?", "and AlphaEdit, is it public?", (1,)),
    ("what does the other one cut?", "what does Keyformer cut?", (0,)),
])
def test_two_papers_spoken_of_one_after_the_other_are_both(
    question: str, text: str, places: tuple[int, ...], assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    turns = [said(SAVING), said(OTHER)]
    spoken = [papers_of(turn.answer)[0] for turn in turns]

    reading = Dialogue(assistant, turns=turns).read(question)

    assert (reading.text, reading.scope and reading.scope.paper_ids) == (text, tuple(spoken[at] for at in places))


def test_a_place_that_no_answer_has_is_said_to_be_missing(assistant: Assistant, said: Callable[[str], Turn]) -> None:
    dialogue = Dialogue(assistant, turns=[said(SAVING)])

    answer = dialogue.ask("what does the third one do?")

    assert answer.abstained and answer.citations == ()
    assert answer.text == (
        "I cannot answer that: the answer before cites one paper, and none of them is “the third one”; "
        "ask about one of those, or by name."
    )
    assert dialogue.read("what does the first one do?").text == "what does Keyformer do?"


def test_of_no_paper_none_is_the_third(assistant: Assistant, said: Callable[[str], Turn]) -> None:
    reading = Dialogue(assistant, turns=[said("who are the authors of AlphaEdit?")]).read("what does the third one do?")

    assert (reading.kind, reading.why) == (
        "missing", "nothing said before is “the third one”; ask by name"
    )


@pytest.mark.parametrize(("question", "places"), [
    ("compare the first and the second", (0, 1)), ("compare 1 and 3", (0, 2)), ("compare the first two", (0, 1)),
    ("compare the first two papers", (0, 1)), ("how do the second and the last differ?", (1, -1)),
    ("what do [1], [2] and [4] have in common?", (0, 1, 3)), ("compare the last two", (-2, -1)),
])
def test_papers_at_several_places_are_told_of_side_by_side(
    question: str, places: tuple[int, ...], assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    listed = papers_of(said(LIST).answer)

    answer = Dialogue(assistant, turns=[said(LIST), said(OTHER)]).ask(question)

    assert answer.kind == "compare"
    assert [side.paper_id for side in answer.table] == [listed[at] for at in places]


@pytest.mark.parametrize(("question", "place"), [
    ("tell me more about the fourth", 3), ("what accuracy did the third reach?", 2), ("what is the second about?", 1),
    ("and the fifth?", 4),
])
def test_a_single_place_of_a_list_is_one_paper(
    question: str, place: int, assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    reading = Dialogue(assistant, turns=[said(LIST)]).read(question)

    assert reading.scope and reading.scope.paper_ids == (papers_of(said(LIST).answer)[place],)


@pytest.mark.parametrize("question", [
    "what is the first step of editing?", "compare the first two layers of T5", "what does the second layer do in T5?",
    "does 4 and 8 bit quantisation of LLaMA differ?", "which papers prune models without fine-tuning?",
    "papers without code", "just curious", "remove bias from language models", "how many papers are there?",
    "why is attention quadratic?", "which papers are better than GPT-4?",
])
def test_what_only_looks_like_a_place_or_an_edit_stands_alone(
    question: str, assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    assert Dialogue(assistant, turns=[said(LIST)]).read(question).kind == "alone"


@pytest.mark.parametrize(("question", "kept"), [
    ("remove EasyEdit", lambda listed, code: listed[1:]),
    ("without the second", lambda listed, code: [listed[0], *listed[2:]]),
    ("keep only the first three", lambda listed, code: listed[:3]),
    ("only 1 and 3", lambda listed, code: [listed[0], listed[2]]),
    ("only those with code", lambda listed, code: [paper for paper in listed if paper in code]),
    ("leave out the ones that release code", lambda listed, code: [paper for paper in listed if paper not in code]),
    ("the open-source ones only", lambda listed, code: [paper for paper in listed if paper in code]),
    ("how many are left?", lambda listed, code: listed), ("how many?", lambda listed, code: listed),
])
def test_the_last_list_is_edited(
    question: str, kept: Callable[[Sequence[str], set[str]], list[str]], assistant: Assistant,
    said: Callable[[str], Turn],
) -> None:
    listed = list(papers_of(said(LIST).answer))
    code = assistant.collection.store.papers_with_code()

    answer = Dialogue(assistant, turns=[said(LIST)]).ask(question)

    assert [item.paper_id for item in answer.items] == kept(listed, code)
    assert (answer.matched, answer.considered) == (len(answer.items), len(listed))


def test_edits_of_a_list_add_up_and_leave_out_what_another_list_has(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    before = set(papers_of(dialogue.ask("papers on machine translation")))
    medical = set(papers_of(assistant.ask("which papers are about medical?")))

    assert before & medical
    assert set(papers_of(dialogue.ask("not medical ones"))) == before - medical
    assert dialogue.ask("drop the first").matched == len(before - medical) - 1
    assert dialogue.ask("how many are left?").text.startswith(f"{len(before - medical) - 1} papers:")


@pytest.mark.parametrize(("first", "question", "why"), [
    (LIST, "remove Redco", "“Redco” is none of them"), (LIST, "without the 30th", "“the 30th” is none of them"),
    (FACT, "only those with code", "no list of papers came before it"),
    (FACT, "how many are left?", "no list of papers came before it"),
    (FACT, "why is EasyEdit not in the list?", "no list of papers came before it"),
    (FACT, "which one is better?", "fewer than two papers were spoken of"),
    (LIST, "compare the first and the 30th", "none of them is “the first and the 30th”"),
])
def test_a_follow_up_that_nothing_was_said_for_says_so(
    first: str, question: str, why: str, assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    answer = Dialogue(assistant, turns=[said(first)]).ask(question)

    assert answer.abstained and why in answer.text and not answer.citations


@pytest.mark.parametrize(
    "question", ["which one is better?", "which of the two is faster?", "which needs less memory?"]
)
def test_which_of_two_is_better_is_told_side_by_side(
    question: str, assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    compared = said("compare MEMIT and MALMEN")

    answer = Dialogue(assistant, turns=[compared]).ask(question)

    assert (answer.kind, [side.label for side in answer.table]) == ("compare", ["MEMIT", "MALMEN"])
    assert [side.paper_id for side in answer.table] == list(papers_of(compared.answer))


def test_places_are_asked_about_with_names_beside_them(assistant: Assistant, said: Callable[[str], Turn]) -> None:
    reading = Dialogue(assistant, turns=[said(LIST)]).read("which of the first two use T5?")

    assert (reading.text, reading.scope and reading.scope.paper_ids) == (
        "which papers use T5?", papers_of(said(LIST).answer)[:2]
    )


def test_places_before_anything_was_said_are_said_to_be_missing(assistant: Assistant) -> None:
    answer = Dialogue(assistant).ask("compare the first two")

    assert answer.abstained and "nothing said before is “the first two”" in answer.text


def test_what_is_asked_of_papers_referred_to_is_no_talk_about_the_collection(
    assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    answer = Dialogue(assistant, turns=[said(LIST)]).ask("which of them release data or models?")

    assert answer.kind == "list" and answer.considered == len(papers_of(said(LIST).answer))


@pytest.mark.parametrize("question", [
    "Does it release its code?", "is its code public?", "is it open source?", "Do the authors share code?",
    "Is the code available?", "is the implementation online?",
])
def test_code_that_an_abstract_does_not_speak_of_is_not_said(question: str, assistant: Assistant) -> None:
    silent, speaking = Dialogue(assistant), Dialogue(assistant)
    silent.ask("what is CoME?")
    speaking.ask("what is MEMIT?")

    answer = silent.ask(question)

    assert answer.abstained and (answer.reason or "").endswith("does not say that its code is given")
    assert "“CoME: An Unlearning-based Approach to Conflict-free Model Editing”" in (answer.reason or "")
    assert speaking.ask(question).citations[0].title == "Mass-Editing Memory in a Transformer"


def test_a_refused_question_has_spoken_of_the_paper_it_names(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    dialogue.ask(SAVING)
    assert dialogue.ask("who are the authors of AlphaEdit?").abstained

    assert dialogue.read("is its code public?").text == "is AlphaEdit's code public?"


def test_a_single_question_after_another_topic_is_hardly_ever_taken_for_a_follow_up(
    assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    dialogue = Dialogue(assistant, turns=[said(SAVING)])
    single = [question for question in load_questions() if question.split == "choose"][::4]

    taken = [question.question for question in single if dialogue.read(question.question).kind != "alone"]

    assert len(taken) <= len(single) / 50, taken


def test_a_short_question_leans_on_what_was_said_and_a_full_one_does_not() -> None:
    short = DependenceFeatures(words=1, content=0.5, missed=0.4, gap=0.0, listing=0.0, given=1.0, past=0.0)
    full = DependenceFeatures(words=5, content=3.0, missed=0.7, gap=0.3, listing=0.9, given=0.0, past=0.0)

    assert leaning(short) > 0.95
    assert leaning(full) < 0.01


def test_a_refusal_in_between_does_not_take_the_subject_away(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    dialogue.ask(FACT)
    assert dialogue.ask("who wrote it?").abstained

    answer = dialogue.ask("How many memories can it write?")

    assert "thousands of associations" in answer.text
    assert answer.question == "How many memories can it write?"
    assert any("How many memories can MEMIT write?" in line for line in answer.trace)


def test_the_conversation_starts_anew_after_a_reset(assistant: Assistant) -> None:
    dialogue = Dialogue(assistant)
    dialogue.ask(FACT)
    dialogue.reset()

    assert dialogue.read("How many memories can it write?").kind == "alone"


# With a model.

def opened(assistant: Assistant, embedder: Embedder, server: ScriptedServer) -> Assistant:
    settings = assistant.settings.model_copy(update={
        "backend": "openai", "base_url": server.url, "model": server.model})
    return Assistant(Collection(settings), embedder, settings)


def test_a_model_rewrites_a_follow_up_but_not_what_stands_alone(assistant: Assistant, embedder: Embedder) -> None:
    def model(asked: Asked) -> str:
        if "<conversation>" in asked.prompt:
            return '{"question": "How many memories can MEMIT write into a model?"}'
        found = re.search(r"^\[(\d+)\] Mass-Editing", asked.prompt, re.MULTILINE)
        said = f"MEMIT scales up to thousands of associations [{found[1]}]." if found else ""
        return said or "The abstracts do not say this."

    with ScriptedServer(says(model)) as server, opened(assistant, embedder, server) as asking:
        dialogue = Dialogue(asking)
        dialogue.ask(FACT)
        answer = dialogue.ask("How many memories can it write?")
        dialogue.ask("what is Redco?")
        rewritten = [asked for asked in server.replies if "<conversation>" in asked.prompt]

    assert len(rewritten) == 1 and f"User: {FACT}" in rewritten[0].prompt
    assert dialogue.turns[1].searched == "How many memories can MEMIT write into a model?"
    assert answer.text == "MEMIT scales up to thousands of associations. [1]"
    assert dialogue.turns[2].searched == "what is Redco?"


@pytest.mark.parametrize("reply", [
    '{"question": "How many memories can Zephyr-9 write?"}', '{"question": "Did MEMIT cost 4 million?"}', "{", "", "[]",
])
def test_a_rewriting_that_adds_something_is_not_used(reply: str, assistant: Assistant, embedder: Embedder) -> None:
    model = says(lambda asked: reply if "<conversation>" in asked.prompt else "It is 77 [1].")
    with ScriptedServer(model) as server, opened(assistant, embedder, server) as asking:
        dialogue = Dialogue(asking)
        dialogue.ask(FACT)
        dialogue.ask("How many memories can it write?")

    assert dialogue.turns[1].searched == "How many memories can MEMIT write?"


def test_history_keeps_within_its_budget_older_turns_first_summarised_then_dropped(
    assistant: Assistant, said: Callable[[str], Turn]
) -> None:
    turns = [said(FACT), said(LIST), said(TOPIC)]

    def count(text: str) -> int:
        return len(text.split())

    whole = conversation(turns, budget=500, count=count)
    short = conversation(turns, budget=80, count=count)

    assert whole.startswith(f"User: {FACT}\nAssistant: (cited: Mass-Editing Memory in a Transformer")
    assert turns[2].answer.text.split("\n")[1][:60] in whole and turns[1].answer.text.split("\n")[1][:60] not in whole
    assert FACT not in short and TOPIC in short and count(short) <= 80
    assert conversation(turns, budget=3, count=count) == ""
