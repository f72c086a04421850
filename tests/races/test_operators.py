"""What operators do for an organization, at once with each other and with its own people."""

from functools import partial

from racing import nothing_is_wrong, won

from workflows import (
    appointments,
    handovers,
    invoices,
    memberships,
    operators,
    settlements,
    subscriptions,
)
from workflows.engine.db import command


def act(deed, row, marta):
    return partial(operators.act, deed, row, by=marta, why="Ann is gone")


def test_an_appointment_and_an_accepted_offer_leave_one_owner(
    race, acme, ann, bob, cy, marta, laps
):
    hers = memberships.of(cy, acme)
    for _ in laps:
        owner = acme.owner.account
        offer = handovers.offer(hers, by=owner)

        answers = race(
            partial(handovers.accept, offer, by=cy), act(appointments.appoint, bob, marta)
        )

        assert answers[0] is None
        assert acme.owner_id == (bob if answers[1] is None else hers).id
        assert nothing_is_wrong()
        handovers.accept(handovers.offer(memberships.of(ann, acme), by=acme.owner.account), by=ann)


def test_two_operators_settle_a_bill_once(race, acme, marta, laps):
    bought = subscriptions.live(acme)
    for _ in laps:
        before = len(invoices.of_organization(acme))
        command(bought.fire)("fall_due", by=None)

        answers = race(*[act(settlements.settle, bought, marta)] * 2)

        assert won(answers) == 1
        assert len(invoices.of_organization(acme)) == before + 1
        assert nothing_is_wrong()
