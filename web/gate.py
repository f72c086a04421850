"""The gate's web side: a WSGI callable in front of Flask.

    /gate                  a reverse proxy asks whether a request may pass: 204, 401 or 403
    /t/<token>/repo/…      the built-in repository, with the token in the path
    /repo/…                the same, with the token in the Authorization header

What would surprise a reader: Flask never sees these requests. Its dispatch would cost more than
the judgement, and a path that holds a token should meet as little code and as few logs as it can.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug import Response

from web import carriers, downloads, peers, repository, visits
from web.carriers import Carried
from web.uses import Uses
from workflows import gate
from workflows.engine.db import now
from workflows.engine.refusals import Unavailable
from workflows.engine.settings import Settings
from workflows.gate import Judgement, Use

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("usher.gate")

# The page that helps. It names no organization: a token that a stranger found must not tell whose
# it was. Whoever logs in sees their own organizations there, with seat and token.
PAGES = {"subscription_suspended": "/subscriptions", "subscription_ended": "/subscriptions"}
OTHERWISE = "/organizations"

# What a use is remembered with: the name and version that a client gives itself, if it is one.
CLIENT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,30}(/[A-Za-z0-9._+-]{1,20})?")

# Not a package: what clients read to find packages. Everything else with a file's name is one, so
# that the gate also understands repositories of kinds it has never heard of.
INDEXES = (".json", ".json.zst", ".json.bz2", ".json.gz", ".msgpack.zst", ".html", ".xml", ".txt")


def is_package(path: str) -> bool:
    """Whether fetching this is the download that an invited person was waiting for."""
    name = path.rpartition("/")[2].lower()
    return "." in name.strip(".") and not name.endswith((*INDEXES, ".metadata", ".sig", ".asc"))


class Gate:
    """Answers for the gate and the built-in repository; all else goes to the app behind it."""

    def __init__(self, app: Flask, behind: WSGIApplication) -> None:
        self.app = app
        self.behind = behind
        self.settings: Settings = app.extensions["usher"]
        self.uses = Uses(self._record)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").lstrip("/")
        if path == "gate":
            answer = self._ask(environ)
        elif path.partition("/")[0] in ("t", "repo"):
            answer = self._serve(environ)
        else:
            return self.behind(environ, start_response)
        return answer(environ, start_response)

    def _ask(self, environ: WSGIEnvironment) -> Response:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _not_this_method()
        carried = carriers.of_gate(environ)
        judgement = self._judge(environ, carried)
        if isinstance(judgement, Response):
            return judgement
        asked = carriers.method_asked(environ)
        self._remember(environ, judgement, asked == "GET" and is_package(carried.path))
        return Response(status=204, headers={"Cache-Control": "no-store"})

    def _serve(self, environ: WSGIEnvironment) -> Response:
        """The file, to whoever may have it; only they learn which files there are."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _not_this_method()
        carried = carriers.of_file(environ)
        judgement = self._judge(environ, carried)
        if isinstance(judgement, Response):
            return judgement
        answer = repository.serve(self.settings.repository, carried.path, environ)
        got = environ["REQUEST_METHOD"] == "GET" and answer.status_code in (200, 206)
        whose = f"membership {judgement.membership_id}"
        if got and not downloads.running.admit(answer, whose):
            answer.close()
            return _not_now(downloads.TOO_MANY)
        self._remember(environ, judgement, got and is_package(carried.path))
        return answer

    def _judge(self, environ: WSGIEnvironment, carried: Carried) -> Judgement | Response:
        """The judgement when it lets the request pass, else the answer that says why not."""
        try:
            with self.app.app_context():  # and with it a database session of this request's own
                judgement = gate.judge(carried.secret)
        except (SQLAlchemyError, Unavailable) as error:
            log.error("No verdict: %s", type(error).__name__)  # its text may hold parameters
            return _not_now("Tokens cannot be checked for a moment. Try again in a few seconds.")
        visits.note(environ, organization_id=judgement.organization_id, refused=judgement.reason)
        return judgement if judgement.passes else self._refuse(judgement, carried)

    def _refuse(self, judgement: Judgement, carried: Carried) -> Response:
        status = 403 if carried.pip_would_prompt else judgement.status
        reason = str(judgement.reason)
        page = self.settings.base_url + PAGES.get(reason, OTHERWISE)
        lines = [gate.SENTENCES[reason], f"Your organizations and tokens: {page}"]
        if self.settings.support_url:
            lines.append(f"Help: {self.settings.support_url}")
        answer = _plain(status, *lines)
        answer.headers["X-Usher-Reason"] = reason
        if status == 401:  # pip looks into .netrc only then
            answer.headers["WWW-Authenticate"] = f'Basic realm="{self._realm()}"'
        return answer

    def _realm(self) -> str:
        name = self.settings.product_name
        quotable = name.isascii() and name.isprintable() and not set(name) & {'"', "\\"}
        return name if quotable else "Usher"

    def _remember(self, environ: WSGIEnvironment, judgement: Judgement, got: bool) -> None:
        # A download counts when the answer begins: whether the last byte arrived nobody knows.
        if judgement.generation_id is not None:
            client = CLIENT.match(environ.get("HTTP_USER_AGENT", ""))
            where = [client[0]] if client else []
            where.append(peers.address_in(environ, self.settings) or "an unknown address")
            use = Use(judgement.generation_id, self._clock(), ", ".join(where), got)
            self.uses.add(use)

    def _record(self, uses: list[Use]) -> None:
        """Write the uses down, each at its moment on the database's clock."""
        with self.app.app_context():
            ahead = self._clock() - now()
            gate.record_uses([replace(use, at=use.at - ahead) for use in uses])

    def _clock(self) -> datetime:
        return datetime.now(UTC) + self.settings.offset


def _plain(status: int, *lines: str) -> Response:
    text = "".join(f"{line}\n" for line in lines)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(text, status, headers, content_type=repository.TEXT)


def _not_this_method() -> Response:
    answer = _plain(405, "Only GET and HEAD are answered here.")
    answer.headers["Allow"] = "GET, HEAD"
    return answer


def _not_now(sentence: str) -> Response:
    answer = _plain(503, sentence)
    answer.headers["Retry-After"] = "5"
    return answer
