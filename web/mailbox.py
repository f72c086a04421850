"""The mailbox of the embedded mode, so that the whole journey can be walked with no mail server.

It stands for everybody's mailboxes at once, so it exists on this machine only: no other host may
be listened on, and no page of another site can reach it under a name of its own.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from itertools import islice
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, request

from web import letter_views
from workflows.engine.settings import LOOPBACK, settings

bp = Blueprint("mailbox", __name__, url_prefix="/dev")
ON_A_PAGE = 100


@dataclass(frozen=True)
class Received:
    """A letter as its recipient has it."""

    id: str
    to: str
    sender: str
    subject: str
    text: str
    html: str
    at: datetime


@bp.before_request
def only_here() -> None:
    here = urlsplit(f"//{request.host}").hostname in LOOPBACK
    if not here or settings().host not in LOOPBACK or settings().mailbox is None:
        abort(404)


@bp.get("/mailbox")
def all_letters() -> Response:
    files = _files()
    newest = [_read(file) for file in islice(files, ON_A_PAGE)]
    return letter_views.around("pages/mailbox/list.html", letters=newest)


@bp.get("/mailbox.json")
def as_json() -> Response:
    return jsonify([_plain(_read(file)) for file in _files()])


@bp.get("/mailbox/<letter_id>")
def one_letter(letter_id: str) -> Response:
    return letter_views.around("pages/mailbox/letter.html", letter=_read(_file(letter_id)))


@bp.get("/mailbox/<letter_id>/html")
def html_of(letter_id: str) -> Response:
    return letter_views.as_html(_read(_file(letter_id)).html)


def _files() -> Iterator[Path]:
    """The newest first. A file is whole once it has its name, and never changes."""
    folder = cast(Path, settings().mailbox)
    files = folder.glob("*.eml")
    return iter(sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True))


def _file(letter_id: str) -> Path:
    """The file of this letter, looked up among those that are there."""
    found = next((file for file in _files() if file.stem == letter_id), None)
    return found or abort(404)


def _read(file: Path) -> Received:
    with file.open("rb") as content:
        letter = email.message_from_binary_file(content, policy=email.policy.default)
    return Received(
        id=file.stem,
        to=str(letter["To"]),
        sender=str(letter["From"]),
        subject=str(letter["Subject"]),
        text=_part(letter, "plain"),
        html=_part(letter, "html"),
        at=letter["Date"].datetime,
    )


def _part(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def _plain(letter: Received) -> dict[str, Any]:
    """The letter as JSON names it."""
    facts = asdict(letter)
    sender = facts.pop("sender")
    return {**facts, "from": sender, "at": letter.at.isoformat()}
