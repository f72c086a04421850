"""A refusal becomes a response here, once for the whole site; no route catches one."""

from __future__ import annotations

import logging
from contextlib import suppress
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, make_response, render_template, request
from flask import session as cookie
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug import Response
from werkzeug.exceptions import HTTPException

from web import forms, visits
from web.session import safe_path, wants_json
from workflows.billing import Declined
from workflows.engine.db import db
from workflows.engine.refusals import (
    Invalid,
    NotAllowed,
    NotFound,
    NotNow,
    Refusal,
    TooOften,
    Unavailable,
)

STATUS = {
    NotAllowed: 403, NotFound: 404, NotNow: 409, Declined: 409, TooOften: 429, Unavailable: 503,
}  # fmt: skip
TITLES = {
    400: "This did not arrive whole",
    401: "Log in first",
    403: "This is not yours to do",
    404: "There is nothing here",
    409: "This cannot be done now",
    413: "This is too large",
    422: "Something needs mending",
    429: "A little slower",
    500: "This is our mistake",
    503: "Usher is busy for a moment",
}
SENTENCES = {
    401: "You are not logged in. Nothing was changed.",
    404: "The address may be mistyped, or the page is not for you.",
    405: "This address cannot be opened like that. Nothing was changed.",
    413: "At most 2 MB can be sent at once. Nothing was changed.",
    429: "Too many tries in a short time. Wait a minute and try again.",
    500: "It was nothing that you typed. It is written down for whoever runs this site.",
    503: "Nothing was changed. Try again in a few seconds.",
}
TO_OPERATORS = (  # of a database that is away, in place of the words of 503
    "The database is away",
    "Usher’s database does not answer, so nothing can be told of what is stuck now. Whatever was "
    "written down is safe; pages, the gate and letters wait, and go on by themselves once it "
    "answers. Start PostgreSQL again: ./usher doctor says what is wrong with the connection.",
)
UNREADABLE = "What your browser sent could not be read. Nothing was changed."
UNSTORABLE = "Something here is larger or stranger than anything Usher keeps. Nothing was changed."
EXPIRED_FORM = (
    "The form was open since before you logged in or out, or it came from elsewhere. "
    "Nothing was changed. Open it again and send it once more."
)
log = logging.getLogger("usher.web")


def register(app: Flask) -> None:
    app.register_error_handler(Refusal, refuse)
    app.register_error_handler(Invalid, mend)
    app.register_error_handler(TooOften, slow_down)
    app.register_error_handler(CSRFError, outdated)
    app.register_error_handler(HTTPException, http_error)
    for error in (StaleDataError, ObjectDeletedError):
        app.register_error_handler(error, overtaken)
    for error in (OperationalError, InterfaceError, NoConnectionFree):
        app.register_error_handler(error, away)
    app.register_error_handler(DataError, lambda _: answer(422, UNSTORABLE))
    app.register_error_handler(500, broken)


def refuse(refusal: Refusal) -> Response:
    return answer(STATUS[type(refusal)], str(refusal))


def slow_down(refusal: TooOften) -> Response:
    response = refuse(refusal)
    response.headers["Retry-After"] = str(ceil(refusal.wait.total_seconds()))
    return response


def mend(refusal: Invalid) -> Response:
    """The page with the form again, what was typed kept and what is wrong beside it."""
    db.session.rollback()
    if request.method == "POST" and not wants_json():
        g.errors, g.typed = Sentences(refusal.fields), forms.typed()
        if page := _page_of_this_form():
            page.status_code = 422
            return page
        g.errors = {}
    return answer(422, str(refusal), fields=refusal.fields)


class Sentences(dict[str, str]):
    """What is wrong with each field, and which of it the page has told already."""

    def __getitem__(self, name: str) -> str:
        g.setdefault("told", set()).add(name)
        return super().__getitem__(name)


