"""The Ask tab: the conversation, the paper beside it, and what can be done with both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from assistant.answering.citations import papers_of
from assistant.conversation.history import Feedback
from assistant.errors import AssistantError
from assistant.index.lru import Recent
from assistant.records import Turn
from assistant.ui.export import exported
from assistant.ui.page.entries import Entry, Pending
from assistant.ui.page.examples import examples
from assistant.ui.page.history import history_panel
from assistant.ui.page.own_settings_panel import settings_panel
from assistant.ui.page.parcel import save, say
from assistant.ui.page.session import Session, Sessions
from assistant.ui.page.shown.answer import beginning, conversation, entry_html, turn_html
from assistant.ui.page.shown.cited import cited as cited_paper
from assistant.ui.page.shown.frames import PANEL, TALK
from assistant.ui.page.shown.saved import saved_list
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr

    from assistant.records import Paper

LONGEST_QUESTION = 10_000  # characters
AT_ONCE = 16               # questions answered side by side, beside those that wait for a model
WAITING = 16               # answers that wait for a model, whichever
RANKED = 50                # papers among which a cited one's place is told

Update = dict[Any, Any]    # component -> its new value


def chat_tab(site: Site, page: gr.Blocks, *, cited: gr.State) -> None:
    """Build it inside the tab that is open; puts the papers that the last answer cites into ``cited``."""
    import gradio as gr

    sessions = Sessions(site)
    site.assistant.servers.limit(each=site.settings.model_at_once, together=WAITING)
    begun: Recent[str, str] = Recent(1)
    session = gr.State(None, delete_callback=_close)  # keeps it alive as long as the page is open
    who = gr.JSON(visible=False)     # what the browser says it is, once it has been looked at
    parcel = gr.HTML({}, html_template="", js_on_load="chat.receive(watch, props)", elem_id="parcel", container=False)

    def entered(here: Any, request: gr.Request) -> Session:
        return sessions.enter(str(request.session_hash), username=request.username, told=here)

    def begin() -> str:
        """What stands where nothing has been asked; made once for a state of the collection: all names are counted."""
        store = site.assistant.collection.store
        made = begun.get(
            ["html"], lambda _: {"html": beginning(store.count(), examples(site.assistant))}, state=store.generation()
        )
        return made["html"]

    with gr.Row(elem_id="ask"):
        with gr.Column(elem_id="side", min_width=0):
            history = history_panel()
            settings_panel(site, session, who, parcel, enter=entered)
        with gr.Column(elem_id="talk", min_width=0):
            # Its value is a message: the turns to keep, and the HTML that follows them.
            talk = gr.HTML(
                {"keep": 0, "html": begin()},
                html_template=TALK, apply_default_css=False, elem_id="conversation",
                js_on_load="chat.converse(element, trigger, server, props, watch)  // 'ask' 'act'",
                server_functions=[_paper_opener(site)],
            )
            box = gr.Textbox(
                placeholder="Ask the collection …", label="Question", show_label=False, container=False, autofocus=True,
                lines=1, max_lines=8, max_length=LONGEST_QUESTION, elem_id="question", submit_btn="Ask",
            )
        gr.HTML(PANEL, apply_default_css=False, elem_id="paper", js_on_load=None)

    def opened(here: Any, request: gr.Request) -> Update:
        now = entered(here, request)
        # Whoever asked before this came has an answer on the way.
        return {session: now, **(_all_of(now) if now.idle else {})}

    def left(request: gr.Request) -> None:
        sessions.leave(str(request.session_hash), username=request.username)

    def ask(question: str, now: Session, instead: int | None = None) -> Iterator[Update]:
        number = instead or len(now.turns) + 1
        ready = {box: gr.Textbox(submit_btn="Ask", stop_btn=False)}
        change: Update = {box: gr.Textbox(value="", submit_btn=False, stop_btn="Stop"), session: now}
        try:
            for entry in now.ask(question.encode("utf-8", "replace").decode(), instead=instead):
                change[talk] = {"keep": number - 1, "html": _shown(now, entry, number)}
                if isinstance(entry, Turn):
                    change[talk]["conversation"] = now.conversation
                    change |= _aside(now)
                yield change if isinstance(entry, Pending) else change | ready
                change = {}
        except AssistantError as exc:  # such as two at once
            yield {parcel: say(str(exc))}

    def from_box(question: str, here: Any, request: gr.Request) -> Iterator[Update]:
        if question.strip():
            yield from ask(question[:LONGEST_QUESTION], entered(here, request))

    def from_page(here: Any, event: gr.EventData, request: gr.Request) -> Iterator[Update]:
        question, instead = str(event._data.get("question", ""))[:LONGEST_QUESTION], event._data.get("instead")
        if question.strip():
            yield from ask(question, entered(here, request), int(instead) if instead else None)

    def acted(here: Any, event: gr.EventData, request: gr.Request) -> Update:
        now = entered(here, request)
        given = {str(name): value for name, value in event._data.items()}
        update: Update = {session: now}
        try:
            match given.get("do"):
                case "new":
                    update[box] = gr.Textbox(submit_btn="Ask", stop_btn=False)
                    now.saving = not given.get("unsaved")
                    now.begin()
                    update |= _all_of(now)
                case "resume":
                    update[box] = gr.Textbox(submit_btn="Ask", stop_btn=False)
                    now.resume(str(given["id"]))
                    update |= _all_of(now)
                case "redraw":
                    update |= _all_of(now)
                case "search":
                    update[history] = _saved(now, str(given["words"])[:200])
                case "rename":
                    site.conversations.rename(str(given["id"]), str(given["title"]), owner=now.owner)
                    update[history] = _saved(now)
                case "delete":
                    site.conversations.delete(str(given["id"]), owner=now.owner)
                    if given["id"] == now.conversation:
                        now.begin()
                    update |= _all_of(now)
                case "rate":
                    now.rate(int(given["turn"]), Feedback(bool(given["useful"]), str(given["comment"])[:1000]))
                    update[parcel] = say("Thank you; that is kept beside the answer.")
                case "export":
                    update[parcel] = _file(now, str(given["form"]), given.get("turn"))
        except AssistantError as exc:
            update[parcel] = say(str(exc))
        return update

    def _all_of(now: Session) -> Update:
        html = conversation(now.turns, rated=now.conversation is not None, feedback=now.feedback)
        return {
            talk: {"keep": 0, "html": html or begin(), "conversation": now.conversation}, **_aside(now),
        }

    def _aside(now: Session) -> Update:
        """What an answer changes beside the conversation."""
        browser = now.owner.removeprefix("browser:")
        return {
            history: _saved(now), who: {"owner": browser, "conversation": now.conversation},
            cited: papers_of(now.turns[-1].answer) if now.turns else (),
        }

    def _saved(now: Session, words: str = "") -> str:
        found = site.conversations.saved(owner=now.owner, words=words)
        return saved_list(found, current=now.conversation, words=words)

    _annotate(opened, request=gr.Request)
    _annotate(left, request=gr.Request)
    _annotate(from_box, request=gr.Request)
    _annotate(from_page, request=gr.Request, event=gr.EventData)
    _annotate(acted, request=gr.Request, event=gr.EventData)
    every = [session, who, talk, history, box, parcel, cited]
    # "multiple": what is done while something else is on its way is not passed over.
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "multiple"}
    asking: dict[str, Any] = {**quiet, "concurrency_id": "ask", "concurrency_limit": AT_ONCE + WAITING}
    page.load(opened, [who], every, js="() => chat.whoAmI()", queue=False, **quiet)
    page.unload(left)
    box.submit(from_box, [box, who], every, **asking)
    talk.ask(from_page, [who], every, **asking)
    for component in (talk, history):
        component.act(acted, [who], every, queue=False, **quiet)
    box.stop(lambda now: now.stop() if now else None, [session], None, queue=False, **quiet)


def _shown(now: Session, entry: Entry, number: int) -> str:
    if isinstance(entry, Turn):
        return turn_html(entry, number, rated=now.conversation is not None, trace=now.trace)
    return entry_html(entry, number)


def _file(now: Session, form: str, turn: object) -> dict[str, Any]:
    answers = [turn.answer for turn in now.turns]
    if turn:
        answers = answers[int(str(turn)) - 1:int(str(turn))]
    name = f"answer-{turn}" if turn else "conversation"
    return save(f"{name}.{form}", exported(answers, form, now.cited_papers()))


def _paper_opener(site: Site) -> Callable[[dict[str, Any]], dict[str, str]]:
    def paper(asked: dict[str, Any]) -> dict[str, str]:
        """The panel's HTML for a paper; asked by ``chat.js``."""
        found = next(iter(site.assistant.papers([str(asked.get("paper"))])), None)
        if found is None:
            return {"html": "<h2>Gone</h2><p>This paper is no longer in the collection.</p>"}
        start, end = _span(found, asked)
        hits = site.assistant.search(str(asked.get("question", "")), limit=RANKED)
        placed = next(((n, hit) for n, hit in enumerate(hits, 1) if hit.paper.paper_id == found.paper_id), None)
        return {"html": cited_paper(
            found, start, end, relevance=placed[1].support if placed else None, rank=placed[0] if placed else None,
        )}

    return paper


def _span(paper: Paper, asked: dict[str, Any]) -> tuple[int, int]:
    """The quoted words: where they are said to be, else where they are found."""
    try:
        return int(asked["start"]), int(asked["end"])
    except (KeyError, TypeError, ValueError):
        quote = str(asked.get("quote", ""))
        start = paper.abstract.find(quote) if quote else -1
        return start, start + len(quote)


def _close(session: Session | None) -> None:
    if session is not None:
        session.close()


def _annotate(handler: Callable[..., Any], **types: Any) -> None:
    """Gradio looks for its classes among the annotations, which are texts here and name what it cannot see."""
    handler.__annotations__.update(types)
