"""Whom the address of Manage Members asks for: its filters, read back into a search."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from workflows.directories import STAGES as WORDS
from workflows.directories import Search
from workflows.journeys import TURNS

ROLES = {"admin": "Admins", "billing_admin": "Billing admins", "member": "Members"}
PLACES = {  # as in an address, and as on the page
    "invited": "Invited", "expired": "Invitation expired", "no-seat": "Without a seat",
    "in-line": "In line for a seat",
    "seat": "With a seat", "inactive": "Token inactive", "active": "Token active",
    "ended": "Declined or revoked",
}  # fmt: skip
STAGES = {word.lower(): word for word in WORDS}
ORDERS = {"turn": "By turn", "name": "By name", "role": "By role"}
CHIPS = dict(zip(("yours", "theirs", "ushers", "set", "ended"), TURNS, strict=True))


class Searched(BaseModel):
    """The parts of such an address, as a form sends them."""

    q: str = ""
    turn: str = ""
    role: str = ""
    place: str = ""
    stage: str = ""
    failed: str = ""
    order: str = ""


def search(asked: Mapping[str, str]) -> Search:
    """Whom the address asks for; what it says in words of its own making asks for everybody."""
    return Search(
        words=asked.get("q", "").replace("\0", "").strip()[:200],
        turn=CHIPS.get(asked.get("turn", ""), ""),
        role=asked.get("role", "") if asked.get("role") in ROLES else "",
        place=asked.get("place", "").replace("-", " ") if asked.get("place") in PLACES else "",
        stage=STAGES.get(asked.get("stage", ""), ""),
        failed=bool(asked.get("failed")),
        order=asked.get("order", "") if asked.get("order") in ORDERS else "turn",
    )


def parts(asked: Mapping[str, str]) -> dict[str, str]:
    """The address as its parts, for links and forms that change one of them."""
    return {name: asked[name][:200] for name in Searched.model_fields if asked.get(name)}
