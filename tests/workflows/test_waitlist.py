"""Whoever is in line gets the seat that frees, and nobody else does."""

import pytest
from people import CARD
from racing import nothing_is_wrong

from workflows import departures, invitations, places, seats, subscriptions, tokens, waitlist
from workflows.engine.db import command, db
from workflows.engine.refusals import NotAllowed, NotNow
from workflows.places import Place


@pytest.fixture
def ann(cast):
    return cast.account("Ann")


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann, seats=1)


@pytest.fixture
def line(cast, acme, ann):
    """Bob has the one seat; Cy and Dee are in line for it."""
    bob = cast.seated(acme, "Bob", ann)
    cy, dee = (cast.member(acme, name, ann) for name in ("Cy", "Dee"))
    waitlist.line_up(cy, by=ann)
    waitlist.line_up(dee, by=ann)
    cast.deliver()
    return bob, cy, dee


GOING = {
    "revoked": lambda bob, ann: seats.revoke(bob, by=ann),
    "left": lambda bob, ann: departures.leave(bob, by=bob.account),
    "removed": lambda bob, ann: departures.remove(bob, by=ann),
}


@pytest.mark.parametrize("going", GOING)
def test_a_seat_that_frees_goes_to_the_first_in_line_who_is_told(cast, acme, ann, line, going):
    bob, cy, dee = line

    GOING[going](bob, ann)

    assert tokens.of(cy).state == "inactive"
    assert seats.of(dee) is None
    assert places.standings([dee.id])[dee.id].words == "1st in line"
    letters = {one.to: one for one in cast.deliver()}
    assert letters["cy@acme.test"].facts["waited"]
    assert nothing_is_wrong()


def test_seats_that_are_bought_go_to_the_line_and_the_rest_is_free(acme, ann, line):
    subscriptions.resize(subscriptions.live(acme), 4, by=ann)

    assert all(seats.of(one) for one in line)
    assert seats.count(acme).free == 1
    assert nothing_is_wrong()


def test_a_first_purchase_serves_the_line(cast, ann):
    poor = cast.organization(ann, "Poor")
    bob = cast.member(poor, "Bob", ann)
    waitlist.line_up(bob, by=ann)

    subscriptions.pay(subscriptions.begin(poor, 1, "monthly", by=ann), CARD, by=ann)

    assert seats.of(bob)
    assert nothing_is_wrong()


def test_whoever_asked_waits_for_a_yes_and_is_not_served_before(cast, acme, ann):
    bob, cy = cast.seated(acme, "Bob", ann), cast.member(acme, "Cy", ann)
    waitlist.ask(cy, by=cy.account)

    seats.revoke(bob, by=ann)

    assert seats.of(cy) is None
    assert seats.count(acme).free == 1
    seats.assign(cy, by=ann)
    assert places.of(cy) is None
    assert nothing_is_wrong()


def test_admins_hear_of_all_who_ask_in_one_letter_a_day(cast, acme, ann):
    bob, cy = (cast.member(acme, name, ann) for name in ("Bob", "Cy"))
    cast.deliver()
    waitlist.ask(bob, by=bob.account)
    waitlist.ask(cy, by=cy.account)

    [letter] = cast.deliver()
    waitlist.withdraw(cy, by=cy.account)
    waitlist.ask(cy, by=cy.account)

    assert (letter.to, letter.facts["names"]) == ("ann@acme.test", ["Bob", "Cy"])
    assert cast.deliver() == []


def test_nobody_asks_twice_or_for_another(cast, acme, ann):
    bob, cy = cast.member(acme, "Bob", ann), cast.seated(acme, "Cy", ann)
    waitlist.ask(bob, by=bob.account)

    with pytest.raises(NotNow, match="asked for a seat already"):
        waitlist.ask(bob, by=bob.account)
    with pytest.raises(NotNow, match="have a seat already"):
        waitlist.ask(cy, by=cy.account)
    with pytest.raises(NotAllowed):
        waitlist.ask(bob, by=cy.account)
    with pytest.raises(NotAllowed, match="Only an admin"):
        waitlist.line_up(bob, by=bob.account)


def test_a_free_seat_is_given_and_nobody_waits_beside_it(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)

    waitlist.line_up(bob, by=ann)

    assert seats.of(bob)
    assert places.of(bob) is None


def test_an_admin_puts_somebody_first_or_out_of_the_line(acme, ann, line):
    bob, cy, dee = line
    waitlist.put_first(dee, by=ann)
    assert places.standings([dee.id])[dee.id].number == 1
    waitlist.refuse(cy, by=ann)

    seats.revoke(bob, by=ann)

    assert seats.of(dee)
    assert places.of(cy) is None
    assert nothing_is_wrong()


def test_a_revoked_seat_goes_to_whom_the_admin_names(acme, ann, line):
    bob, cy, dee = line

    seats.revoke(bob, by=ann, to=dee)

    assert seats.of(dee)
    assert places.standings([cy.id])[cy.id].number == 1
    assert nothing_is_wrong()


def test_whoever_goes_leaves_no_place_behind(acme, ann, line):
    bob, cy, dee = line
    departures.leave(cy, by=cy.account)

    seats.revoke(bob, by=ann)

    assert seats.of(dee)
    assert nothing_is_wrong()


def test_the_database_keeps_nobody_in_line_who_has_gone(acme, line):
    _, cy, _ = line

    @command
    def behind_the_back():
        db.session.execute(db.update(Place).filter_by(membership_id=cy.id).values(state="seated"))

    with pytest.raises(Exception, match=r"whoever_waits|CHECK"):
        behind_the_back()


def test_a_seat_that_a_crash_left_beside_the_line_is_given_by_the_clock(acme, ann, line):
    _, cy, _ = line

    @command
    def leave_one_free():
        row = {"organization_id": acme.id, "state": "free", "since": acme.since, "revision": 1}
        db.session.execute(db.insert(seats.Seat), [row])

    leave_one_free()
    waitlist.serve_all()

    assert seats.of(cy)


def test_a_person_in_line_reads_where_they_stand(acme, ann, line):
    _, _, dee = line

    assert invitations.accepted_by(dee).state == "accepted"
    assert places.standings([dee.id])[dee.id].words == "2nd in line"
