"""A process that dies at any point of a command or of its letter's way leaves nothing half done."""

import email
import email.policy
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

import pytest
from crashing import live
from people import CARD, PASSWORD
from racing import nothing_is_wrong
from sqlalchemy import Boolean, Integer, String

from workers import billing, post
from workflows import (
    accounts,
    arrivals,
    cancellations,
    departures,
    gate,
    guest_lists,
    invitations,
    memberships,
    organizations,
    seats,
    subscriptions,
    tokens,
)
from workflows.accounts import Account, SignUp
from workflows.engine.db import Base, db
from workflows.engine.letters import Letter
from workflows.engine.outbox import LEASE
from workflows.engine.refusals import Refusal
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.tokens import Token

DAY = 24 * 3600.0
AFTER_THE_LEASE = LEASE.total_seconds() + 1


# Who stands where, read again in whichever process asks.


def account(name):
    return accounts.with_key(f"{name}@acme.test")


def organization(slug="acme"):
    return db.session.scalar(db.select(Organization).filter_by(slug=slug))


def member(name):
    theirs = db.select(Membership).join(Account, Membership.account_id == Account.id)
    return db.session.scalar(theirs.where(Account.email_key == f"{name}@acme.test"))


def token(name):
    return db.session.scalar(db.select(Token).filter_by(membership_id=member(name).id))


def invitation(name):
    return db.session.scalar(db.select(Invitation).filter_by(email_key=f"{name}@acme.test"))


def sign_up(name):
    return db.session.scalar(db.select(SignUp).filter_by(email_key=f"{name}@acme.test"))


@pytest.fixture
def secret(cast):
    """The town: Ann's organization, its people and its invitations; answers Bo's token."""
    ann = cast.account("Ann")
    acme = cast.organization(ann, seats=3)
    cast.account("Fay")
    bo = cast.seated(acme, "Bo", ann)
    cast.seated(acme, "Cy", ann)
    cast.member(acme, "Di", ann)
    organizations.found("Unpaid", "unpaid", by=ann)
    subscriptions.begin(organizations.found("Chosen", "chosen", by=ann), 2, "monthly", by=ann)
    leaving = cast.organization(ann, "Leaving", seats=2)
    seats.assign(memberships.of(ann, leaving), by=ann)
    cancellations.cancel(subscriptions.live(leaving), by=ann)
    cast.invitation(acme, "ed@acme.test", ann)
    organizations.set_invitation_days(acme, 30, by=ann)
    cast.invitation(acme, "fay@acme.test", ann)
    accounts.sign_up("Gil", "gil@acme.test", PASSWORD)
    secret = cast.secret(bo)
    cast.deliver()
    return secret


JOURNEY = {  # every command of it, as the doors call it
    "sign up": lambda: accounts.sign_up("Hal", "hal@acme.test", PASSWORD),
    "confirm": lambda: accounts.confirm(sign_up("gil")),
    "form an organization": lambda: organizations.found("Bolt", "bolt", by=account("ann")),
    "choose seats": lambda: subscriptions.begin(
        organization("unpaid"), 2, "monthly", by=account("ann")
    ),
    "pay": lambda: subscriptions.pay(
        subscriptions.live(organization("chosen")) or subscriptions.pending(organization("chosen")),
        CARD,
        by=account("ann"),
    ),
    "invite": lambda: guest_lists.invite(
        organization(), "ida@acme.test, jo@acme.test", by=account("ann")
    ),
    "accept": lambda: arrivals.accept(invitation("fay"), by=account("fay")),
    "sign up by link": lambda: arrivals.sign_up_by_link(invitation("ed"), "Ed", PASSWORD),
    "assign a seat": lambda: seats.assign(member("di"), by=account("ann")),
    "activate": lambda: tokens.activate(token("cy"), by=account("cy")),
    "reissue": lambda: tokens.reissue(token("bo"), 1, 0, by=account("bo")),
    "revoke a seat": lambda: seats.revoke(member("bo"), by=account("ann")),
    "remove": lambda: departures.remove(member("bo"), by=account("ann")),
    "leave": lambda: departures.leave(member("bo"), by=account("bo")),
    "decline": lambda: invitations.decline(invitation("ed"), "ed@acme.test", by=None),
    "resend": lambda: invitations.resend(invitation("ed"), by=account("ann")),
    "revoke an invitation": lambda: invitations.revoke(invitation("ed"), by=account("ann")),
    "expire": invitations.expire_unanswered,
    "cancel": lambda: cancellations.cancel(
        subscriptions.live(organization()), "Too dear", by=account("ann")
    ),
    "end a subscription": cancellations.end_due,
    "renew": billing.charge_due,
}
LATER = {
    "expire": 15 * DAY,
    "end a subscription": 32 * DAY,
    "renew": 32 * DAY,
}  # Ed's time is over then, Fay's is not
SECRETS = ("activate", "reissue")  # these mail one
WHOLE = "activate"  # tried at each point, at any size
OLD = "Bo's token of before"
EVERY = 11  # of the other points of delivery, at the small size


def test_wherever_a_process_dies_all_is_done_or_nothing_and_every_letter_arrives(
    trial, verdict, full
):
    verdict.about("R9", commands=len(JOURNEY))
    violations, tried, names = [], 0, set()

    for name in JOURNEY:
        points = trial.begin(name)
        for number, point in enumerate(points, 1):
            if full or chosen(name, number, point):
                violations += trial.crash_at(number, point)
                tried += 1
                names.add((name, point))

    assert violations == []
    assert len(names) >= 40
    verdict.holds(points=tried, kinds_of_points=len(names), violations=0)


