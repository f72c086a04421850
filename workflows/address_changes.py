"""Changes of address: an account moves to another address, which its person has proved.

    asked ── confirm ─▶ confirmed ── undo ───▶ undone     from the old address, within 72 hours
      ├───── cancel ──▶ canceled └── settle ─▶ settled    it stays
      └───── expire ──▶ expired

What would surprise a reader: the letter to the new address proves the address and not the person.
Whoever opens it must be logged in to the account, or know its password: so nobody can slip an
account of theirs under somebody else's address. A change that has ended keeps no address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import accounts, bounces, log_ins, resets, sessions
from workflows.accounts import Account
from workflows.engine import history, identity, limits, outbox
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.identity import mailbox
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.sessions import Session

WITHIN, UNDO_WITHIN = timedelta(hours=24), timedelta(hours=72)
FORGOTTEN = {"email": "", "email_key": "", "old_email": "", "old_key": ""}
ASKED = "Changes of address were asked for often enough. Look for the letters first."
JUST_ASKED = "This change was asked for a moment ago. Its letter is on the way."
OPEN = "state IN ('asked', 'confirmed')"


class AddressChangeMachine(Machine):
    asked = State(initial=True)
    confirmed = State()
    undone = State(final=True)
    settled = State(final=True)
    canceled = State(final=True)
    expired = State(final=True)

    confirm = asked.to(confirmed, validators=["in_time", "same_password"])
    cancel = asked.to(canceled)
    expire = asked.to(expired)
    undo = confirmed.to(undone, validators=["undone_in_time"])
    settle = confirmed.to(settled)

    def in_time(self) -> None:
        if now() - self.model.since > WITHIN:
            raise NotNow("This link is older than a day. Ask for the change again.")

    def same_password(self) -> None:
        if self.model.password_round != self.model.account.password_round:
            raise NotNow("A new password was set since this was asked for. Ask again.")

    def undone_in_time(self) -> None:
        if now() - self.model.since > UNDO_WITHIN:
            raise NotNow("A change of address can be undone for 72 hours. They are over.")


class AddressChange(Stateful, Base):
    __tablename__ = "address_changes"
    __table_args__ = (
        index_of_few("one_asked_change", "account_id", unique=True, which="state = 'asked'"),
        index_of_few("open_changes", "since", which=OPEN),
    )  # fmt: skip
    machine = AddressChangeMachine

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    email: Mapped[str]  # the new address, as in `accounts`
    email_key: Mapped[str]
    old_email: Mapped[str]
    old_key: Mapped[str]
    password_round: Mapped[int]  # of the account when it was asked for

    account: Mapped[Account] = relationship()

    @property
    def undo_until(self) -> datetime:
        return self.since + UNDO_WITHIN

    def no_arrow(self, event: str) -> str:
        sentences = {
            "asked": "The address has not changed. There is nothing to undo.",
            "confirmed": "This change is confirmed already.",
            "undone": "This change was undone.",
            "settled": "This change cannot be undone any more.",
            "canceled": "This change was canceled. Ask for it again if you want it.",
            "expired": "This link is older than a day. Ask for the change again.",
        }
        return sentences[self.state]


def ask(account: Account, email: str, *, client: str = "") -> None:
    """Mail a link to the new address; what is said and done is the same whoever has it."""
    spelling, key = identity.parse_address(email)
    if key == account.email_key:
        raise Invalid(email="This is your address already.")
    if client:
        limits.count("again", "address", account.id, key, sentence=JUST_ASKED)
    limits.count("address_changes", "by", account.id, sentence=ASKED)
    limits.count("address_changes", "to", mailbox(key), sentence=ASKED)
    remember(spelling, key, by=account)


@command
def remember(spelling: str, key: str, *, by: Account) -> AddressChange:
    """The change that is asked for, in place of any asked for before; both addresses hear of it."""
    accounts.hold(by)
    if former := asked_by(by):
        lock(former).fire("cancel", by=by, **FORGOTTEN)
    change = AddressChange.begin(
        account_id=by.id, email=spelling, email_key=key, old_email=by.email,
        old_key=by.email_key, password_round=by.password_round, by=by,
    )  # fmt: skip
    outbox.post("address_taken" if accounts.with_key(key) else "confirm_address", about=change)
    outbox.post("address_change_asked", about=change)
    return change


@command
def cancel(*, by: Account) -> None:
    """Keep the address; a second click finds it done."""
    accounts.hold(by)
    if change := asked_by(by):
        lock(change).fire("cancel", by=by, **FORGOTTEN)


def may_confirm(change: AddressChange) -> None:
    """The rule behind Confirm Address."""
    change.rehearse("confirm", by=change.account)


@command
def confirm(change: AddressChange, *, by: Account, here: Session | None = None) -> None:
    """Know the person by the new address; the old one hears, and may undo it for a while.

    They are logged out everywhere but `here`, and links for a new password are void.
    """
    if by.id != change.account_id:
        raise NotAllowed("Another account asked for this change. Nothing was changed.")
    _hold(change, change.email_key)
    may_confirm(change)
    _move(change.account, change.email, change.email_key)
    change.fire("confirm", by=by)
    sessions.end_all(change.account, but=here)
    outbox.post("address_changed", about=change)


def confirm_elsewhere(
    change: AddressChange, password: str, *, client: str, browser: str = ""
) -> Account:
    """Confirm in a browser that is not logged in, by the password; guesses are counted."""
    may_confirm(change)
    account = change.account
    if not log_ins.proves(account, password, client=client, browser=browser):
        raise Invalid(password="This is not the password of the account that asked.")
    confirm(change, by=account)
    return account


def may_undo(change: AddressChange) -> None:
    """The rule behind Undo the Change."""
    change.rehearse("undo", by=None)


def undo(change: AddressChange, password_hash: str) -> None:
    """Let the account have its old address, whose owner sets a new password by mail.

    Everybody is logged out. The rest of what must end is known to `restitutions`.
    """
    later = _hold(change, change.old_key)
    may_undo(change)
    account, key = change.account, change.old_key
    _move(account, change.old_email, key)
    change.fire("undo", by=None, **FORGOTTEN)
    for other in later:  # made by whoever must not have the account
        _end(other, by=None)
    resets.set_password(account, password_hash)
    sessions.end_all(account)
    resets.remember_wish(key)


def _hold(change: AddressChange, key: str) -> Sequence[AddressChange]:
    """Lock all that a move to this address touches; answers the open changes after this one."""
    lock(*accounts.waiting_for(key))
    accounts.hold(change.account)
    lock(change)
    return _lock_open(change.account, change.id)


def _lock_open(account: Account, after: int) -> Sequence[AddressChange]:
    theirs = select(AddressChange).filter_by(account_id=account.id).where(text(OPEN))
    later = theirs.where(AddressChange.id > after).order_by(AddressChange.id)
    changes = db.session.scalars(later).all()
    lock(*changes)
    return changes


def _end(change: AddressChange, *, by: Account | None) -> None:
    change.fire("cancel" if change.state == "asked" else "settle", by=by, **FORGOTTEN)


def _move(account: Account, spelling: str, key: str) -> None:
    if accounts.with_key(key) not in (None, account):
        raise NotNow("There is another account with this address. Nothing was changed.")
    accounts.forget_sign_ups(account.email_key)
    resets.forget(account.email_key)
    account.email, account.email_key = spelling, key
    bounces.forget(account.id)
    resets.void(account)
    accounts.drop_sign_ups(key)
    history.moved(account.__tablename__, account.id)


@command
def end_stale() -> None:
    """Expire what nobody confirmed within a day, and settle what nobody undid within three."""
    for event, state, span in (("expire", "asked", WITHIN), ("settle", "confirmed", UNDO_WITHIN)):
        late = select(AddressChange).where(text(OPEN), AddressChange.since < now() - span)
        late = late.filter_by(state=state).with_for_update(skip_locked=True)
        for change in db.session.scalars(late):
            change.fire(event, by=None, **FORGOTTEN)


def forget(account: Account) -> None:
    """Take back what is asked for, and keep no address of an account that is closed."""
    for change in _lock_open(account, 0):
        _end(change, by=account)


def asked_by(account: Account) -> AddressChange | None:
    """The change that waits for its confirmation."""
    return db.session.scalar(select(AddressChange).filter_by(account_id=account.id, state="asked"))
