"""Operations: how all of Usher fares, and one way to be stuck with the rows that are."""

from __future__ import annotations

import re
import time
from typing import Any

from flask import Blueprint, abort, g, jsonify, redirect, render_template, request
from pydantic import BaseModel, Field
from sqlalchemy import text

from web import impossible, status_words
from web.forms import read
from web.health import beside
from web.proving import proved
from web.session import for_operators, wants_json
from workflows import acknowledgements, ailments, operators, overview, stuck
from workflows.ailments import Ailment, Found
from workflows.engine import refusals
from workflows.engine.db import db

bp = Blueprint("status", __name__)
PAGE = 50


class Note(BaseModel):
    cause: str = Field("", max_length=400)
    note: str = ""


@bp.get("/status")
@for_operators
def show() -> Any:
    """Every machine with its numbers, what is stuck and what waits; as JSON for a program."""
    if wants_json():
        return as_json()
    looked = overview.look()
    return render_template(
        "pages/status/index.html", it=looked, pictures=status_words.pictures(looked),
        beats=status_words.beats(looked, beside(), _database_ms()),
        ailments=[one for one in stuck.AILMENTS if one.stuck],
    )  # fmt: skip


@bp.get("/status.json")
@for_operators
def as_json() -> Any:
    """The same for programs."""
    return jsonify(status_words.as_facts(overview.look(), beside(), _database_ms()))


def _database_ms() -> float:
    begun = time.perf_counter()
    db.session.execute(text("SELECT 1"))
    return (time.perf_counter() - begun) * 1000


@bp.get("/status/stuck/<ailment>")
@for_operators
def listed(ailment: str) -> str:
    """The rows of one way to be stuck or to wait, of one cause or all, oldest first."""
    ill, cause = found(ailment), asked_cause()
    rows = ailments.listed(ill, cause, _after(ill), PAGE + 1)
    return render_template(
        "pages/status/stuck.html", ill=ill, cause=cause, rows=status_words.rows(ill, rows[:PAGE]),
        causes=ailments.causes(ill), after=status_words.cursor(rows[PAGE - 1])
        if len(rows) > PAGE else None, known=acknowledgements.of(ill.name, cause or ""),
        broken=impossible.broken() if ill.name == "impossible" else [],
    )  # fmt: skip


def found(ailment: str) -> Ailment:
    return stuck.ailment(ailment) or abort(404)


def asked_cause() -> str | None:
    cause = request.values.get("cause")
    return cause[:400].replace("\0", "") if cause is not None else None


def _after(ill: Ailment) -> Found | None:
    """The last row of the page before this one, as `cursor` wrote it down."""
    asked = re.fullmatch(r"([0-9]{1,17})\.(-?[0-9]{1,9})", request.args.get("after", ""))
    return status_words.after(asked[1], asked[2]) if asked else None


@bp.post("/status/stuck/<ailment>/acknowledge")
@for_operators
@proved("Acknowledge", "While your note stands, no alarm is raised about this cause.")
def acknowledge(ailment: str) -> Any:
    """Write down what is known of a cause, for whoever looks next."""
    ill, typed = found(ailment), read(Note)
    acknowledgements.acknowledge(ill.name, typed.cause, typed.note, by=g.account)
    return redirect(status_words.path(ill, typed.cause), 303)


@bp.get("/status/stuck/<ailment>/acknowledge")
@for_operators
def note(ailment: str) -> str:
    """Where a note about a cause is written."""
    ill, cause = found(ailment), asked_cause() or ""
    known = acknowledgements.of(ill.name, cause)
    may_not = refusals.why_not(operators.require_acting, g.account)
    facts = {"ill": ill, "cause": cause, "known": known, "may_not": may_not}
    return render_template("pages/status/note.html", **facts)
