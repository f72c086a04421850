"""Activity whose actions moved thousands of rows each, against one whose actions moved one each."""

from __future__ import annotations

from collections.abc import Iterator

from people import Cast
from sqlalchemy import select, text

from benchmarks import rounds, towns
from benchmarks.rounds import Result
from workflows import sessions
from workflows.accounts import Account
from workflows.engine import history, tallies
from workflows.engine.db import command, db
from workflows.invitations import Invitation
from workflows.organizations import Organization

JOB, LIMIT, TARGET = "Activity, {:,} steps an action", "the page of single steps", 1.15
PAGES, ACTIONS = 10, 60  # looked at in one round; more than a page has


def measure(database: str, times: int, size: int) -> Iterator[Result]:
    """The newest page, as an admin's browser asks for it."""
    with towns.site(database) as app:
        owner = Cast().account("Ann")
        large = towns.organization(owner, "Large", 5 * size, 0)
        small = towns.organization(owner, "Small", 100, 0)
        for organization, rows in ((large, size), (small, 1)):
            ids = db.session.scalars(select(Invitation.id).filter_by(organization=organization))
            asked = list(ids)[:rows]
            for _ in range(ACTIONS):
                _resend(organization, asked, by=owner)
        tallies.fold()
        db.session.execute(text("ANALYZE"))
        db.session.commit()
        browser = app.test_client()
        with browser.session_transaction() as cookie:
            cookie["sid"] = sessions.open_session(owner)

        def look(slug: str) -> None:
            for _ in range(PAGES):
                assert browser.get(f"/{slug}/activity").status_code == 200

        pages = (lambda: look(large.slug)), (lambda: look(small.slug))
        yield Result(JOB.format(size), LIMIT, database, round(rounds.ratio(*pages, times), 2),
                     TARGET, times)  # fmt: skip


@command
def _resend(organization: Organization, ids: list[int], *, by: Account) -> None:
    """The steps of a resend alone: what a page reads of it."""
    history.called("mailshots.resend")
    move = {"event": "resend", "source": "sent", "target": "sent"}
    history.step_all(Invitation, ids, organization.id, by=by, **move)
