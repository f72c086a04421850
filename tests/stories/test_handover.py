"""The story of ownership: offered, answered, and an organization that is closed (§2.6, §4.5)."""

import pytest
from sqlalchemy.exc import IntegrityError

from workflows import (
    arrivals,
    closures,
    departures,
    gate,
    handovers,
    memberships,
    organizations,
    roles,
)
from workflows.engine.db import command, db
from workflows.engine.refusals import Invalid, NotAllowed, NotFound, NotNow
from workflows.memberships import Membership


@pytest.fixture
def bob(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)
    roles.make_admin(bob, by=ann)
    cast.deliver()
    return bob


def told(cast):
    return [(one.to, one.template) for one in cast.deliver()]


def test_a_founder_can_leave_in_the_end(cast, acme, ann, bob):
    founder = memberships.of(ann, acme)
    offer = handovers.offer(bob, by=ann)
    assert acme.owner_id == founder.id
    assert told(cast) == [("bob@acme.test", "handover_offered")]

    handovers.accept(offer, by=bob.account)

    assert (acme.owner_id, founder.state) == (bob.id, "admin")
    assert told(cast) == [("ann@acme.test", "handover_accepted")]
    roles.make_member(founder, by=bob.account)
    departures.leave(founder, by=ann)


def test_only_the_owner_offers_once_and_only_the_chosen_answers(cast, acme, ann, bob):
    cy = cast.member(acme, "Cy", ann)
    with pytest.raises(NotNow, match="Only an admin can become the owner"):
        handovers.offer(cy, by=ann)
    roles.make_admin(cy, by=ann)
    with pytest.raises(NotAllowed, match="Only the owner"):
        handovers.offer(cy, by=bob.account)

    offer = handovers.offer(bob, by=ann)

    with pytest.raises(NotNow, match="offered to Bob already"):
        handovers.offer(cy, by=ann)
    with pytest.raises(NotAllowed):
        handovers.accept(offer, by=cy.account)
    with pytest.raises(NotAllowed):
        handovers.cancel(offer, by=bob.account)


@pytest.mark.parametrize("end", [roles.make_member, departures.remove])
def test_whoever_is_no_admin_any_more_cannot_become_the_owner(cast, acme, ann, bob, end):
    offer = handovers.offer(bob, by=ann)
    cast.deliver()

    end(bob, by=ann)

    assert offer.state == "canceled"
    assert ("ann@acme.test", "handover_fell_through") in told(cast)


def test_the_database_demotes_nobody_whom_ownership_is_offered_to(acme, ann, bob):
    handovers.offer(bob, by=ann)

    @command
    def demote_behind_the_back():
        db.session.execute(db.update(Membership).filter_by(id=bob.id).values(state="member"))

    with pytest.raises(IntegrityError):
        demote_behind_the_back()


def test_an_offer_ends_after_a_week_and_the_owner_hears(cast, settings, acme, ann, bob):
    offer = handovers.offer(bob, by=ann)
    settings.clock_offset += 7 * 86400 + 1
    with pytest.raises(NotNow, match="not answered in time"):
        handovers.accept(offer, by=bob.account)

    handovers.expire_unanswered()

    assert offer.state == "expired"
    assert told(cast) == [("ann@acme.test", "handover_expired")]


def test_a_closed_organization_has_nothing_left_and_no_token_passes(cast, acme, ann, bob):
    secret = cast.secret(cast.seated(acme, "Dee", ann))
    handovers.offer(bob, by=ann)
    cast.deliver()
    with pytest.raises(Invalid):
        closures.close(acme, "something else", by=ann)
    with pytest.raises(NotAllowed, match="Only the owner"):
        closures.close(acme, "acme", by=bob.account)
    assert gate.judge(secret).passes

    closures.close(acme, "acme", by=ann)

    judged = gate.judge(secret)
    assert (judged.status, judged.reason) == (403, "organization_closed")
    assert gate.recheck() == 0
    assert {one for _, one in told(cast)} == {"organization_closed"}
    assert organizations.of_account(ann) == []
    with pytest.raises(NotFound):
        memberships.require_member(ann, acme)
    with pytest.raises(Invalid, match="is taken"):
        organizations.found("Acme", "acme", by=ann)


def test_whoever_comes_back_has_an_earlier_stay(cast, acme, ann):
    cy = cast.member(acme, "Cy", ann)
    departures.remove(cy, by=ann)
    asked = cast.invitation(acme, "cy@acme.test", ann)

    again = arrivals.accept(asked, by=cy.account)

    [stay] = memberships.earlier(again)
    assert (stay.membership_id, stay.how, stay.by) == (cy.id, "removed", "Ann")
