"""The Add papers tab: names and limits, one ingest at a time, reports, and all of it in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import PHONE, open_tab, served, watched
from filelock import FileLock
from papers import ABSTRACTS, TITLES, Home, write_lines, write_titled

from assistant import Assistant, Settings
from assistant.conversation.history import Conversations
from assistant.embedding.embedder import Embedder
from assistant.errors import MisuseError
from assistant.index.collection import Collection
from assistant.ui.page import uploads
from assistant.ui.page.adding import Adding, Busy, Step
from assistant.ui.page.child import environment
from assistant.ui.page.desk import Desk
from assistant.ui.page.shown.added import SourceRow, problem, progress, question, report, sources
from assistant.ui.page.site import Site
from assistant.ui.page.uploads import Uploads, check_files, pasted_paper, safe_name
from ingest.files import Skip
from ingest.report import Report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page



# -- files


@pytest.mark.parametrize(("given", "kept"), [
    ("a.txt", "a.txt"), ("../../etc/passwd", "passwd.txt"), ("C:\\x\\b.CSV", "b.csv"), ("...", "papers.txt"),
    ("a\x00b\n<c>.jsonl", "a b c.jsonl"), ("résumé 2.txt", "résumé 2.txt"), ("-rf.txt", "-rf.txt"),
    ("x" * 300 + ".txt", "x" * 80 + ".txt"), ("論" * 99 + ".txt", "論" * 53 + ".txt"), ("a\ud800.txt", "a.txt"),
    ("remove", "remove.txt"), ("data.pdf", "data.pdf.txt"),
])
def test_names_of_files_are_made_safe(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_another_file_of_a_taken_name_gets_a_name_of_its_own(tmp_path: Path) -> None:
    kept = Uploads(tmp_path / "home")
    one, two = write_lines(tmp_path / "1" / "a.txt", ["one"]), write_lines(tmp_path / "2" / "a.txt", ["two"])

    first = kept.keep("a.txt", one, {})
    known = {"a.txt": [str(first.path)]}
    second = kept.keep("a.txt", two, known)
    again = kept.keep("a.txt", one, known)
    elsewhere = Uploads(tmp_path / "other").keep("a.txt", one, {"a.txt": ["/data/a.txt"]})

    assert (first.path.name, first.renamed, first.new) == ("a.txt", False, True)
    assert (second.path.name, second.renamed, second.path.read_text()) == ("a (2).txt", True, "two")
    assert (again.path, again.new) == (first.path, False)
    assert elsewhere.path.name == "a (2).txt"
    assert first.path.read_text() == "one"


def test_a_file_is_replaced_only_by_wish_and_only_if_it_was_given_to_the_page(tmp_path: Path) -> None:
    kept = Uploads(tmp_path / "home")
    old, new = write_lines(tmp_path / "1" / "a.txt", ["old"]), write_lines(tmp_path / "2" / "a.txt", ["new"])
    first = kept.keep("a.txt", old, {})

    assert kept.keep("a.txt", new, {"a.txt": [str(first.path)]}, replace=True).path == first.path
    assert first.path.read_text() == "new"
    with pytest.raises(MisuseError, match=r"^a\.txt was read from a folder of the machine, not added here"):
        kept.keep("a.txt", new, {"a.txt": ["/data/a.txt"]}, replace=True)


def test_too_many_too_large_and_unknown_files_are_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 2**20)
    with pytest.raises(MisuseError, match="101 files are more than 100 at once"):
        check_files([tmp_path / "a.txt"] * 101)
    with pytest.raises(MisuseError, match=r"a\.pdf is not one of \.txt, \.jsonl, \.csv"):
        check_files([write_lines(tmp_path / "a.pdf", [""])])
    with pytest.raises(MisuseError, match=r"big\.txt has 2 MB, more than 1"):
        check_files([write_lines(tmp_path / "big.txt", ["x" * 2 * 2**20])])


def test_a_pasted_paper_is_one_line_whatever_its_line_breaks() -> None:
    line = pasted_paper("A\n title", "Broken\nover  lines.", "", "2021")

    assert line.count("\n") == 1
    assert json.loads(line) == {"title": "A title", "abstract": "Broken over lines.", "year": "2021"}


# -- what is shown


def test_a_report_counts_and_says_what_was_skipped_and_why() -> None:
    skips = [Skip("<a>.txt", 7, "abstract of 3 characters")]
    found = Report(files=1, read=3, added=2, merged=1, skipped=skips, papers=9)

    shown = report(found, ["a is called b"])

    for words in (
        "Read 3 records from 1 file<", "<b>2</b> new papers", "<b>1</b> merged with a paper that was there",
        "&lt;a&gt;.txt:7: abstract of 3 characters", "a is called b", "now has 9 papers",
    ):
        assert words in shown
    assert "unchanged" not in shown
    assert "Nothing was read" in report(Report(skipped=[Skip("a.txt", None, "unknown layout")]))
    assert problem("no <b>").count("No &lt;b&gt;.") == 1


def test_progress_and_sources_are_shown_in_figures() -> None:
    row = SourceRow(1, "<x>.txt", "CSV", 1200, 30)

    assert "a.txt: 50 of 200 records" in progress(Step("a.txt", 50, 200))
    assert "adding-25" in progress(Step("a", 50, 200))
    assert "Reading" in progress(Step())
    assert "&lt;x&gt;.txt</th><td>1,200</td><td>30</td><td>CSV</td>" in sources([row])
    assert "29 papers go from the collection; 1 that other sources have too stay" in question(row, 29)


# -- the process


def test_a_child_gets_the_index_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("ASSISTANT_API_KEY", "sk-secret")

    found = environment(Settings(home=tmp_path, chunk_tokens=99, api_key="sk-secret", _env_file=None))

    assert found["ASSISTANT_HOME"] == str(tmp_path) and found["ASSISTANT_CHUNK_TOKENS"] == "99"
    assert "sk-secret" not in found.values()


def test_one_adds_at_a_time_and_what_was_finished_before_a_stop_is_kept(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))
    adding = Adding(home.settings)

    job = adding.start(lambda: [str(tmp_path / "six.txt")])
    with pytest.raises(Busy, match="someone else is adding or removing papers just now"):
        adding.start(lambda: ["never"])
    job.stop()
    assert job.ended.wait(30)

    assert job.report is None and job.problem == "stopped; what was finished is kept, add the same again to go on"
    assert adding.running() is None
    second = adding.start(lambda: [str(write_titled(tmp_path / "one.txt", [0]))])
    assert second.ended.wait(60)
    assert second.report is not None and second.report.files == 1 and second.step.total == 1
    home.check()


def test_a_report_longer_than_a_pipe_holds_arrives_whole_and_one_can_go_on_whatever_becomes_of_it(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))
    adding, many = Adding(home.settings), write_lines(tmp_path / "many.jsonl", ["{}"] * 2000)

    def fails(_: object) -> None:
        raise MisuseError("the index is gone")

    job = adding.start(lambda: [str(many)], fails)

    assert job.ended.wait(60)
    assert job.report is not None and len(job.report.skipped) == 2000
    assert adding.running() is None
    assert capsys.readouterr().err.startswith("assistant: MisuseError at the end of an ingest\n")


def test_files_that_did_not_go_in_can_be_added_again_and_nothing_of_them_is_left(
    home: Home, tmp_path: Path, embedder: Embedder
) -> None:
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))
    milk = write_lines(tmp_path / "upload" / "list.txt", ["milk", "bread"])
    other = write_titled(tmp_path / "upload" / "six.txt", range(5))
    with (
        Assistant(Collection(home.settings), embedder, home.settings) as assistant,
        Conversations(home.settings.home) as kept,
    ):
        desk = Desk(Site(assistant, kept))
        with pytest.raises(MisuseError, match="was read from a folder of the machine"):
            desk.add([milk, other], replace=True)
        assert milk.exists() and list((home.settings.home / "uploads").iterdir()) == []
        job = desk.add([milk])
        assert job.ended.wait(60) and job.report is not None and job.report.files == 0
        assert milk.exists() and list((home.settings.home / "uploads").iterdir()) == []
        milk.unlink()
        with pytest.raises(MisuseError, match=r"^list\.txt is no longer there; choose it again$"):
            desk.add([milk])


def test_an_ingest_elsewhere_holds_the_lock_and_one_is_told_to_wait(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))

    with FileLock(home.index / "write.lock"):
        job = Adding(home.settings).start(lambda: [str(tmp_path / "six.txt")])
        assert job.ended.wait(60)

    assert job.problem == "another ingest is writing to this index; wait until it has finished"


# -- in a browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[tuple[str, Home]]:
    """The page over three papers, and the home of its index."""
    folder = tmp_path_factory.mktemp("adding")
    home = Home(folder / "home", embedder)
    home.ingest(write_titled(folder / "three.txt", range(3)))
    with served(home.settings, embedder) as address:
        yield address, home


@pytest.fixture
def page(browser: Browser, site: tuple[str, Home], request: pytest.FixtureRequest) -> Iterator[Page]:
    """The Add papers tab."""
    # Gradio warns of its own stream at every upload.
    but = ("Method not implemented.",)
    with watched(browser, site[0], but=but, **getattr(request, "param", {})) as context:
        page = context.new_page()
        page.goto(site[0])
        page.locator("#question textarea").wait_for()
        open_tab(page, "Add papers")
        page.locator("#add-sources table").wait_for()
        yield page


def upload(page: Page, *paths: Path) -> str:
    """Choose files, add them, and give the report."""
    page.locator("#add-files input[type=file]").set_input_files(list(paths))
    for path in paths:
        page.locator("#add-files").get_by_text(path.stem[:8]).first.wait_for()
    before = page.locator("#add-outcome").inner_text()
    page.locator("#add-files-go").click()
    page.wait_for_function(
        "before => { const now = document.querySelector('#add-outcome .adding-report');"
        " return now && document.querySelector('#add-outcome').innerText !== before; }", arg=before,
    )
    return page.locator("#add-outcome").inner_text()


def source_names(page: Page) -> list[str]:
    return page.locator("#add-sources tbody th").all_inner_texts()


def test_a_file_is_added_asked_about_found_and_taken_out_again(
    page: Page, site: tuple[str, Home], tmp_path: Path
) -> None:
    said = upload(page, write_titled(tmp_path / "hush <b>.txt", [4, 3, 0]))

    assert "Read 3 records from 1 file" in said and "2 new papers" in said and "1 merged" in said
    assert source_names(page) == ["three.txt", "hush b.txt"]
    assert list((site[1].settings.home / "uploads").iterdir()) != []
    open_tab(page, "Ask")
    page.locator("#question textarea").fill("what is Hushcorpus?")
    page.locator("#question textarea").press("Enter")
    page.get_by_text("ninety hours of whispering").first.wait_for()
    open_tab(page, "Papers")
    page.get_by_text("All 5 papers, by title").wait_for()
    assert TITLES[4] in page.locator("#papers-results").inner_text()

    open_tab(page, "Add papers")
    page.locator("#add-remove-name input").click()
    page.get_by_role("option", name="hush").click()
    page.locator("#add-remove").click()
    page.get_by_text("2 papers go from the collection; 1 that other sources have too stay.").wait_for()
    page.locator("#add-remove-no").click()
    page.locator("#add-remove-yes").wait_for(state="hidden")
    page.locator("#add-remove").click()
    page.locator("#add-remove-yes").click()
    page.get_by_text("Took out 1 file").wait_for()
    assert source_names(page) == ["three.txt"]
    assert list((site[1].settings.home / "uploads").iterdir()) == []
    open_tab(page, "Papers")
    page.get_by_text("All 3 papers, by title").wait_for()
    site[1].check()


def test_one_paper_and_many_can_be_pasted(page: Page, site: tuple[str, Home]) -> None:
    page.get_by_role("tab", name="One paper").click()
    page.locator("#add-one-go").click()
    page.get_by_text("Paste the abstract first.").wait_for()
    page.locator("#add-title textarea, #add-title input").fill(TITLES[3])
    page.locator("#add-abstract textarea").fill("Too short.")
    page.locator("#add-one-go").click()
    page.get_by_text("Nothing was added: the abstract has 10 characters, fewer than 40").wait_for()
    page.locator("#add-abstract textarea").fill(ABSTRACTS[3].replace(". ", ".\n"))
    page.get_by_label("Year").fill("soon")
    page.locator("#add-one-go").click()
    page.get_by_text("Nothing was added: a year is a number such as 2021, not 'soon'.").wait_for()
    page.get_by_label("Year").fill("2021")
    page.locator("#add-one-go").click()
    page.get_by_text("1 new paper").wait_for()
    assert page.locator("#add-abstract textarea").input_value() == ""
    page.get_by_role("tab", name="Many as text").click()
    page.locator("#add-text textarea").fill("\n".join([TITLES[5], ABSTRACTS[5], TITLES[0], ABSTRACTS[0]]))
    page.locator("#add-many-go").click()
    page.get_by_text("Read 2 records from 1 file").wait_for()

    assert source_names(page) == ["three.txt", "Magpie Learning to Regrasp from Video.jsonl", "pasted.txt"]
    site[1].check()


def test_what_cannot_be_read_is_said_politely_and_leaves_nothing_behind(
    page: Page, site: tuple[str, Home], tmp_path: Path
) -> None:
    before = source_names(page)
    said = upload(page, write_lines(tmp_path / "shopping.txt", ["milk", "bread", "tea"]))

    assert "Nothing was read" in said and "The collection is as it was" in said
    assert "shopping.txt: unknown layout" in said
    assert source_names(page) == before
    assert not (site[1].settings.home / "uploads" / "shopping.txt").exists()


@pytest.mark.parametrize("page", [PHONE, {"color_scheme": "dark"}], indirect=True, ids=["phone", "dark"])
def test_it_fits_a_phone_and_the_dark(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("#add-files-go").is_visible()
