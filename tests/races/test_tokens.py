"""A token has one living secret, whatever happens to it at once."""

from datetime import timedelta
from functools import partial

import pytest
from racing import nothing_is_wrong, won

from workflows import gate, seats, tokens
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.tokens import Generation


@pytest.fixture
def token(bob, ann):
    seats.assign(bob, by=ann)
    return tokens.of(bob)


def secrets_in(letters):
    return [one.facts["token"] for one in letters if "token" in one.facts]


def test_a_double_click_on_activate_makes_one_secret(race, cast, bob, ann, token, laps):
    for _ in laps:
        answers = race(*[partial(tokens.activate, token, by=bob.account)] * 3)

        assert won(answers) == 1
        assert {str(answer) for answer in answers if answer} == {
            "This token is active already. Its letter was mailed to you."
        }
        assert len(secrets_in(cast.deliver())) == 1
        assert nothing_is_wrong()
        seats.revoke(bob, by=ann)
        seats.assign(bob, by=ann)
        token = tokens.of(bob)


def test_a_double_click_on_reissue_makes_one_secret(race, cast, bob, token, laps):
    old = cast.secret(bob)

    for number in (lap + 1 for lap in laps):
        answers = race(*[partial(tokens.reissue, token, number, 0, by=bob.account)] * 3)

        assert won(answers) == 1
        assert {str(answer) for answer in answers if answer} == {
            "This token was reissued a moment ago. Its letter is on the way."
        }
        assert token.generation == number + 1
        [new] = secrets_in(cast.deliver())
        assert (gate.judge(old).reason, gate.judge(new).passes) == ("superseded", True)
        assert nothing_is_wrong()
        old = new


def test_a_token_reissued_while_its_seat_is_revoked_is_dead(race, cast, bob, ann, token, laps):
    for _ in laps:
        old, token = cast.secret(bob), tokens.of(bob)

        reissued, revoked = race(
            partial(tokens.reissue, token, 1, 24, by=bob.account),
            partial(seats.revoke, bob, by=ann),
        )

        assert revoked is None
        assert reissued is None or str(reissued) == "This token was revoked."
        assert gate.judge(old).reason == "seat_revoked"
        assert secrets_in(cast.deliver()) == []
        assert nothing_is_wrong()
        seats.assign(bob, by=ann)


def deliver_first(claim, kept):
    if envelope := outbox.compose(claim):
        kept.append(envelope)
        outbox.sent(claim, "250 OK")


ENDING = {
    "seat_revoked": lambda bob, token, ann: partial(seats.revoke, bob, by=ann),
    "superseded": lambda bob, token, ann: partial(tokens.reissue, token, 1, 0, by=bob.account),
}


@pytest.mark.parametrize("reason", list(ENDING))
def test_a_secret_that_ends_while_its_letter_is_written_does_not_pass(
    race, cast, bob, ann, token, reason, laps
):
    for _ in laps:
        cast.deliver()
        tokens.activate(token, by=bob.account)
        [claim] = outbox.claim(1, "test")
        kept = []

        race(partial(deliver_first, claim, kept), ENDING[reason](bob, token, ann))

        assert [gate.judge(one).reason for one in secrets_in(kept)] == [reason] * len(kept)
        assert nothing_is_wrong()
        if tokens.of(bob):
            seats.revoke(bob, by=ann)
        seats.assign(bob, by=ann)
        token = tokens.of(bob)


def test_two_workers_never_hold_one_letter(race, acme, ann, cast, laps):
    for lap in laps:
        cast.deliver()
        for number in range(6):
            cast.invitation(acme, f"p{lap}-{number}@acme.test", ann)
        held = []

        race(*[partial(claim_all, held)] * 3)

        assert len(held) == len({claim.letter_id for claim in held}) == 6
        for claim in held:
            outbox.sent(claim, "250 OK")


def claim_all(held):
    while claims := outbox.claim(2, "test"):
        held += claims


def test_of_uses_written_at_once_by_several_processes_the_newest_is_kept(
    race, cast, bob, token, laps
):
    cast.secret(bob)
    generation = token.current.id

    for lap in laps:
        moments = [token.since + timedelta(minutes=lap, seconds=second) for second in range(4)]
        uses = [gate.Use(generation, at, f"pip at {at}", downloaded=True) for at in moments]

        answers = race(*(partial(gate.record_uses, [use]) for use in uses))

        assert answers == [None] * 4
        assert token.last_used_at == moments[-1]
        assert db.session.get(Generation, generation).last_used_from == f"pip at {moments[-1]}"
