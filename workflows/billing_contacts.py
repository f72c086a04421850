"""Billing contacts: whom the invoices of an organization are made out to, and their postal address.

An invoice keeps what stood here when it was written; a change is for the next one.
"""

from __future__ import annotations

import unicodedata

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from workflows.accounts import Account
from workflows.engine import history
from workflows.engine.db import Base, command, db, lock
from workflows.engine.identity import parse_name
from workflows.engine.refusals import Invalid
from workflows.memberships import require_billing
from workflows.organizations import Organization

MOST_LINES, LONGEST_LINE = 6, 80


class BillingContact(Base):
    __tablename__ = "billing_contacts"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    name: Mapped[str]
    address: Mapped[str]  # lines, in the order of an envelope; may be empty

    @property
    def lines(self) -> str:
        """Name and address as they stand on an invoice."""
        return "\n".join(filter(None, [self.name, self.address]))


@command
def write(organization: Organization, name: str, address: str, *, by: Account) -> None:
    """Make the next invoices out to this name and postal address."""
    lock(organization)
    require_billing(by, organization)
    name, address = parse_name(name), _parse_lines(address)
    known = of(organization)
    if known and (known.name, known.address) == (name, address):
        return
    fresh = BillingContact(organization_id=organization.id, name=name, address=address)
    db.session.merge(fresh)
    history.note(organization.id, by=by)


@command
def forget(organization: Organization, *, by: Account) -> None:
    """Make the next invoices out to the organization alone."""
    lock(organization)
    require_billing(by, organization)
    if known := of(organization):
        db.session.delete(known)
        history.note(organization.id, by=by)


def of(organization: Organization) -> BillingContact | None:
    return db.session.get(BillingContact, organization.id)


def _parse_lines(text: str) -> str:
    """The lines of a postal address, safe to print anywhere; or `Invalid(address=…)`."""
    if len(text) > 4 * MOST_LINES * LONGEST_LINE:  # before it is normalised, which takes long
        raise Invalid(address=f"An address has at most {MOST_LINES} lines.")
    plain = unicodedata.normalize("NFC", text).splitlines()
    lines = [line for line in (" ".join(one.split()) for one in plain) if line]
    if len(lines) > MOST_LINES:
        raise Invalid(address=f"An address has at most {MOST_LINES} lines.")
    if any(len(line) > LONGEST_LINE for line in lines):
        raise Invalid(address=f"One line has more than {LONGEST_LINE} characters.")
    if any(unicodedata.category(letter)[0] == "C" for line in lines for letter in line):
        raise Invalid(address="This address contains characters that cannot be shown.")
    return "\n".join(lines)
