"""Activity: who did what in an organization, when and why, newest first."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, abort, g, render_template, request

from web import sentences
from web.session import in_organization
from workflows import chronicles

bp = Blueprint("activity", __name__)
ON_A_PAGE = 50


@bp.get("/<slug>/activity")
@in_organization
def activity() -> Any:
    before = _before()
    entries = chronicles.of(g.membership, before, ON_A_PAGE + 1)
    shown = entries[:ON_A_PAGE]
    days = groupby(map(sentences.line, shown), key=lambda line: line.at.date())
    return render_template(
        "pages/activity/index.html",
        days=[list(lines) for _, lines in days],
        older=shown[-1].action.id if len(entries) > ON_A_PAGE else None,
        before=before,
    )


def _before() -> int | None:
    """The action whose predecessors are asked for; what is no number is no address."""
    text = request.args.get("before")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        abort(404)
    return int(text)