def _page_of_this_form() -> Response | None:
    """What a GET of this address shows; None when there is no such page, or it refuses."""
    with suppress(Refusal, HTTPException):
        adapter = current_app.url_map.bind("")
        endpoint, values = adapter.match(request.path, method="GET")
        request.method = "GET"  # for a view that answers both
        page = make_response(current_app.view_functions[endpoint](**values))
        return page if page.status_code == 200 else None
    return None


def http_error(error: HTTPException) -> Any:
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error.get_response()
    response = answer(code, SENTENCES.get(code, UNREADABLE))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def outdated(_: CSRFError) -> Response:
    g.title = "This form is too old"
    page = answer(400, EXPIRED_FORM)
    # It came without the cookie: what came from elsewhere sets none.
    if not {"sid", "notes"} & cookie.keys():
        cookie.modified = False
    return page


def overtaken(_: Exception) -> Response:
    return answer(409, "Somebody else changed this a moment ago. Look again before you retry.")


def away(error: Exception) -> Response:
    log.error("The database did not answer: %s", type(error).__name__)
    if request.path.split("/")[1] == "status":  # /readyz tells strangers as much
        title, sentence = TO_OPERATORS
        return answer(503, sentence, title=title)
    return answer(503, SENTENCES[503])


def broken(_: Exception) -> Response:
    return answer(500, SENTENCES[500])


def answer(status: int, sentence: str, **more: Any) -> Response:
    """The sentence as a page, a fragment for htmx, or problem+json: whatever was asked for."""
    if status >= 500:
        g.account = g.session = g.organization = None  # the page must not ask the database
    else:
        db.session.rollback()
    title = more.pop("title", TITLES.get(status, "This did not work"))
    if status < 500:
        title = g.get("title", title)
    facts: dict[str, Any] = {"title": title, "sentence": sentence, "ways": _ways(status)}
    if status >= 500:
        facts["request_id"] = more["request_id"] = visits.request_id()
    if wants_json():
        response = make_response({"title": title, "status": status, "detail": sentence, **more})
        response.content_type = "application/problem+json"
    elif request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        response = make_response(render_template("pages/refusal_note.html", **facts))
        response.headers.update({"HX-Retarget": "#said", "HX-Reswap": "innerHTML show:top"})
        response.headers["HX-Reselect"] = ".u-note"  # whatever part of a page was asked for
    else:
        response = make_response(render_template("pages/refusal.html", **facts))
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _ways(status: int) -> list[tuple[str, str]]:
    """Where the person can go from here, the best first, as (label, path)."""
    ways = list(g.get("ways", ()))
    if not ways and (page := back()) and not _is_closed(page):
        ways.append(("Go Back", page))
    if status == 503 and (page := _asked_for()):
        ways.insert(0, ("Try Again", page))
    if status >= 500:
        return ways or [("Try Again", "/")]
    if g.get("membership"):
        ways.append((f"Go to {g.organization.name}", f"/{g.organization.slug}/home"))
    if g.get("account") is None:
        return ways or [("Log In", "/login")]
    return [*ways, ("Go to Your Organizations", "/organizations")]


def _is_closed(page: str) -> bool:
    """Is it of an organization that has just been closed to this person, or was never open?"""
    slug = (request.view_args or {}).get("slug")
    return bool(slug) and not g.get("membership") and page.startswith(f"/{slug}/")


def _asked_for() -> str | None:
    """The page that was asked for; where that was a piece of one, the page that it is on."""
    if request.method not in ("GET", "HEAD"):
        return None
    if request.headers.get("HX-Request"):
        return _came_from()
    return safe_path(request.full_path.rstrip("?"))


def back() -> str | None:
    """The page the person came from, if it is one of ours and not the one refused."""
    page = _came_from()
    if request.method in ("GET", "HEAD") and page and urlsplit(page).path == request.path:
        return None
    return page


def _came_from() -> str | None:
    try:
        came_from = urlsplit(request.referrer or "")
    except ValueError:
        return None
    if came_from.netloc != request.host:
        return None
    return safe_path(came_from._replace(scheme="", netloc="", fragment="").geturl())
