"""The picture of a machine, with the numbers of all its rows or with the way that one has gone.

Drawn from the machine itself, 400 units wide so that it fits a phone: its life from top to bottom
at the left, ends and detours at the right. How it looks is in `usher.css`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from markupsafe import Markup

from workflows.engine.machine import Machine

LEFT, RIGHT, BOX, HIGH, STEP, TOP = 32, 252, 116, 58, 104, 8
Spot = tuple[float, float]


class Box(NamedTuple):
    """What stands in the box of a state, beside its name."""

    kind: str  # for `usher.css`
    look: str = ""  # the state whose colours it has; none: grey
    large: str = ""
    small: str = ""


@dataclass(frozen=True)
class Numbers:
    """What is known of a machine's rows: how many and how old by state, and what moved lately."""

    rows: Mapping[str, tuple[int, str]]  # by state: how many, and the age of the oldest in words
    moves: Mapping[str, int]  # by "source>target", within the hour
    hot: Collection[str] = ()  # states in which something is stuck
    looks: Mapping[str, str] = field(default_factory=dict)  # of states that look like another

    def box(self, state: str) -> Box:
        number, age = self.rows.get(state, (0, ""))
        kind = "is-hot" if state in self.hot else "" if number else "is-zero"
        return Box(kind, self.looks.get(state, _word(state).lower()), f"{number:,}", age)

    def beside(self, arrow: str) -> str | None:
        """What stands beside an arrow that was taken; None: it was not."""
        moved = self.moves.get(arrow, 0)
        return f"{moved:,}" if moved else None

    def told(self, states: list[str]) -> str:
        """The same in words, for whoever cannot see it."""
        return ", ".join(
            f"{self.rows.get(state, (0, ''))[0]:,} {_word(state).lower()}" for state in states
        )


@dataclass(frozen=True)
class Way:
    """The way that one row has gone: where it is, when it was where, and how often it moved."""

    here: str
    since: str  # the age of this state in words
    reached: Mapping[str, str]  # by state: when it came there last
    moves: Mapping[str, int]  # by "source>target", in its whole life
    looks: Mapping[str, str] = field(default_factory=dict)

    def box(self, state: str) -> Box:
        look, been = self.looks.get(state, _word(state).lower()), self.reached.get(state)
        if state == self.here:
            return Box("is-here", look, "Here", self.since)
        return Box("", look, "", been) if been else Box("is-zero")

    def beside(self, arrow: str) -> str | None:
        times = self.moves.get(arrow, 0)
        return f"{times:,} ×" if times > 1 else "" if times else None

    def told(self, states: list[str]) -> str:
        been = [f"{_word(one).lower()} {when}" for one, when in self.reached.items()
                if one in states and one != self.here]  # fmt: skip
        return "; ".join([f"{_word(self.here).lower()} for {self.since}", *been])


def draw(title: str, machine: type[Machine], life: list[str], shown: Numbers | Way) -> Markup:
    """The picture as SVG, and in words for who cannot see it."""
    states = [str(state.value) for state in machine.states]
    spots = _spots(states, life)
    arrows = dict.fromkeys((source, target) for source, _, target in machine.arrows())
    parts = [_arrow(spots, *arrow, shown.beside(">".join(arrow))) for arrow in arrows]
    parts += [_box(state, spots[state], shown) for state in states]
    tall = max(y for _, y in spots.values()) + HIGH + 8
    head = f'<svg class="u-machine" viewBox="0 0 400 {tall:.0f}" role="img" '
    told = escape(f"{title}: {shown.told(states)}")
    return Markup(f'{head}aria-label="{told}">{"".join(parts)}</svg>')


def _spots(states: list[str], life: list[str]) -> dict[str, Spot]:
    ends = [state for state in states if state not in life]
    gap = max(HIGH + 14, min(STEP, STEP * (len(life) - 1) / max(1, len(ends) - 1)))
    left = {state: (LEFT, TOP + STEP * place) for place, state in enumerate(life)}
    return left | {state: (RIGHT, TOP + gap * place) for place, state in enumerate(ends)}


def _word(state: str) -> str:
    return state.replace("_", " ").capitalize()


