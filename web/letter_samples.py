"""Sample facts for every letter, for the page that shows them all and for its tests.

The people and addresses are invented. The token has the right length and a wrong checksum.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from workflows.engine.settings import settings

AT = datetime(2026, 11, 24, 10, 4, tzinfo=UTC)
TOKEN = "ushtSAMPLE0SAMPLE0SAMPLE0SAMPLE0SAMPLE0SAMPLE000"
ADMIN = "ines.okafor@acme-robotics.example"
NEW = "ines@okafor.example"
MEMBER = "li.wei@acme-robotics.example"
INVITED = "noor.haddad@acme-robotics.example"


def samples() -> dict[str, tuple[str, dict[str, Any]]]:
    """For each letter, in the order of a person's way: whom it goes to, and its facts."""
    return {
        **_account(), **_invitation(), **_seat(), **_token(), **_subscription(), **_open_bills(),
        **_ownership(), **_to_admins_out_of_reach(), **_alarm(),
    }  # fmt: skip


def _url(path: str) -> str:
    return f"{settings().base_url}/{path}"


def _account() -> dict[str, tuple[str, dict[str, Any]]]:
    name = {"name": "Ines Okafor"}
    log_in = {"login_url": _url("login"), "forgot_url": _url("forgot")}
    return {
        "confirm_sign_up": (ADMIN, {**name, "url": _url("signup/SAMPLE")}),
        "sign_up_known": (ADMIN, {**name, **log_in}),
        "password_changed": (ADMIN, {**name, "url": _url("forgot")}),
        **_address(name),
        "password_reset": (ADMIN, {**name, "url": _url("reset/SAMPLE"), "hours": 2}),
    }


def _address(name: dict[str, str]) -> dict[str, tuple[str, dict[str, Any]]]:
    old, new = {"old_email": ADMIN}, {"new_email": NEW}
    undo = {"url": _url("profile/address/undo/SAMPLE"), "until": AT + timedelta(hours=72)}
    return {
        "confirm_address": (
            NEW,
            {**name, **old, "url": _url("profile/address/confirm/SAMPLE")},
        ),
        "address_taken": (NEW, {**name, **old}),
        "address_change_asked": (ADMIN, {**name, **new, "url": _url("profile/address")}),
        "address_changed": (ADMIN, {**name, **new, **undo}),
    }


def _invitation() -> dict[str, tuple[str, dict[str, Any]]]:
    organization = {"organization": "Acme Robotics"}
    about = {**organization, "email": INVITED, "url": _url("acme-robotics/members")}
    about |= {"reply": "", "word": ""}
    inviter = {"inviter_name": "Ines Okafor", "inviter_email": ADMIN}
    link = {"url": _url("join/SAMPLE"), "expires_at": AT + timedelta(days=14), "days": 14}
    link |= {"never_url": _url("never/SAMPLE")}
    member = {"member_name": "Noor Haddad", "member_email": INVITED}
    bounce = {"reply": "550 5.1.1 There is no such mailbox."}
    it = _url("acme-robotics/invitations/7")
    return {
        "invitation": (INVITED, {**organization, **inviter, **link}),
        "invitation_reminder": (INVITED, {**organization, **inviter, **link}),
        "invitation_accepted": (ADMIN, {**about, **member, "seated": False, "in_line": False}),
        "invitation_declined": (ADMIN, {**about, "word": "Thanks, but I work elsewhere now."}),
        "invitation_expired": (ADMIN, about),
        "invitation_revoked": (INVITED, {**organization, "inviter_email": ADMIN}),
        "invitation_bounced": (ADMIN, {**about, **bounce, "url": f"{it}/correct"}),
        "invitation_asked": (ADMIN, {**about, "url": it}),
        **_moves(about),
    }


