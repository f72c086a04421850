"""A card that two ask at once pays once, and nothing is taken that is not written down."""

from datetime import timedelta
from functools import partial

import pytest
from people import CARD
from racing import nothing_is_wrong, won

from workflows import (
    cancellations,
    cards,
    invoices,
    operators,
    renewals,
    settlements,
    subscriptions,
)
from workflows.billing import Card
from workflows.billing.pretend import Pretend
from workflows.engine.db import db, now


class Company(Pretend):
    """Counts how often it is asked."""

    asked = 0

    def charge(self, *about):
        self.asked += 1
        return super().charge(*about)


@pytest.fixture
def company():
    return Company()


@pytest.fixture
def due(acme):
    """Makes the next bill due; answers how many there were."""

    def come_due():
        subscriptions.live(acme).period_end = now() - timedelta(seconds=1)
        db.session.commit()
        return len(invoices.of_organization(acme))

    return come_due


def test_two_clocks_charge_a_card_once(race, acme, company, due, laps):
    bought = subscriptions.live(acme)
    for lap in laps:
        before = due()

        answers = race(*[partial(renewals.collect, bought, company, by=None)] * 3)

        assert answers == [None] * 3
        assert company.asked == lap + 1
        assert len(invoices.of_organization(acme)) == before + 1
        assert nothing_is_wrong()


def test_what_is_canceled_while_the_card_is_asked_is_charged_and_renewed_or_neither(
    race, acme, ann, company, due, laps
):
    bought = subscriptions.live(acme)
    for _ in laps:
        before, asked = due(), company.asked

        charged, _ = race(
            partial(renewals.collect, bought, company, by=None),
            partial(cancellations.cancel, bought, by=ann),
            spread=0.02,
        )

        assert charged is None
        taken = company.asked - asked
        assert len(invoices.of_organization(acme)) == before + taken
        assert (bought.period_end > now()) == bool(taken)
        assert nothing_is_wrong()
        bought.period_end = now() + timedelta(days=1)
        db.session.commit()
        if bought.state == "canceling":
            cancellations.resume(bought, by=ann)


def test_what_is_paid_now_is_not_marked_as_paid_as_well(race, cast, acme, ann, company, due, laps):
    marta = operators.make_operator(cast.account("Marta").email)
    bought = subscriptions.live(acme)
    for _ in laps:
        cards.change(bought, Card("Visa", "0341", "12/2039"), by=ann)
        before = due()
        race(partial(renewals.collect, bought, company, by=None))
        cards.change(bought, CARD, by=ann)
        asked = company.asked

        answers = race(
            partial(renewals.collect, bought, company, by=ann),
            partial(operators.act, settlements.settle, bought, by=marta, why="It came"),
        )

        assert won(answers) == 1
        assert company.asked - asked == (answers[0] is None)
        assert len(invoices.of_organization(acme)) == before + 1
        assert nothing_is_wrong()
