"""What several verbs take."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from assistant.retrieval.filters import Filters

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # where a verb adds its parser


def filter_options() -> argparse.ArgumentParser:
    """Options that `ask` and `search` share; each that is given must hold."""
    options = argparse.ArgumentParser(add_help=False)
    group = options.add_argument_group("only papers that …")
    group.add_argument(
        "--source", metavar="FILE", action="append", default=[],
        help="were read from this file (or pattern, as '003*'); of several, one is enough",
    )
    group.add_argument(
        "--has-code", action=argparse.BooleanOptionalAction,
        help="link to a repository (GitHub, Hugging Face, Zenodo …) or say that their code is available",
    )
    group.add_argument(
        "--name", action="append", default=[], help="mention this name, however it is written; of several, all"
    )
    group.add_argument(
        "--year", type=_years, metavar="YEARS", help="are of these years: 2021, 2020-2023, 2020- or -2023"
    )
    group.add_argument(
        "--author", metavar="NAME", action="append", default=[], help="are by this author; of several, all"
    )
    return options


def filters_of(arguments: argparse.Namespace) -> Filters:
    """The filters those options make."""
    from assistant.retrieval.filters import Filters

    return Filters(
        sources=tuple(arguments.source), has_code=arguments.has_code, names=tuple(arguments.name),
        years=arguments.year, authors=tuple(arguments.author),
    )


def positive(text: str) -> int:
    """A whole number from 1 up, as argparse reads it."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _years(text: str) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"(\d{4})?\s*(-|–)?\s*(\d{4})?", text.strip())
    if match is None or not (match[1] or match[3]) or (match[1] and match[3] and not match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a year nor years; give 2021, 2020-2023, 2020- or -2023")
    first, last = (int(year) if year else None for year in (match[1], match[3]))
    return (first, first) if match[2] is None else (first, last)
