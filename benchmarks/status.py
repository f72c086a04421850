"""The status page of a site with a million rows, against the same page of one with a thousand.

Rows are put in by statements on whole sets: what the page costs is asked here, not what they cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, text

from benchmarks import rounds, towns
from benchmarks.rounds import Result
from workflows import operators, sessions, surveys
from workflows.engine import heartbeats
from workflows.engine.db import Moment, command, db, now

JOB, LIMIT, TARGET = "Status page, {:,} rows", "the page of {:,} rows", 1.2
PAGES, SMALL = 10, 1_000  # looked at in one round; rows of the small site
INVITATIONS = """WITH RECURSIVE n(number) AS
    (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < :rows)
    INSERT INTO invitations (state, since, revision, organization_id, invited_by_id, email,
                             email_key, expires_at, round, seat_wished)
    SELECT CASE WHEN number % 10 = 0 THEN 'sent' WHEN number % 3 = 0 THEN 'declined'
                ELSE 'revoked' END,
           :now, 1, :place, :by, 'person' || number || '@crowd.test',
           'person' || number || '@crowd.test', :later, 1, false
    FROM n"""
LETTERS = """
    INSERT INTO letters (state, since, revision, template, about_id, generation, organization_id,
                         posted_at, due_at, attempts, lost, lease, sent_at)
    SELECT 'sent', :now, 1, 'invitation', id, 1, :place, :now, :now, 1, 0, 1, :now
    FROM invitations WHERE email_key LIKE '%@crowd.test'"""


def measure(database: str, times: int, size: int) -> Iterator[Result]:
    """The page as an operator's browser asks for it, the clock having looked."""
    with towns.site(database) as small, towns.site(database) as large:
        pages = [_ready(app, rows) for app, rows in ((large, size), (small, SMALL))]
        for app in (large, small):  # at last: a clock that is not heard makes the page look itself
            with app.app_context():
                look()
        ratio = rounds.ratio(pages[0], pages[1], times)
    yield Result(JOB.format(size), LIMIT.format(SMALL), database, round(ratio, 2), TARGET, times)


def _ready(app: Any, rows: int) -> Callable[[], None]:
    """Fill this site; answers what looks at its page some times."""
    with app.app_context():
        marta = operators.make_operator(towns.Cast().account("Marta").email)
        place = towns.organization(marta, "Acme", 1, 0)
        fill(place.id, marta.id, rows // 2)
        secret = sessions.open_session(marta)
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["sid"] = secret

    def pages() -> None:
        for _ in range(PAGES):
            with app.app_context():  # of its own, whichever is open around us
                page = browser.get("/status")
            assert page.status_code == 200
            assert "has looked itself" not in page.text

    return pages


def look() -> None:
    """What the clock does for the page."""
    surveys.look_for_ailments()
    surveys.look_at_states()
    for kind in ("web", "worker", "clock"):
        heartbeats.beat(kind)


@command
def fill(organization_id: int, by_id: int, number: int) -> None:
    """So many invitations, a tenth of them unanswered, each with a letter that was handed over."""
    facts = {"rows": number, "place": organization_id, "by": by_id, "now": now(),
             "later": now() + timedelta(days=7)}  # fmt: skip
    moments = [bindparam(name, type_=Moment) for name in ("now", "later")]
    db.session.execute(text(INVITATIONS).bindparams(*moments), facts)
    db.session.execute(text(LETTERS).bindparams(moments[0]), facts)
    db.session.execute(text("ANALYZE"))
