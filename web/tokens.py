"""Token Access: a member's own token. The page shows everything about it but the token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel

from web import clients
from web.deeds import deed
from web.forms import read
from web.proving import proved
from web.session import in_organization
from workflows import gate, memberships, places, seats, tokens, verdicts
from workflows.engine import outbox
from workflows.engine.db import now
from workflows.engine.stationery import moment
from workflows.memberships import MEMBER
from workflows.tokens import Generation, Token

bp = Blueprint("tokens", __name__)
ON_THE_WAY = "The letter with it is on the way to {}."


class Wish(BaseModel):
    generation: int  # the one that was on the page: a second click finds another
    hours: int = 0


@dataclass(frozen=True)
class Overlap:
    """Old secrets that still work: which, until when, and how much of their time is left."""

    old: list[Generation]
    ends_at: datetime
    percent_left: float
    left: str  # 23 hours 41 minutes


@bp.get("/<slug>/token")
@bp.get("/<slug>/token/activate")
@bp.get("/<slug>/token/reissue")
@bp.get("/<slug>/token/end-old")
@in_organization
def show() -> Any:
    token = tokens.of(g.membership)
    hold = verdicts.held(g.organization.id)
    facts = {"hold": gate.SENTENCES[hold] if hold else None}
    if token is None:
        return _no_seat(), {"HX-Refresh": "true"} if request.headers.get("HX-Request") else {}
    client = request.args.get("client", "conda")
    client = client if client in clients.TABS else "conda"
    return render_template(
        "pages/token/index.html",
        token=token, current=token.current, overlap=_overlap(token), where=_where,
        letter=outbox.newest(tokens.LETTERS, [token.id]).get(token.id), client=client,
        tabs=clients.TABS, steps=clients.steps(client), **facts,
    )  # fmt: skip


def _no_seat() -> str:
    """For whoever has none, or has it no more; a page that was open is loaded anew."""
    admins = memberships.admins(g.organization)
    return render_template(
        "pages/token/no_seat.html", admins=admins, count=seats.count(g.organization),
        standing=places.standings([g.membership.id]).get(g.membership.id),
    )  # fmt: skip


def _overlap(token: Token) -> Overlap | None:
    old = token.old
    if not old:
        return None
    ends_at = max(one.ends_at for one in old if one.ends_at)
    left, whole = ends_at - now(), ends_at - token.since
    return Overlap(old, ends_at, round(100 * min(1.0, left / whole), 1), _in_words(left))


def _in_words(left: timedelta) -> str:
    hours, minutes = divmod(ceil(left / timedelta(minutes=1)), 60)
    words = [f"{hours} hour{'s' * (hours != 1)}"] if hours else []
    return " ".join(words + ([f"{minutes} minute{'s' * (minutes != 1)}"] if minutes else []))


def _where(generation: Generation) -> str:
    """The client and the address, as the gate saw them: conda/24.1 from 203.0.113.24."""
    client, _, address = (generation.last_used_from or "an unknown address").rpartition(", ")
    return f"{client} from {address}" if client else f"from {address}"


def _back() -> Any:
    """To the page, which also says what to do when there is no token any more."""
    return redirect(f"/{g.organization.slug}/token", 303)


@bp.post("/<slug>/token/activate")
@in_organization
@deed("Activate Token", MEMBER, but=tokens.PERSONAL)
def activate() -> Any:
    if token := tokens.of(g.membership):
        tokens.activate(token, by=g.account)
        flash(f"The token is active. {ON_THE_WAY.format(g.account.email)}")
    return _back()


@bp.post("/<slug>/token/reissue")
@in_organization
@deed("Reissue Token", MEMBER, but=tokens.PERSONAL)
@proved("Reissue Token", "You get a new token by mail, and the old one ends as you chose.")
def reissue() -> Any:
    wish = read(Wish)
    if token := tokens.of(g.membership):
        tokens.reissue(token, wish.generation, wish.hours, by=g.account)
        ends_at = token.old[0].ends_at if token.old else None
        old = f"The old one works until {moment(ends_at)}." if ends_at else "The old one has ended."
        flash(f"The token is reissued. {ON_THE_WAY.format(g.account.email)} {old}")
    return _back()


@bp.post("/<slug>/token/end-old")
@in_organization
@deed("End Old Token Now", MEMBER, but=tokens.PERSONAL)
def end_old() -> Any:
    if token := tokens.of(g.membership):
        tokens.end_old(token, by=g.account)
        flash("The old token has ended. Only the new one works.")
    return _back()
