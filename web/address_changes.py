"""A change of address in the browser: asked for, confirmed from the new one, undone from the old.

As with all links of letters, opening one changes nothing: the browser's session remembers it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template
from pydantic import BaseModel, Field

from web import links, peers, session
from web.forms import read
from web.proving import proved
from web.session import signed_in
from workflows import address_changes, restitutions
from workflows.address_changes import AddressChange
from workflows.engine.db import db
from workflows.engine.refusals import NotFound

bp = Blueprint("address_changes", __name__, url_prefix="/profile/address")
REISSUED = (
    "Your token for “{}” was mailed to the other address. It has stopped working, "
    "and a new one is on its way to you."
)
PROFILE = ("Go to Your Profile", "/profile")


class Address(BaseModel):
    email: str = Field(max_length=500)


class Proof(BaseModel):
    email: str = ""  # shown, and never believed: the row knows the account
    password: str = Field("", max_length=1000, repr=False)


@bp.get("")
@signed_in
def page() -> Any:
    return render_template(
        "pages/profile/address.html", changing=address_changes.asked_by(g.account)
    )


@bp.post("")
@signed_in
@proved("Change Address", "A letter goes to your new address, and one to the present one.")
def ask() -> Any:
    address_changes.ask(g.account, read(Address).email, client=peers.address())
    return redirect("/profile/address", 303)


@bp.post("/cancel")
@signed_in
def cancel() -> Any:
    address_changes.cancel(by=g.account)
    flash("Your address stays as it is.")
    return redirect("/profile", 303)


@bp.get("/confirm/<sealed>")
def open_confirm(sealed: str) -> Any:
    change = _to_confirm(_unseal("confirm", sealed))
    return session.remember(redirect("/profile/address/confirm", 303), changing=change.id)


@bp.get("/confirm")
def confirm_page() -> Any:
    change = _to_confirm(session.note("changing"))
    return render_template("pages/profile/confirm.html", change=change, same=_is_theirs(change))


@bp.post("/confirm")
def confirm() -> Any:
    change = _to_confirm(session.note("changing"))
    typed, answer = read(Proof), redirect("/profile", 303)
    if _is_theirs(change):
        address_changes.confirm(change, by=g.account, here=g.session)
        session.renew()
        session.remember(answer, changing=None)
    else:
        account = address_changes.confirm_elsewhere(change, typed.password, **session.whence())
        session.sign_in(account, answer)
    flash("Your new address is confirmed. Everywhere else you are logged out.")
    return answer


def _to_confirm(row_id: int | None) -> AddressChange:
    change = _opened(row_id)
    address_changes.may_confirm(change)
    return change


def _is_theirs(change: AddressChange) -> bool:
    """Whether whoever asked is logged in here; elsewhere the password must be known too."""
    return g.account is not None and g.account.id == change.account_id


@bp.get("/undo/<sealed>")
def open_undo(sealed: str) -> Any:
    change = _to_undo(_unseal("undo", sealed))
    return session.remember(redirect("/profile/address/undo", 303), undoing=change.id)


@bp.get("/undo")
def undo_page() -> Any:
    change = _to_undo(session.note("undoing"))
    return render_template("pages/profile/undo.html", change=change)


@bp.post("/undo")
def undo() -> Any:
    change = _to_undo(session.note("undoing"))
    for token in restitutions.undo(change, read(Address).email):
        flash(REISSUED.format(token.membership.organization.name))
    return session.sign_out(redirect("/profile/address/undone", 303))


@bp.get("/undone")
def undone() -> Any:
    return render_template("pages/profile/undone.html")


def _to_undo(row_id: int | None) -> AddressChange:
    change = _opened(row_id)
    address_changes.may_undo(change)
    return change


def _unseal(purpose: str, sealed: str) -> int:
    g.ways, g.title = [PROFILE], links.DEAD_LINK
    return links.unseal(purpose, sealed)[0]


def _opened(row_id: int | None) -> AddressChange:
    """The change whose link was opened in this browser."""
    g.ways, g.title = [PROFILE], links.DEAD_LINK
    change = db.session.get(AddressChange, row_id or 0)
    if change is None:
        raise NotFound(links.NO_LINK)
    session.require_shown(change.id)
    return change
