"""Operations: how Usher fares, for whoever runs it."""

from __future__ import annotations

from flask import Blueprint, render_template

from web.health import beside
from web.session import for_operators

bp = Blueprint("status", __name__)


@bp.get("/status")
@for_operators
def overview() -> str:
    return render_template("pages/status/index.html", beside=beside())
