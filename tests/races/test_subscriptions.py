"""What two people buy at the same moment is bought once."""

from functools import partial

from people import CARD
from racing import nothing_is_wrong, won

from workflows import invoices, seats, subscriptions
from workflows.engine.db import db
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
