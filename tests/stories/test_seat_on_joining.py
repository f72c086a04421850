"""A seat on joining: whoever accepts gets one at once, or a place in line."""

from people import PASSWORD

from workflows import arrivals, guest_lists, invitations, memberships, places, roles, seats


def arrive(organization, address, by):
    guest_lists.invite(organization, address, by=by, seat=True)
    invitation = invitations.of_organization(organization)[0]
    return invitation, partial_arrival(invitation)


def partial_arrival(invitation):
    name = invitation.email.partition("@")[0].title()
    return lambda: memberships.of(
        arrivals.sign_up_by_link(invitation, name, PASSWORD), invitation.organization
    )


def test_whoever_accepts_gets_a_free_seat_at_once(cast, ann):
    acme = cast.organization(ann, seats=1)
    invitation, join = arrive(acme, "bob@acme.test", ann)

    bob = join()

    assert seats.of(bob)
    assert invitation.state == "seated"
    assert "seat_assigned" in {letter.template for letter in cast.deliver()}


def test_where_none_is_free_they_are_in_line_and_the_inviter_reads_so(cast, ann):
    acme = cast.organization(ann, seats=1)
    holder = cast.seated(acme, "Holder", ann)
    _, join = arrive(acme, "bob@acme.test", ann)
    bob = join()
    told = {letter.template: letter for letter in cast.deliver()}

    assert places.standings([bob.id])[bob.id].words == "1st in line"
    assert told["invitation_accepted"].facts["in_line"]

    seats.revoke(holder, by=ann)

    assert seats.of(bob)


def test_the_wish_of_somebody_who_is_no_admin_any_more_is_the_owners_turn(cast, ann):
    acme = cast.organization(ann, seats=5)
    cy = cast.member(acme, "Cy", ann)
    roles.make_admin(cy, by=ann)
    invitation, join = arrive(acme, "bob@acme.test", cy.account)
    roles.make_member(cy, by=ann)

    bob = join()

    assert seats.of(bob) is None
    assert places.of(bob) is None
    assert invitation.state == "accepted"


def test_an_expired_invitation_that_is_invited_again_carries_the_new_wish(cast, ann, settings):
    acme = cast.organization(ann, seats=1)
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    settings.clock_offset = 15 * 86400
    invitations.expire_unanswered()
    guest_lists.invite(acme, "bob@acme.test", by=ann, seat=True)

    bob = partial_arrival(invitation)()

    assert seats.of(bob)


def test_whoever_wishes_the_seat_anew_stands_for_it_when_the_first_admin_is_none_any_more(
    cast, ann, settings
):
    acme = cast.organization(ann, seats=1)
    cy = cast.member(acme, "Cy", ann)
    roles.make_admin(cy, by=ann)
    _, join = arrive(acme, "bob@acme.test", cy.account)
    roles.make_member(cy, by=ann)
    settings.clock_offset = 15 * 86400
    invitations.expire_unanswered()
    guest_lists.invite(acme, "bob@acme.test", by=ann, seat=True)

    bob = join()

    assert seats.of(bob)
