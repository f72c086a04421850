"""SQLite's one writer holds everybody up: pages go on, forms say when to come again."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event

from workflows.accounts import SignUp
from workflows.engine import db as database_module
from workflows.engine.db import db

pytestmark = pytest.mark.sqlite
FORM = {"name": "Ann", "email": "ann@acme.test", "password": "a password to test with"}


@pytest.fixture
def impatient(app, monkeypatch):
    """Waits for the lock as in production, but half a second instead of fifteen; says for each
    statement whether it asks for the lock."""
    monkeypatch.setattr(database_module, "PATIENCE", 0.4)
    event.listen(
        db.engine, "connect", lambda line, _: line.execute("PRAGMA busy_timeout=500"), insert=False
    )
    waits = []
    event.listen(
        db.engine, "before_cursor_execute", lambda *said: waits.append(said[2] == "BEGIN IMMEDIATE")
    )
    db.session.remove()
    db.engine.dispose()
    return waits


@pytest.fixture
def writer(settings):
    """Somebody else, who is in the middle of writing."""
    file = settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        yield writer


def sign_ups():
    db.session.rollback()
    return db.session.scalar(db.select(db.func.count(SignUp.id)))


def test_a_form_held_up_too_long_says_so_and_can_be_sent_again(client, impatient, writer):
    held = client.post("/signup", data=FORM)
    waited = sum(impatient)
    page = client.get("/signup")
    writer.execute("ROLLBACK")
    again = client.post("/signup", data=FORM)

    assert (held.status_code, held.headers["Retry-After"]) == (503, "5")
    assert "Nothing was changed" in held.text
    assert waited == 1  # not five times for the lock
    assert page.status_code == 200
    assert again.status_code == 303
    assert sign_ups() == 1
