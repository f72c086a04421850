"""Ownership has one owner, however an offer is answered, taken back and overtaken at once."""

from functools import partial

from racing import nothing_is_wrong, won

from workflows import handovers, memberships, roles


def test_accept_and_cancel_do_not_both_succeed(race, acme, ann, cy, laps):
    mine, hers = memberships.of(ann, acme), memberships.of(cy, acme)
    for _ in laps:
        offer = handovers.offer(hers, by=ann)

        answers = race(
            partial(handovers.accept, offer, by=cy), partial(handovers.cancel, offer, by=ann)
        )

        assert won(answers) == 1
        assert acme.owner_id == (hers if answers[0] is None else mine).id
        assert nothing_is_wrong()
        if answers[0] is None:
            handovers.accept(handovers.offer(mine, by=cy), by=ann)


def test_accept_and_a_demotion_do_not_both_succeed(race, acme, ann, cy, laps):
    mine, hers = memberships.of(ann, acme), memberships.of(cy, acme)
    for _ in laps:
        offer = handovers.offer(hers, by=ann)

        answers = race(
            partial(handovers.accept, offer, by=cy), partial(roles.make_member, hers, by=ann)
        )

        assert won(answers) == 1
        assert nothing_is_wrong()
        if answers[0] is None:
            handovers.accept(handovers.offer(mine, by=cy), by=ann)
        else:
            roles.make_admin(hers, by=ann)


def test_two_offers_at_once_make_one(race, acme, ann, cy, laps):
    hers = memberships.of(cy, acme)
    for _ in laps:
        answers = race(*[partial(handovers.offer, hers, by=ann)] * 2)

        assert won(answers) == 1
        handovers.cancel(handovers.pending(acme), by=ann)
