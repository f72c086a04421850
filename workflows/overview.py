"""Overview: how all of Usher fares, in what one page can show. Read only.

What would surprise a reader: nothing is counted here. The clock has looked (see `surveys`), and
only where it is not heard is what is stuck looked for anew, so that a silent clock does not hide
what it left behind.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workflows import acknowledgements, alarms, rescues, surveys
from workflows.acknowledgements import Acknowledgement
from workflows.ailments import Ailment
from workflows.alarms import Alarm
from workflows.engine import heartbeats, outbox, readings, webhooks
from workflows.engine.db import now
from workflows.engine.heartbeats import Heartbeat
from workflows.engine.webhooks import Call
from workflows.rescues import Rescue
from workflows.stuck import AILMENTS, BY_NAME

MOST_CAUSES, FEW_CAUSES = 12, 3  # that a page shows at first, of all ailments and of one


@dataclass(frozen=True)
class Ill:
    """One cause of an ailment, with what is known of it and what is done about it."""

    ailment: Ailment
    cause: str
    number: int
    since: datetime
    ages: tuple[int, ...]
    known: Acknowledgement | None = None
    rescues: tuple[tuple[Rescue, Counter[str]], ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether somebody knows of it, and it has not grown far beyond that."""
        return self.known is not None and self.known.covers(self.number)

    @property
    def verifying(self) -> tuple[Rescue, Counter[str]] | None:
        """What is being done about it and has not shown yet whether it helped."""
        return next((one for one in self.rescues if one[0].over_at is None), None)


@dataclass(frozen=True)
class Overview:
    """What the status page shows."""

    at: datetime  # when it was looked
    late: bool  # the clock has not looked for a minute
    stuck: list[Ill]
    waiting: list[Ill]  # one for each ailment, whatever its causes
    states: dict[str, Any] = field(default_factory=dict)
    moves: dict[str, Any] = field(default_factory=dict)
    states_at: datetime | None = None
    invariants: dict[str, int] = field(default_factory=dict)
    invariants_at: datetime | None = None
    processes: list[Heartbeat] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)  # that are not over
    unheard: Call | None = None  # the webhook was called in vain
    due: int | None = None  # letters that are due, where the clock does not count what waits

    @property
    def number(self) -> int:
        """How many rows are stuck."""
        return sum(ill.number for ill in self.stuck)

    @property
    def worst(self) -> list[Ill]:
        """What a page has room for at first: of each ailment a few causes, before more of any."""
        of: Counter[str] = Counter()
        few: list[int] = []
        more: list[int] = []
        for ill in self.stuck:
            of[ill.ailment.name] += 1
            (few if of[ill.ailment.name] <= FEW_CAUSES else more).append(id(ill))
        shown = [*few, *more][:MOST_CAUSES]
        return [ill for ill in self.stuck if ill.verifying or id(ill) in shown]

    @property
    def waits(self) -> int:
        return sum(ill.number for ill in self.waiting)


def look() -> Overview:
    """How all of Usher fares."""
    found, at, late = ailments_now()
    states, impossible = readings.last("states"), readings.last("invariants")
    causes = _causes(found)
    told = states.facts if states else {}
    return Overview(
        at, late,
        _worst_first(_with_rescues([ill for ill in causes if ill.ailment.stuck])),
        _together([ill for ill in causes if not ill.ailment.stuck]),
        told.get("rows", {}), told.get("moves", {}), states.at if states else None,
        impossible.facts if impossible else {}, impossible.at if impossible else None,
        heartbeats.heard(), list(alarms.raised()), webhooks.in_vain(),
        outbox.due() if late else None,
    )  # fmt: skip


def ailments_now() -> tuple[dict[str, Any], datetime, bool]:
    """What is stuck and waits, when that was so, and whether the clock is late."""
    reading, running = readings.last("ailments"), {one.kind for one in heartbeats.alive()}
    if reading and reading.at > now() - 2 * surveys.FRESH and "clock" in running:
        return reading.facts, reading.at, False
    return surveys.find(), now(), True


def _causes(found: dict[str, Any]) -> list[Ill]:
    known = acknowledgements.all_of_them()
    return [
        Ill(
            ailment, one["cause"], one["number"], datetime.fromisoformat(one["since"]),
            tuple(one["ages"]), known.get((ailment.name, one["cause"])),
        )
        for ailment in AILMENTS
        for one in found.get(ailment.name, [])
    ]  # fmt: skip


def _with_rescues(causes: list[Ill]) -> list[Ill]:
    """Each with what was done about it lately; what is done about others is a cause as well."""
    done = [one for one in rescues.lately() if BY_NAME[one[0].ailment].stuck]
    only = Counter(ill.ailment.name for ill in causes)
    shown = [
        replace(ill, rescues=tuple(o for o in done if _about(o[0], ill, only[ill.ailment.name])))
        for ill in causes
    ]
    told = {rescue.id for ill in shown for rescue, _ in ill.rescues}
    alone = [one for one in done if one[0].id not in told and one[0].over_at is None]
    return shown + [
        Ill(BY_NAME[one[0].ailment], one[0].cause or "", 0, one[0].at, (), rescues=(one,))
        for one in alone
    ]


def _about(rescue: Rescue, ill: Ill, causes: int) -> bool:
    """Whether it is done about this cause; rows that were chosen may be of any, if of several."""
    of_it = rescue.cause == ill.cause or (rescue.cause is None and causes == 1)
    return rescue.ailment == ill.ailment.name and of_it


def _worst_first(causes: list[Ill]) -> list[Ill]:
    """What nobody knows of goes first, then what others come of, what is most, what is oldest."""

    def place(ill: Ill) -> Any:
        return ill.is_known, ill.ailment.mild, not ill.ailment.first, -ill.number, ill.since

    return sorted(causes, key=place)


def _together(causes: list[Ill]) -> list[Ill]:
    """One for each ailment, in the order of the list."""
    of: dict[str, list[Ill]] = {}
    for ill in causes:
        of.setdefault(ill.ailment.name, []).append(ill)
    return [
        replace(
            several[0], number=sum(ill.number for ill in several),
            since=min(ill.since for ill in several),
            ages=tuple(map(sum, zip(*(ill.ages for ill in several), strict=True))),
        )
        for several in of.values()
    ]  # fmt: skip
