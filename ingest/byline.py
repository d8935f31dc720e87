"""Year and authors as tables write them → a number and a tuple of names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ingest.clean import composed

# "2021", "2021-05-03", "May 2021", "20210503", "2021.0"; no part of a longer number.
_YEAR = re.compile(r"(?<!\d)((?:1[6-9]|20)\d\d)(?:(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))?(?!\d)")
_AND = re.compile(r",? (?:and|&) ")
MAX_AUTHORS = 5000  # a hostile field is cut; the largest collaborations have about 3,000


def read_year(value: object) -> int | None:
    """The first year, 1600 to 2099, in a field that gives a year or a date; None if there is none.

    >>> read_year("2021-05-03"), read_year(2019), read_year("May 2020"), read_year("n.d.")
    (2021, 2019, 2020, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _YEAR.search(str(value)[:200])
    return int(match.group(1)) if match else None


def read_authors(value: object) -> tuple[str, ...]:
    """Names in the order given: of a list, or of a text that parts them by ";", or by "and" and commas.

    A comma parts two names only if each has a space within: "Meng, Kevin and Bau, David" are two authors, and so are
    "Kevin Meng, David Bau".

    >>> read_authors("Meng, Kevin; Bau, David"), read_authors("Kevin Meng, David Bau and Alex Andonian")
    (('Meng, Kevin', 'Bau, David'), ('Kevin Meng', 'David Bau', 'Alex Andonian'))
    >>> read_authors(["Kevin Meng", {"name": "David Bau"}])
    ('Kevin Meng', 'David Bau')
    """
    if isinstance(value, list):
        named = (item.get("name") if isinstance(item, dict) else item for item in value[:MAX_AUTHORS])
        return _tidy(name for name in named if isinstance(name, str))
    if not isinstance(value, str):
        return ()
    if ";" in value:
        return _tidy(value.split(";", MAX_AUTHORS))
    return _tidy(name for part in _AND.split(" ".join(value.split()), MAX_AUTHORS) for name in _listed(part))


def _listed(part: str) -> list[str]:
    names = part.split(",", MAX_AUTHORS)
    return names if all(" " in name.strip() for name in names if name.strip()) else [part]


def _tidy(names: Iterable[str]) -> tuple[str, ...]:
    printable = ("".join(c if c.isprintable() else " " for c in composed(name)) for name in names)
    kept = (" ".join(name.split()).strip(" ,") for name in printable)
    return tuple(dict.fromkeys(name for name in kept if any(c.isalpha() for c in name)))
