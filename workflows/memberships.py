"""Memberships: an account in an organization, and the role it holds there.

    member ◀─▶ billing_admin ◀─▶ admin       by another admin, never by oneself
      │              │             │
    leave          remove        remove      the owner stays until ownership is handed over
      ▼              └──────┬──────┘
     left                removed

Whoever closes their account leaves (`vanish`), whatever their role; only an owner cannot.
`active` is computed by the database from the state. A seat points at an active membership and an
organization at its owner's admin membership, so nobody can be removed in the wrong order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Computed, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows.accounts import Account
from workflows.engine import history
from workflows.engine.db import Base, db, index_of_few, lock
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import NotAllowed, NotFound, NotNow

if TYPE_CHECKING:
    from workflows.organizations import Organization

ROLES = {"member": "Member", "billing_admin": "Billing admin", "admin": "Admin"}


class RoleMachine(Machine):
    member = State(initial=True)
    billing_admin = State()
    admin = State()
    left = State(final=True)
    removed = State(final=True)

    found = member.to(admin)
    make_admin = (
        member.to(admin, validators=["not_oneself"])
        | billing_admin.to(admin, validators=["not_oneself"])
    )  # fmt: skip
    make_billing_admin = (
        member.to(billing_admin, validators=["not_oneself"])
        | admin.to(billing_admin, validators=["not_the_owner", "not_oneself"])
    )  # fmt: skip
    make_member = (
        billing_admin.to(member, validators=["not_oneself"])
        | admin.to(member, validators=["not_the_owner", "not_oneself"])
    )  # fmt: skip
    leave = member.to(left)
    vanish = (  # the person closes the account
        member.to(left) | billing_admin.to(left) | admin.to(left, validators=["not_the_owner"])
    )
    remove = (
        member.to(removed, validators=["not_removing_oneself"])
        | billing_admin.to(removed, validators=["not_removing_oneself"])
        | admin.to(removed, validators=["not_the_owner", "not_removing_oneself"])
    )  # fmt: skip

    def not_the_owner(self) -> None:
        if self.model.is_owner:
            raise NotAllowed("Nobody may change or remove the owner.")

    def not_oneself(self, by: Account | None) -> None:
        if by and by.id == self.model.account_id:
            raise NotAllowed("Admins cannot change their own permissions.")

    def not_removing_oneself(self, by: Account | None) -> None:
        if by and by.id == self.model.account_id:
            raise NotAllowed("Admins cannot remove themselves.")


ACTIVE = "state IN ('member', 'billing_admin', 'admin')"


class Membership(Stateful, Base):
    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("id", "organization_id", "active"),  # what a seat points at
        UniqueConstraint("id", "organization_id", "state", name="uq_memberships_role"),
        UniqueConstraint("id", "organization_id", name="uq_memberships_place"),
        index_of_few(
            "one_active_membership", "organization_id", "account_id", unique=True, which=ACTIVE
        ),
    )  # fmt: skip
    machine = RoleMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    active: Mapped[bool] = mapped_column(Boolean, Computed(ACTIVE, persisted=True))

    organization: Mapped[Organization] = relationship(foreign_keys=[organization_id])
    account: Mapped[Account] = relationship()

    @property
    def is_owner(self) -> bool:
        return self.organization.owner_id == self.id

    def alike(self, by: Any) -> tuple[bool, bool]:
        """The rules of roles see whether it is the owner, and whether it is oneself."""
        return self.is_owner, bool(by) and by.id == self.account_id

    def no_arrow(self, event: str) -> str:
        name = self.account.name
        if self.state in ("left", "removed"):
            return f"{name} is not a member any more."
        if event == "leave":
            return (
                "The owner cannot leave. Hand ownership to another admin first."
                if self.is_owner
                else f"{ROLES[self.state]}s cannot leave. An admin must first make you a member."
            )
        return f"{name} is a {ROLES[self.state].lower()} already.".replace(" a admin", " an admin")


def lock_both(membership: Membership, by: Account, also: Membership | None = None) -> None:
    """Hold the membership and that of the acting person: two admins may act on each other."""
    mine = of(by, membership.organization)
    lock(*{row.id: row for row in (membership, mine, also) if row}.values())


def of(account: Account | None, organization: Organization) -> Membership | None:
    """The account's active membership."""
    mine = select(Membership).filter_by(account=account, organization=organization, active=True)
    return db.session.scalar(mine) if account else None


