"""Memberships: an account in an organization, and the role it holds there.

    member ◀─▶ billing_admin ◀─▶ admin       by another admin, never by oneself
      │              │             │
    leave          remove        remove      the owner stays until ownership is handed over
      ▼              └──────┬──────┘
     left                removed

`active` is computed by the database from the state. A seat points at an active membership and an
organization at its owner's admin membership, so nobody can be removed in the wrong order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Computed, ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows.accounts import Account
from workflows.engine.db import Base, command, db, lock
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
        Index(
            "one_active_membership", "organization_id", "account_id", unique=True,
            postgresql_where=text(ACTIVE), sqlite_where=text(ACTIVE),
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


@command
def make_admin(membership: Membership, *, by: Account) -> None:
    """Give administrative and billing control."""
    _change_role(membership, "make_admin", by)


@command
def make_billing_admin(membership: Membership, *, by: Account) -> None:
    """Give billing control, and nothing else."""
    _change_role(membership, "make_billing_admin", by)


@command
def make_member(membership: Membership, *, by: Account) -> None:
    """Take all control away; seat and token stay."""
    _change_role(membership, "make_member", by)


def _change_role(membership: Membership, event: str, by: Account) -> None:
    lock_both(membership, by)
    require_admin(by, membership.organization)
    membership.fire(event, by=by)


def lock_both(membership: Membership, by: Account) -> None:
    """Hold the membership and that of the acting person: two admins may act on each other."""
    mine = of(by, membership.organization)
    lock(*{row.id: row for row in (membership, mine) if row}.values())


def of(account: Account | None, organization: Organization) -> Membership | None:
    """The account's active membership."""
    mine = select(Membership).filter_by(account=account, organization=organization, active=True)
    return db.session.scalar(mine) if account else None


def require_member(by: Account | None, organization: Organization) -> Membership:
    """Refuse strangers, who are not told that there is such an organization."""
    mine = of(by, organization)
    if mine is None or organization.state == "closed":
        raise NotFound("There is no such organization, or you are not a member of it.")
    return mine


def require_admin(by: Account | None, organization: Organization) -> Membership:
    """Refuse everyone who is not an admin of the organization."""
    mine = require_member(by, organization)
    if mine.state != "admin":
        raise NotAllowed("Only an admin of the organization may do this.")
    return mine


def require_billing(by: Account | None, organization: Organization) -> Membership:
    """Refuse everyone who is neither an admin nor a billing admin."""
    mine = require_member(by, organization)
    if mine.state not in ("admin", "billing_admin"):
        raise NotAllowed("Only an admin or a billing admin of the organization may do this.")
    return mine


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
