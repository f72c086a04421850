"""A seat frees while the line moves."""

from functools import partial

import pytest
from racing import nothing_is_wrong

from workflows import (
    arrivals,
    closures,
    departures,
    guest_lists,
    handovers,
    invitations,
    memberships,
    places,
    roles,
    seat_blocks,
    seats,
    subscriptions,
    waitlist,
)


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


def test_forty_in_line_and_ten_seats_bought_while_others_leave(race, cast, ann, laps):
    for lap in laps:
        place = cast.organization(ann, f"Place {lap}", seats=3)
        holders = [cast.seated(place, f"Holder{lap}-{number}", ann) for number in range(3)]
        line = [cast.member(place, f"Waiter{lap}-{number}", ann) for number in range(40)]
        in_line(line, ann)
        going = [*holders[:2], *line[0:12:3]]

        answers = race(
            partial(subscriptions.resize, subscriptions.live(place), 13, by=ann),
            *(partial(departures.leave, one, by=one.account) for one in going),
            partial(waitlist.withdraw, line[1], by=line[1].account),
            partial(departures.remove_all, place, [line[2].id, line[20].id], by=ann),
        )

        stayed = [one for one in line if one.active and one is not line[1]]
        withdrew, served = answers[-2] is None, [one for one in line if seats.of(one)]
        assert [*answers[:-2], answers[-1]] == [None] * (len(answers) - 1)
        assert seats.of(line[1]) is None or not withdrew
        assert [one for one in served if one is not line[1]] == stayed[: 12 - (not withdrew)]
        assert seats.count(place) == seats.Count(13, 13)
        assert nothing_is_wrong()


def test_two_seats_that_free_at_once_go_to_two_in_line(race, acme, ann, cy, full, laps):
    holders, waiting = full
    for _ in laps:
        in_line(waiting, ann)

        answers = race(
            partial(seats.revoke, holders[0], by=ann),
            partial(seat_blocks.revoke, acme, [holders[1].id], by=cy),
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


def test_nobody_waits_beside_a_seat_that_many_free_meanwhile(race, acme, ann, cy, full, laps):
    holders, waiting = full
    for _ in laps:
        race(
            partial(waitlist.line_up, waiting[0], by=ann),
            partial(seat_blocks.revoke, acme, [holders[0].id], by=cy),
        )

        assert seats.of(waiting[0])
        assert nothing_is_wrong()
        again(full, ann)


def test_nobody_in_a_line_of_many_waits_beside_a_seat_that_frees(race, acme, ann, cy, full, laps):
    holders, waiting = full
    for _ in laps:
        answers = race(
            partial(waitlist.line_up_all, acme, [one.id for one in waiting], by=ann),
            partial(seat_blocks.revoke, acme, [one.id for one in holders], by=cy),
        )

        assert answers == [None, None]
        assert all(seats.of(one) for one in waiting)
        assert nothing_is_wrong()
        again(full, ann)


def test_the_last_free_seat_is_given_once_and_the_other_is_in_line(race, acme, ann, cy, full, laps):
    holders, (first, second) = full
    for _ in laps:
        seats.revoke(holders[0], by=ann)

        answers = race(
            partial(seats.assign, first, by=ann), partial(waitlist.line_up, second, by=cy)
        )

        assert answers[1] is None
        assert bool(seats.of(first)) == (answers[0] is None)
        assert bool(seats.of(second)) == (answers[0] is not None)
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


def test_whoever_is_refused_while_a_seat_frees_has_it_or_not(race, acme, ann, cy, full, laps):
    holders, (first, second) = full
    for _ in laps:
        in_line([first, second], ann)

        refused, revoked = race(
            partial(waitlist.refuse, first, by=ann), partial(seats.revoke, holders[0], by=cy)
        )

        assert revoked is None
        assert bool(seats.of(first)) == (refused is not None)
        assert bool(seats.of(second)) == (refused is None)
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


def test_a_seat_is_given_to_somebody_who_goes_or_to_the_first(race, cast, acme, ann, full, laps):
    holders, (second, _) = full
    for lap in laps:
        going = cast.member(acme, f"Going{lap}", ann)
        in_line([second], ann)

        left, revoked = race(
            partial(departures.leave, going, by=going.account),
            partial(seats.revoke, holders[0], by=ann, to=going),
        )

        assert left is None
        assert bool(seats.of(second)) == (revoked is None)
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


def test_whoever_joins_with_a_seat_wished_does_not_wait_beside_one(
    race, cast, acme, ann, cy, full, laps
):
    holders, _ = full
    for lap in laps:
        address = f"new{lap}@acme.test"
        account = cast.account(f"New{lap}", address)
        guest_lists.invite(acme, address, by=ann, seat=True)
        invitation = invitations.of_organization(acme)[0]

        race(
            partial(arrivals.accept, invitation, by=account),
            partial(seats.revoke, holders[0], by=cy),
        )

        new = memberships.of(account, acme)
        assert seats.of(new)
        assert nothing_is_wrong()
        departures.remove(new, by=ann)
        again(full, ann)


@pytest.mark.parametrize("how", ["leave", "revoke", "many", "assign", "withdraw", "chosen"])
def test_an_organization_that_is_closed_meanwhile_waits_for_nobody(race, cast, ann, cy, laps, how):
    for lap in laps:
        place = cast.organization(ann, f"Place {lap}", seats=2)
        holder, chosen = (cast.seated(place, f"{one}{lap}", ann) for one in ("Holder", "Chosen"))
        asker = cast.member(place, f"Asker{lap}", ann)
        if how == "assign":
            waitlist.ask(asker, by=asker.account)
            subscriptions.resize(subscriptions.live(place), 3, by=ann)
        else:
            waitlist.line_up(asker, by=ann)
        roles.make_admin(chosen, by=ann)
        handovers.offer(chosen, by=ann)
        rival = {
            "leave": partial(departures.leave, holder, by=holder.account),
            "revoke": partial(seats.revoke, holder, by=chosen.account),
            "many": partial(departures.remove_all, place, [holder.id, asker.id], by=ann),
            "assign": partial(seats.assign, asker, by=chosen.account),
            "withdraw": partial(waitlist.withdraw, asker, by=asker.account),
            "chosen": partial(departures.remove, chosen, by=ann),
        }[how]

        closed, _ = race(partial(closures.close, place, place.slug, by=ann), rival)

        assert closed is None
        assert places.of(asker) is None
        assert nothing_is_wrong()
