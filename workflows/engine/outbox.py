"""The outbox: a letter is posted in the transaction of its cause, and leaves when it can.

Address and text are made when it leaves, by its template's recipe, and so are true then. A worker
claims letters for a lease, composes and sends each, and says how it went; the queue only rings.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, text, update

from workflows.engine import history, letters, logs, pauses, receipts
from workflows.engine.db import command, db, now
from workflows.engine.envelopes import Claim, Envelope
from workflows.engine.identity import domain_of
from workflows.engine.letters import Attempt, Letter, LetterMachine
from workflows.engine.rations import Ration

LEASE, GIVE_UP = timedelta(seconds=40), timedelta(hours=72)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
FAILED = ("pending", "bounced", "dead")  # where a reply says what a letter failed of
POISON = 5  # claims in a row that ended without a word from the worker

Recipe = Callable[[Any, Any], "tuple[str, dict[str, Any]] | None"]
Heard = Callable[[Any], None] | None


@dataclass(frozen=True)
class Registered:
    about: type[Any]
    recipe: Recipe
    ration: Ration | None
    unwanted: Callable[[str], bool] | None  # keeps it back, and who caused it cannot tell
    bounced: Heard


REGISTER: dict[str, Registered] = {}


def letter(
    template: str, *, about: type[Any], rationed: bool | Ration = False,
    unwanted: Callable[[str], bool] | None = None, bounced: Heard = None,
) -> Callable[[Recipe], Recipe]:  # fmt: skip
    """Register who gets this letter now and what it says; None when it is no longer wanted.

    `bounced(row)` runs in the transaction that marks it bounced. What others cause is `rationed`,
    and never leaves for an address that is `unwanted`.
    """

    def register(recipe: Recipe) -> Recipe:
        REGISTER[template] = Registered(about, recipe, Ration.of(rationed), unwanted, bounced)
        return recipe

    return register


def post(template: str, *, about: Any, generation: int = 0) -> Letter:
    """Send this, if and only if the running command commits."""
    assert isinstance(about, REGISTER[template].about), f"{template} is not about {about!r}"
    moment = now()
    posted = Letter(
        state="pending", since=moment, template=template, about_id=about.id, generation=generation,
        organization_id=getattr(about, "organization_id", None), posted_at=moment, due_at=moment,
        request_id=logs.request_id(),
    )  # fmt: skip
    db.session.add(posted)
    history.moved(about.__tablename__, about.id)
    return posted


def due(limit: int = 1000) -> int:
    """How many letters wait to be claimed now, counted up to the limit."""
    waiting = select(Letter.id).where(_claimable(now())).limit(limit).subquery()
    return db.session.scalar(select(func.count()).select_from(waiting)) or 0


def overdue(wait: timedelta) -> bool:
    """Whether a letter has been due for this long, so that somebody should have come."""
    late = select(Letter.id).where(_claimable(now() - wait))
    return db.session.scalar(late.limit(1)) is not None


@command
def claim(limit: int, worker: str) -> list[Claim]:
    """Take up to `limit` letters for one lease, oldest first.

    A letter that was claimed before without an outcome comes alone: if it kills its worker again,
    it takes no other letter with it.
    """
    moment = now()
    oldest = select(Letter).where(_claimable(moment)).order_by(Letter.due_at, Letter.id)
    found = db.session.scalars(oldest.limit(limit).with_for_update(skip_locked=True)).all()
    if found and found[0].state == "sending":
        batch = _without_poison(found[:1])
    else:
        batch = [letter for letter in found if letter.state == "pending"]
    for claimed in batch:
        claimed.state, claimed.since = "sending", moment
        claimed.lease, claimed.lease_until = claimed.lease + 1, moment + LEASE
        claimed.attempts += 1
    claims = [Claim(claimed.id, claimed.lease) for claimed in batch]
    db.session.add_all(
        Attempt(letter_id=c.letter_id, lease=c.lease, worker=worker, at=moment) for c in claims
    )
    return claims


def _claimable(moment: datetime) -> Any:
    pending, sending = text("letters.state = 'pending'"), text("letters.state = 'sending'")
    return or_(and_(pending, Letter.due_at <= moment), and_(sending, Letter.lease_until < moment))


def _without_poison(left: Iterable[Letter]) -> list[Letter]:
    batch = []
    for lost in left:
        lost.lost += 1
        if lost.lost < POISON:
            batch.append(lost)
        else:
            lost.state, lost.since, lost.lease_until = "dead", now(), None
            lost.reply = f"{POISON} workers in a row died with it."
            lost.cause = letters.cause_of(lost.reply)
            history.moved(REGISTER[lost.template].about.__tablename__, lost.about_id)
            _tell(lost)
    return batch


@command
def compose(claim: Claim) -> Envelope | None:
    """Write the letter as things are now; None when it is moot, has left, or the lease is lost.

    What the recipe writes is committed before the letter is on the wire.
    """
    mine = db.session.get(Letter, claim.letter_id)
    if mine is None or (mine.state, mine.lease) != ("sending", claim.lease):
        return None
    if mine.lease > 1 and (taken := receipts.of(mine.id)):
        _settle(claim, "hand_over", letters.FOUND, taken.reply, sent_at=taken.ended_at)
        return None
    registered = REGISTER[mine.template]
    row = db.session.get(registered.about, mine.about_id)
    made = registered.recipe(row, mine)
    if made is None or not made[0]:  # whoever closed the account has no address
        _settle(claim, "drop", "moot")
        return None
    to, facts = made
    mine.domain = domain_of(to)
    if _stays(mine, claim, row, to):
        return None
    return Envelope(to, mine.template, facts, mine.message_id, mine.posted_at)


def _stays(mine: Letter, claim: Claim, row: Any, to: str) -> bool:
    """Keep back what is for somewhere that is paused, or for whoever has had many or wants none."""
    registered = REGISTER[mine.template]
    if pause := pauses.of(mine.domain):
        _settle(claim, "put_off", "returned", **pause.holds, attempts=mine.attempts - 1)
        return True
    if registered.ration and mine.attempts == 1 and _is_held(claim, registered.ration, row, to):
        return True
    if registered.unwanted and registered.unwanted(to):
        _settle(claim, "drop", "moot", letters.KEPT_BACK)
        return True
    return False


def _is_held(claim: Claim, ration: Ration, row: Any, to: str) -> bool:
    """Let it leave later if its recipient has had so many; the mail server had no word in it."""
    if not (wait := ration.wait(row.__tablename__, to)):
        return False
    if ration.spares(row):
        return _settle(claim, "drop", "moot")
    return _settle(claim, "put_off", letters.HELD, attempts=0, due_at=now() + wait)


@command
def sent(claim: Claim, reply: str) -> bool:
    """The mail server took it over. False when another worker holds the letter by now."""
    return _settle(claim, "hand_over", "sent", reply, sent_at=now())


@command
def later(claim: Claim, reply: str) -> bool:
    """It may work another time: wait, longer each time, and give up after 72 hours."""
    mine = db.session.get_one(Letter, claim.letter_id)
    if now() - (mine.again_at or mine.posted_at) > GIVE_UP:
        return _settle(claim, "give_up", "dead", reply) and _tell(mine)
    wait = min(FIRST_WAIT * 2 ** min(mine.attempts - 1, 10), LONGEST_WAIT)
    due_at = now() + wait * random.uniform(0.75, 1.25)
    return _settle(claim, "put_off", "pending", reply, due_at=due_at)


@command
def bounced(claim: Claim, reply: str) -> bool:
    """The mail server will never take it; whoever caused the letter hears of it."""
    mine = db.session.get_one(Letter, claim.letter_id)
    return _settle(claim, "bounce", "bounced", reply) and _tell(mine)


def _tell(failed: Letter) -> bool:
    """Let whoever caused the letter hear that it will not arrive."""
    registered = REGISTER[failed.template]
    if registered.bounced:
        registered.bounced(db.session.get_one(registered.about, failed.about_id))
    return True


@command
def returned(claim: Claim) -> bool:
    """Give it back untried, for somebody with more time; the attempt does not count."""
    mine = db.session.get_one(Letter, claim.letter_id)
    kept = {"attempts": mine.attempts - 1, "lost": mine.lost, "cause": mine.cause}
    return _settle(claim, "put_off", "returned", mine.reply, **kept)


def _settle(
    claim: Claim, event: str, outcome: str, reply: str | None = None, **changes: Any
) -> bool:
    """Move a letter that is being sent, if this claim still holds it, and close its attempt."""
    [target] = {to for _, name, to in LetterMachine.arrows() if name == event}
    failed = letters.cause_of(reply) if target in FAILED else None
    moved = db.session.execute(
        update(Letter)
        .where(Letter.id == claim.letter_id, Letter.lease == claim.lease)
        .where(Letter.state.in_(LetterMachine.sources(event)))
        .values(revision=Letter.revision + 1, state=target, since=now(), lease_until=None)
        .values(**{"lost": 0, "reply": reply, "cause": failed} | changes)
        .returning(Letter.template, Letter.about_id)
    ).one_or_none()
    if moved is None:
        return False
    history.moved(REGISTER[moved.template].about.__tablename__, moved.about_id)
    db.session.execute(
        update(Attempt)
        .where(Attempt.letter_id == claim.letter_id, Attempt.lease == claim.lease)
        .values(outcome=outcome, reply=reply, ended_at=now())
    )
    return True


def newest(templates: Collection[str], about_ids: Collection[int]) -> dict[int, Letter]:
    """The newest letter of these templates, which are about one kind of row, for each row."""
    about = select(Letter).where(Letter.template.in_(templates), Letter.about_id.in_(about_ids))
    newest_last = about.order_by(Letter.id).execution_options(populate_existing=True)
    return {letter.about_id: letter for letter in db.session.scalars(newest_last)}