def chosen(name, number, point):
    """At the small size: every point of the command, and some of its letter's way."""
    return name == WHOLE or ("outbox." not in point and "COMMIT" in point) or number % EVERY == 0


@pytest.fixture
def trial(app, settings, sink, secret, snapshot):
    return Trial(app, settings, sink, secret, snapshot())


@dataclass(frozen=True)
class Ending:
    """How it ended: what is in the database, what the gate says, and who got which letters."""

    database: dict
    gate: dict
    letters: set

    def mailed_secrets(self):
        """What the gate says to secrets in letters."""
        return [reason for kind, reason in self.gate.items() if kind != OLD]


class Trial:
    """A command, first undisturbed, then with a death at each point of its way."""

    def __init__(self, app, settings, sink, secret, snapshot):
        self.app, self.settings, self.sink, self.secret = app, settings, sink, secret
        self.snapshot = snapshot

    def begin(self, name):
        """See where the command leads, done once and done twice; answers the points on its way."""
        self.name, self.act = name, JOURNEY[name]
        self._put_back()
        self.before = picture()
        self.newest = db.session.scalar(db.select(db.func.max(Letter.id)))
        life = live(self.app, self.act)
        self.after = picture()
        self.once = self._ending()
        assert self.after != self.before, f"{name} does nothing"
        assert (self.once.mailed_secrets() == [None]) == (name in SECRETS)
        self._go_on()
        self.twice = self._ending()
        return life.points

    def crash_at(self, number, point):
        """Die there and start again; answers what is not as if nothing had happened."""
        self._put_back()
        life = live(self.app, self.act, until=number)
        found = picture()
        self.settings.clock_offset += AFTER_THE_LEASE
        expected = self.once
        if life.acknowledged:
            post.deliver()
        else:  # whoever got no answer does it again
            self._go_on()
            expected = self.once if found == self.before else self.twice
        seen = self._ending()
        wrong = {
            "it did not die there": not life.died or life.points[-1] != point,
            "half done": found not in (self.before, self.after),
            "acknowledged, and lost": life.acknowledged and found != self.after,
            "another end": seen.database != expected.database,
            "the gate answers otherwise": seen.gate != expected.gate,
            "a mailed secret that does not pass": any(seen.mailed_secrets()),
            "letters lost": not expected.letters <= seen.letters,
            "letters nobody posted": not seen.letters <= self.twice.letters,
            "a letter on its way, or nowhere": self._unsettled(),
            "a repeat that differs": differing_repeats(self.sink),
        }
        return [f"{self.name}, {point}: {what}" for what, so in wrong.items() if so]

    def _go_on(self):
        with suppress(Refusal):
            self.act()
        post.deliver()

    def _put_back(self):
        self.snapshot.put_back()
        self.sink.mails.clear()
        self.settings.clock_offset = LATER.get(self.name, 0.0)

    def _ending(self):
        assert nothing_is_wrong()
        letters = {(one.kind, one.to) for one in arrived(self.sink)}
        return Ending(picture(), self._gate(), letters)

    def _gate(self):
        """What the gate says to Bo's old secret, and to the last in a letter of each kind."""
        says = {OLD: gate.judge(self.secret).reason}
        for one in arrived(self.sink):
            for secret in re.findall(r"usht\w{44}", one.text):
                says[one.kind] = gate.judge(secret).reason
        return says

    def _unsettled(self):
        """Letters on their way still, or marked sent though the mail server never had them."""
        here = {one.number for one in arrived(self.sink)}
        mine = db.session.scalars(db.select(Letter).where(Letter.id > self.newest)).all()
        return [
            one.id
            for one in mine
            if one.state not in ("sent", "moot") or (one.state == "sent" and one.id not in here)
        ]


@dataclass(frozen=True)
class Arrived:
    """A letter at the mail server."""

    number: int
    kind: str
    to: str
    text: str
    content: bytes


def arrived(sink):
    for content in list(sink.mails):
        mail = email.message_from_bytes(content, policy=email.policy.default)
        number, kind = re.match(r"<letter-(\d+)\.(\w+)@", mail["Message-ID"]).groups()
        text = mail.get_body(("plain",)).get_content()
        yield Arrived(int(number), kind, mail["To"], text, content)


def differing_repeats(sink):
    """Letters that came more than once, and not with the same bytes."""
    contents = defaultdict(set)
    for one in arrived(sink):
        contents[one.number].add(one.content)
    return [number for number, versions in contents.items() if len(versions) > 1]


def picture():
    """What is in the database, without what differs each time: ids, moments, hashes and deliveries.

    So two pictures are equal when the same things happened, each exactly as often.
    """
    db.session.rollback()
    seen = {}
    for table in Base.metadata.sorted_tables:
        drawn = [column for column in table.c if is_drawn(table, column)]
        if drawn:
            seen[table.name] = sorted(map(repr, db.session.execute(db.select(*drawn))))
    db.session.rollback()
    return seen


# Deliveries, how often something was tried, what `nothing_is_wrong` compares with its tables, and
# the books of the card company, which are not ours.
LEFT_OUT = {"attempts", "buckets", "verdicts", "lines", "tallies", "pretend_payments"}


def is_drawn(table, column):
    if table.name == "letters":
        return column.name in ("template", "generation")
    told = isinstance(column.type, String | Boolean | Integer) and column.name != "password_hash"
    known = column.primary_key or column.name.endswith("_id")
    asked = (table.name, column.name) == ("subscriptions", "revision")  # more often than once
    return table.name not in LEFT_OUT and told and not known and not asked