def _box(state: str, spot: Spot, shown: Numbers | Way) -> str:
    x, y = spot
    kind, look, large, small = shown.box(state)
    return (
        f'<g class="{kind}" data-state="{escape(look)}">'
        f'<rect x="{x:g}" y="{y:g}" width="{BOX}" height="{HIGH}" rx="9"/>'
        f'<text class="n" x="{x + 11:g}" y="{y + 22:g}">{escape(_word(state))}</text>'
        f'<text class="c" x="{x + 11:g}" y="{y + 46:g}">{escape(large)}</text>'
        f'<text class="o" x="{x + BOX - 10:g}" y="{y + 45:g}" text-anchor="end">{escape(small)}'
        "</text></g>"
    )


def _arrow(spots: dict[str, Spot], source: str, target: str, beside: str | None) -> str:
    (x1, y1), (x2, y2) = spots[source], spots[target]
    if source == target:
        path, tip, word = _loop(x1, y1)
    elif x1 == x2:
        path, tip, word = _down(x1, y1, y2) if 0 < y2 - y1 <= STEP else _beside(x1, y1, y2)
    else:
        path, tip, word = _across(x1, y1, x2, y2)
    number = f'<text class="e" {word}>{escape(beside)}</text>' if beside else ""
    line = f'<path d="{path}"/><path class="h" d="{tip}"/>{number}'
    return line if beside is None else f'<g class="is-moving">{line}</g>'


def _loop(x: float, y: float) -> tuple[str, str, str]:
    side = -1 if x == LEFT else 1
    edge = x if side < 0 else x + BOX
    path = f"M{edge:g} {y + 38:g}c{side * 24} 12 {side * 24} -30 0 -18"
    return (
        path,
        _tip(edge, y + 20, -side, 0),
        f'x="{edge + side * 20:g}" y="{y + 14:g}"' + _anchor(side),
    )


def _anchor(side: int) -> str:
    return ' text-anchor="end"' if side < 0 else ""


def _down(x: float, y1: float, y2: float) -> tuple[str, str, str]:
    middle = x + BOX / 2
    word = f'x="{middle + 9:g}" y="{(y1 + HIGH + y2) / 2 + 4:g}"'
    return f"M{middle:g} {y1 + HIGH:g}V{y2 - 1:g}", _tip(middle, y2, 0, 1), word


def _beside(x: float, y1: float, y2: float) -> tuple[str, str, str]:
    """Back up, or past another state: a curve on the outer side."""
    side = -1 if x == LEFT else 1
    edge = x if side < 0 else x + BOX
    begin, end = y1 + HIGH / 2 - 8, y2 + HIGH / 2 + 8
    far = edge + side * 28
    path = f"M{edge:g} {begin:g}C{far:g} {begin:g} {far:g} {end:g} {edge + side:g} {end:g}"
    word = f'x="{far - side * 10:g}" y="{(begin + end) / 2 + 4:g}"{_anchor(side)}'
    return path, _tip(edge, end, -side, 0), word


def _across(x1: float, y1: float, x2: float, y2: float) -> tuple[str, str, str]:
    forth = x2 > x1
    shift = -8 if forth else 8
    begin, end = y1 + HIGH / 2 + shift, y2 + HIGH / 2 + shift
    start, stop = (x1 + BOX, x2) if forth else (x1, x2 + BOX)
    bend = (stop - start) / 2
    curve = f"{start + bend:g} {begin:g} {stop - bend:g} {end:g} {stop:g} {end:g}"
    near = stop - 14 if forth else stop + 14
    word = f'x="{near:g}" y="{end - 5 if forth else end + 14:g}"{_anchor(-1 if forth else 1)}'
    return f"M{start:g} {begin:g}C{curve}", _tip(stop, end, 1 if forth else -1, 0), word


def _tip(x: float, y: float, dx: int, dy: int) -> str:
    """The head of an arrow that arrives here in this direction."""
    back, wide = 7, 3.6
    one = f"{x - back * dx - wide * dy:g} {y - back * dy - wide * dx:g}"
    two = f"{x - back * dx + wide * dy:g} {y - back * dy + wide * dx:g}"
    return f"M{x:g} {y:g}L{one}L{two}Z"
