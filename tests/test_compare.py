"""Comparisons and questions over several papers: which sides they have, and whose words answer each."""

from __future__ import annotations

import pytest

from assistant import Assistant, Filters
from assistant.answering import own_names
from assistant.answering.compare import comparison, figures_of, ranked
from assistant.answering.cuts import cuts


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
    ("What memory saving do the ladder network approach and the low-memory optimizer report?", ["003:227", "002:88"]),
    ("Which benchmark was used for the visual cropping work, and which for vision-and-language PET?",
     ["003:179", "003:231"]),
    ("steering vectors from prompt pairs vs. null-space editing: which needs extra training?", ["001:8", "001:68"]),
    # names that no word joins
    ("how is ActAdd different from model editing with MALMEN", ["001:8", "001:14"]),
    ("Keyformer reduces what, and what does TCRA-LLM reduce?", ["001:26", "003:79"]),
    ("What changed from Reflection-Tuning to Selective Reflection-Tuning?", ["002:94", "002:140"]),
    # a description after names
    ("LoBaSS vs. DELIFT vs. the 0.5% data paper: how much data do I need?", ["002:408", "002:442", "002:158"]),
])
def test_the_paper_of_each_side_is_cited(question: str, wanted: list[str], assistant: Assistant) -> None:
    assert set(wanted) <= places(assistant, question)


@pytest.mark.parametrize("question", [
    "what is Redco?", "which methods edit GPT-J?", "how much memory and time does Primer save?",
    "Does MALMEN edit facts in both BERT and GPT-2?", "contact-center LLMs vs out-of-the-box LLMs, acceptability",
    "what r the two stages of adaptor tuning in MixDA", "papers about retrieval and generation",
    "Does CodeRanker have to execute the sampled programs to judge them?",
    "polyglot models seem to know a fact in one tongue but not in another. what cure helped?",
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


@pytest.mark.parametrize("question", [
    "How do llamas and alpacas differ in temperament?", "difference between alligators and crocodiles",
])
def test_things_described_that_no_paper_treats_are_not_compared(question: str, assistant: Assistant) -> None:
    assert assistant.ask(question).abstained


def test_a_part_begins_where_it_is_like_the_other(assistant: Assistant) -> None:
    text = "What memory saving do the ladder network approach and the low-memory optimizer report?"
    understood, retriever = assistant.understand(text), assistant.retriever()

    found = assistant.collection.read(lambda: [
        cut for cut in cuts(ranked(retriever, understood, text, []), text, [], understood.comparing)
        if cut.features.alike
    ])

    assert [side.label for side in found[0].sides] == [
        "the ladder network approach", "the low-memory optimizer report"
    ]


def test_no_other_paper_stands_for_one_that_a_filter_leaves_out(assistant: Assistant) -> None:
    answer = assistant.ask("how do Primer and Redco differ?", filters=Filters(sources=("001*",)))

    assert answer.abstained and answer.reason == "the paper that comes nearest does not mention Primer"


def test_the_owner_of_a_name_that_many_mention_is_sought_among_the_papers_that_pass(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_names, "MAX_PAPERS_WITH_NAME", 1)  # RLHF and MEMIT have more
    everywhere, among = assistant.retriever(), assistant.retriever(within=frozenset(assistant.with_name("EasyEdit")))

    for name in ("MEMIT", "ROME"):
        assert own_names.own_paper(everywhere, name) is not None
        assert own_names.own_paper(among, name) is None


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


@pytest.mark.parametrize("question", [
    "which editing methods are there besides MEMIT and MALMEN?", "speech papers except SpeechT5 and Spectron",
    "list editing methods, but not MEMIT or ROME",
])
def test_what_is_excluded_is_no_side(question: str, assistant: Assistant) -> None:
    answer = assistant.ask(question)
    excluded = {name for part in assistant.understand(question).exclusions for name in (n.label for n in part.names)}

    assert len(excluded) == 2
    assert (bool(answer.items), answer.table) == (True, ())
    assert excluded.isdisjoint(item.name for item in answer.items)


@pytest.mark.parametrize(("question", "sides"), [
    ("is AlphaEdit slower than MEMIT?", ["AlphaEdit", "MEMIT"]),
    ("what is LoRAMoE and how is it different from Mixture-of-LoRAs?", ["LoRAMoE", "Mixture-of-LoRAs"]),
    ("What speedup does E-LANG report and what does BiTA report?", ["E-LANG", "BiTA"]),
])
def test_what_is_said_of_a_side_is_no_side_itself(question: str, sides: list[str], assistant: Assistant) -> None:
    assert [side.label for side in assistant.ask(question).table] == sides


@pytest.mark.parametrize(("question", "papers"), [
    ("how many papers use both GPT-J and GPT-2?", 7),
    ("which papers mention both MEMIT and ROME?", 0),
])
def test_papers_with_two_names_are_listed_and_not_compared(question: str, papers: int, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert (answer.kind in ("list", "count"), answer.matched, answer.abstained) == (True, papers, False)
