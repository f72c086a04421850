"""/metrics: the numbers of the status page for Prometheus, in its text format.

What would surprise a reader: nothing is counted here either. Each way to be stuck is told even
where nothing is, since an alert on a number that is missing never fires.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, g, request

from web.session import for_operators
from workflows import alarms, overview, stuck
from workflows.engine import readings
from workflows.engine.db import now
from workflows.engine.settings import settings
from workflows.overview import Ill, Overview

bp = Blueprint("metrics", __name__)
SURVEYS = ("ailments", "states", "invariants")
Sample = tuple[dict[str, str], float]


@bp.get("/metrics")
def metrics() -> Response:
    """For a program with METRICS_TOKEN, or an operator who is logged in; nobody else."""
    if _has_token():
        return _told()
    if g.account is None:
        abort(401)  # a program would take the login page for an answer
    return for_operators(_told)()  # type: ignore[no-any-return]


def _told() -> Response:
    lines = "\n".join(_lines(overview.look()))
    return Response(f"{lines}\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _has_token() -> bool:
    token, sent = settings().metrics_token, request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())


def _lines(looked: Overview) -> Iterator[str]:
    names = [(one.name, one.family) for one in stuck.AILMENTS]
    ills = [*looked.stuck, *looked.waiting]
    for family, what in (("stuck", "a machine"), ("waiting", "a person")):
        mine = [name for name, kind in names if kind == family]
        numbers = [({"class": name}, _number(ills, name)) for name in mine]
        yield from _gauge(f"usher_{family}", f"Rows that wait for {what}.", numbers)
        ages = [({"class": name}, _oldest(ills, name)) for name in mine]
        yield from _gauge(f"usher_{family}_oldest_seconds", "Since when the oldest does.", ages)
    yield from _watch(looked)
    yield from _machines(looked)
    never = [({"invariant": name}, float(number)) for name, number in looked.invariants.items()]
    yield from _gauge("usher_invariant_violations", "Rows that can never be.", never)
    beats = [({"kind": o.kind, "host": o.host, "version": o.version}, _age(o.at))
             for o in looked.processes]  # fmt: skip
    yield from _gauge("usher_heartbeat_age_seconds", "Since a process was heard.", beats)
    yield from _gauge("usher_survey_age_seconds", "Since the clock has looked.", _surveys())


def _watch(looked: Overview) -> Iterator[str]:
    raised = {one.name for one in looked.alarms}
    alarm = [({"class": name}, float(name in raised)) for name in alarms.NAMES]
    yield from _gauge("usher_alarm", "Whether an alarm is raised.", alarm)


def _machines(looked: Overview) -> Iterator[str]:
    rows = [
        ({"workflow": name, "state": state}, float(number))
        for name, states in looked.states.items() for state, (number, _) in states.items()
    ]  # fmt: skip
    yield from _gauge("usher_rows", "Rows of each workflow by state.", rows)
    moves = [
        ({"table": table, "arrow": arrow}, float(number))
        for table, arrows in looked.moves.items() for arrow, number in arrows.items()
    ]  # fmt: skip
    yield from _gauge("usher_moved_last_hour", "How often an arrow was taken.", moves)


def _number(ills: Iterable[Ill], name: str) -> float:
    return float(sum(ill.number for ill in ills if ill.ailment.name == name))


def _oldest(ills: Iterable[Ill], name: str) -> float:
    return max((_age(i.since) for i in ills if i.ailment.name == name and i.number), default=0.0)


def _age(moment: datetime) -> float:
    return round(max(0.0, (now() - moment).total_seconds()), 1)


def _surveys() -> list[Sample]:
    known: dict[str, Any] = {name: readings.last(name) for name in SURVEYS}
    return [({"survey": name}, _age(one.at)) for name, one in known.items() if one]


def _gauge(name: str, help_: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value:g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
