"""The billing contact: whom the invoices of an organization are made out to."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template
from pydantic import BaseModel

from web.deeds import deed
from web.forms import read
from web.session import in_organization
from workflows import billing_contacts, memberships
from workflows.memberships import BILLING

bp = Blueprint("billing_contacts", __name__)


class Contact(BaseModel):
    name: str
    address: str = ""


@bp.get("/<slug>/billing-contact")
@in_organization
def show() -> Any:
    memberships.require_billing(g.account, g.organization)
    contact = billing_contacts.of(g.organization)
    return render_template("pages/subscriptions/contact.html", contact=contact)


@bp.post("/<slug>/billing-contact")
@in_organization
@deed("Save Billing Contact", BILLING)
def write() -> Any:
    typed = read(Contact)
    billing_contacts.write(g.organization, typed.name, typed.address, by=g.account)
    flash("The next invoices have this name and address.")
    return _back()


@bp.post("/<slug>/billing-contact/remove")
@in_organization
@deed("Remove Billing Contact", BILLING)
def forget() -> Any:
    billing_contacts.forget(g.organization, by=g.account)
    flash("The next invoices have the name of the organization alone.")
    return _back()


def _back() -> Any:
    return redirect(f"/{g.organization.slug}/billing-contact", 303)
