"""How questions are understood, on the collection of the seeds: tables that read as a specification."""

from __future__ import annotations

import re

import pytest

from assistant import Assistant
from assistant.query.conditions import is_mistyped


@pytest.mark.parametrize(("text", "kind"), [
    ("what is Redco?", "fact"),
    ("How much does Primer save?", "fact"),
    ("why does BitDelta need four bits per weight?", "fact"),
    ("which methods edit GPT-J?", "list"),
    ("list the benchmarks for code generation", "list"),
    ("Hi, could you list the mixture-of-experts papers?", "list"),
    ("is there anything on federated fine-tuning?", "list"),
    ("papers about Indonesian or Vietnamese", "list"),
    ("teaching LLMs to use tools or APIs: which papers", "list"),
    ("how many papers mention Mistral?", "count"),
    ("number of papers that refer to Vicuna", "count"),
    ("compare LoRAMoE and Mixture-of-LoRAs", "compare"),
    ("MEMIT vs MALMEN for editing lots of facts", "compare"),
    ("T5 models for speech", "topic"),
    ("does anyone train on Wikipedia?", "list"),
    ("I am after work on tabular data", "list"),
    ("got anything about poems?", "list"),
    ("who distils GPT-4 into smaller models?", "list"),
    ("machine translation, what have you got", "list"),
    ("anyone using Mistral?", "list"),
    ("where do people mention Wikipedia?", "list"),
    ("tally of the papers that touch hate speech", "count"),
    ("Primer or T5, which trains faster?", "compare"),
    ("how many parameters does Weaver Ultra have?", "fact"),
    ("Is BitDelta lossless?", "fact"),
    ("explain instruction tuning", "fact"),
    ("Suppose the labels are noisy. What do the authors advise?", "fact"),
    ("GPT-NeoX", "topic"),  # however few papers have it
    ("relation extraction", "topic"),
    ("hate speech", "topic"),
    ("how many papers do you know?", "collection"),
    ("who are you?", "collection"),
    ("thanks a lot!", "collection"),
    ("which files did you read?", "collection"),
    ("what does CoME do?", "fact"),
    ("", "empty"),
    ("?!…", "empty"),
    ("🙂🙂", "empty"),
])
def test_the_kind_follows_from_the_form(text: str, kind: str, assistant: Assistant) -> None:
    assert assistant.understand(text).kind == kind


@pytest.mark.parametrize(("text", "form"), [
    ("what is Redco?", "definition"),
    ("LoRA stands for?", "definition"),
    ("Does RAG beat fine-tuning?", "yesno"),
    ("is the code of Redco public?", "yesno"),
    ("How much does Primer save?", "fact"),
    ("good morning", "chat"),
])
def test_the_form_is_finer_than_the_kind(text: str, form: str, assistant: Assistant) -> None:
    assert assistant.understand(text).form == form


@pytest.mark.parametrize(("text", "wants"), [
    ("How many parameters does Weaver Ultra have?", "number"),
    ("Who came up with Primer?", "person"),
    ("why does BitDelta need four bits per weight?", "reason"),
    ("where can I download Redco?", "url"),
    ("which languages does Okapi cover?", "language"),
    ("which papers mention Mistral?", ""),
])
def test_a_fact_says_what_it_asks_for(text: str, wants: str, assistant: Assistant) -> None:
    assert assistant.understand(text).wants == wants


@pytest.mark.parametrize(("text", "topic"), [
    ("who reports numbers on SuperGLUE?", ()),
    ("which of them draw on Wikipedia?", ()),
    ("Count the works that evaluate on MMLU.", ()),
    ("I need whatever touches on hate speech", ("hate", "speech")),
    ("pull up what we hold about grammatical error correction", ("grammatical", "error", "correction")),
])
def test_words_that_only_ask_are_no_topic(text: str, topic: tuple[str, ...], assistant: Assistant) -> None:
    assert assistant.understand(text).topic == topic


