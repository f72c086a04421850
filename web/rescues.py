"""Acting on what is stuck: looked over first, then done, then watched until it has really moved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request
from pydantic import BaseModel

from web import status_words
from web.forms import read
from web.proving import as_operator
from web.session import for_operators
from web.status import asked_cause
from workflows import ailments, operators, rescues
from workflows.ailments import Ailment, Found
from workflows.engine import refusals
from workflows.engine.db import db, now
from workflows.engine.refusals import Invalid, NotNow
from workflows.rescues import Rescue

bp = Blueprint("rescues", __name__)
SHOWN = 50


class Deed(BaseModel):
    cause: str | None = None
    row: list[str] = []
    until: str = ""
    number: int = 0
    why: str = ""


@bp.get("/status/stuck/<ailment>/<remedy>")
@for_operators
def look_over(ailment: str, remedy: str) -> str:
    """What would happen to these rows, or to all of a cause. Nothing is done."""
    ill, helps = rescues.known(ailment, remedy)
    cause, until = asked_cause(), now()
    ids = rescues.choose(ill, cause, _numbers(request.args.getlist("row")), until)
    shown = ids[:SHOWN]
    refused = rescues.foresee(helps, shown)
    return render_template(
        "pages/status/look_over.html", ill=ill, helps=helps, cause=cause, ids=ids, until=until,
        rows=_rows(ill, shown), refused=refused, back=status_words.path(ill, cause),
        may_not=refusals.why_not(operators.require_acting, g.account), most=rescues.MOST,
    )  # fmt: skip


def _rows(ill: Ailment, ids: list[int]) -> list[status_words.Row]:
    since = ailments.those_of(ill, ids)
    found = [Found(one, since[one], "", None) for one in ids if one in since]
    return status_words.rows(ill, found)


def _numbers(words: list[str]) -> list[int]:
    return [int(word) for word in words if word.removeprefix("-").isdecimal() and len(word) < 10]


@bp.post("/status/stuck/<ailment>/<remedy>")
@for_operators
@as_operator
def begin(ailment: str, remedy: str) -> Any:
    """Do it to those that were looked over and are still stuck."""
    ill, _ = rescues.known(ailment, remedy)
    typed = read(Deed)
    ids = rescues.choose(ill, typed.cause, _numbers(typed.row), _moment(typed.until))
    if len(ids) > typed.number:
        raise NotNow(f"There are {len(ids):,} by now, not {typed.number:,}. Look over them again.")
    one = rescues.begin(ailment, remedy, ids, typed.cause, by=g.account, why=typed.why)
    return redirect(f"/status/rescues/{one.id}", 303)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # no moment, or none of the years that there are
    raise Invalid(until="Open the page once more and send it again.")


@bp.get("/status/rescues/<int:rescue_id>")
@for_operators
def rescue(rescue_id: int) -> str:
    """What was done, and how much of it has really moved."""
    one = db.session.get(Rescue, rescue_id) or abort(404)
    ill, helps = rescues.known(one.ailment, one.remedy)
    return render_template(
        "pages/status/rescue.html", one=one, ill=ill, helps=helps, counts=rescues.counts(one.id),
        reasons=rescues.reasons(one.id), back=status_words.path(ill, one.cause),
    )  # fmt: skip
