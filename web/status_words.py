"""The words, pictures and facts of the status pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from web import machine_pictures
from web.machine_pictures import Numbers, Way
from web.rendering import ago
from workflows import titles, trails
from workflows.ailments import AGES, Ailment, Found
from workflows.engine.history import Step
from workflows.machines import LIVES
from workflows.overview import Ill, Overview
from workflows.stuck_processes import NEEDED

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = frozenset({  # tables whose rows have a page of their own
    "invitations", "letters", "memberships", "organizations", "seats", "sign_ups", "subscriptions",
    "tokens",
})  # fmt: skip
FIRST = ("invitation", "letter", "token", "subscription", "membership", "seat")
SHORT = {"day": "d", "hour": "h", "minute": "min", "second": "s", "now": "now"}
HOT = {  # by the class: in which state of which machine its rows are
    "letter-late": ("letter", "pending"), "letter-retrying": ("letter", "pending"),
    "letter-unwritable": ("letter", "pending"), "letter-lapsed": ("letter", "sending"),
    "letter-poison": ("letter", "sending"), "letter-dead": ("letter", "dead"),
    "letter-bounced": ("letter", "bounced"), "letter-doubled": ("letter", "sent"),
    "invitation-unmailed": ("invitation", "sent"),
    "invitation-contradicted": ("invitation", "accepted"),
    "seat-unmailed": ("token", "inactive"), "token-unminted": ("token", "active"),
    "seat-tokenless": ("seat", "taken"), "line-still": ("place", "queued"),
    "errand-given-up": ("errand", "done"),
    "organization-unreachable": ("organization", "active"),
}  # fmt: skip
AWAY = {
    "Queue": "The queue does not answer. The clock delivers letters itself, more slowly, and "
    "nothing is lost. Start Redis or Valkey again: nothing that was in it is needed.",
    "Mail server": "The mail server does not answer. Letters wait here for up to 72 hours, and "
    "leave by themselves once it does. ./usher doctor says what is wrong with the connection.",
}
TITLES = {"address-change": "Address changes"}  # where the name and an s are not enough
LOOKS = {"letter": {"sent": "handed over"}, "sign-up": {"waiting": "", "confirmed": "active"}}


class Beat(NamedTuple):
    """One thing that Usher stands on: how it is in figures, and in a word with a colour."""

    what: str
    figure: str
    word: str
    state: str
    help: str = ""  # what that means, and what to do

    @property
    def title(self) -> str:
        """The sentence on top of a page on which nothing is worse."""
        return f"The {self.what.lower()} is {self.word.lower()}"


class Picture(NamedTuple):
    title: str
    total: int  # of one row: its id
    svg: Markup


def pictures(looked: Overview) -> list[Picture]:
    """Every machine with its numbers, those that matter most first."""
    order = [*FIRST, *(name for name in LIVES if name not in FIRST)]
    return [_picture(name, looked) for name in order]


def _picture(name: str, looked: Overview) -> Picture:
    row, life = LIVES[name]
    states = looked.states.get(name, {})
    known = {state: (number, short(since)) for state, (number, since) in states.items()}
    places = [HOT.get(ill.ailment.name, ("", "")) for ill in looked.stuck]
    hot = {state for machine, state in places if machine == name}
    moves = looked.moves.get(row.__tablename__, {})  # type: ignore[attr-defined]
    title = TITLES.get(name, f"{name.capitalize()}s")
    svg = machine_pictures.draw(
        title, row.machine, life, Numbers(known, moves, hot, LOOKS.get(name, {}))
    )
    return Picture(title, sum(number for number, _ in states.values()), svg)


def ways(rows: Sequence[Any]) -> list[Picture]:
    """Of each of these rows its machine, with where it stands and how it came there."""
    machines = {row.__tablename__: (name, life) for name, (row, life) in LIVES.items()}  # type: ignore[attr-defined]
    return [_way(row, *machines[row.__tablename__]) for row in rows]


def _way(row: Any, name: str, life: list[str]) -> Picture:
    taken = trails.moves(row)
    reached = {state: f"{at:%-d %b %H:%M}" for state, at in trails.reached(taken).items()}
    looks = LOOKS.get(name, {})
    way = Way(row.state, short(row.since), reached, trails.times(taken), looks)
    title = name.capitalize()
    return Picture(title, row.id, machine_pictures.draw(title, row.machine, life, way))


def short(since: str | datetime | None) -> str:
    """An age for a small box: 3 h."""
    if since is None:
        return ""
    moment = datetime.fromisoformat(since) if isinstance(since, str) else since
    number, _, unit = ago(moment).partition(" ")
    return f"{number} {SHORT[unit.removesuffix('s')]}" if unit else "now"


def beats(looked: Overview, beside: dict[str, bool], milliseconds: float) -> list[Beat]:
    """The machinery in a line: database, queue, processes, mail."""
    queue = _waiting(looked)
    mail = "Answers" if beside["mail"] else "Does not answer"
    return [
        Beat("Database", f"{milliseconds:.1f} ms", "Fine", "fine"),
        _there("Queue", queue, beside["queue"]),
        *(_process(kind, looked) for kind in ("web", "worker", "clock")),
        _there("Mail server", mail, beside["mail"]),
    ]


def _waiting(looked: Overview) -> str:
    """How many letters have not left; only those that are due, where the clock counts none."""
    if looked.due is not None:
        return f"{looked.due:,} {'letter is' if looked.due == 1 else 'letters are'} due"
    waiting = looked.states.get("letter", {}).get("pending", (0, None))[0]
    return f"{waiting:,} {'letter waits' if waiting == 1 else 'letters wait'}"


def _there(what: str, figure: str, well: bool) -> Beat:
    return Beat(what, figure, *(("Fine", "fine") if well else ("Away", "stuck", AWAY[what])))


def _process(kind: str, looked: Overview) -> Beat:
    mine = [one for one in looked.processes if one.kind == kind]
    heard = [one for one in mine if not one.silent]
    title = {"web": "Web", "worker": "Workers", "clock": "Clock"}[kind]
    if not mine:
        state = "stuck" if kind in NEEDED else "incomplete"
        return Beat(title, "Never heard", "Not running", state)
    figure = f"{len(heard)} of {len(mine)} heard"
    if len(heard) < len(mine):
        return Beat(title, figure, "Silent", "stuck")
    return Beat(title, figure, "Fine", "fine")


def path(ill: Ailment, cause: str | None = None) -> str:
    """Where the rows of a cause are listed."""
    return f"/status/stuck/{ill.name}" + (f"?{urlencode({'cause': cause})}" if cause else "")


class Moved(NamedTuple):
    step: Step
    title: str | None
    path: str | None


class Row(NamedTuple):
    found: Found
    title: str
    place: str | None
    path: str | None


def rows(ill: Ailment, found: Sequence[Found]) -> list[Row]:
    """Each row with what people call it, and where it is shown whole."""
    called = titles.of(ill.kind, [one.row_id for one in found])
    places = titles.of("organizations", [o.organization_id for o in found if o.organization_id])
    return [
        Row(one, called.get(one.row_id) or one.cause, places.get(one.organization_id or 0),
            page_of(ill.kind, one.row_id, one.organization_id))
        for one in found
    ]  # fmt: skip


def moved(steps: Sequence[Step]) -> list[Moved]:
    """Each of these steps with what people call its row, and where that is shown whole."""
    ids: defaultdict[str, set[int]] = defaultdict(set)
    for step in steps:
        ids[step.kind].add(step.row_id)
    called = {kind: titles.of(kind, mine) for kind, mine in ids.items()}
    return [
        Moved(step, called[step.kind].get(step.row_id),
              page_of(step.kind, step.row_id, step.action.organization_id))
        for step in steps
    ]  # fmt: skip


def page_of(kind: str, row_id: int, organization_id: int | None) -> str | None:
    """Where operators see such a row whole; what has no page they see in its organization."""
    if kind in ("handovers", "errands"):
        return f"/status/organizations/{organization_id}"
    return f"/status/{kind.replace('_', '-')}/{row_id}" if kind in SHOWN else None


def cursor(one: Found) -> str:
    """Where a page ends, for the address of the next."""
    return f"{(one.since - EPOCH) // timedelta(microseconds=1)}.{one.row_id}"


def after(microseconds: str, row_id: str) -> Found:
    return Found(int(row_id), EPOCH + timedelta(microseconds=int(microseconds)), "", None)


def as_facts(looked: Overview, beside: dict[str, bool], milliseconds: float) -> dict[str, Any]:
    """All that the page shows, for programs."""
    return {
        "at": looked.at.isoformat(), "late": looked.late,
        "stuck": [_cause(ill) for ill in looked.stuck],
        "waiting": [_cause(ill) for ill in looked.waiting],
        "states": looked.states, "moved_last_hour": looked.moves,
        "invariants": looked.invariants,
        "invariants_at": looked.invariants_at.isoformat() if looked.invariants_at else None,
        "alarms": [
            {"class": one.name, "title": one.about.title, "number": one.number,
             "seen_at": one.seen_at.isoformat(), "raised_at": one.raised_at.isoformat()}
            for one in looked.alarms
        ],
        "webhook": looked.unheard.reply if looked.unheard else None,
        "processes": [
            {"kind": one.kind, "host": one.host, "version": one.version,
             "at": one.at.isoformat(), "skew": one.skew, "trouble": one.trouble}
            for one in looked.processes
        ],
        "machinery": {"database_ms": round(milliseconds, 2), **beside},
    }  # fmt: skip


def _cause(ill: Ill) -> dict[str, Any]:
    return {
        "class": ill.ailment.name, "title": ill.ailment.title, "cause": ill.cause,
        "number": ill.number, "since": ill.since.isoformat(), "turn": ill.ailment.turn or None,
        "by_days": dict(zip(("0", *map(str, AGES)), ill.ages, strict=False)),  # that it lasts
        "remedies": [one.name for one in ill.ailment.remedies],
        "acknowledged": ill.known.note if ill.known else None,
        "verifying": dict(ill.verifying[1]) if ill.verifying else None,
    }  # fmt: skip
