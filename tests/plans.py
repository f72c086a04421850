"""How many statements something takes, and how the database would go about one, in its words."""

from sqlalchemy import event

from workflows.engine.db import db


def statements(command, *about, **more):
    """How many statements this takes."""
    said = []

    def count(connection, cursor, statement, *_):
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    command(*about, **more)
    event.remove(db.engine, "before_cursor_execute", count)
    return len(said)


def plan(connection, statement, parameters, *, scans=True):
    """The plan of EXPLAIN; without `scans`, what PostgreSQL would do if it read no table whole.

    Of tables as small as those of a test it would be right to read them so.
    """
    asks = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    cursor = connection.connection.dbapi_connection.cursor()
    chosen = asks == "EXPLAIN" and not scans
    if chosen:
        cursor.execute("SET LOCAL enable_seqscan = off")
    cursor.execute(f"{asks} {statement}", parameters)
    found = "\n".join(str(row) for row in cursor.fetchall())
    if chosen:
        cursor.execute("SET LOCAL enable_seqscan = on")
    return found
