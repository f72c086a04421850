"""Deeds: what each form of an organization declares, for the page “Who May Do What”.

Nothing is decided here: the command behind a form asks the same need. A form that declares
nothing keeps the site from starting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from flask import Blueprint, Flask, current_app, render_template

from web.session import View, in_organization
from workflows import permissions
from workflows.memberships import Need
from workflows.permissions import Deed

bp = Blueprint("deeds", __name__)
CHAPTERS = {  # by the module of pages that a deed is done on
    "members": "Members and roles", "errands": "Many people at once",
    "exports": "Exports", "guest_lists": "Invitations", "corrections": "Invitations set right",
    "waitlist": "Waiting for a seat", "subscriptions": "Subscriptions",
    "cancellations": "The end of a subscription", "cards": "Card",
    "billing_contacts": "Billing contact",
    "tokens": "One’s own token", "home": "Set-up", "settings": "Settings", "ownership": "Ownership",
}  # fmt: skip


def deed(label: str, need: Need, *, event: str = "", but: str = "") -> Callable[[View], View]:
    """Declare what this form does, whom it asks for, and which rules come after that."""

    def declare(view: View) -> View:
        view.deed = Deed(label, need, event, but)  # type: ignore[attr-defined]
        return view

    return declare


def require_declared(app: Flask) -> None:
    """Refuse to start while a form of an organization does not say who may send it."""
    silent = [path for path, _, declared in _forms(app) if declared is None]
    if silent:
        raise RuntimeError(f"declare who may, with @deed of web/deeds.py: {', '.join(silent)}")


def of_site(app: Flask) -> dict[str, Deed]:
    """Each form of an organization by its path."""
    return {path: declared for path, _, declared in _forms(app) if declared}


def _forms(app: Flask) -> Iterator[tuple[str, str, Deed | None]]:
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and rule.rule.startswith("/<slug>"):
            chapter = rule.endpoint.partition(".")[0]
            view = app.view_functions[rule.endpoint]
            yield rule.rule, chapter, getattr(view, "deed", None)


@bp.get("/<slug>/who-may")
@in_organization
def who_may() -> str:
    known = {d.label: (chapter, d) for _, chapter, d in _forms(current_app) if d}
    by_chapter = sorted(known.values(), key=lambda one: list(CHAPTERS).index(one[0]))
    chapters = {
        CHAPTERS[name]: [one for _, one in group]
        for name, group in groupby(by_chapter, key=lambda one: one[0])
    }
    notes = list(dict.fromkeys(n for _, d in by_chapter for n in permissions.exceptions(d)))
    return render_template(
        "pages/members/who_may.html",
        chapters=chapters, standings=permissions.STANDINGS, may=permissions.may,
        exceptions=permissions.exceptions, notes=notes,
    )  # fmt: skip
