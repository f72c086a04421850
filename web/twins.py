"""One workflow for programs: what its page shows, as JSON. Nothing in it opens anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, jsonify

from web import interventions
from web.session import for_operators
from workflows import dossiers, prospects, trails
from workflows.accounts import SignUp
from workflows.correspondence import Posted
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token
from workflows.trails import Move

bp = Blueprint("twins", __name__)
KINDS: Mapping[str, type[Any]] = {  # as in the addresses of their pages
    "memberships": Membership, "invitations": Invitation, "tokens": Token, "seats": Seat,
    "subscriptions": Subscription, "sign-ups": SignUp, "organizations": Organization,
    "letters": Letter,
}  # fmt: skip


@bp.get("/status/<kind>/<int:row_id>.json")
@for_operators
def twin(kind: str, row_id: int) -> Any:
    """Each row with its moves, what is next and by when; every letter with its tries."""
    row = db.session.get(KINDS.get(kind) or abort(404), row_id) or abort(404)
    dossier, place = dossiers.of(row), prospects.place_of(row)
    return jsonify(
        organization={"id": place.id, "slug": place.slug, "name": place.name} if place else None,
        rows=[_row(one) for one in dossier.rows],
        letters=[_letter(one) for one in dossier.letters],
    )


def _row(row: Any) -> dict[str, Any]:
    return {
        "kind": row.__tablename__, "id": row.id, "state": row.state, "since": _iso(row.since),
        "moves": [_move(one) for one in trails.moves(row)],
        "next": [
            {"event": one.event, "to": one.target, "who": one.who, "why_not": one.why_not}
            for one in prospects.next_of(row)
        ],
        "deadlines": [{"what": one.what, "at": _iso(one.at)} for one in prospects.deadlines(row)],
        "deeds": [
            {"name": one.address.rpartition("/")[2], "label": one.label, "why_not": one.why_not,
             "address": one.address}
            for one in interventions.acts(row)
        ],
    }  # fmt: skip


def _move(move: Move) -> dict[str, Any]:
    known: dict[str, Any] = {"at": _iso(move.at), "from": move.source, "to": move.target}
    if move.step is None:
        return known
    action = move.step.action
    return known | {
        "event": move.step.event, "command": action.event, "why": action.why,
        "by": action.by.name if action.by else None, "operator": action.operator,
        "request_id": action.request_id,
    }  # fmt: skip


def _letter(posted: Posted) -> dict[str, Any]:
    """A letter with each try; to whom and what it says is not in it."""
    one = posted.letter
    return {
        "id": one.id, "message_id": one.message_id, "template": one.template,
        "state": one.state, "since": _iso(one.since), "domain": one.domain,
        "posted_at": _iso(one.posted_at), "due_at": _iso(one.due_at), "reply": one.reply,
        "request_id": one.request_id,
        "paused": one.pause_id is not None, "verifying": one.verifying,
        "tries": [
            {"at": _iso(each.at), "ended_at": _iso(each.ended_at), "outcome": each.outcome,
             "reply": each.reply, "worker": each.worker}
            for each in posted.attempts
        ],
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
