"""The profile: one's name, password, log-ins and organizations, a takeout, and closing it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template
from pydantic import BaseModel, Field
from werkzeug import Response

from web import downloads, session, ways_out
from web.forms import read
from web.proving import proved
from web.session import signed_in
from workflows import (
    account_closures,
    address_changes,
    memberships,
    organizations,
    profiles,
    sessions,
    takeouts,
    tokens,
)
from workflows.accounts import Account
from workflows.engine.db import db
from workflows.engine.refusals import why_not

bp = Blueprint("profile", __name__, url_prefix="/profile")
TAKEN = "What Usher knows of you is written into a file."
CLOSED = "Your memberships, seats and tokens end, and nobody can log in to this account again."


class Name(BaseModel):
    name: str = Field(max_length=500)


class NewPassword(BaseModel):
    email: str = ""  # shown for password managers, and never believed
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
        mine=organizations.of_account(g.account),
        places=len(sessions.of_account(g.account)),
    )


@bp.post("")
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
    """The old password is asked for at each change, however short ago it was typed elsewhere."""
    form = read(NewPassword)
    profiles.change_password(g.session, form.old_password, form.password, **session.whence())
    session.renew()
    flash("Your new password is set. Everywhere else you are logged out.")
    return redirect("/profile", 303)


@bp.get("/sessions")
@signed_in
def sessions_page() -> Any:
    this = g.session.id
    places = sorted(sessions.of_account(g.account), key=lambda place: place.id != this)
    return render_template("pages/profile/sessions.html", places=places, this=this)


@bp.post("/sessions")
@signed_in
def end_other_sessions() -> Any:
    sessions.end_others(g.session)
    flash("You are logged in here, and nowhere else.")
    return redirect("/profile/sessions", 303)


@bp.post("/sessions/end")
@signed_in
def end_session() -> Any:
    sessions.end(read(Ended).session, by=g.account)
    flash("That browser is logged out.")
    return redirect("/profile/sessions", 303)


@bp.post("/takeout")
@signed_in
@proved("Download Your Data", TAKEN)
def takeout() -> Any:
    downloads.require_room()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    headers = {"Content-Disposition": 'attachment; filename="profile.json"'}
    pieces = _pieces(app, g.account.id)
    return downloads.handed(Response(pieces, headers=headers, content_type="application/json"))


def _pieces(app: Flask, account_id: int) -> Iterator[str]:
    """The takeout as JSON, an entry a line; between two pieces nothing is held."""
    with app.app_context():
        account = json.dumps(takeouts.facts(db.session.get_one(Account, account_id)))
    yield f'{{"format": "{takeouts.FORMAT}",\n"account": {account}'
    for name in takeouts.LISTS:
        yield f',\n"{name}": ['
        comma = "\n"
        after: int | None = 0
        while after is not None:
            with app.app_context():
                person = db.session.get_one(Account, account_id)
                entries, after = takeouts.portion(name, person, after)
            for entry in entries:
                yield comma + json.dumps(entry)
                comma = ",\n"
        yield "]"
    yield "}\n"


@bp.get("/close")
@signed_in
def close_page() -> Any:
    theirs = memberships.of_account(g.account)
    return render_template(
        "pages/profile/close.html",
        why_not=why_not(account_closures.may_close, g.account),
        owned=[(one, ways_out.of(one)) for one in account_closures.owned(g.account)],
        belongings=[(one, tokens.of(one)) for one in theirs],
    )


@bp.post("/close")
@signed_in
@proved("Close Account", CLOSED)
def close() -> Any:
    account_closures.close(by=g.account)
    flash("Your account is closed.")
    return session.sign_out(redirect("/login", 303))
