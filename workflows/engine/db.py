"""The database, and the one way to change it.

What would surprise a reader: a command may run more than once. Each run begins after a rollback,
reads its rows again, and touches nothing but the database.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    Executable,
    Index,
    MetaData,
    event,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeDecorator

from workflows.engine.refusals import Unavailable
from workflows.engine.settings import settings

RUNS, PATIENCE = 5, 14.0  # times that a command is tried, and seconds: one wait for SQLite's lock
ENDINGS: list[Callable[[], None]] = []
PASSING = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
Command = TypeVar("Command", bound=Callable[..., Any])
Row = TypeVar("Row", bound="Base")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC that knows its zone, also on SQLite, which does not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment}


db = SQLAlchemy(metadata=Base.metadata)


def index_of_few(name: str | None, *columns: Any, which: str, unique: bool = False) -> Index:
    """An index over the few rows of a table that something waits for, on both databases."""
    few = text(which)
    return Index(name, *columns, unique=unique, postgresql_where=few, sqlite_where=few)


@event.listens_for(Engine, "connect")
def _prepare(connection: Any, _: Any) -> None:
    """SQLite, left alone, loses updates and checks no foreign keys."""
    if not type(connection).__module__.startswith("sqlite3"):
        return
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=15000",
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection: Any) -> None:
    """A command takes SQLite's write lock at once: one that read first could not get it later."""
    options = connection.get_execution_options()
    if connection.dialect.name == "sqlite" and options.get("isolation_level") != "AUTOCOMMIT":
        writes = options.get("usher_command")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def now() -> datetime:
    """The database's clock, in UTC: the same moment all through a transaction of PostgreSQL."""
    session = db.session()
    if db.engine.dialect.name == "sqlite":  # in our process, on our clock
        return datetime.now(UTC) + settings().offset
    transaction = session.get_transaction()
    kept = session.info.get("now")
    if kept is None or transaction is None or kept[0] is not transaction:
        moment = session.scalar(select(func.now()))
        kept = session.info["now"] = (session.get_transaction(), moment)
    return cast(datetime, kept[1]) + settings().offset


def moment() -> Any:
    """What `now()` answers, as a part of a statement: that costs no trip of its own."""
    if db.engine.dialect.name == "sqlite":
        return now()
    return func.now() + settings().offset


def at_once(statement: Executable) -> None:
    """Run one statement in a transaction of its own: one trip to the database, not four or more."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as alone:
        alone.execute(statement)


def command(function: Command) -> Command:
    """Make it all or nothing.

    Inside another command it joins that one's transaction. As the outermost it opens one, commits,
    and runs again after a deadlock, a lost race or a lost connection; when five runs, or fourteen
    seconds, have not helped it raises `Unavailable`.
    """
    name = name_of(function)

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if "command" in db.session().info:
            return function(*args, **kwargs)
        begun = time.monotonic()
        for attempt in range(1, RUNS + 1):
            try:
                return _transaction(name, function, args, kwargs)
            except (DBAPIError, StaleDataError) as error:
                late = time.monotonic() - begun > PATIENCE  # SQLite waited for its lock already
                _may_run_again(error, last=late or attempt == RUNS)
                time.sleep(random.uniform(0, 0.05 * 2**attempt))

    return cast(Command, run)


def name_of(function: Callable[..., Any]) -> str:
    """What a command is called in history: `invitations.revoke`."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def at_the_end(ending: Callable[[], None]) -> Callable[[], None]:
    """Register what every outermost command does last, before it commits.

    It is for what can be worked out from the rows that moved, such as an index: a consequence that
    a person would notice stands in the command.
    """
    ENDINGS.append(ending)
    return ending


def _transaction(name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    session = db.session()
    session.rollback()  # ends what was read so far: rows are read again, inside
    try:
        session.connection(execution_options={"usher_command": True})
        session.info["command"] = name
        answer = function(*args, **kwargs)
        session.flush()
        for ending in ENDINGS:
            ending()
        session.flush()
        _commit(session)
        return answer
    except BaseException:
        session.rollback()
        raise
    finally:
        for key in ("command", "why", "operator", "actions", "moved"):
            session.info.pop(key, None)


def _commit(session: Any) -> None:
    """A connection lost in the COMMIT is not tried again: nobody knows whether it worked."""
    try:
        session.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The answer was lost. Look whether it worked.") from error
        raise


def _may_run_again(error: DBAPIError | StaleDataError, *, last: bool) -> None:
    """Return if the command may run again; else raise what the caller should see."""
    lost_race = isinstance(error, StaleDataError | IntegrityError)
    if last and lost_race:
        raise error
    if not lost_race and not _passes(error):
        raise error
    if last:
        raise Unavailable("Usher is busy for a moment. Nothing was changed.") from error


def _passes(error: Any) -> bool:
    """Whether this is the database's trouble, which passes, and not a mistake of ours."""
    state = getattr(error.orig, "sqlstate", None) or ""
    text = str(error.orig)
    return (
        error.connection_invalidated
        or state in PASSING
        or state[:2] in {"08", "57"}  # connection exceptions, operator intervention
        or "database is locked" in text
        or "connection failed" in text
    )


def lock(*rows: Row) -> Any:
    """Read the rows again and hold them: until we commit, nobody else can move them.

    They are taken in the order of `workflows.ORDER` and then by id, so that two commands
    cannot wait for each other; a new row elsewhere may point at a held one meanwhile (its key
    stays), which a plain FOR UPDATE forbids. Answers the row, or the rows in the order given.
    """
    order = list(Base.metadata.tables)
    for row in sorted(rows, key=lambda row: (order.index(row.__table__.name), row.id)):  # type: ignore[attr-defined]
        db.session.refresh(row, with_for_update={"key_share": True})
    return rows[0] if len(rows) == 1 else rows
