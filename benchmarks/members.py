"""Manage Members of a large organization, against the same page of a small one."""

from __future__ import annotations

from collections.abc import Iterator

from people import Cast
from sqlalchemy import text

from benchmarks import rounds, towns
from benchmarks.rounds import Result
from workflows import sessions
from workflows.engine import tallies
from workflows.engine.db import db

JOB, LIMIT, TARGET = "Manage Members of {:,} people", "the page of 100 people", 1.15
PAGES = 10  # looked at in one round


def measure(database: str, times: int, size: int) -> Iterator[Result]:
    """The first page, as an admin's browser asks for it."""
    with towns.site(database) as app:
        owner = Cast().account("Ann")
        large = towns.organization(owner, "Large", size, 0).slug
        small = towns.organization(owner, "Small", 100, 0).slug
        tallies.fold()
        db.session.execute(text("ANALYZE"))
        db.session.commit()
        browser = app.test_client()
        with browser.session_transaction() as cookie:
            cookie["sid"] = sessions.open_session(owner)

        def look(slug: str) -> None:
            for _ in range(PAGES):
                assert browser.get(f"/{slug}/members").status_code == 200

        found = rounds.ratio(lambda: look(large), lambda: look(small), times)
        yield Result(JOB.format(size), LIMIT, database, round(found, 2), TARGET, times)
