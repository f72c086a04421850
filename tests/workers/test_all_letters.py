"""Every letter, from the command that posts it to the mailbox, with the facts of its recipe."""

import email
import email.policy
from datetime import timedelta

from people import CARD

from workers import billing, mailers, post
from workers.packing import Answer
from workflows import (
    accounts,
    address_changes,
    alarms,
    appointments,
    arrivals,
    cancellations,
    closures,
    departures,
    handovers,
    inquiries,
    invitations,
    memberships,
    moves,
    operators,
    profiles,
    reminders,
    replies,
    resets,
    roles,
    seats,
    sessions,
    settlements,
    subscriptions,
    titles,
    tokens,
    waitlist,
)
from workflows.engine.db import command, db, now
from workflows.engine.letters import Letter
from workflows.engine.register import REGISTER
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.subscriptions import Subscription


class Bouncing:
    """A mail server that knows nobody."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def send(self, mail):
        return Answer("bounced", "550 no such mailbox")


def accounts_letters(people, ann):
    accounts.sign_up("Ann", "ann@acme.test", "a password to test with")
    resets.ask_reset("ann@acme.test")
    post.deliver()


def profile_letters(people, bo):
    people.account("Cy")
    address_changes.ask(bo, "cy@acme.test")
    post.deliver()
    address_changes.ask(bo, "bo@else.test")
    post.deliver()
    address_changes.confirm(address_changes.asked_by(bo), by=bo)
    here = sessions.session_of(sessions.open_session(bo))
    old, new = "a password to test with", "quite another password"
    profiles.change_password(here, old, new, client="192.0.2.1")
    post.deliver()


def invitations_letters(people, ann, acme):
    declined = people.invitation(acme, "no@acme.test", ann)
    revoked = people.invitation(acme, "oh@acme.test", ann)
    expired = people.invitation(acme, "late@acme.test", ann)
    accepted = people.invitation(acme, "bo@acme.test", ann)
    post.deliver()
    invitations.decline(declined, "no@acme.test", by=None)
    invitations.revoke(revoked, by=ann)
    change = db.update(Invitation).where(Invitation.id == expired.id)
    db.session.execute(change.values(expires_at=expired.since))
    db.session.commit()
    invitations.expire_unanswered()
    replies.ask_again(expired, "late@acme.test", by=None)
    reminded_and_moved(people, ann, acme)
    bo = arrivals.sign_up_by_link(accepted, "Bo", "a password to test with")
    post.deliver()
    return memberships.of(bo, acme)


def reminded_and_moved(people, ann, acme):
    asked = people.invitation(acme, "soon@acme.test", ann)
    post.deliver()
    begun, ends = asked.since - timedelta(days=13), asked.since + timedelta(days=1)
    change = db.update(Invitation).where(Invitation.id == asked.id)
    db.session.execute(change.values(since=begun, expires_at=ends))
    db.session.commit()
    reminders.remind()
    move = moves.ask(asked, by=people.account("Eve"))
    post.deliver()
    moves.refuse(move, by=ann)


def seat_letters(people, ann, member):
    seats.assign(member, by=ann)
    post.deliver()
    token = tokens.of(member)
    tokens.activate(token, by=member.account)
    post.deliver()
    tokens.reissue(token, 1, 24, by=member.account)
    post.deliver()
    seats.revoke(member, by=ann)
    waitlist.ask(member, by=member.account)
    post.deliver()
    waitlist.refuse(member, "Not this year", by=ann)
    post.deliver()
    departures.remove(member, by=ann)
    post.deliver()


def subscription_letters(people, ann, acme):
    """Canceled, resumed, canceled again; its end, 30 days later that of a seat; bought anew."""
    people.seated(acme, "Cay", ann)
    bought = subscriptions.live(acme)
    subscriptions.resize(bought, 5, by=ann)
    for step in (cancellations.cancel, cancellations.resume, cancellations.cancel):
        step(bought, by=ann)
        post.deliver()
    change = db.update(Subscription).where(Subscription.id == bought.id)
    db.session.execute(change.values(period_end=bought.period_start))
    db.session.commit()
    cancellations.end_due()
    post.deliver()
    db.session.execute(change.values(kept_until=bought.period_start))
    db.session.commit()
    while cancellations.free_some():
        post.deliver()
    subscriptions.pay(subscriptions.begin(acme, 5, "monthly", by=ann), CARD, by=ann)


def renewal_letters(people, rea, settings):
    """Renewed; declined, and suspended when that was long enough."""
    bought = subscriptions.live(people.organization(rea, "Renewing", seats=1))
    change = db.update(Subscription).where(Subscription.id == bought.id)
    for card, days in (("4242", 14), ("0341", 14), ("0341", 0)):
        settings.grace_days = days
        db.session.execute(change.values(period_end=now(), try_at=now(), card_last4=card))
        db.session.commit()
        billing.charge_due()
        post.deliver()


def ownership_letters(people, ann, acme):
    """One offer for each way that it can end; at last the organization itself."""
    bea = people.member(acme, "Bea", ann)
    post.deliver()
    roles.make_admin(bea, by=ann)
    handovers.decline(handovers.offer(bea, by=ann), by=bea.account)
    handovers.cancel(_mailed(handovers.offer(bea, by=ann)), by=ann)
    late = handovers.offer(bea, by=ann)
    change = db.update(Handover).where(Handover.id == late.id)
    db.session.execute(change.values(expires_at=late.since))
    db.session.commit()
    handovers.expire_unanswered()
    handovers.offer(bea, by=ann)
    roles.make_member(bea, by=ann)
    roles.make_admin(bea, by=ann)
    handovers.accept(_mailed(handovers.offer(bea, by=ann)), by=bea.account)
    post.deliver()
    marta = operators.make_operator(people.account("Marta").email)
    ann_again = memberships.of(ann, acme)
    operators.act(appointments.appoint, ann_again, by=marta, why="Bea has left the company")
    owed = subscriptions.live(people.organization(ann, "Owing", seats=1))
    command(owed.fire)("fall_due", by=None)
    operators.act(settlements.settle, owed, by=marta, why="The transfer came")
    post.deliver()
    closures.close(acme, acme.slug, by=ann)
    post.deliver()


def _mailed(offer):
    post.deliver()
    return offer


def alarm_letters(ann, monkeypatch):
    operators.make_operator(ann.email)
    monkeypatch.setattr(alarms, "PATIENCE", timedelta(0))
    alarms.keep_watch({"letter-dead": [{"cause": "", "number": 2}]})
    post.deliver()
    alarms.keep_watch({})
    post.deliver()


def letters_to_admins_out_of_reach(people, gus, monkeypatch):
    place = people.organization(gus, "Remote", seats=1)
    with monkeypatch.context() as patch:
        patch.setattr(mailers, "way_out", Bouncing)
        post.deliver_batch()
    marta = operators.make_operator(people.account("Mia").email)
    operators.act(inquiries.inquire, place, by=marta, why="Their server is mended")
    post.deliver()


def test_every_letter_leaves(people, tmp_path, settings, monkeypatch):
    ann = people.account("Ann")
    acme = people.organization(ann, seats=2)
    accounts.sign_up("New", "new@acme.test", "a password to test with")
    accounts_letters(people, ann)
    profile_letters(people, people.account("Dee"))
    with monkeypatch.context() as patch:
        patch.setattr(mailers, "way_out", Bouncing)
        people.invitation(acme, "nobody@acme.test", ann)
        post.deliver_batch()
    member = invitations_letters(people, ann, acme)
    seat_letters(people, ann, member)
    subscription_letters(people, ann, acme)
    renewal_letters(people, people.account("Rea"), settings)
    ownership_letters(people, ann, acme)
    alarm_letters(ann, monkeypatch)
    letters_to_admins_out_of_reach(people, people.account("Gus"), monkeypatch)

    letters = db.session.scalars(db.select(Letter)).all()
    assert {letter.template for letter in letters if letter.state == "sent"} == set(REGISTER)
    assert {letter.state for letter in letters} <= {"sent", "moot", "bounced"}
    for file in (tmp_path / "mail").glob("*.eml"):
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        assert "None" not in mail["Subject"] + mail.get_body(("plain",)).get_content()


def test_every_letter_has_a_title_for_operators():
    assert set(titles.LETTERS) == set(REGISTER)
