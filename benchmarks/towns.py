"""Organizations to measure: a database with real tables, an owner, and a crowd."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import databases
from people import CARD, Cast

from web import create_app, crowd
from workflows import subscriptions
from workflows.accounts import Account
from workflows.engine.db import db
from workflows.organizations import Organization


@contextmanager
def site(database: str) -> Iterator[object]:
    """The whole site on a fresh database of this kind, with its context pushed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = databases.PostgreSQL(hasty=()) if database == "postgresql" else None
        address = server.create("bench") if server else f"sqlite:///{folder}/usher.db"
        app = create_app(databases.settings_in(folder, address))
        with app.app_context():
            db.create_all()
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()
        if server:
            server.stop()


def organization(owner: Account, name: str, people: int, seats: int) -> Organization:
    """An organization with a crowd of so many, and then so many seats."""
    made = Cast().organization(owner, name)
    crowd.gather(made, people, f"{made.slug}.test", by=owner)
    if seats:
        chosen = subscriptions.begin(made, seats, "monthly", by=owner)
        subscriptions.pay(chosen, CARD, by=owner)
    return made
