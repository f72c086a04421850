"""Activity: who did what in an organization, when and why, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import groupby
from typing import Any

from flask import Blueprint, g, render_template, request
from pydantic import BaseModel

from web import rows, sentences
from web.session import in_organization
from workflows import chronicles
from workflows.chronicles import Search

bp = Blueprint("activity", __name__)
ON_A_PAGE = 50
SUBJECTS = {
    "invitations": "Invitations", "members": "Members and roles", "seats": "Seats",
    "tokens": "Tokens", "subscriptions": "Subscriptions", "organization": "The organization",
}  # fmt: skip


class Asked(BaseModel):
    """Which actions are wanted, as an address or a form says it."""

    about: str = ""
    who: str = ""
    since: str = ""
    until: str = ""


@bp.get("/<slug>/activity")
@in_organization
def activity() -> Any:
    before, search = rows.before(), search_for(request.args)
    entries = chronicles.of(g.membership, before, ON_A_PAGE + 1, search)
    shown = entries[:ON_A_PAGE]
    days = groupby(map(sentences.line, shown), key=lambda line: line.at.date())
    return render_template(
        "pages/activity/index.html",
        days=[list(lines) for _, lines in days],
        older=shown[-1].action.id if len(entries) > ON_A_PAGE else None,
        before=before, search=search, subjects=SUBJECTS, asked=_asked(),
    )  # fmt: skip


def search_for(asked: Mapping[str, str]) -> Search:
    """What the address asks for; what it says in words of its own making asks for everything."""
    return Search(
        about=asked.get("about", "") if asked.get("about") in SUBJECTS else "",
        who=asked.get("who", "").replace("\0", "").strip()[:200],
        since=_day(asked.get("since", "")),
        until=_day(asked.get("until", "")),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None


def _asked() -> dict[str, str]:
    """What this page was asked, for links to its other pages."""
    asked = request.args
    return {name: asked[name][:200] for name in Asked.model_fields if asked.get(name)}
