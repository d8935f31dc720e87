"""Names are terms: which spellings are one, which are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from papers import ABSTRACTS, Home, write_lines

from assistant.text.names import (
    abbreviations,
    families,
    find_names,
    name_key,
    names_of,
    one_edit_apart,
    writes_apart,
)


@pytest.mark.parametrize(("spellings", "key"), [
    (("GPT-J", "GPTJ", "gpt-j", "GPT- J", "GPT-J-6B", "GPT-J (6B)", "GPT-J-Chat"), "gptj"),
    (("Llama 2", "LLaMA-2", "Llama2", "llama-2-70b", "Llama-2-7B-Chat", "LLaMA-V2"), "llama2"),
    (("T5", "T5-base", "T5-XXL", "T5-11B", "t5-large"), "t5"),
    (("Llama 3.1", "Llama-3.1-8B-Instruct"), "llama3.1"),
    (("GPT-3.5", "gpt-3.5-turbo", "GPT-3.5-Turbo", "GPT3.5"), "gpt3.5"),
    (("LLMs", "LLM"), "llm"),
])
def test_spellings_of_one_name_have_one_key(spellings: tuple[str, ...], key: str) -> None:
    assert {name_key(spelling) for spelling in spellings} == {key}


@pytest.mark.parametrize(("one", "other"), [
    ("T5", "mT5"), ("T5", "Flan-T5"), ("GPT-J", "GPT-2"), ("GPT-3", "GPT-3.5"), ("FlashAttention", "FlashAttention-2"),
    ("Primer", "TurboPrimer"), ("LoRA", "QLoRA"), ("Mixture-of-LoRAs", "LoRAMoE"),
])
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize(("text", "keys"), [
    ("We edit GPT- J and GPT-NeoX-20B, not T5-based ones.", ["gptj", "gptneox", "t5"]),
    ("Results on GPT-Neo/J and BERT/RoBERTa.", ["gptneo", "gptj", "bert", "roberta"]),
    ("A 3-shot prompt with 10% of 20th-century data in 3D.", []),
    ("We tune Llama 2 (70B) and Mistral.", ["llama", "llama2", "mistral"]),
    ("The model is large. It learns.", []),
    ("A Llama 2-based and a Llama 3-8B-Instruct model, but LLaMA 5-shot.", [
        "llama", "llama2", "llama", "llama3", "llama",
    ]),
])
def test_names_are_found_by_their_shape(text: str, keys: list[str]) -> None:
    assert [name.key for name in find_names(text)] == keys


def test_a_mention_says_where_it_stands() -> None:
    text = "Sabiá beats GPT-J."

    found = [(text[name.start:name.end], name.key) for name in find_names(text)]

    assert found == [("GPT-J", "gptj")]


def test_in_a_title_only_what_stands_before_the_colon_is_a_name_by_its_capital() -> None:
    assert set(names_of("Redco: A Lightweight Tool for GPT-J", "We present it.")) == {"redco", "gptj"}
    assert set(names_of("A Lightweight Tool", "We present it.")) == set()


def test_an_unversioned_name_is_the_family_of_the_versioned() -> None:
    assert families("llama2") == ("llama",)
    assert families("t5") == families("gptj") == ()


def test_abbreviations_are_read_off_their_expansions() -> None:
    text = "Low-Rank Adaptation (LoRA) of large language models (LLMs), see (Brown et al., 2020) and (iv). "
    text += "We use in-context knowledge editing (IKE), a mixture of experts (MoE) and the rest (XYZ)."

    assert list(abbreviations(text)) == [
        ("lora", "low-rank adaptation"), ("llm", "large language models"), ("ike", "in-context knowledge editing"),
        ("moe", "mixture of experts"),
    ]


def test_an_abbreviation_is_read_before_its_expansion_too_and_within_one_phrase() -> None:
    text = "LoRA (low-rank adaptation) and “chain-of-thought” (CoT) in multi-modal large language models (MLLMs). "
    text += "Machine learning systems (MLSys), IR (IR), a b (EN-RW), and English-to-Spanish (EN-ES)."

    assert set(abbreviations(text)) == {
        ("lora", "low-rank adaptation"), ("cot", "chain-of-thought"), ("mllm", "multi-modal large language models"),
        ("mlsys", "machine learning systems"),
    }


@pytest.mark.parametrize(("text", "expected"), [
    ("We tune Flan T5 XXL.", True), ("We tune Flan T5-XXL.", True), ("We tune mini-Flan T5.", False),
    ("The flan t5.", False), ("Flan T5x", False), ("Flan and T5.", False), ("A Flan T5-based one", True),
    ("Flan T5-Lab", False), ("It is Flan T5.", True),
])
def test_a_hyphenated_name_is_known_with_a_space(text: str, expected: bool) -> None:
    assert writes_apart(text, "Flan T5", "flant5") is expected


def test_papers_are_found_by_a_name_in_any_writing_and_by_what_it_is_short_for(home: Home, tmp_path: Path) -> None:
    padding = [*ABSTRACTS, *(" ".join(reversed(abstract.split())) for abstract in ABSTRACTS)]
    lines = [
        "We tune Flan-T5 by low-rank adaptation (LoRA) on tables.", "On charts we tune Flan T5 with the others' LoRA.",
        "A T5 on maps, by low-rank adaptations.", "For poems a lattice of rank adaptation (LRA) is used.",
        "Sparse fine-tuning (SFT) of DeepSpeed works.", "Supervised fine-tuning (SFT) with Deep Speed works.",
        "Supervised fine-tuning (SFT) at deep speed works too.", "Sparse fine-tuning alone is slower by far.",
    ]
    home.ingest(write_lines(tmp_path / "a.txt", [f"{line} {rest}" for line, rest in zip(lines, padding, strict=False)]))

    with home.open() as collection:
        line_of = {
            paper: entry.paper.sources[0].line
            for paper, entry in collection.store.entries(collection.store.paper_ids()).items()
        }
        found = {
            name: sorted(line_of[paper] for paper in collection.with_name(name_key(name)))
            for name in ("Flan-T5", "lora", "low-rank adaptation", "Deepspeed", "SFT")
        }

    assert found == {
        "Flan-T5": [1, 2], "lora": [1, 2, 3], "low-rank adaptation": [1, 2, 3], "Deepspeed": [5, 6],
        "SFT": [5, 6, 7],  # and not 8: most papers mean something else
    }


@pytest.mark.parametrize(("asked", "known", "expected"), [
    ("mistal", "mistral", True), ("memti", "memit", True), ("easyedits", "easyedit", True), ("gpt3", "gpt4", False),
    ("llama2", "llama3", False), ("primer", "primer", False), ("bert", "bart", True), ("t5", "mt5", True),
])
def test_slips_are_one_letter_and_never_a_digit(asked: str, known: str, expected: bool) -> None:
    assert one_edit_apart(asked, known) is expected
    assert one_edit_apart(known, asked) is expected
