"""Letters that kill the worker that writes or sends them, among many good ones."""

import os
import smtplib
from collections import Counter

import pytest
from crashing import DIED, live

from workflows import guest_lists, invitations
from workflows.engine import outbox
from workflows.engine.db import command, db
from workflows.engine.letters import Attempt, Letter
from workflows.engine.outbox import LEASE, POISON
from workflows.engine.register import REGISTER
from workflows.invitations import Invitation

AFTER_THE_LEASE = LEASE.total_seconds() + 1


@pytest.fixture
def poison():
    """A template that kills whoever writes it; a letter to poison@… kills whoever sends it."""

    @outbox.letter("poison", about=Invitation)
    def to_nobody(_, __):
        os._exit(DIED)

    yield command(lambda about: outbox.post("poison", about=about))
    del REGISTER["poison"]


def beware():
    """Make this process one that dies when it names the address of a deadly letter."""
    named = smtplib.SMTP.rcpt

    def name(line, address, options=()):
        if address.startswith("poison"):
            os._exit(DIED)
        return named(line, address, options)

    smtplib.SMTP.rcpt = name


def post_among(cast, poison, good, deadly):
    """Half of the deadly letters kill while they are written, half while they are sent."""
    ann = cast.account("Ann")
    acme = cast.organization(ann)
    cast.deliver()
    for number in range(deadly):
        mine = [f"good{n}@acme.test" for n in range(number, good, deadly)]
        before, after = mine[: len(mine) // 2], mine[len(mine) // 2 :]
        killer = [f"poison{number}@acme.test"] if number % 2 else []
        guest_lists.invite(acme, " ".join([*before, *killer]), by=ann)
        if not killer:
            poison(invitations.of_organization(acme)[0])
        guest_lists.invite(acme, " ".join(after), by=ann)


def unfinished():
    db.session.rollback()
    waiting = db.select(Letter).where(Letter.state.in_(["pending", "sending"]))
    return db.session.scalars(waiting).all()


def is_deadly(letter):
    if letter.template == "invitation":
        return db.session.get_one(Invitation, letter.about_id).email.startswith("poison")
    return letter.template == "poison"


def test_a_deadly_letter_comes_to_rest_and_holds_up_no_other(
    app, settings, sink, cast, poison, verdict, full
):
    good, deadly = (2000, 20) if full else (60, 2)
    verdict.about("R10", good=good, deadly=deadly)
    post_among(cast, poison, good, deadly)

    deaths, leases = 0, 0
    while unfinished():
        if live(app, beware).died:
            deaths += 1  # the next worker starts at once
            assert deaths <= POISON * deadly, "a deadly letter does not come to rest"
            continue
        if leases == 1:
            assert all(map(is_deadly, unfinished())), "a good letter waited for a second lease"
        leases += 1
        settings.clock_offset += AFTER_THE_LEASE

    mine = Letter.template.in_(["invitation", "poison"])
    letters = db.session.scalars(db.select(Letter).where(mine)).all()
    ended = Counter((is_deadly(letter), letter.state) for letter in letters)
    claims = db.select(Attempt.letter_id).where(Attempt.outcome.is_(None))
    fatal = Counter(db.session.scalars(claims))
    killers = [letter.id for letter in letters if letter.state == "dead"]
    arrived = Counter(recipient for [recipient] in sink.recipients)
    assert ended[True, "dead"] == deadly
    assert set(ended) == {(True, "dead"), (False, "sent")}
    assert [fatal[killer] for killer in killers] == [POISON] * deadly
    assert [arrived[f"good{n}@acme.test"] for n in range(good)] == [1] * good
    assert arrived["ann@acme.test"] == deadly // 2, "the inviter hears of an invitation that died"
    verdict.holds(deaths=deaths, claims_each=POISON, good_letters_late=0)
