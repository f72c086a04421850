"""R12: clocks lie. The servers' own are minutes ahead or behind, and jump; what has a deadline asks
the database, and waits neither longer nor shorter for that."""

import re
import time
from datetime import datetime, timedelta
from pathlib import Path

import databases
import pytest
from people import PASSWORD

from web import create_app
from web import gate as door
from workflows import gate, invitations, tokens
from workflows.engine import db as engine
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.engine.outbox import LEASE
from workflows.tokens import Token

ROOT = Path(__file__).parents[2]
TEN = timedelta(minutes=10)
ALLOWED = 2  # seconds
ASKS_ITS_OWN = {  # which code reads the clock of its machine, and why that ends nothing too early
    "workflows/engine/db.py": "SQLite, which is in our process and has no other",
    "workflows/engine/heartbeats.py": "says by how much it differs from the database's",
    "workflows/engine/findings.py": "in how many days a certificate ends",
    "workflows/billing/pretend.py": "whether the card on a form is good this month",
    "web/database_looks.py": "the doctor compares it with the database's",
    "web/gate.py": "when a token was last used, put on the database's clock when it is written",
    "web/health.py": "a note that the doctor reads at once, on the same machine",
    "workers/callers.py": "when a call was signed, for a program elsewhere",
}


class Machine:
    """The clock of this machine, as everything in this process reads it."""

    def __init__(self, monkeypatch):
        self.monkeypatch, self.real = monkeypatch, time.time

    def is_ahead(self, by):
        real = self.real

        class Clock(datetime):
            @classmethod
            def now(cls, zone=None):
                return datetime.fromtimestamp(real(), zone) + by

        self.monkeypatch.setattr(time, "time", lambda: real() + by.total_seconds())
        for module in (engine, door):
            self.monkeypatch.setattr(module, "datetime", Clock)


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


@pytest.fixture
def settings(tmp_path, postgresql):
    with postgresql.copy(tmp_path) as url:
        yield databases.settings_in(tmp_path, url)


@pytest.fixture
def app(settings):
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def later(settings, to):
    """Let the database's clock come so far, without waiting for it."""
    db.session.rollback()
    settings.clock_offset += (to - engine.now()).total_seconds()
    db.session.rollback()


@pytest.mark.parametrize("ahead", [TEN, -TEN], ids=["ahead", "behind"])
def test_nothing_is_early_or_late_where_a_server_has_the_wrong_time(
    app, settings, machine, cast, ahead, full, verdict
):
    verdict.about("R12" + ("-ahead" if ahead == TEN else "-behind"), minutes=10)
    verdict.database = "postgresql"
    ada = cast.account("Ada")
    acme = cast.organization(ada, seats=1)
    member = cast.seated(acme, "Bob", ada)
    secret, token = cast.secret(member), tokens.of(member)
    machine.is_ahead(ahead)

    open_one = cast.invitation(acme, "cy@acme.test", ada)
    [claim] = outbox.claim(1, "one")
    later(settings, engine.now() + LEASE - timedelta(seconds=ALLOWED))
    machine.is_ahead(-ahead)  # it jumps
    assert outbox.claim(1, "another") == [], "a lease ended early"
    later(settings, engine.now() + timedelta(seconds=2 * ALLOWED))
    assert outbox.claim(1, "another")[0].letter_id == claim.letter_id, "a lease ended late"

    tokens.reissue(token, 1, 1, by=member.account)
    ends_at = db.session.get_one(Token, token.id).old[0].ends_at
    later(settings, ends_at - timedelta(seconds=ALLOWED))
    assert gate.judge(secret).passes, "a token ended early"
    machine.is_ahead(ahead)
    later(settings, ends_at + timedelta(seconds=ALLOWED))
    assert not gate.judge(secret).passes, "a token ended late"

    later(settings, open_one.expires_at - timedelta(seconds=ALLOWED))
    invitations.expire_unanswered()
    assert open_one.state == "sent", "an invitation ended early"
    machine.is_ahead(-ahead)
    later(settings, open_one.expires_at + timedelta(seconds=ALLOWED))
    invitations.expire_unanswered()
    assert open_one.state == "expired", "an invitation ended late"
    verdict.holds(early=0, late=0, seconds_allowed=ALLOWED)


def test_whoever_logged_in_at_one_server_is_logged_in_at_another_that_is_behind(
    app, settings, machine, cast
):
    cast.account("Ann")
    browser, other = app.test_client(), create_app(settings).test_client()
    machine.is_ahead(TEN)
    form = {"email": "ann@acme.test", "password": PASSWORD}
    assert browser.post("/login", data=form).status_code == 303
    cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])

    machine.is_ahead(-TEN)
    other.set_cookie(cookie.key, cookie.value)

    assert other.get("/organizations").status_code == 200


def test_a_token_was_last_used_when_the_database_says(app, settings, machine, cast):
    ada = cast.account("Ada")
    secret = cast.secret(cast.seated(cast.organization(ada, seats=1), "Bob", ada))
    machine.is_ahead(TEN)
    site = app.wsgi_app.behind

    app.test_client().get("/gate", headers={"Authorization": f"Bearer {secret}"})
    site.uses.flush()

    used_at = db.session.scalar(db.select(Token.last_used_at))
    assert abs(used_at - engine.now()) < TEN / 2


def test_only_what_ends_nothing_asks_the_clock_of_its_machine():
    places = [
        path for room in ("web", "workers", "workflows") for path in (ROOT / room).rglob("*.py")
    ]
    asks = re.compile(r"datetime\.(now|utcnow|today)\(|\btime\.time\(|date\.today\(")
    found = {str(path.relative_to(ROOT)) for path in places if asks.search(path.read_text())}

    assert found == set(ASKS_ITS_OWN), "ask workflows.engine.db.now"
