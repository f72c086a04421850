"""What tests stand on: a fresh database of real tables, and people to act in it."""

import shutil

import pytest
from flask.testing import FlaskClient
from people import Cast

from web import create_app
from workflows import sessions
from workflows.engine.app import bare_app
from workflows.engine.db import db
from workflows.engine.settings import Settings


def settings_in(folder):
    return Settings(
        embedded=True,
        secret_key="a key for tests, long enough to be one",
        database_url=f"sqlite:///{folder}/usher.db",
        usher_home=folder,
    )


@pytest.fixture(scope="session")
def blank(tmp_path_factory):
    """A database with all tables and no rows, to be copied."""
    folder = tmp_path_factory.mktemp("blank")
    app = bare_app(settings_in(folder))
    with app.app_context():
        db.create_all()
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()
    return folder / "usher.db"


@pytest.fixture
def settings(tmp_path, blank):
    shutil.copy(blank, tmp_path / "usher.db")
    return settings_in(tmp_path)


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
def cast(app):
    """People, organizations and letters, made by the commands that real people use."""
    return Cast()
