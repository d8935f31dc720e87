"""Files into an index, again and again, whatever has happened to the files or the index in between."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from papers import ABSTRACTS, TITLES, Home, write_lines, write_titled

from assistant.api import Assistant
from assistant.embedding.embedder import Embedder
from assistant.errors import DamagedPart, MisuseError, StorageError
from assistant.index.collection import Collection
from assistant.index.sqlite import NO_PAPERS
from ingest.clean import paper_id
from ingest.opening import SHIPPED_BASES, locked
from ingest.pipeline import ingest, rebuild, remove
from ingest.verify import verify

ROOT = Path(__file__).resolve().parent.parent
IDS = tuple(paper_id(text) for text in ABSTRACTS)

# ABSTRACTS[2] as revised: longer, hence the one that represents both.
REVISED = ABSTRACTS[2] + " Code and questions are released with the paper."


def counts(report: object) -> tuple[int, ...]:
    return tuple(getattr(report, name) for name in ("added", "updated", "unchanged", "merged", "removed", "embedded"))


def contents(home: Home) -> dict[str, object]:
    """Every file's hash; of Chroma, which writes to its files whenever they are opened, the ids and vectors."""
    with home.open() as collection:
        vectors = collection.vectors.vectors(sorted(collection.vectors.ids()))
    files = (path for path in home.index.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    hashes = {
        str(path.relative_to(home.index)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files if home.index / "chroma" not in path.parents
    }
    return {**hashes, **{chunk: vector.tobytes() for chunk, vector in vectors.items()}}


# -- the seeds


def test_the_seeds_give_326_papers_from_334_records(seeds_home: Path) -> None:
    report = json.loads((seeds_home / "report.json").read_text())

    assert (report["files"], report["read"], report["added"], report["merged"]) == (5, 334, 326, 8)
    assert (report["papers"], report["untitled"], report["embedded"], report["skipped"]) == (326, 20, 326, [])


def test_a_second_ingest_of_the_seeds_writes_and_embeds_nothing(seeds_home: Path, embedder: Embedder) -> None:
    home = Home(seeds_home, embedder)
    before, generation = contents(home), home.generation()

    report = ingest([ROOT / "seeds"], home.settings, embedder)

    assert counts(report) == (0, 0, 334, 0, 0, 0)
    assert contents(home) == before
    assert home.generation() == generation


def test_the_default_model_comes_with_a_basis(embedder: Embedder) -> None:
    assert (SHIPPED_BASES / f"{embedder.model}.npz").exists()


# -- files that change


def test_a_changed_line_is_one_update(home: Home, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.txt", ABSTRACTS[:3])
    home.ingest(file)
    changed = ABSTRACTS[4]
    write_lines(file, [ABSTRACTS[0], changed, ABSTRACTS[2]])

    report = home.ingest(file)

    assert counts(report) == (0, 1, 2, 0, 0, 1)
    assert sorted(home.state()) == sorted([IDS[0], IDS[4], IDS[2]])
    assert_forgotten(home, IDS[1], "Foldaway")


def test_a_line_inserted_at_the_top_moves_the_others_and_embeds_only_itself(home: Home, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.txt", ABSTRACTS[:2])
    home.ingest(file)
    write_lines(file, [ABSTRACTS[2], *ABSTRACTS[:2]])

    report = home.ingest(file)

    assert counts(report) == (1, 0, 2, 0, 0, 1)
    assert lines_of(home) == {IDS[2]: [("a.txt", 1)], IDS[0]: [("a.txt", 2)], IDS[1]: [("a.txt", 3)]}


def test_blank_lines_at_the_top_embed_nothing(home: Home, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.txt", ABSTRACTS[:2])
    home.ingest(file)
    write_lines(file, ["", "", *ABSTRACTS[:2]])

    report = home.ingest(file)

    assert counts(report) == (0, 0, 2, 0, 0, 0)
    assert lines_of(home) == {IDS[0]: [("a.txt", 3)], IDS[1]: [("a.txt", 4)]}


def test_a_removed_record_is_gone_from_every_part(home: Home, tmp_path: Path) -> None:
    file = write_titled(tmp_path / "a.txt", [0, 1, 2])
    home.ingest(file)
    write_titled(file, [0, 2])

    report = home.ingest(file)

    assert counts(report) == (0, 0, 2, 0, 1, 0)
    assert_forgotten(home, IDS[1], "Foldaway")


def test_rows_of_removed_papers_are_not_written_over(home: Home, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.txt", ABSTRACTS[:2])
    home.ingest(file)
    with home.open() as reader:
        entry = reader.store.entries([IDS[1]])[IDS[1]]
        rows = reader.tokens.rows(entry.token_start, entry.token_count)
        before = rows.tobytes()
        home.ingest(write_lines(file, ABSTRACTS[:1]))
        home.ingest(write_lines(file, [ABSTRACTS[0], ABSTRACTS[3]]))

        assert rows.tobytes() == before


def test_a_title_that_comes_later_is_taken_up(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "bare.txt", ABSTRACTS[:2]))

    report = home.ingest(write_titled(tmp_path / "titled.txt", [0, 1]))

    assert counts(report) == (0, 0, 0, 2, 0, 2)
    assert [title for title, *_ in home.state().values()] == [
        title for _, title in sorted(zip(IDS[:2], TITLES[:2], strict=True))
    ]
    assert (report.papers, report.untitled) == (2, 0)


# -- one work, several texts and files


def test_a_longer_revision_takes_over_and_the_old_id_still_finds_the_paper(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "a.txt", ABSTRACTS[:3]))

    report = home.ingest(write_lines(tmp_path / "b.txt", [REVISED, ABSTRACTS[3]]))

    assert counts(report) == (1, 0, 0, 1, 0, 2)
    with home.open() as collection:
        paper = collection.store.paper(IDS[2])
    assert paper is not None
    assert (paper.paper_id, paper.aliases) == (paper_id(REVISED), (IDS[2],))
    assert [(source.file, source.line) for source in paper.sources] == [("a.txt", 3), ("b.txt", 1)]
    assert IDS[2] not in home.state()


def test_when_the_revision_goes_the_first_text_represents_the_work_again(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "a.txt", ABSTRACTS[:3]))
    before = home.state()
    home.ingest(write_lines(tmp_path / "b.txt", [REVISED, ABSTRACTS[3]]))

    remove(["b.txt"], home.settings, home.embedder)

    home.check()
    assert home.state() == before


def test_a_titled_text_represents_a_longer_untitled_one(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "a.txt", [REVISED, ABSTRACTS[3]]))

    home.ingest(write_titled(tmp_path / "b.txt", [2, 4]))

    assert sorted(home.state()) == sorted(IDS[2:5])
    assert home.state()[IDS[2]][3] == (paper_id(REVISED),)


def test_works_linked_by_one_text_part_when_it_goes(home: Home, tmp_path: Path) -> None:
    first, second = ABSTRACTS[0] + " " + ABSTRACTS[1], ABSTRACTS[4] + " " + ABSTRACTS[5]
    home.ingest(write_lines(tmp_path / "a.txt", [first, second]))
    before = home.state()
    linked = home.ingest(write_lines(tmp_path / "b.txt", [first + " " + second, ABSTRACTS[3]]))
    assert (linked.papers, linked.merged) == (2, 1)

    remove(["b.txt"], home.settings, home.embedder)

    home.check()
    assert home.state() == before


def test_the_order_of_files_decides_nothing(tmp_path: Path, embedder: Embedder) -> None:
    files = [
        write_titled(tmp_path / "a.txt", [0, 2, 4]), write_lines(tmp_path / "b.txt", [REVISED, ABSTRACTS[4]]),
        write_lines(tmp_path / "c.txt", ABSTRACTS[1:4]),
    ]
    forth, back = Home(tmp_path / "forth", embedder), Home(tmp_path / "back", embedder)
    for file in files:
        forth.ingest(file)
    for file in reversed(files):
        back.ingest(file)

    assert forth.state() == back.state()


def test_a_paper_in_two_files_stays_when_one_is_removed(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "a.txt", ABSTRACTS[:2]), write_lines(tmp_path / "b.txt", ABSTRACTS[1:3]))

    report = remove(["a.txt"], home.settings, home.embedder)

    home.check()
    assert (report.files, report.removed, report.papers) == (1, 2, 2)
    assert lines_of(home) == {IDS[1]: [("b.txt", 1)], IDS[2]: [("b.txt", 2)]}


def test_removing_an_unknown_name_removes_nothing(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "a.txt", ABSTRACTS[:2]))

    with pytest.raises(MisuseError, match=r"^no file of the collection is called 'b\.txt'; it has: a\.txt$"):
        remove(["a.txt", "b.txt"], home.settings, home.embedder)

    assert sorted(home.state()) == sorted(IDS[:2])


