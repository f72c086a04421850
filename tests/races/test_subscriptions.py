"""What two people buy at the same moment is bought once."""

from datetime import timedelta
from functools import partial

from people import CARD
from racing import nothing_is_wrong, won

from workflows import cancellations, gate, invoices, seats, subscriptions, verdicts
from workflows.engine.db import db, now
from workflows.subscriptions import Subscription


def states(organization):
    mine = db.select(Subscription).filter_by(organization=organization)
    return sorted(one.state for one in db.session.scalars(mine))


def test_two_purchases_begun_at_once_leave_one_to_pay(race, cast, ann, laps):
    for lap in laps:
        acme = cast.organization(ann, f"Acme {lap}")

        answers = race(*(
            partial(subscriptions.begin, acme, number, "monthly", by=ann) for number in (3, 4, 5)
        ))  # fmt: skip

        assert answers == [None] * 3
        assert states(acme) == ["canceled", "canceled", "incomplete"]


def test_a_double_click_on_a_purchase_begins_one(race, cast, ann, laps):
    for lap in laps:
        acme = cast.organization(ann, f"Acme {lap}")

        answers = race(*[partial(subscriptions.begin, acme, 3, "monthly", by=ann)] * 3)

        assert answers == [None] * 3
        assert states(acme) == ["incomplete"]


def test_a_double_click_on_pay_buys_once(race, cast, ann, laps):
    for lap in laps:
        acme = cast.organization(ann, f"Acme {lap}")
        purchase = subscriptions.begin(acme, 3, "monthly", by=ann)

        answers = race(*[partial(subscriptions.pay, purchase, CARD, by=ann)] * 3)

        assert answers == [None] * 3
        assert seats.count(acme).bought == 3
        assert len(invoices.of_organization(acme)) == 1
        assert nothing_is_wrong()


def test_a_purchase_replaced_while_it_is_paid_is_bought_or_replaced(race, cast, ann, laps):
    for lap in laps:
        acme = cast.organization(ann, f"Acme {lap}")
        purchase = subscriptions.begin(acme, 3, "monthly", by=ann)

        paid, begun = race(
            partial(subscriptions.pay, purchase, CARD, by=ann),
            partial(subscriptions.begin, acme, 5, "yearly", by=ann),
        )

        assert (paid is None) != (begun is None)
        assert seats.count(acme).bought == (3 if paid is None else 0)
        assert nothing_is_wrong()


def test_a_change_chosen_by_two_people_on_one_page_is_made_once(race, acme, ann, cy, laps):
    subscription = subscriptions.live(acme)

    for _ in laps:
        shown = subscription.seats
        answers = race(
            partial(subscriptions.resize, subscription, shown + 2, by=ann, shown=shown),
            partial(subscriptions.resize, subscription, shown + 3, by=cy, shown=shown),
        )

        assert won(answers) == 1
        assert any("while this page was open" in str(answer) for answer in answers)
        assert subscription.seats == shown + (2 if answers[0] is None else 3)
        assert nothing_is_wrong()


def canceling(cast, ann, lap, ends_in, holders=0):
    """A subscription that ends so soon, of an organization of its own, and those with a seat."""
    acme = cast.organization(ann, f"Acme {lap}", seats=2)
    people = [cast.seated(acme, f"Bob{lap}x{number}", ann) for number in range(holders)]
    subscription = subscriptions.live(acme)
    cancellations.cancel(subscription, by=ann)
    subscription.period_end = now() + ends_in
    db.session.commit()
    return acme, subscription, people


def test_two_clocks_end_a_subscription_once(race, cast, ann, laps):
    for lap in laps:
        _, subscription, _ = canceling(cast, ann, lap, timedelta(0))

        answers = race(*[partial(cancellations.end, subscription)] * 2)

        assert answers == [None] * 2
        assert subscription.state == "canceled"
        assert nothing_is_wrong()


def test_what_is_resumed_in_time_is_not_ended(race, cast, ann, laps):
    for lap in laps:
        _, subscription, _ = canceling(cast, ann, lap, timedelta(milliseconds=100))

        resumed, ended = race(
            partial(cancellations.resume, subscription, by=ann),
            partial(cancellations.end, subscription),
            spread=0.2,
        )

        assert ended is None
        assert (resumed is None) == (subscription.state == "active")
        assert nothing_is_wrong()


def test_what_is_bought_again_is_not_freed(race, cast, ann, laps):
    for lap in laps:
        acme, ended, _ = canceling(cast, ann, lap, timedelta(0), holders=2)
        cancellations.end(ended)
        ended.kept_until = now()
        db.session.commit()
        purchase = subscriptions.begin(acme, 2, "monthly", by=ann)

        answers = race(
            partial(subscriptions.pay, purchase, CARD, by=ann), partial(cancellations.free, ended)
        )

        assert answers == [None] * 2
        assert seats.count(acme) in (seats.Count(2, 2), seats.Count(2, 0))
        assert subscriptions.kept(acme) is None
        assert nothing_is_wrong()


def test_a_seat_given_while_all_are_freed_is_freed_as_well(race, cast, ann, laps):
    for lap in laps:
        acme, ended, [bob, _] = canceling(cast, ann, lap, timedelta(0), holders=2)
        cancellations.end(ended)
        seats.revoke(bob, by=ann)
        next_one = cast.member(acme, f"Cy{lap}", ann)
        ended.kept_until = now()
        db.session.commit()

        given, freed = race(
            partial(seats.assign, next_one, by=ann), partial(cancellations.free, ended)
        )
        while cancellations.free_some():
            pass

        assert freed is None
        assert given is None or "seat" in str(given)
        assert seats.count(acme) == seats.Count(0, 0)
        assert nothing_is_wrong()


def test_a_hold_that_is_lifted_while_all_are_checked_stays_lifted(race, cast, ann, laps):
    for lap in laps:
        acme, ended, _ = canceling(cast, ann, lap, timedelta(0))
        cancellations.end(ended)
        verdicts.release(acme.id)  # by somebody's hand in the database
        db.session.commit()
        purchase = subscriptions.begin(acme, 2, "monthly", by=ann)

        answers = race(
            partial(subscriptions.pay, purchase, CARD, by=ann),
            partial(gate.recheck),
            spread=0.05,
        )

        assert answers == [None] * 2
        assert verdicts.held(acme.id) is None
