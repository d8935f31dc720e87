"""Conversations are kept beside the index, for their owner alone, until they are deleted."""

from __future__ import annotations

import stat
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from assistant import Answer, Assistant
from assistant.conversation.dialogue import Dialogue
from assistant.conversation.history import FILE, Conversations, Feedback
from assistant.errors import MisuseError, StorageError
from assistant.records import Turn


def turn(question: str, text: str = "An answer.") -> Turn:
    return Turn(question, question, Answer("1", question, "fact", text))


@pytest.fixture
def kept(tmp_path: Path) -> Conversations:
    return Conversations(tmp_path)


def test_a_resumed_conversation_goes_on_where_it_was_left(assistant: Assistant, kept: Conversations) -> None:
    recorder = kept.recorder()
    dialogue = Dialogue(assistant, remember=recorder)
    dialogue.ask("which methods edit GPT-J?")
    dialogue.ask("which of those release code?")
    assert recorder.id is not None

    resumed = kept.turns(recorder.id)

    assert resumed == tuple(dialogue.turns)
    again = Dialogue(assistant, turns=resumed, remember=kept.recorder(conversation=recorder.id[:4]))
    assert again.read("what does the first one do?").kind == "about"
    again.ask("what does the first one do?")
    assert [saved.turns for saved in kept.saved()] == [3]


def test_a_comparison_is_read_back_with_its_table(assistant: Assistant, kept: Conversations) -> None:
    recorder = kept.recorder()
    answer = Dialogue(assistant, remember=recorder).ask("compare MEMIT and MALMEN")
    assert recorder.id is not None

    (resumed,) = kept.turns(recorder.id)

    assert len(answer.table) == 2 and resumed.answer == answer


def test_conversations_are_listed_newest_first_searched_and_renamed(kept: Conversations) -> None:
    old, new = kept.recorder(), kept.recorder()
    old(turn("What is Quillon?", "Quillon edits GPT-J."))
    new(turn("What is Magpie?", "Magpie regrasps."))

    assert [saved.title for saved in kept.saved()] == ["What is Magpie?", "What is Quillon?"]
    assert [saved.id for saved in kept.saved(words="gpt-j quillon")] == [old.id]
    assert kept.saved(words="nothing of this") == []
    kept.rename(str(old.id), "Editing")
    assert {saved.title for saved in kept.saved()} == {"Editing", "What is Magpie?"}
    old(turn("and then?"))
    assert kept.find("") == old.id


def test_nobody_sees_or_changes_anothers_conversations(kept: Conversations) -> None:
    recorder = kept.recorder(owner="ann")
    recorder(turn("A secret?"))
    found = str(recorder.id)

    assert kept.saved(owner="bob") == [] == kept.saved(owner="bob", words="secret")
    for attempt in (
        lambda: kept.turns(found, owner="bob"), lambda: kept.export(found, owner="bob"),
        lambda: kept.rename(found, "Mine", owner="bob"), lambda: kept.delete(found, owner="bob"),
        lambda: kept.rate(found, 1, Feedback(True), owner="bob"),
        lambda: kept.recorder(owner="bob", conversation=found),
        lambda: kept.add(found, turn("x"), owner="bob"),
    ):
        with pytest.raises(MisuseError):
            attempt()
    assert len(kept.turns(found, owner="ann")) == 1


def test_an_export_has_whole_answers_and_feedback(kept: Conversations) -> None:
    recorder = kept.recorder()
    recorder(turn("One?"))
    recorder(turn("Two?"))
    kept.rate(str(recorder.id), 2, Feedback(False, "too long"))

    exported = kept.export(str(recorder.id))

    assert exported["schema"] == 1 and [entry["question"] for entry in exported["turns"]] == ["One?", "Two?"]
    assert exported["turns"][0]["feedback"] is None
    assert exported["turns"][1]["feedback"] == {"useful": False, "comment": "too long"}
    assert exported["turns"][0]["answer"].keys() == asdict(turn("One?").answer).keys()
    with pytest.raises(MisuseError, match="no turn 3"):
        kept.rate(str(recorder.id), 3, Feedback(True))


def test_what_is_deleted_is_gone_from_the_file(kept: Conversations, tmp_path: Path) -> None:
    recorder = kept.recorder()
    recorder(turn("Where is the hidden zeppelin?"))
    kept.delete(str(recorder.id))

    assert kept.saved() == []
    with pytest.raises(MisuseError, match="deleted"):
        recorder(turn("more?"))
    kept.close()
    assert b"zeppelin" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_the_file_is_private_and_beside_the_index(kept: Conversations, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all " * 100)

    with pytest.raises(StorageError, match="move that file away"):
        Conversations(tmp_path).saved()


def test_many_conversations_are_saved_at_once(kept: Conversations, tmp_path: Path) -> None:
    def talk(name: str) -> None:
        with Conversations(tmp_path) as mine:
            recorder = mine.recorder(owner=name)
            for number in range(10):
                recorder(turn(f"{name} {number}"))

    threads = [threading.Thread(target=talk, args=(f"owner {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for n in range(8):
        (saved,) = kept.saved(owner=f"owner {n}")
        turns = kept.turns(saved.id, owner=f"owner {n}")
        assert [entry.question for entry in turns] == [f"owner {n} {number}" for number in range(10)]


def test_halves_of_characters_are_no_obstacle(kept: Conversations) -> None:
    recorder = kept.recorder()
    recorder(turn("half \ud83d of one", "text \udc00"))

    assert kept.turns(str(recorder.id))[0].question == "half ? of one"
