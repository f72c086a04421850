"""Invite 10,000 addresses in one action, against loading the same rows in bulk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from people import Cast
from sqlalchemy import Table, select, text

from benchmarks import rounds, towns
from benchmarks.rounds import Result
from workflows import errands, listings
from workflows.engine.db import Base, db
from workflows.guest_lists import Entry
from workflows.organizations import Organization

JOB = "invite {:,} addresses in one action"
LIMITS = {"sqlite": ("executemany of the same rows", 1.5), "postgresql": ("COPY of them", 2.0)}
# Everything that the command leaves behind, in an order that foreign keys allow.
TABLES = ("actions", "invitations", "steps", "letters", "errands", "cases", "lines", "buckets")
POINTERS = {"action_id", "invitation_id", "errand_id", "about_id", "row_id"}
APART = 10_000_000  # between the ids of two rounds
Rows = dict[str, list[tuple[Any, ...]]]


def measure(database: str, times: int, size: int) -> Iterator[Result]:
    """From the rows of a file to letters that are due; anew for each round."""
    with towns.site(database):
        owner = Cast().account("Ann")
        fresh = [
            towns.organization(owner, f"Org {n}", 0, size // 3 + 1) for n in range(2 * times + 2)
        ]
        ours, theirs = fresh[::2], fresh[1::2]
        sizes = db.session.scalar(text("SELECT max(id) FROM steps"))
        made = _invite(ours.pop(), size, owner, sizes)
        loads = [_again(made, place.id, n) for n, place in enumerate(theirs, 1)]
        ours.append(towns.organization(owner, "Org last", 0, size // 3 + 1))
        db.session.execute(text("ANALYZE"))
        db.session.commit()
        found = rounds.ratio(
            lambda: _begin(ours.pop(), size, owner), lambda: _load(loads.pop()), times
        )
        limit, target = LIMITS[database]
        yield Result(JOB.format(size), limit, database, round(found, 2), target, times)


def _begin(here: Organization, size: int, owner: Any) -> None:
    listed = [Entry(n, f"person.{n}@{here.slug}.test") for n in range(1, size + 1)]
    errand = listings.prepare(here, listed, by=owner)
    errands.begin(errand, by=owner)
    while errands.go_on():
        pass


def _invite(here: Organization, size: int, owner: Any, before: int) -> dict[str, list[Any]]:
    """The rows that inviting so many leaves behind, by their tables."""
    marks = {name: _last(name) for name in TABLES if name != "buckets"}
    _begin(here, size, owner)
    found = {}
    for name, mark in marks.items():
        table = Base.metadata.tables[name]
        rows = db.session.execute(select(table).where(table.c.id > mark).order_by(table.c.id))
        found[name] = [dict(row) for row in rows.mappings()]
    buckets = Base.metadata.tables["buckets"]
    found["buckets"] = [dict(row) for row in db.session.execute(select(buckets)).mappings()]
    db.session.rollback()
    return found


def _last(name: str) -> int:
    return db.session.scalar(text(f"SELECT max(id) FROM {name}")) or 0


def _again(made: dict[str, list[Any]], organization_id: int, number: int) -> Rows:
    """The same rows once more, for another organization."""
    return {
        name: [_shifted(Base.metadata.tables[name], row, organization_id, number) for row in rows]
        for name, rows in made.items()
    }


def _shifted(table: Table, row: Any, organization_id: int, number: int) -> tuple[Any, ...]:
    moved = dict(row)
    for name in {"id", *POINTERS} & moved.keys():
        moved[name] = moved[name] and moved[name] + number * APART
    if "organization_id" in moved:
        moved["organization_id"] = organization_id
    if "key" in moved:
        moved["key"] = os.urandom(32)
    bind = db.engine.dialect
    return tuple(
        processor(moved[column.name])
        if (processor := column.type.dialect_impl(bind).bind_processor(bind))
        else moved[column.name]
        for column in table.columns
    )


def _load(rows: Rows) -> None:
    """The limit: nothing read, nothing asked, all at once."""
    connection = db.engine.raw_connection()
    try:
        load = _copy if db.engine.dialect.name == "postgresql" else _executemany
        cursor = connection.cursor()
        if load is _executemany:
            cursor.execute("BEGIN IMMEDIATE")
        for name in TABLES:
            load(cursor, name, [column.name for column in Base.metadata.tables[name].columns],
                 rows[name])  # fmt: skip
        connection.commit()
    finally:
        connection.close()


def _executemany(cursor: Any, name: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
    marks = ", ".join("?" * len(columns))
    cursor.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", rows)


def _copy(cursor: Any, name: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
    with cursor.copy(f"COPY {name} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
