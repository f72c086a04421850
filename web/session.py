"""Who is asking: the browser's session, and what a page demands of it.

The cookie holds a random secret, the CSRF secret, flash messages and a name for the browser; who
that is stands in the row on the server (`workflows.sessions`). Log-in begins a new row with a new
secret. Somebody who is not logged in has no row: which row a link of a letter led to is noted in
the cookie, signed, so that nobody who opens links again and again fills a table.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, Request, abort, current_app, flash, g, redirect, request, url_for
from flask import session as cookie
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug import Response
from werkzeug.exceptions import HTTPException

from web import browsers, peers
from workflows import memberships, operators, organizations, sessions
from workflows.accounts import Account
from workflows.engine import seals
from workflows.engine.identity import surroundings
from workflows.engine.refusals import NotFound, NotNow
from workflows.engine.settings import LOOPBACK, Settings

View = Callable[..., Any]
WITHOUT = {"static", "health.alive", "health.ready"}  # asked for without anybody's session


class Cookies(SecureCookieSessionInterface):
    """What a cookie leads to says how long it is good, on the database's clock, not on ours."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        signer = self.get_signing_serializer(app)
        signed = request.cookies.get(self.get_cookie_name(app))
        if signer is None:
            return None
        return self.session_class(seals.opened(signer, signed) or {} if signed else {})


def prepare(app: Flask, settings: Settings) -> None:
    """Name and guard the cookie, and look at it before every request."""
    app.session_interface = Cookies()
    base = urlsplit(settings.base_url)
    secure = base.scheme == "https"
    app.config.update(
        SESSION_COOKIE_NAME="__Host-usher" if secure else f"usher-{base.port or settings.port}",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=sessions.LONGEST,
    )
    app.before_request(_look_up)


def _look_up() -> Response | None:
    for left in [*g]:  # by an earlier request, where a context outlives one
        g.pop(left)
    g.session = g.account = None
    if request.endpoint in WITHOUT:
        return None
    if elsewhere := _other_name():
        return redirect(elsewhere, 307)
    if secret := cookie.get("sid"):
        g.session = sessions.session_of(str(secret))
    if g.session:
        sessions.see(g.session)
        g.account = g.session.account
    return None


def _other_name() -> str | None:
    """A second loopback name would have cookies of its own: lead to the one in the letters."""
    base = urlsplit(current_app.extensions["usher"].base_url)
    if request.method not in ("GET", "HEAD") or base.hostname not in LOOPBACK:
        return None
    bracketed = f"[{base.hostname}]" if ":" in str(base.hostname) else str(base.hostname)
    port = f":{base.port}" if base.port else ""
    others = {f"{name}{port}" for name in (*LOOPBACK, "[::1]")} - {f"{bracketed}{port}"}
    return f"{base.scheme}://{base.netloc}{_wanted()}" if request.host in others else None


def remember(response: Response, **notes: Any) -> Response:
    """Note something of this browser: in its session, or in the cookie if it has none."""
    if g.session:
        sessions.note(g.session, **notes)
    else:
        cookie.permanent = True
        cookie["notes"] = {**cookie.get("notes", {}), **notes}
    return response


def sign_in(account: Account, response: Response) -> Response:
    """Begin a new session for this account; the old one, and all it noted, is gone."""
    _end()
    _begin(account)
    return response


def browser() -> str:
    """A name for this browser, given the first time it is asked; it outlives log-outs."""
    return str(cookie.setdefault("browser", secrets.token_urlsafe(16)))


def whence() -> dict[str, str]:
    """Where a password is typed, as far as can be known."""
    return {"client": peers.address(), "browser": browser()}


def is_fresh() -> bool:
    """Whether the password was typed in this session lately."""
    return sessions.is_fresh(g.session, str(cookie.get("sid")))


def renew() -> None:
    """Go on in the same session under a new secret: the password was typed again."""
    cookie["sid"] = sessions.prove(g.session)


