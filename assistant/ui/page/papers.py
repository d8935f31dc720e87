"""The Papers tab: browse and search the collection, one paper and what is like it, the map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from assistant.errors import MisuseError
from assistant.retrieval.filters import Filters
from assistant.ui.page.browse import PAGE, ResultPage, find, look_at
from assistant.ui.page.failures import told
from assistant.ui.page.maps import Maps
from assistant.ui.page.panel import panel
from assistant.ui.page.shown.map import cited_note, legend, map_data
from assistant.ui.page.shown.paper import gone, heading, hint, paper_view, problem, results
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr

CODE = {"Any": None, "Gives code": True, "Gives no code": False}
LONGEST_QUERY = 1000  # characters
LOOK_AGAIN = 1.0  # seconds between two looks whether the map is drawn
WHERE = "on the Papers tab"
# Nobody's API; and answered at once, not over the queue: that loses an event that comes just as the one before ends.
PRIVATE: dict[str, Any] = {"api_visibility": "private", "queue": False}


def papers_tab(site: Site, *, cited: gr.State) -> None:
    """Build it inside the tab that is open; ``cited``: ids of the last answer's papers, which the map lights up."""
    import gradio as gr
    from gradio.context import Context

    assistant, maps = site.assistant, Maps(site.assistant)
    site.ends.callback(maps.close)
    tab = Context.block
    assert isinstance(tab, gr.Tab)
    page = gr.State(0)
    topic = gr.State(None)
    state = gr.State("")  # of the collection whose map is shown
    with gr.Row(elem_id="papers"):
        with gr.Column(scale=5, min_width=320, elem_id="papers-list"):
            query = gr.Textbox(
                label="Search the papers", placeholder="words, a question, a method", lines=1,
                max_length=LONGEST_QUERY, elem_id="papers-query", submit_btn="Search",
            )
            with gr.Accordion("Filters", open=False, elem_id="papers-filters"):
                with gr.Row():
                    source = gr.Dropdown(label="From these files", choices=[], multiselect=True, min_width=200)
                    code = gr.Radio(list(CODE), value="Any", label="Code", min_width=200)
                with gr.Row():
                    name = gr.Textbox(
                        label="Mentions the name", placeholder="such as GPT-J", max_length=200, min_width=160
                    )
                    author = gr.Textbox(label="Author", max_length=200, visible=False, min_width=160)
                    first = gr.Textbox(label="From year", max_length=4, visible=False, min_width=90)
                    last = gr.Textbox(label="To year", max_length=4, visible=False, min_width=90)
                with gr.Row():
                    apply = gr.Button("Apply filters", size="sm", elem_id="papers-apply", min_width=120)
                    clear = gr.Button("Clear search and filters", size="sm", elem_id="papers-clear", min_width=120)
            listed = panel("papers-results")
            with gr.Row(elem_id="papers-pager"):
                back = gr.Button("Previous", size="sm", interactive=False, elem_id="papers-back")
                on = gr.Button("Next", size="sm", interactive=False, elem_id="papers-next")
        with gr.Column(scale=6, min_width=320, elem_id="papers-side"):
            panel("map-frame", '<div class="map-frame"></div>')  # the script's own; never written to
            lit = panel("map-cited", cited_note(()))
            around = panel("map-legend")
            paper = panel("paper-view", hint())
    # How server and script talk: what the map shows, and which link to a paper or topic was followed.
    data = gr.Textbox(visible="hidden", elem_id="map-data", label="Map", container=False)
    followed = gr.Textbox(visible="hidden", elem_id="papers-followed", label="Chosen", container=False)

    soon = gr.Timer(LOOK_AGAIN, active=False)

    asked = [query, source, code, name, author, first, last, topic]

    def results_of(*asked: Any, page: int) -> tuple[Any, ...]:
        text, files, code, name, author, first, last, topic = asked
        text, atlas = (text or "").strip()[:LONGEST_QUERY], maps.atlas()
        known = atlas is not None and topic is not None and topic < len(atlas.topics)  # else of a map that is gone
        among, named = (atlas.members(topic), atlas.topics[topic].name) if atlas and known else (None, "")

        def work() -> ResultPage:
            years = (_year(first), _year(last))
            filters = Filters(
                tuple(files or ()), CODE.get(code), _one(name), years if any(years) else None, _one(author)
            )
            return find(assistant, text, filters, page=page, among=among)

        result = told(work, WHERE)
        if isinstance(result, str):
            return problem(result), 0, gr.update(interactive=False), gr.update(interactive=False)
        html = results(result, heading(result, text, named))
        at = result.first // PAGE
        return (
            html, at, gr.update(interactive=at > 0), gr.update(interactive=result.first + PAGE < result.total)
        )

    def turned(by: int) -> Callable[..., tuple[Any, ...]]:
        return lambda *values: results_of(*values[:-1], page=max(0, values[-1] + by))

    def anew(*values: Any) -> tuple[Any, ...]:
        return results_of(*values, page=0)

    def cleared() -> tuple[Any, ...]:
        nothing: tuple[Any, ...] = ("", [], "Any", "", "", "", "", None)
        return *nothing, *anew(*nothing), _legend(maps, None)

    def choices() -> tuple[Any, ...]:
        store = assistant.collection.store
        known = told(lambda: assistant.collection.read(
            lambda: (sorted({file.name for file in store.files()}), store.known_bylines())
        ), WHERE)
        if isinstance(known, str):
            return tuple(gr.update() for _ in range(4))
        files, (dated, earliest, latest, signed) = known
        return (
            gr.update(choices=files), gr.update(visible=signed > 0),
            *(gr.update(visible=dated > 0, placeholder=str(year)) for year in (earliest, latest)),
        )

    def opened(link: str, *values: Any) -> tuple[Any, ...]:
        """What a link of the page leads to: ``paper/ID/START/END`` or ``topic/NUMBER``; see `shown.paper`."""
        kind, *parts = link.partition("?")[0].split("/")
        nothing = (gr.update(),) * 7
        if kind == "paper" and len(parts) == 3:
            details = told(lambda: look_at(assistant, parts[0]), WHERE)
            if isinstance(details, str):
                return problem(details), *nothing[1:]
            start, end = (int(part) if part.isdecimal() and len(part) < 8 else 0 for part in parts[1:])
            return (paper_view(details, start, end) if details else gone()), *nothing[1:]
        atlas = maps.atlas()
        if kind == "topic" and parts and atlas is not None:
            number = int(parts[0]) if parts[0].isdecimal() and int(parts[0][:4]) < len(atlas.topics) else None
            return gr.update(), number, *results_of(*values[:-1], number, page=0), _legend(maps, number)
        return nothing

    def drawn(shown: str, topic: int | None) -> tuple[Any, ...]:
        """The map as it is, and whether to look again soon because it is being drawn."""
        found = told(maps.latest, WHERE)
        if isinstance(found, str):
            return gr.update(), "", problem(found), None, gr.Timer(active=False)
        atlas, note = found
        again = gr.Timer(active=note.endswith("…"))
        if atlas is None or atlas.state == shown:
            return gr.update(), shown, legend(atlas, note, topic), topic, again
        return _data(site, atlas), atlas.state, legend(atlas, note), None, again  # other topics

    def lit_up(ids: Sequence[str]) -> str:
        known = {paper.paper_id: paper for paper in assistant.papers(list(ids))}
        return cited_note([known[one] for one in dict.fromkeys(ids) if one in known])

    listing = [listed, page, back, on]
    many = {**PRIVATE, "show_progress": "minimal", "trigger_mode": "always_last"}  # what was asked last is shown
    search = [query.submit, name.submit, author.submit, source.input, code.input, first.submit, last.submit]
    gr.on([*search, apply.click], anew, asked, listing, **many)
    back.click(turned(-1), [*asked, page], listing, **many)
    on.click(turned(1), [*asked, page], listing, **many)
    clear.click(cleared, None, [*asked, *listing, around], **many)
    followed.change(opened, [followed, *asked], [paper, topic, *listing, around], **many)
    # Gradio does not tell of a change by what goes round the queue, such as another conversation being opened.
    gr.on([cited.change, tab.select], lit_up, cited, lit, **PRIVATE, show_progress="hidden")
    tab.select(choices, None, [source, author, first, last], **PRIVATE, show_progress="hidden")
    tab.select(lambda *values: results_of(*values[:-1], page=values[-1]), [*asked, page], listing, **many)
    mapped: dict[str, Any] = {**PRIVATE, "show_progress": "hidden"}
    tab.select(drawn, [state, topic], [data, state, around, topic, soon], **mapped)
    soon.tick(drawn, [state, topic], [data, state, around, topic, soon], **mapped)


def _legend(maps: Maps, topic: int | None) -> str:
    return legend(maps.atlas(), "" if maps.atlas() else "The map is being drawn …", topic)


def _data(site: Site, atlas: Any) -> str:
    known = site.assistant.collection.read(lambda: dict(site.assistant.collection.store.titles()))
    return map_data(atlas, {paper: known[paper] for paper in atlas.paper_ids if paper in known})


def _one(word: str | None) -> tuple[str, ...]:
    return (word.strip(),) if word and word.strip() else ()


def _year(typed: str | None) -> int | None:
    if not typed or not typed.strip():
        return None
    if not typed.strip().isdecimal():
        raise MisuseError(f"a year is a number such as 2021, not {typed.strip()!r}")
    return int(typed)
