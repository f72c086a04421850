"""Accounts in the browser: sign up, confirm, log in and out, a forgotten password.

What would surprise a reader: a link of a letter changes nothing. It is remembered in the session
of this browser, so that its secret leaves the address bar at once, and the page it leads to acts.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from pydantic import BaseModel, Field

from web import links, peers, session
from web.forms import read
from web.session import safe_path
from workflows import accounts, log_ins, resets
from workflows.accounts import Account, SignUp
from workflows.engine.db import db
from workflows.engine.refusals import NotFound

bp = Blueprint("accounts", __name__)
HOME = "/organizations"
SIGN_UP, LOG_IN = ("Sign Up", "/signup"), ("Log In", "/login")
NEW_LINK = ("Get a New Link", "/forgot")


class NewAccount(BaseModel):
    name: str = Field(max_length=500)
    email: str = Field(max_length=500)
    password: str = Field(max_length=1000, repr=False)


class Chosen(BaseModel):
    """What is chosen where the letter was opened; the browser that signed up sends none of it."""

    name: str = Field("", max_length=500)
    email: str = ""  # shown, and never believed: the row knows the address
    password: str = Field("", max_length=1000, repr=False)


class Credentials(BaseModel):
    email: str = Field(max_length=500)
    password: str = Field(max_length=1000, repr=False)
    next: str = Field("", max_length=2000)


class Address(BaseModel):
    email: str = Field(max_length=500)


class Password(BaseModel):
    email: str = ""  # shown, and never believed: the row knows the address
    password: str = Field("", max_length=1000, repr=False)


@bp.get("/")
def root() -> Any:
    return redirect(HOME if g.account else "/login", 303)


@bp.get("/signup")
def signup_page() -> Any:
    return render_template("pages/accounts/signup.html")


@bp.post("/signup")
def signup() -> Any:
    form = read(NewAccount)
    waiting = accounts.sign_up(form.name, form.email, form.password, client=peers.address())
    return session.remember(redirect("/signup/sent", 303), signed_up=waiting.id)


@bp.get("/signup/sent")
def signup_sent() -> Any:
    waiting = db.session.get(SignUp, session.note("signed_up") or 0)
    return render_template("pages/accounts/signup_sent.html", waiting=waiting)


@bp.get("/signup/<sealed>")
def open_signup(sealed: str) -> Any:
    g.ways, g.title = [SIGN_UP, LOG_IN], links.DEAD_LINK
    row_id, _ = links.unseal("signup", sealed)
    return session.remember(redirect("/signup/confirm", 303), confirming=_confirming(row_id).id)


@bp.get("/signup/confirm")
def confirm_page() -> Any:
    waiting = _confirming(session.note("confirming"))
    return render_template("pages/accounts/confirm.html", waiting=waiting, mine=_mine(waiting))


@bp.post("/signup/confirm")
def confirm() -> Any:
    waiting, chosen = _confirming(session.note("confirming")), read(Chosen)
    if mine := _mine(waiting):
        account = accounts.confirm(waiting, mine)
    else:
        account = accounts.confirm_anew(waiting, chosen.name, chosen.password)
    flash("Your address is confirmed. Welcome.")
    return session.sign_in(account, redirect(HOME, 303))


def _confirming(row_id: int | None) -> SignUp:
    """The sign-up of the link that was opened; a refusal if it does not wait any more."""
    g.ways, g.title = [SIGN_UP, LOG_IN], links.DEAD_LINK
    waiting = db.session.get(SignUp, row_id or 0)
    if waiting is None:
        raise NotFound(links.NO_LINK)
    session.require_shown(waiting.id)
    if waiting.state == "confirmed":
        g.ways, g.title = [LOG_IN], "This address is confirmed"
    accounts.may_confirm(waiting)
    return waiting


def _mine(waiting: SignUp) -> SignUp | None:
    """What this browser signed up with, for the same address: any letter to it is the proof."""
    mine = db.session.get(SignUp, session.note("signed_up") or 0)
    if mine is None or (mine.email_key, mine.state) != (waiting.email_key, "waiting"):
        return None
    return mine


@bp.get("/login")
def login_page() -> Any:
    return render_template("pages/accounts/login.html", next=safe_path(request.args.get("next")))


@bp.post("/login")
def login() -> Any:
    form = read(Credentials)
    account = log_ins.log_in(form.email, form.password, **session.whence())
    return session.sign_in(account, redirect(safe_path(form.next) or HOME, 303))


@bp.post("/logout")
def logout() -> Any:
    flash("You are logged out.")
    return session.sign_out(redirect("/login", 303))


@bp.get("/forgot")
def forgot_page() -> Any:
    return render_template("pages/accounts/forgot.html")


@bp.post("/forgot")
def forgot() -> Any:
    resets.ask_reset(read(Address).email, **session.whence())
    return redirect("/forgot/sent", 303)


@bp.get("/forgot/sent")
def forgot_sent() -> Any:
    return render_template("pages/accounts/forgot_sent.html")


@bp.get("/reset/<sealed>")
def open_reset(sealed: str) -> Any:
    g.ways, g.title = [NEW_LINK], links.DEAD_LINK
    row_id, generation = links.unseal("reset", sealed)
    _resetting([row_id, generation])
    return session.remember(redirect("/reset", 303), reset=[row_id, generation])


@bp.get("/reset")
def reset_page() -> Any:
    account, _ = _resetting(session.note("reset"))
    return render_template("pages/accounts/reset.html", resetting=account)


@bp.post("/reset")
def reset() -> Any:
    account, generation = _resetting(session.note("reset"))
    resets.reset_password(account, generation, read(Password).password)
    log_ins.make_familiar(account, browser=session.browser())
    flash("Your new password is set. Log in with it.")
    return session.sign_out(redirect(url_for("accounts.login_page"), 303))


def _resetting(link: list[int] | None) -> tuple[Account, int]:
    """Whose password the link that was opened may set; a refusal if it may not any more."""
    g.ways, g.title = [NEW_LINK], links.DEAD_LINK
    row_id, generation = link or (0, 0)
    account = db.session.get(Account, row_id)
    if account is None:
        raise NotFound(links.NO_LINK)
    session.require_shown(account.id)
    resets.may_reset(account, generation)
    return account, generation
