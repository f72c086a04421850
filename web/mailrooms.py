"""All letters, for whoever runs Usher: found, read without their secrets, and let begin anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request
from pydantic import Field
from werkzeug import Response as Answer

from web import interventions, letter_samples, letter_views, person, status_words
from web.forms import read
from web.interventions import Reason
from web.proving import as_operator
from web.rows import before
from web.session import for_operators
from workflows import (
    deliveries,
    lookups,
    mailrooms,
    operators,
    organizations,
    prospects,
    stuck,
    titles,
)
from workflows.engine import identity, masks, refusals, stationery
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.register import REGISTER
from workflows.mailrooms import Contents, Search
from workflows.stuck_letters import NO_WRITING

bp = Blueprint("mailrooms", __name__)
NAMES = ("q", "state", "kind", "domain", "cause", "organization", "verifying")
TOKEN = "•" * 12  # what stands in the place of a secret


class Pausing(Reason):
    domain: str = Field("", max_length=300)


@bp.get("/status/letters")
@for_operators
def letters() -> Any:
    asked = _parts(request.args)
    if one := lookups.letter_of(asked.get("q", "")):
        return redirect(f"/status/letters/{one.id}")
    search = _search(asked)
    page = mailrooms.look_up(search, before())
    places = {one.organization_id for one in page.rows if one.organization_id}
    return render_template(
        "pages/status/letters.html",
        page=page, asked=asked, search=search, places=titles.of("organizations", places),
        causes=mailrooms.causes() if not asked else (), numbers=mailrooms.numbers(),
        states=mailrooms.STATES, kinds=sorted(REGISTER), letter_name=titles.letter,
        stuck_at=stuck_at,
    )  # fmt: skip


def stuck_at(state: str, cause: str = "") -> str:
    """The way to be stuck in which letters are listed that failed so."""
    if cause.startswith(NO_WRITING):
        return status_words.path(stuck.BY_NAME["letter-unwritable"])
    return status_words.path(stuck.BY_NAME[f"letter-{state}"])


def _parts(asked: Mapping[str, str]) -> dict[str, str]:
    """What the address asks for, for the links that change a part of it."""
    told = {name: asked.get(name, "").replace("\0", "").strip()[:300] for name in NAMES}
    return {name: value for name, value in told.items() if value}


def _search(asked: Mapping[str, str]) -> Search:
    """What an address asks for; a place or an address that is none finds nothing."""
    place = organizations.by_slug(asked.get("organization", ""))
    state, kind = asked.get("state", ""), asked.get("kind", "")
    return Search(
        state=state if state in mailrooms.STATES else "",
        kind=kind if kind in REGISTER else "",
        domain=asked.get("domain", "").lower().removeprefix("@"),
        cause=asked.get("cause", ""),
        organization_id=place.id if place else -1 if asked.get("organization") else 0,
        address=identity.key_of(asked["q"]) or "nobody" if asked.get("q") else "",
        verifying="verifying" in asked,
    )


@bp.get("/status/letters/<int:letter_id>")
@for_operators
def letter(letter_id: int) -> Response:
    found = _letter(letter_id)
    contents = mailrooms.contents(found)
    known = REGISTER.get(found.template)
    about = known.about.__tablename__ if known else ""
    return letter_views.around(
        "pages/status/letter.html",
        letter=found, name=titles.letter(found.template), contents=contents,
        about=status_words.page_of(about, found.about_id, found.organization_id),
        place=prospects.place_of(found), attempts=mailrooms.attempts(found),
        acts=interventions.menu("letters", found), deadlines=prospects.deadlines(found),
        written=_written(found, contents), pictures=status_words.ways([found]),
    )  # fmt: skip


@bp.get("/status/letters/<int:letter_id>/html")
@for_operators
def html_of(letter_id: int) -> Response:
    found = _letter(letter_id)
    return letter_views.as_html(_written(found, mailrooms.contents(found)).html)


def _letter(letter_id: int) -> Letter:
    return db.session.get(Letter, letter_id) or abort(404)


def _written(letter: Letter, contents: Contents) -> stationery.Written:
    """What it says, with sample facts where its own are not shown; a secret is a row of dots."""
    if letter.template not in REGISTER:
        return stationery.Written("", "", "")
    to, facts = letter_samples.samples()[letter.template]
    facts = {**facts, "token": TOKEN} if "token" in facts else facts
    made = stationery.write(letter.template, contents.to or to, {**facts, **(contents.facts or {})})
    told = (masks.mask(text) for text in (made.subject, made.text, made.html))
    return stationery.Written(*told)


@bp.get("/status/letters/pause")
@for_operators
def ask_pause() -> str:
    asked = _parts(request.args)
    return render_template(
        "pages/status/pause.html", domain=asked.get("domain", ""),
        why_not=refusals.why_not(operators.require_acting, g.account),
    )  # fmt: skip


@bp.post("/status/letters/pause")
@for_operators
@as_operator
def pause() -> Answer:
    form = read(Pausing)
    begun = operators.act(deliveries.pause, form.domain, by=g.account, why=form.why)
    flash(f"Letters to {begun.domain} wait from now on.")
    return redirect("/status/letters", 303)


@bp.get("/status/search")
@for_operators
def search() -> Any:
    words = request.args.get("q", "").replace("\0", "").strip()[: lookups.LONGEST]
    kind = request.args.get("kind", "")
    found = lookups.find(words, kind if kind in lookups.KINDS else "", before())
    return render_template(
        "pages/status/search.html", words=words, found=found, letter_name=titles.letter,
        request_asked=lookups.REQUEST.fullmatch(words.casefold()),
        moments=person.told(found.entries, found.caused, named=True),
        moved=status_words.moved(found.moved), few=lookups.FEW,
    )  # fmt: skip
