"""A town of people at every stop of the journey, whose database is put back for each fault."""

import shutil

import databases
import pytest
import sinks

import workers
from workflows.engine.app import bare_app
from workflows.engine.db import db


@pytest.fixture
def sink():
    """A mail server on a free port of this machine."""
    with sinks.serving(sinks.Sink()) as sink:
        yield sink


@pytest.fixture
def settings(tmp_path, database, sink):
    """As in production: letters leave by SMTP."""
    more = {"smtp_url": sink.url, "base_url": "https://usher.example"}
    settings = databases.settings_in(tmp_path, database, **more)
    databases.loosen(settings)
    return settings


@pytest.fixture
def app(settings):
    """Usher without pages, its actors on it, with its context pushed."""
    app = bare_app(settings)
    workers.use(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


class Snapshot:
    """The database as it is now, to be put back whenever a fault has been tried on it."""

    def __init__(self, settings, server=None):
        self.server = server
        db.session.rollback()
        if server:
            self.name = db.engine.url.database
            db.engine.dispose()
            server.say(f"CREATE DATABASE {self.name}_kept TEMPLATE {self.name} STRATEGY FILE_COPY")
        else:
            db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
            self.file = settings.usher_home / "usher.db"
            shutil.copy(self.file, settings.usher_home / "kept.db")

    def put_back(self):
        db.session.remove()
        db.engine.dispose()
        if self.server:
            self.server.say(
                f"DROP DATABASE {self.name} WITH (FORCE)",
                f"CREATE DATABASE {self.name} TEMPLATE {self.name}_kept STRATEGY FILE_COPY",
            )
            return
        for left in self.file.parent.glob("usher.db-*"):
            left.unlink()
        shutil.copy(self.file.parent / "kept.db", self.file)


@pytest.fixture
def snapshot(request, app, settings):
    """Takes a picture of the database, as `Snapshot`; it goes away with the test."""
    on_postgresql = request.config.getoption("--database") == "postgresql"
    taken = []

    def take():
        server = request.getfixturevalue("postgresql") if on_postgresql else None
        taken.append(Snapshot(settings, server))
        return taken[-1]

    yield take
    for one in taken if on_postgresql else []:
        one.server.say(f"DROP DATABASE {one.name}_kept WITH (FORCE)")
