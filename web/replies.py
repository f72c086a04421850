"""What an invited person may ask for, beside joining: a new link, or the invitation elsewhere."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect
from pydantic import BaseModel

from web import invitations as pages
from web.forms import read
from workflows import moves, replies

bp = Blueprint("replies", __name__)


class Asked(BaseModel):
    email: str = ""


@bp.get("/join/ask")
def ask_page() -> Any:
    """Asks for the address, as declining does, and never shows it."""
    invitation = pages.remembered()
    if pages.end(invitation) != "expired":
        return redirect("/join", 303)
    return pages.page("ask", invitation, known=pages.addressee(invitation))


@bp.post("/join/ask")
def ask() -> Any:
    invitation, email = pages.remembered(), read(Asked).email
    known = pages.addressee(invitation)
    replies.ask_again(invitation, known.email if known else email, by=known)
    return redirect("/join/asked", 303)


@bp.get("/join/asked")
def asked() -> Any:
    invitation = pages.remembered()
    if invitation.asked_at is None:
        return redirect("/join", 303)
    return pages.page("asked", invitation)


@bp.post("/join/move")
def ask_to_move() -> Any:
    invitation = pages.remembered()
    if g.account:
        moves.ask(invitation, by=g.account)
    return redirect("/join", 303)