def test_removing_the_last_file_leaves_an_empty_collection_that_answers(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "a.txt", ABSTRACTS[:2]))

    report = remove([str(tmp_path / "a.txt")], home.settings, home.embedder)

    home.check()
    assert report.papers == 0
    with Assistant.open(home.settings) as assistant:
        answer = assistant.ask("what is Quillon?")
    assert (answer.abstained, answer.reason) == (True, NO_PAPERS)
    with pytest.raises(StorageError, match=r"^the index has no papers yet; run the ingest again"):
        rebuild(home.settings, home.embedder)


def test_a_moved_folder_adds_nothing(home: Home, tmp_path: Path) -> None:
    write_lines(tmp_path / "old" / "a.txt", ABSTRACTS[:2])
    home.ingest(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")

    report = home.ingest(tmp_path / "new")

    assert counts(report) == (0, 0, 2, 0, 0, 0)
    with home.open() as collection:
        assert [file.path for file in collection.store.files()] == [str(tmp_path / "new" / "a.txt")]


def test_another_file_of_the_same_name_takes_nothing_from_one_that_is_away(home: Home, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "stick" / "a.txt", ABSTRACTS[:2])
    home.ingest(file)
    file.unlink()

    report = home.ingest(write_lines(tmp_path / "disk" / "a.txt", ABSTRACTS[2:4]))

    assert counts(report) == (2, 0, 0, 0, 0, 2)
    assert sorted(home.state()) == sorted(IDS[:4])


# -- files that cannot be read


def test_good_files_go_in_beside_bad_ones_which_are_reported(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "mix"
    write_lines(folder / "good.txt", ABSTRACTS[:2])
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02")
    (folder / "empty.txt").write_bytes(b"")

    report = home.ingest(folder, tmp_path / "missing.txt")

    assert (report.files, report.added) == (1, 2)
    assert report.skips()[:2] == [
        "binary.txt: is binary: NUL at byte 0; give a text file", "empty.txt: is empty; nothing to read",
    ]
    assert report.skips()[2].startswith("missing.txt: no such file")


def test_a_file_whose_records_are_all_skipped_is_no_source(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / "good.txt", ABSTRACTS[:2]))
    short = write_lines(tmp_path / "short.jsonl", ['{"abstract": "Too short."}'])
    header = write_lines(tmp_path / "header.csv", ["title,abstract"])

    report = home.ingest(short, header)

    assert (report.files, report.papers) == (0, 2)
    assert sorted(report.skips()) == [
        "header.csv: has no record", "short.jsonl:1: abstract of 10 characters, fewer than 40",
    ]
    with home.open() as collection:
        assert [file.name for file in collection.store.files()] == ["good.txt"]


def test_a_file_that_became_unreadable_loses_nothing(home: Home, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.txt", ABSTRACTS[:2])
    home.ingest(file)
    before, generation = home.state(), home.generation()
    file.write_bytes(b"\xff\xfe\x00")

    report = home.ingest(file)

    assert (report.files, len(report.skipped)) == (0, 1)
    assert (home.state(), home.generation()) == (before, generation)


def test_files_without_a_record_leave_no_index(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x00")

    assert home.ingest(tmp_path / "a.txt").files == 0
    with pytest.raises(StorageError, match=r"^there is no index yet"):
        Assistant.open(home.settings)


# -- long abstracts


def test_an_abstract_of_3000_words_is_covered_by_chunks_and_every_sentence_has_tokens(
    home: Home, tmp_path: Path
) -> None:
    sentences = [f"Sentence number {n} tells how the quiet river bends around hill {n}." for n in range(249)]
    sentences.append("At last the patient author of these lines praises marmalade with ginger.")
    text = " ".join(sentences)
    assert len(text.split()) == 3000

    home.ingest(write_lines(tmp_path / "a.txt", [text, ABSTRACTS[0]]))

    with home.open() as collection:
        entry = collection.store.entries([paper_id(text)])[paper_id(text)]
        vectors = collection.vectors.vectors(entry.chunk_ids())
    assert len(entry.chunks) == len(vectors) > 5
    assert entry.chunks[0][0] == 0 and entry.chunks[-1][1] == len(text)
    assert all(0 <= b[0] - a[1] <= 1 for a, b in zip(entry.chunks, entry.chunks[1:], strict=False))
    assert [text[start:end] for start, end, *_ in entry.sentences if start >= 0] == sentences
    with Assistant.open(home.settings) as assistant:
        best = assistant.search("who praises marmalade with ginger?")[0]
    assert max(best.sentences, key=lambda sentence: sentence.score).text == sentences[-1]


# -- rebuild


def damage_chroma(index: Path) -> None:
    shutil.rmtree(index / "chroma")


def damage_tokens(index: Path) -> None:
    os.truncate(index / "tokens.int8", 100)


def remove_tokens(index: Path) -> None:
    (index / "tokens.int8").unlink()


def delete_lexical(index: Path) -> None:
    shutil.rmtree(index / "lexical")


def garble_lexical(index: Path) -> None:
    for path in (index / "lexical").glob("*.*"):
        path.write_bytes(b"garbled" * 20)


def delete_basis(index: Path) -> None:
    (index / "basis.npz").unlink()


@pytest.mark.parametrize(
    "damage", [damage_chroma, damage_tokens, remove_tokens, delete_lexical, garble_lexical, delete_basis]
)
@pytest.mark.parametrize("mend", ["rebuild", "ingest"])
def test_damage_that_questions_refuse_is_mended_by_a_rebuild_and_by_the_next_ingest(
    home: Home, tmp_path: Path, damage: Callable[[Path], None], mend: str
) -> None:
    file = write_titled(tmp_path / "a.txt", range(4))
    home.ingest(file)
    before, hits = home.state(), search(home)
    damage(home.index)

    with pytest.raises(DamagedPart, match=r"run: ingest rebuild$"), Assistant.open(home.settings) as assistant:
        assistant.ask("what is Quillon?")
    report = rebuild(home.settings, home.embedder) if mend == "rebuild" else home.ingest(file)

    home.check()
    assert report.papers == 4
    assert [line.endswith(": made anew") for line in report.mended] == [True] * (mend == "ingest")
    assert home.state() == before
    assert search(home) == hits
    assert counts(home.ingest(file)) == (0, 0, 4, 0, 0, 0)


def test_a_rebuild_that_fails_leaves_the_old_index_as_it_was(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(3)))
    before, hits = home.state(), search(home)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("assistant.index.token_vectors.os.fsync", fail)
        with pytest.raises(StorageError, match=r"^the index cannot be written \(No space left on device\)"):
            rebuild(home.settings, home.embedder)

    assert (home.state(), search(home)) == (before, hits)
    home.ingest(tmp_path / "a.txt")
    assert sorted(path.name for path in home.index.iterdir()) == [
        "basis.npz", "chroma", "lexical", "papers.sqlite", "tokens.int8", "write.lock"
    ]


def test_rebuild_with_other_chunks_takes_them_up(home: Home, tmp_path: Path) -> None:
    file = write_titled(tmp_path / "a.txt", range(3))
    home.ingest(file)
    home.settings = home.settings.model_copy(update={"chunk_tokens": 32})

    with pytest.raises(StorageError, match=r"ASSISTANT_CHUNK_TOKENS asks for 32; set it back, or run: ingest rebuild"):
        home.ingest(file)
    rebuild(home.settings, home.embedder)

    home.check()
    assert all(len(chunks) > 1 for *_, chunks, _ in home.state().values())


def lines_of(home: Home) -> dict[str, list[tuple[str, int | None]]]:
    return {
        key: [(source.file, source.line) for source in sources]  # type: ignore[attr-defined]
        for key, (_, _, sources, *_) in home.state().items()
    }


def search(home: Home) -> list[tuple[str, float]]:
    with Assistant.open(home.settings) as assistant:
        hits = assistant.search("which method edits GPT-J or lowers memory?", limit=10)
        return [(hit.paper.paper_id, round(hit.score, 4)) for hit in hits]


def assert_forgotten(home: Home, gone: str, word: str) -> None:
    with home.open() as collection:
        assert collection.store.paper(gone) is None
        assert gone not in {found for found, _ in collection.lexical.search(word, limit=10)}
        assert collection.store.papers_with_name(word.lower()) == {}
        assert collection.vectors.ids_of([gone]) == []
        database = collection.store._db
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f"SELECT * FROM {table}").fetchall()
            assert not any(word in str(row) or gone in str(row) for row in rows), table


def test_what_was_removed_no_longer_counts_in_the_frequencies_of_words(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(3)))
    home.ingest(write_titled(tmp_path / "a.txt", [0, 4]))
    once = Home(tmp_path / "once", home.embedder)
    once.ingest(write_titled(tmp_path / "a.txt", [0, 4]))

    with home.open() as collection, once.open() as other:
        for words in ("whispering dataset", "editing layers of GPT-J", "memory"):
            assert collection.lexical.search(words, limit=9) == other.lexical.search(words, limit=9)
        assert collection.lexical.frequency("memori") == other.lexical.frequency("memori") == 0


