"""Pictures of numbers, drawn by the server: what is data stands in attributes of the SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, GAP, LEAST = 1000, 4, 12  # of the whole bar, between two pieces, of the smallest piece


class Piece(NamedTuple):
    """A piece of a bar: which of the numbers it shows, where it begins, how wide it is."""

    place: int
    x: float
    width: float


def bar(numbers: Sequence[int]) -> list[Piece]:
    """The numbers as pieces of one bar, each as wide as its share, none too small to be seen."""
    shown = [place for place, number in enumerate(numbers) if number]
    room = WIDTH - GAP * (len(shown) - 1) - LEAST * len(shown)
    total, x, pieces = sum(numbers), 0.0, []
    for place in shown:
        width = LEAST + room * numbers[place] / total
        pieces.append(Piece(place, round(x, 1), round(width, 1)))
        x += width + GAP
    return pieces
