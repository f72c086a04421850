"""What operators do to letters that have not arrived."""

from datetime import timedelta

import pytest

from workflows import deliveries, guest_lists, operators, seats, tokens
from workflows.engine import history, outbox, pauses
from workflows.engine.db import db
from workflows.engine.letters import Attempt, Letter
from workflows.engine.refusals import Invalid, NotAllowed, NotFound, NotNow

WHY = "they asked on the phone"


@pytest.fixture
def ada(cast):
    return cast.account("Ada")


@pytest.fixture
def acme(cast, ada, marta):
    acme = cast.organization(ada, seats=3)
    cast.deliver()
    return acme


def invited(acme, ada, *addresses):
    guest_lists.invite(acme, ", ".join(addresses), by=ada)


def newest():
    return db.session.scalars(db.select(Letter).order_by(Letter.id.desc())).first()


def asked():
    return db.session.scalars(db.select(Letter).filter_by(template="invitation")).one()


def deliver(outcome, reply):
    """Hand over whatever is due; the mail server always answers so."""
    for claim in outbox.claim(100, "test"):
        if outbox.compose(claim):
            outcome(claim, reply)


def later(settings, **time):
    settings.clock_offset += timedelta(**time).total_seconds()


def act(deed, *about, by):
    return operators.act(deed, *about, by=by, why=WHY)


def test_a_letter_that_bounced_begins_anew_and_history_says_who_and_why(acme, ada, marta):
    invited(acme, ada, "bo@acme.test")
    deliver(outbox.bounced, "550 5.1.1 <bo@acme.test> no such mailbox")
    letter = asked()

    act(deliveries.retry, letter, by=marta)

    assert (letter.state, letter.attempts, letter.cause) == ("pending", 0, None)
    assert letter.verifying
    [step] = history.history(letter)
    assert (step.event, step.action.by_id, step.action.operator) == ("retry", marta.id, True)
    assert (step.action.why, step.action.organization_id) == (WHY, acme.id)


def test_a_letter_verifies_until_it_has_really_left_and_fails_where_it_was(acme, ada, marta):
    invited(acme, ada, "bo@acme.test")
    deliver(outbox.bounced, "550 no such mailbox")
    letter = asked()

    act(deliveries.retry, letter, by=marta)
    deliver(outbox.bounced, "550 no such mailbox")
    db.session.refresh(letter)
    assert (letter.state, letter.verifying) == ("bounced", False)

    act(deliveries.retry, letter, by=marta)
    deliver(outbox.sent, "250 OK")
    db.session.refresh(letter)
    assert (letter.state, letter.verifying) == ("sent", False)


def test_a_letter_that_begins_anew_has_all_its_72_hours(acme, ada, marta, settings):
    invited(acme, ada, "bo@acme.test")
    later(settings, hours=73)
    deliver(outbox.later, "451 try later")
    letter = asked()
    assert letter.state == "dead"

    act(deliveries.retry, letter, by=marta)
    deliver(outbox.later, "451 try later")

    db.session.refresh(letter)
    assert letter.state == "pending"


def test_what_has_not_failed_is_not_retried(acme, ada, marta):
    invited(acme, ada, "bo@acme.test")

    with pytest.raises(NotNow):
        act(deliveries.retry, newest(), by=marta)


def test_letters_that_fail_alike_share_a_cause_whatever_their_numbers(acme, ada):
    invited(acme, ada, "bo@acme.test", "cy@acme.test")
    for claim, queue in zip(
        outbox.claim(100, "test"), ("4XyZ12345678", "9AbC87654321"), strict=True
    ):
        to = outbox.compose(claim).to
        outbox.bounced(claim, f"550 5.1.1 <{to}> unknown ({queue})")

    failed = db.select(Letter.cause, Letter.domain).where(Letter.state == "bounced")
    assert set(db.session.execute(failed).all()) == {
        ("550 5.1.1 <address> unknown (#)", "acme.test")
    }


def test_a_letter_that_waits_for_its_next_try_leaves_at_once(acme, ada, marta):
    invited(acme, ada, "bo@acme.test")
    with pytest.raises(NotNow):
        act(deliveries.send_now, newest(), by=marta)
    deliver(outbox.later, "451 try later")
    assert outbox.due() == 0

    act(deliveries.send_now, newest(), by=marta)

    assert outbox.due() == 1


