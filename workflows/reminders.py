"""Reminders: one letter two days before an invitation ends, once for each time it was sent.

What would surprise a reader: whether one is owed is decided once, when its time comes. Whoever is
not to be reminded then is passed over for this round, so that no later change brings a late letter.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import or_, select, text, update

from workflows import invitation_letters, silences
from workflows.engine import cohorts, outbox, sets
from workflows.engine.db import command, db, now
from workflows.engine.letters import Letter
from workflows.engine.register import Made
from workflows.invitations import Invitation
from workflows.organizations import Organization

BEFORE, SHORTEST = timedelta(days=2), timedelta(days=3)
TOGETHER = 500  # invitations that the clock looks at in one go
PLACE = attrgetter("organization_id")


@command
def remind() -> int:
    """Remind the next few whose time is nearly over; answers how many it looked at."""
    found = list(db.session.scalars(_due().limit(TOGETHER)))
    ids = [invitation.id for invitation in found]
    letters = outbox.newest(("invitation",), ids)
    passed = update(Invitation).where(Invitation.id.in_(ids))
    looked_at = {"reminded": Invitation.round, "revision": Invitation.revision + 1}
    sets.write(passed.values(looked_at))
    owed = [one for one in found if _is_owed(one, letters.get(one.id))]
    for place, theirs in groupby(sorted(owed, key=PLACE), PLACE):
        cohorts.post("invitation_reminder", place, {one.id: one.round for one in theirs})
    return len(found)


def _due() -> Any:
    """Invitations that end within two days, and were not looked at in this round."""
    mine = select(Invitation).join(Organization, Organization.id == Invitation.organization_id)
    soon = mine.where(text("invitations.state = 'sent'"), Invitation.expires_at <= now() + BEFORE)
    fresh = or_(Invitation.reminded.is_(None), Invitation.reminded < Invitation.round)
    wanted = soon.where(Organization.state == "active", fresh)
    in_order = wanted.order_by(Invitation.expires_at, Invitation.id)
    return in_order.with_for_update(skip_locked=True, of=Invitation)


def _is_owed(invitation: Invitation, letter: Letter | None) -> bool:
    """Not where the first letter has not left, nor where all the time was short."""
    left = letter is not None and letter.told == "sent"
    long = invitation.expires_at - invitation.since > SHORTEST
    return left and long and now() < invitation.expires_at


@outbox.letter("invitation_reminder", about=Invitation, rationed=True, unwanted=silences.unwanted)
def to_invited(invitation: Invitation, letter: Any) -> Made:
    """Nobody who has answered is reminded."""
    open_still = invitation.state == "sent" and now() < invitation.expires_at
    welcome = invitation.organization.state == "active"
    if not (open_still and welcome and invitation.round == letter.generation):
        return None
    return invitation.email, invitation_letters.facts(invitation)
