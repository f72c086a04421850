"""R5: what was answered is in the database, once, though answers get lost and forms come twice."""

import random
import threading
from contextlib import contextmanager

import pytest
from racing import nothing_is_wrong
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from web import create_app
from workflows import invitations, invoices, organizations, seats, sessions, subscriptions, tokens
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.subscriptions import Subscription

CARD = {"card_number": "4242424242424242", "expiry": "12/39", "cvc": "123"}
GUESTS = "a@{0}.test b@{0}.test c@{0}.test"


class Client:
    """Somebody with a bad line, who sends each form until an answer arrives, and keeps a ledger."""

    def __init__(self, app, secret, chance):
        self.app, self.chance, self.ledger, self.sent = app, chance, {}, 0
        dumps = app.session_interface.get_signing_serializer(app).dumps
        self.headers = {"Cookie": f"{app.config['SESSION_COOKIE_NAME']}={dumps({'sid': secret})}"}

    def send(self, path, **form):
        """Until it is answered: an answer may be lost, and a click may come twice."""
        for _ in range(30):
            answer = (
                self._twice(path, form) if self.chance.random() < 0.3 else self._once(path, form)
            )
            if answer.status_code < 500 and self.chance.random() > 0.4:
                self.ledger[path] = answer.status_code
                return
        raise AssertionError(f"{path} was never answered")

    def _once(self, path, form):
        self.sent += 1
        browser = self.app.test_client(use_cookies=False)
        return browser.post(path, headers=self.headers, data=form)

    def _twice(self, path, form):
        answers = []
        clicks = [
            threading.Thread(target=lambda: answers.append(self._once(path, form))) for _ in "12"
        ]
        for one in clicks:
            one.start()
        for one in clicks:
            one.join()
        return min(answers, key=lambda one: one.status_code)


@pytest.fixture
def app(settings):
    """The whole site on the database of this test."""
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@contextmanager
def losing_answers():
    """Now and then the connection is lost just after the database has committed."""
    chance, lost, engine = random.Random(5), [], db.engine

    def lose(connection):
        if connection.get_execution_options().get("usher_command") and chance.random() < 0.1:
            connection.connection.dbapi_connection.commit()
            lost.append(1)
            raise OperationalError("COMMIT", {}, Exception("gone"), connection_invalidated=True)

    event.listen(engine, "commit", lose)
    yield lost
    event.remove(engine, "commit", lose)


def live(client, slug):
    """Everything that an owner does, one form after the other; answers what must be there then."""
    client.send("/organizations/new", name=slug.title(), slug=slug)
    client.send(f"/{slug}/invitations/new", addresses=GUESTS.format(slug))
    client.send(f"/{slug}/subscriptions/new", seats="3", interval="monthly")
    with client.app.app_context():
        ours = organizations.by_slug(slug)
        purchase, owner = subscriptions.pending(ours).id, ours.owner_id
        first, second, _ = sorted(one.id for one in invitations.of_organization(ours))
    client.send(f"/{slug}/subscriptions/pay", purchase=str(purchase), **CARD)
    client.send(f"/{slug}/subscriptions/update", seats="5", shown="3")
    client.send(f"/{slug}/members/{owner}/assign")
    client.send(f"/{slug}/token/activate")
    client.send(f"/{slug}/token/reissue", generation="1", hours="0")
    client.send(f"/{slug}/invitations/{first}/resend")
    client.send(f"/{slug}/invitations/{second}/revoke")
    client.send(f"/{slug}/settings/name", name="Another Name")


def found(slug):
    """What the database says that this owner did."""
    ours = organizations.by_slug(slug)
    asked = sorted(invitations.of_organization(ours), key=lambda one: one.id)
    token = tokens.of(ours.owner)
    posted = db.select(Letter.template).filter_by(organization_id=ours.id)
    bought = db.select(Subscription).filter_by(organization=ours)
    return {
        "name": ours.name,
        "invitations": [(one.state, one.round) for one in asked],
        "seats": seats.count(ours),
        "purchases": len(db.session.scalars(bought).all()),
        "bills": sorted(bill.seats for bill in invoices.of_organization(ours)),
        "token": (token.state, token.generation, len(token.generations)),
        "letters": sorted(db.session.scalars(posted)),
    }


DONE = {
    "name": "Another Name",
    "invitations": [("sent", 2), ("revoked", 1), ("sent", 1)],
    "seats": seats.Count(bought=5, used=1),
    "purchases": 1,
    "bills": [3, 5],
    "token": ("reissued", 2, 2),
}
LETTERS = {
    "invitation": 4, "invitation_revoked": 1, "seat_assigned": 1, "token": 1, "token_reissued": 1,
}  # fmt: skip


def test_what_was_answered_is_there_once_however_often_it_was_sent(app, cast, full, verdict):
    people = 40 if full else 6
    verdict.about("R5", people=people, forms=11 * people)
    secrets = [sessions.open_session(cast.account(f"Owner{n}")) for n in range(people)]
    clients = [Client(app, one, random.Random(n)) for n, one in enumerate(secrets)]
    failures = []

    def run(number):
        try:
            live(clients[number], f"place-{number}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(people)]
    with losing_answers() as lost:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    db.session.rollback()

    assert failures == []
    assert lost, "no COMMIT was lost: nothing was tried"
    for number in range(people):
        there = found(f"place-{number}")
        letters = there.pop("letters")
        assert there == DONE
        assert {name: letters.count(name) for name in LETTERS} == LETTERS
    assert nothing_is_wrong()
    verdict.holds(sent=sum(one.sent for one in clients), lost_commits=len(lost))
