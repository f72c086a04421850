"""Deliveries: what operators do to letters that have not arrived.

What would surprise a reader: a letter that is retried has failed already in somebody's eyes, so
it stays *verifying* until it has really left; when it fails again it is where it was before. Its
72 hours begin anew.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from workflows import operators
from workflows.accounts import Account
from workflows.engine import history, outbox, pauses, register, sets
from workflows.engine.db import command, db, lock, now
from workflows.engine.identity import domain_of
from workflows.engine.letters import Letter
from workflows.engine.pauses import Pause
from workflows.engine.refusals import Invalid, NotNow
from workflows.tokens import Token


@command
def retry(letter: Letter, *, by: Account) -> None:
    """Let a letter that bounced or was given up begin anew."""
    operators.require_acting(by)
    lock(letter).fire("retry", by=by, **_anew())
    register.moved(letter)


def _anew() -> dict[str, Any]:
    moment = now()
    return {"attempts": 0, "lost": 0, "due_at": moment, "again_at": moment, "cause": None}


@command
def send_now(letter: Letter, *, by: Account) -> None:
    """Let a letter that waits for its next try leave at once."""
    operators.require_acting(by)
    lock(letter).fire("hurry", by=by, due_at=now())


@command
def release(letter: Letter, *, by: Account) -> None:
    """Take a letter from a worker that fell silent; what that one says later counts no more."""
    operators.require_acting(by)
    lost = lock(letter).lost + 1
    letter.fire("release", by=by, due_at=now(), lease_until=None, lost=lost)


@command
def set_aside(letter: Letter, *, by: Account) -> None:
    """Say that nobody needs this letter any more; it is kept, with all its tries."""
    operators.require_acting(by)
    lock(letter).fire("discard", by=by)
    register.moved(letter)


@command
def mail_again(token: Token, *, by: Account) -> Letter:
    """Send the letter that a seat or a token brought once more, with what it said."""
    operators.require_acting(by)
    may_mail_again(lock(token))
    posted = outbox.post(template_of(token), about=token, generation=token.generation)
    db.session.flush()
    history.record(posted, by=by, event="begin", source=None, target=posted.state)
    return posted


def may_mail_again(token: Token) -> None:
    """The rule behind Mail the Letter Again."""
    if token.state == "revoked":
        raise NotNow(token.no_arrow("mail_again"))
    if token.current and token.current.nonce is None:
        raise NotNow("Usher forgot this secret a week after it was mailed. Only its holder can "
                     "reissue the token, for a new one.")  # fmt: skip
    last = outbox.newest((template_of(token),), [token.id]).get(token.id)
    if last and last.state in ("pending", "sending"):
        raise NotNow("The letter is on its way already.")
    if last and last.state in ("bounced", "dead"):
        raise NotNow("The letter failed. Retry that one.")


def template_of(token: Token) -> str:
    """Of the letter that told the holder last: about the seat, or with the secret."""
    named = {"inactive": "seat_assigned", "active": "token", "reissued": "token_reissued"}
    return named[token.state]


@command
def pause(domain: str, *, by: Account) -> Pause:
    """Let no letter leave to this domain until somebody resumes them."""
    operators.require_acting(by)
    known = parse_domain(domain)
    if pauses.of(known):
        raise NotNow(f"Letters to {known} are paused already.")
    begun = Pause.begin(domain=known, by=by)
    known_ones = update(Letter).where(Letter.domain == known, Letter.state == "pending")
    sets.write(known_ones.values(revision=Letter.revision + 1, **begun.holds))
    return begun


def parse_domain(text: str) -> str:
    """A domain as letters know it, whether typed with an @ or without; or `Invalid`."""
    domain = domain_of(f"a@{text.strip().removeprefix('@')}")
    if domain is None:
        raise Invalid(domain="This is not a domain. It looks like acme.example.")
    return domain


@command
def resume(pause: Pause, *, by: Account) -> None:
    """Let letters to the domain leave again, those that waited at once."""
    operators.require_acting(by)
    lock(pause).fire("resume", by=by)
    waiting = update(Letter).where(Letter.pause_id == pause.id, Letter.state == "pending")
    due = {"pause_id": None, "reply": None, "due_at": now(), "again_at": now()}
    sets.write(waiting.values(revision=Letter.revision + 1, **due))
