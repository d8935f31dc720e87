"""What a cleaned abstract reads like."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.clean import clean_abstract, clean_title, normalise, paper_id
from ingest.parse import read_records

SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))


@pytest.mark.parametrize(("raw", "clean"), [
    (r"by 49\% and R\&D in \#1 a\_b \$5", "by 49% and R&D in #1 a_b $5"),
    (r"introduce \textit{DataTune}, to", "introduce DataTune, to"),
    (r"\textbf{E2URec}, \textit{\underline{E}ffective \underline{U}nlearning} for LLM\underline{Rec}.",
     "E2URec, Effective Unlearning for LLMRec."),
    (r"360{\deg} views, 90\degree, $5^\circ$", "360° views, 90°, 5^°"),
    (r"correction, \ie, the model (\eg text) \etal.", "correction, i.e., the model (e.g. text) et al."),
    (r"(e.g.\ relying on", "(e.g. relying on"),
    (r"Sabi\'a-65B, na\"{\i}ve, Fran\c{c}ois, Erd\H{o}s, \v{S}koda, \~n, Stra\ss{}e, {\o}",
     "Sabiá-65B, naïve, François, Erdős, Škoda, ñ, Straße, ø"),
    ("the $K$ highest, $\\alpha \\leq 0.5$ and $O(n^{2})$", "the K highest, α ≤ 0.5 and O(n^2)"),
    ("costs $5 and $10, or US$5-$10", "costs $5 and $10, or US$5-$10"),
    ("models~(LMs), Table~3, 10~GB, ~90%, (~5), 5~10", "models (LMs), Table 3, 10 GB, ~90%, (~5), 5~10"),
    ("at http://a.edu/~me/x--y", "at http://a.edu/~me/x--y"),
    ("tasks {BoolQ, SST2} with {directional feedback}", "tasks {BoolQ, SST2} with directional feedback"),
    ("interval {CI} of T = {x}, {B}ERT {}", "interval {CI} of T = {x}, BERT"),
    ("ReST^{EM} and C^2-Eval, BERT_BASE", "ReST^EM and C^2-Eval, BERT_BASE"),
    ("6times to 8times, 2.7times more, ten times, sometimes", "6× to 8×, 2.7× more, ten times, sometimes"),
    ("EnglishrightarrowGerman, enrightarrowde, brightarrow", "English→German, en→de, brightarrow"),
    ("80--86\\% and 10B--40B, 5--6 -- ok, a--which, --flag", "80–86% and 10B–40B, 5–6 – ok, a—which, --flag"),
    (r"at \url{//github.com/a/E2}.", "at https://github.com/a/E2."),
    ("at: //github.com/a/b.", "at: https://github.com/a/b."),
    ("(//x.github.io/y/z) and https://a.b//c", "(https://x.github.io/y/z) and https://a.b//c"),
    ("released in github.com/lt-asset/selp.", "released in https://github.com/lt-asset/selp."),
    ("mail me@github.com/x and/or www.a.org.", "mail me@github.com/x and/or www.a.org."),
    ("see https://youtu.be/4Zd{Youtube}. At https://g.co/x{this https URL}.",
     "see https://youtu.be/4Zd (Youtube). At https://g.co/x."),
    (r"\href{https://a.org/x}{our page}", "our page (https://a.org/x)"),
    ("NLG fields.First, existing; 367.5M.The models; done.(https://a.co/b)",
     "NLG fields. First, existing; 367.5M. The models; done. (https://a.co/b)"),
    ("Node.js, torch.Tensor is, e.g.The one, a.The, x.com/First.The end",
     "Node.js, torch.Tensor is, e.g.The one, a.The, x.com/First.The end"),
    ("the ``No Code'' way, `cross-modal' and \"prompt'' but don't `code`",
     "the \"No Code\" way, 'cross-modal' and \"prompt\" but don't `code`"),
    ("GPT- J, zero- and few-shot, in- A", "GPT-J, zero- and few-shot, in- A"),
    ("a\u00a0b\u2028c\td \n e\x00f\u200bg\x1b[0m\u202eh", "a b c d efg[0mh"),
    ("Sabia\u0301 \ud800", "Sabiá \ufffd"),
    ("A &amp; B &lt; 5 &#39;x&#39; H<sub>2</sub>O <EOS> p<0.05", "A & B < 5 'x' H2O <EOS> p<0.05"),
    (r"works \cite{x,y} well~\citep[p.~3]{z}. A \\ b, \frac{1}{2}", "works well. A b, 1/2"),
])
def test_residue_becomes_what_the_paper_prints(raw: str, clean: str) -> None:
    assert clean_abstract(raw) == clean
    assert clean_abstract(clean) == clean


@pytest.mark.parametrize(("title", "clean"), [
    ("Transformer^2: Self-adaptive LLMs", "We introduce Transformer^2, a framework. Transformer^2 wins."),
    ("Models Can Self-Improve", "We introduce our method, a framework. Our method wins."),
    ("Scaling: A Study", "We introduce our method, a framework. Our method wins."),
    (None, "We introduce our method, a framework. Our method wins."),
])
def test_a_placeholder_gets_its_name_from_a_title_that_tells_it(title: str | None, clean: str) -> None:
    assert clean_abstract(r"We introduce \implname, a framework. \ours\xspace{} wins.", title) == clean


def test_an_unknown_command_stays_as_a_word() -> None:
    assert clean_abstract(r"We train \redco on \foo{TPUs}.") == "We train redco on TPUs."
    assert clean_abstract(r"We train \redco.", "RedCo: Easy Training") == "We train RedCo."


def test_a_title_is_one_clean_line() -> None:
    assert clean_title("Bit Cipher --  A\nSimple $K$-Means") == "Bit Cipher – A Simple K-Means"


def test_the_seeds_have_no_residue_left() -> None:
    left = re.compile(r"\\|rightarrow|\{\\|Subscribe|(?<!:)//|``|\$|  |~\(|\dtimes|--|[a-z]\.[A-Z][a-z]+,")
    records = [record for seed in SEEDS for record in read_records(seed).records]

    cleaned = [(clean_abstract(record.text, record.title), clean_title(record.title or ""))
               for record in records]

    assert len(cleaned) == 334
    assert [(text, title) for text, title in cleaned if left.search(text) or left.search(title)] == []
    assert sum("https://github.com/" in text for text, _ in cleaned) == 64
    changed = [record for record, (text, _) in zip(records, cleaned, strict=True) if text != record.text]
    assert len(changed) == 56


def test_normalised_texts_have_letters_and_digits_only() -> None:
    assert normalise("GPT-J’s ﬁrst “Straße”: ８.5 %!") == "gptjsfirststrasse85"


def test_an_id_is_the_same_in_every_process_and_blind_to_punctuation() -> None:
    assert paper_id("GPT-J, again.") == "4fa0e7dcb8b91bc9af53"
    assert paper_id("gpt j AGAIN") == paper_id("GPT-J, again.")


RESIDUE = st.sampled_from([
    "\\", "{", "}", "$", "~", "^", "_", "--", "``", "''", "`", "'", '"', "//", "github.com/", "http:", "times",
    "6", "rightarrow", "En", ".", "The ", " ", "&", "amp;", "<", "p>", "\\ours", "\\textit{", "\\'", "a",
    "\\url{", "\\ie", "{this https URL}", "\\href{", "\u200b", "\u0301", "(", ")", "- ", "\\cite{", "%",
    "x@y.com", "www.a.b", "\n", "İ"])


@given(st.lists(st.one_of(RESIDUE, st.text(max_size=3)), max_size=14).map("".join),
       st.sampled_from([None, "Redco: A Tool", r"\ours2: A Loop"]))
@example("{" * 60 + "a" + "}" * 60, None)
def test_cleaning_twice_is_cleaning_once(raw: str, title: str | None) -> None:
    once = clean_abstract(raw, title)

    assert clean_abstract(once, title) == once
    assert clean_abstract(once) == once
    assert "\\" not in once
