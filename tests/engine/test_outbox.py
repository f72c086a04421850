"""Every letter is accounted for."""

from datetime import timedelta

import pytest

from workflows import guest_lists, invitations
from workflows.engine import outbox
from workflows.engine.db import command, db, now
from workflows.engine.letters import Attempt, Letter
from workflows.engine.refusals import NotNow


@pytest.fixture
def acme(cast):
    acme = cast.organization(cast.account("Ann"))
    cast.deliver()
    return acme


@pytest.fixture
def ann(acme):
    return acme.owner.account


def newest():
    return db.session.scalars(db.select(Letter).order_by(Letter.id.desc())).first()


def later(settings, **time):
    settings.clock_offset += timedelta(**time).total_seconds()


def test_a_letter_exists_exactly_when_its_cause_does(cast, acme, ann):
    @command
    def invite_and_fail():
        guest_lists.invite(acme, "bob@acme.test", by=ann)
        raise NotNow("No.")

    with pytest.raises(NotNow):
        invite_and_fail()

    assert outbox.due() == 0


def test_a_claimed_letter_is_nobody_elses_while_the_lease_lasts(cast, acme, ann, settings):
    guest_lists.invite(acme, "bob@acme.test", by=ann)

    [mine] = outbox.claim(10, "one")

    assert outbox.claim(10, "two") == []
    later(settings, seconds=41)
    [theirs] = outbox.claim(10, "two")
    assert not outbox.sent(mine, "250 too late")
    assert outbox.sent(theirs, "250 OK")
    assert newest().state == "sent"
    outcomes = db.session.execute(
        db.select(Attempt.worker, Attempt.outcome).filter_by(letter_id=mine.letter_id)
    ).all()
    assert outcomes == [("one", None), ("two", "sent")]


def test_whoever_lost_the_lease_does_not_compose(cast, acme, ann, settings):
    guest_lists.invite(acme, "bob@acme.test", by=ann)
    [mine] = outbox.claim(10, "one")
    later(settings, seconds=41)
    outbox.claim(10, "two")

    assert outbox.compose(mine) is None
    assert newest().state == "sending"


def test_a_refused_letter_waits_longer_each_time_and_is_given_up_after_three_days(
    cast, acme, ann, settings
):
    guest_lists.invite(acme, "bob@acme.test", by=ann)
    letter, waits = newest(), []

    while letter.state != "dead":
        [claim] = outbox.claim(10, "one")
        outbox.later(claim, "451 try again")
        waits.append((letter.due_at - now()).total_seconds())
        later(settings, hours=1.5)

    assert waits[0] < 60
    assert waits[1] < waits[3] < waits[5]
    assert max(waits) <= 75 * 60
    assert 48 <= len(waits) <= 50  # every hour and a half for 72 hours
    assert letter.reply == "451 try again"


def test_a_letter_that_kills_its_worker_hurts_only_itself(cast, acme, ann, settings):
    guest_lists.invite(acme, "a@x.test b@x.test c@x.test", by=ann)
    batch = outbox.claim(10, "dies")
    later(settings, seconds=41)

    alone = [outbox.claim(10, "next") for _ in batch]

    assert [len(claims) for claims in alone] == [1, 1, 1]
    for claims in alone[1:]:
        outbox.sent(claims[0], "250 OK")
    for _ in range(3):
        later(settings, seconds=41)
        outbox.claim(10, "dies too")
    later(settings, seconds=41)
    assert outbox.claim(10, "spared") == []
    poison = db.session.get(Letter, batch[0].letter_id)
    assert poison.state == "dead"
    assert "5 workers in a row" in poison.reply


def test_a_letter_given_back_is_tried_again_and_not_counted(cast, acme, ann):
    guest_lists.invite(acme, "bob@acme.test", by=ann)
    [claim] = outbox.claim(10, "busy")

    outbox.returned(claim)

    assert newest().attempts == 0
    assert len(outbox.claim(10, "free")) == 1


def test_a_letter_that_nobody_wants_any_more_is_moot(cast, acme, ann):
    invitation = cast.invitation(acme, "bob@acme.test", ann)
    invitations.revoke(invitation, by=ann)

    assert cast.deliver() == []

    states = db.session.scalars(db.select(Letter.state).filter_by(about_id=invitation.id)).all()
    assert states[-2:] == ["moot", "moot"]  # the invitation, and the letter that takes it back


def test_the_inviter_hears_of_a_letter_that_bounced(cast, acme, ann):
    cast.invitation(acme, "bob@acme.test", ann)
    [claim] = outbox.claim(10, "one")

    outbox.bounced(claim, "550 no such mailbox")

    [told] = cast.deliver()
    assert (told.template, told.to) == ("invitation_bounced", "ann@acme.test")
    assert told.facts["reply"] == "550 no such mailbox"


def test_a_message_id_stays_the_same_over_all_attempts(cast, acme, ann):
    cast.invitation(acme, "bob@acme.test", ann)
    [claim] = outbox.claim(10, "one")
    first = outbox.compose(claim)
    outbox.later(claim, "451")
    db.session.execute(db.update(Letter).values(due_at=now()))
    db.session.commit()

    [again] = cast.deliver()

    assert again == first
