"""Invitations and the lists they come from."""

from datetime import timedelta

import pytest
from people import PASSWORD

from workflows import (
    accounts,
    arrivals,
    directories,
    guest_lists,
    invitations,
    memberships,
    roles,
    seats,
)
from workflows.directories import Search
from workflows.engine import outbox
from workflows.engine.db import command, db
from workflows.engine.refusals import Invalid, NotAllowed, NotNow


@pytest.fixture
def acme(cast, ann):
    acme = cast.organization(ann, seats=2)
    cast.deliver()
    return acme


def words(outcomes):
    return {outcome.address: outcome.word for outcome in outcomes}


def later(settings, **time):
    settings.clock_offset += timedelta(**time).total_seconds()


def test_every_address_gets_an_answer_of_its_own_and_good_ones_go_out(cast, acme, ann):
    cast.invitation(acme, "old@acme.test", ann)

    outcomes = guest_lists.invite(
        acme, "new@acme.test; NEW@acme.test, j@@x.test\nann@acme.test\told@acme.test "
        '"Bob B." <bob@acme.test>', by=ann,
    )  # fmt: skip

    assert words(outcomes) == {
        "new@acme.test": "Invited",
        "NEW@acme.test": "Listed twice",
        "j@@x.test": "Not an address",
        "ann@acme.test": "Already a member",
        "old@acme.test": "Already invited",
        "bob@acme.test": "Invited",
    }
    assert {one.to for one in cast.deliver()} == {"old@acme.test", "new@acme.test", "bob@acme.test"}


def test_the_same_list_again_invites_nobody_twice(cast, acme, ann):
    text = "a@acme.test b@acme.test"
    guest_lists.invite(acme, text, by=ann)

    again = guest_lists.invite(acme, text, by=ann)

    assert set(words(again).values()) == {"Already invited"}
    assert len(cast.deliver()) == 2


def test_looking_a_list_over_sends_nothing(cast, acme, ann):
    outcomes = guest_lists.look_over(acme, "a@acme.test b@@acme.test", by=ann)

    assert set(words(outcomes).values()) == {"Will be invited", "Not an address"}
    assert cast.deliver() == []


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "Type at least one address."),
    (" ,;\n", "Type at least one address."),
    (" ".join(f"p{n}@acme.test" for n in range(10_001)), "invite at most 10,000 at once"),
])  # fmt: skip
def test_a_list_that_is_empty_or_too_long_is_refused_whole(acme, ann, text, sentence):
    with pytest.raises(Invalid, match=sentence):
        guest_lists.invite(acme, text, by=ann)