# -- every byte as it was written


def flip(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize(("pattern", "at", "problem"), [
    ("tokens.int8", 0.5, r"tokens.int8 is damaged; run: ingest rebuild"),
    ("lexical/*.pos", 0.3, r"the lexical index is damaged \(pos file\); run: ingest rebuild"),
    ("basis.npz", 0.5, r"basis.npz is missing or damaged; run: ingest rebuild"),
])
def test_a_changed_bit_is_found_by_the_check(
    home: Home, tmp_path: Path, pattern: str, at: float, problem: str
) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(4)))
    with home.open() as collection:
        assert verify(collection) == []
    flip(next(home.index.glob(pattern)), at)

    try:
        with home.open() as collection:
            problems = verify(collection)
    except DamagedPart as exc:  # told already when the index is opened
        problems = [str(exc)]

    assert problems and all(re.fullmatch(problem, line) for line in problems)


def test_an_abstract_changed_in_the_database_is_found_by_the_check(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(4)))
    data = (home.index / "papers.sqlite").read_bytes()
    assert data.count(b"commodity") >= 1
    (home.index / "papers.sqlite").write_bytes(data.replace(b"commodity", b"commoditx"))

    with home.open() as collection:
        (problem,) = verify(collection)

    assert re.match(r"the index's database is damaged \(\d abstracts are not what was read\)", problem)