def sign_out(response: Response) -> Response:
    """End the session; what the browser kept of these pages is forgotten too."""
    _end()
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _begin(account: Account) -> None:
    cookie.permanent = True
    cookie["sid"] = secret = sessions.open_session(account, **_where())
    g.session = sessions.session_of(secret)
    g.account = account


def _where() -> dict[str, str]:
    """What a person needs to know this log-in again among the others, and no more."""
    agent = request.user_agent.string
    return {"browser": browsers.name(agent), "network": surroundings(peers.address())}


def _end() -> None:
    if g.session:
        sessions.close_session(g.session)
    stays = ("_flashes", "_permanent", "browser")
    kept = {name: cookie[name] for name in stays if name in cookie}
    cookie.clear()  # a new CSRF secret too
    cookie.update(kept)
    g.session = g.account = None


def note(name: str) -> Any:
    """What was noted of this browser under this name."""
    return (g.session.notes if g.session else cookie.get("notes", {})).get(name)


def require_shown(row_id: int) -> None:
    """Refuse a form of a page about another link than the one this browser opened last."""
    if request.method == "POST" and request.form.get("shown", str(row_id)) != str(row_id):
        raise NotNow("You opened another link meanwhile. Open the one you mean again.")


def signed_in(view: View) -> View:
    """Lead whoever is nobody to the login page, and back again."""

    @wraps(view)
    def guarded(**kwargs: Any) -> Any:
        if g.account is None:
            return _ask_to_log_in()
        return view(**kwargs)

    return guarded


def _ask_to_log_in() -> Response:
    """To the login page, and from there back to what was wanted."""
    if request.headers.get("HX-Request") or wants_json():
        abort(401)
    if request.method in ("GET", "HEAD"):
        return redirect(f"/login?next={quote(_wanted(), safe='/')}", 303)
    flash("You are not logged in any more. Nothing was changed: log in and do it again.")
    return redirect("/login", 303)


def wants_json() -> bool:
    """Whether a program asks, one that says so."""
    accepted = request.accept_mimetypes
    return accepted.accept_json and not accepted.accept_html


def _wanted() -> str:
    """The path of this request with its query, fit for a Location."""
    query = quote(request.query_string.decode("latin-1"), safe="=&%+/-._~")
    return quote(request.path, safe="/-._~") + (f"?{query}" if query else "")


def in_organization(view: View) -> View:
    """Load `<slug>`; a stranger gets the same answer as for what does not exist."""

    @wraps(view)
    def guarded(slug: str, **kwargs: Any) -> Any:
        if slug != slug.lower():
            lower = url_for(str(request.endpoint), slug=slug.lower(), **kwargs)
            return redirect(lower + _wanted()[len(quote(request.path, safe="/-._~")) :], 308)
        organization = organizations.by_slug(slug)
        if organization is None:
            raise NotFound(memberships.NO_SUCH)  # as `require_member` says to strangers
        g.membership = memberships.require_member(g.account, organization)
        g.organization = organization
        return view(**kwargs)

    return signed_in(guarded)


def for_operators(view: View) -> View:
    """A page about all of Usher: to everybody else there is none."""

    @wraps(view)
    def guarded(**kwargs: Any) -> Any:
        operators.require_operator(g.account)
        return view(**kwargs)

    return signed_in(guarded)


def safe_path(path: str | None) -> str | None:
    """A path of our own that can be opened, or None: nobody is led elsewhere by a link of ours."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")):
        return None
    if any(not "!" <= letter <= "~" or letter == "\\" for letter in path):
        return None
    try:
        adapter = current_app.url_map.bind("")
        endpoint, values = adapter.match(urlsplit(path).path, method="GET")
    except (HTTPException, ValueError):
        return None
    is_page = endpoint != "static" and values.get("slug") not in organizations.RESERVED
    return path if is_page else None
