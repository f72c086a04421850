"""An app without pages, people who act in it, and a real mail server that does as it is told."""

import databases
import pytest
import sinks
from people import Cast

import workers
from workflows.engine.app import bare_app
from workflows.engine.db import db


@pytest.fixture
def settings(tmp_path, database):
    return databases.settings_in(tmp_path, database, base_url="https://usher.example")


@pytest.fixture
def usher(settings):
    """An embedded app, its context pushed; letters go to the folder `mail`."""
    app = bare_app(settings)
    workers.use(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def people(usher):
    return Cast()


@pytest.fixture
def sink():
    """A mail server on a free port of this machine, without TLS."""
    with sinks.serving(sinks.Sink()) as sink:
        yield sink