def test_a_missing_vector_is_found_by_the_check(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(4)))
    with Collection(home.settings, write=True) as collection:
        collection.vectors.delete([f"{IDS[1]}:0"])
        collection.vectors.upsert(["stray:0"], np.ones((1, 384), np.float32), [{"paper_id": "stray"}])

        assert verify(collection) == ["the vectors are damaged (1 are missing, 0 changed); run: ingest rebuild"]


def test_no_check_is_made_while_an_ingest_writes(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(2)))

    with (
        home.open() as collection, locked(home.index),
        pytest.raises(StorageError, match=r"^another ingest is writing to this index"),
    ):
        verify(collection)


def test_an_ingest_with_nothing_to_do_leaves_the_vectors_alone(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_titled(tmp_path / "a.txt", range(6))
    home.ingest(file)
    monkeypatch.setattr("ingest.opening.SOON_INDEXED", 0)  # as of a large collection
    monkeypatch.setattr("ingest.opening.MAX_DELETED_SHARE", 1.0)
    write_titled(tmp_path / "a.txt", range(5))
    home.ingest(file)
    settled: list[object] = []
    monkeypatch.setattr("assistant.index.chunk_vectors.VectorIndex.settle", settled.append)

    home.ingest(file)

    with home.open() as collection:
        assert collection.lexical.deleted() == 1
    assert settled == []
