"""An organization with a member whose token has just been mailed, and a server in front of it."""

import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from people import Cast
from waitress import create_server, wasyncore

from web import create_app
from web.gate import Gate
from web.sample_repository import make_sample
from workflows import departures, seats, sessions, tokens, verdicts
from workflows.accounts import Account
from workflows.engine.app import bare_app
from workflows.engine.db import command, db
from workflows.engine.settings import Settings
from workflows.memberships import Membership
from workflows.tokens import Generation, Token


@pytest.fixture
def app(settings):
    """The whole web application on a database of its own, with its context pushed."""
    app = create_app(settings)
    app.testing = True
    app.test_client_class = Browser
    app.config["WTF_CSRF_ENABLED"] = False  # tests/web/test_csrf.py turns it on again
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


class Browser(FlaskClient):
    """A browser that can be signed in as anyone."""

    def sign_in(self, account):
        secret = sessions.open_session(account)
        with self.session_transaction() as cookie:
            cookie["sid"] = secret


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def ines(cast, client):
    """Somebody who is logged in, and owns the organization in most tests."""
    account = cast.account("Ines")
    client.sign_in(account)
    return account


class Office:
    """The organization, moved by the same commands as everywhere."""

    def __init__(self, settings, secret, ids):
        self.app = bare_app(settings)
        self.gate = self.app.wsgi_app = Gate(self.app, self.app.wsgi_app)
        self.secret = secret
        self.ids = ids

    @contextmanager
    def within(self):
        """The admin, the member, their membership and token, in a database session of our own."""
        with self.app.app_context():
            admin, member = (db.session.get(Account, self.ids[n]) for n in (0, 1))
            yield admin, member, db.session.get(Membership, self.ids[2]), self._token()

    def _token(self):
        return db.session.scalar(db.select(Token).filter_by(membership_id=self.ids[2]))

    def reissue(self, hours):
        with self.within() as (_, member, _, token):
            tokens.reissue(token, token.generation, hours, by=member)
            return Cast().deliver()[-1].facts["token"]

    def revoke_seat(self):
        with self.within() as (admin, _, membership, _):
            seats.revoke(membership, by=admin)

    def remove(self):
        with self.within() as (admin, _, membership, _):
            departures.remove(membership, by=admin)

    def hold(self, reason):
        with self.app.app_context():
            command(verdicts.hold)(self.ids[3], reason)

    def release(self):
        with self.app.app_context():
            command(verdicts.release)(self.ids[3])

    def lose_the_database(self):
        """What stands in its place cannot be opened."""
        with self.app.app_context():
            db.engine.dispose()
            file = Path(db.engine.url.database)
        for path in file.parent.glob(file.name + "*"):
            path.unlink()
        file.mkdir()

    def generations(self):
        """What is written down about each secret, after what the gate still holds in memory."""
        self.gate.uses.flush()
        with self.app.app_context():
            return list(db.session.scalars(db.select(Generation).order_by(Generation.number)))

    def first_download(self):
        self.gate.uses.flush()
        with self.app.app_context():
            return self._token().first_download_at

    @contextmanager
    def serving(self):
        """The address of a real server with this app."""
        sockets, stop = {}, threading.Event()
        server = create_server(self.app, map=sockets, host="127.0.0.1", port=0, threads=8)

        def run():
            while not stop.is_set():
                wasyncore.loop(0.05, map=sockets, count=1)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.effective_port}"
        finally:
            stop.set()
            thread.join(5)
            server.task_dispatcher.shutdown()
            wasyncore.close_all(sockets)


@pytest.fixture(scope="session")
def furnished(blank, tmp_path_factory):
    """A database with the organization in it, to be copied, and what is known of it."""
    file = tmp_path_factory.mktemp("furnished") / "usher.db"
    shutil.copy(blank, file)
    app = bare_app(_settings(file.parent))
    with app.app_context():
        cast = Cast()
        ada = cast.account("Ada")
        organization = cast.organization(ada, seats=3)
        bo = cast.seated(organization, "Bo", by=ada)
        secret, ids = cast.secret(bo), (ada.id, bo.account_id, bo.id, organization.id)
        db.session.rollback()
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()
    return file, secret, ids


def _settings(folder):
    return Settings(
        embedded=True,
        secret_key="a key for tests, long enough to be one",
        database_url=f"sqlite:///{folder}/usher.db",
        usher_home=folder,
        base_url="http://usher.test",
        support_url="https://help.test/",
    )


@pytest.fixture
def office(furnished, tmp_path):
    file, secret, ids = furnished
    shutil.copy(file, tmp_path / "usher.db")
    settings = _settings(tmp_path)
    make_sample(settings.repository)
    office = Office(settings, secret, ids)
    yield office
    office.gate.uses.flush()
    with office.app.app_context():
        db.engine.dispose()
