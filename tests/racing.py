"""Races: real commands that begin at the same moment, each in a thread and session of its own.

A barrier lets them begin together, and a pause of chance length after each statement makes room
between what a command read and what it writes, so that racers meet there. Whoever loses must have
been refused in a sentence; anything else, and any deadlock, fails the test.
"""

import random
import threading
import time
from contextlib import contextmanager
from functools import partial

from sqlalchemy import event, inspect

from workflows import gate, line_checks, seats
from workflows.engine.db import Base, db
from workflows.engine.refusals import Refusal, Unavailable

PATIENCE = 120  # seconds; longer than any race takes


class Race:
    """Calls commands at the same time; answers for each its refusal, or None if it won."""

    def __init__(self, app):
        self.app = app
        self.deadlocks = 0

    def __call__(self, *racers, pause=0.002, spread=0.0):
        """Each racer is a `partial` of a command and its rows, which are read again over there.

        `spread` lets some begin up to so many seconds later, where one command is slow at first.
        """
        calls = [_Call(self.app, racer) for racer in racers]
        db.session.rollback()
        start = threading.Barrier(len(calls))
        threads = [threading.Thread(target=call.run, args=(start, spread)) for call in calls]
        with self._watching(pause):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        db.session.rollback()  # what is read from here on is how it ended
        assert self.deadlocks == 0, "two commands waited for each other: lock in workflows.ORDER"
        return [call.answer() for call in calls]

    @contextmanager
    def _watching(self, pause):
        def rest(*_):
            time.sleep(random.uniform(0, pause))

        def count(context):
            self.deadlocks += getattr(context.original_exception, "sqlstate", None) == "40P01"

        engine = db.engine
        event.listen(engine, "after_cursor_execute", rest)
        event.listen(engine, "handle_error", count)
        try:
            yield
        finally:
            event.remove(engine, "after_cursor_execute", rest)
            event.remove(engine, "handle_error", count)


class _Call:
    def __init__(self, app, racer):
        self.app, self.command = app, racer.func
        self.args = [_named(value) for value in racer.args]
        self.more = {name: _named(value) for name, value in racer.keywords.items()}
        self.error = None

    def run(self, start, spread):
        with self.app.app_context():
            args = [read() for read in self.args]
            more = {name: read() for name, read in self.more.items()}
            db.session.rollback()
            start.wait(PATIENCE)
            time.sleep(random.uniform(0, spread))
            try:
                self.command(*args, **more)
            except Exception as error:
                self.error = error

    def answer(self):
        if isinstance(self.error, Refusal) and not isinstance(self.error, Unavailable):
            return self.error
        if self.error:
            raise self.error
        return None


def _named(value):
    """How to have this value in another session: rows by their id, the rest as it is."""
    if isinstance(value, Base):
        return partial(db.session.get_one, type(value), inspect(value).identity)
    return lambda: value


def won(answers):
    """How many racers did what they wanted."""
    return answers.count(None)


WRONG = {
    "a subscription has as many seats as it says": """
        SELECT id FROM subscriptions s WHERE state NOT IN ('incomplete', 'canceled') AND seats <>
        (SELECT count(*) FROM seats WHERE organization_id = s.organization_id)""",
    "each taken seat has a living token": """
        SELECT id FROM seats WHERE state = 'taken' AND NOT EXISTS
        (SELECT 1 FROM tokens WHERE seat_id = seats.id)""",
    "whoever has a seat is not waiting for one": """
        SELECT i.id FROM invitations i JOIN seats s ON s.membership_id = i.membership_id
        WHERE i.state = 'accepted'""",
    "whoever has gone is not waiting for a seat": """
        SELECT i.id FROM invitations i JOIN memberships m ON m.id = i.membership_id
        WHERE i.state = 'accepted' AND NOT m.active""",
    "no seat is free while somebody is in line": """
        SELECT p.id FROM places p JOIN seats s ON s.organization_id = p.organization_id
        WHERE p.state = 'queued' AND s.state = 'free'""",
    "whoever has a seat is in no line": """
        SELECT p.id FROM places p JOIN seats s ON s.membership_id = p.membership_id
        WHERE p.state IN ('asked', 'queued')""",
    "nobody waits for a seat of what is closed": """
        SELECT p.id FROM places p JOIN organizations o ON o.id = p.organization_id
        WHERE p.state IN ('asked', 'queued') AND o.state = 'closed'""",
    "an invitation that was moved away is revoked": """
        SELECT m.id FROM moves m JOIN invitations i ON i.id = m.invitation_id
        WHERE m.state = 'granted' AND i.state <> 'revoked'""",
    "what is open of a closed account is only what it owned, and is closed": """
        SELECT m.id FROM memberships m JOIN accounts a ON a.id = m.account_id
        JOIN organizations o ON o.id = m.organization_id
        WHERE a.state = 'closed' AND m.active AND (o.state <> 'closed' OR o.owner_id <> m.id)""",
    "a change of address keeps addresses while it is open, and of an open account": """
        SELECT c.id FROM address_changes c JOIN accounts a ON a.id = c.account_id
        WHERE (c.state IN ('asked', 'confirmed') AND (a.state = 'closed' OR c.email = ''))
        OR (c.state NOT IN ('asked', 'confirmed') AND c.email || c.old_email <> '')""",
    "each organization has an owner who is an admin": """
        SELECT o.id FROM organizations o LEFT JOIN memberships m ON m.id = o.owner_id
        WHERE o.state = 'active' AND (m.state IS NULL OR m.state <> 'admin')""",
    "each step goes on where the one before ended": """
        SELECT s.id FROM steps s JOIN steps p ON p.id = (SELECT max(id) FROM steps WHERE
        kind = s.kind AND row_id = s.row_id AND id < s.id)
        WHERE s.source <> p.target AND s.kind <> 'letters'""",
}


def nothing_is_wrong():
    """Whether everything in the database fits together; says what does not."""
    for promise, query in WRONG.items():
        assert db.session.scalars(db.text(query)).all() == [], f"broken: {promise}"
    assert gate.recheck() == 0, "broken: the gate answers what the tables say"
    assert seats.recount() == 0, "broken: the seats are as many as is told"
    checked = line_checks.check(line_checks.Checked())
    assert checked.mended == 0, "broken: lines say what the tables say"
    return True
