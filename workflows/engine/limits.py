"""Limits: how often something may be done, kept as rows, so that no emptied cache forgets them.

A bucket fills with each try and drains with time: `10/5m` lets ten through at once and then one
every thirty seconds. What would surprise a reader: a try at a secret is counted in a transaction
of its own, before the try. A refusal undoes all that its command did, and would undo the count.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import BigInteger, case, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine import sets
from workflows.engine.db import Base, command, db, now
from workflows.engine.refusals import TooOften, in_words
from workflows.engine.settings import settings

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MANY = "Too many tries."


class Bucket(Base):
    """One limit on one subject, which is not written down: only its keyed hash is."""

    __tablename__ = "buckets"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    empty_at: Mapped[int] = mapped_column(BigInteger, index=True)  # milliseconds since 1970


@dataclass(frozen=True)
class Rate:
    """So many at once, and then one for each interval, in milliseconds."""

    burst: int
    interval: int


def rates(limit: str) -> list[Rate]:
    """The rates that the setting `limit_…` names: `3/1d, 10/30d`."""
    found = re.findall(r"(\d+)/(\d+)([smhd])", getattr(settings(), f"limit_{limit}"))
    periods = [(int(many), timedelta(**{UNITS[unit]: int(size)})) for many, size, unit in found]
    return [Rate(many, _milliseconds(period) // many) for many, period in periods]


@command
def count(limit: str, *subject: Any, burst: int = 0, sentence: str = MANY) -> None:
    """Let this pass and count it, or refuse and say when it may be tried again.

    `burst` lets more through at once than the setting says. Inside a command it counts only if
    that command commits.
    """
    if wait := take(limit, *subject, burst=burst):
        raise too_often(wait, sentence)


def take(limit: str, *subject: Any, burst: int = 0) -> timedelta | None:
    """Count this, or answer how long to wait: then nothing is counted."""
    taken: list[tuple[bytes, Rate]] = []
    for rate, key in _buckets(limit, subject):
        most = max(rate.burst, burst)
        if not _pour(key, rate, most):
            for poured in taken:
                _drain(*poured)
            return max(_wait(key, rate, most), timedelta(seconds=1))
        taken.append((key, rate))
    return None


def take_some(limit: str, *subject: Any, number: int, burst: int = 0) -> int:
    """Count this so many times, or as often as there is room for; answers how often it was."""
    buckets = _buckets(limit, subject)
    for rate, key in buckets:
        at = _now()
        empty_at = db.session.execute(HOLD, {"key": key, "at": at}).scalar_one()
        brim = at + max(rate.burst, burst) * rate.interval
        number = max(0, min(number, (brim - empty_at) // rate.interval))
    for rate, key in buckets:
        _drain(key, rate, -number)
    return number


def take_all(limit: str, subjects: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], timedelta]:
    """As `take`, for all of these, which differ, in few statements; how long the full ones wait."""
    full: dict[tuple[Any, ...], timedelta] = {}
    taken: list[tuple[dict[bytes, tuple[Any, ...]], Rate]] = []
    for rate in rates(limit):
        left = [one for one in subjects if one not in full]
        keys = dict(zip(_keys(limit, rate, left), left, strict=True))
        poured = _pour_all(list(keys), rate)
        taken.append(({key: keys[key] for key in poured}, rate))
        for key in keys.keys() - poured:
            full[keys[key]] = max(_wait(key, rate, rate.burst), timedelta(seconds=1))
    for keys, rate in taken if full else ():
        for key, one in keys.items():
            if one in full:
                _drain(key, rate)
    return full


def until(limit: str, *subject: Any, burst: int = 0) -> timedelta:
    """How long until this may be counted once more: no time at all if it may be now."""
    buckets = _buckets(limit, subject)
    return max(_wait(key, rate, max(rate.burst, burst)) for rate, key in buckets)


def require_room(limit: str, *subject: Any, sentence: str = MANY) -> None:
    """Refuse as `count` would, and count nothing."""
    if wait := until(limit, *subject):
        raise too_often(wait, sentence)


def waits(limit: str, subjects: Collection[tuple[Any, ...]]) -> dict[tuple[Any, ...], timedelta]:
    """How long those of these subjects have to wait who are full: many, asked in one go."""
    found = {}
    for rate in rates(limit):
        keys = dict(zip(_keys(limit, rate, subjects), subjects, strict=True))
        full = select(Bucket.key, Bucket.empty_at).where(Bucket.key.in_(keys))
        for key, empty_at in db.session.execute(full):
            if wait := _over(empty_at, rate, rate.burst):
                found[keys[key]] = max(wait, timedelta(seconds=1))
    return found


@command
def give_back(limit: str, *subject: Any, number: int = 1) -> None:
    """Take back one count, or so many: it was not what the limit is against."""
    for rate, key in _buckets(limit, subject):
        _drain(key, rate, number)


@command
def mark(name: str, *subject: Any, lasting: timedelta) -> None:
    """Remember this subject for so long."""
    _pour(_key(name, subject), Rate(1, _milliseconds(lasting)), burst=2)


def is_marked(name: str, *subject: Any) -> bool:
    marked = select(Bucket.empty_at).filter_by(key=_key(name, subject))
    return (db.session.scalar(marked) or 0) > _now()


@command
def drop_stale() -> None:
    """Forget the buckets that have drained."""
    db.session.execute(delete(Bucket).where(Bucket.empty_at <= _now()))


def too_often(wait: timedelta, sentence: str = MANY) -> TooOften:
    return TooOften(f"{sentence} Try again {in_words(wait)}.", wait)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DRAINED = "CASE WHEN buckets.empty_at > :at THEN buckets.empty_at ELSE :at END"  # by now
FILLED = f"{DRAINED} + :interval"
POUR = text(f"""
    INSERT INTO buckets (key, empty_at) VALUES (:key, :at + :interval) ON CONFLICT (key)
    DO UPDATE SET empty_at = {FILLED} WHERE {FILLED} <= :brim
