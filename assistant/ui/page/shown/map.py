"""The map of the collection → what the page's script draws, and the topics as a list of links."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from assistant.answering.citations import shorten
from assistant.records import Paper
from assistant.topics.atlas import Atlas
from assistant.topics.topics import SEPARATOR
from assistant.ui.page.shown.escape import text

LONGEST_TITLE = 120  # characters of a title under the pointer


def map_data(atlas: Atlas, titles: Mapping[str, str | None]) -> str:
    """The map as JSON; its texts are drawn as text, never taken for HTML.

    Args:
        titles: paper_id -> title; papers that are not there any more are left out.
    """
    kept = [place for place, paper in enumerate(atlas.paper_ids) if paper in titles]
    return json.dumps({
        "state": atlas.state,
        "ids": [atlas.paper_ids[place] for place in kept],
        "titles": [shorten(titles[atlas.paper_ids[place]] or "(untitled)", LONGEST_TITLE) for place in kept],
        "x": [atlas.x[place] for place in kept],
        "y": [atlas.y[place] for place in kept],
        "topic": [atlas.topic[place] for place in kept],
        "topics": [{"name": topic.name, "x": topic.x, "y": topic.y} for topic in atlas.topics],
    }, separators=(",", ":"))


def legend(atlas: Atlas | None, note: str, chosen: int | None = None) -> str:
    """What stands under the map: how it is to be read, and the topics, each a link to its papers."""
    if atlas is None:
        return f'<div class="map-legend"><p role="status">{text(note)}</p></div>'
    drawn = f"{len(atlas.paper_ids):,} of {atlas.papers:,} papers" if len(atlas.paper_ids) < atlas.papers else (
        f"{atlas.papers:,} papers"
    )
    topics = "".join(
        f'<li><a class="topic topic-{number % 12}{" chosen" if number == chosen else ""}" '
        f'title="{text(topic.name)}" href="#topic/{"" if number == chosen else number}">'
        f"{text(SEPARATOR.join(topic.name.split(SEPARATOR)[:2]))}</a> <span>{topic.papers:,}</span></li>"
        for number, topic in enumerate(atlas.topics)
    )
    status = f'<p role="status">{text(note)}</p>' if note else ""
    return (
        f'<div class="map-legend">{status}<p>{drawn}; what is alike lies together. Topics are named by the words that '
        f"set them apart; choose one to list its papers.</p><ul>{topics}</ul></div>"
    )


def cited_note(cited: Sequence[Paper]) -> str:
    """The papers of the last answer, for the script to light up and for the reader to open."""
    if not cited:
        return '<div class="map-cited"></div>'
    rows = "".join(
        f'<li><a href="#paper/{paper.paper_id}/0/0" dir="auto">'
        f"{text(shorten(paper.title or paper.abstract, LONGEST_TITLE))}</a></li>" for paper in cited
    )
    count = "1 paper" if len(cited) == 1 else f"{len(cited)} papers"
    return (
        f'<div class="map-cited"><details><summary>The last answer cites {count}, lit up on the map</summary>'
        f"<ol>{rows}</ol></details></div>"
    )
