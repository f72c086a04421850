"""What tests stand on: a fresh database of real tables, and people to act in it."""

import pytest
from people import Cast

from web import create_app
from workflows.engine.db import db
from workflows.engine.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(
        embedded=True,
        secret_key="a key for tests, long enough to be one",
        database_url=f"sqlite:///{tmp_path}/usher.db",
        usher_home=tmp_path,
    )


@pytest.fixture
def app(settings):
    """The whole web application on a database of its own, with its context pushed."""
    app = create_app(settings)
    app.testing = True
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def cast(app):
    """People, organizations and letters, made by the commands that real people use."""
    return Cast()
