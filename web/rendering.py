"""What every template may use, beside its own facts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, g, url_for
from markupsafe import Markup

from web import navigation, pictures
from workflows import memberships, prices
from workflows.engine import pauses, stationery
from workflows.engine.db import now
from workflows.engine.settings import settings

STATIC = Path(__file__).parent / "static"
VENDOR = STATIC / "vendor"
UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def register(app: Flask) -> None:
    app.context_processor(_facts)
    app.jinja_env.globals.update(
        icon=icon, now=now, role=memberships.role, vendored=vendored, asset=asset,
        places_here=navigation.places_here, places_of_operations=navigation.of_operations,
        told=told, untold=untold, paused_domains=pauses.all_now, bar=pictures.bar,
    )  # fmt: skip
    app.jinja_env.filters.update(
        ago=ago, in_words=in_words, exact=stationery.moment, date=stationery.day, day=day,
        iso=datetime.isoformat, money=prices.in_words, initials=initials,
        seats=prices.seats_in_words, state_of=state_of,
    )  # fmt: skip
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _facts() -> dict[str, Any]:
    """Settings, who asks, and what was typed wrongly; `errors` is empty on a fresh page."""
    return {
        "settings": settings(),
        "account": g.get("account"),
        "organization": g.get("organization"),
        "membership": g.get("membership"),
        "errors": g.get("errors", {}),
        "typed": g.get("typed", {}),
        "waiting": navigation.waiting,
    }


def told(name: str) -> str | None:
    """The sentence about this field, which the page now shows."""
    g.setdefault("told", set()).add(name)
    return g.get("errors", {}).get(name)  # type: ignore[no-any-return]


def untold() -> Iterator[str]:
    """The sentences about fields that the page, as far as it is written, does not show."""
    for name, sentence in g.get("errors", {}).items():
        if name not in g.setdefault("told", set()):
            g.told.add(name)
            yield sentence


@cache
def asset(path: str) -> str:
    """The address of a file in static/, another one whenever the file is another."""
    version = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return url_for("static", filename=path, v=version)


@cache
def vendored(name: str) -> str:
    """The address of an asset made by others, whatever version of it is there."""
    [file] = VENDOR.rglob(name)
    return asset(str(file.relative_to(STATIC)))


@cache
def _drawing(name: str) -> str:
    [file] = VENDOR.glob(f"lucide*/{name}.svg")
    inner = re.search(r"<svg[^>]*>(.*)</svg>", file.read_text(), re.DOTALL)
    assert inner
    return " ".join(inner[1].split())


def icon(name: str, label: str = "") -> Markup:
    """A lucide icon in the colour of its text; without a label a word must stand beside it."""
    said = Markup('role="img" aria-label="{}"').format(label) if label else 'aria-hidden="true"'
    frame = (
        '<svg class="u-i" {} viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-linecap="round" stroke-linejoin="round">{}</svg>'
    )
    return Markup(frame).format(Markup(said), Markup(_drawing(name)))


class Shown(NamedTuple):
    """How a state looks: the word people read, and the kind that gives it colour and shape."""

    word: str
    kind: str


def state_of(row: Any) -> Shown:
    """The state of a row, or of a word; a letter that was sent has arrived, an invitation not."""
    state = row if isinstance(row, str) else row.state
    state = state.replace("_", " ").lower()
    if getattr(row, "__tablename__", "") == "letters":
        if state == "pending" and row.attempts:
            state = "retrying"
        return Shown(state.capitalize(), "handed over" if state == "sent" else state)
    return Shown(state.capitalize(), state)


def ago(moment: datetime) -> str:
    """How long since (or until) a moment, in the largest fitting unit: 3 days."""
    seconds = abs((now() - moment).total_seconds())
    for unit, size in UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "now"


def in_words(moment: datetime) -> str:
    """3 days ago; in 2 hours; just now."""
    if (words := ago(moment)) == "now":
        return "just now"
    return f"in {words}" if moment > now() else f"{words} ago"


def day(moment: datetime) -> str:
    """14 March 2027, with Today and Yesterday by their names."""
    days = (now().date() - moment.date()).days
    return {0: "Today", 1: "Yesterday"}.get(days) or stationery.day(moment)


def initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