@dataclass(frozen=True)
class Need:
    """Whom a deed asks for: who of an organization's people may do it, and what the others hear."""

    who: frozenset[str]
    sentence: str = ""


# What every `require_…` asks, in one place: the page “Who May Do What” is drawn from it.
MEMBER = Need(frozenset({"owner", *ROLES}))
BILLING = Need(
    frozenset({"owner", "admin", "billing_admin"}),
    "Only an admin or a billing admin of the organization may do this.",
)
ADMIN = Need(frozenset({"owner", "admin"}), "Only an admin of the organization may do this.")
OWNER = Need(frozenset({"owner"}), "Only the owner of the organization may do this.")
NO_SUCH = "There is no such organization, or you are not, or no longer, a member of it."


def require_member(by: Account | None, organization: Organization) -> Membership:
    """Refuse strangers, who are not told that there is such an organization."""
    mine = of(by, organization)
    if mine is None or organization.state == "closed":
        raise NotFound(NO_SUCH)
    return mine


def require(need: Need, by: Account | None, organization: Organization) -> Membership:
    """Refuse everyone whom the deed does not ask for; an operator stands in for the owner."""
    if history.is_an_operators():
        require_open(organization)
        assert organization.owner
        return organization.owner
    mine = require_member(by, organization)
    if ("owner" if mine.is_owner else mine.state) not in need.who:
        raise NotAllowed(need.sentence)
    return mine


def require_open(organization: Organization) -> None:
    """Refuse what has ended, also to those who may see it."""
    if organization.state != "active":
        raise NotNow(f"“{organization.name}” is closed. Nothing can be done there any more.")


def require_admin(by: Account | None, organization: Organization) -> Membership:
    """Refuse everyone who is not an admin of the organization."""
    return require(ADMIN, by, organization)


def require_billing(by: Account | None, organization: Organization) -> Membership:
    """Refuse everyone who is neither an admin nor a billing admin."""
    return require(BILLING, by, organization)


def require_owner(by: Account | None, organization: Organization) -> Membership:
    """Refuse everyone but the owner."""
    return require(OWNER, by, organization)


def of_account(account: Account) -> list[Membership]:
    """Every active membership of a person, also in organizations that were closed."""
    theirs = select(Membership).filter_by(account_id=account.id, active=True)
    return list(db.session.scalars(theirs.order_by(Membership.id)))


def admins(organization: Organization) -> list[Membership]:
    """All admins, the owner first."""
    found = select(Membership).filter_by(organization=organization, state="admin")
    return sorted(db.session.scalars(found), key=lambda admin: (not admin.is_owner, admin.id))


def require_active(membership: Membership) -> None:
    if membership.state in ("left", "removed"):
        raise NotNow(membership.no_arrow("any"))


def role(membership: Membership) -> str:
    """The role in words, as it stands beside the name."""
    return "Owner" if membership.is_owner else ROLES.get(membership.state, membership.state)


@dataclass(frozen=True)
class Stay:
    """A time for which somebody was a member, and how it ended."""

    membership_id: int
    began: datetime
    ended: datetime
    how: str  # left or removed
    by: str | None  # who removed them


def earlier(membership: Membership) -> list[Stay]:
    """The stays of this person in this organization before this one, newest first."""
    theirs = select(Membership).filter_by(
        account_id=membership.account_id, organization_id=membership.organization_id, active=False
    )
    before = theirs.where(Membership.id < membership.id).order_by(Membership.id.desc())
    return [_stay(one) for one in db.session.scalars(before)]


def _stay(ended: Membership) -> Stay:
    first, *_, last = (step.action for step in history.history(ended))
    by = last.by.name if ended.state == "removed" and last.by else None
    return Stay(ended.id, first.at, last.at, ended.state, by)
