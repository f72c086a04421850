"""Heartbeats: each process that runs says every few seconds that it is there.

A row for each kind of process on each host, so there are never more than there are machines; where
two versions of a kind run on one, the older has a row of its own. A process that stops says
goodbye; one that was killed is missed.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from flask import Flask
from sqlalchemy import UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, command, db, now
from workflows.engine.settings import settings

EVERY = 10.0  # seconds
SILENT = timedelta(seconds=35)
ROOT = Path(__file__).parents[2]
log = logging.getLogger("usher.heartbeats")
said: dict[tuple[str, str], datetime] = {}  # by kind and version: since when this process says so


class Heartbeat(Base):
    __tablename__ = "heartbeats"
    __table_args__ = (UniqueConstraint("kind", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]  # web, worker or clock
    host: Mapped[str]
    version: Mapped[str]
    since: Mapped[datetime]  # in this version
    at: Mapped[datetime]
    skew: Mapped[float]  # seconds by which the host's clock is ahead of the database's
    trouble: Mapped[str | None]  # in a sentence, what the process itself found wrong

    @property
    def silent(self) -> bool:
        """Whether it was not heard for longer than one that runs lets pass."""
        return self.at < now() - SILENT


@command
def beat(kind: str, trouble: str | None = None) -> None:
    """Say that a process of this kind runs here."""
    moment, version = now(), code_version()
    own = _row(kind, _apart()) or _row(kind, socket.gethostname())
    before = said.get((kind, version))
    if own and own.version != version and before and not own.silent:  # a newer one has taken it
        own = _new(kind, _apart(), before)
    own = own or _new(kind, socket.gethostname(), moment)
    if own.version != version:
        own.version, own.since = version, moment
    own.at, own.trouble = moment, trouble
    said[kind, version] = own.since
    own.skew = (datetime.now(UTC) + settings().offset - moment).total_seconds()


def _apart() -> str:
    """What the host is called in the row of a process beside a newer one of its kind."""
    return f"{socket.gethostname()}, version {code_version()}"


def _row(kind: str, host: str) -> Heartbeat | None:
    return db.session.scalar(select(Heartbeat).filter_by(kind=kind, host=host))


def _new(kind: str, host: str, since: datetime) -> Heartbeat:
    row = Heartbeat(kind=kind, host=host, version=code_version(), since=since)
    db.session.add(row)
    return row


@command
def goodbye(kind: str) -> None:
    """Say that it was stopped, and need not be missed."""
    if mine := _row(kind, _apart()) or _row(kind, socket.gethostname()):
        db.session.delete(mine)


@command
def forget(ids: Iterable[int]) -> None:
    """Miss these processes no more; one that runs after all comes back by itself."""
    db.session.execute(delete(Heartbeat).where(Heartbeat.id.in_(list(ids))))


def heard() -> list[Heartbeat]:
    """All that are known, those of one kind together."""
    return list(db.session.scalars(select(Heartbeat).order_by(Heartbeat.kind, Heartbeat.host)))


def alive() -> list[Heartbeat]:
    """Those that were heard lately."""
    return [one for one in heard() if not one.silent]


def keep(app: Flask, *kinds: str) -> Callable[[], None]:
    """Beat for these in a thread of its own, until the function that is returned is called."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            _in(app, beat, kinds)
            stop.wait(EVERY)

    def end() -> None:
        stop.set()
        beating.join(2)
        _in(app, goodbye, kinds)

    beating = threading.Thread(target=run, daemon=True, name="heartbeat")
    beating.start()
    return end


def _in(app: Flask, do: Callable[[str], None], kinds: Iterable[str]) -> None:
    try:
        with app.app_context():
            for kind in kinds:
                do(kind)
    except Exception as error:  # the database is away: this process lives on
        log.warning("No heartbeat: %s", type(error).__name__)


@cache
def code_version() -> str:
    """A sign for the code that runs: the same wherever the same files do."""
    digest = hashlib.sha256()
    for room in ("workflows", "web", "workers", "migrations"):
        for file in sorted((ROOT / room).rglob("*.py")):
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:8]
