"""Restitutions: an account has its old address back, and tokens mailed elsewhere meanwhile end.

What would surprise a reader: that the password is void and everybody logged out does not end a
token. Its secret was in a letter, and whoever had the other address may have copied it. So every
token of which a letter may have gone there is reissued, and the new one goes to the old address;
one whose letters all went to the old address works on.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from workflows import address_changes, tokens
from workflows.accounts import Account
from workflows.address_changes import AddressChange
from workflows.engine import cohorts, history, identity
from workflows.engine.db import command, db, now
from workflows.engine.letters import Letter
from workflows.engine.refusals import Invalid
from workflows.memberships import Membership
from workflows.tokens import LETTERS, Token

WHY = "A change of address was undone."


def undo(change: AddressChange, email: str) -> list[Token]:
    """Give the account back to its old address; answers the tokens that were reissued for it.

    Whoever holds the link must also know the address it was mailed to: mail scanners do not.
    """
    address_changes.may_undo(change)
    if identity.key_of(email) != change.old_key:
        raise Invalid(email="This is not the address the letter was sent to.")
    return _undo(change, identity.unusable_password())


@command
def _undo(change: AddressChange, password_hash: str) -> list[Token]:
    history.because(WHY)
    changed_at = change.since
    address_changes.undo(change, password_hash)
    mailed = _mailed_elsewhere(change.account, changed_at)
    for token in mailed:
        tokens.succeed(token, now(), by=change.account)
    return mailed


def _mailed_elsewhere(account: Account, since: datetime) -> list[Token]:
    """The tokens whose secret may have gone to another address since then, held.

    All are held before their letters are looked at: a letter that is being written holds its
    token, and one that is written later finds the old address.
    """
    theirs = select(Membership.id).filter_by(account_id=account.id)
    living = Token.membership_id.in_(theirs) & Token.seat_id.is_not(None) & (Token.generation > 0)
    held = cohorts.hold(Token, living)
    about = Letter.template.in_(LETTERS) & Letter.about_id.in_([token.id for token in held])
    left = or_(Letter.state == "sending", Letter.since >= since) & (Letter.state != "moot")
    mailed = set(db.session.scalars(select(Letter.about_id).where(about, left)))
    return [token for token in held if token.id in mailed]
