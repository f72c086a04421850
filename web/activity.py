"""Activity: who did what in an organization, when and why, newest first."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, g, render_template

from web import rows, sentences
from web.session import in_organization
from workflows import chronicles

bp = Blueprint("activity", __name__)
ON_A_PAGE = 50


@bp.get("/<slug>/activity")
@in_organization
def activity() -> Any:
    before = rows.before()
    entries = chronicles.of(g.membership, before, ON_A_PAGE + 1)
    shown = entries[:ON_A_PAGE]
    days = groupby(map(sentences.line, shown), key=lambda line: line.at.date())
    return render_template(
        "pages/activity/index.html",
        days=[list(lines) for _, lines in days],
        older=shown[-1].action.id if len(entries) > ON_A_PAGE else None,
        before=before,
    )
