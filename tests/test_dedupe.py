"""Which abstracts are the same work."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assistant.records import Paper
from ingest.clean import clean_abstract, paper_id
from ingest.dedupe import bands, group, representative, same_work, shingles, signature
from ingest.parse import read_records

ROOT = Path(__file__).parent.parent
SEEDS = sorted((ROOT / "seeds").glob("*.txt"))
RECORDS = [record for seed in SEEDS for record in read_records(seed).records]
ABSTRACTS = [clean_abstract(record.text, record.title) for record in RECORDS]
PLACES = [(record.source.file[:3], record.source.line) for record in RECORDS]

TEMPLATE = (
    "This paper describes the system that team {team} submitted to {task}. The task asks to label short "
    "texts in low-resource languages. Our system, {name}, is a {model} encoder that was trained further on "
    "unlabelled texts of the target languages and then fine-tuned with adapters. We compare it with a "
    "baseline without further training and examine which languages gain. {name} reaches an F1 score of "
    "{score} on the test set and ranks {rank} among all teams. We release {name} and our scripts to help "
    "further research.")
SYSTEM_A = TEMPLATE.format(team="Lynx", task="SemEval-2023 Task 12", name="AfriLynx", model="XLM-R", score="71.3",
                           rank="4th")
SYSTEM_B = TEMPLATE.format(team="Heron", task="IberLEF-2024", name="HeronNet", model="mDeBERTa", score="64.9",
                           rank="11th")


def candidates(a: str, b: str) -> bool:
    return not set(bands(signature(a))).isdisjoint(bands(signature(b)))


def with_changed_words(text: str, share: float, random_source: random.Random) -> str:
    words = text.split()
    for place in random_source.sample(range(len(words)), int(share * len(words))):
        words[place] = random_source.choice(ABSTRACTS).split()[place % 50]
    return " ".join(words)


def test_the_seeds_hold_326_works_20_of_them_untitled() -> None:
    works = group(ABSTRACTS)

    assert len(RECORDS) == 334
    assert len({paper_id(abstract) for abstract in ABSTRACTS}) == 327
    assert len(works) == 326
    assert sum(all(RECORDS[i].title is None for i in work) for work in works) == 20
    assert [tuple(PLACES[i] for i in work) for work in works if len(work) > 1] == [
        (("000", 11), ("004", 11)), (("001", 16), ("002", 444)), (("001", 22), ("002", 336)),
        (("001", 48), ("002", 360)), (("001", 60), ("003", 159)), (("001", 64), ("002", 160)),
        (("002", 28), ("003", 55)), (("002", 436), ("004", 9))]


def test_only_the_repeats_of_the_seeds_become_candidates() -> None:
    seen: dict[int, int] = {}
    pairs = set()
    for i, abstract in enumerate(ABSTRACTS):
        pairs |= {(seen.setdefault(key, i), i) for key in bands(signature(abstract))} - {(i, i)}

    assert len(pairs) == 8


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_an_abstract_with_a_few_words_changed_is_the_same_work(share: float) -> None:
    random_source = random.Random(7)

    for abstract in ABSTRACTS[::3]:
        changed = with_changed_words(abstract, share, random_source)
        assert candidates(abstract, changed)
        assert same_work(abstract, changed) and same_work(changed, abstract)


def test_an_abstract_that_lost_or_gained_a_sentence_is_the_same_work() -> None:
    for abstract in ABSTRACTS[::3]:
        shorter = abstract[:abstract.rindex(". ", 0, -60) + 1]
        if len(shorter) > 0.7 * len(abstract):
            assert candidates(abstract, shorter)
            assert same_work(abstract, shorter)


def test_a_revision_may_update_its_results() -> None:
    revised = SYSTEM_A.replace("71.3", "73.8").replace("4th", "2nd").replace("low-resource", "under-resourced")

    assert same_work(SYSTEM_A, revised)


def test_two_papers_written_from_one_template_are_two_works() -> None:
    assert not same_work(SYSTEM_A, SYSTEM_B)
    assert not same_work(SYSTEM_A, SYSTEM_A.replace("AfriLynx", "HeronNet"))
    assert len(group([SYSTEM_A, SYSTEM_B])) == 2


def test_two_papers_with_one_opening_are_two_works() -> None:
    opening = " ".join(SYSTEM_A.split()[:20])

    assert not same_work(f"{opening} {ABSTRACTS[3]}", f"{opening} {ABSTRACTS[8]}")


def test_no_two_different_papers_of_the_seeds_are_one_work() -> None:
    works = [ABSTRACTS[work[0]] for work in group(ABSTRACTS)]

    assert not any(same_work(a, b) for i, a in enumerate(works) for b in works[i + 1:i + 25])


def test_versions_of_versions_are_one_work_in_whatever_order() -> None:
    words = ABSTRACTS[0].split()
    versions = [" ".join(words), " ".join([*words[:150], *ABSTRACTS[5].split()[:40]]),
                " ".join(words[:150])]

    assert group(versions) == group(versions[::-1]) == ((0, 1, 2),)


def test_a_signature_estimates_the_share_of_common_shingles() -> None:
    a, b = (ABSTRACTS[PLACES.index(place)] for place in (("002", 436), ("004", 9)))
    first, second = shingles(a), shingles(b)
    exact = len(np.intersect1d(first, second)) / len(np.union1d(first, second))

    assert exact == pytest.approx(0.52, abs=0.01)
    assert np.mean(signature(a) == signature(b)) == pytest.approx(exact, abs=0.15)


def test_keys_are_the_same_in_every_process() -> None:
    code = "from ingest.dedupe import bands, signature; print(bands(signature('We edit GPT-J in a second.')))"

    outputs = {subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed},
                              capture_output=True, text=True, check=True).stdout for seed in ("1", "2")}

    assert outputs == {f"{bands(signature('we edit gpt j, in a second'))}\n"}
    keys = bands(signature("We edit GPT-J in a second."))
    assert len(keys) == 32
    assert all(-2**63 <= key < 2**63 for key in keys)
    assert keys[0] == 5319344540688764170


@pytest.mark.parametrize("text", ["", "one", "one two", "語の間に空白がない文です。", "…"])
def test_the_shortest_texts_have_a_signature(text: str) -> None:
    assert signature(text).shape == (96,)
    assert same_work(text, text)


def test_the_titled_then_longest_then_smallest_id_represents_a_work() -> None:
    untitled = Paper("0", None, "The longest abstract of all.", "")
    short = Paper("1", "T", "Short.", "")
    first, second = Paper("2", "T", "Longer.", ""), Paper("3", "U", "Longer!", "")

    assert representative([untitled, short, second, first]) is first
    assert representative([untitled]) is untitled
    with pytest.raises(ValueError, match="at least one"):
        representative([])
