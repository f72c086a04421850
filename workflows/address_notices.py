"""Address notices: who hears of a change of address, and what each of them can do about it."""

from __future__ import annotations

from typing import Any

from workflows import accounts
from workflows.address_changes import AddressChange
from workflows.engine import outbox, seals
from workflows.engine.register import Made
from workflows.engine.settings import settings


@outbox.letter("confirm_address", about=AddressChange, rationed=True)
def to_new(change: AddressChange, _: Any) -> Made:
    if change.state != "asked":
        return None
    facts = {"old_email": change.old_email, "url": _link("confirm", change)}
    return change.email, {"name": change.account.name, **facts}


@outbox.letter("address_taken", about=AddressChange, rationed=True)
def to_taken(change: AddressChange, _: Any) -> Made:
    """Somebody wants the address of an account for another one: only its person is told."""
    known = accounts.with_key(change.email_key)
    if change.state != "asked" or known is None:
        return None
    return known.email, {"name": known.name, "old_email": change.old_email}


@outbox.letter("address_change_asked", about=AddressChange)
def to_present(change: AddressChange, _: Any) -> Made:
    if change.state != "asked":
        return None
    facts = {"new_email": change.email, "url": f"{settings().base_url}/profile/address"}
    return change.old_email, {"name": change.account.name, **facts}


@outbox.letter("address_changed", about=AddressChange)
def to_old(change: AddressChange, _: Any) -> Made:
    if change.state != "confirmed":
        return None
    facts = {"new_email": change.email, "url": _link("undo", change), "until": change.undo_until}
    return change.old_email, {"name": change.account.name, **facts}


def _link(purpose: str, change: AddressChange) -> str:
    return f"{settings().base_url}/profile/address/{purpose}/{seals.seal(purpose, change.id)}"