def _moves(about: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    asker = {"asker_name": "Noor Haddad", "asker_email": "noor@haddad.example"}
    url = {"url": _url("acme-robotics/invitations/7/move")}
    told = {"name": "Noor Haddad", "host_email": ADMIN}
    return {
        "move_asked": (ADMIN, {**about, **asker, **url}),
        "move_refused": (asker["asker_email"], {**about, **asker, **told}),
    }


def _seat() -> dict[str, tuple[str, dict[str, Any]]]:
    facts = {"name": "Li Wei", "organization": "Acme Robotics"}
    no = {"word": "We buy more in spring.", "url": _url("acme-robotics/home")}
    asked = {"names": ["Li Wei", "Noor Haddad"], "number": 2, "organization": "Acme Robotics"}
    return {
        "seat_asked": (ADMIN, {**asked, "url": _url("acme-robotics/waitlist")}),
        "seat_refused": (MEMBER, {**facts, **no}),
        "seat_assigned": (MEMBER, {**facts, "url": _url("acme-robotics/token"), "waited": False}),
        "seat_revoked": (MEMBER, facts),
        "member_removed": (MEMBER, facts),
    }


def _token() -> dict[str, tuple[str, dict[str, Any]]]:
    facts = {
        "name": "Li Wei", "organization": "Acme Robotics", "token": TOKEN, "at": AT,
        "repo_url": _url("repo/"), "url": _url("acme-robotics/token"), "old_ends_at": None,
    }  # fmt: skip
    overlap = {"old_ends_at": AT + timedelta(hours=24)}
    return {"token": (MEMBER, facts), "token_reissued": (MEMBER, {**facts, **overlap})}


def _subscription() -> dict[str, tuple[str, dict[str, Any]]]:
    facts = {
        "name": "Ines Okafor", "organization": "Acme Robotics", "seats": 12, "before": 0,
        "interval": "yearly", "amount": "$2,880.00", "card": "Visa ending in 4242",
        "invoice_number": "ACME-ROBOTICS-00001", "url": _url("acme-robotics/subscriptions"),
    }  # fmt: skip
    more = {"seats": 15, "before": 12, "amount": "$541.64"}
    return {
        "subscription_started": (ADMIN, facts),
        "subscription_updated": (ADMIN, {**facts, **more}),
        **_end_of_subscription({name: facts[name] for name in ("name", "organization", "url")}),
    }


def _end_of_subscription(facts: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    who = {"who": "Ben Castillo"}
    until, freed = {"until": AT + timedelta(days=110)}, {"freed_at": AT + timedelta(days=140)}
    seat = {"name": "Li Wei", "organization": facts["organization"], "days": 30}
    canceled = {**facts, **who, **until, **freed, "word": "We change to another product."}
    return {
        "subscription_canceled": (ADMIN, canceled),
        "subscription_resumed": (ADMIN, {**facts, **who, **until}),
        "subscription_ended": (ADMIN, {**facts, **freed, "used": 10}),
        "seat_ended": (MEMBER, seat),
    }


def _ownership() -> dict[str, tuple[str, dict[str, Any]]]:
    names = {"owner_name": "Ines Okafor", "owner_email": ADMIN, "organization": "Acme Robotics"}
    chosen = {**names, "chosen_name": "Li Wei", "expires_at": AT + timedelta(days=7)}
    chosen["url"] = _url("acme-robotics/ownership")
    to_chosen, to_owner = (
        (MEMBER, {**chosen, "name": "Li Wei"}),
        (ADMIN, {**chosen, "name": "Ines"}),
    )
    return {
        "handover_offered": to_chosen,
        "handover_canceled": to_chosen,
        "handover_accepted": to_owner,
        "handover_declined": to_owner,
        "handover_fell_through": to_owner,
        "handover_expired": to_owner,
        **_appointment(chosen),
        "organization_closed": (MEMBER, {**names, "name": "Li Wei"}),
    }


def _open_bills() -> dict[str, tuple[str, dict[str, Any]]]:
    facts = {
        "name": "Ines Okafor", "organization": "Acme Robotics", "amount": "$2,880.00",
        "description": "12 seats, one year from 24 November 2026",
        "invoice_number": "ACME-ROBOTICS-00002", "url": _url("acme-robotics/subscriptions"),
        "card": "Visa ending in 4242",
    }  # fmt: skip
    owed = {name: facts[name] for name in ("name", "organization", "amount", "card", "url")}
    owed["since"] = AT
    when = {"until": AT + timedelta(days=14), "try_at": AT + timedelta(days=3, hours=12)}
    return {
        "subscription_renewed": (ADMIN, facts),
        "subscription_past_due": (ADMIN, {**owed, **when}),
        "subscription_suspended": (ADMIN, owed),
        "subscription_settled": (ADMIN, {**facts, "card": "Other means than the card"}),
    }


def _to_admins_out_of_reach() -> dict[str, tuple[str, dict[str, Any]]]:
    came_back = {"name": "Ines Okafor", "organization": "Acme Robotics"}
    return {
        "letters_came_back": (ADMIN, {**came_back, "url": _url("acme-robotics/activity")}),
    }


def _appointment(chosen: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    facts = {**chosen, "chosen_email": MEMBER, "word": "Ines left the company, her manager wrote"}
    return {
        "owner_appointed": (MEMBER, {**facts, "name": "Li Wei"}),
        "owner_replaced": (ADMIN, {**facts, "name": "Ines Okafor"}),
    }


def _alarm() -> dict[str, tuple[str, dict[str, Any]]]:
    facts = {
        "name": "Ines Okafor", "title": "Letter given up", "number": 12, "seen_at": AT,
        "sentence": "These were tried for 72 hours, or lost five workers. They are kept, and will "
        "not leave by themselves. Whoever caused them was told.",
        "raised_at": AT + timedelta(minutes=10), "url": _url("status/stuck/letter-dead"),
    }  # fmt: skip
    over = {"over_at": AT + timedelta(minutes=47)}
    return {"alarm_raised": (ADMIN, facts), "alarm_over": (ADMIN, {**facts, **over})}
