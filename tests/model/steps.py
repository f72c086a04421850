"""One step: somebody's command, as it is for the town and for Usher itself."""

from dataclasses import dataclass, field, replace
from functools import partial

from model import addresses, commands, lines, owners, purchases, replies
from model.town import No
from people import CARD, PASSWORD

from workers import billing
from workflows import (
    account_closures,
    address_changes,
    arrivals,
    cancellations,
    cards,
    closures,
    corrections,
    departures,
    guest_lists,
    handovers,
    invitations,
    moves,
    organizations,
    renewals,
    restitutions,
    roles,
    seats,
    subscriptions,
    tokens,
    waitlist,
)
from workflows import replies as answers
from workflows.accounts import Account
from workflows.address_changes import AddressChange
from workflows.billing.companies import card_company
from workflows.engine.db import db
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.moves import Move
from workflows.subscriptions import Subscription
from workflows.tokens import Token

ANN, BOB, CY, DEE, EVE, FAY, IDA, GIL, HAL = PEOPLE = [
    f"{name}@acme.test" for name in ("ann", "bob", "cy", "dee", "eve", "fay", "ida", "gil", "hal")
]
KNOWN = (ANN, BOB, CY, DEE, EVE, FAY, IDA)  # have accounts from the beginning
CLOCK = "the clock"


@dataclass(frozen=True)
class Step:
    command: str
    by: str
    place: str = ""
    words: dict = field(default_factory=dict)

    def __str__(self):
        said = ", ".join(f"{name}={value!r}" for name, value in self.words.items())
        return f"{self.command}({', '.join(filter(None, (self.place, said)))}) by {self.by}"

    def in_town(self, town):
        """Each answer that is right, "allowed" or a kind of refusal; the town is moved."""
        where = (self.place,) if self.place else ()
        try:
            _IN_TOWN[self.command](town, self.by, *where, **self.words)
        except No as no:
            return no.kinds
        return frozenset({"allowed"})

    def for_real(self, town):
        """The command with its rows, ready to be called."""
        known = list(town.people)
        return _REAL[self.command](
            self, _nth(Account, known.index(self.by)) if self.by in known else None, **self.words
        )

    @property
    def organization(self):
        return organizations.by_slug(self.place)

    def row(self, kind, number):
        rows = db.select(kind).filter_by(organization_id=self.organization.id).order_by(kind.id)
        return db.session.scalars(rows.offset(number).limit(1)).one()

    def token(self, number, which):
        """The member's token of that number, counted from the first."""
        mine = db.select(Token).filter_by(membership_id=self.row(Membership, number).id)
        return db.session.scalars(mine.order_by(Token.id).offset(which).limit(1)).one()


def _nth(kind, number):
    return db.session.scalars(db.select(kind).order_by(kind.id).offset(number).limit(1)).one()


EXPIRE, CHARGE = Step("expire", CLOCK), Step("charge", CLOCK)


def _on_organization(function):
    return lambda step, by, **words: partial(function, step.organization, *words.values(), by=by)


def _on(kind, function):
    def ready(step, by, number, **words):
        return partial(function, step.row(kind, number), *words.values(), by=by)

    return ready


def _on_token(function):
    def ready(step, by, number, which, **words):
        return partial(function, step.token(number, which), *words.values(), by=by)

    return ready


def _reply(function):
    """For the address that somebody types, with or without an account."""

    def ready(step, by, number, **words):
        typed = by.email if by else step.by
        return partial(function, step.row(Invitation, number), typed, *words.values(), by=by)

    return ready


def _revoke_seat(step, by, number, to=None):
    chosen = None if to is None else step.row(Membership, to)
    return partial(seats.revoke, step.row(Membership, number), by=by, to=chosen)


def _sign_up_by_link(step, by, number):
    return partial(arrivals.sign_up_by_link, step.row(Invitation, number), "New", PASSWORD)


