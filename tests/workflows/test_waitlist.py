"""Whoever is in line gets the seat that frees, and nobody else does."""

import pytest
from people import CARD
from racing import nothing_is_wrong

from workflows import (
    acceptances,
    closures,
    departures,
    places,
    seat_blocks,
    seats,
    subscriptions,
    tokens,
    waitlist,
)
from workflows.engine.db import command, db
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.places import Place


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


def test_an_admin_says_no_with_a_word_and_the_member_hears_of_it_once(cast, acme, ann, line):
    bob, cy, dee = line
    waitlist.refuse(cy, "Your project has ended", by=ann)

    [letter] = cast.deliver()
    seats.revoke(bob, by=ann)

    assert (letter.to, letter.facts["word"]) == ("cy@acme.test", "Your project has ended")
    assert seats.of(dee)
    assert places.of(cy) is None
    assert nothing_is_wrong()


def test_a_word_to_a_member_carries_no_link(acme, ann, line):
    _, cy, _ = line

    with pytest.raises(Invalid, match="web address"):
        waitlist.refuse(cy, "Look at evil.example/login", by=ann)
    assert places.of(cy)


def test_whoever_is_refused_and_asks_again_hears_no_old_no(cast, acme, ann, line):
    _, cy, _ = line
    waitlist.refuse(cy, by=ann)
    waitlist.ask(cy, "For the build", by=cy.account)

    assert [letter.template for letter in cast.deliver()] == ["seat_asked"]


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

    with pytest.raises(Exception, match=r"whoever_waits|a_rank_in_line|CHECK"):
        behind_the_back()


def test_many_in_line_are_served_in_their_order_by_one_purchase(cast, acme, ann, line):
    people = [cast.member(acme, f"P{number}", ann) for number in range(6)]
    for one in reversed(people):
        waitlist.line_up(one, by=ann)
    cast.deliver()

    subscriptions.resize(subscriptions.live(acme), 6, by=ann)

    assert [bool(seats.of(one)) for one in people] == [False] * 3 + [True] * 3
    assert places.standings([people[2].id])[people[2].id].words == "1st in line"
    told = [letter.to for letter in cast.deliver() if letter.template == "seat_assigned"]
    assert told == [f"{name}@acme.test" for name in ("cy", "dee", "p5", "p4", "p3")]
    assert nothing_is_wrong()


def test_who_goes_with_many_leaves_the_line_and_their_seats_go_to_the_rest(acme, ann, line):
    bob, cy, dee = line

    departures.remove_all(acme, [bob.id, cy.id], by=ann)

    assert seats.of(dee)
    assert nothing_is_wrong()


def test_seats_that_many_lose_go_to_the_line(acme, ann, line):
    bob, cy, _ = line

    seat_blocks.revoke(acme, [bob.id], by=ann)

    assert seats.of(cy)
    assert nothing_is_wrong()


def test_a_closed_organization_has_no_line(cast, acme, ann, line):
    closures.close(acme, acme.slug, by=ann)

    assert [places.of(one) for one in line] == [None] * 3


def test_nobody_asks_for_a_seat_of_what_is_closed(acme, ann, line):
    bob, _, _ = line
    closures.close(acme, acme.slug, by=ann)

    with pytest.raises(NotNow, match="is closed"):
        waitlist.ask(bob, by=bob.account)


def test_a_person_in_line_reads_where_they_stand(acme, ann, line):
    _, _, dee = line

    assert acceptances.of(dee).state == "accepted"
    assert places.standings([dee.id])[dee.id].words == "2nd in line"
