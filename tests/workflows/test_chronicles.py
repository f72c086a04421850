"""What a page of the history reads, when its actions moved thousands of rows."""

import re

import pytest
from plans import plan
from sqlalchemy import event

from web import crowd
from workflows import chronicles, mailshots, memberships, roles, seat_blocks, subscriptions
from workflows.engine import heaps
from workflows.engine.db import db
from workflows.engine.heaps import Heap
from workflows.engine.history import Action, Step
from workflows.invitations import Invitation


@pytest.fixture
def made(cast, ann):
    return cast.organization(ann, seats=3)


@pytest.fixture
def bo(cast, made, ann):
    return cast.member(made, "Bo", ann)


@pytest.fixture
def acme(made, bo, ann):
    """An organization where hundreds were sent their invitations again, in one action."""
    crowd.gather(made, 3000, "crowd.test", by=ann)
    asked = db.session.scalars(db.select(Invitation.id).filter_by(state="sent").limit(150)).all()
    mailshots.resend(made, asked, by=ann)
    db.session.execute(db.text("ANALYZE"))
    db.session.commit()
    return made


def newest(event_name):
    return db.session.scalars(
        db.select(Action).filter_by(event=event_name).order_by(Action.id.desc())
    ).first()


def page(acme, ann):
    return chronicles.of(memberships.of(ann, acme))


def test_what_was_done_in_sets_is_counted_once_and_says_the_same_as_its_steps(acme, ann):
    found = {entry.action.event: entry for entry in page(acme, ann)}

    resent = found["mailshots.resend"]
    assert resent.how_many_addresses == 150
    assert len(resent.addresses) == 1
    for entry in found.values():
        steps = db.session.query(Step).filter_by(action_id=entry.action.id)
        rows = steps.with_entities(Step.kind, Step.row_id).distinct().all()
        for kind, number in entry.numbers.items():
            assert number == len([one for one in rows if one.kind == kind]), entry.action.event


def test_a_page_reads_no_step_of_such_an_action_but_the_first_of_each_kind(acme, ann):
    big = {newest("mailshots.resend").id, newest("crowd._bring").id}
    reader, plans, asked = memberships.of(ann, acme), [], []

    def explain(connection, cursor, statement, parameters, context, many):
        if "FROM steps" in statement:
            plans.append(plan(connection, statement, parameters, scans=False))
            asked.append((statement, values(parameters)))

    event.listen(db.engine, "before_cursor_execute", explain)
    chronicles.of(reader)
    event.remove(db.engine, "before_cursor_execute", explain)

    assert plans
    assert not any(re.search(r"Seq Scan on steps|SCAN steps(?! USING)", one) for one in plans)
    counting = [given for text, given in asked if "count(" in text or "row_number" in text]
    assert counting
    assert not any(big & given for given in counting)


def values(parameters):
    return set(parameters.values() if isinstance(parameters, dict) else parameters)


def test_a_member_sees_their_own_step_of_it_and_nobody_elses(cast, acme, bo, ann):
    subscriptions.resize(subscriptions.live(acme), 6, by=ann)
    seat_blocks.assign(acme, [bo.id, memberships.of(ann, acme).id], by=ann)

    mine = {entry.action.event: entry for entry in chronicles.of(bo)}

    assert "mailshots.resend" not in mine
    assert mine["seat_blocks.assign"].members == ["Bo"]
    assert mine["seat_blocks.assign"].how_many_members == 1


def test_what_a_former_admin_did_to_many_is_still_their_own(acme, bo, ann):
    roles.make_admin(bo, by=ann)
    asked = db.session.scalars(db.select(Invitation.id).filter_by(state="sent").limit(300)).all()
    mailshots.revoke(acme, asked, by=bo.account)
    roles.make_member(bo, by=ann)

    mine = {entry.action.event: entry for entry in chronicles.of(bo)}

    assert mine["mailshots.revoke"].how_many_addresses == 300


def test_nobody_rewrites_how_many_there_were(acme):
    for statement in (db.update(Heap).values(number=0), db.delete(Heap)):
        with pytest.raises(Exception, match="history is append-only"):
            db.session.execute(statement)
        db.session.rollback()
    assert heaps.of([newest("mailshots.resend").id])
