"""A world for each example, in a copy of a database in which the opening was played."""

import shutil
from contextlib import contextmanager
from copy import deepcopy
from itertools import count

import databases
import pytest
from model.world import World, opened

from workflows.engine.app import bare_app
from workflows.engine.db import db


class Ground:
    """Makes worlds that begin alike; `copies` gives the address of a fresh database."""

    def __init__(self, folder, address, copies):
        self.folder, self.copies = folder, copies
        with self._app(address):
            self.opened = opened()

    @contextmanager
    def _app(self, address):
        settings = databases.settings_in(self.folder, address)
        databases.loosen(settings)  # limits have tests of their own; the specification names none
        app = bare_app(settings)
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()

    @contextmanager
    def world(self):
        """A world, and the app it stands on."""
        with self.copies() as address, self._app(address) as app:
            begun = self.opened
            yield World(deepcopy(begun.town), begun.beginning, begun.secrets), app


@pytest.fixture
def ground(request, tmp_path, database):
    if request.config.getoption("--database") == "sqlite":
        copies = _copies_of_file(tmp_path)
    else:
        copies = _copies_of_database(request.getfixturevalue("postgresql"), database)
    return Ground(tmp_path, database, copies)


def _copies_of_file(folder):
    @contextmanager
    def copies():
        copy = shutil.copy(folder / "usher.db", folder / "copy.db")
        yield f"sqlite:///{copy}"
        for file in folder.glob("copy.db*"):
            file.unlink()

    return copies


def _copies_of_database(server, address):
    source, numbers = address.partition("?")[0].rpartition("/")[2], count()

    @contextmanager
    def copies():
        name = f"{source}_{next(numbers)}"
        server.say(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY")
        yield server.address(name)
        server.say(f"DROP DATABASE {name} WITH (FORCE)")

    return copies
