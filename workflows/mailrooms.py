"""Mailrooms: all letters of Usher, looked through by those who run it. Read only.

What would surprise a reader: no letter is written to be looked at. Some recipes make a secret or
renew a link when they run; of those letters only the recipient is said, and never what is in them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from workflows import correspondence
from workflows.accounts import Account, SignUp
from workflows.engine import masks, windows
from workflows.engine.db import db
from workflows.engine.letters import Attempt, Letter, LetterMachine
from workflows.engine.register import REGISTER
from workflows.engine.windows import Window
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.resets import Wish
from workflows.tokens import Token

STATES = tuple(str(state.value) for state in LetterMachine.states)
OPEN = ("pending", "sending", "bounced", "dead")  # what may still move
FAILED = ("dead", "bounced", "pending")
COUNTED = 1000  # letters that a number is counted up to
SECRET = frozenset({"token", "token_reissued", "password_reset"})  # whose recipes write

log = logging.getLogger("usher.mailrooms")


@dataclass(frozen=True)
class Search:
    """Which letters somebody looks for. An empty field asks for all."""

    state: str = ""
    kind: str = ""  # a template
    domain: str = ""
    cause: str = ""
    organization_id: int = 0
    address: str = ""  # the key of one
    verifying: bool = False


@dataclass(frozen=True)
class Cause:
    """What letters in one state failed of, how many of those looked at, and the newest of them."""

    state: str
    cause: str
    number: int
    newest: Letter


@dataclass(frozen=True)
class Contents:
    """Whom a letter goes to as things are now, and what it says, without what opens something."""

    to: str = ""
    facts: Mapping[str, Any] | None = None  # None: not shown
    sentence: str = ""  # why not


def look_up(search: Search, before: int | None = None, size: int = windows.PAGE) -> Window[Letter]:
    """The letters that are looked for, newest first."""
    found, sifted = _conditions(search)
    return windows.look(Letter, found, sifted, before, size)


def _conditions(search: Search) -> tuple[list[Any], list[Any]]:
    """What an index answers best, and what is asked of each letter found."""
    conditions = []
    if search.address:
        conditions.append(correspondence.which(rows_of_address(search.address)))
    if search.cause:
        conditions.append(Letter.cause == search.cause)
    if search.domain:
        conditions.append(Letter.domain == search.domain)
    if search.organization_id:
        conditions.append(Letter.organization_id == search.organization_id)
    if search.state:
        conditions.append(Letter.state == search.state)
    sifted = [Letter.template == search.kind] if search.kind else []
    if search.verifying:
        sifted += [Letter.again_at.is_not(None), Letter.state.in_(("pending", "sending"))]
    return conditions[:1], [*conditions[1:], *sifted]


def rows_of_address(key: str) -> dict[str, Any]:
    """The ids, by table, of all that letters to the person with this address are about."""
    account = select(Account.id).where(Account.email_key == key)
    members = select(Membership.id).where(Membership.account_id.in_(account))
    return {
        "memberships": members,
        "tokens": select(Token.id).where(Token.membership_id.in_(members)),
        "invitations": select(Invitation.id).where(Invitation.email_key == key),
        "sign_ups": select(SignUp.id).where(SignUp.email_key == key),
        "reset_wishes": select(Wish.id).where(Wish.email_key == key),
    }


def numbers() -> dict[str, int]:
    """How many letters are in each state that is not the last, counted up to a thousand."""
    return {state: number_of(Search(state=state)) for state in OPEN}


def number_of(search: Search) -> int:
    """How many letters are looked for, counted up to a thousand and one."""
    found, sifted = _conditions(search)
    some = select(Letter.id).where(*found, *sifted).limit(COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def causes() -> list[Cause]:
    """What letters failed of, the worst state and the most letters first, as far as looked at."""
    found = []
    for state in FAILED:
        there = select(Letter.id, Letter.cause).where(Letter.state == state)
        some = there.order_by(Letter.id.desc()).limit(COUNTED).subquery()
        number, newest = func.count(), func.max(some.c.id)
        told = select(some.c.cause, number, newest).where(some.c.cause.is_not(None))
        rows = db.session.execute(told.group_by(some.c.cause).order_by(number.desc())).all()
        found += [(state, cause, int(n), row_id) for cause, n, row_id in rows]
    letters = _with_ids([row_id for *_, row_id in found])
    return [Cause(state, cause, n, letters[row_id]) for state, cause, n, row_id in found]


def _with_ids(ids: Sequence[int]) -> dict[int, Letter]:
    return {one.id: one for one in db.session.scalars(select(Letter).where(Letter.id.in_(ids)))}


def attempts(letter: Letter) -> Sequence[Attempt]:
    """Every try, the newest first."""
    mine = select(Attempt).where(Attempt.letter_id == letter.id).order_by(Attempt.id.desc())
    return db.session.scalars(mine).all()


def contents(letter: Letter) -> Contents:
    """What the letter would say now. Nothing that opens anything is in it, and nothing is made."""
    registered = REGISTER.get(letter.template)
    if registered is None:
        return Contents(sentence="Another version of Usher posted it. It waits for that one.")
    about = db.session.get(registered.about, letter.about_id)
    if about is None:
        return Contents(sentence="What it was about is not kept any more.")
    if letter.template in SECRET:
        to = about.email_key if isinstance(about, Wish) else about.membership.account.email
        return Contents(to, sentence="It has a secret in it, so it is shown with sample facts.")
    try:
        made = registered.recipe(about, letter)
    except Exception as error:  # whatever keeps it from being written is what we look for
        log.warning("letter %d cannot be written: %s", letter.id, type(error).__name__)
        return Contents(sentence=f"Usher cannot write this letter: {type(error).__name__}.")
    if made is None:
        return Contents(sentence="Nobody wants this letter any more: what it says is not true now.")
    to, facts = made
    return Contents(to, {name: _masked(fact) for name, fact in facts.items()})


def _masked(fact: Any) -> Any:
    return masks.mask(fact) if isinstance(fact, str) else fact
