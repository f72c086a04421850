"""Letters that do not get on: late, lapsed, retrying, bounced, dead, doubled, or never written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select, text

from workflows.ailments import Ailment, found, found_of
from workflows.engine.db import now
from workflows.engine.letters import OVERDUE as LATE
from workflows.engine.letters import Attempt, Letter
from workflows.invitations import Invitation
from workflows.remedies import AGAIN, DISCARD, SEEN, WRITE_INVITATION, WRITE_TOKEN
from workflows.tokens import Generation, Token

LONG, GRACE = timedelta(hours=1), timedelta(seconds=30)
SOON = timedelta(minutes=1)  # in which what belongs together may still be under way
TOO_OFTEN = 2  # claims in a row without an outcome
TOLD_FOR = timedelta(days=7)
PENDING, SENDING = text("letters.state = 'pending'"), text("letters.state = 'sending'")
FAILED = text("letters.state IN ('bounced', 'dead')")
NO_WRITING = "Usher cannot write this letter"
UNWRITABLE = Letter.reply.startswith(NO_WRITING)
NEVER_USED = text("tokens.seat_id IS NOT NULL AND tokens.first_download_at IS NULL")
NEWEST = and_(Generation.token_id == Token.id, Generation.number == Token.generation)
WHY = func.coalesce(Letter.cause, Letter.reply, "no answer is known")


def _letters(since: Any, cause: Any, *which: Any) -> Select[Any]:
    return found(Letter.id, since, cause, Letter.organization_id).where(*which)


def late() -> Select[Any]:
    cause = case((Letter.attempts == 0, "never tried"), else_="due again")
    return _letters(Letter.due_at, cause, PENDING, Letter.due_at < now() - LATE, _writable())


def _writable() -> Any:
    return or_(Letter.reply.is_(None), ~UNWRITABLE)


def lapsed() -> Select[Any]:
    over = Letter.lease_until < now() - GRACE
    return _letters(Letter.since, "its worker is gone", SENDING, over, Letter.lost < TOO_OFTEN)


def poison() -> Select[Any]:
    return _letters(Letter.since, Letter.template, SENDING, Letter.lost >= TOO_OFTEN)


def retrying() -> Select[Any]:
    began = func.coalesce(Letter.again_at, Letter.posted_at)
    waits = and_(began < now() - LONG, Letter.due_at >= now() - LATE, Letter.pause_id.is_(None))
    return _letters(Letter.posted_at, WHY, PENDING, Letter.attempts > 0, waits, _writable())


def paused() -> Select[Any]:
    return _letters(Letter.posted_at, Letter.domain, PENDING, Letter.pause_id.is_not(None))


def unwritable() -> Select[Any]:
    """Two selects, since each has an index of its own."""
    waits = _letters(Letter.posted_at, WHY, PENDING, UNWRITABLE)
    return waits.union_all(_letters(Letter.posted_at, WHY, FAILED, UNWRITABLE))  # type: ignore


def dead() -> Select[Any]:
    return _letters(Letter.since, WHY, FAILED, Letter.state == "dead", _writable())


def bounced() -> Select[Any]:
    """As far as somebody still waits for the letter: of an ended matter it is history."""
    invitation = exists().where(
        Letter.template == "invitation", Invitation.id == Letter.about_id,
        Invitation.state == "sent", Invitation.round == Letter.generation,
    )  # fmt: skip
    seat = exists().where(
        Letter.template == "seat_assigned", Token.id == Letter.about_id, Token.state == "inactive"
    )
    secret = exists().where(
        Letter.template.in_(["token", "token_reissued"]), Token.id == Letter.about_id,
        Token.generation == Letter.generation, Token.state != "revoked",
        Token.first_download_at.is_(None),
    )  # fmt: skip
    wanted = or_(invitation, seat, secret) & ~_later_one()
    cause = WHY + case((Letter.domain.is_(None), ""), else_=" (" + Letter.domain + ")")
    return _letters(Letter.since, cause, FAILED, Letter.state == "bounced", wanted)


def _later_one() -> Any:
    """Whether the same was written again since."""
    later = Letter.__table__.alias("later")
    same = and_(later.c.template == Letter.template, later.c.about_id == Letter.about_id)
    return exists(select(later.c.id).where(same, later.c.id > Letter.id))


def doubled() -> Select[Any]:
    """A worker fell silent while it spoke to the mail server, and another one sent the letter."""
    twice = found(Letter.id, Attempt.at, "a worker was lost while it sent", Letter.organization_id)
    opened = twice.join(Attempt, Attempt.letter_id == Letter.id).where(Attempt.outcome.is_(None))
    return opened.where(Letter.state == "sent", Attempt.at > now() - TOLD_FOR).distinct()


def unmailed_invitations() -> Select[Any]:
    own = exists().where(Letter.template == "invitation", Letter.about_id == Invitation.id)
    rows = found_of(Invitation, "sent")
    return rows.where(text("invitations.state = 'sent'"), Invitation.since < now() - SOON, ~own)


def unmailed_seats() -> Select[Any]:
    own = exists().where(Letter.template == "seat_assigned", Letter.about_id == Token.id)
    rows = found_of(Token, "inactive")
    return rows.where(NEVER_USED, Token.state == "inactive", Token.since < now() - SOON, ~own)


def unminted() -> Select[Any]:
    """No letter is under way or has failed that would make the secret."""
    under_way = exists().where(
        Letter.template.in_(["token", "token_reissued"]), Letter.about_id == Token.id,
        Letter.generation == Token.generation, Letter.state.in_(["pending", "sending", "dead"]),
    )  # fmt: skip
    rows = found_of(Token, Token.state).join(Generation, NEWEST)
    rows = rows.where(text("generations.digest IS NULL"), ~under_way)
    return rows.where(Token.state.in_(["active", "reissued"]), Token.since < now() - LATE)


LETTERS = (
    Ailment(
        "letter-late", "K1", "Letter not leaving",
        "Nobody has taken these letters for five minutes, although they are due. They are safe, "
        "and leave as soon as the clock runs, with workers or without.",
        "letters", late, itself="The clock rings again, and delivers where no worker comes.",
        remedies=(AGAIN,),
    ),
    Ailment(
        "letter-lapsed", "K2", "Letter left by its worker",
        "A worker took these letters and was not heard of again. They are safe. One that was on "
        "the wire may arrive twice, the same each time.",
        "letters", lapsed, itself="The next worker takes over.", remedies=(AGAIN,),
    ),
    Ailment(
        "letter-poison", "K5", "Letter that ends its workers",
        "Each worker that took this letter was lost with it. It is claimed alone, so it takes no "
        "other with it. Nothing is lost.",
        "letters", poison, itself="After five workers it is given up.", remedies=(AGAIN,),
    ),
    Ailment(
        "letter-retrying", "K3", "Letter put off by the mail server",
        "The mail server has taken none of these for over an hour: below is what it said last, or "
        "that it was not reached. They are safe here, and leave by themselves as soon as it takes "
        "them.",
        "letters", retrying, itself="Tried again, at last about every hour, for 72 hours.",
        remedies=(AGAIN,),
    ),
    Ailment(
        "letter-unwritable", "K8", "Letter that cannot be written",
        "Usher cannot make these letters: KeyError means that a key in TOKEN_KEYS is missing, "
        "ValueError that it is another key than before, or that the secret is too old to repeat. "
        "Bring the key back, then retry. Nothing is lost.",
        "letters", unwritable, itself="Tried again, at last about every hour, for 72 hours.",
        remedies=(AGAIN, DISCARD),
    ),
    Ailment(
        "letter-dead", "K4, K30", "Letter given up",
        "These were tried for 72 hours, or lost five workers. They are kept, and will not leave by "
        "themselves. Whoever caused them was told.",
        "letters", dead, remedies=(AGAIN, DISCARD),
    ),
    Ailment(
        "letter-bounced", "K6", "Letter bouncing",
        "The recipient's mail server will never take these, and somebody waits for them. Whoever "
        "caused them was told. Retry once the server is mended. An invitation’s address is "
        "corrected from the letter’s page.",
        "letters", bounced, itself="The inviter is told, and can correct the address.",
        remedies=(AGAIN, DISCARD),
    ),
    Ailment(
        "letter-doubled", "K7", "Letter perhaps sent twice",
        "A worker was lost between handing over and writing that down, so another sent the same "
        "letter again. Nothing is lost; somebody may have two.",
        "letters", doubled, itself="Not listed any more after seven days.", remedies=(SEEN,),
        mild=True,
    ),
    Ailment(
        "invitation-unmailed", "K9", "Invitation without its letter",
        "These people were invited and no letter was written, which should not be possible. "
        "They know nothing of it.",
        "invitations", unmailed_invitations, remedies=(WRITE_INVITATION,),
    ),
    Ailment(
        "seat-unmailed", "K9", "Seat without its letter",
        "These members have a seat and no letter was written, which should not be possible. "
        "They do not know that a token waits.",
        "tokens", unmailed_seats, remedies=(WRITE_TOKEN,),
    ),
    Ailment(
        "token-unminted", "K9, K12", "Token without its secret",
        "These tokens are active and no letter is under way that would bring the secret: their "
        "members have nothing that works.",
        "tokens", unminted, remedies=(WRITE_TOKEN,),
    ),
)  # fmt: skip
