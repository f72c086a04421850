"""All letters with sample facts, for whoever runs Usher to read before they are sent."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, redirect
from werkzeug import Response as Answer

from web import letter_views
from web.letter_samples import samples
from workflows.engine import stationery
from workflows.engine.settings import settings
from workflows.engine.stationery import Written

bp = Blueprint("letters", __name__, url_prefix="/letters")


@bp.before_request
def only_operators() -> None:
    """In the embedded mode everybody is one."""
    if not settings().embedded and not (g.account and g.account.operator):
        abort(404)


@bp.get("")
def first() -> Answer:
    return redirect(f"/letters/{next(iter(samples()))}")


@bp.get("/<name>")
def one(name: str) -> Response:
    facts = {"name": name, "names": list(samples()), "letter": _written(name)}
    return letter_views.around("pages/letters/letter.html", **facts)


@bp.get("/<name>/html")
def html_of(name: str) -> Response:
    return letter_views.as_html(_written(name).html)


@bp.get("/<name>/text")
def text_of(name: str) -> Response:
    letter = _written(name)
    return letter_views.as_text(f"Subject: {letter.subject}\n\n{letter.text}")


def _written(name: str) -> Written:
    if name not in samples():
        abort(404)
    to, facts = samples()[name]
    return stationery.write(name, to, facts)