""")


HOLD = text(f"""
    INSERT INTO buckets (key, empty_at) VALUES (:key, :at) ON CONFLICT (key)
    DO UPDATE SET empty_at = {DRAINED} RETURNING empty_at
""")


def _buckets(limit: str, subject: tuple[Any, ...]) -> list[tuple[Rate, bytes]]:
    return [(rate, _key(limit, (rate, *subject))) for rate in rates(limit)]


def _key(name: str, subject: tuple[Any, ...]) -> bytes:
    """Tells the same subject again, and nobody who reads the database which one it is."""
    return _written(hmac.digest(_secret(), repr((name, *subject)).encode(), "sha256"))


def _keys(name: str, rate: Rate, subjects: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    """The same for many subjects of one limit."""
    secret, same = _secret(), f"({name!r}, {rate!r}"
    texts = (", ".join((same, *map(repr, subject))) for subject in subjects)
    return (_written(hmac.digest(secret, f"{text})".encode(), "sha256")) for text in texts)


def _written(digest: bytes) -> bytes:
    """In plain letters, since many travel to the database as one text."""
    return base64.b64encode(digest[:24])


def _secret() -> bytes:
    return hmac.digest(current_app.config["SECRET_KEY"].encode(), b"usher/limits/v1", "sha256")


def _pour(key: bytes, rate: Rate, burst: int) -> bool:
    """Pour one in, unless it would run over: one statement, so two tries never share a place."""
    at = _now()
    pour = {"key": key, "at": at, "interval": rate.interval, "brim": at + burst * rate.interval}
    poured = db.session.execute(POUR, pour)
    return bool(poured.rowcount)  # type: ignore[attr-defined]


def _pour_all(keys: Sequence[bytes], rate: Rate) -> set[bytes]:
    """Pour one into each of these; answers those that did not run over."""
    at = _now()
    rows = sets.rows(Bucket, {"key": keys}, empty_at=at + rate.interval)
    insert = {"sqlite": sqlite, "postgresql": postgresql}[db.engine.dialect.name].insert
    added = insert(Bucket.__table__).from_select(["key", "empty_at"], rows)
    level = case((Bucket.empty_at > at, Bucket.empty_at), else_=at) + rate.interval
    fits = level <= at + rate.burst * rate.interval
    poured = added.on_conflict_do_update(
        index_elements=["key"], set_={"empty_at": level}, where=fits
    )
    return {key for (key,) in sets.read(poured.returning(Bucket.key))}


def _drain(key: bytes, rate: Rate, number: int = 1) -> None:
    less = update(Bucket).values(empty_at=Bucket.empty_at - number * rate.interval)
    sets.write(less.where(Bucket.key == key))


def _wait(key: bytes, rate: Rate, burst: int) -> timedelta:
    """How long until one more would fit."""
    return _over(db.session.scalar(select(Bucket.empty_at).filter_by(key=key)) or 0, rate, burst)


def _over(empty_at: int, rate: Rate, burst: int) -> timedelta:
    over = empty_at - _now() - (burst - 1) * rate.interval
    return timedelta(milliseconds=max(0, over))


def _now() -> int:
    return _milliseconds(now() - EPOCH)


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
