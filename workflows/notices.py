"""Notices: the letters that a member gets about a seat.

They are about the token that came with the seat, which ends with it and is never given again.
"""

from __future__ import annotations

from typing import Any

from workflows import places
from workflows.engine import outbox
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.tokens import Token


@outbox.letter("seat_assigned", about=Token, rationed=True)
def to_seated(token: Token, _: Any) -> Made:
    if token.state != "inactive":
        return None
    organization, place = token.membership.organization, places.ended(token.membership, "seated")
    url = f"{settings().base_url}/{organization.slug}/token"
    who = {"name": token.membership.account.name, "organization": organization.name}
    # The token begins first, and then the place ends.
    waited = place is not None and place.since >= token.since
    return token.membership.account.email, {**who, "url": url, "waited": waited}


@outbox.letter("seat_revoked", about=Token, rationed=True)
def to_unseated(token: Token, _: Any) -> Made:
    person, organization = token.membership.account, token.membership.organization
    return person.email, {"name": person.name, "organization": organization.name}
