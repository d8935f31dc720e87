"""The text of an answer as HTML: its sentences with marks and signs, and what stands between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assistant.records import AnswerSentence, Citation
from assistant.ui.page.shown.escape import text
from assistant.ui.page.shown.marks import check, mark

_MARKS = re.compile(r"\s*\[(\d+)\]")
_NOTICE = re.compile(r"^\s*(\([^()]*(?:\([^()]*\)[^()]*)*\))\s+")
_MARKED = re.compile(r"(\[\d+\])")


def written(said: str) -> str:
    """An answer that is still being written: text, whose marks are not buttons yet.

    >>> written("So <b>. [1]")
    'So &lt;b&gt;. <span class="mark">1</span>'
    """
    parts = _MARKED.split(said)
    return "".join(
        f'<span class="mark">{part[1:-1]}</span>' if number % 2 else text(part) for number, part in enumerate(parts)
    )


def prose(said: str, sentences: Sequence[AnswerSentence], citations: Sequence[Citation]) -> str:
    """A finished text: a notice before it as a paragraph of its own, then a paragraph for each of its lines.

    Args:
        sentences: in the order in which they stand in the text; what stands between them is shown as it is.
    """
    cited = {found.mark: found for found in citations}
    told, said = notices(said)
    parts, at = [], 0
    for sentence in sentences:
        start = said.find(sentence.text, at)
        if start < 0:
            continue
        parts.append(_between(said[at:start], cited))
        at = start + len(sentence.text)
        sign = check(sentence.checked) if sentence.checked or sentence.marks else ""
        parts.append(f'<span class="sentence"><bdi>{text(sentence.text)}</bdi>{sign}</span>')
    parts.append(_between(said[at:], cited))
    lines = "".join(parts).split("\n")
    return told + "".join(f"<p>{line}</p>" for line in lines if line.strip())


def notices(said: str) -> tuple[str, str]:
    """What an answer says about itself before it begins, in brackets, as HTML; and the rest of the text."""
    told = ""
    while match := _NOTICE.match(said):
        told += f'<p class="notice" role="note">{text(match[1][1:-1])}</p>'
        said = said[match.end():]
    return told, said


def _between(said: str, cited: Mapping[int, Citation]) -> str:
    """Marks, labels and line breaks between two sentences."""
    parts, at = [], 0
    for match in _MARKS.finditer(said):
        found = cited.get(int(match[1]))
        parts.append(text(said[at:match.start()]) + (mark(found) if found else text(match[0])))
        at = match.end()
    return "".join(parts) + text(said[at:])
