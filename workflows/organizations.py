"""Organizations: a grouping of accounts that buys seats together.

    forming ── open ─▶ active ── close ─▶ closed

`forming` lasts inside one transaction only, until the founder's membership can be the owner's.
The ID (`slug`) is the organization's place in the URL; the database refuses to change it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import DDL, CheckConstraint, ForeignKeyConstraint, event, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import accounts, memberships
from workflows.accounts import Account
from workflows.engine import history, limits
from workflows.engine.db import Base, command, db
from workflows.engine.identity import parse_name
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid
from workflows.memberships import Membership

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# First segments of our own addresses, and words that would mislead people as an organization's ID.
_RESERVED = """
    about account accounts activity admin api app apps assets auth billing blog contact dev docs
    download favicon forgot gate health healthz help home invitation invitations invite join legal
    letters login logout mail mailbox me members metrics never new null open organization
    organizations ownership pricing privacy profile public readyz register repo repository reset
    robots root search security sessions settings signin signup simple static status subscription
    subscriptions support system t team teams terms token tokens undefined user users usher
    webhooks well-known www
"""
RESERVED = frozenset(_RESERVED.split())
FORMED = "You formed many organizations lately."
INVITATION_DAYS = range(1, 61)


class OrganizationMachine(Machine):
    forming = State(initial=True)
    active = State()
    closed = State(final=True)

    open = forming.to(active)
    close = active.to(closed)


class Organization(Stateful, Base):
    __tablename__ = "organizations"
    __table_args__ = (
        # The owner is an admin of this very organization, or the row cannot be written.
        ForeignKeyConstraint(
            ["owner_id", "id", "owner_state"],
            ["memberships.id", "memberships.organization_id", "memberships.state"],
            name="fk_organizations_owner",
            use_alter=True,
        ),
        CheckConstraint("(owner_id IS NULL) = (state = 'forming')", name="has_owner"),
        CheckConstraint("(owner_id IS NULL) = (owner_state IS NULL)", name="owner_complete"),
        CheckConstraint("owner_state = 'admin'", name="owner_is_admin"),
        CheckConstraint("invitation_days BETWEEN 1 AND 60", name="invitation_days"),
    )
    machine = OrganizationMachine

    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    owner_id: Mapped[int | None]
    owner_state: Mapped[str | None]
    invitation_days: Mapped[int] = mapped_column(default=14)
    logo: Mapped[str | None]  # which version of the picture in `logos`, None without one

    owner: Mapped[Membership | None] = relationship(
        primaryjoin="foreign(Organization.owner_id) == remote(Membership.id)", viewonly=True
    )

    @property
    def organization_id(self) -> int:
        """For the history, which files every step under an organization."""
        return self.id


@command
def found(name: str, slug: str, *, by: Account) -> Organization:
    """Form the organization with its founder as owner and first admin."""
    slug = parse_slug(slug)
    require_free(slug)
    accounts.hold(by)
    limits.count("organizations", by.id, sentence=FORMED)
    organization = Organization.begin(name=parse_name(name, "name"), slug=slug, by=by)
    founder = Membership.begin(organization=organization, account=by, by=by)
    founder.fire("found", by=by)
    return organization.fire("open", by=by, owner_id=founder.id, owner_state="admin")


@command
def rename(organization: Organization, name: str, *, by: Account) -> None:
    """Change the name; the ID stays."""
    memberships.require_admin(by, organization)
    if organization.name == parse_name(name):
        return
    history.because(f"“{organization.name}” became “{parse_name(name)}”")
    organization.name = parse_name(name)
    history.note(organization.id, by=by)


@command
def set_invitation_days(organization: Organization, days: int, *, by: Account) -> None:
    """How many days an invitation sent from now on can be accepted."""
    memberships.require_admin(by, organization)
    if days not in INVITATION_DAYS:
        raise Invalid(days="Choose between 1 and 60 days.")
    if organization.invitation_days == days:
        return
    history.because(f"{organization.invitation_days} days became {days}")
    organization.invitation_days = days
    history.note(organization.id, by=by)


def pass_on(organization: Organization, membership: Membership) -> None:
    """Make this admin the owner; called by whoever accepts the offer."""
    history.moved("memberships", membership.id, *filter(None, [organization.owner_id]))
    organization.owner_id = membership.id
    db.session.flush()


def parse_slug(text: str) -> str:
    """The ID as it will stand in the URL, or `Invalid(slug=…)` that says how to mend it."""
    slug = text.strip().lower()
    if not 3 <= len(slug) <= 40:
        raise Invalid(slug="An ID has 3 to 40 characters.")
    if not SLUG.fullmatch(slug) or not slug.isascii():
        raise Invalid(slug="An ID has letters a to z, digits, and single hyphens between them.")
    if slug in RESERVED:
        raise Invalid(slug=f"“{slug}” is a word that Usher needs itself. Choose another.")
    return slug


def require_free(slug: str) -> None:
    """Refuse an ID that any organization has or ever had, and name one that is free."""
    if by_slug(slug):
        raise Invalid(slug=f"“{slug}” is taken. Free and close to it: {free_near(slug)}.")


def free_near(slug: str) -> str:
    """An ID like this one that nobody has."""
    stem = slug[:34].rstrip("-")
    near = (f"{stem}-{number}" for number in range(2, 10_000))
    return next(candidate for candidate in near if not by_slug(candidate))


def by_slug(slug: str) -> Organization | None:
    if not SLUG.fullmatch(slug):
        return None
    return db.session.scalar(select(Organization).filter_by(slug=slug))


def of_account(account: Account) -> Sequence[Membership]:
    """The memberships of a person in all their organizations, by name."""
    mine = select(Membership).filter_by(account=account, active=True).join(Membership.organization)
    open_ones = mine.where(Organization.state == "active")
    return db.session.scalars(open_ones.order_by(Organization.name, Organization.id)).all()


SLUG_STAYS = {
    "sqlite": ["""
CREATE TRIGGER organizations_slug_stays BEFORE UPDATE OF slug ON organizations
WHEN NEW.slug <> OLD.slug BEGIN SELECT RAISE(ABORT, 'an organization ID never changes'); END
"""],
    "postgresql": ["""
CREATE OR REPLACE FUNCTION usher_slug_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'an organization ID never changes'; END $$
""", """
CREATE TRIGGER organizations_slug_stays BEFORE UPDATE OF slug ON organizations
FOR EACH ROW WHEN (NEW.slug <> OLD.slug) EXECUTE FUNCTION usher_slug_stays()
"""],
}  # fmt: skip

for _dialect, _statements in SLUG_STAYS.items():
    for _statement in _statements:
        _ddl = DDL(_statement).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        event.listen(Organization.__table__, "after_create", _ddl)
