"""Two hands reach for one seat, or for one person."""

from functools import partial

import pytest
from racing import nothing_is_wrong, won

from workflows import departures, roles, seats, subscriptions
from workflows.engine.refusals import NotNow


@pytest.fixture
def crowd(cast, acme, ann):
    """Forty people who wait for a seat, and ten admins who mean well."""
    everybody = [cast.member(acme, f"Person{number}", ann) for number in range(50)]
    for admin in everybody[40:]:
        roles.make_admin(admin, by=ann)
    return everybody[:40], [admin.account for admin in everybody[40:]]


def test_forty_people_and_ten_seats_make_exactly_ten(race, acme, ann, crowd, laps):
    people, admins = crowd
    subscriptions.resize(subscriptions.live(acme), 10, by=ann)

    for _ in laps:
        answers = race(
            *(partial(seats.assign, who, by=admins[n % 10]) for n, who in enumerate(people)),
            pause=0.0005,
        )

        assert won(answers) == 10
        assert seats.count(acme) == seats.Count(bought=10, used=10)
        assert {type(answer) for answer in answers if answer} == {NotNow}
        assert nothing_is_wrong()
        for holder in filter(seats.of, people):
            seats.revoke(holder, by=ann)


def test_two_admins_give_one_person_one_seat(race, acme, ann, bob, cy, laps):
    for _ in laps:
        answers = race(partial(seats.assign, bob, by=ann), partial(seats.assign, bob, by=cy))

        assert won(answers) == 1
        assert "Bob already has a seat." in map(str, answers)
        assert seats.count(acme).used == 1
        assert nothing_is_wrong()
        seats.revoke(bob, by=ann)


def test_two_admins_take_one_seat_away_once(race, acme, ann, bob, cy, laps):
    for _ in laps:
        seats.assign(bob, by=ann)

        answers = race(partial(seats.revoke, bob, by=ann), partial(seats.revoke, bob, by=cy))

        assert won(answers) == 1
        assert "Bob has no seat." in map(str, answers)
        assert seats.count(acme).used == 0
        assert nothing_is_wrong()


GOING = {
    "leave": lambda bob, ann: partial(departures.leave, bob, by=bob.account),
    "remove": lambda bob, ann: partial(departures.remove, bob, by=ann),
}


@pytest.mark.parametrize("going", list(GOING))
def test_nobody_goes_with_a_seat_that_is_given_meanwhile(race, cast, acme, ann, cy, going, laps):
    for lap in laps:
        bob = cast.member(acme, f"Bob{lap}", ann)

        assigned, gone = race(partial(seats.assign, bob, by=cy), GOING[going](bob, ann))

        assert gone is None
        assert assigned is None or str(assigned) == f"Bob{lap} is not a member any more."
        assert seats.count(acme).used == 0
        assert nothing_is_wrong()


def test_whoever_goes_twice_goes_once(race, cast, acme, ann, laps):
    for lap in laps:
        bob = cast.seated(acme, f"Bob{lap}", ann)

        answers = race(
            partial(departures.leave, bob, by=bob.account), partial(departures.remove, bob, by=ann)
        )

        assert won(answers) == 1
        assert f"Bob{lap} is not a member any more." in map(str, answers)
        assert seats.count(acme).used == 0
        assert nothing_is_wrong()


def test_the_last_free_seat_is_either_given_or_returned(race, cast, acme, ann, cy, laps):
    cast.seated(acme, "Dee", ann)
    bob, subscription = cast.member(acme, "Bob", ann), subscriptions.live(acme)
    subscriptions.resize(subscription, 2, by=ann)

    for _ in laps:
        assigned, resized = race(
            partial(seats.assign, bob, by=ann),
            partial(subscriptions.resize, subscription, 1, by=cy),
        )

        assert (assigned is None) != (resized is None)
        assert seats.count(acme).bought == subscription.seats == (2 if resized else 1)
        assert nothing_is_wrong()
        if resized:
            seats.revoke(bob, by=ann)
        else:
            subscriptions.resize(subscription, 2, by=ann)
