"""The queries that sets are made of find their rows by an index, however many rows there are."""

import re
from contextlib import contextmanager

import pytest
from plans import plan
from sqlalchemy import event

from web import crowd
from workflows import (
    ailments,
    bounces,
    cases,
    directories,
    guest_lists,
    likenesses,
    lines,
    listings,
    takeouts,
)
from workflows.directories import Search
from workflows.engine import addressees, sets
from workflows.engine.db import command, db, now
from workflows.engine.history import Action
from workflows.stuck import BY_NAME


@pytest.fixture
def acme(cast, ann):
    """An organization with so many people that no planner reads them all for a few."""
    made = cast.organization(ann, seats=3000)
    crowd.gather(made, 3000, "crowd.test", by=ann)
    return made


@pytest.fixture
def explained():
    """Every query on these tables, by how the database would go about it."""
    db.session.execute(db.text("ANALYZE"))
    db.session.commit()
    with listening() as said:
        yield said


@contextmanager
def listening():
    said = []

    def explain(connection, cursor, statement, parameters, context, many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT INTO lines")) and not many:
            said.append((statement, plan(connection, statement, parameters, scans=False)))

    event.listen(db.engine, "before_cursor_execute", explain)
    yield said
    event.remove(db.engine, "before_cursor_execute", explain)


LARGE = ("invitations", "memberships", "accounts", "tokens", "letters", "lines", "cases")


def reads_all(said):
    """The statements of which the plan reads all of a large table."""
    return [
        (statement, how)
        for statement, how in said
        for table in LARGE
        if re.search(rf"(Seq Scan on|SCAN) {table}\b", how)
    ]


@pytest.mark.parametrize(
    ("name", "index"), [("actions", "ix_actions_by_id_id"), ("steps", "ix_steps_kind_row_id")]
)
def test_what_one_person_did_is_found_without_reading_all_of_history(
    cast, acme, ann, explained, name, index
):
    bob = cast.member(acme, "Bob", ann)
    at = [now()] * 3000
    sets.add(Action, {"at": at}, event="seats.assign", by_id=ann.id, operator=False)
    db.session.execute(db.text("ANALYZE"))
    db.session.commit()
    explained.clear()

    entries, _ = takeouts.portion(name, bob.account, 0)

    assert entries
    [how] = [how for statement, how in explained if f"FROM {name}" in statement]
    assert index in how
    assert f"Seq Scan on {name}" not in how


def test_addresses_are_looked_up_by_their_indexes(acme, ann, explained):
    keys = [f"person{n}@x.test" for n in range(20)]
    for query in (guest_lists.members, guest_lists.open_invitations):
        db.session.execute(query(acme.id, keys)).all()

    assert len(explained) >= 2
    assert reads_all(explained) == []


def test_some_lines_are_drawn_anew_without_reading_the_others(acme, ann, explained):
    members = [member for member, _ in directories.ids(acme, Search(role="member"))[:60]]
    asked = [one for _, one in directories.ids(acme, Search(turn="Their turn")) if one][:60]
    explained.clear()

    list(likenesses.of_members(members))
    lines.redraw(members, asked)

    assert len(explained) > 6
    assert reads_all(explained) == []


def test_the_next_cases_of_an_errand_are_found_by_an_index(acme, ann, explained):
    for number in range(12):
        listed = " ".join(f"p{n}.{number}@x.test" for n in range(400))
        errand = listings.prepare(acme, listed, by=ann)
    errand_id = errand.id
    db.session.execute(db.text("ANALYZE"))
    db.session.commit()
    explained.clear()

    some = cases.waiting(errand_id, 50)
    cases.settle([one.id for one in some], {})

    assert len(some) == 50
    assert len(explained) == 2
    assert reads_all(explained) == []


def test_whom_no_letter_reaches_is_looked_for_once_in_a_batch_and_among_few(cast, ann):
    """A database that was never measured: one with a single organization would read all of it."""
    cast.organization(ann)
    command(bounces.remember)(ann.email, "550 No such mailbox")

    with listening() as said:
        addressees.taken([f"person{n}@crowd.test" for n in range(20)])
        [cause] = ailments.causes(BY_NAME["organization-unreachable"])

    assert cause.number == 1
    when_taken, when_looked = [how for statement, how in said if "bounces" in statement]
    assert re.findall(r"(?:Seq Scan on|SCAN) (?!bounces\b)\w+", when_taken + when_looked) == []
