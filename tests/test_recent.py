"""What was looked up last is remembered, within bounds, until the index moves on."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.index.lru import Recent


class Shelf:
    """Makes values, and notes which keys it was asked for; it has nothing for "gone"."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def make(self, keys: Sequence[str]) -> dict[str, str]:
        self.asked += keys
        return {key: key.upper() for key in keys if key != "gone"}


def test_only_what_is_not_kept_is_made_and_the_order_is_that_asked_for() -> None:
    shelf, recent = Shelf(), Recent[str, str](10)
    recent.get(["b", "gone"], shelf.make)

    assert list(recent.get(["c", "b", "a", "c"], shelf.make).items()) == [("c", "C"), ("b", "B"), ("a", "A")]
    assert shelf.asked == ["b", "gone", "c", "a"]


def test_the_oldest_are_forgotten_beyond_the_bound() -> None:
    shelf, recent = Shelf(), Recent[str, str](2)

    assert list(recent.get(["a", "b", "c"], shelf.make)) == ["a", "b", "c"]
    recent.get(["b", "c"], shelf.make)
    assert shelf.asked == ["a", "b", "c"]
    recent.get(["a"], shelf.make)
    assert shelf.asked == ["a", "b", "c", "a"]


def test_another_state_makes_all_anew() -> None:
    shelf, recent = Shelf(), Recent[str, str](10)

    recent.get(["a"], shelf.make, state=1)
    recent.get(["a"], shelf.make, state=2)

    assert shelf.asked == ["a", "a"]


def test_what_was_made_of_an_old_state_is_not_kept_for_the_new() -> None:
    shelf, recent = Shelf(), Recent[str, str](10)

    def slow(keys: Sequence[str]) -> dict[str, str]:
        recent.get(["b"], shelf.make, state=2)  # the index moves on meanwhile
        return {key: "old" for key in keys}

    assert recent.get(["a"], slow, state=1) == {"a": "old"}
    assert recent.get(["a"], shelf.make, state=2) == {"a": "A"}
