"""Machines: every kind of row that has a machine, for pictures and counts of all of them.

What would surprise a reader: of each machine only the states of a life are named here, which a
picture shows from top to bottom; the others are ends, or ways around.
"""

from __future__ import annotations

from workflows.accounts import Account, SignUp
from workflows.address_changes import AddressChange
from workflows.alarms import Alarm
from workflows.engine.letters import Letter
from workflows.engine.machine import Stateful
from workflows.engine.pauses import Pause
from workflows.errands import Errand
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.places import Place
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token

LIVES: dict[str, tuple[type[Stateful], list[str]]] = {
    "invitation": (Invitation, ["sent", "accepted", "seated"]),
    "membership": (Membership, ["member", "billing_admin", "admin"]),
    "token": (Token, ["inactive", "active", "reissued"]),
    "seat": (Seat, ["free", "taken"]),
    "place": (Place, ["asked", "queued", "seated"]),
    "subscription": (Subscription, ["incomplete", "active", "past_due", "suspended"]),
    "errand": (Errand, ["planned", "running", "done"]),
    "letter": (Letter, ["pending", "sending", "sent"]),
    "pause": (Pause, ["paused", "resumed"]),
    "organization": (Organization, ["forming", "active", "closed"]),
    "handover": (Handover, ["offered", "accepted"]),
    "sign-up": (SignUp, ["waiting", "confirmed"]),
    "account": (Account, ["active", "closed"]),
    "address-change": (AddressChange, ["asked", "confirmed"]),
    "alarm": (Alarm, ["raised", "over"]),
}
