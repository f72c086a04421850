"""One workflow, for whoever runs Usher: where it stands, how it came there, and what is next.

Invitation, membership, seat and token are one way of one person, so they have one page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug import Response

from web import interventions, person, status_words
from web.session import for_operators
from workflows import (
    bounces,
    chronicles,
    directories,
    dossiers,
    journeys,
    mailrooms,
    memberships,
    own_turns,
    prospects,
    seats,
    subscriptions,
    titles,
)
from workflows.accounts import Account, SignUp
from workflows.bounces import Bounce
from workflows.directories import Search
from workflows.dossiers import Dossier
from workflows.engine import history
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.invitations import Invitation
from workflows.journeys import Person
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.prospects import Deadline
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token

bp = Blueprint("traces", __name__)
LATELY = 10  # of what happened in an organization
SUCCESSORS = 5  # admins who are named where the owner is
EVENTS = {  # what the machine's events are called, where the word alone says too little
    "seat": "be given a seat", "invitations.close": "end without a seat",
    "expire": "run out of time", "extend": "be given more time", "ask_again": "ask for a new link",
    "vanish": "end with the account",
    "free_up": "be freed", "assign": "be given away", "hand_over": "be handed over",
    "put_off": "wait for the next try", "drop": "be dropped", "give_up": "be given up",
    "claim": "be taken by a worker", "hurry": "leave at once", "discard": "be set aside",
    "fall_due": "fall due", "settle": "be paid", "break_off": "end at once",
    "abandon": "be dropped",
}  # fmt: skip


def _row(kind: type[Any], row_id: int) -> Any:
    return db.session.get(kind, row_id) or abort(404)


@bp.get("/status/memberships/<int:membership_id>")
@for_operators
def membership(membership_id: int) -> str:
    member = _row(Membership, membership_id)
    stands = journeys.of_members([member.id])
    acts = interventions.menu("memberships", member)
    facts = {"title": member.account.name, "address": member.account.email, "acts": acts}
    facts["bounce"] = bounces.of([member.account_id]).get(member.account_id)
    return _page(dossiers.of(member), stands, **facts)


@bp.get("/status/invitations/<int:invitation_id>")
@for_operators
def invitation(invitation_id: int) -> Any:
    asked = _row(Invitation, invitation_id)
    if member := dossiers.member_of(asked):
        return redirect(interventions.page_of(member))
    stands = journeys.of_invitations([asked.id])
    acts = interventions.menu("invitations", asked)
    facts = {"title": asked.email, "address": "", "acts": acts}
    return _page(dossiers.of(asked), stands, **facts)


def _page(dossier: Dossier, people: list[Person], **facts: Any) -> str:
    way, stands = dossier.way, own_turns.for_operators(people[0]) if people else None
    happened, letters = chronicles.about(person.with_letters(dossier.about)), dossier.letters
    waiting = [one.letter for one in letters if one.letter.state in mailrooms.OPEN]
    return render_template(
        "pages/status/person.html",
        way=way, person=stands, dates=person.dates(stands, happened), facts=facts, events=EVENTS,
        moments=person.told(happened, letters, named=True), letters=waiting[:5],
        place=prospects.place_of(way.rows[0]), letter_name=titles.letter,
        deadlines=[*_deadlines(way.rows), *_of_letters(waiting[:5])],
        prospects=[one for row in way.rows for one in prospects.next_of(row)],
        menu=interventions.menu, pictures=status_words.ways(way.rows),
    )  # fmt: skip


def _deadlines(rows: Iterable[Any]) -> list[Deadline]:
    return [one for row in rows for one in prospects.deadlines(row)]


def _of_letters(letters: Iterable[Letter]) -> list[Deadline]:
    """Theirs, each with the name of its letter, since there may be several."""
    return [
        replace(one, what=f"{titles.letter(letter.template)}: {one.what.lower()}")
        for letter in letters
        for one in prospects.deadlines(letter)
    ]


@bp.get("/status/tokens/<int:token_id>")
@for_operators
def token(token_id: int) -> Response:
    return redirect(interventions.page_of(dossiers.member_of(_row(Token, token_id))))


@bp.get("/status/seats/<int:seat_id>")
@for_operators
def seat(seat_id: int) -> Any:
    found = _row(Seat, seat_id)
    if member := dossiers.member_of(found):
        return redirect(interventions.page_of(member))
    return _other(found, f"Seat {found.id}", {})


@bp.get("/status/subscriptions/<int:subscription_id>")
@for_operators
def subscription(subscription_id: int) -> str:
    bought = _row(Subscription, subscription_id)
    facts = {"Seats": f"{bought.seats:,}", "Interval": bought.interval.capitalize()}
    return _other(bought, f"Subscription {bought.id}", facts)


@bp.get("/status/sign-ups/<int:sign_up_id>")
@for_operators
def sign_up(sign_up_id: int) -> str:
    waiting = _row(SignUp, sign_up_id)
    facts = {"Name": waiting.name, "Address": waiting.email}
    return _other(waiting, f"Sign-up of {waiting.email}", facts)


@bp.get("/status/organizations/<int:organization_id>")
@for_operators
def organization(organization_id: int) -> str:
    place = _row(Organization, organization_id)
    owner = place.owner.account if place.owner else None
    bought = subscriptions.live(place) or subscriptions.pending(place) or subscriptions.kept(place)
    words = request.args.get("q", "").replace("\0", "").strip()[:200]
    return render_template(
        "pages/status/organization.html", **_facts_of(place, place.name, {
            "ID": place.slug, "Owner": f"{owner.name}, {owner.email}" if owner else "Nobody",
        }),
        bought=bought, count=seats.count(place), words=words,
        moments=person.told(chronicles.lately(place.id, LATELY), [], named=True),
        unreached=_unreached(place),
        successors=[one for one in memberships.admins(place) if not one.is_owner][:SUCCESSORS],
        people=directories.look_up(place, Search(words=words), request.args.get("after", "")),
        for_operators=own_turns.for_operators,
    )  # fmt: skip


def _unreached(place: Organization) -> list[tuple[Account, Bounce]]:
    """The admins to whom letters come back, the owner first."""
    admins = [one.account for one in memberships.admins(place)]
    known = bounces.of([one.id for one in admins])
    return [(one, known[one.id]) for one in admins if one.id in known]


def _other(row: Any, title: str, facts: dict[str, Any]) -> str:
    return render_template("pages/status/row.html", **_facts_of(row, title, facts))


def _facts_of(row: Any, title: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Of a row that is no person's: its state, its steps, and what is next."""
    return {
        "row": row, "title": title, "facts": facts, "letters": dossiers.of(row).letters,
        "acts": interventions.acts(row),
        "place": prospects.place_of(row), "steps": list(reversed(history.history(row)))[:100],
        "prospects": prospects.next_of(row), "deadlines": prospects.deadlines(row),
        "events": EVENTS, "letter_name": titles.letter, "pictures": status_words.ways([row]),
    }  # fmt: skip
