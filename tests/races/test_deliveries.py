"""Letters that operators move while workers do."""

from functools import partial

import pytest
from racing import nothing_is_wrong, won

from workflows import deliveries, guest_lists, operators
from workflows.engine import history, outbox, pauses
from workflows.engine.db import db
from workflows.engine.letters import Letter


@pytest.fixture
def marta(cast):
    marta = operators.make_operator(cast.account("Marta").email)
    cast.deliver()
    return marta


def act(deed, about, marta):
    return operators.act(deed, about, by=marta, why="they asked")


def asked(acme, ann, address):
    """A letter to this address, in the hands of a worker."""
    guest_lists.invite(acme, address, by=ann)
    newest = db.session.scalars(db.select(Letter).order_by(Letter.id.desc())).first()
    return newest, next(c for c in outbox.claim(10, "test") if c.letter_id == newest.id)


def test_a_letter_written_while_its_domain_is_resumed_does_not_wait_for_ever(
    race, acme, ann, marta, laps
):
    for lap in laps:
        pause = act(deliveries.pause, "slow.test", marta)
        letter, claim = asked(acme, ann, f"bo{lap}@slow.test")

        race(partial(outbox.compose, claim), partial(act, deliveries.resume, pause, marta))

        db.session.refresh(letter)
        assert (letter.state, letter.pause_id) in (("pending", None), ("sending", None))
        assert list(pauses.all_now()) == []


def test_two_operators_retry_a_letter_once(race, acme, ann, marta, laps):
    for lap in laps:
        letter, claim = asked(acme, ann, f"cy{lap}@else.test")
        outbox.bounced(claim, "550 no")

        answers = race(*[partial(act, deliveries.retry, letter, marta)] * 2)

        assert won(answers) == 1
        assert len(history.history(letter)) == 1
        assert nothing_is_wrong()


def test_two_pauses_of_a_domain_make_one(race, acme, marta, laps):
    for _ in laps:
        answers = race(*[partial(act, deliveries.pause, "slow.test", marta)] * 2)

        assert won(answers) == 1
        [pause] = pauses.all_now()
        act(deliveries.resume, pause, marta)
