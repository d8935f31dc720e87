"""Comparisons and questions over several papers: which sides they have, and whose words answer each."""

from __future__ import annotations

import pytest

from assistant import Assistant
from assistant.answering.compare import comparison, figures_of


def places(assistant: Assistant, question: str) -> set[str]:
    """FILE:LINE, the file by its first three letters, of every place the cited papers were read at."""
    return {f"{source.file[:3]}:{source.line}" for cited in assistant.ask(question).citations
            for source in cited.sources}


@pytest.mark.parametrize(("question", "wanted"), [
    # names, joined in one way or another
    ("compare LoRAMoE and Mixture-of-LoRAs", ["002:226", "002:62"]),
    ("MEMIT vs MALMEN for editing lots of facts", ["001:18", "001:14"]),
    ("tallrec and lc-rec - what problem does each one try to fix in LLM recommenders?", ["002:40", "002:364"]),
    ("how do NL2TL and SELP use temporal logic?", ["003:131", "002:254"]),
    ("How did LexGPT, Lawyer LLaMA and Phi-2-Legal each get their legal knowledge?", ["001:24", "002:178", "002:422"]),
    # a name and a description
    ("role of the weak model in Superfiltering as opposed to Meta Ranking?", ["002:410", "002:396"]),
    ("JMedLoRA and the 70B Japanese medical QA study: what does each one say?", ["002:18", "002:230"]),
    # descriptions only
    ("GPU memory savings: ladder side-tuning versus tuning only LayerNorm", ["003:227", "002:330"]),
    ("In which studies did bigger language models turn out worse, once for truthfulness and once for resisting "
     "poisoned instruction data?", ["001:74", "002:234"]),
])
def test_the_paper_of_each_side_is_cited(question: str, wanted: list[str], assistant: Assistant) -> None:
    assert set(wanted) <= places(assistant, question)


@pytest.mark.parametrize("question", [
    "what is Redco?", "which methods edit GPT-J?", "how much memory and time does Primer save?",
    "Does MALMEN edit facts in both BERT and GPT-2?", "contact-center LLMs vs out-of-the-box LLMs, acceptability",
    "what r the two stages of adaptor tuning in MixDA", "papers about retrieval and generation",
])
def test_a_question_about_one_thing_is_not_cut(question: str, assistant: Assistant) -> None:
    understood = assistant.understand(question)

    assert assistant.collection.read(lambda: comparison(assistant.retriever(), understood)) is None


def test_each_side_has_a_paragraph_and_a_row_with_its_figures(assistant: Assistant) -> None:
    answer = assistant.ask("how strongly do DeltaZip and BitDelta compress the weight deltas, and what do they save?")

    assert [row.label for row in answer.table] == ["DeltaZip", "BitDelta"]
    assert [line.split(":")[0] for line in answer.text.split("\n")] == ["DeltaZip", "BitDelta"]
    cited = {found.mark: found for found in answer.citations}
    for row in answer.table:
        quotes = [cited[mark].quote for mark in row.marks]
        assert {cited[mark].paper_id for mark in row.marks} == {row.paper_id}
        assert all(any(figure in quote for quote in quotes) for figure in row.figures)
    assert any(row.figures for row in answer.table)


def test_one_unknown_side_is_said_and_the_other_given(assistant: Assistant) -> None:
    answer = assistant.ask("ZephyrEdit vs MEMIT - which edits more facts?")

    assert answer.abstained and answer.citations == ()
    assert answer.reason == "no paper of the collection mentions “ZephyrEdit”"
    assert "Of MEMIT it says: “" in answer.text
    assert answer.nearest[0].quote in answer.text


def test_two_names_of_one_paper_make_no_comparison_of_papers(assistant: Assistant) -> None:
    understood = assistant.understand("what are UMWP and MWP?")

    found = assistant.collection.read(lambda: comparison(assistant.retriever(), understood))
    assert found is None or len({side.paper_id for side in found.sides}) == len(found.sides)


@pytest.mark.parametrize(("sentence", "figures"), [
    ("It saves 27% of memory.", ["27%"]),
    ("From 1.5 GB to 0.3 GB on 3 GPUs.", ["1.5 GB", "0.3 GB", "3 GPUs"]),
    ("We train GPT-2 and T5 on 5,200 questions.", ["5,200"]),
    ("No number at all.", []),
])
def test_figures_are_numbers_with_their_units_and_not_parts_of_names(sentence: str, figures: list[str]) -> None:
    assert figures_of(sentence) == figures