def test_a_letter_is_taken_only_from_a_worker_whose_time_is_over(acme, ada, marta, settings):
    invited(acme, ada, "bo@acme.test")
    [claim] = outbox.claim(10, "silent")
    with pytest.raises(NotNow):
        act(deliveries.release, newest(), by=marta)

    later(settings, seconds=41)
    act(deliveries.release, newest(), by=marta)

    assert newest().state == "pending"
    assert not outbox.sent(claim, "250 too late")
    assert newest().lost == 1
    deliver(outbox.sent, "250 OK")
    outcomes = db.session.scalars(db.select(Attempt.outcome).filter_by(letter_id=newest().id)).all()
    assert outcomes == [None, "sent"]


def test_letters_to_a_paused_domain_wait_and_all_others_leave(acme, ada, marta):
    act(deliveries.pause, "@Slow.Test", by=marta)
    invited(acme, ada, "bo@slow.test", "cy@acme.test")

    deliver(outbox.sent, "250 OK")

    states = dict(db.session.execute(db.select(Letter.domain, Letter.state)).all())
    assert states["slow.test"] == "pending"
    assert states["acme.test"] == "sent"
    held = db.session.scalars(db.select(Letter).filter_by(domain="slow.test")).one()
    assert (held.attempts, held.reply) == (0, "Letters to slow.test are paused.")
    with pytest.raises(NotNow, match="paused"):
        act(deliveries.send_now, held, by=marta)


def test_what_waited_leaves_when_letters_are_resumed_and_has_its_72_hours(
    acme, ada, marta, settings
):
    invited(acme, ada, "bo@slow.test")
    deliver(outbox.later, "451 try later")
    pause = act(deliveries.pause, "slow.test", by=marta)
    assert newest().pause_id == pause.id
    later(settings, hours=80)
    assert outbox.due() == 0

    act(deliveries.resume, pause, by=marta)

    deliver(outbox.later, "451 try later")
    assert (newest().state, newest().pause_id) == ("pending", None)
    assert list(pauses.all_now()) == []
    with pytest.raises(NotNow):
        act(deliveries.resume, pause, by=marta)


def test_a_domain_is_paused_once_and_only_a_domain(acme, marta):
    act(deliveries.pause, "slow.test", by=marta)

    with pytest.raises(NotNow):
        act(deliveries.pause, "SLOW.test", by=marta)
    for nothing in ("", "a b", "a@b.test", "x\0.test", "a" * 300):
        with pytest.raises(Invalid):
            act(deliveries.pause, nothing, by=marta)


def test_the_letter_of_a_token_leaves_again_with_the_same_secret(cast, acme, ada, marta):
    bo = cast.seated(acme, "Bo", by=ada)
    secret = cast.secret(bo)

    act(deliveries.mail_again, tokens.of(bo), by=marta)

    with pytest.raises(NotNow, match="on its way"):
        act(deliveries.mail_again, tokens.of(bo), by=marta)
    assert cast.deliver()[-1].facts["token"] == secret
    assert history.history(newest())[0].action.why == WHY


def test_a_forgotten_secret_is_not_mailed_again(cast, acme, ada, marta, settings):
    bo = cast.seated(acme, "Bo", by=ada)
    cast.secret(bo)
    later(settings, days=8)
    tokens.wipe_nonces()

    with pytest.raises(NotNow, match="forgot this secret"):
        act(deliveries.mail_again, tokens.of(bo), by=marta)


def test_nothing_of_a_revoked_token_is_mailed_again(cast, acme, ada, marta):
    bo = cast.seated(acme, "Bo", by=ada)
    token = tokens.of(bo)
    seats.revoke(bo, by=ada)

    with pytest.raises(NotNow, match="revoked"):
        act(deliveries.mail_again, token, by=marta)


def test_only_operators_who_act_may(acme, ada, cast):
    invited(acme, ada, "bo@acme.test")
    deliver(outbox.bounced, "550 no such mailbox")
    letter = asked()
    mia = operators.make_operator(cast.account("Mia").email, acting=False)

    with pytest.raises(NotAllowed):
        act(deliveries.retry, letter, by=mia)
    with pytest.raises(NotFound):
        act(deliveries.retry, letter, by=ada)
    for deed, about in (
        (deliveries.retry, letter), (deliveries.send_now, letter), (deliveries.release, letter),
        (deliveries.pause, "acme.test"),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            deed(about, by=ada)
    assert letter.state == "bounced"
