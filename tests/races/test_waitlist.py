"""A seat frees while the line moves."""

from functools import partial

import pytest
from racing import nothing_is_wrong

from workflows import departures, places, seats, subscriptions, waitlist


@pytest.fixture
def full(cast, acme, ann):
    """Three seats in use, and two people who wait."""
    holders = [cast.seated(acme, f"Holder{number}", ann) for number in range(3)]
    waiting = [cast.member(acme, f"Waiter{number}", ann) for number in range(2)]
    return holders, waiting


def in_line(waiting, ann):
    for one in waiting:
        waitlist.line_up(one, by=ann)


def again(full, ann):
    """The same people in the same places."""
    holders, waiting = full
    for one in waiting:
        if places.of(one):
            waitlist.refuse(one, by=ann)
        if seats.of(one):
            seats.revoke(one, by=ann)
    for one in holders:
        if not seats.of(one):
            seats.assign(one, by=ann)


def test_two_seats_that_free_at_once_go_to_two_in_line(race, acme, ann, cy, full, laps):
    holders, waiting = full
    for _ in laps:
        in_line(waiting, ann)

        answers = race(
            partial(seats.revoke, holders[0], by=ann), partial(seats.revoke, holders[1], by=cy)
        )

        assert answers == [None, None]
        assert all(seats.of(one) for one in waiting)
        assert nothing_is_wrong()
        again(full, ann)


def test_nobody_waits_beside_a_seat_that_frees_meanwhile(race, acme, ann, cy, full, laps):
    holders, waiting = full
    for _ in laps:
        race(
            partial(waitlist.line_up, waiting[0], by=ann), partial(seats.revoke, holders[0], by=cy)
        )

        assert seats.of(waiting[0])
        assert nothing_is_wrong()
        again(full, ann)


def test_whoever_withdraws_while_a_seat_frees_has_it_or_not(race, acme, ann, full, laps):
    holders, (first, second) = full
    for _ in laps:
        in_line([first, second], ann)

        withdrawn, revoked = race(
            partial(waitlist.withdraw, first, by=first.account),
            partial(seats.revoke, holders[0], by=ann),
        )

        assert revoked is None
        assert bool(seats.of(first)) == (withdrawn is not None)
        assert bool(seats.of(second)) == (withdrawn is None)
        assert nothing_is_wrong()
        again(full, ann)


def test_whoever_leaves_the_organization_meanwhile_gets_no_seat(race, cast, acme, ann, full, laps):
    holders, (second, _) = full
    for lap in laps:
        going = cast.member(acme, f"Going{lap}", ann)
        in_line([going, second], ann)

        answers = race(
            partial(departures.leave, going, by=going.account),
            partial(seats.revoke, holders[0], by=ann),
        )

        assert answers == [None, None]
        assert seats.of(second)
        assert nothing_is_wrong()
        again(full, ann)


def test_buying_while_freeing_serves_all_in_line(race, acme, ann, cy, full, laps):
    holders, waiting = full
    for _ in laps:
        in_line(waiting, ann)
        subscription = subscriptions.live(acme)

        answers = race(
            partial(subscriptions.resize, subscription, 4, by=ann),
            partial(seats.revoke, holders[0], by=cy),
        )

        assert answers == [None, None]
        assert all(seats.of(one) for one in waiting)
        assert nothing_is_wrong()
        seats.revoke(waiting[0], by=ann)
        subscriptions.resize(subscription, 3, by=ann)
        again(full, ann)
