"""Restores: a backup was put back, and what ended since it was made must not work again.

    what waited to leave         is held back as perhaps sent: operators let it go, or discard it
    secrets that ended since     end again, as the journal says
    whoever was logged in        logs in again
    numbers given since          are never given to something else (on PostgreSQL)

What would surprise a reader: the new secret of somebody whose token was reissued since is in their
mail, and the database has never heard of it. So the token is reissued once more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, text

from workflows import departures, seats, tokens, verdicts
from workflows.engine import history, journal, register, seals
from workflows.engine.db import Base, command, db, lock, now
from workflows.engine.history import Action, Step
from workflows.engine.journal import Ending
from workflows.engine.letters import Letter
from workflows.engine.settings import settings
from workflows.errands import Errand
from workflows.sessions import Session
from workflows.tokens import Generation, Token

PERHAPS = "Perhaps sent before the restore."
WHY = "The database was restored from a backup"
OVERLAP = timedelta(minutes=2)  # a command that began earlier may have been written down later
APART = 1_000_000  # more numbers than are given between a backup and its restore
SOME = 500


class Journal:
    """What a clock knows of the journal: how far it is written."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()
        self.since: datetime | None = None

    def keep(self, file: Path) -> None:
        """Write down what ended since the last time."""
        if self.since is None and (earlier := journal.read(file)):
            self.known, self.since = {one.digest for one in earlier}, earlier[-1].at - OVERLAP
        moment = now()
        found = [one for one in _ended(self.since) if one.digest not in self.known]
        journal.write(file, found)
        self.known |= {one.digest for one in found}
        self.since = moment - OVERLAP


written = Journal()  # by the clock that runs in this process


def keep_journal() -> None:
    """Write down what has ended, where JOURNAL says."""
    if settings().journal:
        written.keep(Path(settings().journal))


def _ended(since: datetime | None) -> list[Ending]:
    """Secrets of tokens that took a step since then and that have ended, or are about to."""
    ended: Any = select(Generation.reason, Generation.digest).where(
        Generation.digest.is_not(None), Generation.reason.is_not(None)
    )
    if since is not None:
        lately = select(Step.row_id).join(Action, Action.id == Step.action_id)
        moved = lately.where(Action.at >= since, Step.kind == Token.__tablename__)
        ended = ended.where(Generation.token_id.in_(moved))
    moment = now()
    return [Ending(moment, *of_one) for of_one in db.session.execute(ended)]


def outlived(file: Path, newest: int = SOME) -> int:
    """How many of the newest in the journal have no end here: the database is older than it."""
    reasons = {one.digest: one.reason for one in journal.read(file)[-newest:]}
    return sum(generation.reason is None for generation, _ in _living(reasons))


@command
def skip_numbers() -> bool:
    """Let no row have a number that one had which is lost; False where that cannot be (SQLite).

    Links in letters and Message-IDs hold numbers: those of lost rows lead to nothing then.
    """
    if db.engine.dialect.name == "sqlite":
        return False
    for table in Base.metadata.tables.values():
        if "id" in table.c and table.c.id.primary_key:
            further = f"(SELECT coalesce(max(id), 0) FROM {table.name}) + {APART}"
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            db.session.execute(text(f"SELECT setval({sequence}, {further})"))
    return True


@command
def end_sessions() -> None:
    """Everybody logs in again: whoever was thrown out since is not in again."""
    db.session.execute(delete(Session))


@command
def stop_errands() -> int:
    """Go on with no bulk action: it may have been done. Its admins see it, and can do the rest."""
    running = db.session.scalars(select(Errand).where(text("errands.state = 'running'"))).all()
    for errand in running:
        lock(errand).fire("stop", by=None, why=f"{WHY}.")
    return len(running)


@command
def hold_back() -> int:
    """Keep each letter that waits as one that was perhaps sent; answers how many."""
    waiting = select(Letter).where(Letter.state.in_(["pending", "sending"]))
    held = db.session.scalars(waiting.with_for_update()).all()
    for letter in held:
        letter.state, letter.since, letter.lease_until, letter.pause_id = "dead", now(), None, None
        letter.reply = letter.cause = PERHAPS
        register.moved(letter)
    return len(held)


def end_again(file: Path) -> int:
    """End the secrets that the journal says have ended; answers of how many tokens."""
    reasons = {one.digest: one.reason for one in journal.read(file)}
    mine: dict[int, dict[int, str]] = {}
    for generation, reason in _living(reasons):
        mine.setdefault(generation.token_id, {})[generation.number] = reason
    for token_id, ended in mine.items():
        _end(db.session.get_one(Token, token_id), ended)
    return len(mine)


def _living(reasons: dict[bytes, str]) -> Iterator[tuple[Generation, str]]:
    """Secrets that pass here, or could be mailed from here, and have ended by the journal."""
    digests = list(reasons)
    known: list[Generation] = []
    for first in range(0, len(digests), SOME):
        some = Generation.digest.in_(digests[first : first + SOME])
        known += db.session.scalars(select(Generation).where(some)).all()
    unmailed = Generation.digest.is_(None) & Generation.nonce.is_not(None)
    known += db.session.scalars(select(Generation).where(unmailed)).all()
    for one in known:
        reason = reasons.get(_digest(one))
        if reason and (one.reason is None or (one.ends_at and one.ends_at > now())):
            yield one, reason


def _digest(generation: Generation) -> bytes:
    """What is or will be the digest of this secret; nobody's where its key is gone."""
    if generation.digest is not None:
        return generation.digest
    key_id = generation.key_id
    if generation.nonce is None or key_id not in settings().epochs:
        return b""
    secret = seals.make_secret(
        "t", generation.token_id, generation.number, generation.nonce, key_id
    )
    return seals.digest(secret)


@command
def _end(token: Token, ended: dict[int, str]) -> None:
    """Do to this token what was done to it since; `ended` says why, by the number of a secret."""
    history.because(f"{WHY}.")
    member = token.membership
    lock(member.account, member, member.organization, token)
    _end_now(token, ended.keys())
    reason = ended.get(token.generation)
    if token.state == "revoked" or reason is None:
        return
    if reason == "superseded":
        tokens.succeed(token, now(), by=member.account)
    elif reason == "member_gone" and member.active and not member.why_not("vanish", by=None):
        departures.vanish(member, by=None)
    else:
        seats.give_up(member, reason, by=None)


def _end_now(token: Token, numbers: Collection[int]) -> None:
    """Secrets that were to work a while longer do not."""
    for old in token.old:
        if old.number in numbers:
            old.ends_at = now()
            verdicts.close([old.id], old.reason or "superseded", old.ends_at)