def test_an_invitation_belongs_to_its_address(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    eve = cast.account("Eve")

    with pytest.raises(NotAllowed, match="another address"):
        arrivals.accept(invitation, by=eve)

    assert invitation.state == "sent"
    assert memberships.of(eve, acme) is None


def test_accepting_twice_makes_one_membership(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    bob = cast.account("Bob")

    first, second = arrivals.accept(invitation, by=bob), arrivals.accept(invitation, by=bob)

    assert first == second
    assert db.session.query(memberships.Membership).filter_by(account=bob).count() == 1


def test_a_member_who_accepts_another_invitation_is_simply_taken_in(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)

    @command
    def invite_behind_the_back():
        invitations.begin_all(acme, {"bob@acme.test": "bob@acme.test"}, by=ann)
        return invitations.of_organization(acme)[0]

    invitation = invite_behind_the_back()

    assert arrivals.accept(invitation, by=bob.account) == bob
    assert invitation.state == "seated"


def test_whoever_has_an_account_cannot_make_a_second_one_by_the_link(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    cast.account("Bob")

    with pytest.raises(NotNow, match="already have an account"):
        arrivals.sign_up_by_link(invitation, "Bob", "another long password")

    assert invitation.state == "sent"


def test_a_refused_sign_up_by_link_leaves_no_account(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    invitations.revoke(invitation, by=ann)

    with pytest.raises(NotNow, match="revoked"):
        arrivals.sign_up_by_link(invitation, "Bob", PASSWORD)

    assert accounts.with_key("bob@acme.test") is None


def test_an_unanswered_invitation_expires_and_its_inviter_hears(cast, acme, ann, settings):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    cast.deliver()
    later(settings, days=14, seconds=1)

    invitations.expire_unanswered()

    assert invitation.state == "expired"
    assert [(one.to, one.template) for one in cast.deliver()] == [
        ("ann@acme.test", "invitation_expired")
    ]


def test_an_invitation_ends_on_time_even_if_the_clock_sleeps(cast, acme, ann, settings):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    bob = cast.account("Bob")
    later(settings, days=14, seconds=1)

    with pytest.raises(NotNow, match="has expired"):
        arrivals.accept(invitation, by=bob)


@pytest.mark.parametrize("expired", [False, True])
def test_resending_always_renews_the_time(cast, acme, ann, settings, expired):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    [first] = cast.deliver()
    later(settings, days=15 if expired else 10)
    invitations.expire_unanswered()
    cast.deliver()

    invitations.resend(invitation, by=ann)

    [again] = cast.deliver()
    assert again.facts["url"] == first.facts["url"]  # old links keep working
    assert invitation.expires_at - invitation.since > timedelta(days=13, hours=23)
    arrivals.accept(invitation, by=cast.account("Bob"))


def test_inviting_an_expired_address_again_renews_the_invitation(cast, acme, ann, settings):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    later(settings, days=15)
    invitations.expire_unanswered()

    [outcome] = guest_lists.invite(acme, "bob@acme.test", by=ann)

    assert outcome.word == "Invited"
    assert invitation.state == "sent"
    assert len(invitations.of_organization(acme)) == 1


@pytest.mark.parametrize("handed_over", [False, True])
def test_the_invited_person_hears_of_a_revocation_only_after_a_letter(cast, acme, ann, handed_over):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    if handed_over:
        cast.deliver()

    invitations.revoke(invitation, by=ann)

    assert [one.template for one in cast.deliver()] == ["invitation_revoked"] * handed_over


def test_declining_needs_the_address_that_mail_scanners_do_not_know(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    cast.deliver()

    for typed in ("", "x", "ann@acme.test"):
        with pytest.raises(Invalid):
            invitations.decline(invitation, typed, by=None)
    invitations.decline(invitation, "BOB@acme.test", by=None)

    assert invitation.state == "declined"
    assert [(one.to, one.template) for one in cast.deliver()] == [
        ("ann@acme.test", "invitation_declined")
    ]


def test_if_the_inviter_is_no_admin_any_more_the_owner_hears(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)
    roles.make_admin(bob, by=ann)
    invitation = cast.invitation(acme, "cy@acme.test", bob.account)
    roles.make_member(bob, by=ann)
    cast.deliver()

    invitations.decline(invitation, "cy@acme.test", by=None)

    assert cast.deliver()[0].to == "ann@acme.test"


ENDS = {
    "accepted": lambda one, ann, cast: arrivals.accept(one, by=cast.account("Bob")),
    "declined": lambda one, ann, cast: invitations.decline(one, one.email, by=None),
    "revoked": lambda one, ann, cast: invitations.revoke(one, by=ann),
}


@pytest.mark.parametrize("state", list(ENDS))
def test_what_has_ended_cannot_be_moved_again(cast, acme, ann, state):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    ENDS[state](invitation, ann, cast)

    for act in (
        lambda: invitations.resend(invitation, by=ann),
        lambda: invitations.revoke(invitation, by=ann),
        lambda: invitations.decline(invitation, invitation.email, by=None),
    ):
        with pytest.raises(NotNow, match=f"This invitation was {state}"):
            act()


def test_an_invitation_carries_no_role(app):
    assert not {"role", "admin"} & set(invitations.Invitation.__table__.columns.keys())


def test_one_line_a_person_tells_whose_turn_it_is(cast, acme, ann, settings):
    bob = cast.member(acme, "Bob", ann)
    cast.invitation(acme, "cy@acme.test", ann)

    def turns():
        return {
            line.membership.account.name if line.membership else line.invitation.email: (
                line.state, line.turn.whose, line.turn.sentence, line.turn.button
            )
            for line in directories.look_up(acme, Search()).people
        }  # fmt: skip

    assert turns() == {
        "Ann": ("accepted", "All set", "An admin needs no seat.", None),
        "Bob": ("accepted", "Your turn", "Has joined and waits for a seat.", "Assign Seat"),
        "cy@acme.test": ("sent", "Usher's turn", "The invitation letter is on its way.", None),
    }
    cast.deliver()
    assert turns()["cy@acme.test"][1:] == (
        "Their turn",
        "Not answered yet. 14 days left.",
        "Resend",
    )
    seats.assign(bob, by=ann)
    assert turns()["Bob"][:3] == ("seated", "Usher's turn", "The seat letter is on its way.")
    cast.deliver()
    assert turns()["Bob"][:3] == ("seated", "Their turn", "Has not activated the token.")


def test_a_bounced_letter_is_the_admins_turn(cast, acme, ann):
    cast.invitation(acme, "bob@acme.test", ann)
    [claim] = outbox.claim(1, "test")
    outbox.bounced(claim, "550 no such mailbox")

    line = next(line for line in directories.look_up(acme, Search()).people if line.invitation)

    assert (line.turn.whose, line.turn.button) == ("Your turn", "Correct Address")
    assert line.marks[0] == ("Invited", "bad")


def test_a_stranger_decides_nothing(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    bob = cast.member(acme, "Cy", ann)

    with pytest.raises(NotAllowed):
        invitations.revoke(invitation, by=bob.account)


def test_an_invitation_revoked_while_its_letter_is_on_the_wire_is_taken_back_by_another(
    cast, acme, ann
):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    [claim] = outbox.claim(1, "a slow mail server")
    outbox.compose(claim)

    invitations.revoke(invitation, by=ann)

    [second] = outbox.claim(1, "test")
    assert outbox.compose(second).template == "invitation_revoked"


def test_the_inviter_hears_of_an_invitation_that_never_could_be_handed_over(
    cast, acme, ann, settings
):
    cast.invitation(acme, "bob@acme.test", ann)
    later(settings, hours=73)
    [claim] = outbox.claim(1, "test")

    outbox.later(claim, "451 try again")

    assert [one.template for one in cast.deliver()] == ["invitation_bounced"]


def test_the_inviter_hears_of_an_acceptance_though_the_seat_was_given_at_once(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)
    seats.assign(bob, by=ann)

    told = [one for one in cast.deliver() if one.template == "invitation_accepted"]

    assert [one.facts["seated"] for one in told] == [True]


def test_malformed_addresses_are_no_repetitions_of_each_other(acme, ann):
    outcomes = guest_lists.look_over(acme, "bad1, bad2, bad1", by=ann)

    assert [one.word for one in outcomes] == ["Not an address", "Not an address", "Listed twice"]


def test_somebody_else_cannot_decline_though_they_know_link_and_address(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)

    with pytest.raises(NotAllowed, match="another address"):
        invitations.decline(invitation, "bob@acme.test", by=cast.account("Eve"))

    assert invitation.state == "sent"
