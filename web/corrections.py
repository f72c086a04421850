"""An invitation set right: its address corrected, more time, and moves that were asked for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, render_template
from pydantic import BaseModel

from web.deeds import deed
from web.forms import read
from web.guest_lists import INVITATION, back, do
from web.rows import of_this_organization
from web.session import in_organization
from workflows import corrections, invitations, moves
from workflows.engine import outbox
from workflows.engine.refusals import why_not
from workflows.invitations import Invitation
from workflows.memberships import ADMIN
from workflows.moves import Move

bp = Blueprint("corrections", __name__)


class Address(BaseModel):
    email: str


class Asker(BaseModel):
    asker_email: str = ""  # as the page showed it


@bp.get(f"{INVITATION}/correct")
@in_organization
def correct_page(invitation_id: int) -> Any:
    invitation = of_this_organization(Invitation, invitation_id)
    letter = outbox.newest(("invitation",), [invitation.id]).get(invitation.id)
    no = why_not(corrections.may_correct, invitation, by=g.account)
    facts = {"invitation": invitation, "letter": letter, "why_not": no}
    return render_template("pages/invitations/correct.html", **facts)


@bp.post(f"{INVITATION}/correct")
@in_organization
@deed("Correct Address", ADMIN)
def correct(invitation_id: int) -> Any:
    invitation = of_this_organization(Invitation, invitation_id)
    corrected = corrections.correct(invitation, read(Address).email, by=g.account)
    flash(f"{corrected.email} is invited instead of {invitation.email}.")
    return back()


@bp.post(f"{INVITATION}/extend")
@in_organization
@deed("Extend", ADMIN)
def extend(invitation_id: int) -> Any:
    sentence = "The invitation to {} is valid for {} days from now. No letter was sent."
    return do(invitations.extend, invitation_id, sentence)


@bp.get(f"{INVITATION}/move")
@in_organization
def move_page(invitation_id: int) -> Any:
    """Where the letter about a move leads."""
    invitation = of_this_organization(Invitation, invitation_id)
    move = moves.newest(invitation) or abort(404)
    no = why_not(moves.may_grant, move, by=g.account)
    facts = {"invitation": invitation, "move": move, "why_not": no}
    return render_template("pages/invitations/move.html", **facts)


@bp.post(f"{INVITATION}/move")
@in_organization
@deed("Move", ADMIN)
def move(invitation_id: int) -> Any:
    asked = _asked(invitation_id)
    moved = moves.grant(asked, read(Asker).asker_email, by=g.account)
    flash(f"{moved.email} is invited instead of {asked.invitation.email}.")
    return back()


@bp.post(f"{INVITATION}/refuse-move")
@in_organization
@deed("Refuse Move", ADMIN)
def refuse_move(invitation_id: int) -> Any:
    asked = _asked(invitation_id)
    moves.refuse(asked, by=g.account)
    stays = f"The invitation to {asked.invitation.email} stays where it is."
    flash(f"{stays} {asked.account.name} is told.")
    return back()


def _asked(invitation_id: int) -> Move:
    """The move of this invitation that an admin is asked about."""
    return moves.newest(of_this_organization(Invitation, invitation_id)) or abort(404)
