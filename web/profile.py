"""The profile: one's name, password, log-ins and organizations, an export, and closing it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, stream_with_context
from pydantic import BaseModel, Field

from web import session
from web.forms import read
from web.proving import proved
from web.session import signed_in
from workflows import (
    address_changes,
    departures,
    exports,
    memberships,
    organizations,
    profiles,
    sessions,
    tokens,
)
from workflows.engine.refusals import why_not

bp = Blueprint("profile", __name__, url_prefix="/profile")
CLOSE = "Your memberships, seats and tokens end, and nobody can log in to this account again."


class Name(BaseModel):
    name: str = Field(max_length=500)


class NewPassword(BaseModel):
    email: str = ""  # for a password manager
    old_password: str = Field(max_length=1000, repr=False)
    password: str = Field(max_length=1000, repr=False)


class Ended(BaseModel):
    session: int


@bp.get("")
@signed_in
def page() -> Any:
    return render_template(
        "pages/profile/index.html",
        changing=address_changes.asked_by(g.account),
        belongings=[(one, tokens.of(one)) for one in organizations.of_account(g.account)],
        places=len(sessions.of_account(g.account)),
    )


@bp.get("/name")
@signed_in
def name_page() -> Any:
    return page()


@bp.post("/name")
@signed_in
def rename() -> Any:
    profiles.rename(read(Name).name, by=g.account)
    flash("Your name is saved.")
    return redirect("/profile", 303)


@bp.get("/password")
@signed_in
def password_page() -> Any:
    return render_template("pages/profile/password.html")


@bp.post("/password")
@signed_in
def change_password() -> Any:
    form = read(NewPassword)
    profiles.change_password(g.session, form.old_password, form.password, **session.whence())
    session.renew()
    flash("Your new password is set. Everywhere else you are logged out.")
    return redirect("/profile", 303)


@bp.get("/sessions")
@signed_in
def sessions_page() -> Any:
    places = sessions.of_account(g.account)
    return render_template("pages/profile/sessions.html", places=places, this=g.session.id)


@bp.post("/sessions/end")
@signed_in
def end_session() -> Any:
    sessions.end(read(Ended).session, by=g.account)
    flash("That browser is logged out.")
    return redirect("/profile/sessions", 303)


@bp.post("/sessions/end-others")
@signed_in
def end_other_sessions() -> Any:
    sessions.end_others(g.session)
    flash("You are logged in here, and nowhere else.")
    return redirect("/profile/sessions", 303)


@bp.get("/export")
@signed_in
def export_page() -> Any:
    return render_template("pages/profile/export.html")


@bp.post("/export")
@signed_in
@proved("Download", "Everything that is known of you is written into a file.")
def export() -> Any:
    answer = Response(stream_with_context(_written()), mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="profile.json"'
    return answer


def _written() -> Iterator[str]:
    """The export as JSON, an entry a line."""
    yield f'{{"format": "{exports.FORMAT}",\n"account": {json.dumps(exports.facts(g.account))}'
    for name, entries in exports.of(g.account):
        yield f',\n"{name}": ['
        for number, entry in enumerate(entries):
            yield (",\n" if number else "\n") + json.dumps(entry)
        yield "]"
    yield "}\n"


@bp.get("/close")
@signed_in
def close_page() -> Any:
    theirs = memberships.of_account(g.account)
    return render_template(
        "pages/profile/close.html",
        why_not=why_not(departures.may_close_account, g.account),
        owned=departures.owned(g.account),
        belongings=[(one, tokens.of(one)) for one in theirs],
    )


@bp.post("/close")
@signed_in
@proved("Close Account", CLOSE)
def close() -> Any:
    departures.close_account(by=g.account)
    flash("Your account is closed.")
    return session.sign_out(redirect("/login", 303))
