"""Assign 10,000 seats in one action, against raw SQL that writes the same rows in sets.

The limit joins nothing that a planner could take the long way to. While nobody has accepted an
invitation, the index over who did looks useless to SQLite; a join to it then read all invitations
for each person in some runs and not in others, and the limit took from one to fifty times as long.
"""

from __future__ import annotations

from collections.abc import Iterator

from people import Cast
from sqlalchemy import select, text

from benchmarks import rounds, towns
from benchmarks.rounds import Result
from workflows import directories, errands
from workflows.directories import Search
from workflows.engine.db import command, db, now
from workflows.organizations import Organization

JOB, LIMIT, TARGET = "assign {:,} seats in one action", "raw set-based SQL, same rows", 2.0
# Everything that the command leaves behind, for members without a seat and as many free seats.
RAW = (
    """CREATE TEMPORARY TABLE pairs AS SELECT m.id AS member, m.place, s.id AS seat
       FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM memberships
             WHERE organization_id = :here AND state = 'member') m
       JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM seats
             WHERE organization_id = :here AND state = 'free') s ON s.place = m.place""",
    """INSERT INTO actions (event, by_id, operator, organization_id, at)
       VALUES ('raw', :by, false, :here, :now)""",
    """UPDATE seats SET state = 'taken', since = :now, revision = revision + 1,
       membership_id = pairs.member, holder_active = true
       FROM pairs WHERE pairs.seat = seats.id""",
    """INSERT INTO tokens (organization_id, membership_id, seat_id, generation, state, since,
       revision) SELECT :here, member, seat, 0, 'inactive', :now, 1 FROM pairs""",
    """INSERT INTO steps (action_id, kind, row_id, event, source, target)
       SELECT (SELECT max(id) FROM actions), 'seats', seat, 'assign', 'free', 'taken' FROM pairs""",
    """INSERT INTO steps (action_id, kind, row_id, event, source, target)
       SELECT (SELECT max(id) FROM actions), 'tokens', t.id, 'begin', NULL, 'inactive'
       FROM tokens t JOIN pairs ON pairs.seat = t.seat_id""",
    """UPDATE invitations SET state = 'seated', since = :now, revision = revision + 1
       WHERE state = 'accepted' AND membership_id IN (SELECT member FROM pairs)""",
    """INSERT INTO letters (template, about_id, generation, organization_id, posted_at, due_at,
       attempts, lost, lease, state, since, revision)
       SELECT 'seat_assigned', t.id, 0, :here, :now, :now, 0, 0, 0, 'pending', :now, 1
       FROM tokens t JOIN pairs ON pairs.seat = t.seat_id""",
    """UPDATE lines SET state = 'seated', done = 3, turn = 2, since = :now
       FROM pairs WHERE pairs.member = lines.membership_id""",
    """INSERT INTO tallies (organization_id, what, number)
       SELECT :here, 'seats taken', count(*) FROM pairs""",
    "INSERT INTO errands (organization_id, by_id, deed, number, digest, state, since, revision)"
    " SELECT :here, :by, 'raw', count(*), '', 'done', :now, 1 FROM pairs",
    """INSERT INTO cases (errand_id, membership_id, outcome)
       SELECT (SELECT max(id) FROM errands), member, 'waiting' FROM pairs""",
    """UPDATE cases SET outcome = 'done' WHERE errand_id = (SELECT max(id) FROM errands)""",
    "DROP TABLE pairs",
)


def measure(database: str, times: int, size: int) -> Iterator[Result]:
    """`size` members who wait for a seat, and as many seats, anew for each round."""
    with towns.site(database):
        owner = Cast().account("Ann")
        people = size * 9 // 7 + 9  # seven of nine in a crowd are members
        fresh = [towns.organization(owner, f"Org {n}", people, size) for n in range(2 * times + 2)]
        ours, theirs = fresh[::2], fresh[1::2]

        def by_usher() -> None:
            here = ours.pop()
            whom = directories.ids(here, Search(place="no seat", role="member"))[:size]
            errands.begin(errands.prepare(here, "assign", whom, by=owner), by=owner)
            while errands.go_on():
                pass

        def by_sql() -> None:
            raw(theirs.pop())

        db.session.execute(text("ANALYZE"))
        db.session.commit()
        found = rounds.ratio(by_usher, by_sql, times)
        yield Result(JOB.format(size), LIMIT, database, round(found, 2), TARGET, times)


@command
def raw(organization: Organization) -> None:
    """The limit: no rule asked, nothing held, nothing looked at."""
    moment = now().replace(tzinfo=None) if db.engine.dialect.name == "sqlite" else now()
    owner = db.session.scalar(select(Organization).filter_by(id=organization.id)).owner
    facts = {"here": organization.id, "by": owner.account_id, "now": moment}
    for statement in RAW:
        names = {name: value for name, value in facts.items() if f":{name}" in statement}
        db.session.execute(text(statement), names)