@pytest.mark.parametrize(("text", "hard"), [
    ("which methods edit GPT-J?", ["gptj"]),
    ("papers about indonesian or vietnamese", ["indonesian", "vietnamese"]),
    ("which papers use llama 2?", ["llama2"]),
    ("anything on gpt-j?", ["gptj"]),
    ("papers about SFT data selection", []),       # a name within a phrase is the phrase's
    ("anything on diffusion models?", []),
    ("speech recognition, what have you got", []),
    ("which LLMs are used for law?", []),          # a common noun tells no papers apart …
    ("how many papers mention RLHF?", ["rlhf"]),   # … unless it is all that is asked
])
def test_proper_names_are_conditions_and_common_nouns_are_topic(
    text: str, hard: list[str], assistant: Assistant
) -> None:
    assert [name.key for name in assistant.understand(text).hard] == hard


def test_names_joined_by_or_are_alternatives(assistant: Assistant) -> None:
    assert assistant.understand("papers about Indonesian or Vietnamese").any_of
    assert not assistant.understand("papers that use both GPT-J and T5").any_of


@pytest.mark.parametrize(("text", "unknown"), [
    ("what is TurboPrimer?", ["TurboPrimer"]),
    ("what is FlashAttention-9?", ["FlashAttention-9"]),
    ("does GPT-J outperform GPT-11?", ["GPT-11"]),
    ("what does quilltunex optimise?", ["quilltunex"]),
    ("papers about the sociology of sport", []),   # words no paper has are no names
    ("what is Primer?", []),
    ("Who wrote the Transformer paper?", []),
])
def test_a_name_no_paper_has_is_unknown_even_around_a_known_one(
    text: str, unknown: list[str], assistant: Assistant
) -> None:
    assert [name.surface for name in assistant.understand(text).unknown] == unknown


def test_a_slip_in_a_name_is_taken_for_the_name(assistant: Assistant) -> None:
    question = assistant.understand("what is EasyEdti?")

    assert [(name.surface, name.meant) for name in question.names] == [("EasyEdti", "EasyEdit")]
    assert question.corrected == "what is EasyEdit?"


@pytest.mark.parametrize(("text", "names", "topic"), [
    ("what should a PhD student read about GPT-J?", ["GPT-J"], ()),
    ("for my MSc thesis: papers on pruning", [], ("pruning",)),
    ("My boss at IBM wants papers on hallucination", [], ("hallucination",)),
    ("explain LoRA to my grandmother", ["LoRA"], ()),
    ("Explain MEMIT to me like I'm five", ["MEMIT"], ()),
])
def test_for_whom_it_is_asked_is_neither_name_nor_topic(
    text: str, names: list[str], topic: tuple[str, ...], assistant: Assistant
) -> None:
    question = assistant.understand(text)

    assert ([name.surface for name in question.names], question.topic) == (names, topic)
    assert not assistant.ask(text).abstained


@pytest.mark.parametrize("name", [
    "QLoRA", "qlora", "Mixtrel", "GPT-NeoZ", "EasyEditX", "MEMITO", "xEasyEdit", "LoRAM", "MIMET", "Spectran",
])
def test_a_name_with_another_letter_is_another_name(name: str, assistant: Assistant) -> None:
    question = assistant.understand(f"what is {name}?")

    assert [found.meant for found in question.names if found.meant] == []
    assert question.corrected == f"what is {name}?"


def test_a_name_like_known_ones_is_refused_with_those(assistant: Assistant) -> None:
    reason = assistant.ask("what is QLoRA?").reason

    assert reason == "no paper of the collection mentions “QLoRA” (similar names: LoRA)"


@pytest.mark.parametrize(("typed", "name"), [
    ("EasyEdti", "EasyEdit"), ("EsayEdit", "EasyEdit"), ("EasyyEdit", "EasyEdit"), ("easyedt", "EasyEdit"),
    ("MEMTI", "MEMIT"), ("memmit", "MEMIT"), ("lama2", "Llama2"), ("Sabia", "Sabiá"), ("Mistal", "Mistral"),
])
def test_a_letter_swapped_doubled_or_left_out_is_put_right(typed: str, name: str, assistant: Assistant) -> None:
    assert [found.meant for found in assistant.understand(f"what is {typed}?").names] == [name]


