"""The Add papers tab: files and text into the index, and out of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.ui.page.adding import Job
from assistant.ui.page.desk import Desk
from assistant.ui.page.failures import BROKEN, told
from assistant.ui.page.panel import panel
from assistant.ui.page.shown.added import problem, progress, question, report, sources
from assistant.ui.page.site import Site
from assistant.ui.page.uploads import MAX_BYTES, SUFFIXES

LONGEST_PASTE = 5_000_000  # characters
LONGEST_ABSTRACT = 20_000
LOOK_AGAIN = 0.3  # seconds between two looks at how far an ingest is
WHERE = "on the Add papers tab"
HOW = (
    "Text with one abstract a line or a title line before each, JSON lines, or CSV with a column *abstract* "
    f"(Zotero, Scopus and arXiv exports are). At most {MAX_BYTES // 2**20} MB a file."
)


def add_tab(site: Site) -> None:
    """Build it inside the tab that is open."""
    import gradio as gr
    from gradio.context import Context

    desk = Desk(site)
    tab = Context.block
    assert isinstance(tab, gr.Tab)
    with gr.Row(elem_id="adding"):
        with gr.Column(scale=5, min_width=320):
            with gr.Tabs():
                with gr.Tab("Files"):
                    files = gr.File(
                        label="Drop files of abstracts here", file_count="multiple", file_types=list(SUFFIXES),
                        height=170, elem_id="add-files",
                    )
                    replace = gr.Checkbox(
                        label="Bring sources of the same names up to date: what a file no longer has goes", value=False,
                        elem_id="add-replace",
                    )
                    gr.Markdown(HOW, elem_id="add-how")
                    add_files = gr.Button("Add these files", variant="primary", elem_id="add-files-go")
                with gr.Tab("One paper"):
                    title = gr.Textbox(label="Title", max_length=1000, elem_id="add-title")
                    abstract = gr.Textbox(
                        label="Abstract", lines=8, max_length=LONGEST_ABSTRACT, elem_id="add-abstract"
                    )
                    with gr.Row():
                        authors = gr.Textbox(
                            label="Authors, if known", placeholder="Meng, Kevin; Bau, David", max_length=5000, scale=3,
                            min_width=180,
                        )
                        year = gr.Textbox(label="Year", max_length=10, scale=1, min_width=80)
                    add_one = gr.Button("Add this paper", variant="primary", elem_id="add-one-go")
                with gr.Tab("Many as text"):
                    text = gr.Textbox(
                        label="One abstract a line, or a title line before each", lines=10, max_lines=18,
                        max_length=LONGEST_PASTE, elem_id="add-text",
                    )
                    name = gr.Textbox(
                        label="Name of this source", value="pasted.txt", max_length=100, elem_id="add-name"
                    )
                    add_many = gr.Button("Add these papers", variant="primary", elem_id="add-many-go")
            outcome = panel("add-outcome")
            stop = gr.Button("Stop", size="sm", visible=False, elem_id="add-stop")
        with gr.Column(scale=6, min_width=320):
            gr.Markdown("### Sources of the collection")
            table = panel("add-sources")
            with gr.Row(elem_id="add-removal"):
                chosen = gr.Dropdown(
                    label="Remove a source", choices=[], value=None, elem_id="add-remove-name", scale=3, min_width=180
                )
                ask = gr.Button("Remove …", size="sm", elem_id="add-remove", scale=1, min_width=110)
            sure = panel("add-sure")
            with gr.Row(visible=False) as answer:
                yes = gr.Button("Yes, remove it", variant="stop", size="sm", elem_id="add-remove-yes")
                no = gr.Button("Keep it", size="sm", elem_id="add-remove-no")

    soon = gr.Timer(LOOK_AGAIN, active=False)
    mine = gr.State("")  # what this page is adding

    def board(said: Any) -> tuple[Any, ...]:
        """What is shown when nothing is going on: what was said last, and the sources."""
        rows = told(desk.rows, WHERE)
        if isinstance(rows, str):
            return said, gr.update(visible=False), problem(rows), gr.update(), gr.Timer(active=False)
        labels = [(f"{row.name} ({row.papers:,} papers)", str(row.file_id)) for row in rows]
        listed = gr.update(choices=labels, value=None)
        return said, gr.update(visible=False), sources(rows), listed, gr.Timer(active=False)

    def going(job: Job) -> tuple[Any, ...]:
        return progress(job.step), gr.update(visible=True), gr.update(), gr.update(), gr.Timer(active=True)

    def started(what: str, start: Callable[[], Job]) -> tuple[Any, ...]:
        job = told(start, WHERE)
        return (*board(problem(job)), "") if isinstance(job, str) else (*going(job), what)

    def looked(mine: str, *typed: Any) -> tuple[Any, ...]:
        """How far it is, whoever began it; at the end what came of it. What was typed stays until it is in."""
        job = desk.adding.latest()
        if job is not None and not job.ended.is_set():
            return *going(job), mine, *(gr.update() for _ in typed)
        if job is None or not mine:
            return *board(gr.update()), "", *(gr.update() for _ in typed)
        said = report(job.report, job.notes) if job.report is not None else problem(job.problem or BROKEN)
        went_in = job.report is not None and job.report.files > 0
        emptied = {"files": {0}, "one": {1, 2, 3, 4}, "many": {5}}.get(mine, set()) if went_in else set()
        fields = ((None if n == 0 else "") if n in emptied else gr.update() for n in range(len(typed)))
        return *board(said), "", *fields

    def opened() -> tuple[Any, ...]:
        job = desk.adding.running()
        return board(gr.update()) if job is None else (*going(job)[:2], *board("")[2:4], gr.Timer(active=True))

    def asked(file_id: str | None) -> tuple[Any, ...]:
        row = told(lambda: desk.row(file_id), WHERE)
        if isinstance(row, str):
            return problem(row), gr.update(visible=False)
        return question(row, desk.own(row)), gr.update(visible=True)

    # Answered at once, not over the queue: that loses an event that comes just as the one before ends.
    options: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    state = [outcome, stop, table, chosen, soon, mine]
    one = [title, abstract, authors, year]
    typed = [files, *one, text]
    add_files.click(
        lambda paths, replace: started("files", lambda: desk.add([*map(Path, paths or ())], replace=replace)),
        [files, replace], state, **options,
    )
    add_one.click(lambda *fields: started("one", lambda: desk.add_paper(*fields)), one, state, **options)
    add_many.click(lambda *fields: started("many", lambda: desk.add_text(*fields)), [text, name], state, **options)
    ask.click(asked, chosen, [sure, answer], **options)
    no.click(lambda: ("", gr.update(visible=False)), None, [sure, answer], **options)
    yes.click(
        lambda file_id: (*started("removal", lambda: desk.remove(file_id)), "", gr.update(visible=False)),
        chosen, [*state, sure, answer], **options,
    )
    stop.click(desk.stop, None, None, **options)
    soon.tick(looked, [mine, *typed], [*state, *typed], **options)
    tab.select(opened, None, [outcome, stop, table, chosen, soon], **options)
