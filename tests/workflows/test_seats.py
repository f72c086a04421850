"""Seats are rows: more than were bought have no spelling."""

import pytest
from sqlalchemy.exc import IntegrityError

from workflows import acceptances, gate, licences, roles, seats, subscriptions, tokens
from workflows.engine import tallies
from workflows.engine.db import command, db
from workflows.engine.refusals import NotNow, Refusal
from workflows.seats import Seat


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann, seats=2)


def test_a_seat_comes_with_an_inactive_token_and_a_letter(cast, acme, ann):
    bob = cast.member(acme, "Bob", ann)
    cast.deliver()

    seats.assign(bob, by=ann)

    assert seats.count(acme) == seats.Count(bought=2, used=1)
    assert tokens.of(bob).state == "inactive"
    assert [(one.to, one.template) for one in cast.deliver()] == [
        ("bob@acme.test", "seat_assigned")
    ]


def test_nobody_has_two_seats(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)

    with pytest.raises(NotNow, match="Bob already has a seat"):
        seats.assign(bob, by=ann)


def test_the_last_seat_is_the_last(cast, acme, ann):
    cast.seated(acme, "Bob", ann)
    cast.seated(acme, "Cy", ann)
    dee = cast.member(acme, "Dee", ann)

    with pytest.raises(NotNow, match="All 2 seats are in use"):
        seats.assign(dee, by=ann)

    assert seats.count(acme).used == 2
    assert acceptances.of(dee).state == "accepted"


def test_where_nothing_was_bought_the_way_to_buy_is_named(cast, ann):
    poor = cast.organization(ann, "Poor")
    bob = cast.member(poor, "Bob", ann)

    with pytest.raises(NotNow, match="Purchase subscriptions first"):
        seats.assign(bob, by=ann)


def test_a_revoked_seat_kills_the_token_at_once(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)
    secret = cast.secret(bob)

    seats.revoke(bob, by=ann)

    assert gate.judge(secret).reason == "seat_revoked"
    assert seats.count(acme).free == 2
    assert tokens.of(bob) is None
    assert [(one.to, one.template) for one in cast.deliver()] == [("bob@acme.test", "seat_revoked")]


def test_a_seat_given_again_comes_with_another_token(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)
    first = cast.secret(bob)
    seats.revoke(bob, by=ann)
    seats.assign(bob, by=ann)

    second = cast.secret(bob)

    assert first != second
    assert gate.judge(second).passes
    assert gate.judge(first).reason == "seat_revoked"


def wrong(**values):
    @command
    def write():
        db.session.execute(db.update(Seat).values(**values))

    return write


def test_a_seat_for_nobody_cannot_be_taken(acme):
    with pytest.raises(IntegrityError):
        wrong(state="taken")()


def test_a_seat_for_a_member_of_another_organization_cannot_be_written(cast, acme, ann):
    other = cast.member(cast.organization(ann, "Other"), "Zed", ann)

    for active in (True, False, None):
        with pytest.raises(IntegrityError):
            wrong(state="taken", membership_id=other.id, holder_active=active)()


def test_a_seat_cannot_be_freed_while_its_token_lives(cast, acme, ann):
    cast.seated(acme, "Bob", ann)

    with pytest.raises(IntegrityError):
        wrong(state="free", membership_id=None, holder_active=None)()


def test_fewer_seats_than_are_in_use_are_refused_with_the_list(cast, acme, ann):
    bob, cy = (cast.seated(acme, name, ann) for name in ("Bob", "Cy"))
    cast.secret(bob)
    subscription = subscriptions.live(acme)

    with pytest.raises(NotNow, match=r"2 seats are in use\. Free 1 of them first\."):
        subscriptions.resize(subscription, 1, by=ann)

    judged = tokens.of(bob).current
    gate.record_uses([gate.Use(judged.id, acme.since, "pip", downloaded=True)])
    assert licences.in_the_way(acme, 1) == [cy]  # longest unused first
    assert seats.count(acme).bought == 2


def test_an_admin_who_became_a_member_meanwhile_gives_no_seat(cast, acme, ann):
    bob, cy = (cast.member(acme, name, ann) for name in ("Bob", "Cy"))
    roles.make_admin(bob, by=ann)
    roles.make_member(bob, by=ann)

    with pytest.raises(Refusal, match="Only an admin"):
        seats.assign(cy, by=bob.account)


def test_a_number_of_seats_that_is_told_wrongly_is_mended(cast, acme, ann):
    cast.seated(acme, "Bob", ann)
    there = seats.count(acme)

    @command
    def spoil():
        tallies.add(acme.id, {seats.TAKEN: 5, seats.BOUGHT: -1})

    spoil()
    assert seats.count(acme) != there

    assert seats.recount() == 2
    assert seats.count(acme) == there
    assert seats.recount() == 0