def test_no_name_of_the_collection_would_be_taken_for_another(assistant: Assistant) -> None:
    store = assistant.collection.store
    taken = {
        store.surface(other) for key in store.names_from("") for other in store.names_like(key)
        if key.removesuffix("s") != other.removesuffix("s")  # a plural is the same name
        and is_mistyped(key, store.surface(key), other, store.surface(other))
    }

    assert taken == {
        "LLMs-Adapters", "Lawyer", "Modeling", "Modelling", "Parameters-Efficient",
    }  # spellings of one, or words of the language, which never count as typed wrong


@pytest.mark.parametrize(("text", "slips"), [
    ("how does retreival help languges?", [("retreival", "retrieval"), ("languges", "languages")]),
    ("a hobbyist network", []),  # a word of the language that no paper has is no slip
    ("do statins help reflux?", []),  # nor is one a letter from another word: stating, reflex
    ("mortalty of the modle", [("modle", "model")]),
])
def test_a_word_typed_wrong_is_put_right_by_the_words_of_the_collection(
    text: str, slips: list[tuple[str, str]], assistant: Assistant
) -> None:
    assert list(assistant.understand(text).slips) == slips


@pytest.mark.parametrize(("text", "excluded", "topic"), [
    ("All papers mentioning GPT-J, but not the ones about model editing or about code.",
     [("model", "editing"), ("code",)], ()),
    ("which papers on speech other than SpeechT5?", [()], ("speech",)),
    ("papers that mention LLaMA and not GPT-4", [()], ()),
    ("papers that mention GPT-2 without GPT-J", [()], ()),
    ("methods that edit LLMs but do not mention GPT-J", [()], ("edit", "llms")),
    ("speech recognition, nothing medical", [("medical",)], ("speech", "recognition")),
    ("instruction tuning; no surveys please", [("surveys",)], ("instruction", "tuning")),
    ("knowledge graphs, leaving medicine aside", [("medicine",)], ("knowledge", "graphs")),
    ("hate speech, but skip all that mention GPT-4", [()], ("hate", "speech")),
    ("model merging (not just averaging)", [], ("model", "merging", "averaging")),
    ("which papers don't use LLaMA or GPT-4 for speech?", [(), ()], ("speech",)),
    ("which medical papers don't mention LLaMA, GPT-4 or ChatGPT?", [(), (), ()], ("medical",)),
    ("which papers introduce no new dataset?", [("new", "dataset")], ()),
    ("which methods do not require fine-tuning?", [], ("fine", "tuning", "free")),
    ("is there no paper on speech?", [], ("speech",)),
])
def test_exclusions_are_taken_out_of_the_question(
    text: str, excluded: list[tuple[str, ...]], topic: tuple[str, ...], assistant: Assistant
) -> None:
    question = assistant.understand(text)

    assert [exclusion.topic for exclusion in question.exclusions] == excluded
    assert question.topic == topic


def test_every_decision_is_in_the_trace_with_its_chance(assistant: Assistant) -> None:
    trace = assistant.understand("which papers on speech mention GPT-J, apart from reviews?").trace

    assert [re.sub(r"\d\.\d\d", "0.00", line) for line in trace] == [
        "kind: list (form: list 0.00)", "name 'GPT-J': known (0.00 a name here)", "must mention: GPT-J",
        "excluding: reviews", "topic: speech",
    ]


def test_a_question_longer_than_the_models_window_is_read_by_its_beginning(assistant: Assistant) -> None:
    question = assistant.understand("which papers mention GPT-J? " + "and so on " * 900)

    assert question.kind == "list"
    assert [name.key for name in question.hard] == ["gptj"]


@pytest.mark.parametrize(("text", "asked"), [
    ("who are the authors of Spectron?", True), ("authors of Spectron", True), ("list the authors of DARE", True),
    ("which authors wrote about MEMIT?", True), ("who wrote the MEMIT paper?", True),
    ("Why did the authors of Spectron abandon spectrograms?", False),
    ("what limits do the authors of the DARE paper admit?", False),
    ("which tasks do the authors of AlphaEdit choose?", False),
])
def test_authors_are_asked_for_and_not_only_spoken_of(text: str, asked: bool, assistant: Assistant) -> None:
    assert assistant.understand(text).wants_metadata == asked
