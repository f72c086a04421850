"""An invitation is answered once, however many answers come at the same moment."""

from datetime import timedelta
from functools import partial

from people import PASSWORD
from racing import nothing_is_wrong, won

from workflows import (
    arrivals,
    departures,
    guest_lists,
    invitations,
    memberships,
    moves,
    organizations,
    reminders,
)
from workflows.engine.db import db, now
from workflows.engine.history import history
from workflows.engine.letters import Letter
from workflows.memberships import Membership


def letters(invitation, template):
    posted = db.select(Letter).filter_by(template=template, about_id=invitation.id)
    return len(db.session.scalars(posted).all())


def active_memberships(account):
    mine = db.select(Membership).filter_by(account=account, active=True)
    return len(db.session.scalars(mine).all())


def test_a_double_click_on_accept_makes_one_member(race, cast, acme, ann, laps):
    bob = cast.account("Bob")

    for _ in laps:
        invitation = cast.invitation(acme, "bob@acme.test", ann)

        answers = race(*[partial(arrivals.accept, invitation, by=bob)] * 4)

        assert answers == [None] * 4
        assert active_memberships(bob) == 1
        assert letters(invitation, "invitation_accepted") == 1
        assert nothing_is_wrong()
        departures.leave(memberships.of(bob, acme), by=bob)


def test_a_double_click_on_the_sign_up_of_a_link_makes_one_account(race, cast, acme, ann, laps):
    for lap in laps:
        invitation = cast.invitation(acme, f"bob{lap}@acme.test", ann)

        answers = race(*[partial(arrivals.sign_up_by_link, invitation, "Bob", PASSWORD)] * 3)

        assert won(answers) == 1
        assert {str(answer) for answer in answers if answer} == {
            "You already have an account. Log in with it."
        }
        assert invitation.state == "accepted"
        assert nothing_is_wrong()


def test_accepting_revoking_and_declining_at_once_is_one_of_them(race, cast, acme, ann, cy, laps):
    bob = cast.account("Bob")

    for _ in laps:
        invitation = cast.invitation(acme, "bob@acme.test", ann)

        answers = race(
            partial(arrivals.accept, invitation, by=bob),
            partial(invitations.revoke, invitation, by=ann),
            partial(invitations.revoke, invitation, by=cy),
            partial(invitations.decline, invitation, "bob@acme.test", by=None),
        )

        assert won(answers) == 1
        lost = {str(answer) for answer in answers if answer}
        assert lost == {f"This invitation was {invitation.state}."}
        assert active_memberships(bob) == (invitation.state == "accepted")
        assert nothing_is_wrong()
        if answers[0] is None:
            departures.leave(memberships.of(bob, acme), by=bob)


def expire_when_it_is_time(invitation):
    """The clock's worker, which looks again and again."""
    while now() < invitation.expires_at:
        db.session.rollback()
    invitations.expire_unanswered()


def test_at_its_last_moment_an_invitation_is_accepted_revoked_or_expired(
    race, cast, acme, ann, settings, laps
):
    bob = cast.account("Bob")
    organizations.set_invitation_days(acme, 1, by=ann)

    for _ in laps:
        settings.clock_offset = 0
        invitation = cast.invitation(acme, "bob@acme.test", ann)
        last_moment = invitation.expires_at - timedelta(seconds=0.05)
        settings.clock_offset = (last_moment - now()).total_seconds()

        accepted, revoked, expired = race(
            partial(arrivals.accept, invitation, by=bob),
            partial(invitations.revoke, invitation, by=ann),
            partial(expire_when_it_is_time, invitation),
        )

        ends = {step.target for step in history(invitation)} - {"sent"}
        assert ends in ({"accepted"}, {"revoked"}, {"expired", "revoked"})
        assert (accepted is None) == (ends == {"accepted"}) == active_memberships(bob)
        assert (revoked is None) == ("revoked" in ends)
        assert expired is None
        assert letters(invitation, "invitation_expired") == ("expired" in ends)
        assert nothing_is_wrong()
        if accepted is None:
            departures.leave(memberships.of(bob, acme), by=bob)


def test_an_invitation_expires_once_though_two_clocks_run(race, cast, acme, ann, settings, laps):
    for lap in laps:
        invitation = cast.invitation(acme, f"bob{lap}@acme.test", ann)
        settings.clock_offset += timedelta(days=15).total_seconds()

        answers = race(*[partial(invitations.expire_unanswered)] * 2)

        assert answers == [None, None]
        assert [step.target for step in history(invitation)] == ["sent", "expired"]
        assert letters(invitation, "invitation_expired") == 1


def test_of_one_invitation_two_clocks_remind_once(race, cast, acme, ann, settings, laps):
    for lap in laps:
        invitation = cast.invitation(acme, f"bob{lap}@acme.test", ann)
        cast.deliver()
        settings.clock_offset += timedelta(days=13).total_seconds()

        race(*[partial(reminders.remind)] * 2)

        assert letters(invitation, "invitation_reminder") == 1


def test_of_two_people_one_asks_for_a_move(race, cast, acme, ann, laps):
    askers = [cast.account(name) for name in ("Dee", "Eve")]
    for lap in laps:
        invitation = cast.invitation(acme, f"bob{lap}@acme.test", ann)

        answers = race(*(partial(moves.ask, invitation, by=asker) for asker in askers))

        assert len([answer for answer in answers if answer is None]) == 1
        assert "Somebody asked for this already" in str(answers)
        assert letters(invitation, "invitation") == 1
        assert len(moves.of([invitation.id])) == 1
        assert nothing_is_wrong()


def test_the_same_list_twice_at_once_invites_everybody_once(race, acme, ann, cy, laps):
    for lap in laps:
        addresses = " ".join(f"lap{lap}-{number}@acme.test" for number in range(8))

        answers = race(*(partial(guest_lists.invite, acme, addresses, by=who) for who in (ann, cy)))

        assert answers == [None, None]
        newest = invitations.of_organization(acme)[:9]
        assert [one.email.split("-")[0] for one in newest].count(f"lap{lap}") == 8
        assert all(letters(one, "invitation") == 1 for one in newest)
        assert nothing_is_wrong()


def test_resending_and_revoking_at_once_leaves_one_open_invitation_or_none(
    race, cast, acme, ann, cy, laps
):
    for lap in laps:
        invitation = cast.invitation(acme, f"bob{lap}@acme.test", ann)

        resent, revoked = race(
            partial(invitations.resend, invitation, by=ann),
            partial(invitations.revoke, invitation, by=cy),
        )

        assert revoked is None
        assert invitation.state == "revoked"
        assert resent is None or str(resent) == "This invitation was revoked."
        assert letters(invitation, "invitation") == (2 if resent is None else 1)
        assert nothing_is_wrong()