def _grant_move(step, by, number):
    """The admin has just looked at the page."""
    move = step.row(Move, number)
    return partial(moves.grant, move, move.account.email, by=by)


def _expire():
    invitations.expire_unanswered()
    handovers.expire_unanswered()
    address_changes.end_stale()
    cancellations.end_due()
    while cancellations.free_some():
        pass


_IN_TOWN = vars(owners) | vars(purchases) | vars(lines) | vars(replies) | vars(addresses)
_IN_TOWN |= vars(commands)
_REAL = {
    "found": lambda _, by, name, typed: partial(organizations.found, name, typed, by=by),
    "rename": _on_organization(organizations.rename),
    "set_invitation_days": _on_organization(organizations.set_invitation_days),
    "invite": lambda step, by, emails, seat=False: partial(
        guest_lists.invite, step.organization, ", ".join(emails), by=by, seat=seat
    ),
    "resend": _on(Invitation, invitations.resend),
    "revoke": _on(Invitation, invitations.revoke),
    "extend": _on(Invitation, invitations.extend),
    "correct": _on(Invitation, corrections.correct),
    "decline": _reply(invitations.decline),
    "ask_again": _reply(answers.ask_again),
    "never_again": _reply(answers.silence),
    "hear_again": _reply(answers.hear_again),
    "ask_move": _on(Invitation, moves.ask),
    "grant_move": _grant_move,
    "refuse_move": _on(Move, moves.refuse),
    "accept": _on(Invitation, arrivals.accept),
    "sign_up_by_link": _sign_up_by_link,
    "make_admin": _on(Membership, roles.make_admin),
    "make_billing_admin": _on(Membership, roles.make_billing_admin),
    "make_member": _on(Membership, roles.make_member),
    "leave": _on(Membership, departures.leave),
    "remove": _on(Membership, departures.remove),
    "assign_seat": _on(Membership, seats.assign),
    "revoke_seat": _revoke_seat,
    "ask_seat": _on(Membership, waitlist.ask),
    "withdraw": _on(Membership, waitlist.withdraw),
    "line_up": _on(Membership, waitlist.line_up),
    "refuse_seat": _on(Membership, waitlist.refuse),
    "purchase": lambda step, by, seats: partial(
        subscriptions.begin, step.organization, seats, "monthly", by=by
    ),
    "pay": lambda step, by, number, last4="4242": partial(
        subscriptions.pay, step.row(Subscription, number), replace(CARD, last4=last4), by=by
    ),
    "resize": _on(Subscription, subscriptions.resize),
    "change_card": lambda step, by, number, last4: partial(
        cards.change, step.row(Subscription, number), replace(CARD, last4=last4), by=by
    ),
    "pay_now": lambda step, by, number: partial(
        renewals.collect, step.row(Subscription, number), card_company(), by=by
    ),
    "cancel": _on(Subscription, cancellations.cancel),
    "resume": _on(Subscription, cancellations.resume),
    "activate": _on_token(tokens.activate),
    "reissue": _on_token(tokens.reissue),
    "end_old": _on_token(tokens.end_old),
    "offer": _on(Membership, handovers.offer),
    "accept_offer": _on(Handover, handovers.accept),
    "decline_offer": _on(Handover, handovers.decline),
    "cancel_offer": _on(Handover, handovers.cancel),
    "ask_change": lambda _, by, email: partial(address_changes.ask, by, email),
    "cancel_change": lambda _, by: partial(address_changes.cancel, by=by),
    "confirm_change": lambda _, by, number: partial(
        address_changes.confirm, _nth(AddressChange, number), by=by
    ),
    "undo_change": lambda step, by, number: partial(
        restitutions.undo, _nth(AddressChange, number), by.email if by else step.by
    ),
    "close_account": lambda _, by: partial(account_closures.close, by=by),
    "close": _on_organization(closures.close),
    "expire": lambda step, by: partial(_expire),
    "charge": lambda step, by: partial(billing.charge_due),
}
