"""Processes that are not heard, disagree, or cannot do their work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, case, exists, func, literal, null, select, union_all

from workflows.ailments import Ailment, found
from workflows.engine import readings
from workflows.engine.db import Moment, now
from workflows.engine.heartbeats import SILENT, Heartbeat
from workflows.remedies import FORGET

NEEDED = ("clock", "worker")
LARGEST_SKEW = 2.0  # seconds
MIXED_FOR = timedelta(hours=1)
MISSING = {  # what it means that a process of this kind is missing
    "clock": "Until the clock runs again letters wait, nothing expires, bulk actions rest, and no "
    "alarm is raised.",
    "worker": "Until a worker runs again letters leave by the clock alone, more slowly.",
    "web": "Until it runs again the other web processes, if there are any, answer everybody.",
}


def silent() -> Any:
    """Processes that stopped without a word, and kinds of which none was ever heard."""
    alike = func.count().over(partition_by=Heartbeat.kind)
    host = case((alike == 1, Heartbeat.host), else_="several hosts")
    cause = Heartbeat.kind + " on " + host
    gone = found(Heartbeat.id, Heartbeat.at, cause).where(Heartbeat.at < now() - SILENT)
    begun = ~exists().where(Heartbeat.since > now() - SILENT)  # else it may be about to say so
    missing = [
        _one(number, f"no {kind} was ever heard", ~exists().where(Heartbeat.kind == kind) & begun)
        for number, kind in enumerate(NEEDED, start=1)
    ]
    return union_all(gone, *missing)


def without(cause: str) -> str:
    """What it means that this one is silent."""
    return next((words for kind, words in MISSING.items() if kind in cause.split(" on ")[0]), "")


def _one(number: int, cause: str, which: Any, since: Any = None) -> Any:
    """A row that is in no table; its id is below zero."""
    return select(
        literal(-number).label("row_id"), literal(since or now(), Moment).label("since"),
        literal(cause).label("cause"), null().label("organization_id"),
    ).where(which)  # fmt: skip


def unheard() -> Select[Any]:
    rows = found(Heartbeat.id, Heartbeat.at, Heartbeat.trouble)
    return rows.where(Heartbeat.trouble.is_not(None), _alive())


def _alive() -> Any:
    return Heartbeat.at >= now() - SILENT


def mixed() -> Select[Any]:
    """Processes that run an older version than the newest, an hour after that one began."""
    newest = select(Heartbeat.version).where(_alive()).order_by(Heartbeat.since.desc()).limit(1)
    began = select(func.max(Heartbeat.since)).where(_alive()).scalar_subquery()
    last = newest.scalar_subquery()
    cause = Heartbeat.version + " still runs, the newest is " + last
    rows = found(Heartbeat.id, Heartbeat.since, cause).where(_alive(), began < now() - MIXED_FOR)
    return rows.where(Heartbeat.version != last)


def skewed() -> Select[Any]:
    cause = case((Heartbeat.skew > 0, "ahead of the database’s"), else_="behind the database’s")
    rows = found(Heartbeat.id, Heartbeat.at, cause)
    return rows.where(func.abs(Heartbeat.skew) > LARGEST_SKEW, _alive())


def undone() -> Any:
    """Jobs of the clock that failed the last time, as the clock tells."""
    return _told("jobs", "{}: {}")


def impossible() -> Any:
    """What the invariants found when they last ran."""
    return _told("invariants", "{}: {:,}")


def _told(name: str, words: str) -> Any:
    """A row for everything that a reading tells and that is not well."""
    reading = readings.last(name)
    told = sorted((what, ill) for what, ill in reading.facts.items() if ill) if reading else []
    rows = [
        _one(number, words.format(what, ill), literal(1) == 1, reading.at if reading else None)
        for number, (what, ill) in enumerate(told, start=1)
    ]
    return union_all(*rows) if rows else _one(0, "", literal(1) == 0)


PROCESSES = (
    Ailment(
        "process-silent", "K20", "Process silent",
        "It was running and is not heard any more, or none of its kind ever was. Start it again. "
        "Nothing is lost. Forget it only if it was stopped for good.",
        "heartbeats", silent, itself="Whatever supervises it should start it again.",
        remedies=(FORGET,), first=True, meaning=without,
    ),
    Ailment(
        "queue-unheard", "K22", "Queue out of order",
        "No worker hears the bells that the clock rings. Start Redis or Valkey again; where it "
        "answers, start the workers again. Nothing that was in it is needed, and nothing is lost.",
        "heartbeats", unheard, itself="The clock delivers until then, more slowly.", first=True,
    ),
    Ailment(
        "version-mixed", "K21", "Two versions at once",
        "These processes still run another version than the newest, an hour after it began. "
        "Nothing is lost. Finish the upgrade: start them again.",
        "heartbeats", mixed,
    ),
    Ailment(
        "clock-skewed", "K26", "Clock of a host is wrong",
        "The clock of this host differs from the database's by more than two seconds. Deadlines "
        "go by the database's, so nothing is lost. Let NTP set both.",
        "heartbeats", skewed,
    ),
    Ailment(
        "job-undone", "K24", "Work of the clock not done",
        "What the clock does again and again failed the last time. Nothing is lost; it waits.",
        "readings", undone, itself="It is tried again in its time.",
    ),
    Ailment(
        "impossible", "R4", "Impossible state",
        "Rows contradict each other in a way that the code cannot bring about: a restore that was "
        "not whole, or a hand in the database. Make a backup now, before anything else. Look at "
        "each: there are the rows, and what mends them. It is gone at the next look after that.",
        "readings", impossible, itself="Looked for again every five minutes.", first=True,
    ),
)  # fmt: skip
